//! The daemon's HTTP API: thin handlers, and who may come in.
//!
//! Handlers turn a request into a call of the daemon and its answer into a
//! reply; they decide nothing.

mod error;
mod recordings;
mod unix;

use std::future::Future;
use std::io;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::UnixListener;

use crate::api::{ServerInfo, VersionInfo};
use crate::daemon::Daemon;

/// All routes.
fn router(daemon: Daemon) -> Router {
    Router::new()
        .route("/", get(info))
        .route("/version", get(version))
        .route(
            "/recordings",
            get(recordings::list).post(recordings::create),
        )
        .route(
            "/recordings/{id}",
            get(recordings::get).delete(recordings::stop),
        )
        .route("/recordings/{id}/markers", post(recordings::mark))
        .with_state(daemon)
}

/// Serves the API on a Unix socket until `shutdown` is done. Only processes of
/// the same user are let in.
///
/// # Errors
/// When the socket fails.
pub async fn serve_unix(
    daemon: Daemon,
    listener: UnixListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(unix::SameUser(listener), router(daemon))
        .with_graceful_shutdown(shutdown)
        .await
}

async fn info(State(daemon): State<Daemon>) -> Json<ServerInfo> {
    Json(daemon.info())
}

async fn version(State(daemon): State<Daemon>) -> Json<VersionInfo> {
    let version = daemon.info().version;
    Json(VersionInfo { version })
}
