//! Recordings on the wire.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All is well.
    Recording,
    /// Output is not written at present; it resumes by itself.
    Suspended,
    /// Somebody else pipes the active pane: only snapshots are recorded.
    Blind,
    /// It is over; the cast is closed.
    Finished,
}

impl State {
    /// The state's name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Recording => "recording",
            State::Suspended => "suspended",
            State::Blind => "blind",
            State::Finished => "finished",
        }
    }
}

/// `POST /recordings`: record a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingCreate {
    /// The window: an id (`@3`), an index, a name, or any tmux target.
    pub window_id: String,
    /// The session that the window is looked for in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The pane to record when the recording does not follow the active one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        alias = "active_pane"
    )]
    pub pane_id: Option<String>,
    /// The tmux server's socket; the default server's without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// The folder for the cast; the configured one without.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "output_dir")]
    pub directory: Option<PathBuf>,
    /// The cast's title; the window's name without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The command that is recorded, for the cast's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The longest pause that a player should show, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_time_limit: Option<f64>,
    /// Whether to follow the active pane; as configured without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_active_pane: Option<bool>,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// `session:@window`, on other servers `socket.session:@window`.
    pub id: String,
    /// The session's name when it started.
    pub session_id: String,
    /// The window's id.
    pub window_id: String,
    /// Whether it goes on.
    pub active: bool,
    /// The cast.
    pub cast_path: PathBuf,
    /// The pane that is captured.
    pub active_pane: Option<String>,
    /// How it is.
    pub state: State,
    /// Why it is not as it should be.
    pub reason: Option<String>,
    /// The cast's title.
    pub title: Option<String>,
    /// The tmux server's socket.
    pub socket: PathBuf,
    /// When it started: seconds since the Unix epoch.
    pub started: u64,
    /// Time of the last event, in seconds.
    pub duration: f64,
    /// The cast's size in bytes, what is still in memory included.
    pub bytes: u64,
    /// Events in the cast.
    pub events: u64,
    /// How often something is missing.
    pub gaps: u64,
    /// Bytes of output that are known to be missing.
    pub lost_bytes: u64,
}

/// Said by the reply to a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoppedStatus {
    /// It is.
    Stopped,
}

/// `DELETE /recordings/{id}`: the recording has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordingStopped {
    /// Always stopped.
    pub status: StoppedStatus,
    /// Which one.
    pub recording_id: String,
    /// The cast.
    pub cast_path: PathBuf,
    /// Its last state.
    pub recording: Recording,
}

/// `POST /recordings/{id}/markers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkerCreate {
    /// What the marker is called; may be empty.
    #[serde(default)]
    pub label: String,
}
