//! The state of a terminal, and the moves that everything else is made of.

use super::cell::{Attributes, Cell, Colour, Ink};
use super::grid::{Grid, Look, Row};
use super::marks::Marks;
use super::parse::Parser;
use super::pool::{Link, Pool};
use super::rules::Rules;
use super::width::Table;

/// Rows of history unless more or fewer are asked for: tmux's own default.
pub const HISTORY: usize = 2000;
/// Columns or rows at most, as in tmux.
pub const LARGEST: u16 = 10_000;
/// Cells of a screen at most.
const LARGEST_AREA: usize = 4 << 20;

/// Switches that a program sets, as a set of the constants here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Modes(pub u32);

impl Modes {
    pub const CURSOR: u32 = 1;
    pub const INSERT: u32 = 1 << 1;
    pub const CURSOR_KEYS: u32 = 1 << 2;
    pub const KEYPAD: u32 = 1 << 3;
    pub const WRAP: u32 = 1 << 4;
    pub const MOUSE_STANDARD: u32 = 1 << 5;
    pub const MOUSE_BUTTON: u32 = 1 << 6;
    pub const MOUSE_ALL: u32 = 1 << 7;
    pub const MOUSE_UTF8: u32 = 1 << 8;
    pub const MOUSE_SGR: u32 = 1 << 9;
    pub const FOCUS: u32 = 1 << 10;
    pub const PASTE: u32 = 1 << 11;
    pub const ORIGIN: u32 = 1 << 12;
    pub const BLINKING: u32 = 1 << 13;
    pub const MOUSE: u32 = Modes::MOUSE_STANDARD | Modes::MOUSE_BUTTON | Modes::MOUSE_ALL;
    pub const ALL: u32 = (1 << 14) - 1;

    pub const fn has(self, mode: u32) -> bool {
        self.0 & mode != 0
    }

    pub const fn set(&mut self, modes: u32, on: bool) {
        if on {
            self.0 |= modes;
        } else {
            self.0 &= !modes;
        }
    }
}

/// What the next character is written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pen {
    pub style: Ink,
    /// Line drawing in G0 and G1.
    pub drawing: [bool; 2],
    /// G1 is in use.
    pub shifted: bool,
}

/// What `ESC 7` keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SavedCursor {
    pub pen: Pen,
    pub x: usize,
    pub y: usize,
    pub origin: bool,
}

/// The normal screen while the alternate one is shown.
#[derive(Clone)]
pub(super) struct Normal {
    pub rows: Vec<Row>,
    pub columns: usize,
    pub height: usize,
}

/// A terminal: bytes go in, a screen comes out.
///
/// Columns and rows count from 0.
#[derive(Clone)]
pub struct Screen {
    pub(super) rules: Rules,
    pub(super) widths: &'static Table,
    pub(super) grid: Grid,
    pub(super) pool: Pool,
    pub(super) normal: Option<Normal>,
    /// Cursor and pen that leaving the alternate screen brings back.
    pub(super) normal_cursor: Option<(usize, usize, Ink)>,
    /// The column count, or more, when the next character goes to the next row.
    pub(super) x: usize,
    pub(super) y: usize,
    /// The scroll region, both rows in it.
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) modes: Modes,
    pub(super) tabs: Vec<bool>,
    pub(super) pen: Pen,
    /// A cell of the pen's style without a character, once it is known.
    pub(super) pen_cell: Option<Cell>,
    pub(super) saved: SavedCursor,
    /// What REP repeats: the character that was just printed.
    pub(super) last: Option<char>,
    /// Room for the text of a cell.
    pub(super) text: String,
    /// A zero width joiner waits for the next character that is not ASCII.
    pub(super) joining: bool,
    pub(super) parser: Parser,
    pub(super) title: String,
    pub(super) titles: Vec<String>,
    pub(super) folder: String,
    pub(super) cursor_style: u8,
    pub(super) default_colours: [Option<Colour>; 3],
    pub(super) palette: Vec<(u8, Colour)>,
    pub(super) marks: Marks,
    /// Rows of the history that were handed out, counted from the first ever.
    pub(super) handed_out: u64,
    /// Lines of a history that was cleared before they were handed out, where someone
    /// will take them.
    pub(super) cleared: Option<Vec<ScrolledLine>>,
    /// When changed rows were taken last.
    pub(super) last_look: Look,
}

/// A line that left the screen at its top, soft wraps joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrolledLine {
    /// Its first row, counted from the first that the terminal ever had.
    pub row: u64,
    /// How many rows it takes.
    pub rows: u64,
    pub text: String,
    /// It is longer than 256 rows: the next one goes on with it.
    pub continues: bool,
}

