//! Recordings on the wire.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::{IntoParams, ToSchema};

use super::check::{self, COMMAND, Check, NAME};

/// Most that a flashback keeps, in seconds: a year.
const LONGEST_FLASHBACK: u64 = 365 * 86_400;

/// Longest pause that ends by itself, in seconds: a year.
pub const LONGEST_PAUSE: u64 = 365 * 86_400;

/// How a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Output is written as it comes.
    Recording,
    /// Output is not written at present; it resumes by itself.
    Suspended,
    /// Somebody else pipes the active pane: only snapshots are recorded.
    Blind,
    /// Nothing is taken, since somebody or the settings want it so.
    Paused,
    /// It is over; the cast is closed.
    Finished,
    /// The daemon died, and none has gone on with it yet. No daemon says so:
    /// `tvmux rec ls` does.
    Interrupted,
}

impl State {
    /// The state's name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Recording => "recording",
            State::Suspended => "suspended",
            State::Blind => "blind",
            State::Paused => "paused",
            State::Finished => "finished",
            State::Interrupted => "interrupted",
        }
    }
}

/// `POST /recordings`: record a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordingCreate {
    /// The window: an id (`@3`), an index, a name, or any tmux target.
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^\x00]+$")
    )]
    pub window_id: String,
    /// The session that the window is looked for in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^\x00]+$")
    )]
    pub session_id: Option<String>,
    /// The pane to record when the recording does not follow the active one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "active_pane",
        alias = "pane_id"
    )]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^\x00]+$")
    )]
    pub pane_id: Option<String>,
    /// The tmux server's socket; the default server's without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<String>, max_length = 1024, pattern = r"^/[^\x00]*$"))]
    pub socket: Option<PathBuf>,
    /// The folder for the cast: an absolute path, or one that begins with `~`;
    /// the configured one without.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "output_dir",
        alias = "directory"
    )]
    #[cfg_attr(test, schema(value_type = Option<String>, max_length = 1024, pattern = r"^(~|~?/[^\x00]*)$"))]
    pub directory: Option<PathBuf>,
    /// The cast's file, in place of a folder for it: an absolute path, or one
    /// that begins with `~`. A file that is there is never overwritten.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "output_file"
    )]
    #[cfg_attr(test, schema(value_type = Option<String>, max_length = 1024, pattern = r"^(~|~?/[^\x00]*)$"))]
    pub file: Option<PathBuf>,
    /// The cast's title; the window's name without. One that is recorded
    /// already takes it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 256))]
    pub title: Option<String>,
    /// The command that is recorded, for the cast's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 2048))]
    pub command: Option<String>,
    /// The longest pause that a player should show, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(exclusive_minimum = 0))]
    pub idle_time_limit: Option<f64>,
    /// Whether to follow the active pane; as configured without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_active_pane: Option<bool>,
    /// Seconds: only the last ones are kept, until they are saved; all without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(minimum = 1, maximum = 31_536_000))]
    pub flashback: Option<u64>,
}

