//! The rows of the screen and, above them, those that scrolled off.
//!
//! A full screen scrolls by counting: the top row becomes the last row of the
//! history and a cleared one is added below. Cells are moved only inside of a row.
//!
//! What tmux does decides the details: which rows enter the history, how far a
//! row counts as used (a resize joins rows up to there), and what ends a soft wrap.

use std::collections::VecDeque;
use std::ops::Range;

use super::cell::Cell;

/// A moment in the life of a [`Screen`](super::Screen).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look(pub(super) u64);

/// One row. Columns beyond its cells are blank.
#[derive(Clone, Default)]
pub(super) struct Row {
    pub cells: Vec<Cell>,
    /// Columns that were written to, as tmux counts them.
    pub used: usize,
    /// The text goes on in the next row.
    pub wrapped: bool,
    /// The look in which the row changed last.
    pub generation: u64,
}

impl Row {
    /// Makes at least `columns` cells be there.
    pub fn reach(&mut self, columns: usize) {
        if self.cells.len() < columns {
            self.cells.resize(columns, Cell::BLANK);
        }
    }

    /// The columns that tmux holds memory for: it takes a quarter of a row at first.
    pub fn room(&self, columns: usize) -> usize {
        match self.cells.len() {
            0 => 0,
            few if few < columns / 4 => columns / 4,
            some if some < columns / 2 => columns / 2,
            most => most.max(columns),
        }
    }

    pub fn cell(&self, x: usize) -> Cell {
        self.cells.get(x).copied().unwrap_or(Cell::BLANK)
    }

    pub fn set(&mut self, x: usize, cell: Cell) {
        self.reach(x + 1);
        self.cells[x] = cell.over(self.cells[x]);
        self.used = self.used.max(x + 1);
    }

    /// Empties the row; `fill` covers `columns` when it has a background.
    fn clear(&mut self, columns: usize, fill: Cell) {
        self.cells.clear();
        self.used = 0;
        self.wrapped = false;
        if fill != Cell::BLANK {
            self.cells.resize(columns, fill);
        }
    }

    /// Erases some columns; whether each keeps its form.
    fn erase(&mut self, columns: Range<usize>, fill: Cell, in_form: bool) {
        let mut end = columns.end;
        if fill == Cell::BLANK {
            end = end.min(self.cells.len());
        } else {
            self.reach(end);
        }
        if columns.start < end {
            let cells = &mut self.cells[columns.start..end];
            if in_form {
                cells.iter_mut().for_each(|cell| *cell = fill.over(*cell));
            } else {
                cells.fill(fill);
            }
        }
    }
}

/// Cells that the history may have at most, whatever the width.
const HISTORY_CELLS: usize = 4 << 20;
/// Rows kept for being used again.
const SPARE: usize = 256;

#[derive(Clone)]
pub(super) struct Grid {
    /// The history, oldest first, then the screen.
    pub rows: VecDeque<Row>,
    pub columns: usize,
    pub height: usize,
    /// Rows in the history.
    pub history: usize,
    /// The newest rows of the history that a higher screen takes back.
    pub scrolled: usize,
    /// Rows the history may have.
    pub limit: usize,
    /// The same for this width: the cells are bounded, too.
    room: usize,
    /// What is erased keeps its form ([`Rules`](super::rules::Rules)).
    erases_in_form: bool,
    /// Rows enter the history: not on the alternate screen.
    pub keeps: bool,
    /// Rows that left the history at its old end.
    pub dropped: u64,
    pub generation: u64,
    /// Rows of the screen that moved since the last look.
    moved: Range<usize>,
    /// The look before which a row of the screen moved last.
    moved_at: Vec<u64>,
    /// The look before which a row last moved among the others: not with all of
    /// them into the history.
    rearranged: u64,
    spare: Vec<Row>,
}

impl Grid {
    pub fn new(columns: usize, height: usize, limit: usize, erases_in_form: bool) -> Grid {
        Grid {
            rows: (0..height).map(|_| Row::default()).collect(),
            columns,
            height,
            history: 0,
            scrolled: 0,
            limit,
            room: limit.min(HISTORY_CELLS / columns),
            erases_in_form,
            keeps: true,
            dropped: 0,
            generation: 1,
            moved: 0..height,
            moved_at: Vec::new(),
            rearranged: 1,
            spare: Vec::new(),
        }
    }

    /// Sets the width; rows stay as they are.
    pub fn set_columns(&mut self, columns: usize) {
        self.columns = columns;
        self.room = self.limit.min(HISTORY_CELLS / columns);
    }

    /// A row of the screen, to read.
    pub fn row(&self, y: usize) -> &Row {
        &self.rows[self.history + y]
    }

    /// A row of the screen, to change.
    pub fn row_mut(&mut self, y: usize) -> &mut Row {
        let row = &mut self.rows[self.history + y];
        row.generation = self.generation;
        row
    }

