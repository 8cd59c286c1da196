//! The end of a recording, and the way into a pause: in a lull, with all that the
//! pipe delivers.

use std::time::Duration;

use super::inputs::{Action, End, Time};
use super::machine::{Capture, DEAD_QUIET, PATIENCE, QUIET, REST};
use super::states::{Source, State, Stream, Then};

impl Capture {
    pub(super) fn on_end(&mut self, end: End, now: Time, actions: &mut Vec<Action>) {
        let first = *self.end.get_or_insert(end);
        match &self.state {
            State::Capturing(_) => self.stop_capturing(first, now, actions),
            State::Switching { .. } => self.hurry(now),
            State::Drying { .. } if end == End::Asked => self.hurry(now),
            _ => {}
        }
    }

    /// Somebody waits by now.
    pub(super) fn hurry(&mut self, now: Time) {
        match &mut self.state {
            State::Switching { .. } => {
                self.give_up_at.get_or_insert(now + REST);
            }
            State::Drying { quiet, until, .. } => {
                *quiet = DEAD_QUIET;
                *until = (*until).min(now + DEAD_QUIET);
            }
            _ => {}
        }
    }

    pub(super) fn stop_capturing(&mut self, end: End, now: Time, actions: &mut Vec<Action>) {
        match (self.take_state(), end) {
            (State::Capturing(Source::Stream(stream)), End::Gone(_)) => {
                self.dry(stream, REST, Then::Leave, now, actions);
            }
            (State::Capturing(Source::Stream(stream)), End::Asked) => {
                self.wait_for_lull(stream, now, actions);
            }
            _ => self.finish(actions),
        }
    }

    pub(super) fn wait_for_lull(&mut self, stream: Stream, now: Time, actions: &mut Vec<Action>) {
        let until = now + PATIENCE;
        self.state = State::Lull { stream, until };
        self.turn_off_in_lull(now, actions);
    }

    pub(super) fn turn_off_in_lull(&mut self, now: Time, actions: &mut Vec<Action>) {
        let State::Lull { stream, until } = &self.state else {
            return;
        };
        let (stream, until) = (*stream, *until);
        if stream.is_open && now < self.last_output + QUIET && now < until {
            return;
        }
        // Another pipe that is on the pane by now is not ours to turn off.
        actions.push(match stream.is_open {
            true => Action::TurnOff,
            false => Action::Disown,
        });
        let until = now + REST;
        self.state = State::TurningOff { stream, until };
    }

    pub(super) fn on_turned_off(&mut self, quiet: Duration, now: Time, actions: &mut Vec<Action>) {
        let State::TurningOff { stream, .. } = self.state else {
            return;
        };
        self.dry(stream, quiet, Then::Leave, now, actions);
    }

    pub(super) fn finish(&mut self, actions: &mut Vec<Action>) {
        // Up to the end: no snapshot ends it.
        actions.extend(self.take_gap().map(Action::MarkGap));
        actions.push(Action::Finish);
        self.state = State::Finished;
    }
}
