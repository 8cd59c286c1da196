//! `/panes`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::App;
use super::error::{Failure, Result};
use super::extract::{At, Body, PaneSegment, Params};
use crate::api::{
    CaptureRange, Check, Pane, PaneAction, PaneCapture, PaneCreate, PaneDeleted, PaneFilter,
    PaneResize, PaneSendKeys, SocketQuery,
};
use crate::daemon::{Daemon, panes};

/// List panes.
#[utoipa::path(
    get,
    path = "/panes",
    tag = "panes",
    params(PaneFilter, SocketQuery),
    responses((status = 200, body = Vec<Pane>))
)]
pub(super) async fn list(
    State(app): State<App>,
    At(socket): At,
    Params(filter): Params<PaneFilter>,
) -> Result<Response> {
    let query = async || -> Result<Bytes> {
        let tmux = app.daemon.control(socket.clone()).await?;
        let panes = panes::list(&tmux, &filter).await?;
        let json = serde_json::to_vec(&panes).map_err(|error| {
            let why = error.to_string();
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", why)
        })?;
        Ok(json.into())
    };
    let panes = match filter.window_id {
        Some(_) => query().await?,
        None => app.panes.ask(&socket, query).await?,
    };
    Ok(([(CONTENT_TYPE, "application/json")], panes).into_response())
}

/// Make a pane by splitting another. It does not become the active one.
#[utoipa::path(
    post,
    path = "/panes",
    tag = "panes",
    params(SocketQuery),
    request_body = PaneCreate,
    responses((status = 201, body = Pane))
)]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    At(socket): At,
    Body(new): Body<PaneCreate>,
) -> Result<(StatusCode, Json<Pane>)> {
    let tmux = daemon.control(socket).await?;
    let pane = panes::create(&tmux, &new).await?;
    Ok((StatusCode::CREATED, Json(pane)))
}

/// Show a pane.
#[utoipa::path(
    get,
    path = "/panes/{pane_id}",
    tag = "panes",
    params(("pane_id" = String, Path, description = "Its id."), SocketQuery),
    responses((status = 200, body = Pane))
)]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    At(socket): At,
    PaneSegment(id): PaneSegment,
) -> Result<Json<Pane>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(panes::get(&tmux, &id).await?))
}

/// End a pane.
#[utoipa::path(
    delete,
    path = "/panes/{pane_id}",
    tag = "panes",
    params(("pane_id" = String, Path, description = "Its id."), SocketQuery),
    responses((status = 200, body = PaneDeleted))
)]
pub(super) async fn delete(
    State(daemon): State<Daemon>,
    At(socket): At,
    PaneSegment(id): PaneSegment,
) -> Result<Json<PaneDeleted>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(panes::delete(&tmux, &id).await?))
}

/// Make a pane its window's active one.
#[utoipa::path(
    post,
    path = "/panes/{pane_id}/select",
    tag = "panes",
    params(("pane_id" = String, Path, description = "Its id."), SocketQuery),
    responses((status = 200, body = PaneAction))
)]
pub(super) async fn select(
    State(daemon): State<Daemon>,
    At(socket): At,
    PaneSegment(id): PaneSegment,
) -> Result<Json<PaneAction>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(panes::select(&tmux, &id).await?))
}

/// Move a pane's edge, as far as there is room.
#[utoipa::path(
    post,
    path = "/panes/{pane_id}/resize",
    tag = "panes",
    params(("pane_id" = String, Path, description = "Its id."), SocketQuery),
    request_body = PaneResize,
    responses((status = 200, body = PaneAction))
)]
pub(super) async fn resize(
    State(daemon): State<Daemon>,
    At(socket): At,
    PaneSegment(id): PaneSegment,
    Body(change): Body<PaneResize>,
) -> Result<Json<PaneAction>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(panes::resize(&tmux, &id, &change).await?))
}

/// Type into a pane.
#[utoipa::path(
    post,
    path = "/panes/{pane_id}/send-keys",
    tag = "panes",
    params(("pane_id" = String, Path, description = "Its id."), SocketQuery),
    request_body = PaneSendKeys,
    responses((status = 200, body = PaneAction))
)]
pub(super) async fn send_keys(
    State(daemon): State<Daemon>,
    At(socket): At,
    PaneSegment(id): PaneSegment,
    Body(what): Body<PaneSendKeys>,
) -> Result<Json<PaneAction>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(panes::send_keys(&tmux, &id, &what).await?))
}

/// Say what a pane shows.
#[utoipa::path(
    get,
    path = "/panes/{pane_id}/capture",
    tag = "panes",
    params(("pane_id" = String, Path, description = "Its id."), CaptureRange, SocketQuery),
    responses((status = 200, body = PaneCapture))
)]
pub(super) async fn capture(
    State(daemon): State<Daemon>,
    At(socket): At,
    PaneSegment(id): PaneSegment,
    Params(range): Params<CaptureRange>,
) -> Result<Json<PaneCapture>> {
    range.check().map_err(Failure::invalid)?;
    let tmux = daemon.control(socket).await?;
    Ok(Json(panes::capture(&tmux, &id, &range).await?))
}
