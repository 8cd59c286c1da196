//! `/hooks` and `/hook`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::error::Result;
use super::extract::{At, Body, Id};
use crate::api::{
    CallbackEvent, HookConfig, HookCreate, HookDeleted, HookReceived, HookUpdate, SocketQuery,
};
use crate::daemon::Daemon;

/// List tmux's hooks, and what is installed on them.
#[utoipa::path(
    get,
    path = "/hooks",
    tag = "hooks",
    params(SocketQuery),
    responses((status = 200, body = Vec<HookConfig>))
)]
pub(super) async fn list(
    State(daemon): State<Daemon>,
    At(socket): At,
) -> Result<Json<Vec<HookConfig>>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(daemon.hooks(&tmux).await?))
}

/// Install a tmux command on a hook, beside those that are there.
#[utoipa::path(
    post,
    path = "/hooks",
    tag = "hooks",
    params(SocketQuery),
    request_body = HookCreate,
    responses((status = 201, body = HookConfig))
)]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    At(socket): At,
    Body(new): Body<HookCreate>,
) -> Result<(StatusCode, Json<HookConfig>)> {
    let tmux = daemon.control(socket).await?;
    let hook = daemon.create_hook(&tmux, &new).await?;
    Ok((StatusCode::CREATED, Json(hook)))
}

/// Show a hook.
#[utoipa::path(
    get,
    path = "/hooks/{hook_name}",
    tag = "hooks",
    params(("hook_name" = String, Path, description = "Its name."), SocketQuery),
    responses((status = 200, body = HookConfig))
)]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(name): Id,
) -> Result<Json<HookConfig>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(daemon.hook(&tmux, &name).await?))
}

/// Change what is installed on a hook.
#[utoipa::path(
    put,
    path = "/hooks/{hook_name}",
    tag = "hooks",
    params(("hook_name" = String, Path, description = "Its name."), SocketQuery),
    request_body = HookUpdate,
    responses((status = 200, body = HookConfig))
)]
pub(super) async fn replace(
    daemon: State<Daemon>,
    at: At,
    id: Id,
    change: Body<HookUpdate>,
) -> Result<Json<HookConfig>> {
    update(daemon, at, id, change).await
}

/// Change what is installed on a hook.
#[utoipa::path(
    patch,
    path = "/hooks/{hook_name}",
    tag = "hooks",
    params(("hook_name" = String, Path, description = "Its name."), SocketQuery),
    request_body = HookUpdate,
    responses((status = 200, body = HookConfig))
)]
pub(super) async fn update(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(name): Id,
    Body(change): Body<HookUpdate>,
) -> Result<Json<HookConfig>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(daemon.update_hook(&tmux, &name, &change).await?))
}

/// Remove what was installed on a hook, and only that.
#[utoipa::path(
    delete,
    path = "/hooks/{hook_name}",
    tag = "hooks",
    params(("hook_name" = String, Path, description = "Its name."), SocketQuery),
    responses((status = 200, body = HookDeleted))
)]
pub(super) async fn delete(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(name): Id,
) -> Result<Json<HookDeleted>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(daemon.delete_hook(&tmux, &name).await?))
}

/// Take a hook's word that something has happened: tmux is looked at anew,
/// where anybody needs to know.
#[utoipa::path(
    post,
    path = "/hook",
    tag = "hook",
    request_body = CallbackEvent,
    responses((status = 200, body = HookReceived))
)]
pub(super) async fn receive(
    State(daemon): State<Daemon>,
    Body(event): Body<CallbackEvent>,
) -> Json<HookReceived> {
    tracing::debug!(name = event.hook_name, "a hook calls");
    Json(daemon.receive_hook())
}
