//! A recording as the archive knows it: one cast, or the chain of those in which it went
//! on, with one time and commands that are numbered through.

use std::rc::Rc;

use super::commands::CommandRow;
use super::printed::LinePart;
use crate::archive::catalogue::{Archive, ArchiveError, Entry, join_parts, part_number};

/// A cast and those in which its recording went on, as far back as they are there.
#[derive(Debug)]
pub struct Chain {
    parts: Vec<Part>,
    commands: Vec<ChainCommand>,
}

#[derive(Debug)]
struct Part {
    cast: Entry,
    /// Where it begins, in seconds of the chain.
    start: f64,
    /// Of each of its commands the place in those of the chain.
    commands: Vec<Option<usize>>,
}

/// A command of a chain.
#[derive(Clone, Debug)]
pub struct ChainCommand {
    /// Its number and its times are those of the chain.
    pub row: CommandRow,
    /// The parts that it ran in, by their places, and its number in each.
    pieces: Vec<(usize, u64)>,
}

impl Archive {
    /// The chain that a cast is of.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn chain(&self, cast: &Entry) -> Result<Chain, ArchiveError> {
        let (first, _) = self.first_part(cast)?;
        let mut chain = Chain {
            parts: Vec::new(),
            commands: Vec::new(),
        };
        let mut start = 0.0;
        for cast in self.parts(&first)? {
            let rows = self.commands(cast.id)?;
            let duration = cast.duration;
            chain.add(cast, start, rows);
            start += duration;
        }
        Ok(chain)
    }
}

impl Chain {
    /// Adds the next part, with the commands that were read of it.
    fn add(&mut self, cast: Entry, start: f64, rows: Vec<CommandRow>) {
        let at = self.parts.len();
        // The first command of a part is what ran as the part before ended, if anything.
        let goes_on = part_number(&cast) > 1;
        let mut commands = Vec::with_capacity(rows.len());
        for row in rows {
            let (number, end) = (row.number, row.end.map(|end| end + start));
            if goes_on && number == 1 {
                let running = self.commands.last_mut();
                let running = running.filter(|last| last.row.end.is_none() && at > 0);
                let place = running.map(|last| {
                    last.row.end = end;
                    last.row.status = row.status;
                    last.pieces.push((at, number));
                });
                commands.push(place.map(|()| self.commands.len() - 1));
                continue;
            }
            self.commands.push(ChainCommand {
                row: CommandRow {
                    number: self.commands.len() as u64 + 1,
                    start: row.start + start,
                    end,
                    ..row
                },
                pieces: vec![(at, number)],
            });
            commands.push(Some(self.commands.len() - 1));
        }
        self.parts.push(Part {
            cast,
            start,
            commands,
        });
    }

    /// The casts, in their order.
    pub fn parts(&self) -> impl Iterator<Item = &Entry> {
        self.parts.iter().map(|part| &part.cast)
    }

    /// The chain as one cast.
    #[must_use]
    pub fn entry(&self) -> Entry {
        let joined = join_parts(self.parts().cloned().collect());
        joined.into_iter().next().unwrap_or_default()
    }

    /// The commands, in their order.
    #[must_use]
    pub fn commands(&self) -> &[ChainCommand] {
        &self.commands
    }

    /// Where a part begins, in microseconds of the chain.
    #[must_use]
    pub fn start_of(&self, cast: i64) -> u64 {
        let part = self.parts.iter().find(|part| part.cast.id == cast);
        part.map_or(0, |part| (part.start * 1e6).round() as u64)
    }

    /// The commands of a part as they are numbered in it, each as that of the chain.
    #[must_use]
    pub fn commands_of(&self, cast: i64) -> Vec<Option<CommandRow>> {
        let part = self.parts.iter().find(|part| part.cast.id == cast);
        let places = part.map(|part| &part.commands[..]).unwrap_or_default();
        let row = |place: usize| self.commands[place].row.clone();
        places.iter().map(|place| place.map(row)).collect()
    }
}

impl ChainCommand {
    /// Whether it ran in a part for which `is_meant` holds.
    pub fn ran_in(&self, chain: &Chain, is_meant: impl FnMut(&Entry) -> bool) -> bool {
        let mut parts = self.pieces.iter().map(|(at, _)| &chain.parts[*at].cast);
        parts.any(is_meant)
    }
}

/// The lines of a chain's commands.
pub struct ChainPrinted<'a> {
    chain: Rc<Chain>,
    archive: &'a Archive,
    /// The part that was looked at last.
    open: Option<(usize, super::Printed<'a>)>,
    is_whole: bool,
}

/// The last line of a part, which the next one may go on with.
struct Held {
    text: Vec<u8>,
    first: u64,
    time: u64,
    until: u64,
    command: Option<u64>,
}

