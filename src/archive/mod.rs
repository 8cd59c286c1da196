//! Casts on disk: looked at, kept in order, repaired.
//!
//! Knows no daemon and no recording: whoever has a path may use it.

pub mod repair_file;
mod title;

pub use title::set_title;
