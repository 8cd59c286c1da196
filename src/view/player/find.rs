//! What a search looks for, and where a screen shows it.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::screen::{Screen, ScrolledLine, Which};

/// Bytes that a compiled expression may take.
const LARGEST: usize = 1 << 20;

/// A text or a regular expression, in either case unless it has a capital letter.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// As it was typed.
    pub text: String,
}

impl Pattern {
    /// # Errors
    /// What is wrong with the expression, in one line.
    pub fn new(text: &str, is_regex: bool) -> Result<Pattern, String> {
        let source = if is_regex {
            text.to_owned()
        } else {
            regex::escape(text)
        };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(!text.chars().any(char::is_uppercase))
            .size_limit(LARGEST)
            .build()
            .map_err(|error| {
                let message = error.to_string();
                message.lines().last().unwrap_or_default().trim().to_owned()
            })?;
        Ok(Pattern {
            regex,
            text: text.to_owned(),
        })
    }

    fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// The rows from `first` on that are one line to a reader: soft wraps join them.
fn line_from(screen: &Screen, first: usize) -> Range<usize> {
    let height = usize::from(screen.size().1);
    let mut end = first + 1;
    while end < height && screen.is_wrapped(Which::Shown, end - 1) {
        end += 1;
    }
    first..end
}

fn push_text(screen: &Screen, rows: Range<usize>, text: &mut String) {
    for row in rows {
        screen.each_character(Which::Shown, row, |character| text.push_str(character.text));
    }
    text.truncate(text.trim_end_matches(' ').len());
}

/// The lines of a screen that have what is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The first row, and the whole text.
    lines: Vec<(usize, String)>,
}

impl Matches {
    #[must_use]
    pub fn of(screen: &Screen, pattern: &Pattern) -> Matches {
        let all: Vec<usize> = (0..usize::from(screen.size().1)).collect();
        Matches::default().changed(screen, &all, pattern)
    }

    /// Those of `screen` after the rows `changed`, in order, have changed.
    #[must_use]
    pub fn changed(&self, screen: &Screen, changed: &[usize], pattern: &Pattern) -> Matches {
        let mut lines = Vec::new();
        let mut text = String::new();
        let mut known = self.lines.iter().peekable();
        let mut changed = changed.iter().copied().peekable();
        let mut row = 0;
        while row < usize::from(screen.size().1) {
            let rows = line_from(screen, row);
            let mut is_changed = false;
            while changed.next_if(|changed| *changed < rows.end).is_some() {
                is_changed = true;
            }
            while let Some(line) = known.next_if(|(start, _)| *start < rows.end) {
                if !is_changed && line.0 == row {
                    lines.push(line.clone());
                }
            }
            if is_changed {
                text.clear();
                push_text(screen, rows.clone(), &mut text);
                if pattern.is_in(&text) {
                    lines.push((row, text.clone()));
                }
            }
            row = rows.end;
        }
        Matches { lines }
    }

    /// Whether a line appeared that was not there `before`: neither the same one
    /// elsewhere nor one that was only drawn again. `gone`: lines that left the
    /// screen meanwhile.
    #[must_use]
    pub fn has_new(&self, before: &Matches, gone: &[ScrolledLine], pattern: &Pattern) -> bool {
        let count = |lines: &[(usize, String)], text: &str| {
            lines.iter().filter(|(_, known)| known == text).count()
        };
        let gone_count = |text: &str| gone.iter().filter(|line| line.text == text).count();
        let is_redrawn = |row: usize| {
            before.lines.iter().any(|(start, text)| {
                *start == row && count(&self.lines, text) + gone_count(text) == 0
            })
        };
        let is_new =
            |text: &str| count(&self.lines, text) + gone_count(text) > count(&before.lines, text);
        self.lines
            .iter()
            .any(|(row, text)| is_new(text) && !is_redrawn(*row))
            || gone
                .iter()
                .any(|line| pattern.is_in(&line.text) && is_new(&line.text))
    }
}

