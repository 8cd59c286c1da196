//! `/auto`.

use axum::Json;
use axum::extract::State;

use super::extract::{Body, PathWindow, TmuxSocket};
use crate::api::{Auto, AutoSwitch, AutoVerdict};
use crate::daemon::Daemon;
use crate::http::error::Result;

/// Say whether windows are recorded by rules, and where.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/auto",
    responses((status = 200, body = Auto))
))]
pub(super) async fn get(State(daemon): State<Daemon>) -> Json<Auto> {
    Json(daemon.auto())
}

/// Record windows by rules from now on, or no more. A tmux server that is named is
/// watched beside the default one.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/auto/switch",
    params(TmuxSocket),
    request_body = AutoSwitch,
    responses((status = 200, body = Auto))
))]
pub(super) async fn switch(
    State(daemon): State<Daemon>,
    TmuxSocket(socket): TmuxSocket,
    Body(update): Body<AutoSwitch>,
) -> Json<Auto> {
    Json(daemon.set_auto(update.on, socket).await)
}

/// Say what the rules mean for a window, and why.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/auto/{window_id}",
    params(TmuxSocket),
    responses((status = 200, body = AutoVerdict))
))]
pub(super) async fn window(
    State(daemon): State<Daemon>,
    TmuxSocket(socket): TmuxSocket,
    PathWindow(window): PathWindow,
) -> Result<Json<AutoVerdict>> {
    Ok(Json(daemon.auto_verdict(socket, window).await?))
}
