//! A screen for terminals, and as plain text.

use std::fmt::Write as _;

use super::page_of;
use crate::screen::{Screen, Style, Which};

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
                run.style.push_sgr(&mut out);
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