/// Where on the screen a match is: rows with their columns.
#[must_use]
pub fn places(screen: &Screen, pattern: &Pattern) -> Vec<(usize, Range<usize>)> {
    let mut places: Vec<(usize, Range<usize>)> = Vec::new();
    let mut row = 0;
    while row < usize::from(screen.size().1) {
        let rows = line_from(screen, row);
        let mut text = String::new();
        let mut characters = Vec::new();
        for y in rows.clone() {
            screen.each_character(Which::Shown, y, |character| {
                let end = character.column + character.width;
                characters.push((text.len(), y, character.column..end));
                text.push_str(character.text);
            });
        }
        let text = text.trim_end_matches(' ');
        for found in pattern
            .regex
            .find_iter(text)
            .filter(|found| !found.is_empty())
        {
            let start = characters.partition_point(|(at, ..)| *at < found.start());
            for (at, y, columns) in &characters[start..] {
                if *at >= found.end() {
                    break;
                }
                match places.last_mut() {
                    Some((row, last)) if *row == *y && last.end == columns.start => {
                        last.end = columns.end;
                    }
                    _ => places.push((*y, columns.clone())),
                }
            }
        }
        row = rows.end;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Rules;

    /// After each text, whether something new has appeared.
    fn new_after(texts: &[&str], pattern: &Pattern) -> Vec<bool> {
        let mut screen = Screen::new(20, 5, Rules::OTHER);
        screen.take_changed();
        let mut before = Matches::of(&screen, pattern);
        texts
            .iter()
            .map(|text| {
                screen.feed(text.as_bytes());
                let changed = screen.take_changed();
                let gone = screen.take_scrolled();
                let after = before.changed(&screen, &changed, pattern);
                assert_eq!(after, Matches::of(&screen, pattern));
                let is_new = after.has_new(&before, &gone, pattern);
                before = after;
                is_new
            })
            .collect()
    }

    #[test]
    fn a_find_is_what_appears() {
        let pattern = Pattern::new("err", false).unwrap();
        let found = new_after(
            &[
                "fine\r\n",
                "error 1\r\n",
                "fine\r\n",
                // A second one, and the same once more.
                "error 2\r\n",
                "error 2\r\n",
                // Lines move up, and off.
                "\r\n\r\n",
                "\r\n\r\n\r\n\r\n",
                // One that is written over.
                "\x1b[2;1Herr 10%",
                "\x1b[2;1Herr 11%",
                "\x1b[2J",
                "\x1b[2;1Herr 11%",
                // What never stayed on the screen.
                "\x1b[5;1HERROR\r\n\n\n\n\n\n",
            ],
            &pattern,
        );
        let expected = [
            false, true, false, true, true, false, false, true, false, false, true, true,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn wrapped_lines_are_one() {
        let pattern = Pattern::new("wx", false).unwrap();
        assert_eq!(
            new_after(&["abcdefghijklmnopqrstuvw", "\x1b[2;1H"], &pattern),
            [false; 2]
        );
        let mut screen = Screen::new(20, 5, Rules::OTHER);
        screen.feed("\x1b[3;1Habcdefghijklmnopqrs\u{4e2d}wxyz".as_bytes());
        let pattern = Pattern::new("s\u{4e2d}wx", false).unwrap();
        assert!(
            Matches::of(&screen, &pattern).lines.len() == 1 || places(&screen, &pattern).is_empty()
        );
        let pattern = Pattern::new("s", false).unwrap();
        assert_eq!(places(&screen, &pattern), [(2, 18..19)]);
        let pattern = Pattern::new("\u{4e2d}w", false).unwrap();
        assert_eq!(places(&screen, &pattern), [(3, 0..3)]);
    }

    #[test]
    fn case_counts_where_a_capital_says_so_and_expressions_are_checked() {
        let is_in =
            |pattern, is_regex, text: &str| Pattern::new(pattern, is_regex).unwrap().is_in(text);
        assert!(is_in("error", false, "An ERROR"));
        assert!(!is_in("Error", false, "An ERROR"));
        assert!(is_in("a.c", true, "abc") && !is_in("a.c", false, "abc"));
        assert!(Pattern::new("a(", true).unwrap_err().contains("unclosed"));
    }
}
