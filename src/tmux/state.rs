//! What a server holds: sessions, windows and panes, at one moment.

use super::{Batch, Error, Fields, PaneId, Result, Separator, SessionId, Version, WindowId, hooks};

/// One pane in one session: a window that is linked to several sessions is
/// there once for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneState {
    pub session: SessionId,
    pub window: WindowId,
    pub pane: PaneId,
    /// The process that tmux started in it; another one after `respawn-pane`.
    pub pid: u32,
    pub size: (u16, u16),
    /// Whether it is its window's active pane.
    pub is_active: bool,
    /// Whether its window is its session's current one.
    pub is_current_window: bool,
    /// Whether a `pipe-pane` runs on it, whoever started it.
    pub is_piped: bool,
    /// Whether its process has ended (`remain-on-exit`).
    pub is_dead: bool,
    /// Whether tmux knows how its process has ended, and has drawn that on the
    /// pane: a moment after the pane is dead.
    pub has_status: bool,
    /// The window's index in the session.
    pub window_index: u32,
    /// The pane's index in the window.
    pub pane_index: u32,
    pub session_name: String,
    pub window_name: String,
}

/// Which server process it is: a socket may be taken over by another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ServerIdentity {
    pub pid: u32,
    /// When it started: seconds since the Unix epoch.
    pub start_time: u64,
}

/// All panes of a server at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// Which server it is.
    pub identity: ServerIdentity,
    /// Its panes, by session and window.
    pub panes: Vec<PaneState>,
    /// How many hooks of ours are missing ([`hooks::missing`]).
    pub missing_hooks: usize,
}

/// The question for a [`ServerState`], and the reader of its answer.
#[derive(Clone, Debug)]
pub struct StateQuery {
    fields: Fields,
    identity: String,
    separator: Separator,
}

impl StateQuery {
    /// A question for servers of this version.
    #[must_use]
    pub fn new(version: Version) -> StateQuery {
        let fields = Fields::new(version)
            .plain([
                "session_id",
                "window_id",
                "pane_id",
                "pane_pid",
                "pane_width",
                "pane_height",
                "pane_active",
                "window_active",
                "pane_pipe",
                "pane_dead",
                // Unknown before 3.3, and empty then.
                "pane_dead_status",
                "pane_dead_signal",
                "window_index",
                "pane_index",
            ])
            .text(["session_name", "window_name"]);
        StateQuery {
            fields,
            identity: format!("#{{pid}}\t#{{start_time}}\t{}", hooks::missing(version)),
            separator: Separator::random(),
        }
    }

    /// The commands that ask.
    #[must_use]
    pub fn batch(&self) -> Batch {
        let mut batch = Batch::of(["list-panes", "-a", "-F", self.fields.format()]);
        self.separator.end(&mut batch);
        batch.push(["display-message", "-p", &self.identity]);
        self.separator.end(&mut batch);
        batch
    }

    /// Reads an answer, once all of it is there: `None` before that.
    ///
    /// # Errors
    /// When it is not what was asked for.
    pub fn parse(&self, answer: &[u8]) -> Result<Option<ServerState>> {
        let Some((rows, rest)) = self.separator.split(answer) else {
            return Ok(None);
        };
        let Some((identity, _)) = self.separator.split(rest) else {
            return Ok(None);
        };
        let identity = String::from_utf8_lossy(identity);
        let wrong = || Error::Unexpected {
            what: format!("a state that ends in {identity:?}"),
        };
        let mut parts = identity.trim_end_matches('\n').split('\t');
        let mut part = || parts.next().ok_or_else(wrong);
        let (pid, start_time, missing) = (part()?, part()?, part()?);
        let mut panes = Vec::new();
        for mut row in self.fields.parse(rows)? {
            panes.push(PaneState {
                session: row.get()?,
                window: row.get()?,
                pane: row.get()?,
                // Empty when the pane was made without a process (3.3+).
                pid: row.text().parse().unwrap_or(0),
                size: (row.get()?, row.get()?),
                is_active: row.flag(),
                is_current_window: row.flag(),
                is_piped: row.flag(),
                is_dead: row.flag(),
                has_status: !(row.text() + &row.text()).is_empty(),
                window_index: row.get()?,
                pane_index: row.get()?,
                session_name: row.text(),
                window_name: row.text(),
            });
        }
        Ok(Some(ServerState {
            identity: ServerIdentity {
                pid: pid.parse().map_err(|_| wrong())?,
                start_time: start_time.parse().map_err(|_| wrong())?,
            },
            panes,
            missing_hooks: missing.len(),
        }))
    }
}

impl ServerState {
    /// The panes of a window, as one of its sessions has them.
    pub fn window(&self, window: WindowId) -> impl Iterator<Item = &PaneState> {
        let mut panes = self.panes.iter().filter(move |pane| pane.window == window);
        let first = panes.next();
        let session = first.map(|pane| pane.session);
        first
            .into_iter()
            .chain(panes.filter(move |pane| Some(pane.session) == session))
    }

    /// A window's active pane.
    #[must_use]
    pub fn active_pane(&self, window: WindowId) -> Option<&PaneState> {
        self.window(window).find(|pane| pane.is_active)
    }

    /// A pane, wherever it is.
    #[must_use]
    pub fn pane(&self, pane: PaneId) -> Option<&PaneState> {
        self.panes.iter().find(|state| state.pane == pane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let query = StateQuery::new(Version::new(3, 3));
        let format = query.fields.format();
        let mark = &format[format.rfind("}/").unwrap() + 1..];
        let mut line = Batch::new();
        query.separator.end(&mut line);
        let end = line.commands()[0][2].to_str().unwrap().to_owned();
        let answer = format!(
            "$0\t@1\t%2\t77\t80\t24\t1\t1\t0\t0\t\t\t3\t0\tmain{mark}\ta\tb\nc{mark}\n\
             $1\t@1\t%2\t77\t80\t24\t1\t0\t0\t0\t\t\t9\t0\tother{mark}\ta\tb\nc{mark}\n\
             {end}\n12\t1700000000\t1\n{end}\n"
        );
        for cut in 0..answer.len() {
            assert_eq!(query.parse(&answer.as_bytes()[..cut]).unwrap(), None);
        }
        let state = query.parse(answer.as_bytes()).unwrap().unwrap();
        assert_eq!(state.identity.pid, 12);
        assert_eq!(state.missing_hooks, 1);
        assert_eq!(state.panes[0].window_name, "a\tb\nc");
        assert_eq!(state.window(WindowId(1)).count(), 1);
        let active = state.active_pane(WindowId(1)).unwrap();
        assert_eq!((active.pane, active.size), (PaneId(2), (80, 24)));
        assert!(state.active_pane(WindowId(7)).is_none());
    }
}
