//! Other sizes: rows come from and go into the history, soft wraps move.

use super::cell::Cell;
use super::grid::{Grid, Row};
use super::pool::Pool;
use super::rules::Rules;
use super::terminal::{Screen, possible};

/// A place in the text: which line, soft wraps joined, and the cell in it.
#[derive(Clone, Copy)]
struct TextPosition {
    line: usize,
    /// Nothing: behind the line's end.
    cell: Option<usize>,
}

/// The place of a position; `y` counts from the first row of the history.
fn place_of(grid: &Grid, x: usize, y: usize) -> TextPosition {
    let mut place = TextPosition {
        line: 0,
        cell: Some(0),
    };
    let mut before = 0;
    for row in grid.rows.iter().take(y) {
        if row.wrapped {
            before += row.used;
        } else {
            before = 0;
            place.line += 1;
        }
    }
    let inside = grid.rows.get(y).is_some_and(|row| x < row.used);
    place.cell = inside.then_some(before + x);
    place
}

/// The position of a place.
fn position_of(grid: &Grid, place: TextPosition) -> (usize, usize) {
    let rows = &grid.rows;
    let last = rows.len() - 1;
    let mut y = 0;
    let mut line = 0;
    while y < last && line < place.line {
        line += usize::from(!rows[y].wrapped);
        y += 1;
    }
    let mut x = place.cell;
    while y < last && rows[y].wrapped {
        match &mut x {
            Some(x) if *x < rows[y].used => break,
            Some(x) => *x -= rows[y].used,
            None => {}
        }
        y += 1;
    }
    (x.unwrap_or(rows[y].used), y)
}

/// Rows of a new width, being made.
struct Flow<'a> {
    columns: usize,
    rules: Rules,
    pool: &'a Pool,
    rows: Vec<Row>,
    /// Columns that are taken in the last row while it may take more.
    open: Option<usize>,
    /// Rows that the last one took in whole.
    joined: usize,
    /// The last one took something.
    took: bool,
    /// Empty rows that stand behind it, until it takes something from behind them.
    skipped: Vec<Row>,
    scrolled: usize,
}

impl Flow<'_> {
    fn width_of(&self, cell: &Cell) -> usize {
        if cell.is_padding() {
            usize::from(self.rules.has_long_cells && cell.counts())
        } else {
            cell.width()
        }
    }

    /// A cell as tmux writes it again, in the place of `old`.
    fn written(&self, cell: Cell, old: Cell) -> Cell {
        if cell.is_padding() {
            return cell.again_over(old);
        }
        let is_long = self.rules.has_long_cells
            && (cell.width() > 1
                || cell.is_tab()
                || cell.is_cluster()
                || cell.code() >= 0x80
                || self.pool.is_long(cell.style()));
        cell.in_form(is_long).over(old)
    }

    fn width(&self, cells: &[Cell]) -> usize {
        cells.iter().map(|cell| self.width_of(cell)).sum()
    }

    /// How many of `cells` fit into `room` columns.
    fn fitting(&self, cells: &[Cell], room: usize) -> usize {
        let mut taken = 0;
        let fits = |cell: &&Cell| {
            taken += self.width_of(cell);
            taken <= room
        };
        cells.iter().take_while(fits).count()
    }

    /// Row `y` of the old ones.
    fn add(&mut self, y: usize, mut row: Row) {
        row.reach(row.used);
        if self.open.is_some() && !self.join(&mut row) {
            return;
        }
        self.close();
        if !self.skipped.is_empty() {
            self.put_back(&row);
            if self.open.is_some() && !self.join(&mut row) {
                return;
            }
            self.close();
        }
        let width = self.width(&row.cells[..row.used]);
        if width > self.columns {
            self.split(y, row);
        } else {
            let goes_on = row.wrapped && width < self.columns;
            self.rows.push(row);
            self.open = goes_on.then_some(width);
        }
    }

    /// Nothing was joined over empty rows, so they stay; the first of them takes the
    /// next row if there is room for it at all.
    fn put_back(&mut self, next: &Row) {
        let mut skipped = std::mem::take(&mut self.skipped);
        let cells = &next.cells[..next.used];
        if self.fitting(cells, self.columns) > 0 {
            self.rows.push(skipped.remove(0));
            self.open = Some(0);
            self.skipped = skipped;
        } else {
            self.rows.append(&mut skipped);
        }
    }

    /// Takes what fits into the open row; whether something is left as a row.
    fn join(&mut self, row: &mut Row) -> bool {
        let Some(taken) = self.open else {
            return true;
        };
        if row.used == 0 && row.wrapped {
            if self.took {
                self.joined += 1;
            } else {
                self.skipped.push(std::mem::take(row));
            }
            return false;
        }
        let cells = &row.cells[..row.used];
        let fits = self.fitting(cells, self.columns.saturating_sub(taken));
        if fits == 0 {
            // tmux takes the wrap of a row that it could not join for that of the
            // rows before it.
            if self.joined > 0
                && !row.wrapped
                && let Some(target) = self.rows.last_mut()
            {
                target.wrapped = false;
            }
            return true;
        }
        self.took = true;
        self.joined += self.skipped.len();
        self.skipped.clear();
        let taken = taken + self.width(&cells[..fits]);
        if let Some(mut target) = self.rows.pop() {
            target.reach(target.used + fits);
            let places = &mut target.cells[target.used..];
            for (place, cell) in places.iter_mut().zip(&cells[..fits]) {
                *place = self.written(*cell, *place);
            }
            target.used += fits;
            if fits == row.used {
                target.wrapped = row.wrapped;
            }
            self.rows.push(target);
        }
        if fits < row.used {
            row.cells.drain(..fits);
            row.used -= fits;
            row.cells.truncate(row.used);
            return true;
        }
        self.joined += 1;
        if row.wrapped && taken < self.columns {
            self.open = Some(taken);
        } else {
            self.close();
        }
        false
    }

    /// The last row takes no more.
    fn close(&mut self) {
        if self.open.take().is_some() && !self.rows.is_empty() {
            let last = self.rows.len() - 1;
            if self.scrolled > last + self.joined {
                self.scrolled -= self.joined;
            } else if self.scrolled > last && self.joined > 0 {
                self.scrolled = last;
            }
        }
        self.joined = 0;
        self.took = false;
    }

    fn split(&mut self, y: usize, mut row: Row) {
        row.cells.truncate(row.used);
        let wrapped = row.wrapped;
        let first = match self.fitting(&row.cells, self.columns) {
            0 if row.cells.len() > 1 => 1,
            first => first,
        };
        let rest = &row.cells[first..];
        // What is wider than a row leaves an empty one before it where it is first.
        let mut ends = Vec::new();
        let mut taken = 0;
        for (at, cell) in rest.iter().enumerate() {
            let width = self.width_of(cell);
            if taken + width > self.columns {
                ends.push(at);
                taken = 0;
            }
            taken += width;
        }
        ends.push(rest.len());
        let mut start = 0;
        let mut rows: Vec<Row> = Vec::with_capacity(ends.len());
        for end in ends {
            rows.push(Row {
                cells: rest[start..end]
                    .iter()
                    .map(|cell| self.written(*cell, Cell::BLANK))
                    .collect(),
                used: end - start,
                wrapped: true,
                generation: row.generation,
            });
            start = end;
        }
        row.cells.truncate(first);
        row.used = first;
        row.wrapped = true;
        if y <= self.scrolled {
            self.scrolled += rows.len();
        }
        self.rows.push(row);
        self.rows.append(&mut rows);
        if let Some(last) = self.rows.last_mut() {
            last.wrapped = wrapped;
        }
        self.open = (wrapped && taken < self.columns).then_some(taken);
    }
}

