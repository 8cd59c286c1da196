//! A pane's screen: asked of tmux, and painted again as terminal bytes.
//!
//! [`query`] makes the commands, [`Snapshot::parse`] reads their answer,
//! [`Snapshot::paint`] writes the bytes. None of them runs anything: the
//! caller sends the commands, together with what must happen at the very same
//! moment, as one [`Batch`](super::Batch).
//!
//! # What a snapshot holds
//! Both screens with all attributes, wrapped rows, cursor with a pending
//! wrap, scroll region, tab stops, modes, title, path, the program's own
//! colours, and the unfinished escape sequence, so that the output that
//! follows goes on where it was.
//!
//! # What tmux does not tell
//! No version: the current pen, the position saved by DECSC, G0 and G1
//! (line drawing is assumed in G1, where programs that shift have it), focus
//! mode, the palette, and links that go on from one row to the next. Before
//! 3.4: links, and cells that were erased with a colour. Before 3.6 the
//! cursor's look, before 3.7 bracketed paste. All these are painted as in a
//! terminal just opened.

mod paint;
mod pending;
mod query;
mod row;

#[cfg(test)]
mod tests;

use super::name::decode;
use super::{Result, Separator, Version};
pub use query::query;
use query::{Section, Sections, State};
use row::{Captures, Row};

/// A pane's screen at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    state: State,
    title: String,
    path: String,
    /// The screen that is shown.
    shown: Vec<Row>,
    /// The normal screen, while the alternate one is shown.
    saved: Option<Vec<Row>>,
    pending: Vec<u8>,
    torn: bool,
}

impl Snapshot {
    /// Reads the answer to a batch that started with [`query`]; gives the
    /// snapshot, and what the rest of the batch printed after it.
    ///
    /// # Errors
    /// [`Error::Unexpected`](super::Error::Unexpected) when the answer does
    /// not have the shape of one.
    pub fn parse<'a>(
        version: Version,
        separator: &Separator,
        answer: &'a [u8],
    ) -> Result<(Snapshot, &'a [u8])> {
        let (sections, rest) = Sections::read(version, separator, answer)?;
        let state = State::parse(version, sections.get(Section::State))?;
        let again = State::parse(version, sections.get(Section::StateAgain))?;
        let exact = version.has_capture_blanks();
        let (shown, shown_whole) = Captures {
            styled: sections.get(Section::Styled),
            exact,
            columns: usize::from(state.columns),
            written: sections.find(Section::Written),
            joined: sections.get(Section::Joined),
        }
        .rows();
        let mut torn = state != again || !shown_whole || shown.len() != usize::from(state.rows);
        let mut saved = None;
        if state.alternate {
            let (rows, whole) = Captures {
                styled: sections.get(Section::SavedStyled),
                exact,
                columns: usize::from(state.columns),
                written: sections.find(Section::SavedWritten),
                joined: sections.get(Section::SavedJoined),
            }
            .rows();
            torn |= !whole;
            saved = Some(rows);
        }
        let snapshot = Snapshot {
            title: decode(version, "pane_title", sections.get(Section::Title)),
            path: decode(version, "pane_path", sections.get(Section::Path)),
            pending: pending::unfinished(
                sections.get(Section::Pending),
                query::expired(sections.get(Section::Clock)),
            ),
            state,
            shown,
            saved,
            torn,
        };
        Ok((snapshot, rest))
    }

    /// How many columns the screen has.
    #[must_use]
    pub fn columns(&self) -> u16 {
        self.state.columns
    }

    /// How many rows the screen has.
    #[must_use]
    pub fn rows(&self) -> u16 {
        self.state.rows
    }

    /// Whether the alternate screen is shown, above a normal one.
    #[must_use]
    pub fn is_alternate(&self) -> bool {
        self.state.alternate
    }

    /// The same with a cursor that is shown and has its usual look; its place
    /// stays.
    #[must_use]
    pub fn with_plain_cursor(mut self) -> Snapshot {
        self.state.cursor_shown = true;
        self.state.cursor_style = None;
        self
    }

    /// Whether output came in between the parts of the snapshot, so that it
    /// shows no moment there was: take another.
    ///
    /// tmux itself lets nothing come between the commands of a batch, but a
    /// user's `after-capture-pane` hook that waits for a program does.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// Appends bytes that paint this screen on a terminal of its size, in
    /// whatever state that terminal is.
    pub fn paint(&self, out: &mut Vec<u8>) {
        paint::Painter::new(out, self.state.columns).snapshot(self);
    }
}
