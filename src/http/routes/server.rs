//! `/` and `/version`.

use axum::Json;
use axum::extract::State;

use super::app::App;
use crate::api::{ServerInfo, VersionInfo};
use crate::daemon::Daemon;

/// Say that the server runs, and how.
#[cfg_attr(test, utoipa::path(get, path = "/", responses((status = 200, body = ServerInfo))))]
pub(super) async fn info(State(app): State<App>) -> Json<ServerInfo> {
    Json(ServerInfo {
        address: app.access.address.map(|address| address.to_string()),
        address_error: app.access.address_error.clone(),
        auth: app.access.token.is_some(),
        ..app.daemon.info()
    })
}

/// Say which version it is.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/version",
    responses((status = 200, body = VersionInfo))
))]
pub(super) async fn version(State(daemon): State<Daemon>) -> Json<VersionInfo> {
    let version = daemon.info().version;
    Json(VersionInfo { version })
}
