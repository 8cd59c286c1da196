//! What is known of the rows of a screen whose lines are told: since when they
//! show something, what settled in them, and what of it was told. See `shown`.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

/// Redraws that are told before a row of the alternate screen is known to count.
pub const COUNTED: u32 = 3;
/// The time between two redraws of such a row at most, in microseconds.
pub const LIVELY: u64 = 5_000_000;
/// How many lines are remembered at least as given.
pub const REMEMBERED: usize = 16_384;

/// From `time` on, a line began with the first `length` bytes of what it was in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Bytes from its start.
    pub length: usize,
    /// Microseconds.
    pub time: u64,
}

/// A row that settled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settled {
    pub text: String,
    pub first: u64,
    pub last: u64,
    /// Since when it says this.
    pub since: u64,
    /// What it said before that this goes on with.
    pub steps: Vec<Step>,
    /// How often it was redrawn one after the other.
    pub redraws: u32,
    /// The row says it still, as far as that is known.
    #[serde(default)]
    pub is_shown: bool,
}

/// What is known of a row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct RowState {
    /// When something stood in it first.
    pub born: Option<u64>,
    /// When it changed last.
    pub written: u64,
    /// The same, until that is looked at.
    pub changed: Option<u64>,
    // All rows are gone through again and again: what few have stands elsewhere.
    pub settled: Option<Box<Settled>>,
    pub sample: Option<Box<Sample>>,
}

/// What a row showed at a look while it kept changing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sample {
    pub since: u64,
    pub text: String,
    /// Nothing was written into the row since it was looked at last.
    pub is_current: bool,
}

impl RowState {
    /// What the row says now, where that is known.
    pub fn shown(&self) -> Option<&str> {
        let sample = self.sample.as_ref().filter(|sample| sample.is_current);
        let settled = self.settled.as_ref().filter(|settled| settled.is_shown);
        let sample = sample.map(|sample| &*sample.text);
        sample.or_else(|| settled.map(|settled| &*settled.text))
    }

    /// The row may say something else than what is known of it.
    pub fn forget_shown(&mut self) {
        if let Some(sample) = &mut self.sample {
            sample.is_current = false;
        }
        if let Some(settled) = &mut self.settled {
            settled.is_shown = false;
        }
    }
}

impl Sample {
    pub fn new(since: u64, text: String) -> Box<Sample> {
        Box::new(Sample {
            since,
            text,
            is_current: true,
        })
    }
}

/// The rows of one of the two screens, from number `base` on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Rows {
    pub base: u64,
    pub states: VecDeque<RowState>,
}

impl Rows {
    #[inline]
    pub fn at(&mut self, row: u64) -> Option<&mut RowState> {
        let index = usize::try_from(row.checked_sub(self.base)?).ok()?;
        if self.states.len() <= index {
            self.states.resize_with(index + 1, RowState::default);
        }
        self.states.get_mut(index)
    }

    /// `count` rows from `row` on, with their numbers.
    pub fn from(&mut self, row: u64, count: usize) -> impl Iterator<Item = (u64, &mut RowState)> {
        let end = (row + count as u64).saturating_sub(self.base) as usize;
        let row = row.max(self.base);
        let start = ((row - self.base) as usize).min(end);
        if self.states.len() < end {
            self.states.resize_with(end, RowState::default);
        }
        (row..).zip(self.states.range_mut(start..end))
    }

    /// Takes out the first row, if that is before `row`.
    pub fn take_before(&mut self, row: u64) -> Option<RowState> {
        if self.base >= row {
            return None;
        }
        let state = self.states.pop_front();
        self.base = match state {
            Some(_) => self.base + 1,
            None => row,
        };
        state
    }
}

/// The last lines that were given, as hashes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Remembered {
    new: Hashes,
    old: Hashes,
    /// Those that came last, as long as nobody asks.
    #[serde(default)]
    waiting: Vec<u64>,
}

/// What they are made with is the same in every process: they are saved.
type Hashes = HashSet<u64, FixedState>;

impl Remembered {
    /// Whether it is known.
    pub fn has(&mut self, text: &str) -> bool {
        self.sort_in();
        let hash = hash(text);
        self.new.contains(&hash) || self.old.contains(&hash)
    }

