//! Controls, escape sequences and control sequences.

use super::cell::Cell;
use super::parse::{Parameter, Parameters};
use super::sgr;
use super::terminal::{Modes, Pen, SavedCursor, Screen, usual_tabs};

/// Titles that a program may push.
const TITLES: usize = 256;

/// Whether tmux knows a control sequence; one that it does not know leaves what
/// REP repeats.
fn is_known(intermediates: &[u8], last: u8) -> bool {
    match intermediates {
        [] => matches!(
            last,
            b'@'..=b'H' | b'J'..=b'M' | b'P' | b'S' | b'T' | b'X' | b'Z' | b'`' | b'b'..=b'd'
                | b'f'..=b'h' | b'l'..=b'n' | b'r'..=b'u'
        ),
        [b'?'] => b"hl".contains(&last),
        [b'>'] => b"cmnq".contains(&last),
        [b' '] => last == b'q',
        _ => false,
    }
}

impl Screen {
    #[inline]
    pub(super) fn control(&mut self, byte: u8) {
        match byte {
            0x08 => self.backspace(),
            0x09 => self.tab(),
            0x0a..=0x0c => {
                let fill = self.fill();
                self.line_feed(false, fill);
            }
            0x0d => self.x = 0,
            0x0e | 0x0f => {
                self.pen.shifted = byte == 0x0e;
                self.pen_cell = None;
            }
            _ => {}
        }
        self.last = None;
    }

    /// One column back; from the first one to the end of the row that wrapped
    /// into this one.
    fn backspace(&mut self) {
        if self.x > 0 {
            self.left(1);
        } else if self.y > 0 && self.grid.row(self.y - 1).wrapped {
            self.y -= 1;
            self.x = self.columns() - 1;
        }
    }

    fn tab(&mut self) {
        let last = self.columns() - 1;
        let start = self.x;
        while self.x < last {
            self.x += 1;
            if self.tabs[self.x] {
                break;
            }
        }
        let (end, width) = (self.x, self.x - start);
        if self.rules.keeps_tabs && (1..=Cell::LONGEST_TAB).contains(&width) {
            let row = self.grid.row(self.y);
            let first = row.cell(start).style();
            let is_blank = |cell: Cell| cell.is_space() && self.pool.look_same(cell.style(), first);
            if (start..end).all(|x| is_blank(row.cell(x))) {
                let style = row.cell(end - 1).style();
                self.x = start;
                self.put_tab(width, style);
            }
        }
    }

    fn back_tab(&mut self, count: usize) {
        self.x = self.column();
        for _ in 0..count {
            if self.x == 0 {
                break;
            }
            self.x -= 1;
            while self.x > 0 && !self.tabs[self.x] {
                self.x -= 1;
            }
        }
    }

    pub(super) fn escape(&mut self, intermediates: &[u8], last: u8) {
        let draws = last == b'0';
        match (intermediates, last) {
            ([], b'7') => self.save_cursor(),
            ([], b'8') => self.restore_cursor(),
            ([], b'=') => self.modes.set(Modes::KEYPAD, true),
            ([], b'>') => self.modes.set(Modes::KEYPAD, false),
            ([], b'D') => {
                let fill = self.fill();
                self.line_feed(false, fill);
            }
            ([], b'E') => {
                self.x = 0;
                let fill = self.fill();
                self.line_feed(false, fill);
            }
            ([], b'H') => {
                if let Some(tab) = self.tabs.get_mut(self.x) {
                    *tab = true;
                }
            }
            ([], b'M') => self.reverse_line_feed(),
            ([], b'c') => self.reset(),
            ([b'('], b'0' | b'B') => self.set_pen(Pen {
                drawing: [draws, self.pen.drawing[1]],
                ..self.pen
            }),
            ([b')'], b'0' | b'B') => self.set_pen(Pen {
                drawing: [self.pen.drawing[0], draws],
                ..self.pen
            }),
            ([b'#'], b'8') => self.fill_with_e(),
            _ => {}
        }
    }

