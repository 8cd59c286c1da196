//! What a screen shows, to draw or to search.

use std::path::PathBuf;

use super::cell::{Colour, Style};
use super::grid::{Look, Row};
use super::marks::Marked;
use super::parse::State;
use super::pool::Link;
use super::rules::Rules;
use super::terminal::{Modes, Screen, ScrolledLine, ScrolledRows};

/// A switch that a program sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The cursor is shown (DECTCEM).
    Cursor,
    /// Characters push the rest of the row on (IRM).
    Insert,
    /// The cursor keys send application sequences (DECCKM).
    CursorKeys,
    /// The keypad sends application sequences (DECKPAM).
    Keypad,
    /// A full row goes on in the next one (DECAWM).
    Wrap,
    /// Rows count from the top of the scroll region (DECOM).
    Origin,
    /// Clicks are reported (1000).
    MouseStandard,
    /// Clicks and drags are reported (1002).
    MouseButton,
    /// Everything the mouse does is reported (1003).
    MouseAll,
    /// Mouse reports are UTF-8 (1005).
    MouseUtf8,
    /// Mouse reports are numbers (1006).
    MouseSgr,
    /// Focus is reported (1004).
    Focus,
    /// Pasted text is bracketed (2004).
    Paste,
}

/// Characters of one style that follow each other in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// The column of its first character.
    pub column: usize,
    /// Columns it takes.
    pub width: usize,
    pub text: String,
    pub style: Style,
    pub link: Option<&'a Link>,
}

/// One character of a row, with what joins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Character<'a> {
    pub column: usize,
    /// Columns it takes: 1 or 2.
    pub width: usize,
    pub text: &'a str,
    pub style: Style,
    pub link: Option<&'a Link>,
}

/// Where the cursor is and how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub column: usize,
    pub row: usize,
    pub visible: bool,
    /// The next character goes to the next row.
    pub wrap_pending: bool,
    /// The parameter of DECSCUSR: 0–6.
    pub style: u8,
}

/// Which of the two screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Shown,
    /// The normal screen, while the alternate one is shown.
    Normal,
}

/// Rows after which the start of a line is handed out: in time for a history of
/// four times as many.
const LONG_LINE: usize = 256;