    /// It is known from now on: quicker than [`Remembered::insert`].
    pub fn add(&mut self, text: &str) {
        if self.waiting.len() == 2 * REMEMBERED {
            self.waiting.drain(..REMEMBERED);
        }
        self.waiting.push(hash(text));
    }

    /// Whether it is new; it is known from now on.
    pub fn insert(&mut self, text: &str) -> bool {
        self.sort_in();
        self.insert_hash(hash(text))
    }

    fn sort_in(&mut self) {
        for hash in std::mem::take(&mut self.waiting) {
            self.insert_hash(hash);
        }
    }

    fn insert_hash(&mut self, hash: u64) -> bool {
        if self.new.len() >= REMEMBERED {
            std::mem::swap(&mut self.old, &mut self.new);
            self.new.clear();
        }
        self.new.insert(hash) && !self.old.contains(&hash)
    }
}

fn hash(text: &str) -> u64 {
    FixedState::default().hash_one(text)
}

impl Settled {
    pub fn new(text: String, (first, since): (u64, u64), last: u64) -> Settled {
        Settled {
            text,
            first,
            last,
            since,
            steps: Vec::new(),
            redraws: 0,
            is_shown: true,
        }
    }

    /// Puts what a row shows now in the place of what settled in it before; gives
    /// that if it counts as a line: not as a redraw after `untold` of them.
    pub fn replace(
        mut self: Box<Self>,
        place: &mut Option<Box<Settled>>,
        untold: u32,
    ) -> Option<Box<Settled>> {
        let Some(old) = place else {
            *place = Some(self);
            return None;
        };
        let is_same = old.text == self.text;
        let extends = !is_same && extends(&old.text, &self.text);
        let goes_on = extends && (untold == 0 || has_letters(&old.text));
        let counts = match is_same {
            true => has_letters(&old.text),
            false => counts(&old.text, &self.text),
        };
        if counts {
            self.redraws = old.redraws + 1;
        }
        let is_lively = untold == 0 || self.first < old.last.saturating_add(LIVELY);
        if is_same || goes_on || counts && old.redraws >= untold && is_lively {
            self.first = old.first;
            if is_same {
                self.since = old.since;
                self.steps = std::mem::take(&mut old.steps);
            } else if extends {
                self.steps = std::mem::take(&mut old.steps);
                self.steps.push(Step {
                    length: old.text.len(),
                    time: old.since,
                });
            }
            *place = Some(self);
            return None;
        }
        place.replace(self).filter(|old| !old.text.is_empty())
    }

    /// The steps in which it grew; none where all of it was there at `first`.
    pub fn all_steps(&self) -> Vec<Step> {
        Settled::steps_to(Some(self), &self.text, self.first, self.since)
    }

    /// The steps in which a line grew to `text`, which was there from `written` on;
    /// none where all of it was there at `first`.
    pub fn steps_to(settled: Option<&Settled>, text: &str, first: u64, written: u64) -> Vec<Step> {
        let (mut steps, mut since) = (Vec::new(), written);
        if let Some(old) = settled.filter(|old| text.starts_with(&old.text)) {
            if old.text.len() == text.len() {
                since = old.since;
            }
            if old.text.len() == text.len() || !old.text.is_empty() {
                steps.clone_from(&old.steps);
            }
            if old.text.len() < text.len() && !old.text.is_empty() {
                steps.push(Step {
                    length: old.text.len(),
                    time: old.since,
                });
            }
        }
        if steps.is_empty() && since <= first {
            return steps;
        }
        steps.push(Step {
            length: text.len(),
            time: since,
        });
        steps
    }
}

/// Whether the new text is a later state of the old one on the normal screen.
pub(super) fn is_redraw(old: &str, new: &str) -> bool {
    old == new || extends(old, new) || counts(old, new)
}

/// Whether the new text goes on with the old one.
fn extends(old: &str, new: &str) -> bool {
    !old.is_empty() && new.starts_with(old)
}

/// Whether digits and marks are all that differs.
fn counts(old: &str, new: &str) -> bool {
    has_letters(old) && letters(old).eq(letters(new))
}

fn has_letters(text: &str) -> bool {
    letters(text).next().is_some()
}

pub(super) fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphabetic())
}
