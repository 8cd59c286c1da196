//! Sessions on the wire.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::ToSchema;

use super::check::{self, COMMAND, Check, NAME};
use super::{ActionStatus, DeletedStatus, Position, Window};

/// A tmux session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Session {
    /// Unique on its tmux server.
    pub name: String,
    /// `$` and a number; no other session of this tmux server ever has it.
    #[cfg_attr(test, schema(example = "$0"))]
    pub id: String,
    /// When it was made: seconds since the Unix epoch.
    pub created: u64,
    /// Whether a client is attached to it.
    pub attached: bool,
    /// The size of its current window.
    pub size: Position,
    /// How many windows it has.
    pub windows: u32,
    /// How many clients are attached to it.
    #[serde(default)]
    pub clients: u32,
}

/// `POST /sessions`: make a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SessionCreate {
    /// Its name. tmux would alter `:`, `.` and control characters: they are
    /// refused.
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^:.\x00-\x1f\x7f]+$")
    )]
    pub name: String,
    /// Where its first pane starts: an absolute path; `.`, or nothing, is the
    /// home folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 1024, pattern = r"^(\.|/[^\x00]*)$"))]
    pub start_directory: Option<String>,
    /// The name of its first window.
    #[serde(default = "default_window_name")]
    #[cfg_attr(
        test,
        schema(default = "default", max_length = 256, pattern = r"^[^\x00]*$")
    )]
    pub window_name: String,
    /// What runs in its first pane, as a shell command; the default shell
    /// without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 2048, pattern = r"^[^\x00]+$")
    )]
    pub command: Option<String>,
}

fn default_window_name() -> String {
    "default".to_owned()
}

impl SessionCreate {
    /// A session of this name, with the defaults.
    pub fn named(name: impl Into<String>) -> SessionCreate {
        SessionCreate {
            name: name.into(),
            window_name: default_window_name(),
            ..SessionCreate::default()
        }
    }
}

impl Check for SessionCreate {
    fn check(&self) -> Result<(), String> {
        check::session_name("name", &self.name)?;
        check::start_directory(&self.start_directory)?;
        check::text("window_name", &self.window_name, NAME)?;
        check::maybe(&self.command, |text| {
            check::filled("command", text, COMMAND)
        })
    }
}

/// `PATCH /sessions/{session_id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SessionUpdate {
    /// The new name; `:`, `.` and control characters are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^:.\x00-\x1f\x7f]+$")
    )]
    pub new_name: Option<String>,
}

impl Check for SessionUpdate {
    fn check(&self) -> Result<(), String> {
        check::maybe(&self.new_name, |name| check::session_name("new_name", name))
    }
}

/// A window's place in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct WindowReference {
    /// `@` and a number.
    #[cfg_attr(test, schema(example = "@0"))]
    pub window_id: String,
    /// Its index in the session.
    pub index: u32,
    /// The window's name; may be empty.
    pub name: String,
    /// Whether it is the session's current window.
    #[serde(default)]
    pub active: bool,
}

/// `GET /sessions/{session_id}/windows`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct SessionWindows {
    /// The session's name, as it was given.
    pub session: String,
    /// Its windows, by index.
    pub windows: Vec<WindowReference>,
}

/// `POST /sessions/{session_id}/attach`: how to attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct AttachCommand {
    /// The command for a shell.
    pub command: String,
    /// The same as arguments.
    #[serde(default)]
    pub argv: Vec<String>,
    /// What to do with it.
    pub note: String,
}

/// `DELETE /sessions/{session_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct SessionDeleted {
    /// Always `deleted`.
    pub status: DeletedStatus,
    /// The name that it had.
    pub session: String,
    /// `$` and a number, of a session that is gone.
    pub id: String,
}

/// What was done to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct SessionAction {
    /// What was done.
    pub status: ActionStatus,
    /// The session's name, as it was given.
    pub session: String,
    /// `$` and a number.
    pub id: String,
}

impl Session {
    /// Whether a window is in this session.
    #[must_use]
    pub fn has(&self, window: &Window) -> bool {
        window.links.iter().any(|link| link.session_id == self.id)
    }
}
