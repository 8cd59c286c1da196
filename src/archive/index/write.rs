//! Puts what a scan gives into the database, block by block.

use std::io::{self, Read};

use rusqlite::{Connection, OptionalExtension, params};

use super::block::Builder;
use super::pack::{Packed, Packer};
use super::scan::{Figures, Line, Scan};
use super::shelf::Open;
use crate::archive::catalogue::{Archive, ArchiveError, Condition, clear};
use crate::cast::{Header, ReadError};
use crate::timeline::Command;

/// Bytes of text that are held back before they are written.
const MUCH: usize = 32 << 20;

/// How many of the last commands stand in a cast's row, and bytes of each.
const LAST_COMMANDS: usize = 3;
const LONGEST: usize = 120;

/// The cast that is read, and its file as it was opened.
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

/// Why a cast was not read.
pub(super) enum Trouble {
    Archive(ArchiveError),
    Cast(String),
}

impl From<ArchiveError> for Trouble {
    fn from(error: ArchiveError) -> Trouble {
        Trouble::Archive(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Cast(error.to_string())
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Trouble {
        Trouble::Cast(crate::wording::chain(&error))
    }
}

/// What waits to be written.
pub(super) struct Writer {
    target: Target,
    /// Set where the cast is read from its start.
    header: Option<Header>,
    builder: Builder,
    packer: Packer,
    is_rest: bool,
    /// Commands and markers that are in the database and do not change any more.
    kept_commands: usize,
    kept_markers: usize,
    trouble: Option<io::Error>,
}

impl Writer {
    pub fn new(target: Target) -> Writer {
        Writer {
            target,
            header: None,
            builder: Builder::default(),
            packer: Packer::default(),
            is_rest: false,
            kept_commands: 0,
            kept_markers: 0,
            trouble: None,
        }
    }

    /// The cast is read from its start: what was known of it goes.
    pub fn begins(&mut self, header: Header) {
        self.header = Some(header);
    }

    /// Reading goes on where these were known.
    pub fn goes_on(&mut self, figures: &Figures, commands: &[Command]) {
        // The last one may have run at that time.
        self.kept_commands = commands.len().saturating_sub(1);
        self.kept_markers = figures.markers.len();
    }

    pub fn add(&mut self, (line, command): Line) {
        self.builder.add(&line, command);
        if self.builder.is_full()
            && let Err(error) = self.pack_full()
        {
            self.trouble = Some(error);
        }
    }

    /// Packs a full block.
    fn pack_full(&mut self) -> io::Result<()> {
        match self.is_rest {
            true => self.close_block(),
            false => self.packer.add(self.builder.take()),
        }
    }

    /// Packs the lines that wait.
    pub fn close_block(&mut self) -> io::Result<()> {
        match self.builder.is_empty() {
            true => Ok(()),
            false => self.packer.add_last(self.builder.take(), self.is_rest),
        }
    }

    /// What comes now stands on the screen at the end of a cast that may grow.
    pub fn rest_begins(&mut self) {
        self.is_rest = true;
    }

    /// Whether packing went wrong.
    pub fn check(&mut self) -> io::Result<()> {
        self.trouble.take().map_or(Ok(()), Err)
    }

    pub fn is_much(&self) -> bool {
        self.packer.waiting() >= MUCH
    }

    /// Writes all that waits, and how to go on from here.
    pub fn flush<R: Read>(
        &mut self,
        archive: &mut Archive,
        scan: &Scan<R>,
        progress: Option<Vec<u8>>,
    ) -> Result<(), Trouble> {
        self.close_block()?;
        let blocks = self.packer.take()?;
        archive.change(|connection| {
            self.write(connection, scan, (&blocks, progress.as_deref()))?;
            connection
                .prepare_cached("UPDATE casts SET is_due = 1 WHERE id = ?")?
                .execute([self.target.cast])?;
            Ok(())
        })?;
        Ok(())
    }

    /// Writes all that waits: the cast was read to its end.
    pub fn finish<R: Read>(
        mut self,
        archive: &mut Archive,
        scan: &Scan<R>,
        progress: Option<Vec<u8>>,
        finding: Option<String>,
    ) -> Result<(), Trouble> {
        self.close_block()?;
        let condition = match (self.target.condition, &finding) {
            (Condition::Running, _) => Condition::Running,
            (_, Some(_)) => Condition::Damaged,
            (_, None) => Condition::Finished,
        };
        let blocks = self.packer.take()?;
        archive.change(|connection| {
            self.write(connection, scan, (&blocks, progress.as_deref()))?;
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
                    condition.number(),
                    finding,
                    self.target.cast
                ])?;
            Ok(())
        })?;
        Ok(())
    }

