//! What the casts hold that a recording has written before its present one.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cast::{Micros, Part};
use crate::chain::part_path;
use crate::record::Stats;

/// The casts before the present one of a recording that is rotated; none at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Earlier {
    pub(super) casts: u32,
    pub(super) bytes: u64,
    pub(super) events: u64,
    /// Where the present cast begins on the recording's clock: at the last event
    /// of the one before.
    pub(super) duration: Micros,
}

impl Earlier {
    /// The number of the present cast, from 1.
    pub(super) fn part(self) -> u32 {
        self.casts + 1
    }

    /// The same with another cast.
    pub(super) fn and(self, cast: Stats) -> Earlier {
        Earlier {
            casts: self.casts + 1,
            bytes: self.bytes + cast.bytes,
            events: self.events + cast.events,
            duration: self.duration + cast.duration,
        }
    }

    /// The same without the last of them.
    pub(super) fn without(self, cast: Stats) -> Earlier {
        Earlier {
            casts: self.casts.saturating_sub(1),
            bytes: self.bytes.saturating_sub(cast.bytes),
            events: self.events.saturating_sub(cast.events),
            duration: self.duration.saturating_sub(cast.duration),
        }
    }

    /// What the header of the present cast says of it, which begins with `screen`
    /// bytes of output that paint the screen.
    pub(super) fn header_part(self, cast: &Path, screen: u64) -> Option<Part> {
        let previous = part_path(cast, self.casts);
        (self.casts > 0).then(|| Part {
            number: self.part(),
            previous: previous
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            screen,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_is_added_and_taken_back() {
        let stats = |bytes| Stats {
            bytes,
            events: 2,
            duration: 30,
            ..Stats::default()
        };
        let first = Earlier::default();
        assert_eq!(first.header_part(Path::new("/x.cast"), 0), None);
        let second = first.and(stats(100));
        let third = second.and(stats(50));
        assert_eq!((third.part(), third.bytes, third.duration), (3, 150, 60));
        assert_eq!(third.without(stats(50)), second);
        let part = third
            .header_part(Path::new("/a/x.part003.cast"), 7)
            .unwrap();
        assert_eq!((part.number, part.screen), (3, 7));
        assert_eq!(part.previous, "x.part002.cast");
    }
}
