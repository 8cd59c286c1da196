//! Windows, for clients.

use super::sessions::start_directory;
use super::{Error, Result};
use crate::api;
use crate::tmux::control::{Layout, NewWindow, Window};
use crate::tmux::{self, Control, WindowId};

/// All windows.
///
/// # Errors
/// When tmux cannot be asked.
pub async fn list(tmux: &Control) -> Result<Vec<api::Window>> {
    let windows = tmux.windows().await?;
    Ok(windows.into_iter().map(shown).collect())
}

/// One window.
///
/// # Errors
/// When there is none.
pub async fn get(tmux: &Control, id: &str) -> Result<api::Window> {
    Ok(shown(tmux.window(window_id(id)?).await?))
}

/// Makes a window.
///
/// # Errors
/// When there is no such session.
pub async fn create(tmux: &Control, new: &api::WindowCreate) -> Result<api::Window> {
    let session = match &new.session {
        Some(target) => Some(tmux.session(target).await?.id),
        None => None,
    };
    let wanted = NewWindow {
        session,
        name: new.name.clone(),
        start_directory: start_directory(&new.start_directory).await?,
        command: new.command.clone(),
    };
    Ok(shown(tmux.create_window(&wanted).await?))
}

/// Renames a window or lays it out anew.
///
/// # Errors
/// When there is none.
pub async fn update(tmux: &Control, id: &str, change: &api::WindowUpdate) -> Result<api::Window> {
    let window = window_id(id)?;
    if let Some(name) = &change.new_name {
        tmux.rename_window(window, name).await?;
    }
    if let Some(layout) = change.layout {
        let layout = match layout {
            api::Layout::EvenHorizontal => Layout::EvenHorizontal,
            api::Layout::EvenVertical => Layout::EvenVertical,
            api::Layout::MainHorizontal => Layout::MainHorizontal,
            api::Layout::MainVertical => Layout::MainVertical,
            api::Layout::Tiled => Layout::Tiled,
        };
        tmux.lay_out_window(window, layout).await?;
    }
    get(tmux, id).await
}

/// Ends a window.
///
/// # Errors
/// When there is none.
pub async fn delete(tmux: &Control, id: &str) -> Result<api::WindowDeleted> {
    let window = window_id(id)?;
    tmux.kill_window(window).await?;
    Ok(api::WindowDeleted {
        status: api::DeletedStatus::Deleted,
        window: window.to_string(),
    })
}

/// Makes a window its session's current one.
///
/// # Errors
/// When there is none.
pub async fn select(tmux: &Control, id: &str) -> Result<api::WindowAction> {
    let window = window_id(id)?;
    tmux.select_window(window).await?;
    Ok(done(api::ActionStatus::Selected, window, None))
}

/// Links a window to another session.
///
/// # Errors
/// When there is no such window or session, or the index is taken.
pub async fn link(
    tmux: &Control,
    id: &str,
    to: &api::WindowLinkCreate,
) -> Result<api::WindowAction> {
    let window = window_id(id)?;
    let session = tmux.session(&to.target_session).await?;
    tmux.link_window(window, session.id, to.target_index)
        .await?;
    Ok(done(api::ActionStatus::Linked, window, Some(session.name)))
}

/// Takes a window out of a session.
///
/// # Errors
/// When it is in no other.
pub async fn unlink(tmux: &Control, id: &str, session: Option<&str>) -> Result<api::WindowAction> {
    let window = window_id(id)?;
    let session = match session {
        Some(target) => Some(tmux.session(target).await?),
        None => None,
    };
    let session_id = session.as_ref().map(|session| session.id);
    tmux.unlink_window(window, session_id).await?;
    let name = session.map(|session| session.name);
    Ok(done(api::ActionStatus::Unlinked, window, name))
}

fn done(status: api::ActionStatus, window: WindowId, session: Option<String>) -> api::WindowAction {
    api::WindowAction {
        status,
        window: window.to_string(),
        session,
    }
}

/// A window's id; what is none names no window.
pub(super) fn window_id(text: &str) -> Result<WindowId> {
    text.parse().map_err(|_| {
        Error::Tmux(tmux::Error::Missing {
            kind: tmux::ObjectKind::Window,
            target: text.to_owned(),
        })
    })
}

fn shown(window: Window) -> api::Window {
    let links = window.links.into_iter().map(|link| api::WindowLink {
        session_id: link.session.to_string(),
        session: link.session_name,
        index: link.index,
        active: link.is_current,
    });
    let links: Vec<_> = links.collect();
    api::Window {
        id: window.id.to_string(),
        name: window.name,
        active: links.iter().any(|link| link.active),
        panes: window.panes,
        size: window.size.into(),
        layout: window.layout,
        links,
    }
}
