//! Finds lines that were shown, in all casts, and when they were.
//!
//! `pattern` is what is looked for: what a line must match, and which three bytes in
//! a row a text must have for that. The index rules out most of what was read by
//! these; what is left is unpacked and looked at, the newest cast first, and each hit
//! is given as soon as it is found.

mod joins;
mod pattern;

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use rusqlite::Connection;

pub use pattern::{Pattern, PatternError, PatternOptions};

use self::joins::Joins;
use super::catalogue::{Archive, ArchiveError, Entry};
use super::index::{Block, CommandRow, columns_with};

/// Parts of the texts that are looked up one by one; where more may fit, all blocks
/// of a cast are gone through instead.
const FEW: i64 = 512;

/// A line that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub line: String,
    /// Where in the line it fits, in bytes.
    pub found: Vec<Range<usize>>,
    /// When it was there first, in microseconds since the start of the cast.
    pub time: u64,
    /// When it was there last.
    pub until: u64,
    /// Whether the screen that the cast begins with had it, or a part of it.
    pub(crate) begins_cast: bool,
    /// The command that printed it, if that is known.
    pub command: Option<CommandRow>,
    /// The lines before and after it, as many as were asked for.
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// Which lines count.
#[derive(Clone, Debug, Default)]
pub struct SearchOptions {
    /// How many lines before and after a hit are given.
    pub context: usize,
    /// A part of the command that printed the line, in either case.
    pub command: Option<String>,
    /// Only lines of commands that failed.
    pub only_failed: bool,
}

