//! A terminal that shows what tmux shows.
//!
//! Bytes go in ([`Screen::feed`]), rows of styled text come out
//! ([`Screen::runs`]). It is pure: no I/O and no clock, never a panic, and
//! memory that the screen's size and the history bound, whatever the bytes.
//! Its rules are those of a tmux version ([`Rules`]), measured on a running tmux;
//! the tests ask tmux again. It knows no cast and no player.
//!
//! # In
//! - [`Screen::new`] with a size and rules: [`Rules::of_env`] picks them by what a
//!   cast's header says of its terminal. [`Screen::with_history`] bounds the rows
//!   that are kept above the screen.
//! - [`Screen::feed`]: one call an event, since tmux forgets a zero width joiner
//!   between two reads. Sequences and characters may be cut anywhere.
//! - [`Screen::resize`]: as tmux resizes a pane, soft wraps moved.
//!
//! # Out
//! - **The screen.** [`Screen::runs`] gives a row as text in runs of one [`Style`]
//!   and [`Link`]; [`Screen::text`] without them; [`Screen::is_wrapped`] whether it
//!   goes on in the next, [`Screen::each_character`] tells each with its columns.
//!   [`Which::Normal`] is the normal screen while the alternate one is shown
//!   ([`Screen::is_alternate`]).
//! - **Above it.** [`Screen::history`] rows, by [`Screen::history_runs`].
//! - **Beside it.** [`Screen::cursor`], [`Screen::title`], [`Screen::folder`],
//!   [`Screen::mode`], [`Screen::palette`], [`Screen::default_colours`].
//! - **What changed.** [`Screen::look`] names a moment, [`Screen::changed_since`]
//!   the rows that changed after it. [`Screen::take_changed`] does both for one
//!   who looks alone.
//! - **What left.** [`Screen::take_scrolled`]: the lines that scrolled off, soft
//!   wraps joined, each once. [`Shown`] tells all lines that were ever shown, with
//!   their times: the text to read, to search and to index.
//! - **What the shell said.** [`Screen::take_marks`]: prompts, commands and exit
//!   statuses (OSC 133 and 633), with the row they stand in.
//!
//! # A moment kept
//! [`Screen::save`] gives the complete state as bytes, a half-received sequence
//! included; [`Screen::restore`] and the rest of the bytes give the same as all of
//! them at once. Scrolled lines and marks that were not taken are in it. A screen
//! that was restored counts its looks from 0 again. [`Screen::save_with_history`] leaves
//! old rows of the history out, which only a higher screen or a new width shows.
//! A state of another version of tvmux is [`BadState`]: it is derived data, so
//! make it again. `Clone` copies the same in memory.
//!
//! ```
//! use tvmux::screen::{Rules, Screen, Which};
//!
//! let mut screen = Screen::new(20, 5, Rules::TMUX_3_3);
//! screen.feed(b"\x1b[1mone\x1b[m two\r\n\x1b[3");
//! let mut screen = Screen::restore(&screen.save())?;
//! let look = screen.look();
//! screen.feed(b"1mred");
//! assert_eq!(screen.text(Which::Shown, 0), "one two");
//! assert_eq!(screen.runs(Which::Shown, 0).len(), 2);
//! assert_eq!(screen.text(Which::Shown, 1), "red");
//! assert!(screen.changed_since(look).eq([1]));
//! # Ok::<(), tvmux::screen::BadState>(())
//! ```
//!
//! The way of a byte: [`feed`](Screen::feed) tells text from sequences, `print` and
//! `control` do what they ask for, `grid` holds the rows.

mod cell;
mod control;
mod feed;
mod grid;
mod hidden;
mod marks;
mod parse;
mod parts;
mod pool;
mod print;
mod resize;
mod row_states;
mod rules;
mod sgr;
mod shown;
mod state;
mod strings;
mod style;
mod terminal;
mod utf8;
mod view;
mod width;

pub use cell::{Attributes, Colour, Style};
pub use grid::Look;
pub use hidden::SavedPosition;
pub use marks::{Mark, Marked};
pub(crate) use parts::{put_part, take_part};
pub use pool::Link;
pub(crate) use row_states::Remembered;
pub use row_states::{COUNTED, LIVELY, REMEMBERED, Step};
pub use rules::Rules;
pub use shown::{SETTLED, Seen, Shown, ShownLine};
pub use state::BadState;
pub use terminal::{HISTORY, LARGEST, Screen, ScrolledLine};
pub use view::{Character, Cursor, Mode, Run, Which};
