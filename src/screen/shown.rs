//! What was shown, line by line: to read, to search, to index.
//!
//! Bytes and their times go in, lines come out, each once, with the time at which
//! it appeared and the time at which it was gone:
//!
//! - **What scrolled off** the normal screen, soft wraps joined, and in the end what
//!   is still on it. That is a line as it was in the end: progress bars and redrawn
//!   prompts are folded.
//! - **What was overwritten** on the normal screen, if it was there for
//!   [`SETTLED`] and what took its place does not look like a redraw of it.
//! - **What settled on the alternate screen**: a row that did not change for
//!   [`SETTLED`], when another one that settled takes its place or the program
//!   leaves. A line that is shown again, or moves, counts once until then.
//!
//! A row is a redraw of an older one if it goes on with it or if their letters are the
//! same: counters, clocks and bars change digits and marks. On the alternate
//! screen pages of a log look like that, too, so there the letters count only when a
//! row was redrawn [`COUNTED`] times, each within [`LIVELY`].
//!
//! Memory does not grow with what is fed: lines that were given are known by their
//! hash, the last [`REMEMBERED`] of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::grid::Look;
use super::rules::Rules;
use super::terminal::Screen;
use super::view::{ScrolledLine, Which};

/// How long a row stays as it is to count as shown, in microseconds.
pub const SETTLED: u64 = 1_000_000;
/// Redraws that are told before a row of the alternate screen is known to count.
pub const COUNTED: u32 = 3;
/// The time between two redraws of such a row at most, in microseconds.
pub const LIVELY: u64 = 5_000_000;
/// How many lines are remembered at least as given.
pub const REMEMBERED: usize = 16_384;
/// Bytes that are fed between two looks at what scrolled off: no more lines come
/// of them than the history holds.
const PART: usize = 1024;
const HISTORY: usize = 4096;

/// Where a line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// In the text of the normal screen, which it left at the top or in the end.
    InText,
    /// On the normal screen, until something else was written there.
    Overwritten,
    /// On the alternate screen.
    OnAlternate,
}

/// A line that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLine {
    pub text: String,
    pub seen: Seen,
    /// When it appeared, in microseconds.
    pub first: u64,
    /// When it was there last, in microseconds.
    pub last: u64,
    /// It is longer than can be kept: the next one goes on with it.
    pub continues: bool,
}

/// A row that settled.
#[derive(Clone, Debug)]
struct Settled {
    text: String,
    first: u64,
    last: u64,
    /// How often it was redrawn one after the other.
    redraws: u32,
}

/// What is known of a row.
#[derive(Clone, Debug, Default)]
struct RowState {
    /// When something stood in it first.
    born: Option<u64>,
    /// When it changed last, until that is looked at.
    changed: Option<u64>,
    settled: Option<Settled>,
    /// What it showed at a look while it kept changing, and when.
    sample: Option<(u64, String)>,
}

/// The rows of one of the two screens, from number `base` on.
#[derive(Clone, Debug, Default)]
struct Rows {
    base: u64,
    states: VecDeque<RowState>,
}

impl Rows {
    fn at(&mut self, row: u64) -> Option<&mut RowState> {
        let index = usize::try_from(row.checked_sub(self.base)?).ok()?;
        while self.states.len() <= index {
            self.states.push_back(RowState::default());
        }
        self.states.get_mut(index)
    }

    /// Takes out the rows before `row`.
    fn take_before(&mut self, row: u64) -> impl Iterator<Item = RowState> {
        let count = row.saturating_sub(self.base);
        self.base = self.base.max(row);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.states.drain(..count.min(self.states.len()))
    }
}

/// The last lines that were given, as hashes.
#[derive(Clone, Debug, Default)]
struct Remembered {
    new: HashSet<u64>,
    old: HashSet<u64>,
}

impl Remembered {
    /// Whether it is new; it is known from now on.
    fn insert(&mut self, text: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if self.new.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(hash) && !self.old.contains(&hash)
    }
}

