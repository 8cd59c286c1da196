//! Panes.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::{Control, Target, keys};
use crate::tmux::name::escape_format;
use crate::tmux::{Batch, Error, Fields, ObjectKind, PaneId, Result, SessionId, Version, WindowId};

/// A pane, as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    pub id: PaneId,
    pub window: WindowId,
    /// A session that its window is in.
    pub session: SessionId,
    /// That session's name, as it was given.
    pub session_name: String,
    /// The window's index in that session.
    pub window_index: u32,
    /// Its index in the window.
    pub index: u32,
    /// Whether it is its window's active pane.
    pub is_active: bool,
    /// Columns from the left and rows from the top of its window.
    pub position: (u16, u16),
    pub size: (u16, u16),
    /// The process that tmux started in it; 0 when there is none.
    pub pid: u32,
    /// Whether that process has ended.
    pub is_dead: bool,
    /// The name of the program that runs in the foreground.
    pub command: String,
    pub title: String,
}

/// What a pane that is split off another gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPane {
    pub target: SplitTarget,
    /// Whether the new pane is beside the other, not below it.
    pub horizontal: bool,
    /// Its size; half of the other pane by default.
    pub size: Option<SplitSize>,
    pub start_directory: Option<PathBuf>,
    /// What runs in it; a shell command.
    pub command: Option<String>,
}

/// What is split: a pane, or the active one of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitTarget {
    /// A window's active pane.
    Window(WindowId),
    Pane(PaneId),
}

/// The size of a new pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitSize {
    /// In columns or rows.
    Cells(u32),
    /// In hundredths of the pane that is split.
    Percent(u8),
}

/// What of a pane is captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// The first line: 0 is the top of the screen, less is history.
    pub start: Option<i32>,
    pub end: Option<i32>,
    /// Whether colours and attributes go along, as escape sequences.
    pub escapes: bool,
}

/// What is asked of each pane. Of each of some hundred panes: every variable
/// costs the server its time, and what follows from the window is asked there.
fn pane_fields(version: Version) -> Fields {
    Fields::new(version)
        .plain([
            "pane_id",
            "window_id",
            "pane_active",
            "pane_left",
            "pane_top",
            "pane_width",
            "pane_height",
            "pane_pid",
            "pane_dead",
        ])
        .text(["pane_current_command", "pane_title"])
}

/// Where a window is.
struct WindowPosition {
    session: SessionId,
    index: u32,
    /// The index of its first pane, then of the one after it.
    next_pane: u32,
    session_name: String,
}

/// What is asked of each place of a window.
fn place_fields(version: Version) -> Fields {
    Fields::new(version)
        .plain(["window_id", "session_id", "window_index", "pane-base-index"])
        .text(["session_name"])
}

impl Control {
    /// All panes, each once.
    ///
    /// # Errors
    /// As [`Server::run`](crate::tmux::Server::run).
    pub async fn panes(&self) -> Result<Vec<Pane>> {
        self.list_panes(&["-a"]).await
    }

    /// The panes of a window.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such window.
    pub async fn window_panes(&self, window: WindowId) -> Result<Vec<Pane>> {
        self.list_panes(&["-t", &window.target()]).await
    }

