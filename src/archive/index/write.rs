//! Puts together what a scan gives: lines into blocks, and all that is new into
//! batches for the database.

use std::io::{self, Read};

use super::batch::{Batch, End, Target};
use super::block::Builder;
use super::pack::{Packed, Packing};
use super::scan::{Figures, Scan};
use crate::archive::catalogue::Condition;
use crate::cast::Header;
use crate::screen::ShownLine;
use crate::timeline::Command;

/// How many of the last commands stand in a cast's row, and bytes of each.
const LAST_COMMANDS: usize = 3;
const LONGEST: usize = 120;

/// What waits to be written.
pub(super) struct Writer<'a> {
    target: Target,
    /// Set where the cast is read from its start.
    header: Option<Header>,
    builder: Builder,
    packing: &'a mut Packing,
    packed: Vec<Packed>,
    is_rest: bool,
    /// Commands and markers that are in the database and do not change any more.
    kept_commands: usize,
    kept_markers: usize,
    trouble: Option<io::Error>,
}

impl Writer<'_> {
    pub fn new(target: Target, packing: &mut Packing) -> Writer<'_> {
        Writer {
            target,
            header: None,
            builder: Builder::default(),
            packing,
            packed: Vec::new(),
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

    pub fn add(&mut self, line: &ShownLine, command: Option<usize>) {
        self.builder.add(line, command);
        if self.builder.is_full()
            && let Err(error) = self.close_block()
        {
            self.trouble = Some(error);
        }
    }

    /// Packs the lines that wait.
    pub fn close_block(&mut self) -> io::Result<()> {
        if !self.builder.is_empty() {
            let packed = self.packing.pack(&self.builder, self.is_rest)?;
            self.packed.push(packed);
            self.builder.clear();
        }
        Ok(())
    }

    /// What comes now stands on the screen at the end of a cast that may grow.
    pub fn rest_begins(&mut self) {
        self.is_rest = true;
    }

    /// Whether packing went wrong.
    pub fn check(&mut self) -> io::Result<()> {
        self.trouble.take().map_or(Ok(()), Err)
    }

    /// Bytes of text that wait.
    pub fn waiting(&self) -> usize {
        self.packed.iter().map(|block| block.length).sum()
    }

    /// All that is new since the last call, and how to go on from here.
    pub fn batch<R: Read>(
        &mut self,
        scan: &Scan<R>,
        progress: Option<Vec<u8>>,
    ) -> io::Result<Batch> {
        self.close_block()?;
        let (figures, commands) = (scan.figures(), scan.commands());
        let batch = Batch {
            target: self.target,
            header: self.header.take(),
            blocks: std::mem::take(&mut self.packed),
            first_command: self.kept_commands,
            commands: commands[self.kept_commands..].to_vec(),
            markers: figures.markers[self.kept_markers..].to_vec(),
            last_commands: last_commands(commands),
            own_commands: scan.own_commands(),
            all_markers: figures.markers.len(),
            figures: figures.without_markers(),
            read: match scan.offset() {
                // Of a compressed one, that is not the place in the file.
                _ if progress.is_none() => self.target.file.2,
                offset => offset,
            },
            progress,
            end: None,
        };
        self.goes_on(figures, commands);
        Ok(batch)
    }

    /// The same: the cast was read to its end.
    pub fn last_batch<R: Read>(
        mut self,
        scan: &Scan<R>,
        progress: Option<Vec<u8>>,
        finding: Option<String>,
    ) -> io::Result<Batch> {
        let condition = match (self.target.condition, &finding) {
            (Condition::Running, _) => Condition::Running,
            (_, Some(_)) => Condition::Damaged,
            (_, None) => Condition::Finished,
        };
        let batch = self.batch(scan, progress)?;
        Ok(Batch {
            end: Some(End { condition, finding }),
            ..batch
        })
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
