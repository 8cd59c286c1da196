//! Characters onto the screen.

use super::cell::Cell;
use super::grid::Row;
use super::rules::Joining;
use super::terminal::{Modes, Pen, Screen};
use super::utf8::decode;
use super::width::DROPPED;

const JOINER: char = '\u{200d}';
/// Variation selector 16.
const WIDENING: char = '\u{fe0f}';

/// What is left of half a wide character.
const HALF: Cell = Cell::narrow(b' ' as u32, 0);

/// When the cell before a covered second half is blanked.
#[derive(Clone, Copy)]
enum Head {
    Always,
    /// When it is the first half.
    Wide,
    /// When it is the first half, but not in the first column.
    WideInside,
}

/// Blanks the halves of wide characters that writing `start..end` of `columns`
/// cuts.
#[inline]
fn cut_wide(row: &mut Row, columns: usize, start: usize, end: usize, head: Head) {
    // Both ends of what is written stand between characters.
    if !row.cell(start).is_padding() && !row.cell(end).is_padding() {
        return;
    }
    cut_halves(row, columns, start, end, head);
}

fn cut_halves(row: &mut Row, columns: usize, start: usize, end: usize, head: Head) {
    let first = row.cell(start);
    if first.is_padding() {
        let mut x = start;
        while x > 0 && row.cells[x].is_padding() {
            row.cells[x] = HALF.over(row.cells[x]);
            x -= 1;
        }
        let wide = row.cells[x].width() > 1 || row.cells[x].is_padding();
        if match head {
            Head::Always => true,
            Head::Wide => wide,
            Head::WideInside => wide && x > 0,
        } {
            row.cells[x] = HALF.over(row.cells[x]);
        }
    }
    // Beside text in runs, what is left of a tab becomes tabs of one column.
    let half = match head {
        Head::Always if first.is_tab() => Cell::tab(1, first.style()).in_form(true),
        _ => HALF,
    };
    if matches!(head, Head::Always) && end - start == 1 && first.width() == 1 {
        return;
    }
    for cell in row.cells.iter_mut().take(columns).skip(end) {
        if !cell.is_padding() {
            break;
        }
        *cell = half.over(*cell);
    }
}

impl Screen {
    /// Goes to the next row, which continues this one.
    fn wrap(&mut self) {
        self.line_feed(true, Cell::BLANK);
        self.x = 0;
    }

    /// Prints a run of printable ASCII.
    pub(super) fn print_ascii(&mut self, text: &[u8]) {
        self.last = text.last().map(|byte| char::from(*byte));
        let drawing = self.pen.drawing[usize::from(self.pen.shifted)];
        if drawing || self.modes.0 & (Modes::INSERT | Modes::WRAP) != Modes::WRAP {
            for byte in text {
                if !self.joining || !self.combine(char::from(*byte), 1) {
                    self.put(u32::from(*byte), 1);
                }
            }
            return;
        }
        let pen = self.pen_cell();
        let head = if self.rules.blanks_first {
            Head::Wide
        } else {
            Head::WideInside
        };
        let mut rest = text;
        while !rest.is_empty() {
            if self.x >= self.columns() {
                self.wrap();
            }
            let (x, columns) = (self.x, self.columns());
            let (now, later) = rest.split_at(rest.len().min(columns - x));
            let row = self.grid.row_mut(self.y);
            write_run(row, columns, x, now, pen, head);
            self.x = x + now.len();
            rest = later;
        }
    }

    /// Prints characters that are not ASCII and only go to the end of a row. Gives
    /// the bytes read; 0 when it takes more than that.
    pub(super) fn print_run(&mut self, bytes: &[u8]) -> usize {
        let columns = self.columns();
        if self.joining || self.modes.0 & (Modes::INSERT | Modes::WRAP) != Modes::WRAP {
            return 0;
        }
        let joins = self.rules.joining != Joining::Waits;
        let style = self.pen_cell().style();
        let is_long = self.rules.has_long_cells;
        let widths = self.widths;
        let mut x = self.x;
        // Looked at first: a row that is asked for to be written counts as changed.
        let row = self.grid.row(self.y);
        let goes_on = decode(bytes).is_some_and(|(c, _)| {
            let width = usize::from(widths.of(u32::from(c)));
            !(joins && Joining::may_join(c)) && matches!(width, 1 | 2) && x + width <= columns
        });
        // What joined a character before the cursor may join the next one, too.
        let joined = |row: &Row| {
            let mut before = row.cells.iter().rev();
            before
                .find(|cell| !cell.is_padding())
                .is_some_and(|cell| cell.is_cluster())
        };
        if !goes_on || x < row.cells.len() || joins && joined(row) {
            return 0;
        }
        let row = self.grid.row_mut(self.y);
        // Written in place: a cell that is pushed looks for room each time.
        row.reach(columns);
        let cells = row.cells.as_mut_slice();
        let covered = Cell::covered(style, Cell::BLANK);
        let mut at = 0;
        let mut last = None;
        while let Some((c, length)) = decode(&bytes[at..]) {
            let code = u32::from(c);
            let width = match (widths.of(code), &mut cells[x..]) {
                _ if joins && Joining::may_join(c) => break,
                (1, [cell, ..]) => {
                    *cell = Cell::narrow(code, style).in_form(is_long);
                    1
                }
                (2, [cell, second, ..]) => {
                    *cell = Cell::wide(code, style).in_form(is_long);
                    *second = covered;
                    2
                }
                _ => break,
            };
            x += width;
            at += length;
            last = Some(c);
        }
        row.cells.truncate(x);
        row.used = row.used.max(x);
        self.x = x;
        self.last = last.filter(|_| self.rules.repeats_all);
        at
    }