    /// One pane.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn pane(&self, id: PaneId) -> Result<Pane> {
        // Lists the panes of the pane's window.
        let panes = self.list_panes(&["-t", &id.target()]).await?;
        let found = panes.into_iter().find(|pane| pane.id == id);
        found.ok_or_else(|| Error::missing(ObjectKind::Pane, id))
    }

    /// Asks for the places of windows and for the panes of windows, which are
    /// listed in the order of their indices.
    async fn list_panes(&self, which: &[&str]) -> Result<Vec<Pane>> {
        let (places, fields) = (place_fields(self.version), pane_fields(self.version));
        let mut batch = match which {
            ["-t", target] => {
                // Of this window alone, wherever it is.
                Batch::of(["display-message", "-p", "-t", target, places.format()])
            }
            _ => Batch::of(["list-windows", "-a", "-F", places.format()]),
        };
        let mut command = vec!["list-panes"];
        command.extend(which);
        command.extend(["-F", fields.format()]);
        batch.push(command);
        let answer = self.ask(&batch).await?;
        let (rows, rest) = places.parse_while(&answer, |first| first == b'@')?;
        let mut places = HashMap::with_capacity(rows.len());
        for mut row in rows {
            let window: WindowId = row.get()?;
            let place = WindowPosition {
                session: row.get()?,
                index: row.get()?,
                next_pane: row.get()?,
                session_name: row.text(),
            };
            // A window that is linked twice is where it is found first.
            places.entry(window).or_insert(place);
        }
        let rows = fields.parse(rest)?;
        let mut panes: Vec<Pane> = Vec::with_capacity(rows.len());
        let mut seen = HashSet::with_capacity(rows.len());
        for mut row in rows {
            let id: PaneId = row.get()?;
            // And its panes are listed twice.
            if !seen.insert(id) {
                continue;
            }
            let window: WindowId = row.get()?;
            let place = places.get_mut(&window).ok_or_else(|| Error::Unexpected {
                what: format!("pane {id} in window {window}, which is nowhere"),
            })?;
            let index = place.next_pane;
            place.next_pane = index.saturating_add(1);
            panes.push(Pane {
                id,
                window,
                session: place.session,
                session_name: place.session_name.clone(),
                window_index: place.index,
                index,
                is_active: row.flag(),
                position: (row.get()?, row.get()?),
                size: (row.get()?, row.get()?),
                // Empty when the pane was made without a process (3.3+).
                pid: row.text().parse().unwrap_or(0),
                is_dead: row.flag(),
                command: row.text(),
                title: row.text(),
            });
        }
        Ok(panes)
    }

    /// Makes a pane, without making it active.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is no room.
    pub async fn create_pane(&self, new: &NewPane) -> Result<Pane> {
        let target = match new.target {
            SplitTarget::Pane(pane) => pane.target(),
            SplitTarget::Window(window) => window.target(),
        };
        let side = if new.horizontal { "-h" } else { "-v" };
        let mut command: Vec<String> = ["split-window", "-d", side, "-t", &target]
            .map(str::to_owned)
            .to_vec();
        match new.size {
            Some(SplitSize::Cells(cells)) => command.extend(["-l".into(), cells.to_string()]),
            Some(SplitSize::Percent(part)) if self.version.has_split_percentages() => {
                command.extend(["-l".into(), format!("{part}%")]);
            }
            Some(SplitSize::Percent(part)) => command.extend(["-p".into(), part.to_string()]),
            None => {}
        }
        if let Some(folder) = &new.start_directory {
            command.extend(["-c".into(), escape_format(&folder.to_string_lossy())]);
        }
        command.extend(["-P", "-F", "#{pane_id}", "--"].map(str::to_owned));
        command.extend(new.command.clone());
        let id = self.line(&Batch::of(command)).await?;
        let id = id.parse().map_err(|_| Error::Unexpected {
            what: format!("`{id}` as a new pane's id"),
        })?;
        self.pane(id).await
    }

    /// Ends a pane.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn kill_pane(&self, id: PaneId) -> Result<()> {
        let command = Batch::of(["kill-pane", "-t", &id.target()]);
        self.run(&command).await.map(drop)
    }

    /// Makes a pane its window's active one.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn select_pane(&self, id: PaneId) -> Result<()> {
        let command = Batch::of(["select-pane", "-t", &id.target()]);
        self.run(&command).await.map(drop)
    }

    /// Moves an edge of a pane by `amount` cells, as far as there is room, in the
    /// direction that tmux's flag names: `U`, `D`, `L` or `R`.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn resize_pane(&self, id: PaneId, direction: &str, amount: u32) -> Result<()> {
        let (target, flag) = (id.target(), format!("-{direction}"));
        let command = ["resize-pane", "-t", &target, &flag, &amount.to_string()];
        self.run(&Batch::of(command)).await.map(drop)
    }

    /// Types into a pane: a key by tmux's name for it (`C-c`, `Up`), or any
    /// other text as it is; with `literal` always as it is. Then Enter, if
    /// wanted. What others type meanwhile may come between the parts of a long
    /// text.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such pane.
    pub async fn send_keys(
        &self,
        id: PaneId,
        keys: &str,
        literal: bool,
        enter: bool,
    ) -> Result<()> {
        let typing = keys::typing(&id.target(), keys, literal, enter);
        if typing.is_empty() {
            // tmux would send the key that is bound to nothing.
            return self.pane(id).await.map(drop);
        }
        for message in typing.into_messages() {
            self.run(&message).await?;
        }
        Ok(())
    }

    /// What a pane shows.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn capture_pane(&self, id: PaneId, what: Capture) -> Result<String> {
        let mut command = vec!["capture-pane".to_owned(), "-p".into(), "-t".into()];
        command.push(id.target());
        if what.escapes {
            command.push("-e".into());
        }
        for (flag, line) in [("-S", what.start), ("-E", what.end)] {
            if let Some(line) = line {
                command.extend([flag.to_owned(), line.to_string()]);
            }
        }
        let answer = self.ask(&Batch::of(command)).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
