//! A search through everything that was ever on the screen, in short steps.

use super::find::{Matches, Pattern};
use super::seek::{IsOver, Seek};
use crate::cast::Micros;
use crate::timeline::{Frames, Timeline, TimelineError};

/// How far back is searched at once, in microseconds, unless little happened.
const WINDOW: Micros = 60_000_000;

/// With fewer frames in a window the next one is twice as long.
const FEW: u32 = 4096;

/// How a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    At(Micros),
    Nowhere,
    /// Not yet: per cent of the way that are done.
    Searching(u8),
}

/// A search under way.
pub struct Search {
    pattern: Pattern,
    is_forward: bool,
    origin: Micros,
    /// What is searched: from behind the first time up to the second one.
    window: (Micros, Micros),
    length: Micros,
    place: Progress,
    /// The last find in the window.
    last: Option<Micros>,
    count: u32,
}

enum Progress {
    /// On the way to the start of the window.
    Before(Seek),
    Inside(Box<Frames>, Matches),
}

impl Search {
    /// A search from the time `origin` on, or back.
    #[must_use]
    pub fn new(pattern: Pattern, origin: Micros, is_forward: bool) -> Search {
        let mut search = Search {
            pattern,
            is_forward,
            origin,
            window: (origin, Micros::MAX),
            length: WINDOW,
            place: Progress::Before(Seek::new(origin)),
            last: None,
            count: 0,
        };
        if !is_forward {
            search.start_window(origin.saturating_sub(1));
        }
        search
    }

    /// What is searched for.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn start_window(&mut self, end: Micros) {
        let start = end.saturating_sub(self.length);
        self.window = (start, end);
        self.place = Progress::Before(Seek::new(start));
        self.last = None;
        self.count = 0;
    }

    /// Goes on. `end` is that of the cast, for how far it is.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn step(
        &mut self,
        timeline: &Timeline,
        end: Micros,
        is_over: IsOver<'_>,
    ) -> Result<Found, TimelineError> {
        if !self.is_forward && self.origin == 0 {
            return Ok(Found::Nowhere);
        }
        let (start, until) = self.window;
        loop {
            let (frames, known) = match &mut self.place {
                Progress::Inside(frames, known) => (frames, known),
                Progress::Before(seek) => {
                    let mut frames = match seek.step(timeline, is_over)? {
                        None => return Ok(self.progress(start, end)),
                        // What the first events show is a find as well.
                        Some(_) if start == 0 && !self.is_forward => timeline.all_frames(0)?,
                        Some(frames) => frames,
                    };
                    frames.take_scrolled();
                    let known = Matches::of(frames.screen(), &self.pattern);
                    self.place = Progress::Inside(Box::new(frames), known);
                    continue;
                }
            };
            let next = frames.next_time()?.filter(|time| *time <= until);
            let frame = match next {
                Some(_) => frames.next()?,
                None => None,
            };
            let Some(frame) = frame else {
                match (self.last, self.is_forward) {
                    (Some(time), _) => return Ok(Found::At(time)),
                    (None, true) => return Ok(Found::Nowhere),
                    (None, false) if start == 0 => return Ok(Found::Nowhere),
                    (None, false) => {}
                }
                if self.count < FEW {
                    self.length = self.length.saturating_mul(2);
                }
                self.start_window(start);
                return Ok(self.progress(start, end));
            };
            self.count += 1;
            let gone = frames.take_scrolled();
            let screen = frames.screen();
            let now = known.changed(screen, &frame.changed, &self.pattern);
            let is_find = now.has_new(known, &gone, &self.pattern);
            *known = now;
            if is_find && frame.time <= until {
                if self.is_forward {
                    return Ok(Found::At(frame.time));
                }
                self.last = Some(frame.time);
            }
            if is_over() {
                return Ok(self.progress(frame.time, end));
            }
        }
    }

    fn progress(&self, time: Micros, end: Micros) -> Found {
        let (done, all) = if self.is_forward {
            (
                time.saturating_sub(self.origin),
                end.saturating_sub(self.origin),
            )
        } else {
            (self.origin.saturating_sub(self.window.0), self.origin)
        };
        let hundredths = u128::from(done) * 100 / u128::from(all.max(1));
        Found::Searching(hundredths.min(99) as u8)
    }
}
