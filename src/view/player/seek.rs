//! On the way to a moment, in steps that are as short as they have to be.

use std::ops::ControlFlow;

use crate::cast::Micros;
use crate::timeline::{Frames, Timeline, TimelineError};

/// Says whether a step has taken long enough.
pub type IsOver<'a> = &'a mut dyn FnMut() -> bool;

/// A moment that is looked for.
pub struct Seek {
    pub goal: Micros,
    frames: Option<Box<Frames>>,
}

impl Seek {
    #[must_use]
    pub fn new(goal: Micros) -> Seek {
        Seek { goal, frames: None }
    }

    /// Goes on. Gives frames whose screen is the one at the goal, or at the end
    /// where that is before it.
    ///
    /// # Errors
    /// When the cast cannot be read.
    pub fn step(
        &mut self,
        timeline: &Timeline,
        is_over: IsOver<'_>,
    ) -> Result<Option<Frames>, TimelineError> {
        let mut frames = match self.frames.take() {
            Some(frames) => frames,
            None if !cover(timeline, self.goal, is_over)? => return Ok(None),
            None => {
                // A time that is not known for sure would be waited for.
                let known = timeline.coverage().time;
                Box::new(match self.goal.min(known.saturating_sub(1)) {
                    0 => timeline.all_frames(0)?,
                    start => timeline.frames(start, Micros::MAX, 0)?,
                })
            }
        };
        while frames.next_time()?.is_some_and(|time| time <= self.goal) {
            frames.next()?;
            if is_over() {
                self.frames = Some(frames);
                return Ok(None);
            }
        }
        Ok(Some(*frames))
    }
}

/// Goes through the cast up to `time`. Gives whether that is done, or all that is
/// there was gone through.
///
/// # Errors
/// When the cast cannot be read.
pub fn cover(
    timeline: &Timeline,
    time: Micros,
    is_over: IsOver<'_>,
) -> Result<bool, TimelineError> {
    let coverage = timeline.cover(Some(time), |coverage| {
        if coverage.is_whole || is_over() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(coverage.is_whole || coverage.time > time)
}
