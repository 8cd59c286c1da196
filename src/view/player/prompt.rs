//! A line that is typed at the bottom.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::view::frame::{Typed, type_key};

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The time to go to.
    Time,
    /// What to search; whether forwards.
    Search(bool),
}

/// The line so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub question: Question,
    pub text: String,
    /// What is searched for is a regular expression.
    pub is_regex: bool,
}

impl Prompt {
    #[must_use]
    pub fn new(question: Question, is_regex: bool) -> Prompt {
        Prompt {
            question,
            text: String::new(),
            is_regex,
        }
    }

    pub fn key(&mut self, key: KeyEvent) -> Typed {
        if key.code == KeyCode::Char('r') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.is_regex = !self.is_regex;
            return Typed::More;
        }
        type_key(&mut self.text, key)
    }

    /// The line as it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        let question = match (self.question, self.is_regex) {
            (Question::Time, _) => "go to",
            (Question::Search(true), false) => "/ text",
            (Question::Search(true), true) => "/ regex",
            (Question::Search(false), false) => "? text",
            (Question::Search(false), true) => "? regex",
        };
        format!("{question}: {}", self.text)
    }

    /// What else there is to know while it is empty.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.question {
            _ if !self.text.is_empty() => "",
            Question::Time => "90, 1:23:45, 1h2m, 50%, -10s, 14:05, a marker",
            Question::Search(_) if self.is_regex => "Ctrl-R: plain text",
            Question::Search(_) => "Ctrl-R: regular expression",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::frame::paste;

    fn typed(keys: &str) -> Prompt {
        let mut prompt = Prompt::new(Question::Search(true), false);
        for c in keys.chars() {
            let control = ('\x01'..='\x1a').contains(&c);
            let key = if control {
                let c = char::from(c as u8 + b'`');
                KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
            } else {
                KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
            };
            assert_eq!(prompt.key(key), Typed::More);
        }
        prompt
    }

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        assert_eq!(typed("one two\x17three").text, "one three");
        assert_eq!(typed("one\x15two").text, "two");
        assert_eq!(typed("中文\x08").text, "中");
        assert_eq!(typed("a\x12").shown(), "/ regex: a");
        let mut prompt = typed("a");
        paste(&mut prompt.text, "b\x1bc\nd");
        assert_eq!(prompt.text, "abc");
    }

    #[test]
    fn a_line_ends_with_enter_and_is_left_with_escape() {
        let end = |code| typed("a").key(KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(end(KeyCode::Enter), Typed::Done);
        assert_eq!(end(KeyCode::Esc), Typed::Cancelled);
        assert_eq!(typed("").key(KeyCode::Backspace.into()), Typed::Cancelled);
    }
}