impl Check for RecordingCreate {
    fn check(&self) -> Result<(), String> {
        check::filled("window_id", &self.window_id, NAME)?;
        check::maybe(&self.session_id, |text| {
            check::filled("session_id", text, NAME)
        })?;
        check::maybe(&self.pane_id, |text| {
            check::filled("active_pane", text, NAME)
        })?;
        if let Some(socket) = &self.socket {
            check::path("socket", socket)?;
        }
        for (field, path) in [("output_dir", &self.directory), ("output_file", &self.file)] {
            if let Some(path) = path
                && !path.starts_with("~")
            {
                check::path(field, path)?;
            }
        }
        if self.directory.is_some() && self.file.is_some() {
            return Err("output_dir and output_file exclude each other".into());
        }
        check::maybe(&self.title, |text| {
            check::text("title", &text.replace('\0', " "), NAME)
        })?;
        check::maybe(&self.command, |text| {
            check::text("command", &text.replace('\0', " "), COMMAND)
        })?;
        if self.flashback.is_some() && self.file.is_some() {
            return Err("flashback and output_file exclude each other".into());
        }
        if let Some(seconds) = self.flashback {
            check::within("flashback", seconds, 1, LONGEST_FLASHBACK)?;
        }
        check::idle_time_limit(self.idle_time_limit)
    }
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Recording {
    /// `session:@window`, on other servers `socket.session:@window`.
    pub id: String,
    /// The session's name when it started.
    pub session_id: String,
    /// `@` and a number.
    pub window_id: String,
    /// The window's name at present; unknown in events, and once it is gone.
    #[serde(default)]
    pub window_name: Option<String>,
    /// Whether it goes on.
    pub active: bool,
    /// The absolute path of the cast.
    #[cfg_attr(test, schema(value_type = String))]
    pub cast_path: PathBuf,
    /// Which cast of the recording that is, from 1: more where it is rotated.
    #[serde(default = "first_part")]
    pub part: u32,
    /// The pane that is captured.
    pub active_pane: Option<String>,
    /// Whether output reaches the cast.
    pub state: State,
    /// Why it is not as it should be.
    pub reason: Option<String>,
    /// The title in the cast's header.
    pub title: Option<String>,
    /// The tmux server's socket.
    #[cfg_attr(test, schema(value_type = String))]
    pub socket: PathBuf,
    /// When it started: seconds since the Unix epoch.
    pub started: u64,
    /// When it ended: seconds since the Unix epoch.
    #[serde(default)]
    pub ended: Option<u64>,
    /// Time of the last event, in seconds.
    pub duration: f64,
    /// The size of its casts in bytes, what is still in memory included.
    pub bytes: u64,
    /// Events in its casts.
    pub events: u64,
    /// How often something is missing.
    pub gaps: u64,
    /// Bytes of output that are known to be missing.
    pub lost_bytes: u64,
    /// How often a server went on with it where the one before had ended.
    #[serde(default)]
    pub carried: u64,
    /// Seconds: only the last ones are kept, until they are saved.
    #[serde(default)]
    pub flashback: Option<u64>,
    /// When it goes on by itself where it is paused for some time: seconds since the
    /// Unix epoch.
    #[serde(default)]
    pub paused_until: Option<u64>,
}

fn first_part() -> u32 {
    1
}

/// `GET /recordings`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct RecordingFilter {
    /// Those that ended in the last hour too.
    #[serde(default)]
    pub ended: bool,
}

impl Check for RecordingFilter {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// `POST /commands`: record a command that the client runs on a
/// terminal of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandRecording {
    /// The process that hands the output over; part of the recording's id.
    pub pid: u32,
    /// What the cast's file is named after.
    #[cfg_attr(test, schema(max_length = 256))]
    pub name: String,
    /// The terminal's columns.
    #[cfg_attr(test, schema(minimum = 1))]
    pub columns: u16,
    /// The terminal's rows.
    #[cfg_attr(test, schema(minimum = 1))]
    pub rows: u16,
    /// The folder for the cast, an absolute path; the configured one without.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "output_dir"
    )]
    #[cfg_attr(test, schema(value_type = Option<String>, max_length = 1024))]
    pub directory: Option<PathBuf>,
    /// The cast's file, in place of a folder for it: an absolute path. A file
    /// that is there is never overwritten.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "output_file"
    )]
    #[cfg_attr(test, schema(value_type = Option<String>, max_length = 1024))]
    pub file: Option<PathBuf>,
    /// The cast to go on in, behind a marker: an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<String>, max_length = 1024))]
    pub append: Option<PathBuf>,
    /// Why something is missing before it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 256))]
    pub gap: Option<String>,
    /// The time in the cast at which it goes on, in seconds; that of its last
    /// event without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<f64>,
    /// The cast's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The command, for the cast's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The longest pause that a player should show, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(exclusive_minimum = 0))]
    pub idle_time_limit: Option<f64>,
    /// The environment in the cast's header.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Check for CommandRecording {
    fn check(&self) -> Result<(), String> {
        if self.columns == 0 || self.rows == 0 {
            return Err("columns and rows must be at least 1".into());
        }
        check::text("name", &self.name, NAME)?;
        let paths = [
            ("output_dir", &self.directory),
            ("output_file", &self.file),
            ("append", &self.append),
        ];
        let given = paths
            .iter()
            .filter_map(|(field, path)| Some((*field, path.as_ref()?)));
        let mut given = given.peekable();
        if let Some((field, path)) = given.next() {
            check::path(field, path)?;
            if let Some((other, _)) = given.next() {
                return Err(format!("{field} and {other} exclude each other"));
            }
        }
        if self
            .resume_at
            .is_some_and(|at| !(at.is_finite() && at >= 0.0))
        {
            return Err("resume_at must be a number of seconds".into());
        }
        check::idle_time_limit(self.idle_time_limit)
    }
}

