//! What was read out of the casts: what they hold in figures, their commands, and
//! the lines that they showed, to be searched.
//!
//! The way of a line: `scan` plays a cast and gives the lines that were shown,
//! `block` puts them together, `grams` says which bytes in a row stand in them,
//! `pack` does that and compresses them, `shelf` keeps the grams so that a search reads
//! little, `write` puts all of it into the database. `printed` gives lines out again.

mod block;
mod chain;
mod commands;
mod grams;
mod pack;
mod printed;
mod read;
mod scan;
mod shelf;
mod verify;
mod write;

pub use chain::{Chain, ChainCommand, ChainPrinted};
pub use commands::CommandRow;
pub use printed::{LinePart, Printed};
pub use read::Indexed;
pub use verify::Verified;

pub(super) use block::Block;
pub(super) use grams::Wanted;
pub(super) use shelf::columns_with;
