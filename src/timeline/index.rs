//! What is known of a cast beside its screens.

use serde::{Deserialize, Serialize};

use super::commands::{Command, Commands};
use crate::cast::{Marker, Micros, Position, named_moment};

/// Pauses from this length on are kept, in microseconds.
pub const PAUSE: Micros = 1_000_000;

/// Entries of one kind at most, so that no cast makes the index too large to hold.
const MOST: usize = 200_000;

/// Slices of activity at most; their length doubles when there are more.
const SLICES: usize = 4096;

/// A saved screen, and where in the cast the events that follow start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keyframe {
    pub place: KeptPosition,
    /// The state has the whole history, so that sizes may change after it.
    pub is_full: bool,
    /// The alternate screen is shown in another size than the one it was entered in.
    pub is_odd: bool,
    /// Which group of the store has the state, and where in it.
    pub group: usize,
    pub start: usize,
    pub length: usize,
}

/// A [`Position`] as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptPosition(u8, u64, Micros, Micros);

impl From<Position> for KeptPosition {
    fn from(position: Position) -> KeptPosition {
        KeptPosition(
            position.version,
            position.offset,
            position.time,
            position.base,
        )
    }
}

impl KeptPosition {
    pub fn offset(self) -> u64 {
        self.1
    }

    pub fn time(self) -> Micros {
        self.2
    }

    pub fn position(self) -> Position {
        Position {
            version: self.0,
            offset: self.1,
            time: self.2,
            base: self.3,
        }
    }
}

/// The terminal's size from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// Microseconds since the start.
    pub time: Micros,
    pub columns: u16,
    pub rows: u16,
}

/// How much was printed when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The length of a slice in microseconds.
    pub slice: Micros,
    /// Bytes of output of each slice.
    pub bytes: Vec<u64>,
}

impl Default for Activity {
    fn default() -> Activity {
        Activity {
            slice: 100_000,
            bytes: Vec::new(),
        }
    }
}

impl Activity {
    fn add(&mut self, time: Micros, bytes: u64) {
        while time / self.slice >= SLICES as u64 {
            self.slice *= 2;
            let pairs = self.bytes.chunks(2);
            self.bytes = pairs.map(|pair| pair.iter().sum()).collect();
        }
        let at = (time / self.slice) as usize;
        if self.bytes.len() <= at {
            self.bytes.resize(at + 1, 0);
        }
        self.bytes[at] += bytes;
    }

    /// The bytes of `count` slices of equal length from 0 to `duration`, for a strip
    /// of that many columns.
    #[must_use]
    pub fn strip(&self, duration: Micros, count: usize) -> Vec<u64> {
        let mut strip = vec![0; count];
        for (at, bytes) in self.bytes.iter().enumerate() {
            let middle = at as u64 * self.slice + self.slice / 2;
            let place = u128::from(middle) * count as u128 / u128::from(duration.max(1));
            if let Some(last) = count.checked_sub(1) {
                strip[(place as usize).min(last)] += bytes;
            }
        }
        strip
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub keyframes: Vec<Keyframe>,
    #[serde(with = "markers")]
    pub markers: Vec<Marker>,
    pub commands: Commands,
    pub resizes: Vec<Resize>,
    /// Starts and ends.
    pub pauses: Vec<(Micros, Micros)>,
    pub activity: Activity,
    /// Bytes of output.
    pub output: u64,
    pub events: u64,
    /// The time of the last event.
    pub last: Micros,
}

impl Index {
    pub fn add_output(&mut self, time: Micros, bytes: usize) {
        self.output += bytes as u64;
        self.activity.add(time, bytes as u64);
    }

    /// Adds a marker that was written at `time`: it stands at the moment it names.
    pub fn add_marker(&mut self, time: Micros, label: &str) {
        if self.markers.len() < MOST {
            let (time, label) = named_moment(time, label);
            self.markers.push(Marker {
                time,
                label: label.to_owned(),
            });
        }
    }

    pub fn add_resize(&mut self, resize: Resize) {
        if self.resizes.len() < MOST {
            self.resizes.push(resize);
        }
    }

    /// The next event comes at `time`.
    pub fn add_event(&mut self, time: Micros) {
        if time - self.last.min(time) >= PAUSE && self.pauses.len() < MOST {
            self.pauses.push((self.last, time));
        }
        self.last = self.last.max(time);
        self.events += 1;
    }

    pub fn commands(&self) -> &[Command] {
        self.commands.all()
    }

    /// The last keyframe at `time` or before it.
    pub fn before(&self, time: Micros) -> Option<&Keyframe> {
        let end = self
            .keyframes
            .partition_point(|key| key.place.time() <= time);
        self.keyframes[..end].last()
    }

    /// The last keyframe with the whole history up to the byte `offset`.
    pub fn full_before(&self, offset: u64) -> Option<&Keyframe> {
        let end = self
            .keyframes
            .partition_point(|key| key.place.offset() <= offset);
        self.keyframes[..end].iter().rev().find(|key| key.is_full)
    }
}

/// Markers as pairs.
mod markers {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Marker;

    pub fn serialize<S: Serializer>(all: &[Marker], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.iter().map(|marker| (marker.time, &marker.label)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Marker>, D::Error> {
        let all = Vec::<(u64, String)>::deserialize(from)?;
        let marker = |(time, label)| Marker { time, label };
        Ok(all.into_iter().map(marker).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_keeps_its_sum_however_long_it_gets() {
        let mut activity = Activity::default();
        for second in 0..3600 {
            activity.add(second * 1_000_000, 10);
        }
        assert!(activity.bytes.len() <= SLICES);
        assert_eq!(activity.bytes.iter().sum::<u64>(), 36_000);
        let strip = activity.strip(3_600_000_000, 60);
        assert_eq!(strip.iter().sum::<u64>(), 36_000);
        assert!(
            strip.iter().all(|bytes| (580..=620).contains(bytes)),
            "{strip:?}"
        );
    }
}
