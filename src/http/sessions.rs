//! `/sessions`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::error::Result;
use super::extract::{At, Body, Id};
use crate::api::{
    AttachCommand, Session, SessionAction, SessionCreate, SessionDeleted, SessionUpdate,
    SessionWindows, SocketQuery,
};
use crate::daemon::{Daemon, sessions};

/// List sessions.
#[utoipa::path(
    get,
    path = "/sessions",
    tag = "sessions",
    params(SocketQuery),
    responses((status = 200, body = Vec<Session>))
)]
pub(super) async fn list(
    State(daemon): State<Daemon>,
    At(socket): At,
) -> Result<Json<Vec<Session>>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(sessions::list(&tmux).await?))
}

/// Make a session.
#[utoipa::path(
    post,
    path = "/sessions",
    tag = "sessions",
    params(SocketQuery),
    request_body = SessionCreate,
    responses((status = 201, body = Session))
)]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    At(socket): At,
    Body(new): Body<SessionCreate>,
) -> Result<(StatusCode, Json<Session>)> {
    let session = daemon.create_session(socket, &new).await?;
    Ok((StatusCode::CREATED, Json(session)))
}

/// Show a session.
#[utoipa::path(
    get,
    path = "/sessions/{session_id}",
    tag = "sessions",
    params(("session_id" = String, Path, description = "Its name or id."), SocketQuery),
    responses((status = 200, body = Session))
)]
pub(super) async fn get(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<Session>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(sessions::get(&tmux, &id).await?))
}

/// Rename a session.
#[utoipa::path(
    patch,
    path = "/sessions/{session_id}",
    tag = "sessions",
    params(("session_id" = String, Path, description = "Its name or id."), SocketQuery),
    request_body = SessionUpdate,
    responses((status = 200, body = Session))
)]
pub(super) async fn update(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
    Body(change): Body<SessionUpdate>,
) -> Result<Json<Session>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(sessions::update(&tmux, &id, &change).await?))
}

/// End a session.
#[utoipa::path(
    delete,
    path = "/sessions/{session_id}",
    tag = "sessions",
    params(("session_id" = String, Path, description = "Its name or id."), SocketQuery),
    responses((status = 200, body = SessionDeleted))
)]
pub(super) async fn delete(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<SessionDeleted>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(sessions::delete(&tmux, &id).await?))
}

/// Say how to attach to a session.
#[utoipa::path(
    post,
    path = "/sessions/{session_id}/attach",
    tag = "sessions",
    params(("session_id" = String, Path, description = "Its name or id."), SocketQuery),
    responses((status = 200, body = AttachCommand))
)]
pub(super) async fn attach(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<AttachCommand>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(sessions::attach(&tmux, &id).await?))
}

/// Detach all clients of a session.
#[utoipa::path(
    post,
    path = "/sessions/{session_id}/detach",
    tag = "sessions",
    params(("session_id" = String, Path, description = "Its name or id."), SocketQuery),
    responses((status = 200, body = SessionAction))
)]
pub(super) async fn detach(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<SessionAction>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(sessions::detach(&tmux, &id).await?))
}

/// List a session's windows, by index.
#[utoipa::path(
    get,
    path = "/sessions/{session_id}/windows",
    tag = "sessions",
    params(("session_id" = String, Path, description = "Its name or id."), SocketQuery),
    responses((status = 200, body = SessionWindows))
)]
pub(super) async fn windows(
    State(daemon): State<Daemon>,
    At(socket): At,
    Id(id): Id,
) -> Result<Json<SessionWindows>> {
    let tmux = daemon.control(socket).await?;
    Ok(Json(sessions::windows(&tmux, &id).await?))
}
