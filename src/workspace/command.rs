//! tmux commands whose targets are not known yet.

use std::ffi::OsString;

/// A part of a command: a text, or a target that is named when the command is
/// run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Passed as it is.
    Text(String),
    /// The session.
    Session,
    /// The window with an index.
    Window(u32),
    /// A window of the plan and one of its panes, by position.
    Pane(usize, usize),
}

/// A tmux command with its arguments.
pub type Command = Vec<Word>;

/// Builds a [`Command`] of texts and words.
macro_rules! command {
    ($($word:expr),* $(,)?) => { vec![$(Word::from($word)),*] };
}

impl From<&str> for Word {
    fn from(text: &str) -> Word {
        Word::Text(text.to_owned())
    }
}

impl From<String> for Word {
    fn from(text: String) -> Word {
        Word::Text(text)
    }
}

pub(super) use command;

/// Turns commands into arguments: how targets are named is the caller's.
pub fn render(command: &[Word], name: &dyn Fn(&Word) -> String) -> Vec<OsString> {
    command
        .iter()
        .map(|word| match word {
            Word::Text(text) => OsString::from(text),
            target => OsString::from(name(target)),
        })
        .collect()
}
