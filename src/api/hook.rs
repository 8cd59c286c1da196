//! Hooks, and what they tell, on the wire.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::ToSchema;

use super::DeletedStatus;
use super::check::{self, COMMAND, Check, NAME};

/// A tmux hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct HookConfig {
    /// As tmux names it (`window-linked`).
    #[cfg_attr(test, schema(example = "window-linked"))]
    pub name: String,
    /// Whether a command is installed on it through this API.
    pub enabled: bool,
    /// That command, as it was given; kept while it is not installed.
    pub command: Option<String>,
    /// What the hook is for.
    pub description: Option<String>,
    /// All commands on it, the user's own too, as tmux writes them.
    #[serde(default)]
    pub commands: Vec<HookCommand>,
}

/// A command on a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct HookCommand {
    /// Its place in the hook's array.
    pub index: u32,
    /// The tmux command, as tmux writes it.
    pub command: String,
}

/// `POST /hooks`: install a command on a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HookCreate {
    /// The hook's name, as `GET /hooks` has it.
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 256, pattern = r"^[^\x00]+$")
    )]
    pub name: String,
    /// Whether it is installed now, or only noted.
    #[serde(default = "enabled")]
    #[cfg_attr(test, schema(default = true))]
    pub enabled: bool,
    /// A tmux command; one that has this server look at tmux without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 2048, pattern = r"^[^\x00]+$")
    )]
    pub command: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 256))]
    pub description: Option<String>,
}

fn enabled() -> bool {
    true
}

impl HookCreate {
    /// A command on a hook.
    pub fn new(name: impl Into<String>, command: impl Into<String>) -> HookCreate {
        HookCreate {
            name: name.into(),
            enabled: true,
            command: Some(command.into()),
            description: None,
        }
    }
}

impl Check for HookCreate {
    fn check(&self) -> Result<(), String> {
        check::filled("name", &self.name, NAME)?;
        check::maybe(&self.command, |text| {
            check::filled("command", text, COMMAND)
        })?;
        check::maybe(&self.description, description)
    }
}

/// Not given to tmux: NUL does no harm.
fn description(text: &str) -> Result<(), String> {
    check::text("description", &text.replace('\0', " "), NAME)
}

/// `PUT` or `PATCH /hooks/{hook_name}`: what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HookUpdate {
    /// Whether it is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The tmux command to install.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 2048, pattern = r"^[^\x00]+$")
    )]
    pub command: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 256))]
    pub description: Option<String>,
}

impl Check for HookUpdate {
    fn check(&self) -> Result<(), String> {
        check::maybe(&self.command, |text| {
            check::filled("command", text, COMMAND)
        })?;
        check::maybe(&self.description, description)
    }
}

/// `DELETE /hooks/{hook_name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct HookDeleted {
    /// Always `deleted`.
    pub status: DeletedStatus,
    /// As tmux names it.
    pub hook: String,
}

/// Something that happened in tmux: `POST /hook` and `POST /callbacks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CallbackEvent {
    /// What happened, by the name of tmux's hook.
    #[cfg_attr(test, schema(min_length = 1, max_length = 256))]
    pub hook_name: String,
    /// The pane; empty is none.
    #[serde(default, deserialize_with = "check::maybe_filled")]
    pub pane_id: Option<String>,
    /// The session's name; empty is none.
    #[serde(default, deserialize_with = "check::maybe_filled")]
    pub session_name: Option<String>,
    /// The window; empty is none.
    #[serde(default, deserialize_with = "check::maybe_filled")]
    pub window_id: Option<String>,
    /// The window's index, as text; may be empty.
    #[serde(default)]
    pub window_index: Option<String>,
    /// The pane's index, as text; may be empty.
    #[serde(default)]
    pub pane_index: Option<String>,
    /// The process id of what runs in the pane.
    #[serde(default, deserialize_with = "check::maybe_whole")]
    #[cfg_attr(test, schema(minimum = 0, maximum = 4_294_967_295_i64))]
    pub pane_pid: Option<u32>,
    /// Whatever else the sender has to say.
    #[serde(default)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Check for CallbackEvent {
    fn check(&self) -> Result<(), String> {
        check::filled("hook_name", &self.hook_name.replace('\0', " "), NAME)
    }
}

/// An event in the history: `/callbacks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct CallbackEventResponse {
    /// For `GET /callbacks/{event_id}`.
    pub id: String,
    /// When it was noted: seconds since the Unix epoch.
    pub time: f64,
    /// The tmux server's socket, where it was seen by this server itself.
    #[serde(default)]
    pub socket: Option<String>,
    /// What happened, by the name of tmux's hook.
    pub hook_name: String,
    /// `%` and a number.
    pub pane_id: Option<String>,
    /// The session's name, as it was given.
    pub session_name: Option<String>,
    /// `@` and a number.
    pub window_id: Option<String>,
    /// The window's index, as text.
    pub window_index: Option<String>,
    /// The pane's index, as text.
    pub pane_index: Option<String>,
    /// The process id of what runs in the pane.
    pub pane_pid: Option<u32>,
    /// Whatever else the sender had to say.
    #[serde(default)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// `DELETE /callbacks/{event_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct CallbackDeleted {
    /// Always `deleted`.
    pub status: DeletedStatus,
    /// The event that is gone.
    pub event_id: String,
}

/// Said when a hook's event was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum HookStatus {
    /// The event was taken.
    Ok,
}

/// What a hook's event has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum HookAction {
    /// The server looks at tmux again.
    Look,
    /// Nothing: neither a recording nor a listener needs to know.
    None,
}

/// `POST /hook`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct HookReceived {
    /// Always `ok`.
    pub status: HookStatus,
    /// What it has led to.
    pub action: HookAction,
}
