//! Rules on the wire: what is recorded without being asked for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::ToSchema;

use super::check::Check;

/// `GET /auto`: whether rules are followed, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Auto {
    pub on: bool,
    /// How many `[[auto]]` rules the server's settings have.
    pub rules: usize,
    /// The tmux servers that are watched, or waited for; none while it is off, or
    /// no rule records anything.
    pub servers: Vec<AutoServer>,
}

/// A tmux server under the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct AutoServer {
    #[cfg_attr(test, schema(value_type = String))]
    pub socket: PathBuf,
    /// Whether it runs; else it is waited for.
    pub live: bool,
    /// How many of its windows are recorded, also by hand.
    pub recorded: usize,
    /// Windows (`@` and a number) whose recording was stopped by hand: the rules
    /// leave them alone.
    pub stopped: Vec<String>,
}

/// `POST /auto/switch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AutoSwitch {
    /// Whether windows are recorded by the rules from now on. Off leaves running
    /// recordings alone.
    pub on: bool,
}

impl Check for AutoSwitch {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AutoRecording {
    Yes,
    No,
    /// Only the last minutes are kept.
    Flashback,
}

/// `GET /auto/{window_id}`: what the rules say of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct AutoVerdict {
    /// `@` and a number.
    pub window_id: String,
    /// The names of the sessions that the window is in.
    pub sessions: Vec<String>,
    /// The window's name.
    pub window: String,
    /// The foreground program of its active pane.
    pub command: String,
    /// The present folder of its active pane.
    pub folder: String,
    /// This machine's names.
    pub hosts: Vec<String>,
    /// The number of the rule that counts, from 1; none where no rule fits, which
    /// means no.
    pub rule: Option<usize>,
    pub record: AutoRecording,
    /// All rules, in their order.
    pub rules: Vec<AutoRuleVerdict>,
}

/// How a rule fits a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct AutoRuleVerdict {
    /// From 1.
    pub rule: usize,
    /// The line of the configuration file where it begins, from 1.
    pub line: usize,
    pub record: AutoRecording,
    pub fits: bool,
    /// The first pattern that does not fit.
    pub mismatch: Option<AutoMismatch>,
}

/// A pattern that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct AutoMismatch {
    /// `session`, `window`, `command`, `folder` or `host`.
    pub key: String,
    pub pattern: String,
    /// What the window has there.
    pub found: Vec<String>,
}
