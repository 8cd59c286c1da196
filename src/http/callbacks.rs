//! `/callbacks`: the history of what happened in tmux.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::error::Result;
use super::extract::{At, Body, Id};
use crate::api::{CallbackDeleted, CallbackEvent, CallbackEventResponse, SocketQuery};
use crate::daemon::Daemon;

/// List what happened, newest first: in tmux, while something is recorded
/// there or a client listens to events; and what clients have put in.
#[utoipa::path(
    get,
    path = "/callbacks",
    tag = "callbacks",
    params(SocketQuery),
    responses((status = 200, body = Vec<CallbackEventResponse>))
)]
pub(super) async fn list(
    State(daemon): State<Daemon>,
    At(socket): At,
) -> Json<Vec<CallbackEventResponse>> {
    let socket = socket.as_ref().map(|socket| socket.path());
    Json(daemon.callbacks(socket))
}

/// Put an event into the history.
#[utoipa::path(
    post,
    path = "/callbacks",
    tag = "callbacks",
    request_body = CallbackEvent,
    responses((status = 201, body = CallbackEventResponse))
)]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    Body(event): Body<CallbackEvent>,
) -> (StatusCode, Json<CallbackEventResponse>) {
    (StatusCode::CREATED, Json(daemon.create_callback(event)))
}

/// Show an event of the history.
#[utoipa::path(
    get,
    path = "/callbacks/{event_id}",
    tag = "callbacks",
    params(("event_id" = String, Path, description = "Its id.")),
    responses((status = 200, body = CallbackEventResponse))
)]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    Id(id): Id,
) -> Result<Json<CallbackEventResponse>> {
    Ok(Json(daemon.callback(&id)?))
}

/// Take an event out of the history.
#[utoipa::path(
    delete,
    path = "/callbacks/{event_id}",
    tag = "callbacks",
    params(("event_id" = String, Path, description = "Its id.")),
    responses((status = 200, body = CallbackDeleted))
)]
pub(super) async fn delete(
    State(daemon): State<Daemon>,
    Id(id): Id,
) -> Result<Json<CallbackDeleted>> {
    Ok(Json(daemon.delete_callback(&id)?))
}
