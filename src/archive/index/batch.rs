//! What was read of a cast, as it is put into the database: all of it, or nothing.

use rusqlite::{Connection, OptionalExtension, params};

use super::pack::Packed;
use super::scan::Figures;
use super::shelf::Open;
use crate::archive::catalogue::{Archive, ArchiveError, Condition, clear};
use crate::cast::{Header, Micros};
use crate::timeline::Command;

/// The cast that is read, and its file as it was opened.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub cast: i64,
    /// Device, inode, size.
    pub file: (u64, u64, u64),
    pub modified: i64,
    /// The file's device, inode, size and time, and how the cast was, as the catalogue
    /// had them when the reading began.
    pub seen: (i64, i64, i64, i64),
    pub condition: Condition,
}

/// What was read of a cast since the last batch.
pub(super) struct Batch {
    pub target: Target,
    /// The cast was read from its start: what was known of it goes.
    pub header: Option<Header>,
    pub blocks: Vec<Packed>,
    /// Those that are new or may have changed, and how many there are before them.
    pub commands: Vec<Command>,
    pub first_command: usize,
    /// Those that are new.
    pub markers: Vec<(Micros, String)>,
    pub last_commands: String,
    pub own_commands: usize,
    pub all_markers: usize,
    /// Without its markers.
    pub figures: Figures,
    /// Up to which byte of the file.
    pub read: u64,
    /// How to go on from there.
    pub progress: Option<Vec<u8>>,
    /// The cast was read to its end.
    pub end: Option<End>,
}

pub(super) struct End {
    pub condition: Condition,
    pub finding: Option<String>,
}

impl Batch {
    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let cast = self.target.cast;
        if let Some(header) = &self.header {
            clear(connection, cast)?;
            connection
                .prepare_cached(
                    "UPDATE casts SET title = ?, program = ?, columns = ?, rows = ?, part = ?,
                         started = coalesce(?, started)
                     WHERE id = ?",
                )?
                .execute(params![
                    header.title,
                    header.command,
                    header.width,
                    header.height,
                    header.part.as_ref().map_or(1, |part| part.number),
                    header.timestamp.map(|seconds| seconds as i64 * 1_000_000),
                    cast
                ])?;
        }
        connection
            .prepare_cached("DELETE FROM block WHERE cast_id = ? AND is_rest = 1")?
            .execute([cast])?;
        self.write_blocks(connection)?;
        self.write_marks(connection)?;
        let figures = &self.figures;
        let is_running = matches!(self.target.condition, Condition::Running);
        let written = connection
            .prepare_cached(
                "UPDATE casts SET indexed = ?, duration = ?, events = ?, gaps = ?, lost = ?,
                     markers = ?, commands = ?, last_commands = ?, title = coalesce(?10, title),
                     lines = (SELECT coalesce(sum(count), 0) FROM block WHERE cast_id = ?9)
                 WHERE id = ?9",
            )?
            .execute(params![
                self.read as i64,
                figures.duration as i64,
                figures.events as i64,
                figures.gaps as i64,
                figures.lost as i64,
                self.all_markers as i64,
                self.own_commands as i64,
                self.last_commands,
                cast,
                // Its header has it in the end.
                figures.title.as_ref().filter(|_| is_running)
            ])?;
        if written == 0 {
            // It was taken out meanwhile: nothing of this is kept.
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
        match &self.progress {
            Some(state) => connection
                .prepare_cached("INSERT OR REPLACE INTO progress (cast_id, state) VALUES (?, ?)")?
                .execute(params![cast, state])?,
            None => connection
                .prepare_cached("DELETE FROM progress WHERE cast_id = ?")?
                .execute([cast])?,
        };
        match &self.end {
            Some(end) => self.write_end(connection, end),
            None => connection
                .prepare_cached("UPDATE casts SET is_due = 1 WHERE id = ?")?
                .execute([cast])
                .map(drop),
        }
    }

    fn write_end(&self, connection: &Connection, end: &End) -> rusqlite::Result<()> {
        let (device, inode, size) = self.target.file;
        let seen = self.target.seen;
        connection
            .prepare_cached(
                // Whoever has looked at the disk meanwhile knows of more to be read.
                "UPDATE casts SET
                     is_due = (device, inode, size, modified, condition)
                         IS NOT (?1, ?2, ?3, ?4, ?5),
                     condition = iif(condition IS ?5, ?10, condition),
                     device = ?6, inode = ?7, size = ?8, modified = ?9, finding = ?11
                 WHERE id = ?12",
            )?
            .execute(params![
                seen.0,
                seen.1,
                seen.2,
                seen.3,
                self.target.condition.number(),
                device as i64,
                inode as i64,
                size as i64,
                self.target.modified,
                end.condition.number(),
                end.finding,
                self.target.cast
            ])?;
        Ok(())
    }

    fn write_blocks(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.blocks.is_empty() {
            return Ok(());
        }
        let mut open = Open::load(connection)?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO block (cast_id, is_rest, part, count, text, lines) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for block in &self.blocks {
            let part = open.add(connection, block)?;
            insert.execute(params![
                self.target.cast,
                block.is_rest,
                part,
                block.count as i64,
                block.text,
                block.lines
            ])?;
        }
        open.save(connection)
    }

    fn write_marks(&self, connection: &Connection) -> rusqlite::Result<()> {
        let cast = self.target.cast;
        let mut insert = connection.prepare_cached(
            "INSERT OR REPLACE INTO command (cast_id, number, text, folder, started, ended, status)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        for (number, command) in (self.first_command as i64 + 1..).zip(&self.commands) {
            insert.execute(params![
                cast,
                number,
                command.text,
                command
                    .folder
                    .as_ref()
                    .map(|folder| folder.to_string_lossy()),
                command.start as i64,
                command.end.map(|end| end as i64),
                command.status
            ])?;
        }
        let mut insert = connection
            .prepare_cached("INSERT INTO marker (cast_id, time, label) VALUES (?, ?, ?)")?;
        for (time, label) in &self.markers {
            insert.execute(params![cast, *time as i64, label])?;
        }
        Ok(())
    }
}

impl Archive {
    /// Writes what was read of a cast; gives whether it is still known.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<bool, ArchiveError> {
        match self.change(|connection| batch.write(connection)) {
            Ok(()) => Ok(true),
            Err(ArchiveError::Database {
                source: rusqlite::Error::QueryReturnedNoRows,
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How to go on with a cast, if that is still the file it was.
    pub(super) fn progress(
        &self,
        cast: i64,
        (device, inode): (u64, u64),
    ) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT state FROM casts JOIN progress ON cast_id = id
                 WHERE id = ? AND device = ? AND inode = ?",
            )?;
            select
                .query_row(params![cast, device as i64, inode as i64], |row| row.get(0))
                .optional()
        })
    }

    /// A cast cannot be read: says so, until its file changes.
    pub(super) fn set_unreadable(&mut self, cast: i64, why: &str) -> Result<(), ArchiveError> {
        let condition = Condition::Damaged.number();
        self.change(|connection| {
            clear(connection, cast)?;
            connection.execute(
                "UPDATE casts SET condition = ?, finding = ?, is_due = 0,
                     indexed = 0, lines = 0, commands = 0 WHERE id = ?",
                params![condition, why, cast],
            )?;
            Ok(())
        })
    }
}