/// A [`Screen`] whose lines are told. See the head of this module.
#[derive(Clone)]
pub struct Shown {
    screen: Screen,
    look: Look,
    now: u64,
    /// The number of the normal screen's first row.
    top: u64,
    normal: Rows,
    /// The alternate screen's rows while it is shown, counted from 0.
    alternate: Option<Rows>,
    /// Lines of the alternate screen that were given, since it was entered.
    on_alternate: Remembered,
    /// Letters of overwritten lines that were given.
    overwritten: Remembered,
    /// The earliest change that was not looked at.
    oldest: Option<u64>,
    /// The size changed while the alternate screen was shown.
    resized_below: bool,
    /// The line that left the normal screen last.
    last_text: String,
    lines: VecDeque<ShownLine>,
}

impl Shown {
    /// A blank screen of that size.
    pub fn new(columns: u16, rows: u16, rules: Rules) -> Shown {
        let mut screen = Screen::with_history(columns, rows, rules, HISTORY);
        Shown {
            look: screen.look(),
            screen,
            now: 0,
            top: 0,
            normal: Rows::default(),
            alternate: None,
            on_alternate: Remembered::default(),
            overwritten: Remembered::default(),
            oldest: None,
            resized_below: false,
            last_text: String::new(),
            lines: VecDeque::new(),
        }
    }

    /// The screen as it is now.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Takes what a program printed at `time`, in microseconds; times come in order.
    pub fn feed(&mut self, time: u64, bytes: &[u8]) {
        self.advance(time);
        let mut rest = bytes;
        while !rest.is_empty() {
            // A character that joins is fed with the one before it.
            let joins = |byte: &u8| *byte >= 0x80;
            let more = rest.iter().skip(PART).take(PART).take_while(|b| joins(b));
            let length = rest.len().min(PART + more.count());
            let (part, later) = rest.split_at(length);
            self.screen.feed(part);
            self.after_change();
            rest = later;
        }
    }

    /// Gives the terminal another size at `time`.
    pub fn resize(&mut self, time: u64, columns: u16, rows: u16) {
        self.advance(time);
        if self.screen.is_alternate() {
            self.screen.resize(columns, rows);
            self.resized_below = true;
        } else {
            let born = self.born_by_text();
            self.screen.resize(columns, rows);
            self.number_anew();
            for (row, text) in self.lines_of(Which::Shown) {
                if let Some(state) = self.normal.at(row) {
                    state.born = born.get(&text).copied();
                }
            }
        }
        self.after_change();
    }

    /// Rows have other numbers at another width.
    fn number_anew(&mut self) {
        self.normal = Rows {
            base: self.screen.first_unscrolled(),
            states: VecDeque::new(),
        };
    }

    /// The next line, once it is known: lines of the normal screen in their order,
    /// the others when they are gone.
    pub fn next_line(&mut self) -> Option<ShownLine> {
        self.lines.pop_front()
    }

    /// The recording ends at `time`: what is still shown is told, too.
    pub fn finish(&mut self, time: u64) {
        self.advance(time);
        if self.alternate.is_some() {
            self.settle(true);
            self.leave_alternate();
        }
        self.take_scrolled();
        let which = match self.screen.is_alternate() {
            true => Which::Normal,
            false => Which::Shown,
        };
        let mut lines = self.lines_of(which);
        while lines.last().is_some_and(|(_, text)| text.is_empty()) {
            lines.pop();
        }
        for (row, text) in lines {
            self.give_text(ScrolledLine {
                row,
                text,
                continues: false,
            });
        }
        self.give_overwritten_before(u64::MAX);
    }

    fn advance(&mut self, time: u64) {
        self.now = self.now.max(time);
        if self.oldest.is_some_and(|at| self.now >= at + SETTLED) {
            self.settle(false);
        }
    }

