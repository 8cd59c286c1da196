//! The keys, in place of the screen.

use crate::screen::{Attributes, Colour, Style};
use crate::view::frame::{Line, ink};

/// Keys and what they do. An empty key is a heading.
const KEYS: &[(&str, &str)] = &[
    ("", "Play"),
    ("Space", "pause, go on; at the end, start again"),
    ("+  -", "faster, slower; = as recorded"),
    ("i", "fold idle time, or not"),
    ("l", "loop, or not"),
    ("q", "quit"),
    ("", "Move"),
    ("← →", "5 seconds back, on; with Shift 60"),
    ("0 … 9", "to a tenth of the whole"),
    (", .", "to the frame before, after"),
    ("Home End", "to the start; to the end, and follow it"),
    ("g", "to a time: 90, 1:23:45, 50%, -10s, 14:05, a marker"),
    ("[ ]", "to the marker before, after"),
    ("{ }", "to the command before, after"),
    ("F f", "to the failed command before, after"),
    ("/ ?", "search on, back, in all that was ever shown"),
    ("n N", "the next find, the other way"),
    ("", "See"),
    ("↑ ↓", "move over a screen larger than this one;"),
    ("", "  Alt or Ctrl with ← → ↑ ↓, or the wheel, too"),
    ("c", "keep to the cursor again"),
    ("b", "this line at the bottom, or not"),
    ("y", "copy the screen's text"),
    ("h", "this help, or not"),
    ("", "Mouse: click or drag on the line at the bottom."),
];

/// Columns for the keys.
const INDENT: usize = 11;

/// Rows of the whole help.
pub const ROWS: usize = KEYS.len();

/// The help from line `top` on, for a place of `columns` × `rows`.
#[must_use]
pub fn draw(top: usize, columns: usize, rows: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = KEYS
        .iter()
        .skip(top)
        .take(rows)
        .map(|key| row(key, columns))
        .collect();
    lines.resize(rows, Line::default());
    lines
}

fn row((key, what): &(&str, &str), columns: usize) -> Line {
    let mut line = Line::default();
    let bold = ink(Colour::Basic(6), Attributes::BOLD);
    if key.is_empty() {
        line.append(what, ink(Colour::Default, Attributes::BOLD), columns);
        return line;
    }
    let end = line.append(&format!("  {key}"), bold, columns);
    let pad = " ".repeat(INDENT.saturating_sub(end));
    line.append(&pad, Style::default(), columns);
    line.append(what, Style::default(), columns);
    line
}