    /// The row before `y`, in the history for the top row, to change.
    fn row_before(&mut self, y: usize) -> Option<&mut Row> {
        self.rows.get_mut((self.history + y).checked_sub(1)?)
    }

    /// Ends the soft wrap into row `y`.
    pub fn unwrap_into(&mut self, y: usize) {
        if let Some(row) = self.row_before(y) {
            row.wrapped = false;
        }
    }

    /// Rows moved among the others.
    fn mark_rearranged(&mut self, rows: Range<usize>) {
        self.rearranged = self.generation;
        self.mark_moved(rows);
    }

    fn mark_moved(&mut self, rows: Range<usize>) {
        if self.moved.is_empty() {
            self.moved = rows;
        } else {
            self.moved = self.moved.start.min(rows.start)..self.moved.end.max(rows.end);
        }
    }

    /// Starts the next generation; gives the one that ended.
    pub fn look(&mut self) -> u64 {
        self.moved_at.resize(self.height, 0);
        let end = self.moved.end.min(self.height);
        self.moved_at[self.moved.start.min(end)..end].fill(self.generation);
        self.moved = 0..0;
        self.generation += 1;
        self.generation - 1
    }

    /// Whether row `y` of the screen may show something else than at the end of
    /// that generation.
    pub fn changed_since(&self, generation: u64, y: usize) -> bool {
        self.moved.contains(&y)
            || self.moved_at.get(y).is_some_and(|at| *at > generation)
            || self.row(y).generation > generation
    }

    /// Every row counts as changed.
    pub fn touch_all(&mut self) {
        self.rearranged = self.generation;
        self.moved = 0..self.height;
    }

    /// Whether a row moved among the others after the end of that generation. If not,
    /// each keeps its number, counted from the first that the terminal ever had.
    pub fn is_rearranged_since(&self, generation: u64) -> bool {
        self.rearranged > generation
    }

    pub fn empty_row(&mut self, fill: Cell) -> Row {
        let mut row = self.spare.pop().unwrap_or_default();
        row.clear(self.columns, fill);
        row.generation = self.generation;
        row
    }

    pub fn recycle(&mut self, row: Row) {
        if self.spare.len() < SPARE {
            self.spare.push(row);
        }
    }

    /// Drops the oldest tenth of a full history.
    fn make_room(&mut self) {
        if self.history > 0 && self.history >= self.room {
            self.drop_oldest(self.history - self.room + self.tenth());
        }
    }

    fn tenth(&self) -> usize {
        (self.room / 10).max(1)
    }

    /// Whether the history may drop the row of that number when it gets `more` rows.
    #[inline]
    pub fn may_drop(&self, row: u64, more: usize) -> bool {
        let over = (self.history + more).saturating_sub(self.room);
        over > 0 && row < self.dropped + (over + self.tenth()) as u64
    }

    /// Ends what sizes that go up and down make of the history: tmux lets it grow
    /// past its limit then.
    pub fn bound_history(&mut self) {
        let limit = self.room;
        if self.history > 2 * limit + 1000 {
            self.drop_oldest(self.history - limit);
        }
    }

    fn drop_oldest(&mut self, rows: usize) {
        for _ in 0..rows.min(self.history) {
            if let Some(row) = self.rows.pop_front() {
                self.recycle(row);
            }
            self.history -= 1;
            self.dropped += 1;
        }
        self.scrolled = self.scrolled.min(self.history);
    }

    /// Empties the history.
    pub fn clear_history(&mut self) {
        self.drop_oldest(self.history);
        self.scrolled = 0;
    }

    /// The whole screen moves up by one row, the top one into the history.
    fn push_top(&mut self, fill: Cell) {
        self.make_room();
        let row = self.empty_row(fill);
        self.rows.push_back(row);
        if self.limit == 0 {
            if let Some(row) = self.rows.pop_front() {
                self.recycle(row);
            }
            self.dropped += 1;
        } else {
            self.history += 1;
            self.scrolled += 1;
        }
    }

    /// Rows `top..=bottom` move up by one; the first goes into the history.
    pub fn scroll_up(&mut self, top: usize, bottom: usize, fill: Cell) {
        if self.keeps && top == 0 && bottom + 1 == self.height {
            self.push_top(fill);
            self.mark_moved(0..self.height);
        } else if self.keeps && self.limit > 0 {
            self.make_room();
            if let Some(row) = self.rows.remove(self.history + top) {
                self.rows.insert(self.history, row);
            }
            let row = self.empty_row(fill);
            self.history += 1;
            self.scrolled += 1;
            self.rows.insert(self.history + bottom, row);
            self.mark_rearranged(top..bottom + 1);
        } else {
            self.move_rows(top + 1, top, bottom - top, fill);
            self.mark_rearranged(top..bottom + 1);
        }
    }

