//! Absolute times out of the times that stand in a cast.

use crate::cast::event::Micros;
use crate::cast::seconds::to_micros;

/// Where in a cast reading can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The version of the lines from here on: 1, 2 or 3.
    pub version: u8,
    /// The first byte that was not read.
    pub offset: u64,
    /// The time of the last event.
    pub time: Micros,
    /// Of v2, the time that the times from here on count from: 0 but after a
    /// second header.
    pub base: Micros,
}

/// Follows the times of a cast: never backwards, going on after the last one
/// when a second header starts over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    position: Position,
}

impl Clock {
    pub(super) fn new(version: u8) -> Clock {
        Clock::at(Position {
            version,
            offset: 0,
            time: 0,
            base: 0,
        })
    }

    pub(super) fn at(position: Position) -> Clock {
        Clock { position }
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// All before `offset` was read.
    pub(super) fn seen_to(&mut self, offset: u64) {
        self.position.offset = offset;
    }

    /// What a time that stands in the file means, in seconds; what is no time
    /// is the one before. Gives whether it does not run backwards.
    pub(super) fn absolute(&self, seconds: Option<f64>) -> (Micros, bool) {
        match seconds {
            Some(seconds) => self.absolute_micros(to_micros(seconds)),
            None => (self.position.time, true),
        }
    }

    #[inline(always)]
    pub(super) fn absolute_micros(&self, micros: Micros) -> (Micros, bool) {
        let last = self.position.time;
        let from = if self.position.version == 2 {
            self.position.base
        } else {
            last
        };
        let time = from.saturating_add(micros);
        (time.max(last), time >= last)
    }

    /// An event at `time` was read, which ends at `offset`.
    #[inline(always)]
    pub(super) fn set(&mut self, time: Micros, offset: u64) {
        self.position.time = time;
        self.position.offset = offset;
    }

    /// A second header, which ends at `offset`, starts over with lines of that
    /// version.
    pub(super) fn restart(&mut self, version: u8, offset: u64) {
        self.position = Position {
            version,
            offset,
            base: self.position.time,
            ..self.position
        };
    }
}
