//! What a repair did.

use std::ops::AddAssign;

use crate::cast::foreign::Foreign;

/// Events and the bytes that they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub events: u64,
    /// Of the input.
    pub bytes: u64,
}

impl Amount {
    pub(super) fn one(bytes: usize) -> Amount {
        Amount {
            events: 1,
            bytes: bytes as u64,
        }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

/// What happened to the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderFate {
    /// It is as it was.
    Kept,
    /// Fields of it were changed.
    Changed,
    /// It was missing or unreadable, and is made of what was there.
    Rebuilt,
    /// There is nothing to make one of.
    #[default]
    Missing,
}

impl HeaderFate {
    /// One word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HeaderFate::Kept => "kept",
            HeaderFate::Changed => "changed",
            HeaderFate::Rebuilt => "rebuilt",
            HeaderFate::Missing => "missing",
        }
    }
}

/// What a repair did, in events and bytes of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The version of the format, 1 to 3.
    pub version: u8,
    /// What happened to the header.
    pub header: HeaderFate,
    /// Events that are byte for byte as they were.
    pub kept: Amount,
    /// Whole events of which the time or some of the text had to be changed.
    pub changed: Amount,
    /// Events that were not readable: torn, glued to others, inside others.
    pub saved: Amount,
    /// Events, and bytes that may have been some, which are gone.
    pub lost: Amount,
    /// Bytes removed that were never part of an event: blank lines, NULs,
    /// byte-order marks.
    pub removed: u64,
    /// Further headers that were merged into the recording.
    pub headers_merged: u64,
    pub bytes_read: u64,
    /// Bytes that the repaired cast has.
    pub bytes_written: u64,
    /// Whether the output differs from the input at all.
    pub differs: bool,
    /// What the input is that is no cast as it stands.
    pub foreign: Option<Foreign>,
}

impl Report {
    /// Events that the repaired cast has.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.kept.events + self.changed.events + self.saved.events
    }

    /// Whether there is anything to keep: an event, or at least a header that
    /// could be read.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.events() > 0 || matches!(self.header, HeaderFate::Kept | HeaderFate::Changed)
    }
}
