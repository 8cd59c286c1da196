//! Panes, for clients.

use super::sessions::start_directory;
use super::windows::window_id;
use super::{Error, Result};
use crate::api;
use crate::tmux::control::{Capture, Direction, NewPane, Pane, SplitSize, SplitTarget};
use crate::tmux::{self, Control, PaneId};

/// All panes, or those of one window.
///
/// # Errors
/// When there is no such window.
pub async fn list(tmux: &Control, filter: &api::PaneFilter) -> Result<Vec<api::Pane>> {
    let panes = match &filter.window_id {
        Some(id) => tmux.window_panes(window_id(id)?).await?,
        None => tmux.panes().await?,
    };
    Ok(panes.into_iter().map(shown).collect())
}

/// One pane.
///
/// # Errors
/// When there is none.
pub async fn get(tmux: &Control, id: &str) -> Result<api::Pane> {
    Ok(shown(tmux.pane(pane_id(id)?).await?))
}

/// Makes a pane by splitting another.
///
/// # Errors
/// When there is no such window or pane, or no room.
pub async fn create(tmux: &Control, new: &api::PaneCreate) -> Result<api::Pane> {
    let window = window_id(&new.window_id)?;
    let target = match &new.target_pane_id {
        Some(text) => {
            let id = pane_id(text)?;
            let panes = tmux.window_panes(window).await?;
            if !panes.iter().any(|pane| pane.id == id) {
                return Err(no_pane(text));
            }
            SplitTarget::Pane(id)
        }
        None => SplitTarget::Window(window),
    };
    let wanted = NewPane {
        target,
        horizontal: new.horizontal,
        size: new.size.map(|size| match size {
            api::PaneSize::Cells(cells) => SplitSize::Cells(cells),
            api::PaneSize::Percent(part) => SplitSize::Percent(part.0),
        }),
        start_directory: start_directory(&new.start_directory).await?,
        command: new.command.clone(),
    };
    Ok(shown(tmux.create_pane(&wanted).await?))
}

/// Ends a pane.
///
/// # Errors
/// When there is none.
pub async fn delete(tmux: &Control, id: &str) -> Result<api::PaneDeleted> {
    let pane = pane_id(id)?;
    tmux.kill_pane(pane).await?;
    Ok(api::PaneDeleted {
        status: api::DeletedStatus::Deleted,
        pane: pane.to_string(),
    })
}

/// Makes a pane its window's active one.
///
/// # Errors
/// When there is none.
pub async fn select(tmux: &Control, id: &str) -> Result<api::PaneAction> {
    let pane = pane_id(id)?;
    tmux.select_pane(pane).await?;
    Ok(done(api::ActionStatus::Selected, pane, None))
}

/// Moves a pane's edge.
///
/// # Errors
/// When there is none.
pub async fn resize(tmux: &Control, id: &str, change: &api::PaneResize) -> Result<api::PaneAction> {
    let pane = pane_id(id)?;
    let direction = match change.direction {
        api::Direction::U => Direction::Up,
        api::Direction::D => Direction::Down,
        api::Direction::L => Direction::Left,
        api::Direction::R => Direction::Right,
    };
    tmux.resize_pane(pane, direction, change.amount).await?;
    Ok(done(api::ActionStatus::Resized, pane, None))
}

/// Types into a pane.
///
/// # Errors
/// When there is none.
pub async fn send_keys(
    tmux: &Control,
    id: &str,
    what: &api::PaneSendKeys,
) -> Result<api::PaneAction> {
    let pane = pane_id(id)?;
    tmux.send_keys(pane, &what.keys, what.literal, what.enter)
        .await?;
    let keys = Some(what.keys.clone());
    Ok(done(api::ActionStatus::Sent, pane, keys))
}

/// What a pane shows.
///
/// # Errors
/// When there is none.
pub async fn capture(
    tmux: &Control,
    id: &str,
    range: &api::CaptureRange,
) -> Result<api::PaneCapture> {
    let pane = pane_id(id)?;
    let what = Capture {
        start: range.start,
        end: range.end,
        escapes: range.escapes,
    };
    Ok(api::PaneCapture {
        pane: pane.to_string(),
        content: tmux.capture_pane(pane, what).await?,
    })
}

fn done(status: api::ActionStatus, pane: PaneId, keys: Option<String>) -> api::PaneAction {
    api::PaneAction {
        status,
        pane: pane.to_string(),
        keys,
    }
}

/// A pane's id; what is none names no pane.
fn pane_id(text: &str) -> Result<PaneId> {
    text.parse().map_err(|_| no_pane(text))
}

fn no_pane(text: &str) -> Error {
    Error::Tmux(tmux::Error::Missing {
        kind: tmux::ObjectKind::Pane,
        target: text.to_owned(),
    })
}

fn shown(pane: Pane) -> api::Pane {
    api::Pane {
        id: pane.id.to_string(),
        index: pane.index,
        active: pane.is_active,
        position: pane.position.into(),
        size: pane.size.into(),
        command: pane.command,
        pid: pane.pid,
        title: pane.title,
        session: Some(pane.session_name),
        window_index: Some(pane.window_index),
        window_id: Some(pane.window.to_string()),
        dead: pane.is_dead,
    }
}
