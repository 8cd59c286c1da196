//! A screen as the output that shows it in a terminal that was just started: how a
//! cast opens whose start was cut off.

use std::fmt::Write as _;

use crate::screen::{Colour, Link, Mode, Run, Screen, Style, Which};

/// Modes that a terminal starts without, and their numbers.
const OFF: [(Mode, &str); 10] = [
    (Mode::Insert, "4"),
    (Mode::CursorKeys, "?1"),
    (Mode::MouseStandard, "?1000"),
    (Mode::MouseButton, "?1002"),
    (Mode::MouseAll, "?1003"),
    (Mode::MouseUtf8, "?1005"),
    (Mode::MouseSgr, "?1006"),
    (Mode::Focus, "?1004"),
    (Mode::Paste, "?2004"),
    // Last, since it moves the cursor.
    (Mode::Origin, "?6"),
];

/// Output that shows `screen` and leaves the terminal as that was: both screens,
/// cursor, modes, scroll region, tab stops, colours, title, and what ESC 7 has kept.
/// What scrolled off is not in it.
#[must_use]
pub fn paint(screen: &Screen) -> String {
    let mut out = String::new();
    if screen.is_alternate() {
        push_rows(screen, Which::Normal, &mut out);
        let (column, row) = screen.normal_cursor().unwrap_or((0, 0));
        let _ = write!(out, "\x1b[{};{}H\x1b[?1049h", row + 1, column + 1);
    }
    push_rows(screen, Which::Shown, &mut out);
    push_colours(screen, &mut out);
    if !screen.title().is_empty() {
        let _ = write!(out, "\x1b]2;{}\x1b\\", screen.title());
    }
    push_tabs(screen, &mut out);
    push_saved(screen, &mut out);
    let (columns, rows) = screen.size();
    let (top, bottom) = screen.region();
    if (top, bottom) != (0, usize::from(rows) - 1) {
        let _ = write!(out, "\x1b[{};{}r", top + 1, bottom + 1);
    }
    for (mode, number) in OFF {
        if screen.mode(mode) {
            let _ = write!(out, "\x1b[{number}h");
        }
    }
    if screen.mode(Mode::Keypad) {
        out.push_str("\x1b=");
    }
    let cursor = screen.cursor();
    let origin = if screen.mode(Mode::Origin) { top } else { 0 };
    let row = cursor.row.saturating_sub(origin) + 1;
    if cursor.wrap_pending {
        push_last_column(screen, cursor.row, row, usize::from(columns), &mut out);
    } else {
        let _ = write!(out, "\x1b[{row};{}H", cursor.column + 1);
    }
    if !screen.mode(Mode::Wrap) {
        out.push_str("\x1b[?7l");
    }
    if cursor.style != 0 {
        let _ = write!(out, "\x1b[{} q", cursor.style);
    }
    if !cursor.visible {
        out.push_str("\x1b[?25l");
    }
    push_pen(screen, &mut out);
    out
}

/// Each row where it is, those that a soft wrap joins without a move in between.
fn push_rows(screen: &Screen, which: Which, out: &mut String) {
    let columns = usize::from(screen.size().0);
    let mut is_joined = false;
    for row in (0..).take_while(|row| screen.has_row(which, *row)) {
        let runs = screen.runs(which, row);
        if !runs.is_empty() && !is_joined {
            let _ = write!(out, "\x1b[{};1H", row + 1);
        }
        let end = runs.last().map_or(0, |run| run.column + run.width);
        runs.iter().for_each(|run| push_run(run, out));
        if runs.iter().any(|run| run.style != Style::default()) {
            out.push_str("\x1b[m");
        }
        is_joined = screen.is_wrapped(which, row) && end + 1 >= columns;
    }
}

fn push_run(run: &Run<'_>, out: &mut String) {
    run.style.push_sgr(out);
    if let Some(link) = run.link {
        push_link(link, out);
    }
    out.push_str(&run.text);
    if run.link.is_some() {
        out.push_str("\x1b]8;;\x1b\\");
    }
}

/// As the program said it: it is for a terminal again.
pub(super) fn push_link(link: &Link, out: &mut String) {
    let id = if link.id.is_empty() { "" } else { "id=" };
    let _ = write!(out, "\x1b]8;{id}{};{}\x1b\\", link.id, link.uri);
}

/// Writes the last character of a full row again, after which the next one wraps.
fn push_last_column(screen: &Screen, y: usize, row: usize, columns: usize, out: &mut String) {
    let runs = screen.runs(Which::Shown, y);
    let last = runs.last();
    let pieces = last.map(super::pieces::pieces).unwrap_or_default();
    let (Some(run), Some(piece)) = (last, pieces.last()) else {
        let _ = write!(out, "\x1b[{row};{columns}H ");
        return;
    };
    let (text, width) = if piece.text.chars().count() == piece.width {
        (
            &piece.text[piece.text.char_indices().last().map_or(0, |(at, _)| at)..],
            1,
        )
    } else {
        (piece.text, piece.width)
    };
    let _ = write!(out, "\x1b[{row};{}H", columns + 1 - width);
    push_run(
        &Run {
            text: text.to_owned(),
            ..run.clone()
        },
        out,
    );
}

