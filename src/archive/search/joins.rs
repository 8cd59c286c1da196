//! A line that was cut where one cast of a recording ends and the next begins is shown
//! by both: by the first as far as it had come, by the next as it was in the end. It is
//! one hit, of the time at which it was there first.

use std::ops::ControlFlow;

use super::Hit;
use crate::archive::catalogue::{Entry, is_followed};

/// When a line was there last is known to the millisecond; in microseconds.
const STEP: u64 = 1000;

/// Hands on hits, joined.
pub(super) struct Joins<'a> {
    casts: &'a [Entry],
    take: &'a mut dyn FnMut(usize, Hit) -> ControlFlow<()>,
    held: Option<Held>,
}

/// A hit with which the next cast may go on.
struct Held {
    hit: Hit,
    /// The casts in which it began and in which it was there last, by their places.
    first: usize,
    last: usize,
    /// Where the last begins, in microseconds of the first.
    start: u64,
}

impl<'a> Joins<'a> {
    pub(super) fn new(
        casts: &'a [Entry],
        take: &'a mut dyn FnMut(usize, Hit) -> ControlFlow<()>,
    ) -> Joins<'a> {
        Joins {
            casts,
            take,
            held: None,
        }
    }

    /// Takes the next hit, which is of the cast at this place.
    pub(super) fn push(&mut self, at: usize, hit: Hit) -> ControlFlow<()> {
        let goes_on = |held: &Held| {
            held.last + 1 == at && hit.begins_cast && hit.line.starts_with(&held.hit.line)
        };
        let next = match self.held.take() {
            Some(held) if goes_on(&held) => {
                let start = held.start + self.casts[held.last].duration_micros();
                let hit = Hit {
                    time: held.hit.time,
                    until: hit.until + start,
                    before: held.hit.before,
                    ..hit
                };
                Held {
                    hit,
                    last: at,
                    start,
                    ..held
                }
            }
            held => {
                self.give(held)?;
                Held {
                    hit,
                    first: at,
                    last: at,
                    start: 0,
                }
            }
        };
        let end = next.start + self.casts[at].duration_micros();
        let stays = next.hit.until + STEP > end;
        if stays && is_followed(self.casts, at) {
            self.held = Some(next);
            return ControlFlow::Continue(());
        }
        self.give(Some(next))
    }

    /// All hits of the cast at this place were given.
    pub(super) fn end_of_cast(&mut self, at: usize) -> ControlFlow<()> {
        let held = self.held.take_if(|held| held.last < at);
        self.give(held)
    }

    /// All hits were given.
    pub(super) fn finish(mut self) {
        let held = self.held.take();
        let _ = self.give(held);
    }

    fn give(&mut self, held: Option<Held>) -> ControlFlow<()> {
        match held {
            Some(held) => (self.take)(held.first, held.hit),
            None => ControlFlow::Continue(()),
        }
    }
}