    /// Takes notice of what the screen did.
    fn after_change(&mut self) {
        match (self.screen.is_alternate(), self.alternate.is_some()) {
            (true, false) => {
                self.alternate = Some(Rows::default());
                self.on_alternate = Remembered::default();
                self.oldest = None;
            }
            (false, true) => self.leave_alternate(),
            _ => {}
        }
        let is_normal = self.alternate.is_none();
        let top = match is_normal {
            true => self.screen.first_row() + self.screen.history() as u64,
            false => 0,
        };
        let changed: Vec<usize> = self.screen.changed_since(self.look).collect();
        if is_normal {
            self.renumber(top, &changed);
        }
        self.take_scrolled();
        let rows = self.alternate.as_mut().unwrap_or(&mut self.normal);
        let mut any = false;
        for y in changed {
            if let Some(state) = rows.at(top + y as u64) {
                state.changed = Some(self.now);
                if state.born.is_none() && self.screen.has_text(y) {
                    state.born = Some(self.now);
                }
                any = true;
            }
        }
        if any {
            self.look = self.screen.look();
            self.oldest.get_or_insert(self.now);
        }
    }

    /// The first row of the normal screen has this number now. Below and above a
    /// region that scrolled rows stay where they are.
    fn renumber(&mut self, top: u64, changed: &[usize]) {
        if top == self.top {
            return;
        }
        let height = usize::from(self.screen.size().1);
        let stay = (0..height).filter(|y| changed.binary_search(y).is_err());
        let states: Vec<_> = stay
            .map(|y| {
                let state = self.normal.at(self.top + y as u64);
                (y, state.map(std::mem::take).unwrap_or_default())
            })
            .collect();
        for (y, state) in states {
            if let Some(place) = self.normal.at(top + y as u64) {
                *place = state;
            }
        }
        self.top = top;
    }

    fn take_scrolled(&mut self) {
        for line in self.screen.take_scrolled() {
            self.give_text(line);
        }
    }

    /// Gives a line that leaves the normal screen.
    fn give_text(&mut self, line: ScrolledLine) {
        self.give_overwritten_before(line.row);
        let state = self.normal.at(line.row);
        let born = state.and_then(|state| state.born);
        self.last_text.clone_from(&line.text);
        self.lines.push_back(ShownLine {
            text: line.text,
            seen: Seen::InText,
            first: born.unwrap_or(self.now),
            last: self.now,
            continues: line.continues,
        });
    }

    /// Gives what was overwritten in the rows of the last line, which end at `row`.
    fn give_overwritten_before(&mut self, row: u64) {
        let states = self.normal.take_before(row);
        let settled: Vec<Settled> = states.filter_map(|state| state.settled).collect();
        for settled in settled {
            let text = &self.last_text;
            if !text.contains(&settled.text) && !is_redraw(&settled.text, text) {
                self.give_overwritten(settled);
            }
        }
    }

    /// Looks at the rows that have not changed for a while; in the end at all.
    fn settle(&mut self, in_the_end: bool) {
        let is_normal = self.alternate.is_none();
        let (top, untold) = match is_normal {
            true => (self.top, 0),
            false => (0, COUNTED),
        };
        let rows = self.alternate.as_mut().unwrap_or(&mut self.normal);
        let mut gone = Vec::new();
        self.oldest = None;
        for y in 0..usize::from(self.screen.size().1) {
            let Some(state) = rows.at(top + y as u64) else {
                continue;
            };
            let Some(at) = state.changed else {
                continue;
            };
            let text = self.screen.text(Which::Shown, y);
            let at = if at + SETTLED <= self.now || in_the_end {
                at
            } else {
                self.oldest = self.oldest.into_iter().chain([at]).min();
                // Written again and again, it is still the same.
                match &state.sample {
                    Some((since, sample)) if *sample == text => {
                        if since + SETTLED > self.now {
                            continue;
                        }
                        *since
                    }
                    _ => {
                        state.sample = Some((self.now, text));
                        continue;
                    }
                }
            };
            if at + SETTLED <= self.now || in_the_end {
                state.changed = None;
            }
            let first = state.born.filter(|_| is_normal).unwrap_or(at);
            let new = Settled::new(text, first, self.now);
            gone.extend(new.replace(&mut state.settled, untold));
        }
        for settled in gone {
            if is_normal {
                self.give_overwritten(settled);
            } else {
                self.give_alternate(settled);
            }
        }
    }