impl Screen {
    /// Gives the screen another size, as tmux does when a pane changes it.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (columns, rows) = possible(columns, rows);
        self.resize_to(columns, rows, self.normal.is_none());
    }

    pub(super) fn resize_to(&mut self, columns: usize, height: usize, flows: bool) {
        let mut y = self.grid.history + self.y;
        let flows = flows && columns != self.columns();
        if columns != self.columns() {
            self.grid.set_columns(columns);
            self.reset_tabs();
        }
        if height != self.height() {
            self.change_height(height, &mut y);
        }
        if flows {
            let place = place_of(&self.grid, self.x, y);
            let known = |row: u64| usize::try_from(row.checked_sub(self.grid.dropped)?).ok();
            let input = self.marks.input.and_then(|(row, x)| {
                let row = known(row).filter(|row| *row < self.grid.rows.len())?;
                Some(place_of(&self.grid, x, row))
            });
            let handed_out = known(self.handed_out).map(|row| place_of(&self.grid, 0, row));
            self.flow();
            (self.x, y) = position_of(&self.grid, place);
            self.marks.input = input.map(|place| {
                let (x, y) = position_of(&self.grid, place);
                (self.grid.dropped + y as u64, x)
            });
            if let Some(mut place) = handed_out {
                place.cell = Some(0);
                let (_, y) = position_of(&self.grid, place);
                self.handed_out = self.grid.dropped + y as u64;
            }
        }
        match y.checked_sub(self.grid.history) {
            Some(y) => self.y = y.min(height - 1),
            None => (self.x, self.y) = (0, 0),
        }
        self.grid.bound_history();
        self.grid.touch_all();
    }

    /// `y` is the cursor's row from the first of the history on.
    fn change_height(&mut self, height: usize, y: &mut usize) {
        let old = self.height();
        let grid = &mut self.grid;
        if height < old {
            let mut needed = old - height;
            let below = needed.min((old - 1).saturating_sub(self.y));
            for _ in 0..below {
                grid.rows.pop_back();
            }
            if below > 0
                && let Some(last) = grid.rows.back_mut()
            {
                last.wrapped = false;
            }
            needed -= below;
            if grid.keeps {
                grid.scrolled += needed;
                grid.history += needed;
            } else {
                for _ in 0..needed {
                    grid.rows.remove(grid.history);
                }
                if needed > 0
                    && let Some(last) = grid.rows.back_mut()
                {
                    last.wrapped = false;
                }
                *y -= needed.min(*y);
            }
        } else {
            let mut needed = height - old;
            if grid.keeps {
                let back = needed.min(grid.scrolled);
                grid.scrolled -= back;
                grid.history -= back;
                needed -= back;
            }
            for _ in 0..needed {
                let row = grid.empty_row(Cell::BLANK);
                grid.rows.push_back(row);
            }
        }
        grid.height = height;
        (self.top, self.bottom) = (0, height - 1);
    }

    /// Moves the soft wraps to the new width.
    fn flow(&mut self) {
        let grid = &mut self.grid;
        let mut flow = Flow {
            columns: grid.columns,
            rules: self.rules,
            pool: &self.pool,
            rows: Vec::with_capacity(grid.rows.len()),
            open: None,
            joined: 0,
            took: false,
            skipped: Vec::new(),
            scrolled: grid.scrolled,
        };
        for (y, row) in std::mem::take(&mut grid.rows).into_iter().enumerate() {
            flow.add(y, row);
        }
        flow.close();
        flow.rows.append(&mut flow.skipped);
        while flow.rows.len() < grid.height {
            flow.rows.push(Row::default());
        }
        grid.history = flow.rows.len() - grid.height;
        grid.scrolled = flow.scrolled.min(grid.history);
        grid.rows = flow.rows.into();
    }
}