/// The rows of a line that left the screen at its top.
pub(super) struct ScrolledRows {
    /// The first, counted from the first that the terminal ever had.
    pub start: u64,
    pub count: u64,
    /// It is longer than 256 rows: the next one goes on with it.
    pub continues: bool,
}

impl ScrolledLine {
    pub(super) fn place(&self) -> ScrolledRows {
        ScrolledRows {
            start: self.row,
            count: self.rows,
            continues: self.continues,
        }
    }
}

/// A size that is possible.
pub(super) fn possible(columns: u16, rows: u16) -> (usize, usize) {
    let columns = usize::from(columns.clamp(1, LARGEST));
    let rows = usize::from(rows.clamp(1, LARGEST)).min(LARGEST_AREA / columns);
    (columns, rows)
}

/// A tab stop at each eighth column.
pub(super) fn usual_tabs(columns: usize) -> Vec<bool> {
    (0..columns).map(|x| x > 0 && x % 8 == 0).collect()
}

impl Screen {
    /// A blank screen. Sizes are at least 1 and at most [`LARGEST`].
    pub fn new(columns: u16, rows: u16, rules: Rules) -> Screen {
        Screen::with_history(columns, rows, rules, HISTORY)
    }

    /// The same with at most `history` rows of what scrolled off.
    pub fn with_history(columns: u16, rows: u16, rules: Rules, history: usize) -> Screen {
        let (columns, rows) = possible(columns, rows);
        Screen {
            rules,
            widths: rules.widths.table(),
            grid: Grid::new(columns, rows, history, rules.erases_in_form),
            pool: Pool::new(),
            normal: None,
            normal_cursor: None,
            x: 0,
            y: 0,
            top: 0,
            bottom: rows - 1,
            modes: Modes(Modes::CURSOR | Modes::WRAP),
            tabs: usual_tabs(columns),
            pen: Pen::default(),
            pen_cell: None,
            saved: SavedCursor::default(),
            last: None,
            text: String::new(),
            joining: false,
            parser: Parser::default(),
            title: String::new(),
            titles: Vec::new(),
            folder: String::new(),
            cursor_style: 0,
            default_colours: [None; 3],
            palette: Vec::new(),
            marks: Marks::default(),
            handed_out: 0,
            cleared: None,
            last_look: Look::default(),
        }
    }

    pub(super) fn columns(&self) -> usize {
        self.grid.columns
    }

    pub(super) fn height(&self) -> usize {
        self.grid.height
    }

    /// The row of the cursor, counted from the first row ever.
    pub(super) fn absolute_y(&self) -> u64 {
        self.grid.dropped + (self.grid.history + self.y) as u64
    }

    /// Drops pool entries that nothing uses any more.
    #[cold]
    pub(super) fn drop_unused(&mut self) {
        let normal = self.normal.iter_mut().flat_map(|normal| &mut normal.rows);
        let cells = self
            .grid
            .rows
            .iter_mut()
            .chain(normal)
            .flat_map(|row| &mut row.cells);
        let mut styles = vec![&mut self.pen.style, &mut self.saved.pen.style];
        if let Some((_, _, style)) = &mut self.normal_cursor {
            styles.push(style);
        }
        self.pool.keep_only(cells, &mut styles);
        self.pen_cell = None;
    }

    /// A cell of the pen's style without a character.
    #[inline]
    pub(super) fn pen_cell(&mut self) -> Cell {
        match self.pen_cell {
            Some(cell) => cell,
            None => self.find_pen(),
        }
    }

    /// The place of a style.
    #[inline]
    fn place(&mut self, style: &Ink) -> u32 {
        match self.pool.recent_style(style) {
            Some(place) => place,
            None => self.new_place(style),
        }
    }

    #[cold]
    fn new_place(&mut self, style: &Ink) -> u32 {
        if self.pool.is_full() {
            self.drop_unused();
        }
        self.pool.style(style)
    }

    fn find_pen(&mut self) -> Cell {
        let place = if self.pen.drawing[usize::from(self.pen.shifted)] {
            let mut style = self.pen.style;
            style.attributes = style.attributes.with(Attributes::DRAWING);
            self.place(&style)
        } else {
            // Read in place: a copy of what was written by parts waits for all of them.
            match self.pool.recent_style(&self.pen.style) {
                Some(place) => place,
                None => self.new_place(&self.pen.style.clone()),
            }
        };
        let is_long = self.rules.has_long_cells && self.pool.is_long(place);
        let cell = Cell::narrow(0, place).in_form(is_long);
        self.pen_cell = Some(cell);
        cell
    }

    /// What erased columns become.
    #[inline]
    pub(super) fn fill(&mut self) -> Cell {
        let bg = self.pen.style.bg;
        if bg == 0 {
            return Cell::BLANK;
        }
        self.coloured_fill(bg)
    }

