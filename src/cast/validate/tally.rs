//! What was found in one stretch of a cast, so that stretches can be looked at
//! on their own and put together afterwards.

use std::collections::BTreeMap;

use super::finding::{Counts, FindingKind, Reader, Severity};
use crate::cast::event::Code;

/// The most different unknown codes that are told apart; memory stays bounded.
const MOST_CODES: usize = 256;

/// A finding, its line counted from the start of the stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cast) struct Detail {
    pub(in crate::cast) kind: FindingKind,
    pub(super) line: u32,
    pub(in crate::cast) offset: u64,
}

/// Findings and figures of a stretch. Lines given to it count from the start
/// of the stretch; what offsets count from is its owner's to know.
#[derive(Debug)]
pub(in crate::cast) struct Tally {
    version: u8,
    /// Findings of one reader's own limits are kept for that one.
    reader: Reader,
    most_details: usize,
    pub(in crate::cast) details: Vec<Detail>,
    pub(super) counts: Counts,
    pub(super) lines: u64,
    pub(super) events: EventCounts,
    pub(super) clock: Clock,
}

/// The times of a stretch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// The first event's time and place, if no header comes before it.
    first: Option<(f64, u64, u32)>,
    /// A second header starts the clock again.
    header: bool,
    /// The last event's time since the last header.
    last: Option<f64>,
    /// The greatest time, or in v3 the sum of all.
    pub(super) end: f64,
}

/// How many events there are of each code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    plain: [u64; 5],
    other: BTreeMap<char, u64>,
    beyond: u64,
}

const PLAIN: [Code; 5] = [
    Code::Output,
    Code::Input,
    Code::Marker,
    Code::Resize,
    Code::Exit,
];

impl EventCounts {
    #[must_use]
    pub fn total(&self) -> u64 {
        self.plain.iter().sum::<u64>() + self.other.values().sum::<u64>() + self.beyond
    }

    /// Each code that there is an event of, and how many. Beyond a few hundred
    /// different unknown codes, U+FFFD stands for the rest.
    pub fn iter(&self) -> impl Iterator<Item = (Code, u64)> + '_ {
        let plain = PLAIN.into_iter().zip(self.plain);
        let other = self
            .other
            .iter()
            .map(|(code, count)| (Code::Other(*code), *count));
        let beyond = (Code::Other('\u{FFFD}'), self.beyond);
        plain
            .chain(other)
            .chain([beyond])
            .filter(|(_, count)| *count > 0)
    }

    pub(crate) fn add(&mut self, code: Code, count: u64) {
        let slot = match code {
            Code::Output => 0,
            Code::Input => 1,
            Code::Marker => 2,
            Code::Resize => 3,
            Code::Exit => 4,
            Code::Other(letter) => {
                if self.other.len() < MOST_CODES || self.other.contains_key(&letter) {
                    *self.other.entry(letter).or_default() += count;
                } else {
                    self.beyond += count;
                }
                return;
            }
        };
        self.plain[slot] += count;
    }

    pub(super) fn merge(&mut self, other: &EventCounts) {
        for (code, count) in other.iter() {
            self.add(code, count);
        }
    }
}

impl Tally {
    pub(in crate::cast) fn new(version: u8, reader: Reader, most_details: usize) -> Tally {
        Tally {
            version,
            reader,
            most_details,
            details: Vec::new(),
            counts: Counts::default(),
            lines: 0,
            events: EventCounts::default(),
            clock: Clock::default(),
        }
    }

    /// One whose findings are only counted.
    pub(super) fn scratch() -> Tally {
        Tally::new(2, Reader::Strict, 0)
    }

    /// Whether findings of that reader alone are wanted.
    pub(super) fn is_for(&self, reader: Reader) -> bool {
        self.reader == reader
    }

    /// Whether asciinema minds nothing of what was found.
    pub(in crate::cast) fn taken_by_asciinema(&self) -> bool {
        self.counts.total(Reader::Asciinema, Severity::Error) == 0
    }

    pub(super) fn note(&mut self, kind: FindingKind, offset: u64, line: u64) {
        if kind.only_for().is_some_and(|reader| reader != self.reader) {
            return;
        }
        self.counts.add(kind);
        if self.details.len() < self.most_details {
            self.details.push(Detail {
                kind,
                line: line as u32,
                offset,
            });
        }
    }

    /// An event with data. `time` is missing when it is no time.
    pub(super) fn event(&mut self, code: Code, time: Option<f64>, offset: u64, line: u64) {
        self.events.add(code, 1);
        let Some(time) = time else { return };
        if self.clock.tick(self.version, time, offset, line) {
            self.note(FindingKind::TimeBackward, offset, line);
        }
    }

    /// A plain event: output, input or marker at a time that is one.
    #[inline(always)]
    pub(super) fn plain_event(&mut self, code: u8, time: f64, offset: u64, line: u64) {
        let slot = match code {
            b'o' => 0,
            b'i' => 1,
            _ => 2,
        };
        self.events.plain[slot] += 1;
        if self.clock.tick(self.version, time, offset, line) {
            self.note(FindingKind::TimeBackward, offset, line);
        }
    }

    pub(super) fn second_header(&mut self, offset: u64, line: u64) {
        self.note(FindingKind::SecondHeader, offset, line);
        self.clock.last = None;
        self.clock.header = true;
    }
}

impl Clock {
    /// Counts an event; gives whether its time runs backwards.
    #[inline(always)]
    fn tick(&mut self, version: u8, time: f64, offset: u64, line: u64) -> bool {
        if version != 2 {
            self.end += time;
            return false;
        }
        let backward = match self.last {
            Some(last) => time < last,
            None => {
                if !self.header {
                    self.first = Some((time, offset, line as u32));
                }
                false
            }
        };
        self.last = Some(time);
        self.end = self.end.max(time);
        backward
    }

    /// Goes on with the clock of the stretch that follows. Gives the place of
    /// its first event when that runs backwards.
    pub(super) fn follow(&mut self, version: u8, next: &Clock) -> Option<(u64, u32)> {
        if version != 2 {
            self.end += next.end;
            return None;
        }
        let backward = match (self.last, next.first) {
            (Some(last), Some((time, offset, line))) if time < last => Some((offset, line)),
            _ => None,
        };
        if next.header || next.last.is_some() {
            self.last = next.last;
        }
        self.header |= next.header;
        self.end = self.end.max(next.end);
        backward
    }
}