    /// Prints one character that is not ASCII.
    #[inline]
    pub(super) fn print_char(&mut self, c: char) {
        self.last = self.rules.repeats_all.then_some(c);
        let waits = self.rules.joining == Joining::Waits;
        if c == JOINER && waits {
            self.joining = true;
            return;
        }
        let width = self.widths.of(u32::from(c));
        if width == DROPPED {
            self.last = None;
            return;
        }
        if !waits {
            if self.combine_emoji(c, width) {
                return;
            }
        } else if (width == 0 || self.joining) && self.combine(c, width) {
            return;
        }
        self.put(u32::from(c), usize::from(width));
    }

    /// Writes a character of one or two columns at the cursor.
    #[inline]
    fn put(&mut self, code: u32, width: usize) {
        let Some(()) = self.make_way(width) else {
            return;
        };
        let pen = self.pen_cell();
        let is_long = self.rules.has_long_cells;
        let cell = match width {
            2 => Cell::wide(code, pen.style()).in_form(is_long),
            _ if code >= 0x80 => Cell::narrow(code, pen.style()).in_form(is_long),
            _ => pen.with_code(code),
        };
        self.put_cell(cell, width);
    }

    /// Writes a tab over blank columns.
    pub(super) fn put_tab(&mut self, width: usize, style: u32) {
        if width > 1 && self.join_tab(width) {
            return;
        }
        if self.make_way(width).is_some() {
            self.put_cell(Cell::tab(width, style).in_form(true), width);
        }
    }

    /// Joins a tab to a character that ends with a joiner, as tmux joins anything.
    fn join_tab(&mut self, width: usize) -> bool {
        let Some(x) = self.before_cursor() else {
            return false;
        };
        let cell = self.grid.row(self.y).cell(x);
        let mut text = String::new();
        self.pool.push_code(cell, &mut text);
        self.x - x == cell.width()
            && text.ends_with(JOINER)
            && text.len() + width <= self.rules.cluster_bytes
            && (0..width).all(|_| self.append(' '))
    }

    /// Wraps, or moves what stands behind the cursor, so that there is room for
    /// that many columns. Nothing where there can be none.
    #[inline]
    fn make_way(&mut self, width: usize) -> Option<()> {
        let columns = self.columns();
        let wraps = self.modes.has(Modes::WRAP);
        let fits = self.x + width <= columns;
        if !wraps && width > 1 && !fits && (width > columns || self.x != columns) {
            return None;
        }
        if self.modes.has(Modes::INSERT) && self.x < columns {
            self.grid.insert_cells(self.y, self.x, width, Cell::BLANK);
        }
        if wraps && !fits {
            self.wrap();
        }
        (self.x + width <= columns).then_some(())
    }

