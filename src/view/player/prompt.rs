//! A line that is typed at the bottom.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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

/// What a key did to a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    More,
    Done,
    Cancelled,
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
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Typed::Done,
            KeyCode::Esc => return Typed::Cancelled,
            KeyCode::Char('c' | 'd' | 'g') if has_control => return Typed::Cancelled,
            KeyCode::Char('j' | 'm') if has_control => return Typed::Done,
            KeyCode::Char('r') if has_control => self.is_regex = !self.is_regex,
            KeyCode::Char('u') if has_control => self.text.clear(),
            KeyCode::Char('w') if has_control => {
                let kept = self.text.trim_end();
                let end = kept.rfind(' ').map_or(0, |space| space + 1);
                self.text.truncate(end);
            }
            KeyCode::Char('h') if has_control => drop(self.text.pop()),
            // An empty line is left as others leave one.
            KeyCode::Backspace if self.text.is_empty() => return Typed::Cancelled,
            KeyCode::Backspace => drop(self.text.pop()),
            KeyCode::Char(c) if !has_control => self.text.push(c),
            _ => {}
        }
        Typed::More
    }

    /// Takes pasted text, up to the end of its first line.
    pub fn paste(&mut self, text: &str) {
        let line = text.split(['\n', '\r']).next().unwrap_or_default();
        self.text.extend(line.chars().filter(|c| !c.is_control()));
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
        prompt.paste("b\x1bc\nd");
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
