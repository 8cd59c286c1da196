//! The commands of shells.

use rusqlite::Row;
use serde::Serialize;

use crate::archive::catalogue::{Archive, ArchiveError};

/// A command that a shell told of (OSC 133).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommandRow {
    /// Counted from 1 in its recording.
    pub number: u64,
    /// What was typed, if the shell says so or the screen showed it.
    pub text: Option<String>,
    pub folder: Option<String>,
    /// Seconds since the start of the recording.
    pub start: f64,
    /// `None` while it runs, and for one whose end nobody told.
    pub end: Option<f64>,
    pub status: Option<i32>,
}

impl CommandRow {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<CommandRow> {
        let seconds = |micros: i64| micros as f64 / 1e6;
        Ok(CommandRow {
            number: row.get::<_, i64>(0)? as u64,
            text: row.get(1)?,
            folder: row.get(2)?,
            start: seconds(row.get(3)?),
            end: row.get::<_, Option<i64>>(4)?.map(seconds),
            status: row.get(5)?,
        })
    }

    /// Seconds that it took.
    #[must_use]
    pub fn duration(&self) -> Option<f64> {
        self.end.map(|end| end - self.start)
    }

    /// Whether it ended with a status other than 0.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status.is_some_and(|status| status != 0)
    }
}

impl Archive {
    /// The commands of a cast, in order: those of its chain are in [`Archive::chain`].
    pub(super) fn commands(&self, cast: i64) -> Result<Vec<CommandRow>, ArchiveError> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT number, text, folder, started, ended, status FROM command
                 WHERE cast_id = ? ORDER BY number",
            )?;
            select.query_map([cast], CommandRow::of_row)?.collect()
        })
    }

    /// All of a cast will be read again: what was read of it is damaged.
    pub(in crate::archive) fn read_again(&self, cast: i64) -> Result<(), ArchiveError> {
        self.with(|connection| {
            let update = "UPDATE casts SET is_due = 1, indexed = 0 WHERE id = ?";
            connection.execute(update, [cast]).map(drop)
        })
    }
}
