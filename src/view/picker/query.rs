//! What was typed, and which texts fit it.

use std::cmp::Reverse;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// Words that a text must have, their letters in their order; of one in capitals in the
/// same case. `'word` stands in it as it is, `!word` does not, `^word` at its start,
/// `word$` at its end.
pub(super) struct Query {
    pattern: Pattern,
    matcher: Matcher,
    /// Room for the characters of a text that is not ASCII.
    characters: Vec<char>,
}

impl Query {
    pub fn new(typed: &str) -> Query {
        Query {
            pattern: Pattern::parse(typed, CaseMatching::Smart, Normalization::Smart),
            matcher: Matcher::new(Config::DEFAULT),
            characters: Vec::new(),
        }
    }

    /// The places of those texts that fit, the best first, and of those that fit alike
    /// the first.
    pub fn fitting<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let mut fitting = Vec::new();
        for (at, text) in texts.enumerate() {
            let text = Utf32Str::new(text, &mut self.characters);
            if let Some(score) = self.pattern.score(text, &mut self.matcher) {
                fitting.push((Reverse(score), at));
            }
        }
        fitting.sort_unstable();
        fitting.into_iter().map(|(_, at)| at).collect()
    }

    /// Which characters of a text were found, as their places.
    pub fn found_in(&mut self, text: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let text = Utf32Str::new(text, &mut self.characters);
        self.pattern.indices(text, &mut self.matcher, &mut found);
        found
    }
}