    /// DECALN.
    fn fill_with_e(&mut self) {
        let columns = self.columns();
        for y in 0..self.height() {
            let row = self.grid.row_mut(y);
            row.reach(columns);
            for cell in &mut row.cells[..columns] {
                *cell = Cell::narrow(u32::from(b'E'), 0).over(*cell);
            }
            row.used = row.used.max(columns);
        }
        (self.x, self.y) = (0, 0);
        (self.top, self.bottom) = (0, self.height() - 1);
    }

    fn save_cursor(&mut self) {
        self.saved = SavedCursor {
            pen: self.pen,
            x: self.x,
            y: self.y,
            origin: self.modes.has(Modes::ORIGIN),
        };
    }

    fn restore_cursor(&mut self) {
        let saved = self.saved;
        self.modes.set(Modes::ORIGIN, saved.origin);
        self.set_pen(saved.pen);
        self.x = saved.x.min(self.columns() - 1);
        self.y = saved.y.min(self.height() - 1);
    }

    #[inline]
    pub(super) fn csi(&mut self, parameters: &Parameters, intermediates: &[u8], last: u8) {
        if parameters.are_ignored() {
            self.last = None;
            return;
        }
        if intermediates.is_empty() && last == b'm' {
            self.sgr(parameters);
            return;
        }
        if is_known(intermediates, last) && (intermediates, last) != (&[], b'b') {
            self.last = None;
        }
        match intermediates {
            [] => {
                self.plain_csi(parameters, last);
            }
            [b'?'] => match last {
                b'h' => self.private_modes(parameters, true),
                b'l' => self.private_modes(parameters, false),
                _ => {}
            },
            [b' '] if last == b'q' => {
                if let Some(style @ 0..=6) = parameters.get(0, 0, 0) {
                    self.cursor_style = style as u8;
                }
            }
            [b'!'] if last == b'p' && self.rules.more_sequences => self.soft_reset(),
            _ => {}
        }
    }

    /// Sets colours and attributes.
    #[inline]
    pub(super) fn sgr(&mut self, parameters: &Parameters) {
        sgr::apply(&mut self.pen.style, parameters);
        self.pen_cell = None;
        self.last = None;
    }

    fn plain_csi(&mut self, parameters: &Parameters, last: u8) -> Option<()> {
        match last {
            b'A' => self.up(parameters.count(0)?),
            b'B' => self.down(parameters.count(0)?),
            b'C' => self.right(parameters.count(0)?),
            b'D' => self.left(parameters.count(0)?),
            b'E' => {
                let count = parameters.count(0)?;
                self.x = 0;
                self.down(count);
            }
            b'F' => {
                let count = parameters.count(0)?;
                self.x = 0;
                self.up(count);
            }
            b'G' | b'`' => self.go_to_column(parameters.count(0)? - 1),
            b'd' => self.go_to_row(parameters.count(0)? - 1),
            b'H' | b'f' => {
                let (row, column) = (parameters.count(0)?, parameters.count(1)?);
                self.go_to_row(row - 1);
                self.go_to_column(column - 1);
            }
            b'J' => self.erase_screen(parameters),
            b'K' => self.erase_line(parameters.get(0, 0, 0)?),
            b'L' => self.insert_lines(parameters.count(0)?),
            b'M' => self.delete_lines(parameters.count(0)?),
            b'@' => {
                let count = parameters.count(0)?;
                if self.x < self.columns() {
                    let fill = self.fill();
                    self.grid.insert_cells(self.y, self.x, count, fill);
                }
            }
            b'P' => {
                let count = parameters.count(0)?;
                if self.x < self.columns() {
                    let fill = self.fill();
                    self.grid.delete_cells(self.y, self.x, count, fill);
                }
            }
            b'X' => {
                let count = parameters.count(0)?;
                if self.x < self.columns() {
                    let fill = self.fill();
                    let end = (self.x + count).min(self.columns());
                    self.grid.erase(self.y, self.x..end, fill);
                }
            }
            b'S' | b'T' => {
                let count = parameters.count(0)?.min(self.bottom + 1 - self.top);
                let fill = self.fill();
                for _ in 0..count {
                    if last == b'S' {
                        self.scroll_up(fill);
                    } else {
                        self.grid.scroll_down(self.top, self.bottom, fill);
                    }
                }
            }
            b'Z' => self.back_tab(parameters.count(0)?),
            b'b' => self.repeat(parameters.count(0)?),
            b'g' => match parameters.get(0, 0, 0)? {
                0 => {
                    if let Some(tab) = self.tabs.get_mut(self.x) {
                        *tab = false;
                    }
                }
                3 => self.tabs.fill(false),
                _ => {}
            },
            b'h' => self.ansi_modes(parameters, true),
            b'l' => self.ansi_modes(parameters, false),
            b'r' => {
                let top = parameters.count(0)?;
                let bottom = parameters.get(1, 1, self.height() as u32)?;
                self.set_region(top - 1, bottom as usize - 1);
            }
            b's' => self.save_cursor(),
            b'u' => self.restore_cursor(),
            b't' => self.window(parameters)?,
            b'I' if self.rules.more_sequences => {
                for _ in 0..parameters.count(0)?.min(self.columns()) {
                    self.tab();
                }
            }
            b'a' if self.rules.more_sequences => self.right(parameters.count(0)?),
            b'e' if self.rules.more_sequences => {
                let y = self.y + parameters.count(0)?;
                self.y = y.min(self.height() - 1);
            }
            _ => {}
        }
        Some(())
    }

