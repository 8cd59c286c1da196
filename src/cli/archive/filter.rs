//! Which casts and which commands are meant, as options.

use crate::archive::{CommandRow, Edge, Filter, When};
use crate::config::expand_home;

/// Options that say which casts are meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct FilterArgs {
    /// Casts that were recorded at that time or later: 2h, 3d, today, yesterday, mon,
    /// 14:05, 2026-11-26, '2026-11-26 14:05'
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    since: Option<When>,
    /// Casts that were recorded before that time was over
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    until: Option<When>,
    /// Casts of that tmux session
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// Casts of that window: its id (@3), or a part of its name
    #[arg(long, value_name = "WINDOW")]
    window: Option<String>,
    /// Casts of that machine
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Casts whose title has this in it
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

impl FilterArgs {
    pub(in crate::cli) fn filter(&self) -> Filter {
        Filter {
            since: self.since.map(|when| when.seconds(Edge::Start)),
            until: self.until.map(|when| when.seconds(Edge::End)),
            session: self.session.clone(),
            window: self.window.clone(),
            host: self.host.clone(),
            title: self.title.clone(),
            ..Filter::default()
        }
    }
}

/// Options that say which commands are meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct CommandFilterArgs {
    #[arg(value_name = "FILTER")]
    words: Vec<String>,
    /// Only those that ended with a status other than 0
    #[arg(long)]
    failed: bool,
    /// Only those that took longer, by default than 10 seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "10")]
    slow: Option<f64>,
    /// Only those that were run in that folder, or below it
    #[arg(long, value_name = "FOLDER")]
    cwd: Option<String>,
}

/// Which commands are meant: all that is given must fit. Words fit in either case.
pub(in crate::cli) struct CommandFilter {
    words: Vec<String>,
    only_failed: bool,
    slower_than: Option<f64>,
    folder: Option<String>,
}

impl CommandFilterArgs {
    /// Whether anything is asked for.
    pub(in crate::cli) fn is_given(&self) -> bool {
        !self.words.is_empty() || self.failed || self.slow.is_some() || self.cwd.is_some()
    }

    pub(in crate::cli) fn filter(&self) -> CommandFilter {
        CommandFilter {
            words: self.words.iter().map(|word| word.to_lowercase()).collect(),
            only_failed: self.failed,
            slower_than: self.slow,
            folder: self.cwd.as_deref().map(whole),
        }
    }
}

impl CommandFilter {
    pub(in crate::cli) fn lets_through(&self, command: &CommandRow) -> bool {
        let text = command.text.as_deref().unwrap_or_default().to_lowercase();
        let is_below = |above: &String| {
            let folder = command.folder.as_deref().unwrap_or_default();
            let below = folder.strip_prefix(above.trim_end_matches('/'));
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_slower = |slow| command.duration().is_some_and(|took| took > slow);
        (!self.only_failed || command.has_failed())
            && self.slower_than.is_none_or(is_slower)
            && self.folder.as_ref().is_none_or(is_below)
            && self.words.iter().all(|word| text.contains(word))
    }
}

/// A folder by its whole path, if it is there.
fn whole(folder: &str) -> String {
    let found = std::fs::canonicalize(expand_home(folder));
    found.map_or_else(
        |_| folder.to_owned(),
        |path| path.to_string_lossy().into_owned(),
    )
}
