//! `/settings`.

use axum::Json;
use axum::extract::State;

use crate::api::{Settings, SettingsReloaded};
use crate::daemon::Daemon;
use crate::http::error::Result;

/// Say which settings the server works with.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/settings",
    responses((status = 200, body = Settings))
))]
pub(super) async fn list(State(daemon): State<Daemon>) -> Json<Settings> {
    let settings = daemon.config().to_json();
    Json(Settings { settings })
}

/// Read the settings again, from the server's file and environment. What cannot
/// change while it runs is named.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/settings/reload",
    responses((status = 200, body = SettingsReloaded))
))]
pub(super) async fn reload(State(daemon): State<Daemon>) -> Result<Json<SettingsReloaded>> {
    Ok(Json(daemon.reload().await?))
}
