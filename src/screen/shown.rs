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

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::grid::Look;
use super::marks::Marked;
use super::parts::{put_part, take_part};
use super::row_states::{
    COUNTED, Remembered, RowState, Rows, Sample, Settled, Step, is_redraw, letters,
};
use super::rules::Rules;
use super::state::BadState;
use super::terminal::{Screen, ScrolledLine, ScrolledRows};
use super::view::Which;

/// How long a row stays as it is to count as shown, in microseconds.
pub const SETTLED: u64 = 1_000_000;
/// Bytes that are fed between two looks at what scrolled off: no more lines come
/// of them than the history holds. A short one stays in the processor's memory.
const PART: usize = 1024;
const HISTORY: usize = 1024;
/// Texts that are kept to be used again.
const SPARE: usize = 256;

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
    /// Its first row, counted from the first that the terminal ever had; of
    /// [`Seen::InText`] alone, and only until the terminal has another width.
    pub row: Option<u64>,
    /// How it grew, where it was not all there at `first`.
    pub steps: Vec<Step>,
}

impl ShownLine {
    /// A text that stood there at one moment, and was not printed.
    #[must_use]
    pub fn alone(text: &str, time: u64) -> ShownLine {
        ShownLine {
            text: text.to_owned(),
            seen: Seen::InText,
            first: time,
            last: time,
            continues: false,
            row: None,
            steps: Vec::new(),
        }
    }

    /// When its first `length` bytes were there as they were in the end, in
    /// microseconds.
    pub fn time_of(&self, length: usize) -> u64 {
        let step = self.steps.iter().find(|step| step.length >= length);
        step.map_or(self.first, |step| step.time)
    }
}

/// A [`Screen`] whose lines are told. See the head of this module.
#[derive(Clone, Serialize, Deserialize)]
pub struct Shown {
    /// Saved in its own way.
    #[serde(skip, default = "smallest")]
    screen: Screen,
    #[serde(skip)]
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
    /// What was known of the normal screen's lines when the alternate one was entered.
    below: Option<Kept>,
    #[serde(skip)]
    lines: VecDeque<ShownLine>,
    #[serde(skip)]
    spare: Spare,
    /// Room for what is gone through at each look.
    #[serde(skip)]
    changed: Vec<u64>,
}

/// How many bytes come before the first sequence that shows the alternate screen or the
/// normal one; where it comes first, how many it has.
fn up_to_switch(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'?', bytes).find_map(|mark| {
        let start = mark.checked_sub(2)?;
        if bytes[start..mark] != *b"\x1b[" {
            return None;
        }
        let modes = mark + 1;
        let is_mode = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
        let end = modes + bytes[modes..].iter().take_while(is_mode).count();
        let mut modes = bytes[modes..end].split(|byte| *byte == b';');
        let switches = modes.any(|mode| matches!(mode, b"47" | b"1047" | b"1049"));
        let is_set = matches!(bytes.get(end), Some(b'h' | b'l'));
        (switches && is_set).then_some(if start > 0 { start } else { end + 1 })
    })
}

/// A screen in the place of one that is saved apart.
fn smallest() -> Screen {
    Screen::new(1, 1, Rules::TMUX_3_7)
}

/// What is known of lines, by their texts, in their order.
type Kept = HashMap<String, VecDeque<RowState>>;

/// Memory that nobody needs any more, to be used again.
#[derive(Clone, Default)]
struct Spare {
    texts: Vec<String>,
    #[expect(clippy::vec_box, reason = "the boxes are what is used again")]
    settled: Vec<Box<Settled>>,
}

impl Spare {
    /// An empty text.
    fn take(&mut self) -> String {
        self.texts.pop().unwrap_or_default()
    }

    fn boxed(&mut self, settled: Settled) -> Box<Settled> {
        match self.settled.pop() {
            Some(mut used) => {
                *used = settled;
                used
            }
            None => Box::new(settled),
        }
    }

    fn give_settled(&mut self, mut settled: Box<Settled>) {
        self.give(std::mem::take(&mut settled.text));
        if self.settled.len() < SPARE {
            self.settled.push(settled);
        }
    }

    /// The same as another.
    fn copy(&mut self, other: &str) -> String {
        let mut text = self.take();
        text.push_str(other);
        text
    }

    fn give(&mut self, mut text: String) {
        if self.texts.len() < SPARE && text.capacity() < PART {
            text.clear();
            self.texts.push(text);
        }
    }

    fn give_all(&mut self, texts: impl IntoIterator<Item = String>) {
        texts.into_iter().for_each(|text| self.give(text));
    }
}