    fn up(&mut self, count: usize) {
        let room = if self.y < self.top {
            self.y
        } else {
            self.y - self.top
        };
        self.go_to_other_row(self.y - count.min(room));
    }

    fn down(&mut self, count: usize) {
        let room = if self.y > self.bottom {
            self.height() - 1 - self.y
        } else {
            self.bottom - self.y
        };
        self.go_to_other_row(self.y + count.min(room));
    }

    /// Behind the last column, which a resize without reflow can leave it at, the
    /// cursor stays where it does not move.
    fn go_to_other_row(&mut self, y: usize) {
        if y != self.y || self.x == self.columns() {
            self.x = self.column();
        }
        self.y = y;
    }

    fn right(&mut self, count: usize) {
        self.x = self.x.saturating_add(count).min(self.columns() - 1);
    }

    fn left(&mut self, count: usize) {
        self.x = self.x.saturating_sub(count);
        if self.x > self.columns() {
            self.x = self.columns() - 1;
        }
    }

    fn erase_screen(&mut self, parameters: &Parameters) {
        let fill = self.fill();
        let (x, y, columns) = (self.x, self.y, self.columns());
        match parameters.get(0, 0, 0) {
            Some(0) if x == 0 && y == 0 && self.grid.keeps => self.push_all(fill),
            Some(0) => {
                if x < columns {
                    self.grid.erase(y, x..columns, fill);
                }
                self.grid.erase_rows(y + 1..self.height(), fill);
            }
            Some(1) => {
                self.grid.erase_rows(0..y, fill);
                self.grid.erase(y, 0..(x + 1).min(columns), fill);
            }
            Some(2) => self.push_all(fill),
            Some(3) if parameters.get(1, 0, 0) == Some(0) => self.clear_history(),
            _ => {}
        }
    }

    fn erase_line(&mut self, what: u32) {
        let fill = self.fill();
        let columns = self.columns();
        // tmux returns before it looks at the soft wrap into an empty row.
        let is_empty = fill == Cell::BLANK && self.grid.row(self.y).cells.is_empty();
        let range = match what {
            0 | 2 if is_empty => return,
            0 if self.x < columns => self.x..columns,
            1 => 0..(self.x + 1).min(columns),
            2 => 0..columns,
            _ => return,
        };
        self.grid.erase(self.y, range, fill);
    }

    fn insert_lines(&mut self, count: usize) {
        let fill = self.fill();
        let last = self.height() - 1;
        if (self.top..=self.bottom).contains(&self.y) {
            self.grid.insert_rows(self.y, self.bottom, count, fill);
        } else {
            self.grid.insert_rows_outside(self.y, last, count, fill);
        }
    }

