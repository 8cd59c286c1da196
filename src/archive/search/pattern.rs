//! What is looked for.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::Spot;
use crate::archive::index::Wanted;

/// How a pattern is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternOptions {
    /// It is a regular expression, of the regex crate; else a text.
    pub is_regex: bool,
    /// It must be a word of its own, or several.
    pub is_word: bool,
}

/// Why a pattern cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    #[error("an empty pattern stands in every line")]
    Empty,
    #[error(transparent)]
    Regex(#[from] regex::Error),
    #[error(transparent)]
    Syntax(#[from] Box<regex_syntax::Error>),
}

/// What is looked for. Without a capital letter in it, capitals do not count.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    wanted: Wanted,
    /// It asks for the start or the end of the text, so that each line is looked at
    /// by itself.
    by_line: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is empty, or no regular expression.
    pub fn new(text: &str, options: PatternOptions) -> Result<Pattern, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        let mut source = match options.is_regex {
            true => text.to_owned(),
            false => regex::escape(text),
        };
        // Without the case: letters are told apart by the regex alone.
        let hir = regex_syntax::ParserBuilder::new()
            .multi_line(true)
            .build()
            .parse(&source)
            .map_err(Box::new)?;
        let wanted = match options.is_regex {
            true => wanted(&hir),
            false => Wanted::literal(text.as_bytes()),
        };
        if options.is_word {
            source = format!(r"\b{{start-half}}(?:{source})\b{{end-half}}");
        }
        let looks = hir.properties().look_set();
        let is_capital = match options.is_regex {
            true => has_capital(text),
            false => text.chars().any(char::is_uppercase),
        };
        let regex = RegexBuilder::new(&source)
            .multi_line(true)
            .case_insensitive(!is_capital)
            .build()?;
        Ok(Pattern {
            regex,
            wanted,
            by_line: looks.contains(Look::Start) || looks.contains(Look::End),
        })
    }

    /// What a text must have so that it can have this.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Where it stands in a line.
    #[must_use]
    pub fn find_in_line(&self, line: &[u8]) -> Vec<Range<usize>> {
        let found = self.regex.find_iter(line).map(|found| found.range());
        found.filter(|found| !found.is_empty()).collect()
    }

    /// The lines of a text that it stands in. Each line ends with a newline.
    pub(super) fn find_in(&self, text: &[u8]) -> Vec<Spot> {
        let mut spots = Vec::new();
        let (mut at, mut number, mut counted) = (0, 0, 0);
        while at < text.len() {
            let start = match self.by_line {
                true => at,
                false => match self.regex.find_at(text, at) {
                    Some(found) => found.start(),
                    None => break,
                },
            };
            let before = memchr::memrchr(b'\n', &text[..start]);
            let start = before.map_or(0, |newline| newline + 1).max(at);
            let end = memchr::memchr(b'\n', &text[start..]);
            let end = end.map_or(text.len(), |length| start + length);
            // It may have begun in this line and ended in the next.
            let found = self.find_in_line(&text[start..end]);
            if !found.is_empty() {
                number += memchr::memchr_iter(b'\n', &text[counted..start]).count();
                counted = start;
                spots.push(Spot {
                    number,
                    line: start..end,
                    found,
                });
            }
            at = end + 1;
        }
        spots
    }
}

/// Whether a regular expression has a capital letter that stands for itself.
fn has_capital(text: &str) -> bool {
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match c {
            // `\S` and the like; of `\pL` and `\x4A` the rest is no letter either.
            '\\' => {
                if let Some('p' | 'P' | 'x' | 'u' | 'U') = letters.next() {
                    letters.next();
                }
            }
            c if c.is_uppercase() => return true,
            _ => {}
        }
    }
    false
}

/// What a text must have so that the expression can match in it.
fn wanted(hir: &Hir) -> Wanted {
    match hir.kind() {
        HirKind::Literal(literal) => Wanted::literal(&literal.0),
        HirKind::Capture(capture) => wanted(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => wanted(&repetition.sub),
        HirKind::Concat(parts) => Wanted::all(parts.iter().map(wanted)),
        HirKind::Alternation(parts) => Wanted::any(parts.iter().map(wanted)),
        _ => Wanted::Anything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGEX: PatternOptions = PatternOptions {
        is_regex: true,
        is_word: false,
    };

    fn numbers(pattern: &str, options: PatternOptions, text: &str) -> Vec<usize> {
        let pattern = Pattern::new(pattern, options).unwrap();
        let spots = pattern.find_in(text.as_bytes());
        spots.into_iter().map(|spot| spot.number).collect()
    }

    #[test]
    fn lines_are_found_by_number() {
        let text = "one\nTwo two\nthree\n\nfür 漢字\n";
        let find = |pattern: &str| numbers(pattern, PatternOptions::default(), text);
        assert_eq!(find("two"), [1]);
        assert_eq!(find("TWO"), [0; 0], "a capital counts");
        assert_eq!(find("e"), [0, 2]);
        assert_eq!(find("漢"), [4]);
        assert_eq!(find("FÜR"), [0; 0]);
        assert_eq!(find("ür"), [4]);
        assert_eq!(find("."), [0; 0], "no expression");
        let regex = |pattern: &str| numbers(pattern, REGEX, text);
        assert_eq!(regex("^t"), [1, 2]);
        assert_eq!(regex("e$"), [0, 2]);
        assert_eq!(regex(r"\At"), [1, 2], "a line is a text");
        assert_eq!(regex(r"e\s+T"), [0; 0], "in one line");
        assert_eq!(regex(r"[^x]+e\z"), [0, 2]);
        assert_eq!(regex("x*"), [0; 0], "nothing is found by nothing");
        assert_eq!(regex(r"\bT\w+"), [1]);
        let word = PatternOptions {
            is_word: true,
            ..PatternOptions::default()
        };
        assert_eq!(numbers("tw", word, text), [0; 0]);
        assert_eq!(numbers("two", word, text), [1]);
        assert!(Pattern::new("(", REGEX).is_err());
        assert!(Pattern::new("", REGEX).is_err());
    }

    #[test]
    fn what_a_match_needs_is_known() {
        let wanted = |pattern: &str| Pattern::new(pattern, REGEX).unwrap().wanted().clone();
        let literal = |text: &str| Wanted::literal(text.as_bytes());
        assert_eq!(wanted("foobar"), literal("foobar"));
        assert_eq!(wanted(r"\d+foo\w*"), literal("foo"));
        assert_eq!(
            wanted("(foo|bar)+"),
            Wanted::any([literal("foo"), literal("bar")])
        );
        assert_eq!(wanted("(foo|ba)"), Wanted::Anything);
        assert_eq!(wanted("(foo)?"), Wanted::Anything);
        assert_eq!(wanted(r"\w{5}"), Wanted::Anything);
    }
}
