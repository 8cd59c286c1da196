//! The asciicast format: events, header, encoding, validating, repairing.
//!
//! This module knows no tmux, no tokio and no clock: bytes and times are
//! arguments, results are values. Times are integer microseconds since the
//! start of the recording; only the encoder turns them into the decimal
//! seconds that the format wants.
//!
//! The format is described in the asciinema manual as
//! [asciicast v2](https://docs.asciinema.org/manual/asciicast/v2/).

mod buffer;
mod convert;
#[cfg(test)]
mod dribble;
mod encode;
mod event;
mod foreign;
mod header;
mod json;
mod label;
mod lines;
mod read;
mod repair;
mod seconds;
mod text;
mod utf8;
mod validate;
mod wide;

pub(crate) use buffer::Buffer;
pub use convert::{
    ConvertError, Converted, EventSink, Format, Marker, Opening, Source, SourceKind, TimeOptions,
    Writer, convert, convert_from, read_markers,
};
pub use encode::encode_event;
pub(crate) use encode::open;
pub use event::{Code, Event, Micros};
pub use foreign::{Foreign, foreign};
pub use header::{Header, Part};
pub(crate) use json::escape_bounded;
pub use json::escape_into;
pub use label::{late_label, named_moment, note_label, title_in, title_label};
pub use read::{EventReader, Position, ReadError, Strictness};
pub use repair::{Amount, Edits, HeaderFate, RepairOptions, Report, repair, repair_edits};
pub use text::{Text, TextBuffer};
pub use utf8::{InvalidBytes, Utf8Carry};
pub use validate::{
    Counts, EventCounts, Finding, FindingKind, Reader, Severity, Summary, ValidateOptions, validate,
};
