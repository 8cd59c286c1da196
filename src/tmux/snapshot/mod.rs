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
//! terminal just opened, but for what the caller knows: [`Unrevealed`].

pub mod history;
mod paint;
mod pending;
mod query;
mod row;

#[cfg(test)]
mod tests;

use super::name::decode;
use super::{Result, Separator, Version};
pub use paint::begins_with_snapshot;
pub use query::query;
use query::{Section, Sections, State};
use row::{Captures, Row};

/// What tmux does not tell of a pane, from somebody who has read its output.
/// Texts are sequences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unrevealed {
    /// The pen, with its link and the character sets.
    pub pen: String,
    /// What `ESC 8` brings back.
    pub saved: Option<SavedCursor>,
    /// Changed colours of the palette.
    pub palette: String,
    /// The parameter of DECSCUSR, 0 to 6; where tmux tells it, that counts.
    pub cursor_style: u8,
    /// Focus is reported (mode 1004).
    pub reports_focus: bool,
    /// Pasted text is bracketed (mode 2004).
    pub brackets_paste: bool,
    /// The character that was printed last of all, right before the cursor, and
    /// that REP repeats.
    pub repeats: Option<char>,
}

/// A cursor that a program has saved (DECSC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedCursor {
    /// From 0.
    pub column: usize,
    /// From 0.
    pub row: usize,
    /// Whether rows count from the top of the scroll region.
    pub origin: bool,
    /// The sequences that bring its pen about.
    pub pen: String,
}

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
                query::expired(version, sections.get(Section::Clock)),
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
        self.paint_with(&Unrevealed::default(), out);
    }

    /// The same with what tmux does not tell.
    pub fn paint_with(&self, unrevealed: &Unrevealed, out: &mut Vec<u8>) {
        paint::Painter::new(out, self.state.columns).snapshot(self, unrevealed);
    }

    /// The last characters before the cursor, at most `most`, through rows that
    /// go on in the next; the nearest first.
    pub fn before_cursor(&self, most: usize) -> String {
        let (column, row) = self.state.cursor;
        let mut text = String::new();
        let (mut column, mut row) = (column as usize, row as usize);
        while let Some(found) = self.shown.get(row) {
            text.extend(found.text_before(column).chars().rev());
            let goes_on = row > 0 && self.shown[row - 1].wrapped;
            if text.chars().count() >= most || !goes_on {
                break;
            }
            row -= 1;
            column = usize::from(self.state.columns);
        }
        text.chars().take(most).collect()
    }
}
