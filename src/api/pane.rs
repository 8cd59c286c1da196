//! Panes on the wire.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::openapi::RefOr;
#[cfg(test)]
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
#[cfg(test)]
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::check::{self, COMMAND, Check, KEYS, NAME};
use super::{ActionStatus, DeletedStatus, Position};

/// A tmux pane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Pane {
    /// `%` and a number; no other pane of this tmux server ever has it.
    #[cfg_attr(test, schema(example = "%0"))]
    pub id: String,
    /// Its index in the window.
    pub index: u32,
    /// Whether it is its window's active pane.
    pub active: bool,
    /// Its upper left corner in the window.
    pub position: Position,
    /// Columns and rows, without borders.
    pub size: Position,
    /// The program that runs in the foreground.
    pub command: String,
    /// The process that tmux started in it; 0 when there is none.
    pub pid: u32,
    /// The title that its program has set; the host name at first.
    pub title: String,
    /// The name of a session that its window is in.
    pub session: Option<String>,
    /// The window's index in that session.
    pub window_index: Option<u32>,
    /// `@` and a number.
    pub window_id: Option<String>,
    /// Whether its process has ended (`remain-on-exit`).
    #[serde(default)]
    pub dead: bool,
}

/// `GET /panes`: which panes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct PaneFilter {
    /// Only the panes of this window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$", example = "@0"))]
    pub window_id: Option<String>,
}

impl Check for PaneFilter {
    fn check(&self) -> Result<(), String> {
        check::maybe(&self.window_id, |text| check::text("window_id", text, NAME))
    }
}

/// The size of a new pane: cells, or hundredths as in `"25%"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PaneSize {
    /// In columns or rows.
    Cells(#[serde(deserialize_with = "check::whole")] u32),
    /// In hundredths of the pane that is split.
    Percent(Percent),
}

#[cfg(test)]
impl PartialSchema for PaneSize {
    fn schema() -> RefOr<Schema> {
        let cells = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(10_000));
        let part = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[1-9][0-9]?%$"));
        OneOfBuilder::new()
            .item(cells)
            .item(part)
            .description(Some("Cells, or hundredths as in `25%`."))
            .into()
    }
}

#[cfg(test)]
impl ToSchema for PaneSize {}

/// Hundredths, from 1 to 99, written as `25%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Percent(pub u8);

impl From<Percent> for String {
    fn from(part: Percent) -> String {
        format!("{}%", part.0)
    }
}

impl TryFrom<String> for Percent {
    type Error = String;

    fn try_from(text: String) -> Result<Percent, String> {
        text.parse()
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Percent, String> {
        let digits = text
            .strip_suffix('%')
            .filter(|digits| digits.starts_with(|c: char| ('1'..='9').contains(&c)));
        let number = digits.and_then(|digits| digits.parse().ok());
        match number {
            Some(number @ 1..=99) => Ok(Percent(number)),
            _ => Err(format!("`{text}` is not a percentage from 1% to 99%")),
        }
    }
}

/// `POST /panes`: split a window. The new pane does not become the active one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PaneCreate {
    /// The window to split.
    #[cfg_attr(
        test,
        schema(
            min_length = 1,
            max_length = 256,
            pattern = r"^[^\x00]+$",
            example = "@0"
        )
    )]
    pub window_id: String,
    /// The pane of that window to split; the active one without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(
            min_length = 1,
            max_length = 256,
            pattern = r"^[^\x00]+$",
            example = "%0"
        )
    )]
    pub target_pane_id: Option<String>,
    /// Whether the new pane is beside the other, not below it.
    #[serde(default)]
    pub horizontal: bool,
    /// Its size in cells, or as text in hundredths (`"25%"`); half without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<PaneSize>,
    /// Where it starts: an absolute path; `.` is the home folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 1024, pattern = r"^(\.|/[^\x00]*)$"))]
    pub start_directory: Option<String>,
    /// What runs in it, as a shell command; the default shell without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        schema(min_length = 1, max_length = 2048, pattern = r"^[^\x00]+$")
    )]
    pub command: Option<String>,
}

