//! The live feed on the wire.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::{IntoParams, ToSchema};

use super::check::Check;
use super::{Position, Recording};

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The feed has started: a reply to a request from now on is no older.
    Ready,
    /// Events are missing before this one: ask for everything again.
    Reset,
    /// A session is there.
    SessionCreated,
    /// A session has another name.
    SessionRenamed,
    /// A session has another current window.
    SessionWindowChanged,
    /// A session is gone.
    SessionClosed,
    /// A window is in a session.
    WindowLinked,
    /// A window has another name.
    WindowRenamed,
    /// A window has another active pane.
    WindowPaneChanged,
    /// A window is no longer in a session.
    WindowUnlinked,
    /// A pane is there.
    PaneCreated,
    /// A pane has another size.
    PaneResized,
    /// A pane runs another process (`respawn-pane`).
    PaneRespawned,
    /// A pane's process has ended; the pane stays.
    PaneDied,
    /// A pane is gone.
    PaneClosed,
    /// The tmux server is gone.
    ServerGone,
    /// A recording has started.
    RecordingStarted,
    /// A recording has another state, pane or reason.
    RecordingChanged,
    /// A recording has ended.
    RecordingStopped,
}

impl EventKind {
    /// The kind's name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Ready => "ready",
            EventKind::Reset => "reset",
            EventKind::SessionCreated => "session-created",
            EventKind::SessionRenamed => "session-renamed",
            EventKind::SessionWindowChanged => "session-window-changed",
            EventKind::SessionClosed => "session-closed",
            EventKind::WindowLinked => "window-linked",
            EventKind::WindowRenamed => "window-renamed",
            EventKind::WindowPaneChanged => "window-pane-changed",
            EventKind::WindowUnlinked => "window-unlinked",
            EventKind::PaneCreated => "pane-created",
            EventKind::PaneResized => "pane-resized",
            EventKind::PaneRespawned => "pane-respawned",
            EventKind::PaneDied => "pane-died",
            EventKind::PaneClosed => "pane-closed",
            EventKind::ServerGone => "server-gone",
            EventKind::RecordingStarted => "recording-started",
            EventKind::RecordingChanged => "recording-changed",
            EventKind::RecordingStopped => "recording-stopped",
        }
    }
}

/// One event of `GET /events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Event {
    /// Its number: greater than that of every event before it, also of an
    /// earlier run of this server. To be given as `Last-Event-ID`.
    pub sequence: u64,
    /// When it was noted: seconds since the Unix epoch.
    pub time: f64,
    /// What has changed.
    pub kind: EventKind,
    /// The tmux server's socket, where it is about tmux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<String>))]
    pub socket: Option<PathBuf>,
    /// `$` and a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The session's name, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// `@` and a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_id: Option<String>,
    /// The window's index in the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_index: Option<u32>,
    /// The window's name, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// `%` and a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane_id: Option<String>,
    /// The pane's index in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane_index: Option<u32>,
    /// The process id of what runs in the pane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane_pid: Option<u32>,
    /// Columns and rows of the pane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Position>,
    /// The recording, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Box<Recording>>,
}

/// `GET /events`: from when on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct EventsAfter {
    /// Go on after the event of this number, as with `Last-Event-ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

impl Check for EventsAfter {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