    /// Rows `top..=bottom` move down by one.
    pub fn scroll_down(&mut self, top: usize, bottom: usize, fill: Cell) {
        self.move_rows(top, top + 1, bottom - top, fill);
        self.mark_rearranged(top..bottom + 1);
    }

    /// Moves `count` rows and empties those they leave; what that does to soft
    /// wraps is tmux's way.
    fn move_rows(&mut self, from: usize, to: usize, count: usize, fill: Cell) {
        if count == 0 || from == to {
            return;
        }
        self.unwrap_into(to);
        let start = self.history;
        if from > to {
            for y in 0..count {
                self.rows.swap(start + from + y, start + to + y);
            }
        } else {
            for y in (0..count).rev() {
                self.rows.swap(start + from + y, start + to + y);
            }
        }
        let target = to..to + count;
        for y in (from..from + count).filter(|y| !target.contains(y)) {
            self.rows[start + y].clear(self.columns, fill);
        }
        if from < to || from >= to + count {
            self.unwrap_into(from);
        }
    }

    /// Inserts `count` empty rows at `top`; what passes `bottom` is gone.
    pub fn insert_rows(&mut self, top: usize, bottom: usize, count: usize, fill: Cell) {
        let count = count.min(bottom + 1 - top);
        let moved = bottom + 1 - top - count;
        self.move_rows(top, top + count, moved, fill);
        self.erase_rows(top + moved..top + count, fill);
        if count != moved {
            self.unwrap_into(top + moved);
        }
        self.mark_rearranged(top..bottom + 1);
    }

    /// The same outside of the scroll region, where tmux empties only rows that
    /// moved.
    pub fn insert_rows_outside(&mut self, top: usize, bottom: usize, count: usize, fill: Cell) {
        let count = count.min(bottom + 1 - top);
        self.move_rows(top, top + count, bottom + 1 - top - count, fill);
        self.mark_rearranged(top..bottom + 1);
    }

    /// Deletes `count` rows at `top`; empty ones come in at `bottom`.
    pub fn delete_rows(&mut self, top: usize, bottom: usize, count: usize, fill: Cell) {
        let count = count.min(bottom + 1 - top);
        let moved = bottom + 1 - top - count;
        self.move_rows(top + count, top, moved, fill);
        self.erase_rows(top + moved..bottom + 1, fill);
        self.mark_rearranged(top..bottom + 1);
    }

    /// Erases `columns` of row `y`; all of them is the same as an empty row.
    pub fn erase(&mut self, y: usize, columns: Range<usize>, fill: Cell) {
        if columns.start == 0 && columns.end >= self.columns {
            self.erase_rows(y..y + 1, fill);
        } else {
            let in_form = self.erases_in_form;
            self.row_mut(y).erase(columns, fill, in_form);
        }
    }

    /// Empties whole rows.
    pub fn erase_rows(&mut self, rows: Range<usize>, fill: Cell) {
        if rows.is_empty() {
            return;
        }
        self.unwrap_into(rows.start);
        let columns = self.columns;
        for y in rows {
            self.row_mut(y).clear(columns, fill);
        }
    }

    /// Clears the screen, its text into the history.
    pub fn push_all(&mut self, fill: Cell) {
        let used = (0..self.height)
            .rposition(|y| self.row(y).used > 0)
            .map_or(0, |last| last + 1);
        if used == 0 || !self.keeps {
            self.erase_rows(0..self.height, fill);
            return;
        }
        for _ in 0..used {
            self.push_top(fill);
        }
        self.erase_rows(0..self.height - used, fill);
        self.scrolled = 0;
        self.touch_all();
    }

    /// Moves what is at `x` and behind it by `count` columns to the right. tmux
    /// erases only columns that moved.
    pub fn insert_cells(&mut self, y: usize, x: usize, count: usize, fill: Cell) {
        let columns = self.columns;
        let count = count.min(columns - x);
        let moved = columns - x - count;
        if x + 1 == columns {
            self.erase(y, x..columns, fill);
        } else if moved > 0 {
            let row = self.row_mut(y);
            row.reach(columns);
            row.cells.copy_within(x..x + moved, x + count);
            row.used = columns.max(row.used);
            row.cells[x..x + moved.min(count)].fill(fill);
        }
    }

    /// Deletes `count` columns at `x`.
    pub fn delete_cells(&mut self, y: usize, x: usize, count: usize, fill: Cell) {
        let columns = self.columns;
        let count = count.min(columns - x);
        let row = self.row_mut(y);
        if x + count < columns {
            row.reach(columns);
            row.cells.copy_within(x + count..columns, x);
            row.cells[(columns - count).max(x + count)..].fill(Cell::BLANK);
            row.used = row.used.max(columns - count);
        }
        self.erase(y, columns - count..columns, fill);
    }
}