    fn coloured_fill(&mut self, bg: u32) -> Cell {
        let place = self.place(&Ink {
            bg,
            ..Ink::default()
        });
        Cell::erased(place).in_form(self.rules.has_long_cells && self.pool.is_long(place))
    }

    pub(super) fn set_pen(&mut self, pen: Pen) {
        self.pen = pen;
        self.pen_cell = None;
    }

    /// Sets the pen's link, or ends it.
    pub(super) fn set_link(&mut self, link: Option<Link>) {
        if self.pool.is_full() {
            self.drop_unused();
        }
        self.pen.style.link = link.map_or(0, |link| self.pool.link(link));
        self.pen_cell = None;
    }

    /// Moves the cursor down, and scrolls at the end of the region.
    pub(super) fn line_feed(&mut self, wrapped: bool, fill: Cell) {
        if wrapped {
            self.grid.row_mut(self.y).wrapped = true;
        }
        if self.y == self.bottom {
            self.scroll_up(fill);
        } else if self.y + 1 < self.height() {
            self.y += 1;
        }
    }

    /// The rows of the region move up by one.
    pub(super) fn scroll_up(&mut self, fill: Cell) {
        self.keep_scrolled(1);
        self.grid.scroll_up(self.top, self.bottom, fill);
    }

    /// Clears the screen, its text into the history.
    pub(super) fn push_all(&mut self, fill: Cell) {
        self.keep_scrolled(self.height());
        self.grid.push_all(fill);
    }

    /// Moves the cursor up, and scrolls at the start of the region.
    pub(super) fn reverse_line_feed(&mut self) {
        if self.y == self.top {
            let fill = self.fill();
            self.grid.scroll_down(self.top, self.bottom, fill);
        } else if self.y > 0 {
            self.y -= 1;
        }
    }

    /// Puts the cursor on a column, the last at most.
    pub(super) fn go_to_column(&mut self, x: usize) {
        self.x = x.min(self.columns() - 1);
    }

    /// Puts the cursor on a row; in origin mode counted from the region's top.
    pub(super) fn go_to_row(&mut self, y: usize) {
        let y = if self.modes.has(Modes::ORIGIN) {
            if y > self.bottom - self.top {
                self.bottom
            } else {
                self.top + y
            }
        } else {
            y
        };
        self.y = y.min(self.height() - 1);
    }

    /// The cursor's column, the last one when a wrap is pending.
    pub(super) fn column(&self) -> usize {
        self.x.min(self.columns() - 1)
    }

    /// Shows the alternate screen. With `cursor` the cursor and pen of the normal
    /// one are kept.
    pub(super) fn enter_alternate(&mut self, cursor: bool) {
        if self.normal.is_some() {
            return;
        }
        if cursor {
            self.normal_cursor = Some((self.x, self.y, self.pen.style));
        }
        let height = self.height();
        // The history's last row stays apart from the normal screen afterwards, too.
        self.grid.unwrap_into(0);
        let mut rows = Vec::with_capacity(height);
        for y in 0..height {
            let blank = self.grid.empty_row(Cell::BLANK);
            rows.push(std::mem::replace(self.grid.row_mut(y), blank));
        }
        self.normal = Some(Normal {
            rows,
            columns: self.columns(),
            height,
        });
        self.grid.keeps = false;
        self.grid.touch_all();
    }

    /// Shows the normal screen again.
    pub(super) fn leave_alternate(&mut self, cursor: bool) {
        let (columns, height) = (self.columns(), self.height());
        let normal = self.normal.take();
        if let Some(normal) = &normal {
            self.resize_to(normal.columns, normal.height, self.rules.flows_alternate);
        }
        if cursor && let Some((x, y, style)) = self.normal_cursor {
            (self.x, self.y) = (x, y);
            self.pen.style = style;
            self.pen_cell = None;
        }
        if let Some(normal) = normal {
            for (y, row) in normal.rows.into_iter().enumerate() {
                *self.grid.row_mut(y) = row;
            }
            self.grid.keeps = true;
            self.resize_to(columns, height, true);
        }
        self.x = self.x.min(self.columns() - 1);
        self.y = self.y.min(self.height() - 1);
        self.grid.touch_all();
    }

    /// Everything but title, folder and history as at the start.
    pub(super) fn reset(&mut self) {
        self.set_pen(Pen::default());
        // Origin mode is not forgotten here.
        self.saved = SavedCursor {
            origin: self.saved.origin,
            ..SavedCursor::default()
        };
        self.tabs = usual_tabs(self.columns());
        (self.top, self.bottom) = (0, self.height() - 1);
        self.modes = Modes(Modes::CURSOR | Modes::WRAP);
        self.push_all(Cell::BLANK);
        (self.x, self.y) = (0, 0);
        self.palette.clear();
    }
}
