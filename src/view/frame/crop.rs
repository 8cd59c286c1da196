//! Which part of a screen is shown where it is larger than its place.

use crate::screen::{Cursor, Screen};

/// The place of the screen's part that is shown. It goes with the cursor, until
/// it is moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crop {
    /// The first column and row that are shown.
    pub left: usize,
    pub top: usize,
    is_moved: bool,
}

impl Crop {
    /// Keeps the cursor in sight of a place of `columns` × `rows`.
    pub fn follow(&mut self, screen: &Screen, columns: usize, rows: usize) {
        let (width, height) = screen.size();
        let cursor = screen.cursor();
        if !self.is_moved && cursor.visible {
            self.show(cursor, columns, rows);
        }
        self.left = self.left.min(usize::from(width).saturating_sub(columns));
        self.top = self.top.min(usize::from(height).saturating_sub(rows));
    }

    fn show(&mut self, cursor: Cursor, columns: usize, rows: usize) {
        // Lines start at the left; it is left only for what would not be seen.
        if cursor.column < columns {
            self.left = 0;
        } else if !(self.left..self.left + columns).contains(&cursor.column) {
            self.left = cursor.column - columns / 2;
        }
        if cursor.row < self.top {
            self.top = cursor.row.saturating_sub(rows / 2);
        } else if cursor.row >= self.top + rows {
            self.top = (cursor.row + 1).saturating_sub(rows);
        }
    }

    /// Moves it by columns and rows, and no more with the cursor.
    pub fn move_by(&mut self, columns: isize, rows: isize) {
        self.left = self.left.saturating_add_signed(columns);
        self.top = self.top.saturating_add_signed(rows);
        self.is_moved = true;
    }

    /// Goes with the cursor again.
    pub fn release(&mut self) {
        self.is_moved = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Rules;

    fn at(crop: &mut Crop, screen: &mut Screen, column: usize, row: usize) -> (usize, usize) {
        screen.feed(format!("\x1b[{};{}H", row + 1, column + 1).as_bytes());
        crop.follow(screen, 20, 10);
        (crop.left, crop.top)
    }

    #[test]
    fn the_cursor_stays_in_sight() {
        let (mut crop, mut screen) = (Crop::default(), Screen::new(100, 50, Rules::OTHER));
        assert_eq!(at(&mut crop, &mut screen, 0, 0), (0, 0));
        assert_eq!(at(&mut crop, &mut screen, 19, 9), (0, 0));
        assert_eq!(at(&mut crop, &mut screen, 20, 10), (10, 1));
        assert_eq!(at(&mut crop, &mut screen, 99, 49), (80, 40));
        assert_eq!(at(&mut crop, &mut screen, 95, 45), (80, 40));
        assert_eq!(at(&mut crop, &mut screen, 3, 30), (0, 25));
        assert_eq!(at(&mut crop, &mut screen, 3, 3), (0, 0));
    }

    #[test]
    fn a_crop_that_was_moved_stays_and_never_leaves_the_screen() {
        let (mut crop, mut screen) = (Crop::default(), Screen::new(100, 50, Rules::OTHER));
        crop.move_by(30, -5);
        assert_eq!(at(&mut crop, &mut screen, 0, 0), (30, 0));
        crop.move_by(isize::MAX, isize::MAX);
        assert_eq!(at(&mut crop, &mut screen, 0, 0), (80, 40));
        screen.resize(15, 8);
        assert_eq!(at(&mut crop, &mut screen, 0, 0), (0, 0));
        crop.release();
        screen.resize(100, 50);
        assert_eq!(at(&mut crop, &mut screen, 99, 49), (80, 40));
    }
}