    fn write<R: Read>(
        &mut self,
        connection: &Connection,
        scan: &Scan<R>,
        (blocks, progress): (&[Packed], Option<&[u8]>),
    ) -> rusqlite::Result<()> {
        let cast = self.target.cast;
        if let Some(header) = self.header.take() {
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
                    header.part.map_or(1, |part| part.number),
                    header.timestamp.map(|seconds| seconds as i64 * 1_000_000),
                    cast
                ])?;
        }
        connection
            .prepare_cached("DELETE FROM block WHERE cast_id = ? AND is_rest = 1")?
            .execute([cast])?;
        self.write_blocks(connection, blocks)?;
        self.write_marks(connection, scan)?;
        let figures = scan.figures();
        let is_running = matches!(self.target.condition, Condition::Running);
        let read = match scan.offset() {
            // Of a compressed one, that is not the place in the file.
            _ if progress.is_none() => self.target.file.2,
            offset => offset,
        };
        let written = connection
            .prepare_cached(
                "UPDATE casts SET indexed = ?, progress = ?, duration = ?, events = ?, gaps = ?,
                     lost = ?, markers = ?, commands = ?, last_commands = ?,
                     title = coalesce(?11, title),
                     lines = (SELECT coalesce(sum(count), 0) FROM block WHERE cast_id = ?10)
                 WHERE id = ?10",
            )?
            .execute(params![
                read as i64,
                progress,
                figures.duration as i64,
                figures.events as i64,
                figures.gaps as i64,
                figures.lost as i64,
                figures.markers.len() as i64,
                scan.own_commands() as i64,
                last_commands(scan.commands()),
                cast,
                // Its header has it in the end.
                figures.title.as_ref().filter(|_| is_running)
            ])?;
        match written {
            // It was taken out meanwhile: nothing of this is kept.
            0 => Err(rusqlite::Error::QueryReturnedNoRows),
            _ => Ok(()),
        }
    }

    fn write_blocks(&self, connection: &Connection, blocks: &[Packed]) -> rusqlite::Result<()> {
        if blocks.is_empty() {
            return Ok(());
        }
        let mut open = Open::load(connection)?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO block (cast_id, is_rest, part, count, text, lines) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for block in blocks {
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

    fn write_marks<R: Read>(
        &mut self,
        connection: &Connection,
        scan: &Scan<R>,
    ) -> rusqlite::Result<()> {
        let cast = self.target.cast;
        let mut insert = connection.prepare_cached(
            "INSERT OR REPLACE INTO command (cast_id, number, text, folder, started, ended, status)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        let commands = scan.commands().iter().enumerate();
        for (at, command) in commands.skip(self.kept_commands) {
            insert.execute(params![
                cast,
                at as i64 + 1,
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
        for (time, label) in scan.figures().markers.iter().skip(self.kept_markers) {
            insert.execute(params![cast, *time as i64, label])?;
        }
        self.goes_on(scan.figures(), scan.commands());
        Ok(())
    }
}

/// The texts of the last commands, each once, one a line.
fn last_commands(commands: &[Command]) -> String {
    let mut last: Vec<String> = Vec::new();
    for text in commands
        .iter()
        .rev()
        .filter_map(|command| command.text.as_ref())
    {
        let first = text.lines().next().unwrap_or_default();
        let short: String = first.chars().take(LONGEST).collect();
        if !short.is_empty() && !last.contains(&short) {
            last.push(short);
        }
        if last.len() == LAST_COMMANDS {
            break;
        }
    }
    last.reverse();
    last.join("\n")
}

impl Archive {
    /// How to go on with a cast, if that is still the file it was.
    pub(super) fn progress(
        &self,
        cast: i64,
        (device, inode): (u64, u64),
    ) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT progress FROM casts WHERE id = ? AND device = ? AND inode = ?",
            )?;
            let found =
                select.query_row(params![cast, device as i64, inode as i64], |row| row.get(0));
            Ok(found.optional()?.flatten())
        })
    }

    /// A cast cannot be read: says so, until its file changes.
    pub(super) fn set_unreadable(&mut self, cast: i64, why: &str) -> Result<(), ArchiveError> {
        let condition = Condition::Damaged.number();
        self.change(|connection| {
            clear(connection, cast)?;
            connection.execute(
                "UPDATE casts SET condition = ?, finding = ?, is_due = 0, progress = NULL,
                     indexed = 0, lines = 0, commands = 0 WHERE id = ?",
                params![condition, why, cast],
            )?;
            Ok(())
        })
    }
}
