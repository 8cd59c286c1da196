//! Frames as bytes for a terminal: only the rows that changed, in one
//! synchronized update.

use std::fmt::Write as _;

use super::line::{Line, Span};
use crate::screen::Style;
use crate::view::page_of;

/// What a terminal is to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// One line for each row of the terminal.
    pub lines: Vec<Line>,
    /// Columns of the terminal.
    pub columns: usize,
    /// Column and row of the cursor; `None` hides it.
    pub cursor: Option<(usize, usize)>,
}

/// Knows what the terminal shows, and writes the difference.
#[derive(Debug, Default)]
pub struct Painter {
    shown: Option<Frame>,
}

/// Terminals that know synchronized updates show all between the two at once.
const START: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[?2026l";

impl Painter {
    /// Nothing is known of what the terminal shows: all of it is drawn next.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// Appends what makes the terminal show `frame`; nothing where it does.
    pub fn paint(&mut self, frame: Frame, out: &mut String) {
        let known = self.shown.take().filter(|shown| {
            shown.columns == frame.columns && shown.lines.len() == frame.lines.len()
        });
        if known.as_ref() != Some(&frame) {
            out.push_str(START);
            if known.is_none() {
                out.push_str("\x1b[0m\x1b[2J");
            }
            for (y, line) in frame.lines.iter().enumerate() {
                let is_same = match &known {
                    Some(known) => known.lines[y] == *line,
                    None => line.spans.is_empty(),
                };
                if !is_same {
                    write_line(y, line, frame.columns, out);
                }
            }
            if let Some((column, row)) = frame.cursor {
                let _ = write!(out, "\x1b[{};{}H\x1b[?25h", row + 1, column + 1);
            }
            out.push_str(END);
        }
        self.shown = Some(frame);
    }
}

fn write_line(y: usize, line: &Line, columns: usize, out: &mut String) {
    let _ = write!(out, "\x1b[{};1H", y + 1);
    let mut style = Style::default();
    let mut place = 0;
    for span in &line.spans {
        if place != span.column {
            change_style(&mut style, Style::default(), out);
            // Erased first: what is blank now may not have been.
            out.push_str("\x1b[K");
            let _ = write!(out, "\x1b[{}G", span.column + 1);
        }
        change_style(&mut style, span.style, out);
        write_span(span, out);
        place = span.column + span.width;
        if !span.is_certain && place < columns {
            let _ = write!(out, "\x1b[{}G", place + 1);
        }
    }
    change_style(&mut style, Style::default(), out);
    // In the last column the cursor may stand on the character just written.
    if place < columns {
        out.push_str("\x1b[K");
    }
}

fn write_span(span: &Span, out: &mut String) {
    let page = page_of(span.link.as_ref());
    if let (Some(page), Some(link)) = (page, &span.link) {
        let is_plain = !link
            .id
            .contains(|c: char| c.is_control() || matches!(c, ':' | ';'));
        let id = if is_plain && !link.id.is_empty() {
            format!("id={}", link.id)
        } else {
            String::new()
        };
        let _ = write!(out, "\x1b]8;{id};{page}\x1b\\");
    }
    // No screen has any; a terminal must not get one either.
    out.extend(
        span.text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c }),
    );
    if page.is_some() {
        out.push_str("\x1b]8;;\x1b\\");
    }
}

fn change_style(now: &mut Style, style: Style, out: &mut String) {
    if *now != style {
        *now = style;
        style.push_sgr(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(rows: &[&str], cursor: Option<(usize, usize)>) -> Frame {
        let line = |row: &&str| {
            let mut line = Line::default();
            line.append(row, Style::default(), 20);
            line
        };
        Frame {
            lines: rows.iter().map(line).collect(),
            columns: 20,
            cursor,
        }
    }

    #[test]
    fn rows_that_changed_are_written_at_once_and_no_others() {
        let mut painter = Painter::default();
        let mut painted = |frame| {
            let mut out = String::new();
            painter.paint(frame, &mut out);
            out
        };
        let first = painted(frame(&["one", "", "three"], None));
        assert!(first.starts_with(START) && first.ends_with(END));
        assert!(first.contains("\x1b[2J") && first.contains("one") && first.contains("three"));
        assert_eq!(painted(frame(&["one", "", "three"], None)), "");
        let second = painted(frame(&["one", "two", "three"], Some((1, 2))));
        assert_eq!(
            second,
            format!("{START}\x1b[2;1Htwo\x1b[K\x1b[3;2H\x1b[?25h{END}")
        );
        // Another size is all of it.
        let all = painted(frame(&["one", "two"], None));
        assert!(all.contains("\x1b[2J") && all.contains("one"));
    }
}