impl Archive {
    /// The lines of a chain's commands.
    #[must_use]
    pub fn printed_by(&self, chain: Rc<Chain>) -> ChainPrinted<'_> {
        ChainPrinted {
            chain,
            archive: self,
            open: None,
            is_whole: true,
        }
    }
}

impl<'a> ChainPrinted<'a> {
    /// Gives each line that a command printed to `take`, which gives whether it wants
    /// more. A line that was cut where one part ends and the next begins is given once,
    /// as it was in the end. Times are those of the parts.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn of_command(
        &mut self,
        command: &ChainCommand,
        take: &mut dyn FnMut(LinePart<'_>) -> bool,
    ) -> Result<(), ArchiveError> {
        let mut held: Option<Held> = None;
        let mut is_wanted = true;
        for (at, number) in &command.pieces {
            let mut is_first = true;
            let printed = self.part(*at)?;
            printed.of_command(*number, &mut |line| {
                let is_cut = is_first && line.first == 0;
                let last = held.take();
                if let Some(last) =
                    last.filter(|last| !(is_cut && line.text.starts_with(&last.text)))
                {
                    is_wanted = take(last.line());
                }
                is_first = false;
                match line.continues || !is_wanted {
                    true => is_wanted = is_wanted && take(line),
                    false => held = Some(Held::of(&line)),
                }
                is_wanted
            })?;
            if !is_wanted {
                return Ok(());
            }
        }
        if let Some(last) = held {
            take(last.line());
        }
        Ok(())
    }

    fn part(&mut self, at: usize) -> Result<&mut super::Printed<'a>, ArchiveError> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != at) {
            self.close()?;
            self.open = Some((at, self.archive.printed(self.chain.parts[at].cast.id)?));
        }
        match &mut self.open {
            Some((_, printed)) => Ok(printed),
            None => Err(ArchiveError::Stopped),
        }
    }

    fn close(&mut self) -> Result<(), ArchiveError> {
        if let Some((_, printed)) = self.open.take() {
            self.is_whole &= printed.finish()?;
        }
        Ok(())
    }

    /// Says whether all of it could be unpacked; what could not is read again from the
    /// cast by the next update.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish(mut self) -> Result<bool, ArchiveError> {
        self.close()?;
        Ok(self.is_whole)
    }
}

impl Held {
    fn of(line: &LinePart<'_>) -> Held {
        Held {
            text: line.text.to_owned(),
            first: line.first,
            time: line.time,
            until: line.until,
            command: line.command,
        }
    }

    fn line(&self) -> LinePart<'_> {
        LinePart {
            text: &self.text,
            first: self.first,
            time: self.time,
            until: self.until,
            command: self.command,
            continues: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, times: (f64, Option<f64>), status: Option<i32>) -> CommandRow {
        CommandRow {
            number,
            text: (status != Some(99)).then(|| number.to_string()),
            folder: None,
            start: times.0,
            end: times.1,
            status,
        }
    }

    fn part(id: i64, number: u32) -> Entry {
        let path = crate::chain::part_path("/a/x.cast".as_ref(), number);
        Entry {
            id,
            part: number,
            path,
            ..Entry::default()
        }
    }

    #[test]
    fn a_command_that_runs_through_parts_is_one() {
        let mut chain = Chain {
            parts: Vec::new(),
            commands: Vec::new(),
        };
        chain.add(
            part(1, 1),
            0.0,
            vec![row(1, (1.0, Some(2.0)), Some(0)), row(2, (3.0, None), None)],
        );
        // It runs all the time.
        chain.add(part(2, 2), 10.0, vec![row(1, (0.0, None), None)]);
        chain.add(
            part(3, 3),
            20.0,
            vec![
                row(1, (0.0, Some(4.0)), Some(7)),
                row(2, (5.0, Some(6.0)), None),
            ],
        );
        // Nothing ran as the part before ended.
        chain.add(
            part(4, 4),
            30.0,
            vec![row(1, (0.0, Some(1.0)), None), row(2, (2.0, None), None)],
        );
        let told = chain.commands().iter().map(|command| {
            let row = &command.row;
            (row.number, row.start, row.end, row.status)
        });
        let told: Vec<_> = told.collect();
        assert_eq!(
            told,
            [
                (1, 1.0, Some(2.0), Some(0)),
                (2, 3.0, Some(24.0), Some(7)),
                (3, 25.0, Some(26.0), None),
                (4, 32.0, None, None),
            ]
        );
        assert_eq!(chain.commands()[1].pieces, [(0, 2), (1, 1), (2, 1)]);
        let numbers = |id| {
            let commands = chain.commands_of(id).into_iter();
            commands
                .map(|row| row.map(|row| row.number))
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(3), [Some(2), Some(3)]);
        assert_eq!(numbers(4), [None, Some(4)]);
        assert_eq!(chain.start_of(3), 20_000_000);
    }
}
