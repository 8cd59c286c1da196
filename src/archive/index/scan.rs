//! Plays a cast and gives what it holds: figures, commands, and each line that was
//! shown, once; the label of a marker is a line of its own.
//!
//! A snapshot of tvmux paints what is on the screen again. What was there is told
//! before it, as at the end of a recording, and what the snapshot painted is told
//! only if it was not told before.

use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::cast::{
    Code, EventReader, Header, Micros, Position, ReadError, Strictness, TextBuffer, named_moment,
    title_in,
};
use crate::screen::{Remembered, Seen, Shown, ShownLine, put_part, take_part};
use crate::timeline::{Command, Commands, rules_of};
use crate::tmux::begins_with_snapshot;

/// Markers that are kept of one cast at most.
const MOST_MARKERS: usize = 100_000;

/// Snapshots of the last few times, to know what they painted.
const SNAPSHOTS: usize = 64;

/// Commands that are looked at to find the one that printed a line.
const NEAR: usize = 16;

/// What a cast holds, in figures.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    pub events: u64,
    pub duration: Micros,
    pub gaps: u64,
    pub lost: u64,
    pub markers: Vec<(Micros, String)>,
    /// What the recording was called last, where that has changed since it began.
    #[serde(default)]
    pub title: Option<String>,
}

/// All that a scan knows beside the screen.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    /// Version, offset, time and base of the position.
    place: (u8, u64, Micros, Micros),
    figures: Figures,
    commands: Commands,
    /// The first of them is the one that may run from the part before on.
    is_part: bool,
    /// Commands before this one have rows of another width, or of another screen.
    rows_from: usize,
    told: Remembered,
    snapshots: Vec<Micros>,
    /// Bytes of output still to come that paint the screen which the part before has
    /// left, and told.
    #[serde(default)]
    repainted: u64,
    width: u16,
    #[serde(default)]
    is_suspect: bool,
}

/// A cast that is being played.
pub(super) struct Scan<R> {
    reader: EventReader<R>,
    shown: Shown,
    known: Known,
    text: TextBuffer,
    /// The last event was only a part of one.
    is_inside: bool,
}

/// What takes lines, each with the command that printed it, counted from 0.
pub(super) type Take<'a> = &'a mut dyn FnMut(&ShownLine, Option<usize>);

impl<R: Read> Scan<R> {
    /// A scan from the start.
    pub fn new(input: R) -> Result<(Scan<R>, Header), ReadError> {
        let reader = EventReader::new(input, Strictness::Forgiving)?;
        let header = reader.header().clone();
        let shown = Shown::new(header.width, header.height, rules_of(&header));
        let scan = Scan {
            reader,
            shown,
            known: Known {
                place: (0, 0, 0, 0),
                figures: Figures::default(),
                commands: match header.part {
                    Some(_) => Commands::of_part(),
                    None => Commands::default(),
                },
                is_part: header.part.is_some(),
                rows_from: 0,
                told: Remembered::default(),
                snapshots: Vec::new(),
                repainted: header.part.as_ref().map_or(0, |part| part.screen),
                width: header.width,
                is_suspect: false,
            },
            text: TextBuffer::default(),
            is_inside: false,
        };
        Ok((scan, header))
    }

    /// One that goes on where another was saved; `input` gives the bytes from its
    /// offset on. `None` when another version of tvmux saved it.
    pub fn resume(input: R, saved: &[u8]) -> Option<Scan<R>> {
        let mut rest = saved;
        let (known, shown) = (take_part(&mut rest)?, take_part(&mut rest)?);
        let known: Known = serde_json::from_slice(known).ok()?;
        let (version, offset, time, base) = known.place;
        let position = Position {
            version,
            offset,
            time,
            base,
        };
        Some(Scan {
            reader: EventReader::resume(input, position, Strictness::Forgiving),
            shown: Shown::restore(shown).ok()?,
            known,
            text: TextBuffer::default(),
            is_inside: false,
        })
    }

    /// All that it takes to go on from here. All lines must have been taken.
    pub fn save(&self) -> Vec<u8> {
        let known = serde_json::to_vec(&self.known).unwrap_or_default();
        let mut saved = Vec::new();
        put_part(&mut saved, &known);
        put_part(&mut saved, &self.shown.save());
        saved
    }

    /// The first byte that was not read.
    pub fn offset(&self) -> u64 {
        self.known.place.1
    }

    /// Whether `validate` may find an error in what was read, or in what was read
    /// before the scan was saved ([`EventReader::is_suspect`]).
    pub fn is_suspect(&self) -> bool {
        self.known.is_suspect || self.reader.is_suspect()
    }

    /// What the cast is read from.
    pub fn input(&self) -> &R {
        self.reader.get_ref()
    }

    pub fn figures(&self) -> &Figures {
        &self.known.figures
    }

    /// In a part of a chain the first is the one that may run from the part before on.
    pub fn commands(&self) -> &[Command] {
        self.known.commands.all()
    }

    /// How many of the commands were started in this cast.
    pub fn own_commands(&self) -> usize {
        self.commands().len() - usize::from(self.known.is_part)
    }

