//! Settings that are patterns of command lines.

use globset::{GlobBuilder, GlobMatcher};

use super::schema::{Setting, Value};

/// Patterns, of which one must fit a whole text: `*` stands for any text, `?` for one
/// character. In a variable they are separated by `|`.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<(String, GlobMatcher)>);

impl Patterns {
    fn new(texts: impl IntoIterator<Item = String>) -> Option<Patterns> {
        let pattern = |text: String| {
            // A command holds folders: `/` is a character as any other.
            let glob = GlobBuilder::new(&text).literal_separator(false).build();
            let is_text = !text.is_empty() && !text.contains('|');
            Some((text, glob.ok().filter(|_| is_text)?.compile_matcher()))
        };
        let all: Option<Vec<_>> = texts.into_iter().map(pattern).collect();
        all.map(Patterns)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first pattern that fits, as it was written.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&str> {
        let mut all = self.0.iter();
        let fitting = all.find(|(_, glob)| glob.is_match(text));
        fitting.map(|(pattern, _)| pattern.as_str())
    }

    fn texts(&self) -> Vec<String> {
        self.0.iter().map(|(text, _)| text.clone()).collect()
    }
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Patterns) -> bool {
        self.texts() == other.texts()
    }
}

impl Eq for Patterns {}

impl Setting for Patterns {
    fn expected() -> String {
        "an array of patterns, such as [\"pass *\", \"gpg*\"]".into()
    }

    fn from_value(value: Value) -> Option<Patterns> {
        match value {
            Value::List(texts) => Patterns::new(texts),
            Value::Text(_) | Value::Flag(_) | Value::Number(_) => None,
        }
    }

    fn from_text(text: &str) -> Option<Patterns> {
        let texts = text.split('|').filter(|text| !text.is_empty());
        Patterns::new(texts.map(str::to_owned))
    }

    fn to_value(&self) -> Value {
        Value::List(self.texts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_a_whole_command() {
        let patterns = Patterns::from_text("pass *|sudo -S*|gpg*").unwrap();
        for (command, pattern) in [
            ("pass show bank/x", Some("pass *")),
            ("pass", None),
            ("passwd", None),
            ("sudo -S id", Some("sudo -S*")),
            ("gpg", Some("gpg*")),
            ("gpg2 --decrypt /a/b", Some("gpg*")),
            ("vim gpg", None),
        ] {
            assert_eq!(patterns.find(command), pattern, "{command}");
        }
        assert_eq!(
            Patterns::from_text(&patterns.to_value().to_text()),
            Some(patterns)
        );
        let list = |texts: &[&str]| Value::List(texts.iter().map(|&text| text.into()).collect());
        assert_eq!(Patterns::from_value(list(&["[a"])), None);
        assert_eq!(Patterns::from_value(list(&[""])), None);
        assert!(Patterns::from_value(list(&[])).unwrap().is_empty());
        assert!(Patterns::from_text("").unwrap().is_empty());
    }
}
