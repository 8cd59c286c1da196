//! What a terminal holds and its rows do not show, as the sequences that bring
//! it about on another terminal.

use std::fmt::Write as _;

use super::terminal::{Pen, Screen};

/// What `ESC 8` brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedPosition {
    /// From 0; maybe behind the last column, or of a larger screen.
    pub column: usize,
    pub row: usize,
    /// Whether rows count from the top of the scroll region.
    pub origin: bool,
    /// The sequences that bring the pen about.
    pub pen: String,
}

impl Screen {
    /// The sequences that bring about what the next character is written with:
    /// colours and attributes, link, character sets.
    pub fn pen_sequences(&self) -> String {
        self.sequences_of(self.pen)
    }

    /// What `ESC 7` has kept; `None` where that is what a terminal starts with.
    pub fn saved_position(&self) -> Option<SavedPosition> {
        let saved = self.saved;
        let is_first = (saved.x, saved.y, saved.origin) == (0, 0, false);
        if is_first && saved.pen == Pen::default() {
            return None;
        }
        Some(SavedPosition {
            column: saved.x,
            row: saved.y,
            origin: saved.origin,
            pen: self.sequences_of(saved.pen),
        })
    }

    /// The character that REP repeats: the one that was just printed.
    pub fn repeats(&self) -> Option<char> {
        self.last
    }

    fn sequences_of(&self, pen: Pen) -> String {
        let mut out = String::new();
        pen.style.shown().push_sgr(&mut out);
        if let Some(link) = self.pool.link_at(pen.style.link) {
            let id = if link.id.is_empty() { "" } else { "id=" };
            let _ = write!(out, "\x1b]8;{id}{};{}\x1b\\", link.id, link.uri);
        }
        for (set, draws) in ['(', ')'].into_iter().zip(pen.drawing) {
            let _ = write!(out, "\x1b{set}{}", if draws { '0' } else { 'B' });
        }
        out.push(if pen.shifted { '\x0e' } else { '\x0f' });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::*;

    #[test]
    fn another_terminal_writes_the_same() {
        for rules in Rules::ALL {
            for output in [
                "\x1b[1;3;4:3;31;48;5;200m",
                "\x1b[2;9;53;97;48;2;1;2;3;58;5;9m",
                "\x1b[7;38;2;9;8;7;105m\x1b]8;id=x;http://a/b\x1b\\",
                "\x1b(0\x1b)B\x0e",
                "\x1b[5;8;21m\x1b)0",
            ] {
                let mut one = Screen::new(10, 3, rules);
                one.feed(output.as_bytes());
                let mut two = Screen::new(10, 3, rules);
                two.feed(b"\x1b[7;32m\x1b(0");
                two.feed(one.pen_sequences().as_bytes());
                for screen in [&mut one, &mut two] {
                    screen.feed(b"qx");
                }
                let runs =
                    |screen: &Screen| format!("{:?}", screen.runs(super::super::Which::Shown, 0));
                assert_eq!(runs(&one), runs(&two), "{output:?}");
            }
        }
    }

    #[test]
    fn what_is_saved_is_told() {
        let mut screen = Screen::new(10, 3, Rules::TMUX_3_3);
        assert_eq!(screen.saved_position(), None);
        screen.feed(b"\x1b[2;3H\x1b[31m\x1b7\x1b[mab");
        let saved = screen.saved_position().unwrap();
        assert_eq!((saved.column, saved.row, saved.origin), (2, 1, false));
        assert_eq!(saved.pen, "\x1b[0;31m\x1b(B\x1b)B\x0f");
        assert_eq!(screen.repeats(), Some('b'));
    }
}
