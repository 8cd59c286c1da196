//! What a cast showed, given out again: line by line in the order in which lines left
//! the screen, or only those of one command. One block is in memory at a time.

use std::collections::HashMap;

use rusqlite::Transaction;

use super::block::{Block, BlockLine};
use crate::archive::catalogue::{Archive, ArchiveError};

/// A line that was shown, or a part of a long one.
#[derive(Clone, Copy, Debug)]
pub struct LinePart<'a> {
    pub text: &'a [u8],
    /// When the row that it begins in was written first.
    pub first: u64,
    /// When it was there as a whole, in microseconds since the start of the cast.
    pub time: u64,
    /// When it was there last.
    pub until: u64,
    /// The command that printed it, counted from 1.
    pub command: Option<u64>,
    /// The next part goes on with it.
    pub continues: bool,
}

/// The lines of one cast as they are at one moment, whoever reads more of it
/// meanwhile.
pub struct Printed<'a> {
    archive: &'a Archive,
    connection: Transaction<'a>,
    cast: i64,
    /// In the order in which they were read.
    blocks: Vec<i64>,
    /// The blocks that have lines of each command, once that was asked for.
    of_commands: Option<HashMap<u64, Vec<i64>>>,
    /// The block that was unpacked last, by its id.
    unpacked: Option<(i64, Block, Vec<BlockLine>)>,
    is_broken: bool,
}

impl Archive {
    /// The lines of a cast.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn printed(&self, cast: i64) -> Result<Printed<'_>, ArchiveError> {
        let opened = self.connection.unchecked_transaction();
        let connection = opened.map_err(|source| self.failed(source))?;
        let blocks = self.with(|_| {
            let mut select =
                connection.prepare_cached("SELECT id FROM block WHERE cast_id = ? ORDER BY id")?;
            select.query_map([cast], |row| row.get(0))?.collect()
        })?;
        Ok(Printed {
            archive: self,
            connection,
            cast,
            blocks,
            of_commands: None,
            unpacked: None,
            is_broken: false,
        })
    }
}

impl Printed<'_> {
    /// How many blocks there are.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Gives each line to `take`, and calls it with `None` after each block; `take`
    /// gives whether it wants more.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn each(
        &mut self,
        take: &mut dyn FnMut(Option<LinePart<'_>>) -> bool,
    ) -> Result<(), ArchiveError> {
        for at in 0..self.blocks.len() {
            self.unpack(self.blocks[at])?;
            if !parts(&self.unpacked).all(|part| take(Some(part))) || !take(None) {
                break;
            }
        }
        Ok(())
    }

    /// Gives each line that a command printed to `take`, which gives whether it wants
    /// more.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_command(
        &mut self,
        number: u64,
        take: &mut dyn FnMut(LinePart<'_>) -> bool,
    ) -> Result<(), ArchiveError> {
        if self.of_commands.is_none() {
            self.of_commands = Some(self.find_commands()?);
        }
        let found = self.of_commands.as_mut();
        let blocks = found.and_then(|found| found.remove(&number));
        for id in blocks.unwrap_or_default() {
            self.unpack(id)?;
            let mut own = parts(&self.unpacked).filter(|part| part.command == Some(number));
            if !own.all(&mut *take) {
                break;
            }
        }
        Ok(())
    }

    /// Says whether all of it could be unpacked; what could not is read again from the
    /// cast by the next update.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish(self) -> Result<bool, ArchiveError> {
        let Printed {
            archive,
            connection,
            cast,
            is_broken,
            ..
        } = self;
        drop(connection);
        if is_broken {
            archive.read_again(cast)?;
        }
        Ok(!is_broken)
    }

    fn find_commands(&mut self) -> Result<HashMap<u64, Vec<i64>>, ArchiveError> {
        let mut found: HashMap<u64, Vec<i64>> = HashMap::new();
        for id in &self.blocks {
            let lines = self.archive.with(|_| {
                let mut select = self
                    .connection
                    .prepare_cached("SELECT lines FROM block WHERE id = ?")?;
                select.query_row([id], |row| {
                    Ok(Block::lines_alone(row.get_ref(0)?.as_bytes()?))
                })
            })?;
            let Ok(lines) = lines else {
                self.is_broken = true;
                continue;
            };
            for number in lines.iter().filter_map(|line| line.command) {
                let blocks = found.entry(number).or_default();
                if blocks.last() != Some(id) {
                    blocks.push(*id);
                }
            }
        }
        Ok(found)
    }

    /// Unpacks a block, unless it was the last one anyway.
    fn unpack(&mut self, id: i64) -> Result<(), ArchiveError> {
        if self.unpacked.as_ref().is_some_and(|(last, ..)| *last == id) {
            return Ok(());
        }
        let unpacked = self.archive.with(|_| {
            let mut select = self
                .connection
                .prepare_cached("SELECT text, lines FROM block WHERE id = ?")?;
            select.query_row([id], |row| {
                let (text, lines) = (row.get_ref(0)?.as_bytes()?, row.get_ref(1)?.as_bytes()?);
                Ok(Block::unpack(text, lines).and_then(|block| Ok((block.lines()?, block))))
            })
        })?;
        self.is_broken |= unpacked.is_err();
        self.unpacked = unpacked.ok().map(|(lines, block)| (id, block, lines));
        Ok(())
    }
}

fn parts(unpacked: &Option<(i64, Block, Vec<BlockLine>)>) -> impl Iterator<Item = LinePart<'_>> {
    unpacked.iter().flat_map(|(_, block, lines)| {
        let texts = block.text.split(|byte| *byte == b'\n');
        lines.iter().zip(texts).map(|(line, text)| {
            let time = line.time_of(text.len());
            LinePart {
                text,
                first: line.first,
                time,
                until: line.last.max(time),
                command: line.command,
                continues: line.continues,
            }
        })
    })
}
