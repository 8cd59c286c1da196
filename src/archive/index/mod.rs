//! What was read out of the casts: what they hold in figures, their commands, and
//! the lines that they showed, to be searched.
//!
//! The way of a line: `readers` has several casts read at once, `read` one of them.
//! `scan` plays it and gives the lines that were shown, `block` puts them together,
//! `grams` says which bytes in a row stand in them, `pack` does that and compresses
//! them, `write` makes a `batch` of all that is new, which goes into the database as a
//! whole, and `shelf` keeps the grams there so that a search reads little. `printed`
//! gives lines out again.

mod batch;
mod block;
mod chain;
mod commands;
mod grams;
mod outlet;
mod pack;
mod printed;
mod read;
mod readers;
mod scan;
mod shelf;
mod verify;
mod write;

pub use chain::{Chain, ChainCommand, ChainPrinted};
pub use commands::CommandRow;
pub use outlet::Indexed;
pub use printed::{LinePart, Printed};
pub use verify::Verified;

pub(super) use block::Block;
pub(super) use grams::Wanted;
pub(super) use shelf::columns_with;
