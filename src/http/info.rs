//! `/` and `/version`.

use axum::Json;
use axum::extract::State;

use super::App;
use crate::api::{ServerInfo, VersionInfo};
use crate::daemon::Daemon;

/// Say that the server runs, and how.
#[utoipa::path(get, path = "/", tag = "server", responses((status = 200, body = ServerInfo)))]
pub(super) async fn info(State(app): State<App>) -> Json<ServerInfo> {
    Json(ServerInfo {
        address: app.gate.address.map(|address| address.to_string()),
        address_error: app.gate.address_error.clone(),
        auth: app.gate.token.is_some(),
        ..app.daemon.info()
    })
}

/// Say which version it is.
#[utoipa::path(
    get,
    path = "/version",
    tag = "server",
    responses((status = 200, body = VersionInfo))
)]
pub(super) async fn version(State(daemon): State<Daemon>) -> Json<VersionInfo> {
    let version = daemon.info().version;
    Json(VersionInfo { version })
}
