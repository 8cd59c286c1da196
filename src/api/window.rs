//! Windows on the wire.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::{IntoParams, ToSchema};

use super::check::{self, COMMAND, Check, NAME};
use super::{ActionStatus, DeletedStatus, Position};

/// A tmux window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Window {
    /// `@` and a number; no other window of this tmux server ever has it.
    #[cfg_attr(test, schema(example = "@0"))]
    pub id: String,
    /// Its name; may be empty.
    pub name: String,
    /// Whether it is the current window of a session.
    pub active: bool,
    /// How many panes it has.
    pub panes: u32,
    /// Columns and rows, all panes together.
    pub size: Position,
    /// How its panes are laid out, as tmux writes it.
    pub layout: String,
    /// Where it is: a window may be linked to several sessions.
    #[serde(default)]
    pub links: Vec<WindowLink>,
}

/// A session that a window is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct WindowLink {
    /// `$` and a number.
    #[cfg_attr(test, schema(example = "$0"))]
    pub session_id: String,
    /// The session's name, as it was given.
    pub session: String,
    /// The window's index there.
    pub index: u32,
    /// Whether it is the session's current window.
    pub active: bool,
}

/// `POST /windows`: make a window. It does not become the current one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WindowCreate {
    /// The session's name or id; the one that was used last without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^\x00]+$")
    )]
    pub session: Option<String>,
    /// Its name; tmux names it after its program without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub name: Option<String>,
    /// Where its pane starts: an absolute path; `.` is the home folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 1024, pattern = r"^(\.|/[^\x00]*)$"))]
    pub start_directory: Option<String>,
    /// What runs in its pane, as a shell command; the default shell without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 2048, pattern = r"^[^\x00]+$")
    )]
    pub command: Option<String>,
}

impl Check for WindowCreate {
    fn check(&self) -> Result<(), String> {
        check::maybe(&self.session, |text| check::filled("session", text, NAME))?;
        check::maybe(&self.name, |text| check::text("name", text, NAME))?;
        check::start_directory(&self.start_directory)?;
        check::maybe(&self.command, |text| {
            check::filled("command", text, COMMAND)
        })
    }
}

/// One of the layouts that tmux makes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// All panes side by side.
    EvenHorizontal,
    /// All panes one above the other.
    EvenVertical,
    /// A large pane at the top.
    MainHorizontal,
    /// A large pane on the left.
    MainVertical,
    /// A grid.
    Tiled,
}

impl Layout {
    /// All that every supported tmux knows.
    pub const ALL: [Layout; 5] = [
        Layout::EvenHorizontal,
        Layout::EvenVertical,
        Layout::MainHorizontal,
        Layout::MainVertical,
        Layout::Tiled,
    ];

    /// tmux's name for it, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Layout::EvenHorizontal => "even-horizontal",
            Layout::EvenVertical => "even-vertical",
            Layout::MainHorizontal => "main-horizontal",
            Layout::MainVertical => "main-vertical",
            Layout::Tiled => "tiled",
        }
    }
}

/// `PATCH /windows/{window_id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WindowUpdate {
    /// Its new name; may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub new_name: Option<String>,
    /// The layout of its panes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
}

impl Check for WindowUpdate {
    fn check(&self) -> Result<(), String> {
        check::maybe(&self.new_name, |text| check::text("new_name", text, NAME))
    }
}

/// `POST /windows/{window_id}/link`, in the query or in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema, IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct WindowLinkCreate {
    /// The other session's name or id.
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^\x00]+$")
    )]
    #[cfg_attr(test, param(min_length = 1, max_length = 256, pattern = r"^[^\x00]+$"))]
    pub target_session: String,
    /// The index there; the first free one without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(minimum = 0, maximum = 2_147_483_647))]
    #[cfg_attr(test, param(minimum = 0, maximum = 2_147_483_647))]
    pub target_index: Option<u32>,
}

impl Check for WindowLinkCreate {
    fn check(&self) -> Result<(), String> {
        check::filled("target_session", &self.target_session, NAME)?;
        let index = self.target_index.unwrap_or(0);
        check::within("target_index", index, 0, i32::MAX as u32)
    }
}

/// `POST /windows/{window_id}/unlink`: out of which session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct UnlinkFrom {
    /// The session's name or id; without it the one that tmux finds first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub session: Option<String>,
}

impl Check for UnlinkFrom {
    fn check(&self) -> Result<(), String> {
        check::maybe(&self.session, |text| check::text("session", text, NAME))
    }
}

/// `DELETE /windows/{window_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct WindowDeleted {
    /// Always `deleted`.
    pub status: DeletedStatus,
    /// `@` and a number, of a window that is gone.
    pub window: String,
}

/// What was done to a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct WindowAction {
    /// What was done.
    pub status: ActionStatus,
    /// `@` and a number.
    pub window: String,
    /// The other session's name, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}