impl Shown {
    /// A blank screen of that size.
    pub fn new(columns: u16, rows: u16, rules: Rules) -> Shown {
        let mut screen = Screen::with_history(columns, rows, rules, HISTORY);
        screen.keep_cleared();
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
            below: None,
            lines: VecDeque::new(),
            spare: Spare::default(),
            changed: Vec::new(),
        }
    }

    /// The screen as it is now.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// What the shell said since the last call.
    pub fn take_marks(&mut self) -> Vec<Marked> {
        self.screen.take_marks()
    }

    /// The complete state, once the lines that are known were taken: as
    /// [`Screen::save`].
    pub fn save(&self) -> Vec<u8> {
        let known = serde_json::to_vec(self).unwrap_or_default();
        let mut state = Vec::new();
        put_part(&mut state, &known);
        put_part(&mut state, &self.screen.save());
        state
    }

    /// One that goes on where another was saved.
    ///
    /// # Errors
    /// When `state` was not saved by this version.
    pub fn restore(state: &[u8]) -> Result<Shown, BadState> {
        let mut rest = state;
        let mut part = || take_part(&mut rest).ok_or(BadState);
        let (known, screen) = (part()?, part()?);
        let known: Shown = serde_json::from_slice(known).map_err(|_| BadState)?;
        let mut screen = Screen::restore(screen)?;
        screen.keep_cleared();
        Ok(Shown {
            look: screen.look(),
            screen,
            ..known
        })
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
            // What is shown before a switch and after it is looked at.
            let length = up_to_switch(&rest[..length]).unwrap_or(length);
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
            let kept = self.keep(Which::Shown);
            self.screen.resize(columns, rows);
            self.forget_rows();
            // For lines that leave the screen by it, and for those that stay.
            self.restore_rows(Which::Shown, kept.clone());
            self.after_change();
            self.restore_rows(Which::Shown, kept);
            return;
        }
        self.after_change();
    }

    /// Rows have other numbers at another width.
    fn forget_rows(&mut self) {
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

    /// Takes back the text of a line, so that another one need not be made.
    pub fn reuse(&mut self, text: String) {
        self.spare.give(text);
    }

    /// The recording ends at `time`: what is still shown is told, too.
    pub fn finish(&mut self, time: u64) {
        self.advance(time);
        if self.alternate.is_some() {
            self.settle(true);
            self.leave_alternate();
            if let Some(kept) = self.below.take() {
                self.restore_rows(Which::Normal, kept);
            }
        }
        self.take_scrolled();
        let which = match self.screen.is_alternate() {
            true => Which::Normal,
            false => Which::Shown,
        };
        let mut lines = self.lines_of(which);
        while lines.last().is_some_and(|line| line.text.is_empty()) {
            lines.pop();
        }
        let last = lines.last().map(|line| line.text.clone());
        for line in lines {
            self.give_line(line.place(), Some(line.text));
        }
        self.give_overwritten_before(u64::MAX, &last.unwrap_or_default());
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
                self.below = Some(self.keep(Which::Normal));
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
        let mut changed = std::mem::take(&mut self.changed);
        match is_normal {
            true => self.find_changed(top, &mut changed),
            false => changed.extend(self.screen.changed_since(self.look).map(|y| y as u64)),
        }
        self.take_scrolled();
        let rows = self.alternate.as_mut().unwrap_or(&mut self.normal);
        for row in &changed {
            let y = (row - top) as usize;
            let Some(state) = rows.at(*row) else {
                continue;
            };
            state.forget_shown();
            if state.changed.is_none() && !is_normal {
                let mut text = self.spare.take();
                self.screen.push_text(y, &mut text);
                let sample = state.sample.replace(Sample::new(self.now, text));
                self.spare.give_all(sample.map(|sample| sample.text));
            }
            if state.changed.is_none()
                && is_normal
                && let Some(settled) = &mut state.settled
            {
                settled.last = self.now;
            }
            state.changed = Some(self.now);
            if state.born.is_none() && self.screen.has_text(y) {
                state.born = Some(self.now);
            }
        }
        if !changed.is_empty() {
            self.look = self.screen.look();
            self.oldest.get_or_insert(self.now);
        }
        changed.clear();
        self.changed = changed;
        if is_normal && let Some(kept) = self.below.take() {
            self.restore_rows(Which::Shown, kept);
        }
    }

    /// The first row of the normal screen has the number `top` now. Gives the numbers
    /// of the rows on it that may show something else; notes when each was written.
    fn find_changed(&mut self, top: u64, changed: &mut Vec<u64>) {
        let first = self.top.min(top);
        changed.extend(self.screen.written_since(self.look, first));
        let is_moved = !self.screen.has_same_numbers(self.look);
        if is_moved {
            self.renumber(top);
            self.normal
                .states
                .iter_mut()
                .for_each(RowState::forget_shown);
        }
        self.top = top;
        for row in changed.iter() {
            if let Some(state) = self.normal.at(*row) {
                state.written = self.now;
                state.forget_shown();
            }
        }
        if is_moved {
            changed.clear();
            let moved = self.screen.changed_since(self.look);
            changed.extend(moved.map(|y| top + y as u64));
        } else {
            changed.retain(|row| *row >= top);
        }
    }

    /// The first row of the normal screen has this number now. Below and above a
    /// region that scrolled rows stay where they are.
    fn renumber(&mut self, top: u64) {
        if top == self.top {
            return;
        }
        let height = usize::from(self.screen.size().1);
        let mut changed = self.screen.changed_since(self.look).peekable();
        let stay = (0..height).filter(|y| changed.next_if_eq(y).is_none());
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
    }

    fn take_scrolled(&mut self) {
        for line in self.screen.take_cleared().into_iter().flatten() {
            self.give_line(line.place(), Some(line.text));
        }
        while let Some(rows) = self.screen.next_scrolled(false) {
            self.give_line(rows, None);
        }
    }

    /// Gives a line that leaves the normal screen, and what was overwritten in its rows.
    fn give_line(&mut self, rows: ScrolledRows, text: Option<String>) {
        let ScrolledRows {
            start,
            count,
            continues,
        } = rows;
        self.give_overwritten_before(start, "");
        let (born, written) = self.times(start, count);
        let born = born.unwrap_or(self.now);
        let state = self.normal.take_before(start + 1).unwrap_or_default();
        let others: Vec<RowState> =
            std::iter::from_fn(|| self.normal.take_before(start + count)).collect();
        let is_known = text.is_none() && count == 1 && !continues && state.shown().is_some();
        let text = text.unwrap_or_else(|| match is_known {
            true => self.spare.copy(state.shown().unwrap_or_default()),
            false => {
                let mut text = self.spare.take();
                self.screen.push_scrolled(&rows, &mut text);
                text
            }
        });
        debug_assert!(
            !is_known || {
                let mut again = String::new();
                self.screen.push_scrolled(&rows, &mut again);
                text == again
            }
        );
        let written = written.unwrap_or(born);
        let steps = Settled::steps_to(state.settled.as_deref(), &text, born, written);
        let mut gone = Vec::new();
        for state in std::iter::once(state).chain(others) {
            gone.extend(self.untold(state, &text));
        }
        self.lines.push_back(ShownLine {
            text,
            seen: Seen::InText,
            first: born,
            last: self.now,
            continues,
            row: Some(start),
            steps,
        });
        for settled in gone {
            self.give_overwritten(settled);
        }
    }

    /// Gives what was overwritten in rows before `row` that no line has; `text` was
    /// given last.
    fn give_overwritten_before(&mut self, row: u64, text: &str) {
        while let Some(state) = self.normal.take_before(row) {
            if let Some(settled) = self.untold(state, text) {
                self.give_overwritten(settled);
            }
        }
    }

    /// What settled in a row that is gone, if a line that was given does not tell it.
    fn untold(&mut self, state: RowState, text: &str) -> Option<Box<Settled>> {
        self.spare.give_all(state.sample.map(|sample| sample.text));
        let settled = state.settled?;
        let is_told = text.starts_with(&settled.text)
            || text.contains(&settled.text)
            || is_redraw(&settled.text, text);
        if is_told {
            self.spare.give_settled(settled);
            return None;
        }
        Some(settled)
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
        let height = usize::from(self.screen.size().1);
        for (row, state) in rows.from(top, height) {
            let Some(at) = state.changed else {
                continue;
            };
            let y = (row - top) as usize;
            let at = if at + SETTLED <= self.now || in_the_end {
                state.changed = None;
                at
            } else {
                self.oldest = self.oldest.into_iter().chain([at]).min();
                // Written again and again, it may still be the same.
                let is_current = |sample: &Sample| sample.is_current;
                if !state.sample.as_deref().is_some_and(is_current) {
                    let mut text = self.spare.take();
                    self.screen.push_text(y, &mut text);
                    let other = match &mut state.sample {
                        Some(sample) if sample.text == text => {
                            sample.is_current = true;
                            Some(text)
                        }
                        sample => sample
                            .replace(Sample::new(self.now, text))
                            .map(|it| it.text),
                    };
                    self.spare.give_all(other);
                }
                match &state.sample {
                    Some(sample) if sample.since + SETTLED <= self.now => sample.since,
                    _ => continue,
                }
            };
            let text = match &state.sample {
                Some(sample) if sample.is_current => self.spare.copy(&sample.text),
                _ => {
                    let mut text = self.spare.take();
                    self.screen.push_text(y, &mut text);
                    text
                }
            };
            let first = state.born.filter(|_| is_normal).unwrap_or(at);
            // A row of the normal screen counts as changed also where it only moved.
            let since = if is_normal { state.written } else { at };
            let new = Settled::new(text, (first, since), self.now);
            let new = self.spare.boxed(new);
            gone.extend(new.replace(&mut state.settled, untold));
        }
        for settled in gone {
            if is_normal {
                self.give_overwritten(settled);
            } else {
                self.give_alternate(*settled);
            }
        }
    }

    fn give_overwritten(&mut self, settled: Box<Settled>) {
        let top = self.screen.first_row() + self.screen.history() as u64;
        // Where it moved to it is told when it is gone there.
        if self.alternate.is_none()
            && let Some(y) = self.screen.row_with(&settled.text)
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
            steps: settled.all_steps(),
            text: settled.text,
            seen: Seen::Overwritten,
            first: settled.first,
            last: settled.last,
            continues: false,
            row: None,
        });
    }

    /// What settled on the alternate screen is given; the normal one is shown again.
    fn leave_alternate(&mut self) {
        let rows = self.alternate.take().unwrap_or_default();
        for state in rows.states {
            if let Some(settled) = state.settled {
                self.give_alternate(*settled);
            }
        }
        self.oldest = None;
        if std::mem::take(&mut self.resized_below) {
            self.forget_rows();
            if let Some(kept) = self.below.clone().filter(|_| !self.screen.is_alternate()) {
                self.restore_rows(Which::Shown, kept);
            }
        }
    }

    fn give_alternate(&mut self, settled: Settled) {
        if !settled.text.is_empty() && self.on_alternate.insert(&settled.text) {
            self.lines.push_back(ShownLine {
                steps: settled.all_steps(),
                text: settled.text,
                seen: Seen::OnAlternate,
                first: settled.first,
                last: settled.last,
                continues: false,
                row: None,
            });
        }
    }

    /// The lines of a screen that did not scroll off, soft wraps joined.
    fn lines_of(&self, which: Which) -> Vec<ScrolledLine> {
        let mut lines = Vec::new();
        let mut start = self.screen.first_unscrolled();
        let mut text = String::new();
        let mut row = start;
        let mut add = |start, end, text: String| {
            lines.push(ScrolledLine {
                row: start,
                rows: end - start,
                text,
                continues: false,
            });
        };
        while let Some(wrapped) = self.screen.push_row(which, row, &mut text) {
            row += 1;
            if !wrapped {
                text.truncate(text.trim_end_matches(' ').len());
                add(start, row, std::mem::take(&mut text));
                start = row;
            }
        }
        if !text.is_empty() {
            add(start, row, text);
        }
        lines
    }

    /// What is known of the normal screen's lines: their rows will count as changed,
    /// or have other numbers.
    fn keep(&mut self, which: Which) -> Kept {
        let mut kept = Kept::new();
        for line in self.lines_of(which) {
            if line.text.is_empty() {
                continue;
            }
            let (born, written) = self.times(line.row, line.rows);
            let Some(state) = self.normal.at(line.row) else {
                continue;
            };
            let mut state = state.clone();
            // Or it came with what made the alternate screen.
            state.born = Some(born.unwrap_or(self.now));
            state.written = written.unwrap_or(self.now);
            kept.entry(line.text).or_default().push_back(state);
        }
        kept
    }

    /// When something stood in a line's rows first, and when the last of them was
    /// written. The first row may be blank.
    fn times(&mut self, row: u64, rows: u64) -> (Option<u64>, Option<u64>) {
        let (mut born, mut written) = (None, None);
        for row in row..row + rows {
            if let Some(state) = self.normal.at(row) {
                born = born.or(state.born);
                written = written.max(state.born.map(|_| state.written));
            }
        }
        (born, written)
    }

    /// Takes what was known of lines that are still there.
    fn restore_rows(&mut self, which: Which, mut kept: Kept) {
        for line in self.lines_of(which) {
            let known = kept.get_mut(&line.text).and_then(VecDeque::pop_front);
            let Some(mut state) = known else {
                continue;
            };
            let written = state.written;
            state.forget_shown();
            for row in line.row..line.row + line.rows {
                if let Some(other) = self.normal.at(row) {
                    other.written = written;
                }
            }
            if state.settled.is_none() {
                state.changed = Some(written);
                self.oldest = self.oldest.into_iter().chain([written]).min();
            }
            if let Some(place) = self.normal.at(line.row) {
                *place = state;
            }
        }
    }
}
