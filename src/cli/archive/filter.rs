//! Which casts are meant, as options.

use super::when::{Edge, When};
use crate::archive::Filter;

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
}

impl FilterArgs {
    pub(in crate::cli) fn filter(&self) -> Filter {
        Filter {
            since: self.since.map(|when| when.seconds(Edge::Start)),
            until: self.until.map(|when| when.seconds(Edge::End)),
            session: self.session.clone(),
            window: self.window.clone(),
            host: self.host.clone(),
            ..Filter::default()
        }
    }
}
