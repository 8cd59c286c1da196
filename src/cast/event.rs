//! What a cast holds: timed events, each with a one-letter code.

use std::fmt;

use super::text::Text;

/// A point in a recording: microseconds since its start.
pub type Micros = u64;

/// What kind of thing happened; a one-letter code in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// `o`: bytes that the terminal was told to show.
    Output,
    /// `i`: bytes that the user typed.
    Input,
    /// `m`: a marker; the data is its label.
    Marker,
    /// `r`: the terminal has a new size, as `COLSxROWS`.
    Resize,
    /// `x`: the recorded program ended; the data is its exit status.
    Exit,
    /// Any other code. Players skip those that they do not know.
    Other(char),
}

impl Code {
    /// The letter that stands for this code in a cast.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Code::Output => 'o',
            Code::Input => 'i',
            Code::Marker => 'm',
            Code::Resize => 'r',
            Code::Exit => 'x',
            Code::Other(letter) => letter,
        }
    }
}

impl From<char> for Code {
    fn from(letter: char) -> Code {
        match letter {
            'o' => Code::Output,
            'i' => Code::Input,
            'm' => Code::Marker,
            'r' => Code::Resize,
            'x' => Code::Exit,
            other => Code::Other(other),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// One event of a cast, as [`EventReader`](super::EventReader) gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<'a> {
    /// Microseconds since the start of the recording.
    pub time: Micros,
    pub code: Code,
    /// The event's text; its meaning depends on the code.
    pub data: Text<'a>,
    /// The byte of the cast at which it starts.
    pub offset: u64,
    /// The text is only a part: the next event has more of the same.
    pub continues: bool,
}

impl Event<'_> {
    /// The terminal's new size, of a resize: columns and rows.
    #[must_use]
    pub fn size(&self) -> Option<(u16, u16)> {
        (self.code == Code::Resize)
            .then(|| parse_size(&self.data.to_str()))
            .flatten()
    }
}

/// Reads `COLSxROWS`.
pub(super) fn parse_size(text: &str) -> Option<(u16, u16)> {
    let (columns, rows) = text.split_once('x')?;
    Some((columns.parse().ok()?, rows.parse().ok()?))
}
