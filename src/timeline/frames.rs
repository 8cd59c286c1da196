//! What a cast showed, change by change, forwards and backwards.

use super::index::{KeptPosition, Keyframe};
use super::replay::{Replay, Shown};
use super::{Timeline, TimelineError};
use crate::cast::Micros;
use crate::screen::{Screen, ScrolledLine, Which};

/// Output between the screens that a step backwards starts from, in bytes of the
/// cast.
const SAVED_EACH: u64 = 16 * 1024;

/// A moment at which something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// When, in microseconds since the start.
    pub time: Micros,
    /// The rows that are not what they were in the frame before, in order.
    pub changed: Vec<usize>,
    /// The screen has another size.
    pub is_resized: bool,
    /// The labels of markers that stand here; not told backwards.
    pub markers: Vec<String>,
}

/// Goes forwards: see [`Timeline::frames`].
pub struct Frames {
    replay: Replay,
    until: Micros,
    interval: Micros,
}

impl Frames {
    pub(super) fn new(mut replay: Replay, until: Micros, interval: Micros) -> Frames {
        replay.screen.take_changed();
        replay.is_replaced = false;
        Frames {
            replay,
            until,
            interval,
        }
    }

    /// The screen as the last frame left it; before the first one, that of the time
    /// that was asked for.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        &self.replay.screen
    }

    /// The byte of the cast behind the last event that is shown.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.replay.place().offset()
    }

    /// The whole lines that scrolled off since the last call, soft wraps joined.
    pub fn take_scrolled(&mut self) -> Vec<ScrolledLine> {
        self.replay.screen.take_scrolled()
    }

    /// The time of the next frame's first event; `None` at the end of what is there.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn next_time(&mut self) -> Result<Option<Micros>, TimelineError> {
        let next = self.replay.peek()?;
        Ok(next.filter(|time| *time <= self.until))
    }

    /// The next frame. `None` at the end, of a cast that grows: for now.
    ///
    /// # Errors
    /// When the cast cannot be read.
    // Not an iterator: more may come after the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Frame>, TimelineError> {
        let mut frame: Option<Frame> = None;
        let mut end = self.until;
        while let Some(time) = self.replay.peek()? {
            if time > end {
                break;
            }
            let shown = self.replay.show()?;
            if shown == Shown::Nothing {
                continue;
            }
            let frame = frame.get_or_insert_with(|| {
                end = self.until.min(time.saturating_add(self.interval));
                Frame::default()
            });
            frame.time = time;
            match shown {
                Shown::Marker(label) => frame.markers.push(label),
                Shown::Resized => frame.is_resized = true,
                Shown::Output | Shown::Nothing => {}
            }
        }
        let Some(mut frame) = frame else {
            return Ok(None);
        };
        frame.changed = self.replay.screen.take_changed();
        if std::mem::take(&mut self.replay.is_replaced) || frame.is_resized {
            frame.changed = all_rows(&self.replay.screen);
        }
        Ok(Some(frame))
    }
}

/// Goes backwards: see [`Timeline::frames_back`].
pub struct FramesBack {
    timeline: Timeline,
    screen: Screen,
    time: Micros,
    until: Micros,
    interval: Micros,
    /// Between two keyframes, and how many keyframes are before it.
    segment: Option<(usize, Segment)>,
}

/// What happens from one keyframe to the next.
struct Segment {
    frames: Vec<Stop>,
    saved: Vec<Saved>,
}

/// The end of a frame.
#[derive(Clone, Copy)]
struct Stop {
    time: Micros,
    offset: u64,
}

/// A screen inside of a segment.
struct Saved {
    place: KeptPosition,
    state: Vec<u8>,
    is_full: bool,
    is_odd: bool,
}

impl FramesBack {
    pub(super) fn new(
        timeline: &Timeline,
        screen: Screen,
        (from, until): (Micros, Micros),
        interval: Micros,
    ) -> FramesBack {
        FramesBack {
            timeline: timeline.clone(),
            screen,
            time: from,
            until,
            interval,
            segment: None,
        }
    }

