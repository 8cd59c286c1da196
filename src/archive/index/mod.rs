//! What was read out of the casts: what they hold in figures, their commands, and
//! the lines that they showed, to be searched.
//!
//! The way of a line: `scan` plays a cast and gives the lines that were shown,
//! `block` packs them, `grams` says which three bytes in a row stand in them,
//! `shelf` keeps that so that a search reads little, `write` puts all of it into the
//! database. `printed` gives lines out again.

mod block;
mod commands;
mod grams;
mod printed;
mod read;
mod scan;
mod shelf;
mod verify;
mod write;

pub use commands::CommandRow;
pub use printed::{LinePart, Printed};
pub use read::Indexed;
pub use verify::Verified;

pub(super) use block::Block;
pub(super) use grams::Wanted;
pub(super) use shelf::columns_with;
