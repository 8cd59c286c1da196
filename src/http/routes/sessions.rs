//! `/sessions`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::extract::{Body, PathId, Tmux, TmuxSocket};
use super::start_directory::start_directory;
use crate::api::{
    ActionStatus, AttachCommand, DeletedStatus, Session, SessionAction, SessionCreate,
    SessionDeleted, SessionUpdate, SessionWindows, WindowReference,
};
use crate::config::expand_home;
use crate::daemon::Daemon;
use crate::http::error::Result;
use crate::shell;
use crate::tmux::Socket;
use crate::tmux::control::{self, NewSession};

/// List sessions.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/sessions",
    params(Tmux),
    responses((status = 200, body = Vec<Session>))
))]
pub(super) async fn list(Tmux(tmux): Tmux) -> Result<Json<Vec<Session>>> {
    let sessions = tmux.sessions().await?;
    Ok(Json(sessions.into_iter().map(reply).collect()))
}

/// Make a session. The tmux server that is meant where none is named is started
/// for it when it does not run.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/sessions",
    params(TmuxSocket),
    request_body = SessionCreate,
    responses((status = 201, body = Session))
))]
pub(super) async fn create(
    State(daemon): State<Daemon>,
    TmuxSocket(socket): TmuxSocket,
    Body(new): Body<SessionCreate>,
) -> Result<(StatusCode, Json<Session>)> {
    let server = match socket {
        Some(socket) => daemon.control(Some(socket)).await?.server().clone(),
        None => daemon.tmux(None),
    };
    let folder = start_directory(&new.start_directory).await?;
    let wanted = NewSession {
        name: new.name,
        window_name: Some(new.window_name),
        start_directory: Some(folder.unwrap_or_else(|| expand_home("~"))),
        command: new.command,
    };
    let id = control::create_session(&server, &wanted).await?;
    let tmux = daemon.control(Some(server.socket().clone())).await?;
    let session = tmux.session(&id.to_string()).await?;
    Ok((StatusCode::CREATED, Json(reply(session))))
}

/// Show a session.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/sessions/{session_id}",
    params(Tmux),
    responses((status = 200, body = Session))
))]
pub(super) async fn get(Tmux(tmux): Tmux, PathId(id): PathId) -> Result<Json<Session>> {
    Ok(Json(reply(tmux.session(&id).await?)))
}

/// Rename a session.
#[cfg_attr(test, utoipa::path(
    patch,
    path = "/sessions/{session_id}",
    params(Tmux),
    request_body = SessionUpdate,
    responses((status = 200, body = Session))
))]
pub(super) async fn update(
    Tmux(tmux): Tmux,
    PathId(id): PathId,
    Body(change): Body<SessionUpdate>,
) -> Result<Json<Session>> {
    let mut session = tmux.session(&id).await?;
    if let Some(name) = change.new_name.filter(|name| *name != session.name) {
        tmux.rename_session(session.id, &name).await?;
        session = tmux.session(&session.id.to_string()).await?;
    }
    Ok(Json(reply(session)))
}

/// End a session.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/sessions/{session_id}",
    params(Tmux),
    responses((status = 200, body = SessionDeleted))
))]
pub(super) async fn delete(Tmux(tmux): Tmux, PathId(id): PathId) -> Result<Json<SessionDeleted>> {
    let session = tmux.session(&id).await?;
    tmux.kill_session(session.id).await?;
    Ok(Json(SessionDeleted {
        status: DeletedStatus::Deleted,
        session: session.name,
        id: session.id.to_string(),
    }))
}

/// Say how to attach to a session.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/sessions/{session_id}/attach",
    params(Tmux),
    responses((status = 200, body = AttachCommand))
))]
pub(super) async fn attach(Tmux(tmux): Tmux, PathId(id): PathId) -> Result<Json<AttachCommand>> {
    let session = tmux.session(&id).await?;
    let socket = tmux.server().socket();
    let mut argv = vec!["tmux".to_owned()];
    if *socket != Socket::default_server() {
        let path = socket.path().to_string_lossy().into_owned();
        argv.extend(["-S".to_owned(), path]);
    }
    argv.extend(["attach-session".to_owned(), "-t".to_owned()]);
    argv.push(session.id.to_string());
    Ok(Json(AttachCommand {
        command: shell::join(&argv),
        argv,
        note: "run this command in your terminal to attach".into(),
    }))
}

/// Detach all clients of a session.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/sessions/{session_id}/detach",
    params(Tmux),
    responses((status = 200, body = SessionAction))
))]
pub(super) async fn detach(Tmux(tmux): Tmux, PathId(id): PathId) -> Result<Json<SessionAction>> {
    let session = tmux.session(&id).await?;
    tmux.detach_session(session.id).await?;
    Ok(Json(SessionAction {
        status: ActionStatus::Detached,
        session: session.name,
        id: session.id.to_string(),
    }))
}

/// List a session's windows, by index.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/sessions/{session_id}/windows",
    params(Tmux),
    responses((status = 200, body = SessionWindows))
))]
pub(super) async fn windows(Tmux(tmux): Tmux, PathId(id): PathId) -> Result<Json<SessionWindows>> {
    let session = tmux.session(&id).await?;
    let windows = tmux.session_windows(session.id).await?;
    let windows = windows.into_iter().map(|(link, window)| WindowReference {
        window_id: window.id.to_string(),
        index: link.index,
        name: window.name,
        active: link.is_current,
    });
    Ok(Json(SessionWindows {
        session: session.name,
        windows: windows.collect(),
    }))
}

/// A session, as it goes out.
fn reply(session: control::Session) -> Session {
    Session {
        name: session.name,
        id: session.id.to_string(),
        created: session.created,
        attached: session.clients > 0,
        size: session.size.into(),
        windows: session.windows,
        clients: session.clients,
    }
}
