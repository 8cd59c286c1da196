//! tmux commands whose targets are not known yet.

use std::ffi::OsString;

/// A part of a command: a text, or a target that is named when the command is
/// run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Passed as it is.
    Text(String),
    /// A folder, passed as it is; its name may be no UTF-8.
    Folder(OsString),
    Session,
    /// A place for a window: an index of the session.
    Index(u32),
    /// The window that stands in until the first of the plan's is there.
    StandIn,
    /// The window that was current before windows were added.
    Previous,
    /// A window of the plan, by its position.
    Window(usize),
    /// The same where the session matters: it may be in several.
    WindowHere(usize),
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

impl From<OsString> for Word {
    fn from(folder: OsString) -> Word {
        Word::Folder(folder)
    }
}

pub(super) use command;

/// Turns a command into arguments: how targets are named is the caller's.
/// `None` when one of them has no name.
pub fn render(command: &[Word], name: &dyn Fn(&Word) -> Option<String>) -> Option<Vec<OsString>> {
    let words = command.iter().map(|word| match word {
        Word::Folder(folder) => Some(folder.clone()),
        word => name(word).map(OsString::from),
    });
    words.collect()
}