    fn delete_lines(&mut self, count: usize) {
        let fill = self.fill();
        let last = self.height() - 1;
        let inside = (self.top..=self.bottom).contains(&self.y);
        let bottom = if inside { self.bottom } else { last };
        self.grid.delete_rows(self.y, bottom, count, fill);
    }

    fn set_region(&mut self, top: usize, bottom: usize) {
        let last = self.height() - 1;
        let (top, bottom) = (top.min(last), bottom.min(last));
        if top < bottom {
            (self.x, self.y) = (0, 0);
            (self.top, self.bottom) = (top, bottom);
        }
    }

    fn ansi_modes(&mut self, parameters: &Parameters, on: bool) {
        for index in 0..parameters.len() {
            if parameters.at(index) == Parameter::Number(4) {
                self.modes.set(Modes::INSERT, on);
            }
        }
    }

    fn private_modes(&mut self, parameters: &Parameters, on: bool) {
        for index in 0..parameters.len() {
            let Parameter::Number(number) = parameters.at(index) else {
                continue;
            };
            match number {
                1 => self.modes.set(Modes::CURSOR_KEYS, on),
                3 => {
                    self.go_to_column(0);
                    self.go_to_row(0);
                    let fill = self.fill();
                    self.push_all(fill);
                }
                6 => {
                    self.modes.set(Modes::ORIGIN, on);
                    self.go_to_column(0);
                    self.go_to_row(0);
                }
                7 => self.modes.set(Modes::WRAP, on),
                12 => self.modes.set(Modes::BLINKING, on),
                25 => self.modes.set(Modes::CURSOR, on),
                47 | 1047 if on => self.enter_alternate(false),
                47 | 1047 => self.leave_alternate(false),
                1000 => self.mouse(Modes::MOUSE_STANDARD, on),
                1002 => self.mouse(Modes::MOUSE_BUTTON, on),
                1003 => self.mouse(Modes::MOUSE_ALL, on),
                1001 if !on => self.mouse(0, false),
                1004 => self.modes.set(Modes::FOCUS, on),
                1005 => self.modes.set(Modes::MOUSE_UTF8, on),
                1006 => self.modes.set(Modes::MOUSE_SGR, on),
                1048 if self.rules.more_sequences && on => self.save_cursor(),
                1048 if self.rules.more_sequences => self.restore_cursor(),
                1049 if on => self.enter_alternate(true),
                1049 => self.leave_alternate(true),
                2004 => self.modes.set(Modes::PASTE, on),
                _ => {}
            }
        }
    }

    fn mouse(&mut self, mode: u32, on: bool) {
        self.modes.set(Modes::MOUSE, false);
        self.modes.set(mode, on);
    }

    /// Window operations: the stack of titles.
    fn window(&mut self, parameters: &Parameters) -> Option<()> {
        let mut at = 0;
        while at < parameters.len() {
            let what = parameters.get(at, 0, 0)?;
            if matches!(what, 3 | 8 | 9 | 10 | 22 | 23) {
                at += 1;
            }
            let which = parameters.get(at, 0, u32::MAX)?;
            if matches!(what, 3 | 8) {
                at += 1;
            }
            match (what, which) {
                (22, 0 | 2) => {
                    if self.titles.len() == TITLES {
                        self.titles.remove(0);
                    }
                    self.titles.push(self.title.clone());
                }
                (23, 0 | 2) => {
                    if let Some(title) = self.titles.pop() {
                        self.title = title;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        Some(())
    }

    /// DECSTR, as xterm does it.
    fn soft_reset(&mut self) {
        self.set_pen(Pen::default());
        self.saved = SavedCursor::default();
        (self.top, self.bottom) = (0, self.height() - 1);
        let off = Modes::INSERT | Modes::ORIGIN | Modes::CURSOR_KEYS | Modes::KEYPAD;
        self.modes.set(off, false);
        self.modes.set(Modes::CURSOR | Modes::WRAP, true);
    }

    /// The tab stops of a new width.
    pub(super) fn reset_tabs(&mut self) {
        self.tabs = usual_tabs(self.columns());
    }
}