impl Check for PaneCreate {
    fn check(&self) -> Result<(), String> {
        check::filled("window_id", &self.window_id, NAME)?;
        check::maybe(&self.target_pane_id, |text| {
            check::filled("target_pane_id", text, NAME)
        })?;
        if let Some(PaneSize::Cells(cells)) = self.size {
            check::within("size", cells, 1, 10_000)?;
        }
        check::start_directory(&self.start_directory)?;
        check::maybe(&self.command, |text| {
            check::filled("command", text, COMMAND)
        })
    }
}

/// Where an edge goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub enum Direction {
    /// Up.
    U,
    /// Down.
    D,
    /// Left.
    L,
    /// Right.
    R,
}

impl Direction {
    /// tmux's letter for it, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Direction::U => "U",
            Direction::D => "D",
            Direction::L => "L",
            Direction::R => "R",
        }
    }
}

/// `POST /panes/{pane_id}/resize`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PaneResize {
    /// Where the pane's edge goes: up, down, left or right.
    pub direction: Direction,
    /// By how many cells.
    #[serde(default = "default_amount", deserialize_with = "check::whole")]
    #[cfg_attr(test, schema(default = 5, minimum = 1, maximum = 10000))]
    pub amount: u32,
}

fn default_amount() -> u32 {
    5
}

impl Check for PaneResize {
    fn check(&self) -> Result<(), String> {
        check::within("amount", self.amount, 1, 10_000)
    }
}

/// `POST /panes/{pane_id}/send-keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PaneSendKeys {
    /// A key by tmux's name for it (`C-c`, `Up`), or any other text.
    #[cfg_attr(test, schema(max_length = 65536, pattern = r"^[^\x00]*$"))]
    pub keys: String,
    /// Whether Enter is pressed after it.
    #[serde(default = "default_enter")]
    #[cfg_attr(test, schema(default = true))]
    pub enter: bool,
    /// Whether the text is typed as it is even if it is a key's name.
    #[serde(default)]
    pub literal: bool,
    /// Whether the pane leaves copy mode and the like first.
    #[serde(default)]
    pub leave_mode: bool,
}

fn default_enter() -> bool {
    true
}

impl Check for PaneSendKeys {
    fn check(&self) -> Result<(), String> {
        check::text("keys", &self.keys, KEYS)
    }
}

/// `POST /panes/{pane_id}/paste`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PanePaste {
    /// The text. It must not hold the end of a bracketed paste (`ESC [201~`),
    /// behind which a program would take the rest as typed.
    #[cfg_attr(
        test,
        schema(
            max_length = 65536,
            pattern = r"^(?![\s\S]*(\x1b\[|\x9b)201~)[^\x00]*$"
        )
    )]
    pub text: String,
    /// Whether Enter is pressed after it.
    #[serde(default)]
    pub enter: bool,
    /// Whether the pane leaves copy mode and the like first.
    #[serde(default)]
    pub leave_mode: bool,
}

impl Check for PanePaste {
    fn check(&self) -> Result<(), String> {
        check::text("text", &self.text, KEYS)?;
        match ["\x1b[201~", "\u{9b}201~"]
            .iter()
            .any(|end| self.text.contains(end))
        {
            true => Err("text must not hold the end of a bracketed paste (ESC [201~)".into()),
            false => Ok(()),
        }
    }
}

/// `POST /panes/{pane_id}/wait`: until when. At least one condition is needed;
/// the first that holds ends the wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PaneWait {
    /// Until this text is on the screen. A line that wraps is one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(min_length = 1, max_length = 2048))]
    pub text: Option<String>,
    /// Until this regular expression (Rust's `regex`) matches the screen; `^`
    /// and `$` match at lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(min_length = 1, max_length = 2048))]
    pub regex: Option<String>,
    /// Until the screen has stayed as it is for this long, in milliseconds.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "check::maybe_whole"
    )]
    #[cfg_attr(test, schema(minimum = 1, maximum = 600_000))]
    pub quiet_ms: Option<u32>,
    /// Until a command has ended, as the shell says by OSC 133 (shell
    /// integration).
    #[serde(default)]
    pub command_ended: bool,
    /// Text to type as it is, with Enter, once the wait has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(max_length = 65536, pattern = r"^[^\x00]*$"))]
    pub keys: Option<String>,
    /// Whether the pane leaves copy mode and the like before `keys`.
    #[serde(default)]
    pub leave_mode: bool,
    /// The longest wait, in milliseconds.
    #[serde(default = "default_timeout", deserialize_with = "check::whole")]
    #[cfg_attr(test, schema(default = 30_000, minimum = 0, maximum = 600_000))]
    pub timeout_ms: u32,
}

