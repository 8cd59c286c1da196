//! `/callbacks`: the history of what happened in tmux.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::extract::{Body, PathId, TmuxSocket};
use crate::api::{CallbackDeleted, CallbackEvent, CallbackEventResponse};
use crate::daemon::Daemon;
use crate::http::error::Result;

/// List what happened, newest first: in tmux, while something is recorded
/// there or a client listens to events; and what clients have put in.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/callbacks",
    params(TmuxSocket),
    responses((status = 200, body = Vec<CallbackEventResponse>))
))]
pub(super) async fn list(
    State(daemon): State<Daemon>,
    TmuxSocket(socket): TmuxSocket,
) -> Json<Vec<CallbackEventResponse>> {
    let socket = socket.as_ref().map(|socket| socket.path());
    Json(daemon.callbacks(socket))
}

/// Put an event into the history.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/callbacks",
    request_body = CallbackEvent,
    responses((status = 201, body = CallbackEventResponse))
))]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    Body(event): Body<CallbackEvent>,
) -> (StatusCode, Json<CallbackEventResponse>) {
    (StatusCode::CREATED, Json(daemon.create_callback(event)))
}

/// Show an event of the history.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/callbacks/{event_id}",
    responses((status = 200, body = CallbackEventResponse))
))]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
) -> Result<Json<CallbackEventResponse>> {
    Ok(Json(daemon.callback(&id)?))
}

/// Take an event out of the history.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/callbacks/{event_id}",
    responses((status = 200, body = CallbackDeleted))
))]
pub(super) async fn delete(
    State(daemon): State<Daemon>,
    PathId(id): PathId,
) -> Result<Json<CallbackDeleted>> {
    Ok(Json(daemon.delete_callback(&id)?))
}