impl Screen {
    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        (self.columns() as u16, self.height() as u16)
    }

    /// The rules it follows.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The cursor, also when it is hidden.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            column: self.column(),
            row: self.y,
            visible: self.modes.has(Modes::CURSOR),
            wrap_pending: self.x >= self.columns(),
            style: self.cursor_style,
        }
    }

    /// Whether `mode` is on.
    pub fn mode(&self, mode: Mode) -> bool {
        self.modes.has(match mode {
            Mode::Cursor => Modes::CURSOR,
            Mode::Insert => Modes::INSERT,
            Mode::CursorKeys => Modes::CURSOR_KEYS,
            Mode::Keypad => Modes::KEYPAD,
            Mode::Wrap => Modes::WRAP,
            Mode::Origin => Modes::ORIGIN,
            Mode::MouseStandard => Modes::MOUSE_STANDARD,
            Mode::MouseButton => Modes::MOUSE_BUTTON,
            Mode::MouseAll => Modes::MOUSE_ALL,
            Mode::MouseUtf8 => Modes::MOUSE_UTF8,
            Mode::MouseSgr => Modes::MOUSE_SGR,
            Mode::Focus => Modes::FOCUS,
            Mode::Paste => Modes::PASTE,
        })
    }

    /// What the next character is written with.
    pub fn pen_style(&self) -> (Style, Option<&Link>) {
        let ink = &self.pen.style;
        (ink.shown(), self.pool.link_at(ink.link))
    }

    /// Whether G0 and G1 are the line drawing set, and whether G1 is in use.
    pub fn charsets(&self) -> ([bool; 2], bool) {
        (self.pen.drawing, self.pen.shifted)
    }

    /// Whether neither a sequence nor a character is half received.
    pub fn is_between_sequences(&self) -> bool {
        self.parser.state == State::Ground && self.parser.partial.is_empty()
    }

    /// The scroll region: its first and last row.
    pub fn region(&self) -> (usize, usize) {
        (self.top, self.bottom)
    }

    /// The columns with a tab stop.
    pub fn tab_stops(&self) -> impl Iterator<Item = usize> {
        let stops = self.tabs.iter().enumerate();
        stops.filter(|(_, stop)| **stop).map(|(column, _)| column)
    }

    /// Where the cursor of the normal screen was when a program last switched to
    /// the alternate one by mode 1049: column and row.
    pub fn normal_cursor(&self) -> Option<(usize, usize)> {
        self.normal_cursor.map(|(x, y, _)| (x, y))
    }

    /// What a program made of the default foreground, background and cursor
    /// colour (OSC 10, 11, 12).
    pub fn default_colours(&self) -> [Option<Colour>; 3] {
        self.default_colours
    }

    /// Indexed colours that a program changed (OSC 4), by index.
    pub fn palette(&self) -> &[(u8, Colour)] {
        &self.palette
    }

    /// The title (OSC 0 and 2).
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What OSC 7 said last, as it said it: `file://host/folder`.
    pub fn folder_uri(&self) -> &str {
        &self.folder
    }

    /// The shell's folder: OSC 7, OSC 633 or OSC 1337.
    pub fn folder(&self) -> Option<PathBuf> {
        if let Some(folder) = &self.marks.folder {
            return Some(folder.into());
        }
        let rest = self.folder.strip_prefix("file://")?;
        let path = &rest[rest.find('/')?..];
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        Some(path.into_owned().into())
    }

    /// Whether the alternate screen is shown.
    pub fn is_alternate(&self) -> bool {
        self.normal.is_some()
    }

    /// Rows that scrolled off and are still there, oldest first.
    pub fn history(&self) -> usize {
        self.grid.history
    }

    fn find_row(&self, which: Which, y: usize) -> Option<&Row> {
        match (which, &self.normal) {
            (Which::Shown, _) => (y < self.height()).then(|| self.grid.row(y)),
            (Which::Normal, Some(normal)) => normal.rows.get(y),
            (Which::Normal, None) => None,
        }
    }

    /// The number of the oldest row that is still there: of the history, or else
    /// of the screen. Numbers of rows count from the first that the terminal ever
    /// had; a new width counts rows from 0 again.
    pub fn first_row(&self) -> u64 {
        self.grid.dropped
    }

    /// Whether there is a row `y`.
    pub fn has_row(&self, which: Which, y: usize) -> bool {
        self.find_row(which, y).is_some()
    }

    /// The runs of row `y`, up to the last column that was written to or has a
    /// background.
    pub fn runs(&self, which: Which, y: usize) -> Vec<Run<'_>> {
        self.find_row(which, y)
            .map_or_else(Vec::new, |row| self.runs_of(row))
    }

    /// The runs of row `index` of the history.
    pub fn history_runs(&self, index: usize) -> Vec<Run<'_>> {
        if index < self.grid.history {
            self.runs_of(&self.grid.rows[index])
        } else {
            Vec::new()
        }
    }

    /// Whether the text of row `index` of the history goes on in the next one.
    pub fn is_history_wrapped(&self, index: usize) -> bool {
        index < self.grid.history && self.grid.rows[index].wrapped
    }

    /// Whether the text of row `y` goes on in the next one.
    pub fn is_wrapped(&self, which: Which, y: usize) -> bool {
        self.find_row(which, y).is_some_and(|row| row.wrapped)
    }

    /// Hands over the characters of row `y`, as far as [`Screen::runs`] gives
    /// them. A tab is blanks.
    pub fn each_character(&self, which: Which, y: usize, mut take: impl FnMut(Character<'_>)) {
        let Some(row) = self.find_row(which, y) else {
            return;
        };
        let mut text = String::new();
        for column in 0..self.shown_columns(row) {
            let cell = row.cell(column);
            if cell.is_padding() {
                continue;
            }
            let ink = self.pool.style_at(cell.style());
            let (style, link) = (ink.shown(), self.pool.link_at(ink.link));
            text.clear();
            self.pool.push_text(cell, &mut text);
            let columns = column..column + cell.width();
            let (step, text) = if cell.is_tab() {
                (1, " ")
            } else {
                (cell.width(), text.as_str())
            };
            for column in columns.step_by(step) {
                take(Character {
                    column,
                    width: step,
                    text,
                    style,
                    link,
                });
            }
        }
    }

    /// Up to the last column that was written to or has a background.
    fn shown_columns(&self, row: &Row) -> usize {
        let cells = &row.cells[..row.cells.len().min(self.columns())];
        let coloured = cells
            .iter()
            .rposition(|cell| !cell.is_blank())
            .map_or(0, |x| x + 1);
        row.used.min(self.columns()).max(coloured)
    }

    fn runs_of(&self, row: &Row) -> Vec<Run<'_>> {
        let mut runs: Vec<Run> = Vec::new();
        let mut place = None;
        for column in 0..self.shown_columns(row) {
            let cell = row.cell(column);
            if place != Some(cell.style()) {
                place = Some(cell.style());
                let ink = self.pool.style_at(cell.style());
                let (style, link) = (ink.shown(), self.pool.link_at(ink.link));
                let same = |run: &Run| run.style == style && run.link == link;
                let same = runs.last().is_some_and(same);
                if !same {
                    runs.push(Run {
                        column,
                        width: 0,
                        text: String::new(),
                        style,
                        link,
                    });
                }
            }
            if let Some(run) = runs.last_mut() {
                self.pool.push_text(cell, &mut run.text);
                run.width += 1;
            }
        }
        runs
    }

    /// The text of row `y`, blanks at its end left out.
    pub fn text(&self, which: Which, y: usize) -> String {
        self.find_row(which, y)
            .map_or_else(String::new, |row| self.text_of(row))
    }

    /// The number of the first row that was not handed out as scrolled off.
    pub(super) fn first_unscrolled(&self) -> u64 {
        self.handed_out.max(self.grid.dropped)
    }

    /// Whether something stands in row `y` of what is shown.
    pub(super) fn has_text(&self, y: usize) -> bool {
        let cells = self.grid.row(y).cells.iter();
        cells.take(self.columns()).any(|cell| !cell.is_space())
    }

    /// Appends the text of the row of that number, in the history or in one of the
    /// screens, blanks at its end included; whether it goes on in the next one.
    pub(super) fn push_row(&self, which: Which, number: u64, out: &mut String) -> Option<bool> {
        let index = usize::try_from(number.checked_sub(self.grid.dropped)?).ok()?;
        let row = match index.checked_sub(self.grid.history) {
            None => &self.grid.rows[index],
            Some(y) => self.find_row(which, y)?,
        };
        self.push_text_of(row, out);
        Some(row.wrapped)
    }

    fn push_text_of(&self, row: &Row, out: &mut String) {
        self.pool
            .push_texts(&row.cells[..row.used.min(row.cells.len())], out);
    }

    /// Writes what row `y` of what is shown says into an empty text, without the spaces
    /// at its end.
    pub(super) fn push_text(&self, y: usize, text: &mut String) {
        self.write_text(self.grid.row(y), text);
    }

    /// The first row of what is shown that says `text`.
    pub(super) fn row_with(&self, text: &str) -> Option<usize> {
        let mut own = String::new();
        (0..self.height()).find(|y| {
            let row = self.grid.row(*y);
            // Few cells tell most rows apart.
            let start = &row.cells[..row.cells.len().min(self.columns()).min(4)];
            own.clear();
            self.pool.push_texts(start, &mut own);
            if !text.starts_with(own.trim_end_matches(' ')) {
                return false;
            }
            own.clear();
            self.write_text(row, &mut own);
            own == text
        })
    }

    fn text_of(&self, row: &Row) -> String {
        let mut text = String::new();
        self.write_text(row, &mut text);
        text
    }

    fn write_text(&self, row: &Row, text: &mut String) {
        let cells = &row.cells[..row.cells.len().min(self.columns())];
        let end = cells.iter().rposition(|cell| !cell.is_space());
        self.pool
            .push_texts(&cells[..end.map_or(0, |last| last + 1)], text);
        text.truncate(text.trim_end_matches(' ').len());
    }

    /// What is shown now, to ask [`changed_since`](Screen::changed_since) about
    /// later. Whoever looks keeps a look of his own.
    pub fn look(&mut self) -> Look {
        Look(self.grid.look())
    }

    /// The rows that may show something else than at `look`, which is one of
    /// this screen or of the one that it was cloned from. All of them after a
    /// resize, and when the other screen is shown. A row that is not told is
    /// the same; the cursor is no part of it.
    pub fn changed_since(&self, look: Look) -> impl Iterator<Item = usize> {
        (0..self.height()).filter(move |y| self.grid.changed_since(look.0, *y))
    }

    /// The numbers of the rows, of the history or the screen that is shown, into which
    /// something was written after that look; unlike those that changed, they did not
    /// just move. Rows before `first` are left out.
    pub(super) fn written_since(&self, look: Look, first: u64) -> impl Iterator<Item = u64> {
        let first = first.max(self.grid.dropped);
        let left_out = usize::try_from(first - self.grid.dropped).unwrap_or(usize::MAX);
        let rows = self.grid.rows.range(left_out.min(self.grid.rows.len())..);
        let numbered = (first..).zip(rows);
        numbered.filter_map(move |(number, row)| (row.generation > look.0).then_some(number))
    }

    /// Whether all rows have the numbers that they had at that look.
    pub(super) fn has_same_numbers(&self, look: Look) -> bool {
        !self.grid.is_rearranged_since(look.0)
    }

    /// The rows that changed since the last call: all of them at first.
    pub fn take_changed(&mut self) -> Vec<usize> {
        let changed = self.changed_since(self.last_look).collect();
        self.last_look = self.look();
        changed
    }

    /// The whole lines that scrolled off since the last call, soft wraps joined.
    /// Those that the history dropped meanwhile are not there: their rows are
    /// missing in the numbers.
    pub fn take_scrolled(&mut self) -> Vec<ScrolledLine> {
        let mut lines = self.take_cleared().unwrap_or_default();
        self.hand_out(&mut lines, false);
        lines
    }

    /// From now on [`Screen::take_scrolled`] has also what the history lost since the
    /// last call: what the program cleared from it (ED 3), and what it had no room for.
    pub(super) fn keep_cleared(&mut self) {
        self.cleared = Some(Vec::new());
    }

    /// Empties the history (ED 3).
    pub(super) fn clear_history(&mut self) {
        self.save_scrolled(true);
        self.grid.clear_history();
    }

    /// The history gets `more` rows: what it may lose by that is kept.
    #[inline]
    pub(super) fn keep_scrolled(&mut self, more: usize) {
        if self.grid.may_drop(self.handed_out, more) {
            self.save_scrolled(false);
        }
    }

    #[cold]
    fn save_scrolled(&mut self, all: bool) {
        if let Some(mut cleared) = self.cleared.take() {
            self.hand_out(&mut cleared, all);
            self.cleared = Some(cleared);
        }
    }

    /// Appends the lines that scrolled off; where `all`, also the rows of one that goes
    /// on on the screen.
    fn hand_out(&mut self, lines: &mut Vec<ScrolledLine>, all: bool) {
        while let Some(rows) = self.next_scrolled(all) {
            let mut text = String::new();
            self.push_scrolled(&rows, &mut text);
            lines.push(ScrolledLine {
                row: rows.start,
                rows: rows.count,
                text,
                continues: rows.continues,
            });
        }
    }

    /// What the program cleared since the last call, if anything.
    pub(super) fn take_cleared(&mut self) -> Option<Vec<ScrolledLine>> {
        let cleared = self.cleared.as_mut().filter(|lines| !lines.is_empty());
        cleared.map(std::mem::take)
    }

    /// The next line that scrolled off whole; where `all`, also the rows of one that
    /// goes on on the screen. It is not given again.
    pub(super) fn next_scrolled(&mut self, all: bool) -> Option<ScrolledRows> {
        let start = self.first_unscrolled();
        let first = ((start - self.grid.dropped) as usize).min(self.grid.history);
        let rows = self.grid.rows.range(first..self.grid.history);
        let most = rows.len();
        let ends = |(at, row): (usize, &Row)| {
            let count = at + 1;
            let is_over = !row.wrapped || count >= LONG_LINE || all && count == most;
            is_over.then_some((count, row.wrapped))
        };
        let (count, continues) = rows.enumerate().find_map(ends)?;
        let count = count as u64;
        self.handed_out = start + count;
        Some(ScrolledRows {
            start,
            count,
            continues,
        })
    }

    /// Appends the text of a line that scrolled off.
    pub(super) fn push_scrolled(&self, rows: &ScrolledRows, out: &mut String) {
        let first = (rows.start - self.grid.dropped) as usize;
        for row in self.grid.rows.range(first..first + rows.count as usize) {
            self.push_text_of(row, out);
        }
        if !rows.continues {
            out.truncate(out.trim_end_matches(' ').len());
        }
    }

    /// The marks of the shell since the last call.
    pub fn take_marks(&mut self) -> Vec<Marked> {
        self.marks.waiting.drain(..).collect()
    }
}
