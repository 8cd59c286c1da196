//! A screen for terminals, and as plain text.

use std::fmt::Write as _;

use super::page_of;
use crate::screen::{Attributes, Colour, Screen, Style, Which};

/// Attributes and the parameter of SGR that sets each.
const SET: [(Attributes, &str); 12] = [
    (Attributes::BOLD, "1"),
    (Attributes::DIM, "2"),
    (Attributes::ITALIC, "3"),
    (Attributes::UNDERLINE, "4"),
    (Attributes::DOUBLE_UNDERLINE, "4:2"),
    (Attributes::CURLY_UNDERLINE, "4:3"),
    (Attributes::DOTTED_UNDERLINE, "4:4"),
    (Attributes::DASHED_UNDERLINE, "4:5"),
    (Attributes::BLINK, "5"),
    (Attributes::REVERSE, "7"),
    (Attributes::HIDDEN, "8"),
    (Attributes::STRIKE, "9"),
];

/// The text of a screen: a line for each row, blanks at its end left out. Rows that
/// a soft wrap joins are one line. Empty lines at the end are left out.
#[must_use]
pub fn text(screen: &Screen) -> String {
    let mut text = String::new();
    for row in 0..usize::from(screen.size().1) {
        text.push_str(&screen.text(Which::Shown, row));
        if !screen.is_wrapped(Which::Shown, row) {
            text.push('\n');
        }
    }
    trim_lines(&mut text);
    text
}

/// The screen as lines with colours (SGR) and links (OSC 8), one for each row, as
/// `cat` shows it in a terminal that is wide enough.
#[must_use]
pub fn ansi(screen: &Screen) -> String {
    let mut out = String::new();
    for row in 0..usize::from(screen.size().1) {
        let mut last = Style::default();
        for run in screen.runs(Which::Shown, row) {
            if run.style != last {
                push_style(&run.style, &mut out);
                last = run.style;
            }
            match page_of(run.link) {
                Some(page) => {
                    let _ = write!(out, "\x1b]8;;{page}\x1b\\{}\x1b]8;;\x1b\\", run.text);
                }
                None => out.push_str(&run.text),
            }
        }
        if last != Style::default() {
            out.push_str("\x1b[m");
        }
        out.push('\n');
    }
    trim_lines(&mut out);
    out
}

fn trim_lines(text: &mut String) {
    let length = text.trim_end_matches('\n').len();
    text.truncate(length);
    if length > 0 {
        text.push('\n');
    }
}

/// Appends the sequence after which text has this style, whatever it had before.
pub fn push_style(style: &Style, out: &mut String) {
    out.push_str("\x1b[0");
    for (attribute, parameter) in SET {
        if style.attributes.contains(attribute) {
            out.push(';');
            out.push_str(parameter);
        }
    }
    if style.attributes.contains(Attributes::OVERLINE) {
        out.push_str(";53");
    }
    push_colour(style.fg, 30, out);
    push_colour(style.bg, 40, out);
    match style.underline {
        Colour::Default => {}
        Colour::Basic(n) | Colour::Indexed(n) => {
            let _ = write!(out, ";58:5:{n}");
        }
        Colour::Rgb(r, g, b) => {
            let _ = write!(out, ";58:2::{r}:{g}:{b}");
        }
    }
    out.push('m');
}

/// `base`: 30 for the text, 40 for what is behind it.
fn push_colour(colour: Colour, base: u16, out: &mut String) {
    let _ = match colour {
        Colour::Default => Ok(()),
        Colour::Basic(n @ 0..=7) => write!(out, ";{}", base + u16::from(n)),
        Colour::Basic(n) => write!(out, ";{}", base + 52 + u16::from(n)),
        Colour::Indexed(n) => write!(out, ";{};5;{n}", base + 8),
        Colour::Rgb(r, g, b) => write!(out, ";{};2;{r};{g};{b}", base + 8),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Rules;

    /// What is printed shows the same screen in a terminal.
    #[test]
    fn a_printed_screen_is_the_same_screen() {
        let mut screen = Screen::new(40, 8, Rules::TMUX_3_3);
        screen.feed(
            "\x1b[1;31mred\x1b[m \x1b[38;5;200;48;2;1;2;3mmany\x1b[0m \x1b[4:3;58:2::9:8:7mcurly\
             \x1b[m\r\n\x1b[94;103mbright\x1b[K\x1b[m\r\n漢字 e\u{301} \x1b[7mreverse\x1b[27m\
             \x1b[53m over\x1b[m\r\n\x1b]8;;https://example.org/\x1b\\link\x1b]8;;\x1b\\ \
             \x1b]8;;file:///etc/passwd\x1b\\none\x1b]8;;\x1b\\"
                .as_bytes(),
        );
        let printed = ansi(&screen);
        assert!(printed.contains("https://example.org/") && !printed.contains("passwd"));
        let mut again = Screen::new(40, 8, Rules::TMUX_3_3);
        again.feed(printed.replace('\n', "\r\n").as_bytes());
        for row in 0..8 {
            // A link that is left out does not part what has one style.
            let seen = |screen: &Screen| -> Vec<_> {
                let runs = screen.runs(Which::Shown, row);
                let styled = |run: &crate::screen::Run<'_>| {
                    let style = run.style;
                    let characters: Vec<char> = run.text.chars().collect();
                    characters.into_iter().map(move |c| (c, style))
                };
                runs.iter().flat_map(styled).collect()
            };
            assert_eq!(seen(&again), seen(&screen), "row {row}: {printed:?}");
        }
    }

    #[test]
    fn soft_wraps_are_joined_and_blank_ends_left_out() {
        let mut screen = Screen::new(5, 6, Rules::TMUX_3_3);
        screen.feed(b"1234567\r\n\r\nend  \r\n");
        assert_eq!(text(&screen), "1234567\n\nend\n");
        assert_eq!(text(&Screen::new(5, 2, Rules::TMUX_3_3)), "");
    }
}