fn default_timeout() -> u32 {
    30_000
}

impl Default for PaneWait {
    fn default() -> PaneWait {
        PaneWait {
            text: None,
            regex: None,
            quiet_ms: None,
            command_ended: false,
            keys: None,
            leave_mode: false,
            timeout_ms: default_timeout(),
        }
    }
}

impl Check for PaneWait {
    fn check(&self) -> Result<(), String> {
        for (field, value) in [("text", &self.text), ("regex", &self.regex)] {
            check::maybe(value, |text| {
                check::filled(field, &text.replace('\0', " "), COMMAND)
            })?;
        }
        check::maybe(&self.keys, |text| check::text("keys", text, KEYS))?;
        check::within("quiet_ms", self.quiet_ms.unwrap_or(1), 1, 600_000)?;
        check::within("timeout_ms", self.timeout_ms, 0, 600_000)?;
        let has_condition = self.text.is_some()
            || self.regex.is_some()
            || self.quiet_ms.is_some()
            || self.command_ended;
        match has_condition {
            true => Ok(()),
            false => Err("one of text, regex, quiet_ms and command_ended is required".into()),
        }
    }
}

/// What has ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitOutcome {
    /// The text is on the screen.
    Text,
    /// The expression matches the screen.
    Regex,
    /// The screen has stayed as it is for long enough.
    Quiet,
    /// A command has ended.
    CommandEnded,
    /// Nothing of that came in time.
    TimedOut,
}

/// `POST /panes/{pane_id}/wait`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct PaneWaited {
    /// `%` and a number.
    pub pane: String,
    /// What has ended the wait.
    pub outcome: WaitOutcome,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// The exit status of the command that has ended, if the shell told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
    /// What the pane shows, from the top, without trailing blanks. A line that
    /// wraps is one line.
    pub content: String,
}

/// What keeps a pane from handing on what is typed to its program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct PaneInput {
    /// tmux's name of the mode that it is in (`copy-mode`, `tree-mode`).
    pub mode: Option<String>,
    /// Whether its program has ended (`remain-on-exit`).
    pub dead: bool,
    /// Whether its input is switched off (`select-pane -d`).
    pub off: bool,
}

/// `GET /panes/{pane_id}/capture`: what of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct CaptureRange {
    /// The first line: 0 is the top of the screen, less is history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(minimum = -2_147_483_648, maximum = 32767))]
    pub start: Option<i32>,
    /// The last line, counted as `start` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(minimum = -2_147_483_648, maximum = 32767))]
    pub end: Option<i32>,
    /// Whether colours and attributes go along, as escape sequences.
    #[serde(default)]
    #[cfg_attr(test, param(default = false))]
    pub escapes: bool,
}

impl Check for CaptureRange {
    fn check(&self) -> Result<(), String> {
        for (field, line) in [("start", self.start), ("end", self.end)] {
            check::within(field, line.unwrap_or(0), i32::MIN, i16::MAX.into())?;
        }
        Ok(())
    }
}

/// `GET /panes/{pane_id}/capture`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct PaneCapture {
    /// `%` and a number.
    pub pane: String,
    /// What it shows, a line a row.
    pub content: String,
}

/// `DELETE /panes/{pane_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct PaneDeleted {
    /// Always `deleted`.
    pub status: DeletedStatus,
    /// `%` and a number, of a pane that is gone.
    pub pane: String,
}

/// What was done to a pane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct PaneAction {
    /// What was done.
    pub status: ActionStatus,
    /// `%` and a number.
    pub pane: String,
    /// What was typed, where anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
}