pub(super) fn push_colours(screen: &Screen, out: &mut String) {
    let text = |colour| match colour {
        Colour::Rgb(r, g, b) => Some(format!("rgb:{r:02x}/{g:02x}/{b:02x}")),
        _ => None,
    };
    for (index, colour) in screen.palette() {
        if let Some(colour) = text(*colour) {
            let _ = write!(out, "\x1b]4;{index};{colour}\x1b\\");
        }
    }
    for (place, colour) in screen.default_colours().into_iter().enumerate() {
        if let Some(colour) = colour.and_then(text) {
            let _ = write!(out, "\x1b]{};{colour}\x1b\\", 10 + place);
        }
    }
}

fn push_tabs(screen: &Screen, out: &mut String) {
    let columns = usize::from(screen.size().0);
    let usual = (8..columns).step_by(8);
    if screen.tab_stops().eq(usual) {
        return;
    }
    out.push_str("\x1b[3g");
    for column in screen.tab_stops() {
        let _ = write!(out, "\x1b[1;{}H\x1bH", column + 1);
    }
}

/// What ESC 8 brings back; leaves the pen that a terminal starts with.
fn push_saved(screen: &Screen, out: &mut String) {
    let Some(saved) = screen.saved_position() else {
        return;
    };
    if saved.origin {
        // The region is the whole screen so far.
        out.push_str("\x1b[?6h");
    }
    let (row, column) = (saved.row + 1, saved.column + 1);
    let _ = write!(out, "\x1b[{row};{column}H{}\x1b7\x1b[?6l", saved.pen);
    out.push_str("\x1b[m\x1b]8;;\x1b\\\x1b(B\x1b)B\x0f");
}

/// What the next character is written with.
fn push_pen(screen: &Screen, out: &mut String) {
    let (style, link) = screen.pen_style();
    style.push_sgr(out);
    if let Some(link) = link {
        push_link(link, out);
    }
    let (drawing, is_shifted) = screen.charsets();
    for (set, is_drawing) in ["(", ")"].into_iter().zip(drawing) {
        if is_drawing {
            let _ = write!(out, "\x1b{set}0");
        }
    }
    if is_shifted {
        out.push('\x0e');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Rules;

    fn seen(screen: &Screen, which: Which) -> Vec<String> {
        let rows = (0..).take_while(|row| screen.has_row(which, *row));
        rows.map(|row| {
            let wrapped = screen.is_wrapped(which, row);
            format!("{wrapped} {:?}", screen.runs(which, row))
        })
        .collect()
    }

    #[test]
    fn what_follows_shows_the_same() {
        let rest = "more\x1b[K text\r\n\tx\x1b[5;5Hqqq\n\n\n\x1b[?1049lback";
        for before in [
            "plain\r\ntext",
            "\x1b[31;44mred\x1b[Kwith",
            "0123456789abcdefghijABCDE\r\nsoft wraps",
            "0123456789abcdefghij",
            "\x1b[3;3Hwide at the edge: 漢字漢字漢字",
            "\x1b[10;19H漢",
            "normal\x1b[5;7H\x1b[?1049h\x1b[2Jalternate\x1b[2;4r\x1b[?6h\x1b[2;2H",
            "\x1b[3g\x1b[1;5H\x1bH\x1b[1;1H\x1b[?25l\x1b[4h\x1b[?7l\x1b[4 q",
            "\x1b(0lqqk\x0e\x1b)0x",
            "\x1b]8;id=a;https://example.org\x1b\\link",
            "\x1b]2;a title\x1b\\\x1b]4;3;rgb:01/02/03\x1b\\\x1b]11;rgb:10/20/30\x1b\\",
        ] {
            for rules in [Rules::TMUX_3_3, Rules::OTHER] {
                let mut screen = Screen::new(20, 10, rules);
                screen.feed(before.as_bytes());
                let mut painted = Screen::new(20, 10, rules);
                painted.feed(paint(&screen).as_bytes());
                for _ in 0..2 {
                    for which in [Which::Shown, Which::Normal] {
                        let (one, other) = (seen(&painted, which), seen(&screen, which));
                        assert_eq!(one, other, "{before:?}");
                    }
                    assert_eq!(painted.cursor(), screen.cursor(), "{before:?}");
                    assert_eq!(painted.title(), screen.title());
                    assert_eq!(painted.region(), screen.region());
                    assert_eq!(painted.default_colours(), screen.default_colours());
                    assert_eq!(painted.palette(), screen.palette());
                    painted.feed(rest.as_bytes());
                    screen.feed(rest.as_bytes());
                }
            }
        }
    }

    #[test]
    fn what_was_kept_is_brought_back() {
        for before in [
            "\x1b[4;7H\x1b[1;35m\x1b(0\x1b7\x1b[m\x1b(B\x1b[2;2Hsaved",
            "\x1b[3;8r\x1b[?6h\x1b[2;5H\x1b7\x1b[?6l\x1b[1;1Horigin",
            "nothing",
        ] {
            for rules in [Rules::TMUX_3_3, Rules::OTHER] {
                let mut screen = Screen::new(20, 10, rules);
                screen.feed(before.as_bytes());
                let mut painted = Screen::new(20, 10, rules);
                painted.feed(paint(&screen).as_bytes());
                for screen in [&mut painted, &mut screen] {
                    screen.feed(b"\x1b8back\r\nx");
                }
                let rows = |screen| seen(screen, Which::Shown);
                assert_eq!(rows(&painted), rows(&screen), "{before:?}");
                assert_eq!(painted.cursor(), screen.cursor(), "{before:?}");
            }
        }
    }
}
