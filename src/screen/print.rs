//! Characters onto the screen.

use super::cell::Cell;
use super::grid::{Fill, Row};
use super::terminal::{Modes, Screen};
use super::width::DROPPED;

const JOINER: char = '\u{200d}';

/// What is left of half a wide character.
const HALF: Cell = Cell::narrow(b' ' as u32, 0);

/// Blanks the halves of wide characters that writing `start..end` cuts.
/// tmux leaves a first half in the first column when ASCII covers the second:
/// `head` says to blank it there, too.
#[inline]
fn cut_wide(row: &mut Row, start: usize, end: usize, head: bool) {
    if row.cells.get(start).is_some_and(|cell| cell.is_padding()) {
        let mut x = start;
        while x > 0 && row.cells[x].is_padding() {
            row.cells[x] = HALF;
            x -= 1;
        }
        if x > 0 || head {
            row.cells[x] = HALF;
        }
    }
    let mut x = end;
    while row.cells.get(x).is_some_and(|cell| cell.is_padding()) {
        row.cells[x] = HALF;
        x += 1;
    }
}

impl Screen {
    /// Goes to the next row, which continues this one.
    fn wrap(&mut self) {
        self.line_feed(true, Fill::BLANK);
        self.x = 0;
    }

    /// Prints a run of printable ASCII.
    pub(super) fn print_ascii(&mut self, text: &[u8]) {
        self.last = text.last().copied();
        let drawing = self.pen.drawing[usize::from(self.pen.shifted)];
        if drawing || self.modes.0 & (Modes::INSERT | Modes::WRAP) != Modes::WRAP {
            for byte in text {
                if !self.joining || !self.combine(char::from(*byte), 1) {
                    self.put(u32::from(*byte), 1);
                }
            }
            return;
        }
        let style = self.pen_place();
        let mut rest = text;
        while !rest.is_empty() {
            if self.x >= self.columns() {
                self.wrap();
            }
            let x = self.x;
            let (now, later) = rest.split_at(rest.len().min(self.columns() - x));
            let row = self.grid.row_mut(self.y);
            write_run(row, x, now, style);
            self.x = x + now.len();
            rest = later;
        }
    }

    /// Prints one character that is not ASCII.
    #[inline]
    pub(super) fn print_char(&mut self, c: char) {
        self.last = None;
        if c == JOINER {
            self.joining = true;
            return;
        }
        let width = self.widths.of(u32::from(c));
        if width == DROPPED {
            return;
        }
        if (width == 0 || self.joining || self.rules.widens) && self.combine(c, width) {
            return;
        }
        self.put(u32::from(c), usize::from(width));
    }

    /// Writes a character of one or two columns at the cursor.
    #[inline]
    fn put(&mut self, code: u32, width: usize) {
        let columns = self.columns();
        let wraps = self.modes.has(Modes::WRAP);
        if self.modes.has(Modes::INSERT) && self.x + width <= columns {
            self.grid.insert_cells(self.y, self.x, width, Fill::BLANK);
        }
        if self.x + width > columns {
            if wraps {
                self.wrap();
            } else if width > 1 && (width > columns || self.x != columns) {
                return;
            }
            if self.x + width > columns {
                return;
            }
        }
        let style = self.pen_place();
        let (x, y) = (self.x, self.y);
        let row = self.grid.row_mut(y);
        if x < row.cells.len() {
            cut_wide(row, x, x + width, true);
        }
        row.reach(x + width);
        if width == 2 {
            row.cells[x] = Cell::wide(code, style);
            row.cells[x + 1] = Cell::padding(style);
        } else {
            row.cells[x] = Cell::narrow(code, style);
        }
        row.used = row.used.max(x + width);
        self.x = if wraps {
            x + width
        } else {
            (x + width).min(columns - 1)
        };
    }

    /// Joins a character to the one before the cursor; whether that is done
    /// with it. A joiner waits for what it joins.
    fn combine(&mut self, c: char, width: u8) -> bool {
        if std::mem::take(&mut self.joining) {
            self.append(JOINER);
            self.append(c);
            return true;
        }
        if width == 0 {
            self.append(c);
        }
        width == 0
    }

    /// Appends to the character before the cursor, if there is one with room.
    fn append(&mut self, c: char) {
        let y = self.y;
        let Some(mut x) = self.x.checked_sub(1) else {
            return;
        };
        if x > 0 && self.grid.row(y).cell(x).is_padding() {
            x -= 1;
        }
        let cell = self.grid.row(y).cell(x);
        if cell.is_padding() {
            return;
        }
        let mut text = String::new();
        self.pool.push_code(cell, &mut text);
        if text.len() + c.len_utf8() > self.rules.cluster_bytes {
            return;
        }
        text.push(c);
        if self.pool.is_full() {
            self.drop_unused();
        }
        let place = self.pool.cluster(&text);
        let row = self.grid.row_mut(y);
        let cell = row.cell(x).with_cluster(place);
        row.set(x, cell);
    }

    /// Prints the last character again (REP).
    pub(super) fn repeat(&mut self, count: usize) {
        let Some(byte) = self.last else {
            return;
        };
        for _ in 0..count.min(self.columns().saturating_sub(self.x)) {
            self.print_ascii(&[byte]);
        }
        self.last = None;
    }
}

/// Writes ASCII into a row.
#[inline]
fn write_run(row: &mut Row, x: usize, text: &[u8], style: u32) {
    let end = x + text.len();
    let there = row.cells.len();
    let cell = |byte: &u8| Cell::narrow(u32::from(*byte), style);
    if x < there {
        cut_wide(row, x, end, false);
        let inside = text.len().min(there - x);
        for (cell_there, byte) in row.cells[x..x + inside].iter_mut().zip(text) {
            *cell_there = cell(byte);
        }
        row.cells.extend(text[inside..].iter().map(cell));
    } else {
        row.reach(x);
        row.cells.extend(text.iter().map(cell));
    }
    row.used = row.used.max(end);
}
