//! A pause: the stream ends as that of a recording does, and the next one begins
//! with a snapshot of its own.

use std::mem;

use super::inputs::{Action, Time, UnreadOutput};
use super::machine::Capture;
use super::states::{Source, State};

impl Capture {
    /// Whether nothing is recorded, since somebody wants it so.
    pub(in crate::daemon) fn is_paused(&self) -> bool {
        matches!(self.state, State::Capturing(Source::Paused))
    }

    pub(super) fn on_pause(&mut self, rest: UnreadOutput, now: Time, actions: &mut Vec<Action>) {
        if self.end.is_some() || self.is_paused() {
            return;
        }
        self.pause = Some(rest);
        match &self.state {
            State::Capturing(_) => self.pause_capturing(rest, now, actions),
            _ => self.hurry(now),
        }
    }

    pub(super) fn on_resume(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.pause = None;
        if self.end.is_none() {
            self.give_up_at = None;
            if self.is_paused() {
                self.leave_pause(now, actions);
            }
        }
    }

    pub(super) fn pause_capturing(
        &mut self,
        rest: UnreadOutput,
        now: Time,
        actions: &mut Vec<Action>,
    ) {
        match (self.take_state(), rest) {
            (State::Capturing(Source::Stream(stream)), UnreadOutput::Record) => {
                self.wait_for_lull(stream, now, actions);
            }
            (State::Capturing(Source::Stream(_)), UnreadOutput::Drop) => {
                actions.push(Action::CutOff);
                self.enter_pause(now, actions);
            }
            _ => self.enter_pause(now, actions),
        }
    }

    /// There is no stream any more.
    pub(super) fn enter_pause(&mut self, now: Time, actions: &mut Vec<Action>) {
        // No snapshot ends it soon.
        actions.extend(self.take_gap().map(Action::MarkGap));
        if !mem::replace(&mut self.marks_resume, true) {
            actions.push(Action::MarkPaused);
        }
        self.state = State::Capturing(Source::Paused);
        self.try_at = None;
        self.left_alone = None;
        self.wanted_since = None;
        self.give_up_at = None;
        self.tries = 0;
        self.was_foreign = false;
        self.warning = None;
        if self.pause.is_none() {
            // Meanwhile it was to go on.
            self.leave_pause(now, actions);
        }
    }

    fn leave_pause(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.state = State::Capturing(Source::Nothing);
        // Also the last screen of a dead pane is shown again.
        self.captured = None;
        actions.push(Action::Look);
        self.compare(now, actions);
    }
}
