//! The last stretch of a pane's output, and what follows from it for a snapshot
//! that comes in its middle.
//!
//! tmux tells a screen, but not with what the next character is written, and some
//! more ([`Unrevealed`]). When a pane has another size, its pipe is started again
//! with a snapshot, and all of that stands in what was recorded before. So the last
//! bytes are kept, and only then read by an emulator. What was set before them is
//! not known.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::screen::{Colour, Mode, Rules, Screen, Which};
use crate::tmux::Version;
use crate::tmux::snapshot::{SavedCursor, Snapshot, Unrevealed};

/// How many bytes are kept.
pub const RECENT: usize = 32 * 1024;

/// How many characters before the cursor must be the same for the stream and the
/// snapshot to be taken for one.
const SAME: usize = 16;

/// The last bytes of a stream, from its snapshot on; none before the first one.
#[derive(Debug, Default)]
pub struct Recent {
    bytes: VecDeque<u8>,
    /// Whether a stream has begun.
    is_started: bool,
    /// Whether there were more.
    is_cut: bool,
    /// The terminal's columns and rows when the stream began.
    size: (u16, u16),
}

/// What the recorded output says of a snapshot that follows it.
#[derive(Debug, Default)]
pub struct Told {
    /// What tmux does not tell.
    pub unrevealed: Unrevealed,
    /// Whether nothing is missing between the output and the snapshot, as far as
    /// the text before the cursor shows.
    pub is_seamless: bool,
}

impl Recent {
    /// A stream begins, with what has `painted` a terminal of `size` (columns,
    /// rows).
    pub fn restart(&mut self, size: (u16, u16), painted: &[u8]) {
        self.bytes.clear();
        self.is_started = true;
        self.is_cut = false;
        self.size = size;
        self.push(painted);
    }

    /// Goes on with a stream of which the last bytes are known, on a terminal of
    /// `size` (columns, rows).
    pub fn resume(&mut self, size: (u16, u16), output: &[u8]) {
        self.restart(size, output);
        self.is_cut = true;
    }

    /// More output. Copies at most [`RECENT`] bytes; allocates until it keeps that much.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.is_started {
            return;
        }
        let last = &bytes[bytes.len().saturating_sub(RECENT)..];
        let over = (self.bytes.len() + last.len()).saturating_sub(RECENT);
        self.is_cut |= over > 0 || last.len() < bytes.len();
        self.bytes.drain(..over.min(self.bytes.len()));
        self.bytes.extend(last);
    }

    /// What the output says of `snapshot`, which follows it.
    #[must_use]
    pub fn tell(&self, version: Version, snapshot: &Snapshot) -> Told {
        let (columns, rows) = self.size;
        let rules = Rules::tmux(version.major(), version.minor());
        let mut screen = Screen::with_history(columns, rows, rules, 0);
        // Where a snapshot leaves them.
        screen.feed(b"\x1b)0");
        let (one, two) = self.bytes.as_slices();
        // A sequence that is cut at the start is taken for text: to the next one.
        let start = match self.is_cut {
            true => memchr::memchr2(0x1b, b'\n', one).unwrap_or(one.len()),
            false => 0,
        };
        screen.feed(&one[start..]);
        screen.feed(two);
        let cursor = screen.cursor();
        let saved = screen.saved_position().map(|saved| SavedCursor {
            column: saved.column,
            row: saved.row,
            origin: saved.origin,
            pen: saved.pen,
        });
        Told {
            is_seamless: is_same_end(&before_cursor(&screen), &snapshot.before_cursor(SAME)),
            unrevealed: Unrevealed {
                pen: screen.pen_sequences(),
                saved,
                palette: palette(&screen),
                cursor_style: cursor.style,
                reports_focus: screen.mode(Mode::Focus),
                brackets_paste: screen.mode(Mode::Paste),
                repeats: screen.repeats(),
            },
        }
    }
}

/// The characters before the cursor, the nearest first.
fn before_cursor(screen: &Screen) -> String {
    let cursor = screen.cursor();
    let mut text = String::new();
    let mut end = cursor.column + usize::from(cursor.wrap_pending);
    let mut row = cursor.row;
    loop {
        for run in screen.runs(Which::Shown, row).iter().rev() {
            let mut column = run.column + run.width;
            for character in run.text.chars().rev() {
                column -= width(character).min(column);
                if column < end {
                    text.push(character);
                }
            }
        }
        if text.chars().count() >= SAME || row == 0 || !screen.is_wrapped(Which::Shown, row - 1) {
            return text.chars().take(SAME).collect();
        }
        row -= 1;
        end = usize::MAX;
    }
}

fn width(character: char) -> usize {
    unicode_width::UnicodeWidthChar::width(character).unwrap_or(0)
}

/// Whether both end in the same characters, as far as both are known.
fn is_same_end(one: &str, two: &str) -> bool {
    one.chars().zip(two.chars()).all(|(one, two)| one == two) && one.is_empty() == two.is_empty()
}

fn palette(screen: &Screen) -> String {
    let mut sequences = String::new();
    for (index, colour) in screen.palette() {
        if let Colour::Rgb(r, g, b) = colour {
            let _ = write!(
                sequences,
                "\x1b]4;{index};rgb:{r:02x}/{g:02x}/{b:02x}\x1b\\"
            );
        }
    }
    sequences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(output: &[u8], size: usize) -> Recent {
        let mut recent = Recent::default();
        recent.restart((80, 24), b"\x1b[m");
        for chunk in output.chunks(size) {
            recent.push(chunk);
        }
        recent
    }

    #[test]
    fn the_last_bytes_are_kept() {
        let output: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for size in [1000, RECENT - 1, RECENT, RECENT + 1, output.len()] {
            let recent = recent(&output, size);
            let kept: Vec<u8> = recent.bytes.iter().copied().collect();
            assert_eq!(kept, output[output.len() - RECENT..], "{size}");
            assert!(recent.is_cut);
        }
        assert!(!recent(b"short", 2).is_cut);
    }

    #[test]
    fn ends_are_compared_as_far_as_both_are_known() {
        assert!(is_same_end("abc", "abcd"));
        assert!(is_same_end("", ""));
        assert!(!is_same_end("", "a"));
        assert!(!is_same_end("abx", "abcd"));
    }
}
