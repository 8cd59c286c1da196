//! What a recording is about: what does not change while it writes to one cast.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::earlier::Earlier;
use super::flashback::Flashback;
use crate::cast::Header;
use crate::tmux::{PaneId, ServerIdentity, WindowId};

/// What a recording is about. It is kept on disk as part of the recording's
/// journal, so that a later daemon can go on with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordingSpec {
    pub(super) id: String,
    pub(super) cast_path: PathBuf,
    /// The tmux server's socket.
    pub(super) socket: PathBuf,
    /// Which server process it is.
    pub(super) server: ServerIdentity,
    pub(super) window: WindowId,
    /// The one pane that is recorded, where the active one is not followed.
    pub(super) pane: Option<PaneId>,
    /// The name of the window's session when the recording started.
    pub(super) session_name: String,
    /// Microseconds since the Unix epoch.
    pub(super) started_micros: u64,
    pub(super) title: Option<String>,
    pub(super) command: Option<String>,
    /// For players, in seconds.
    pub(super) idle_time_limit: Option<f64>,
    /// The cast's environment: shell, and terminal with its version.
    pub(super) env: BTreeMap<String, String>,
    /// The casts before the present one, where it is rotated.
    #[serde(default)]
    pub(super) earlier: Earlier,
    /// What is kept, where that is not all.
    #[serde(default)]
    pub(super) flashback: Option<Flashback>,
    /// The pause that somebody has asked for. Since format 3, as is what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) paused: Option<Paused>,
    /// Why it is paused though nobody has asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withheld: Option<String>,
}

/// A pause that somebody has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Paused {
    /// When it ends by itself: seconds since the Unix epoch.
    pub(super) until: Option<u64>,
}

impl RecordingSpec {
    /// Whether it records nothing at present.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some() || self.withheld.is_some()
    }

    /// When the recording started: seconds since the Unix epoch.
    pub(super) fn started(&self) -> u64 {
        self.started_micros / 1_000_000
    }

    /// How many seconds are kept, where that is not all.
    pub(super) fn flashback_seconds(&self) -> Option<u64> {
        let flashback = self.flashback.as_ref()?;
        Some(flashback.length / 1_000_000)
    }

    /// When the present cast began: microseconds since the Unix epoch.
    pub(super) fn cast_started_micros(&self) -> u64 {
        self.started_micros + self.earlier.duration
    }

    /// The header of a cast of this size (columns, rows) that starts at
    /// `timestamp` (seconds since the Unix epoch).
    pub(super) fn header(&self, (width, height): (u16, u16), timestamp: u64) -> Header {
        Header {
            width,
            height,
            timestamp: Some(timestamp),
            idle_time_limit: self.idle_time_limit,
            command: self.command.clone(),
            title: self.title.clone(),
            env: self.env.clone(),
            part: self.earlier.header_part(&self.cast_path, 0),
            ..Header::default()
        }
    }
}
