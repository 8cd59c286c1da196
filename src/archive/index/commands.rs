//! The commands of shells, and what each printed.

use rusqlite::{Row, params};
use serde::Serialize;

use super::block::Block;
use crate::archive::catalogue::{Archive, ArchiveError};

/// A command that a shell told of (OSC 133).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommandRow {
    /// Counted from 1 in its cast.
    pub number: u64,
    /// What was typed, if the shell says so or the screen showed it.
    pub text: Option<String>,
    pub folder: Option<String>,
    /// Seconds since the start of the cast.
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
    /// The commands of a cast, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn commands(&self, cast: i64) -> Result<Vec<CommandRow>, ArchiveError> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT number, text, folder, started, ended, status FROM command
                 WHERE cast_id = ? ORDER BY number",
            )?;
            select.query_map([cast], CommandRow::of_row)?.collect()
        })
    }

    /// Gives each line that a command printed to `take`, in the order in which they
    /// left the screen; `take` gives whether it wants more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn command_output(
        &self,
        cast: i64,
        number: u64,
        take: &mut dyn FnMut(&[u8], bool) -> bool,
    ) -> Result<(), ArchiveError> {
        let mut is_broken = false;
        self.with(|connection| {
            let mut select = connection
                .prepare_cached("SELECT text, lines FROM block WHERE cast_id = ? ORDER BY id")?;
            let mut rows = select.query(params![cast])?;
            while let Some(row) = rows.next()? {
                let (text, lines) = (row.get_ref(0)?.as_bytes()?, row.get_ref(1)?.as_bytes()?);
                let unpacked = Block::unpack(text, lines);
                let Ok((lines, block)) = unpacked.and_then(|block| Ok((block.lines()?, block)))
                else {
                    is_broken = true;
                    continue;
                };
                let texts = block.text.split(|byte| *byte == b'\n');
                for (line, text) in lines.iter().zip(texts) {
                    if line.command == Some(number) && !take(text, line.continues) {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })?;
        match is_broken {
            true => self.read_again(cast),
            false => Ok(()),
        }
    }

    /// All of a cast is to be read anew: what was read of it is damaged.
    pub(in crate::archive) fn read_again(&self, cast: i64) -> Result<(), ArchiveError> {
        self.with(|connection| {
            let update = "UPDATE casts SET is_due = 1, indexed = 0, progress = NULL WHERE id = ?";
            connection.execute(update, [cast]).map(drop)
        })
    }
}