/// A command's recording runs: its output goes into these FIFOs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct CommandStarted {
    pub recording: Recording,
    /// Takes the terminal's output, as it is.
    #[cfg_attr(test, schema(value_type = String))]
    pub output: PathBuf,
    /// Takes sizes and keys, a line of JSON each.
    #[cfg_attr(test, schema(value_type = String))]
    pub control: PathBuf,
    /// Gives orders, a line of JSON each: to hand over nothing for some time. A
    /// server of an older version gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<String>))]
    pub orders: Option<PathBuf>,
}

/// Said by the reply to a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum StoppedStatus {
    /// The recording has ended.
    Stopped,
}

/// `DELETE /recordings/{id}`: the recording has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct RecordingStopped {
    /// Always `stopped`.
    pub status: StoppedStatus,
    /// The id of the recording that has ended.
    pub recording_id: String,
    /// The absolute path of the cast, which is whole and on the disk.
    #[cfg_attr(test, schema(value_type = String))]
    pub cast_path: PathBuf,
    /// The recording as it was at its end.
    pub recording: Recording,
}

/// `POST /recordings/{id}/save`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordingSave {
    /// Whether all is kept from here on, behind what is saved.
    #[serde(default, rename = "continue")]
    pub goes_on: bool,
}

impl Check for RecordingSave {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What was saved of a recording of which only the last minutes are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct RecordingSaved {
    /// The absolute path of the first cast, which begins with a whole screen.
    #[cfg_attr(test, schema(value_type = String))]
    pub cast_path: PathBuf,
    /// How many casts there are: the others follow the first.
    pub parts: usize,
    /// Bytes of all of them.
    pub bytes: u64,
    pub recording: Recording,
}

/// `PATCH /recordings/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordingUpdate {
    /// The cast's title. Its header gets it when the recording ends.
    #[cfg_attr(test, schema(max_length = 256))]
    pub title: String,
}

impl Check for RecordingUpdate {
    fn check(&self) -> Result<(), String> {
        check::text("title", &self.title.replace('\0', " "), NAME)
    }
}

/// `POST /recordings/{id}/pause`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordingPause {
    /// After how many seconds it goes on by itself; when it is told to without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(minimum = 1, maximum = 31_536_000))]
    pub seconds: Option<u64>,
}

impl Check for RecordingPause {
    fn check(&self) -> Result<(), String> {
        match self.seconds {
            Some(seconds) => check::within("seconds", seconds, 1, LONGEST_PAUSE),
            None => Ok(()),
        }
    }
}

/// `POST /recordings/{id}/markers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MarkerCreate {
    /// What the marker is called; may be empty.
    #[serde(default)]
    #[cfg_attr(test, schema(max_length = 256))]
    pub label: String,
    /// How many seconds ago the moment was that it names; this one without. The marker
    /// is written at the cast's end and says so in its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(minimum = 0, maximum = 31_536_000))]
    pub ago: Option<f64>,
}

impl Check for MarkerCreate {
    fn check(&self) -> Result<(), String> {
        if let Some(ago) = self.ago {
            check::within("ago", ago, 0.0, LONGEST_PAUSE as f64)?;
        }
        check::text("label", &self.label.replace('\0', " "), NAME)
    }
}

/// `POST /recordings/{id}/notes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NoteCreate {
    /// What is noted, for a marker that begins with `note: `.
    #[cfg_attr(test, schema(min_length = 1, max_length = 256))]
    pub text: String,
}

impl Check for NoteCreate {
    fn check(&self) -> Result<(), String> {
        check::filled("text", &self.text.replace('\0', " "), NAME)
    }
}