impl Archive {
    /// Gives each line of `casts` that fits to `take`, in the order of the casts and
    /// of their time, with the cast's place in `casts`. A line that was cut where the
    /// casts of a recording join is given once, as one of the cast in which it began.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn search(
        &self,
        pattern: &Pattern,
        casts: &[Entry],
        options: &SearchOptions,
        take: &mut dyn FnMut(usize, Hit) -> ControlFlow<()>,
    ) -> Result<(), ArchiveError> {
        // All is looked at as it is at one moment, whoever reads casts meanwhile.
        let moment = self.connection.unchecked_transaction();
        let moment = moment.map_err(|source| self.failed(source))?;
        let mut broken = Vec::new();
        let mut joins = Joins::new(casts, take);
        let searched = self.search_in(pattern, casts, options, &mut broken, &mut joins);
        drop(moment);
        if let Ok(ControlFlow::Continue(())) = searched {
            joins.finish();
        }
        // What cannot be unpacked is read again from the cast.
        for cast in broken {
            self.read_again(cast)?;
        }
        searched.map(|_| ())
    }

    fn search_in(
        &self,
        pattern: &Pattern,
        casts: &[Entry],
        options: &SearchOptions,
        broken: &mut Vec<i64>,
        joins: &mut Joins<'_>,
    ) -> Result<ControlFlow<()>, ArchiveError> {
        let ranges = self.with(|connection| columns_with(connection, pattern.wanted()))?;
        let count = |(first, last): &(i64, i64)| last.saturating_sub(*first).saturating_add(1);
        let parts = ranges.iter().map(count).fold(0, i64::saturating_add);
        let known: HashMap<i64, usize> = casts
            .iter()
            .enumerate()
            .map(|(at, cast)| (cast.id, at))
            .collect();
        let mut few = Vec::new();
        if parts <= FEW {
            self.with(|connection| {
                let mut select = connection
                    .prepare_cached("SELECT cast_id, id FROM block WHERE part BETWEEN ? AND ?")?;
                for (first, last) in &ranges {
                    let mut rows = select.query([first, last])?;
                    while let Some(row) = rows.next()? {
                        if let Some(at) = known.get(&row.get(0)?) {
                            few.push((*at, row.get::<_, i64>(1)?));
                        }
                    }
                }
                Ok(())
            })?;
            few.sort_unstable();
            for blocks in few.chunk_by(|a, b| a.0 == b.0) {
                let ids: Vec<i64> = blocks.iter().map(|(_, id)| *id).collect();
                let at = blocks[0].0;
                let cast = (at, &casts[at]);
                if self
                    .search_cast(pattern, cast, &ids, options, broken, joins)?
                    .is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
            return Ok(ControlFlow::Continue(()));
        }
        for (at, cast) in casts.iter().enumerate() {
            let ids = self.with(|connection| blocks_of(connection, cast.id, &ranges))?;
            let cast = (at, cast);
            if self
                .search_cast(pattern, cast, &ids, options, broken, joins)?
                .is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn search_cast(
        &self,
        pattern: &Pattern,
        (at, cast): (usize, &Entry),
        blocks: &[i64],
        options: &SearchOptions,
        broken: &mut Vec<i64>,
        joins: &mut Joins<'_>,
    ) -> Result<ControlFlow<()>, ArchiveError> {
        let mut commands: Option<Vec<Option<CommandRow>>> = None;
        for id in blocks {
            let block = self.with(|connection| {
                let mut select =
                    connection.prepare_cached("SELECT text, lines FROM block WHERE id = ?")?;
                select.query_row([id], |row| {
                    let (text, lines) = (row.get_ref(0)?.as_bytes()?, row.get_ref(1)?.as_bytes()?);
                    Ok(Block::unpack(text, lines))
                })
            })?;
            let found = block.map(|block| (pattern.find_in(&block.text), block));
            let has_hits = found.as_ref().is_ok_and(|(spots, _)| !spots.is_empty());
            if has_hits && commands.is_none() && cast.may_have_commands() {
                commands = Some(self.chain(cast)?.commands_of(cast.id));
            }
            let commands = commands.as_deref().unwrap_or_default();
            let hits = found.and_then(|(spots, block)| hits(&block, spots, commands, options));
            let Ok(hits) = hits else {
                broken.push(cast.id);
                continue;
            };
            for hit in hits {
                if joins.push(at, hit).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(joins.end_of_cast(at))
    }
}

/// The blocks of a cast that may have it.
fn blocks_of(
    connection: &Connection,
    cast: i64,
    ranges: &[(i64, i64)],
) -> rusqlite::Result<Vec<i64>> {
    let mut select =
        connection.prepare_cached("SELECT id, part FROM block WHERE cast_id = ? ORDER BY id")?;
    let mut rows = select.query([cast])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let part: i64 = row.get(1)?;
        let before = ranges.partition_point(|(first, _)| *first <= part);
        if before > 0 && ranges[before - 1].1 >= part {
            ids.push(row.get(0)?);
        }
    }
    Ok(ids)
}

/// A line that fits: its number, where it stands in the block, and where in it.
struct Spot {
    number: usize,
    line: Range<usize>,
    found: Vec<Range<usize>>,
}

fn hits(
    block: &Block,
    spots: Vec<Spot>,
    commands: &[Option<CommandRow>],
    options: &SearchOptions,
) -> std::io::Result<Vec<Hit>> {
    if spots.is_empty() {
        return Ok(Vec::new());
    }
    let lines = block.lines()?;
    let text = |range: Range<usize>| String::from_utf8_lossy(&block.text[range]).into_owned();
    let all: Vec<Range<usize>> = match options.context {
        0 => Vec::new(),
        _ => line_ranges(&block.text).collect(),
    };
    let mut hits = Vec::new();
    for spot in spots {
        let line = lines
            .get(spot.number)
            .ok_or(std::io::ErrorKind::InvalidData)?;
        let command = line
            .command
            .and_then(|number| commands.get(usize::try_from(number).ok()?.checked_sub(1)?))
            .and_then(Option::as_ref);
        if options.only_failed && !command.is_some_and(CommandRow::has_failed) {
            continue;
        }
        if let Some(part) = &options.command {
            let own = command.and_then(|command| command.text.as_ref());
            let part = part.to_lowercase();
            if !own.is_some_and(|own| own.to_lowercase().contains(&part)) {
                continue;
            }
        }
        let end = spot.found.first().map_or(0, |found| found.end);
        let around = |first: usize, end: usize| {
            let lines = all.get(first..end.min(all.len())).unwrap_or_default();
            lines.iter().map(|line| text(line.clone())).collect()
        };
        hits.push(Hit {
            line: text(spot.line),
            found: spot.found,
            time: line.time_of(end),
            until: line.last.max(line.time_of(end)),
            begins_cast: line.first == 0,
            command: command.cloned(),
            before: around(spot.number.saturating_sub(options.context), spot.number),
            after: around(spot.number + 1, spot.number + 1 + options.context),
        });
    }
    Ok(hits)
}

/// Where the lines of a block stand, without their newlines.
fn line_ranges(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text).map(move |end| {
        let line = start..end;
        start = end + 1;
        line
    })
}