    fn give_overwritten(&mut self, settled: Settled) {
        let top = self.screen.first_row() + self.screen.history() as u64;
        let height = usize::from(self.screen.size().1);
        // Where it moved to it is told when it is gone there.
        let mut rows = (0..height).map(|y| (y, self.screen.text(Which::Shown, y)));
        if self.alternate.is_none()
            && let Some((y, _)) = rows.find(|(_, text)| *text == settled.text)
            && let Some(state) = self.normal.at(top + y as u64)
            && state
                .settled
                .as_ref()
                .is_none_or(|there| there.text == settled.text)
        {
            state.settled = Some(settled);
            return;
        }
        let letters: String = letters(&settled.text).collect();
        if letters.is_empty() || !self.overwritten.insert(&letters) {
            return;
        }
        self.lines.push_back(ShownLine {
            text: settled.text,
            seen: Seen::Overwritten,
            first: settled.first,
            last: settled.last,
            continues: false,
        });
    }

    /// What settled on the alternate screen is given; the normal one is shown again.
    fn leave_alternate(&mut self) {
        let rows = self.alternate.take().unwrap_or_default();
        for state in rows.states {
            if let Some(settled) = state.settled {
                self.give_alternate(settled);
            }
        }
        self.oldest = None;
        if std::mem::take(&mut self.resized_below) {
            self.number_anew();
        }
    }

    fn give_alternate(&mut self, settled: Settled) {
        if !settled.text.is_empty() && self.on_alternate.insert(&settled.text) {
            self.lines.push_back(ShownLine {
                text: settled.text,
                seen: Seen::OnAlternate,
                first: settled.first,
                last: settled.last,
                continues: false,
            });
        }
    }

    /// The lines of a screen that did not scroll off, soft wraps joined, with the
    /// numbers of their first rows.
    fn lines_of(&self, which: Which) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        let mut start = self.screen.first_unscrolled();
        let mut text = String::new();
        let mut row = start;
        while let Some(wrapped) = self.screen.push_row(which, row, &mut text) {
            row += 1;
            if !wrapped {
                text.truncate(text.trim_end_matches(' ').len());
                lines.push((start, std::mem::take(&mut text)));
                start = row;
            }
        }
        if !text.is_empty() {
            lines.push((start, text));
        }
        lines
    }

    /// When the lines of the normal screen appeared.
    fn born_by_text(&mut self) -> HashMap<String, u64> {
        if self.screen.is_alternate() {
            return HashMap::new();
        }
        let lines = self.lines_of(Which::Shown);
        let born = lines.into_iter().filter_map(|(row, text)| {
            let born = self.normal.at(row)?.born?;
            Some((text, born))
        });
        born.collect()
    }
}

impl Settled {
    fn new(text: String, first: u64, last: u64) -> Settled {
        Settled {
            text,
            first,
            last,
            redraws: 0,
        }
    }

    /// Puts what a row shows now in the place of what settled in it before; gives
    /// that if it is to be told: not as a redraw after `untold` of them.
    fn replace(mut self, place: &mut Option<Settled>, untold: u32) -> Option<Settled> {
        let Some(old) = place else {
            *place = Some(self);
            return None;
        };
        let goes_on = extends(&old.text, &self.text) && (untold == 0 || has_letters(&old.text));
        let counts = counts(&old.text, &self.text);
        if counts {
            self.redraws = old.redraws + 1;
        }
        let is_lively = untold == 0 || self.first < old.last.saturating_add(LIVELY);
        if old.text == self.text || goes_on || counts && old.redraws >= untold && is_lively {
            self.first = old.first;
            *place = Some(self);
            return None;
        }
        place.replace(self).filter(|old| !old.text.is_empty())
    }
}

/// Whether the new text is a later state of the old one on the normal screen.
fn is_redraw(old: &str, new: &str) -> bool {
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

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphabetic())
}
