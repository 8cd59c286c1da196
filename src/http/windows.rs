//! `/windows`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::error::{Failure, Result};
use super::extract::{At, Body, Id, MaybeBody, Params};
use crate::api::{
    Check, Pane, PaneFilter, SocketQuery, UnlinkFrom, Window, WindowAction, WindowCreate,
    WindowDeleted, WindowLinkCreate, WindowUpdate,
};
use crate::daemon::{Daemon, panes, windows};

/// List windows. One that is linked to several sessions is there once.
#[utoipa::path(
    get,
    path = "/windows",
    tag = "windows",
    params(SocketQuery),
    responses((status = 200, body = Vec<Window>))
)]
pub(super) async fn list(
    State(daemon): State<Daemon>,
    At(socket): At,
) -> Result<Json<Vec<Window>>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(windows::list(&tmux).await?))
}

/// Make a window. It does not become the current one.
#[utoipa::path(
    post,
    path = "/windows",
    tag = "windows",
    params(SocketQuery),
    request_body = WindowCreate,
    responses((status = 201, body = Window))
)]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    At(socket): At,
    Body(new): Body<WindowCreate>,
) -> Result<(StatusCode, Json<Window>)> {
    let tmux = daemon.control(socket).await?;
    let window = windows::create(&tmux, &new).await?;
    Ok((StatusCode::CREATED, Json(window)))
}

/// Show a window.
#[utoipa::path(
    get,
    path = "/windows/{window_id}",
    tag = "windows",
    params(("window_id" = String, Path, description = "Its id."), SocketQuery),
    responses((status = 200, body = Window))
)]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<Window>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(windows::get(&tmux, &id).await?))
}

/// Rename a window, or lay it out anew.
#[utoipa::path(
    patch,
    path = "/windows/{window_id}",
    tag = "windows",
    params(("window_id" = String, Path, description = "Its id."), SocketQuery),
    request_body = WindowUpdate,
    responses((status = 200, body = Window))
)]
pub(super) async fn update(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
    Body(change): Body<WindowUpdate>,
) -> Result<Json<Window>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(windows::update(&tmux, &id, &change).await?))
}

/// End a window.
#[utoipa::path(
    delete,
    path = "/windows/{window_id}",
    tag = "windows",
    params(("window_id" = String, Path, description = "Its id."), SocketQuery),
    responses((status = 200, body = WindowDeleted))
)]
pub(super) async fn delete(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<WindowDeleted>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(windows::delete(&tmux, &id).await?))
}

/// Make a window its session's current one.
#[utoipa::path(
    post,
    path = "/windows/{window_id}/select",
    tag = "windows",
    params(("window_id" = String, Path, description = "Its id."), SocketQuery),
    responses((status = 200, body = WindowAction))
)]
pub(super) async fn select(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<WindowAction>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(windows::select(&tmux, &id).await?))
}

/// Link a window to another session.
///
/// In place of the query, a JSON body may have the same fields.
#[utoipa::path(
    post,
    path = "/windows/{window_id}/link",
    tag = "windows",
    params(
        ("window_id" = String, Path, description = "Its id."),
        WindowLinkCreate,
        SocketQuery,
    ),
    responses((status = 200, body = WindowAction))
)]
pub(super) async fn link(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
    query: Result<Params<WindowLinkCreate>>,
    MaybeBody(body): MaybeBody<WindowLinkCreate>,
) -> Result<Json<WindowAction>> {
    let to = match body {
        Some(to) => to,
        None => query?.0,
    };
    to.check().map_err(Failure::invalid)?;
    let tmux = daemon.control(socket).await?;
    Ok(Json(windows::link(&tmux, &id, &to).await?))
}

/// Take a window out of a session.
#[utoipa::path(
    post,
    path = "/windows/{window_id}/unlink",
    tag = "windows",
    params(("window_id" = String, Path, description = "Its id."), UnlinkFrom, SocketQuery),
    responses((status = 200, body = WindowAction))
)]
pub(super) async fn unlink(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
    Params(from): Params<UnlinkFrom>,
) -> Result<Json<WindowAction>> {
    let tmux = daemon.control(socket).await?;
    let session = from.session.as_deref();
    Ok(Json(windows::unlink(&tmux, &id, session).await?))
}

/// List a window's panes.
#[utoipa::path(
    get,
    path = "/windows/{window_id}/panes",
    tag = "windows",
    params(("window_id" = String, Path, description = "Its id."), SocketQuery),
    responses((status = 200, body = Vec<Pane>))
)]
pub(super) async fn panes(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<Vec<Pane>>> {
    let tmux = daemon.control(socket).await?;
    let filter = PaneFilter {
        window_id: Some(id),
    };
    Ok(Json(panes::list(&tmux, &filter).await?))
}
