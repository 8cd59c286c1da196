//! Saved casts, and what was found in them, on the wire.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::{IntoParams, ToSchema};

use super::check::{self, Check, NAME};

/// Longest text that is looked for, in characters.
const TEXT: usize = 1024;

/// Most hits of one search.
const HITS: u32 = 10_000;

/// How a saved cast is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CastState {
    /// Nobody writes to it.
    Finished,
    /// It is being recorded.
    Running,
    /// `validate` finds errors in it.
    Damaged,
}

/// A saved cast: `GET /casts`, as `tvmux ls --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Cast {
    /// Its path for `GET /casts/{path}`: below the output folder, else the whole.
    pub path: String,
    /// Whether a recording writes it now.
    pub active: bool,
    /// Its whole path.
    pub cast: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many casts it is: more than one of a recording that was rotated.
    #[serde(default)]
    pub parts: u32,
    /// When it was written last: seconds since the Unix epoch.
    pub modified: f64,
    /// How it is.
    pub state: CastState,
    /// What `validate` says of one that is damaged.
    pub finding: Option<String>,
    /// Whether it is compressed with zstd.
    pub compressed: bool,
    /// The name of the machine.
    pub host: Option<String>,
    /// The tmux session's name.
    pub session: Option<String>,
    /// The window: `@` and a number.
    pub window: Option<String>,
    /// The title in its header.
    pub title: Option<String>,
    /// The command that was recorded, from the header.
    pub program: Option<String>,
    /// When it started: seconds since the Unix epoch.
    pub started: f64,
    /// Seconds.
    pub duration: f64,
    /// Of the terminal at the start.
    pub columns: u16,
    /// Of the terminal at the start.
    pub rows: u16,
    /// How many events it has.
    pub events: u64,
    /// How often output is missing.
    pub gaps: u64,
    /// Bytes of output that are missing.
    pub lost_bytes: u64,
    /// How many markers it has.
    pub markers: u64,
    /// How many commands its shell told of.
    pub commands: u64,
    /// Lines that can be searched.
    pub lines: u64,
    /// The texts of the last commands, the oldest first.
    pub last_commands: Vec<String>,
    /// Bytes that were read, so that they can be searched.
    pub indexed: u64,
    /// Whether there is more to be read.
    pub due: bool,
}

/// `GET /casts`: which casts; all that is given must fit. Times are said as for
/// `tvmux ls`: `2h`, `today`, `mon`, `14:05`, `2026-11-26`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct CastFilter {
    /// Stands in the file's name, title, session, program or last commands, in either
    /// case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 1024, pattern = r"^[^\x00]*$"))]
    pub filter: Option<String>,
    /// Casts that were recorded at that time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        param(max_length = 256, pattern = r"^[^\x00]*$", example = "today")
    )]
    pub since: Option<String>,
    /// Casts that were recorded before that time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        param(max_length = 256, pattern = r"^[^\x00]*$", example = "2026-11-26")
    )]
    pub until: Option<String>,
    /// Casts of that tmux session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub session: Option<String>,
    /// Casts of that window: its id, or a part of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$", example = "@3"))]
    pub window: Option<String>,
    /// Casts of that machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub host: Option<String>,
    /// Casts whose title has this in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub title: Option<String>,
    /// Casts that are being recorded.
    #[serde(default)]
    #[cfg_attr(test, param(default = false))]
    pub running: bool,
    /// How many at most, the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Check for CastFilter {
    fn check(&self) -> Result<(), String> {
        check::maybe(&self.filter, |text| check::text("filter", text, TEXT))?;
        for (field, value) in [
            ("since", &self.since),
            ("until", &self.until),
            ("session", &self.session),
            ("window", &self.window),
            ("host", &self.host),
            ("title", &self.title),
        ] {
            check::maybe(value, |text| check::text(field, text, NAME))?;
        }
        Ok(())
    }
}

/// In which order hits are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SearchOrder {
    /// The newest cast first.
    #[default]
    Time,
    /// What fits best first.
    Relevance,
}

impl SearchOrder {
    /// The order's name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SearchOrder::Time => "time",
            SearchOrder::Relevance => "relevance",
        }
    }
}

/// `GET /search`: what is looked for, and where; as for `tvmux search`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct SearchQuery {
    /// What is looked for. Without a capital letter in it, capitals do not count.
    #[cfg_attr(
        test,
        param(min_length = 1, max_length = 1024, pattern = r"^[^\x00]+$")
    )]
    pub q: String,
    /// Whether it is a regular expression.
    #[serde(default)]
    #[cfg_attr(test, param(default = false))]
    pub regex: bool,
    /// Only whole words.
    #[serde(default)]
    #[cfg_attr(test, param(default = false))]
    pub word: bool,
    /// How many hits at most; 100 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(minimum = 1, maximum = 10_000))]
    pub limit: Option<u32>,
    /// Lines before and after each hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(maximum = 100))]
    pub context: Option<u32>,
    /// Which hits come first.
    #[serde(default)]
    #[cfg_attr(test, param(inline, default = "time"))]
    pub by: SearchOrder,
    /// Casts that were recorded at that time or later, said as for `GET /casts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$", example = "3d"))]
    pub since: Option<String>,
    /// Casts that were recorded before that time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        param(max_length = 256, pattern = r"^[^\x00]*$", example = "yesterday")
    )]
    pub until: Option<String>,
    /// Casts of that tmux session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub session: Option<String>,
    /// Casts of that window: its id, or a part of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$", example = "@3"))]
    pub window: Option<String>,
    /// Casts of that machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub host: Option<String>,
    /// Casts whose title has this in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 256, pattern = r"^[^\x00]*$"))]
    pub title: Option<String>,
    /// Lines that a command printed which has this in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(max_length = 1024, pattern = r"^[^\x00]*$"))]
    pub command: Option<String>,
    /// Lines of commands that failed.
    #[serde(default)]
    #[cfg_attr(test, param(default = false))]
    pub failed: bool,
    /// Only in this cast: a path, a name or its start, `@latest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        test,
        param(max_length = 1024, pattern = r"^[^\x00]*$", example = "@latest")
    )]
    pub cast: Option<String>,
}

impl Check for SearchQuery {
    fn check(&self) -> Result<(), String> {
        check::filled("q", &self.q, TEXT)?;
        check::within("limit", self.limit.unwrap_or(1), 1, HITS)?;
        check::within("context", self.context.unwrap_or(0), 0, 100)?;
        for (field, value, longest) in [
            ("since", &self.since, NAME),
            ("until", &self.until, NAME),
            ("session", &self.session, NAME),
            ("window", &self.window, NAME),
            ("host", &self.host, NAME),
            ("title", &self.title, NAME),
            ("command", &self.command, TEXT),
            ("cast", &self.cast, TEXT),
        ] {
            check::maybe(value, |text| check::text(field, text, longest))?;
        }
        Ok(())
    }
}

/// A line that fits: `GET /search`, as `tvmux search --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct SearchHit {
    /// The cast's whole path.
    pub cast: String,
    /// When it was there first, in seconds since the start of the cast.
    pub time: f64,
    /// When it was there last, in seconds since the start of the cast.
    pub until: f64,
    /// The line.
    pub line: String,
    /// The command that printed it, where that is known.
    pub command: Option<String>,
    /// That command's exit status.
    pub status: Option<i32>,
    /// The tmux session's name.
    pub session: Option<String>,
    /// The window: `@` and a number.
    pub window: Option<String>,
    /// When the cast started: seconds since the Unix epoch.
    pub started: f64,
    /// The lines before it, where `context` asks for some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// The lines after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}