    /// The screen as the last frame left it.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// The frame before the present one. `None` at the first one.
    ///
    /// # Errors
    /// When the cast cannot be read.
    // Not an iterator, as its counterpart.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Frame>, TimelineError> {
        loop {
            let (before, segment) = match self.segment.take() {
                Some(known) => known,
                None => {
                    let before = self.timeline.keyframes_before(self.time)?;
                    (before, self.load(before)?)
                }
            };
            let end = segment.frames.partition_point(|stop| stop.time < self.time);
            if let Some(stop) = segment.frames[..end].last().copied() {
                if stop.time < self.until {
                    return Ok(None);
                }
                let screen = self.screen_at(&segment, before, stop)?;
                self.segment = Some((before, segment));
                let is_resized = screen.size() != self.screen.size();
                let changed = if is_resized {
                    all_rows(&screen)
                } else {
                    changed_rows(&self.screen, &screen)
                };
                self.screen = screen;
                self.time = stop.time;
                return Ok(Some(Frame {
                    time: stop.time,
                    changed,
                    is_resized,
                    markers: Vec::new(),
                }));
            }
            let Some(earlier) = before.checked_sub(1) else {
                return Ok(None);
            };
            self.segment = Some((earlier, self.load(earlier)?));
        }
    }

    /// Goes through the segment with that many keyframes before it.
    fn load(&self, before: usize) -> Result<Segment, TimelineError> {
        let mut replay = self.timeline.replay_segment(before)?;
        let end = self.timeline.segment_end(before);
        let mut segment = Segment {
            frames: Vec::new(),
            saved: Vec::new(),
        };
        let mut saved_at = replay.place().offset();
        let mut starts = 0;
        while let Some(time) = replay.peek()? {
            let place = replay.place();
            if end.is_some_and(|end| place.offset() >= end) || time > self.time {
                break;
            }
            if place.offset() >= saved_at + SAVED_EACH {
                saved_at = place.offset();
                let (state, is_full, is_odd) = replay.save();
                segment.saved.push(Saved {
                    place,
                    state,
                    is_full,
                    is_odd,
                });
            }
            if replay.show()? == Shown::Nothing {
                continue;
            }
            let offset = replay.place().offset();
            let stop = Stop { time, offset };
            match segment.frames.last_mut() {
                Some(last) if time <= starts + self.interval || time == last.time => *last = stop,
                _ => {
                    starts = time;
                    segment.frames.push(stop);
                }
            }
        }
        Ok(segment)
    }

    fn screen_at(
        &self,
        segment: &Segment,
        before: usize,
        stop: Stop,
    ) -> Result<Screen, TimelineError> {
        let saved = &segment.saved;
        let count = saved.partition_point(|saved| saved.place.offset() <= stop.offset);
        let mut replay = match saved[..count].last() {
            Some(saved) => {
                let key = Keyframe {
                    place: saved.place,
                    is_full: saved.is_full,
                    is_odd: saved.is_odd,
                    group: 0,
                    start: 0,
                    length: 0,
                };
                self.timeline.replay_state(&key, &saved.state)?
            }
            None => self.timeline.replay_segment(before)?,
        };
        replay.run_to_offset(stop.offset)?;
        Ok(replay.into_screen().0)
    }
}

fn all_rows(screen: &Screen) -> Vec<usize> {
    (0..usize::from(screen.size().1)).collect()
}

/// The rows in which two screens of one size differ.
fn changed_rows(one: &Screen, other: &Screen) -> Vec<usize> {
    let runs = |screen: &'_ Screen, row| {
        let runs = screen.runs(Which::Shown, row);
        runs.iter()
            .map(|run| (run.column, run.text.clone(), run.style, run.link.cloned()))
            .collect::<Vec<_>>()
    };
    let differ = |row: &usize| runs(one, *row) != runs(other, *row);
    all_rows(other).into_iter().filter(differ).collect()
}