    /// Plays about `bytes` of the cast; gives whether there may be more of it. Its
    /// lines go to `take`.
    pub fn step(&mut self, bytes: u64, take: Take<'_>) -> Result<bool, ReadError> {
        let enough = self.offset() + bytes;
        loop {
            let Some(event) = self.reader.next()? else {
                return Ok(false);
            };
            let (time, continues, size) = (event.time, event.continues, event.size());
            let known = &mut self.known;
            let figures = &mut known.figures;
            if !self.is_inside {
                figures.events += 1;
                figures.duration = figures.duration.max(time);
            }
            match event.code {
                Code::Output => {
                    let text = event.data.decode(&mut self.text);
                    if !self.is_inside && begins_with_snapshot(text) {
                        self.shown.finish(time);
                        give(&mut self.shown, known, take);
                        let (columns, rows) = self.shown.screen().size();
                        self.shown = Shown::new(columns, rows, self.shown.screen().rules());
                        known.rows_from = known.commands.all().len();
                        known.snapshots.push(time);
                        if known.snapshots.len() > SNAPSHOTS {
                            known.snapshots.remove(0);
                        }
                    }
                    self.shown.feed(time, text.as_bytes());
                    if known.repainted > 0 {
                        known.repainted = known.repainted.saturating_sub(text.len() as u64);
                        if known.repainted == 0 {
                            known.has_told(&self.shown, time);
                        }
                    }
                    for mark in self.shown.take_marks() {
                        known.commands.add(time, mark);
                    }
                    give(&mut self.shown, known, take);
                }
                Code::Resize => {
                    if let Some((columns, rows)) = size {
                        self.shown.resize(time, columns, rows);
                        if columns != known.width {
                            known.width = columns;
                            known.rows_from = known.commands.all().len();
                        }
                        give(&mut self.shown, known, take);
                    }
                }
                Code::Marker => {
                    let label = event.data.decode(&mut self.text);
                    let (moment, label) = named_moment(time, label);
                    figures.mark(moment, label);
                    if !label.is_empty() {
                        take(&ShownLine::alone(label, moment), None);
                    }
                }
                _ => {}
            }
            self.is_inside = continues;
            if continues {
                continue;
            }
            known.is_suspect |= self.reader.is_suspect();
            let position = self.reader.position();
            known.place = (
                position.version,
                position.offset,
                position.time,
                position.base,
            );
            if position.offset >= enough {
                return Ok(true);
            }
        }
    }

    /// Gives what is still shown, as if the recording ended here; the scan itself
    /// can go on.
    pub fn give_rest(&self, take: Take<'_>) {
        let mut shown = self.shown.clone();
        let mut known = self.known.clone();
        shown.finish(known.figures.duration);
        give(&mut shown, &mut known, take);
    }
}

fn give(shown: &mut Shown, known: &mut Known, take: Take<'_>) {
    while let Some(line) = shown.next_line() {
        let is_repainted = known.snapshots.last() >= Some(&line.first)
            && known.snapshots.binary_search(&line.first).is_ok();
        let is_told = is_repainted && known.told.has(&line.text);
        if !line.text.is_empty() && !is_told {
            known.told.add(&line.text);
            take(&line, known.command_of(&line));
        }
        shown.reuse(line.text);
    }
}

impl Known {
    /// What is shown was told before, as far as it is of that time.
    fn has_told(&mut self, shown: &Shown, time: Micros) {
        let mut shown = shown.clone();
        shown.finish(time);
        while let Some(line) = shown.next_line() {
            self.told.add(&line.text);
        }
        self.snapshots.push(time);
    }

    /// The command that printed a line, counted from 0.
    fn command_of(&self, line: &ShownLine) -> Option<usize> {
        let all = self.commands.all();
        let there = line.time_of(line.text.len());
        let count = all.partition_point(|command| command.start <= there);
        let mut near = (count.saturating_sub(NEAR)..count).rev();
        match (line.seen, line.row) {
            (Seen::InText, Some(row)) => near.find(|at| {
                let command = &all[*at];
                let (first, end) = command.rows;
                match *at >= self.rows_from {
                    true => first <= row && end.is_none_or(|end| row < end),
                    false => command.contains(line.first),
                }
            }),
            _ => near.find(|at| all[*at].contains(line.first)),
        }
    }
}

impl Figures {
    /// All but the markers, of which there may be many.
    pub fn without_markers(&self) -> Figures {
        Figures {
            title: self.title.clone(),
            markers: Vec::new(),
            ..*self
        }
    }

    fn mark(&mut self, time: Micros, label: &str) {
        if let Some(why) = label.strip_prefix("tvmux: gap") {
            self.gaps += 1;
            let before = why.split(" bytes are missing").next().unwrap_or_default();
            let digits = before.rsplit(' ').next().unwrap_or_default();
            if before.len() < why.len() {
                self.lost += digits.parse().unwrap_or(0);
            }
        }
        if let Some(title) = title_in(label) {
            self.title = Some(title.to_owned());
        }
        if self.markers.len() < MOST_MARKERS {
            self.markers.push((time, label.to_owned()));
        }
    }
}
