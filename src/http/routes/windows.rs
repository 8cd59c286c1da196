//! `/windows`.

use axum::Json;
use axum::http::StatusCode;

use super::extract::{Body, OptionalBody, PathWindow, Query, Tmux};
use super::panes;
use super::start_directory::start_directory;
use crate::api::{
    ActionStatus, DeletedStatus, Pane, UnlinkFrom, Window, WindowAction, WindowCreate,
    WindowDeleted, WindowLink, WindowLinkCreate, WindowUpdate,
};
use crate::http::error::Result;
use crate::tmux::WindowId;
use crate::tmux::control::{self, NewWindow};

/// List windows. One that is linked to several sessions is there once.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/windows",
    params(Tmux),
    responses((status = 200, body = Vec<Window>))
))]
pub(super) async fn list(Tmux(tmux): Tmux) -> Result<Json<Vec<Window>>> {
    let windows = tmux.windows().await?;
    Ok(Json(windows.into_iter().map(reply).collect()))
}

/// Make a window. It does not become the current one.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/windows",
    params(Tmux),
    request_body = WindowCreate,
    responses((status = 201, body = Window))
))]
pub(super) async fn create(
    Tmux(tmux): Tmux,
    Body(new): Body<WindowCreate>,
) -> Result<(StatusCode, Json<Window>)> {
    let session = match &new.session {
        Some(target) => Some(tmux.session(target).await?.id),
        None => None,
    };
    let wanted = NewWindow {
        session,
        name: new.name,
        start_directory: start_directory(&new.start_directory).await?,
        command: new.command,
    };
    let window = tmux.create_window(&wanted).await?;
    Ok((StatusCode::CREATED, Json(reply(window))))
}

/// Show a window.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/windows/{window_id}",
    params(Tmux),
    responses((status = 200, body = Window))
))]
pub(super) async fn get(Tmux(tmux): Tmux, PathWindow(window): PathWindow) -> Result<Json<Window>> {
    Ok(Json(reply(tmux.window(window).await?)))
}

/// Rename a window, or lay out its panes.
#[cfg_attr(test, utoipa::path(
    patch,
    path = "/windows/{window_id}",
    params(Tmux),
    request_body = WindowUpdate,
    responses((status = 200, body = Window))
))]
pub(super) async fn update(
    Tmux(tmux): Tmux,
    PathWindow(window): PathWindow,
    Body(change): Body<WindowUpdate>,
) -> Result<Json<Window>> {
    if let Some(name) = &change.new_name {
        tmux.rename_window(window, name).await?;
    }
    if let Some(layout) = change.layout {
        tmux.lay_out_window(window, layout.name()).await?;
    }
    Ok(Json(reply(tmux.window(window).await?)))
}

/// End a window.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/windows/{window_id}",
    params(Tmux),
    responses((status = 200, body = WindowDeleted))
))]
pub(super) async fn delete(
    Tmux(tmux): Tmux,
    PathWindow(window): PathWindow,
) -> Result<Json<WindowDeleted>> {
    tmux.kill_window(window).await?;
    Ok(Json(WindowDeleted {
        status: DeletedStatus::Deleted,
        window: window.to_string(),
    }))
}

/// Make a window its session's current one.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/windows/{window_id}/select",
    params(Tmux),
    responses((status = 200, body = WindowAction))
))]
pub(super) async fn select(
    Tmux(tmux): Tmux,
    PathWindow(window): PathWindow,
) -> Result<Json<WindowAction>> {
    tmux.select_window(window).await?;
    Ok(done(ActionStatus::Selected, window, None))
}

/// Link a window to another session.
///
/// In place of the query, a JSON body may have the same fields.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/windows/{window_id}/link",
    params(WindowLinkCreate, Tmux),
    responses((status = 200, body = WindowAction))
))]
pub(super) async fn link(
    Tmux(tmux): Tmux,
    PathWindow(window): PathWindow,
    query: Result<Query<WindowLinkCreate>>,
    OptionalBody(body): OptionalBody<WindowLinkCreate>,
) -> Result<Json<WindowAction>> {
    let to = match body {
        Some(to) => to,
        None => query?.0,
    };
    let session = tmux.session(&to.target_session).await?;
    tmux.link_window(window, session.id, to.target_index)
        .await?;
    Ok(done(ActionStatus::Linked, window, Some(session.name)))
}

/// Take a window out of a session.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/windows/{window_id}/unlink",
    params(UnlinkFrom, Tmux),
    responses((status = 200, body = WindowAction))
))]
pub(super) async fn unlink(
    Tmux(tmux): Tmux,
    PathWindow(window): PathWindow,
    Query(from): Query<UnlinkFrom>,
) -> Result<Json<WindowAction>> {
    let session = match &from.session {
        Some(target) => Some(tmux.session(target).await?),
        None => None,
    };
    let session_id = session.as_ref().map(|session| session.id);
    tmux.unlink_window(window, session_id).await?;
    let name = session.map(|session| session.name);
    Ok(done(ActionStatus::Unlinked, window, name))
}

/// List a window's panes.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/windows/{window_id}/panes",
    params(Tmux),
    responses((status = 200, body = Vec<Pane>))
))]
pub(super) async fn panes(
    Tmux(tmux): Tmux,
    PathWindow(window): PathWindow,
) -> Result<Json<Vec<Pane>>> {
    let panes = tmux.window_panes(window).await?;
    Ok(Json(panes.into_iter().map(panes::reply).collect()))
}

fn done(status: ActionStatus, window: WindowId, session: Option<String>) -> Json<WindowAction> {
    Json(WindowAction {
        status,
        window: window.to_string(),
        session,
    })
}

/// A window, as it goes out.
fn reply(window: control::Window) -> Window {
    let links = window.links.into_iter().map(|link| WindowLink {
        session_id: link.session.to_string(),
        session: link.session_name,
        index: link.index,
        active: link.is_current,
    });
    let links: Vec<_> = links.collect();
    Window {
        id: window.id.to_string(),
        name: window.name,
        active: links.iter().any(|link| link.active),
        panes: window.panes,
        size: window.size.into(),
        layout: window.layout,
        links,
    }
}