    /// Writes a cell of some columns where there is room for it.
    #[inline]
    fn put_cell(&mut self, cell: Cell, width: usize) {
        let columns = self.columns();
        let (x, y) = (self.x, self.y);
        let row = self.grid.row_mut(y);
        let there = row.cell(x);
        // A space that looks as nothing does is not written where nothing is.
        // tmux looks for halves only in a row of which it keeps something in long form.
        let cuts = row.cell(x).is_padding() || row.cell(x + width).is_padding();
        if cuts && (!self.rules.has_long_cells || row.cells.iter().any(|cell| cell.is_long())) {
            cut_wide(row, columns, x, x + width, Head::Always);
        }
        let shows_nothing = cell.is_space() && self.pool.look_same(cell.style(), 0);
        if !shows_nothing || self.modes.has(Modes::INSERT) || x < row.room(columns) {
            row.reach(x + width);
            row.used = row.used.max(x + width);
            let style = cell.style();
            for covered in &mut row.cells[x + 1..x + width] {
                *covered = Cell::covered(style, *covered);
            }
            // tmux does not write what looks the same, most versions whatever the
            // underline's colour, unless it keeps it in its long form.
            let same = !there.is_long()
                && width == 1
                && cell.code() < 0x80
                && !self.pool.is_long(there.style())
                && there.with_style(style) == cell.in_form(false)
                && self.pool.look_same(there.style(), style)
                && (!self.rules.tells_underlines || there.style() == style);
            row.cells[x] = if same { there } else { cell.over(there) };
        }
        // Without room for the cursor beside the character tmux forgets that it is
        // not to wrap.
        self.x = if self.modes.has(Modes::WRAP) || width >= columns {
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

    /// The same as newer tmux does it: what joins depends on the character before.
    fn combine_emoji(&mut self, c: char, width: u8) -> bool {
        let zero = width == 0 || c == JOINER || c == WIDENING;
        let Some(x) = self.before_cursor() else {
            return zero;
        };
        let cell = self.grid.row(self.y).cell(x);
        if self.x - x != cell.width() {
            return zero;
        }
        let mut widens = c == WIDENING;
        if !zero {
            if !cell.is_cluster() && !Joining::may_join(c) {
                return false;
            }
            self.text.clear();
            self.pool.push_code(cell, &mut self.text);
            widens = self.rules.joining.joins(&self.text, c);
            if !widens && !self.text.ends_with(JOINER) {
                return false;
            }
        }
        widens &= cell.width() == 1;
        if !self.append(c) {
            // Without room it stands in the next column, and the cursor before it.
            if zero && self.x < self.columns() {
                let cell = Cell::narrow(u32::from(c), self.pen_cell().style()).in_form(true);
                let x = self.x;
                self.grid.row_mut(self.y).set(x, cell);
            }
            return zero;
        }
        let columns = self.columns();
        if widens && self.x <= columns {
            // At the last column the second half is behind it.
            let (style, covers) = (cell.style(), self.rules.covers_widened);
            let row = self.grid.row_mut(self.y);
            row.cells[x] = row.cells[x].widened();
            if covers {
                let covered = Cell::covered(style, row.cell(x + 1));
                row.set(x + 1, covered);
            }
            self.x = if self.x < columns {
                self.x + 1
            } else if self.rules.joining == Joining::Paired {
                columns
            } else {
                columns - 1
            };
        } else if self.x > columns {
            self.x = columns - 1;
        }
        true
    }

    /// The column of the character before the cursor.
    fn before_cursor(&self) -> Option<usize> {
        let x = self.x.checked_sub(1)?;
        let row = self.grid.row(self.y);
        let x = if x > 0 && row.cell(x).is_padding() {
            x - 1
        } else {
            x
        };
        (!row.cell(x).is_padding()).then_some(x)
    }

    /// Appends to the character before the cursor, if there is one with room.
    pub(super) fn append(&mut self, c: char) -> bool {
        let Some(x) = self.before_cursor() else {
            return false;
        };
        let cell = self.grid.row(self.y).cell(x);
        self.text.clear();
        self.pool.push_code(cell, &mut self.text);
        if self.text.len() + c.len_utf8() > self.rules.cluster_bytes {
            return false;
        }
        // Of a tab only the width stays.
        if cell.is_tab() {
            return true;
        }
        self.text.push(c);
        if self.pool.is_full() {
            self.drop_unused();
        }
        let place = self.pool.cluster(&self.text);
        let is_long = self.rules.has_long_cells;
        let row = self.grid.row_mut(self.y);
        let cell = row.cell(x).with_cluster(place).in_form(is_long);
        row.set(x, cell);
        true
    }

    /// Prints the last character again (REP).
    pub(super) fn repeat(&mut self, count: usize) {
        let Some(c) = self.last else {
            return;
        };
        let pen = self.pen;
        let undrawn = self.rules.repeats_undrawn && pen.drawing != [false; 2];
        if undrawn {
            self.set_pen(Pen {
                drawing: [false; 2],
                ..pen
            });
        }
        for _ in 0..count.min(self.columns().saturating_sub(self.x)) {
            if c.is_ascii() {
                self.print_ascii(&[c as u8]);
            } else {
                self.print_char(c);
            }
        }
        if undrawn {
            self.set_pen(pen);
        }
        self.last = None;
    }
}

/// Writes ASCII into a row.
#[inline]
fn write_run(row: &mut Row, columns: usize, x: usize, text: &[u8], pen: Cell, head: Head) {
    let end = x + text.len();
    let there = row.cells.len();
    let cell = |byte: &u8| pen.with_code(u32::from(*byte));
    if x < there {
        cut_wide(row, columns, x, end, head);
        let inside = text.len().min(there - x);
        for (cell_there, byte) in row.cells[x..x + inside].iter_mut().zip(text) {
            *cell_there = cell(byte).over(*cell_there);
        }
        row.cells.extend(text[inside..].iter().map(cell));
    } else {
        row.reach(x);
        row.cells.extend(text.iter().map(cell));
    }
    row.used = row.used.max(end);
}
