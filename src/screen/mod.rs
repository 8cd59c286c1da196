//! A terminal that shows what tmux shows.
//!
//! Bytes go in ([`Screen::feed`]), rows of styled text come out
//! ([`Screen::runs`]). It is pure: no I/O and no clock, never a panic, and
//! memory that the screen's size and the history bound, whatever the bytes.
//! Its rules are those of a tmux version ([`Rules`]), measured on a running tmux;
//! the tests ask tmux again. It knows no cast and no player.
//!
//! The way of a byte: [`feed`](Screen::feed) tells text from sequences, `print` and
//! `control` do what they ask for, `grid` holds the rows.

mod cell;
mod control;
mod feed;
mod grid;
mod marks;
mod parse;
mod pool;
mod print;
mod resize;
mod rules;
mod sgr;
mod state;
mod strings;
mod terminal;
mod utf8;
mod view;
mod width;

pub use cell::{Attributes, Colour, Style};
pub use marks::{Mark, Marked};
pub use pool::Link;
pub use rules::Rules;
pub use state::BadState;
pub use terminal::{HISTORY, LARGEST, Screen};
pub use view::{Cursor, Mode, Run, ScrolledLine, Which};
