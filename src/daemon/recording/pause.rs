//! Pauses: those that somebody asks for, and those that the settings want.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::capture::{Input, UnreadOutput};
use super::super::spec::Paused;
use super::lookout::{is_withholding, withheld_in};
use super::status::Condition;
use super::task::Task;
use super::waiting::time_until;
use crate::clock::unix_seconds;

impl Task {
    pub(super) fn pause(&mut self, until: Option<u64>, reply: oneshot::Sender<bool>) {
        self.waiting.for_pause.push(reply);
        let spec = Arc::make_mut(&mut self.spec);
        spec.paused = Some(Paused { until });
        self.note();
        // What was printed before it is known.
        self.read_turn();
        self.feed(Input::Pause(UnreadOutput::Record));
    }

    pub(super) fn resume(&mut self, reply: Option<oneshot::Sender<bool>>) {
        self.waiting.for_end.extend(reply);
        let spec = Arc::make_mut(&mut self.spec);
        let was_paused = spec.paused.take().is_some() | spec.withheld.take().is_some();
        if was_paused {
            self.lookout.is_allowed = true;
            self.note();
        }
        self.feed(Input::Resume);
    }

    /// When the pause ends by itself.
    pub(super) fn resume_at(&self) -> Option<Instant> {
        let until = self.spec.paused?.until?;
        Some(Instant::now() + time_until(until))
    }

    /// Ends the pause if it is time.
    pub(super) fn end_pause(&mut self) {
        let until = self.spec.paused.and_then(|paused| paused.until);
        if until.is_some_and(|until| until <= unix_seconds()) {
            Arc::make_mut(&mut self.spec).paused = None;
            self.go_on();
        }
    }

    /// A reason for the pause is gone.
    fn go_on(&mut self) {
        self.note();
        if !self.spec.is_paused() {
            self.feed(Input::Resume);
        }
    }

    /// Looks whether the process that tmux has started in a pane, or one below it, is
    /// not to be recorded by the settings; or is again.
    pub(super) fn look_out(&mut self, process: Option<u32>) {
        let settings = &self.context.config.recording;
        let is_withheld = self.spec.withheld.is_some();
        if !is_withheld && !is_withholding(settings) {
            return;
        }
        // Not known yet: the first view of the server tells.
        let Some(process) = process else { return };
        let why = withheld_in(settings, process);
        self.lookout.looked(Instant::now(), why.is_some());
        let is_allowed = self.lookout.is_allowed;
        match why {
            Some(why) if !is_withheld && !is_allowed && self.capture.end().is_none() => {
                tracing::info!(id = self.spec.id, why, "paused by the settings");
                Arc::make_mut(&mut self.spec).withheld = Some(why);
                self.note();
                self.feed(Input::Pause(UnreadOutput::Drop));
            }
            None if is_withheld => {
                Arc::make_mut(&mut self.spec).withheld = None;
                self.go_on();
            }
            None => self.lookout.is_allowed = false,
            Some(_) => {}
        }
    }

    /// Before output is read: it may be what must not be. Returns whether it may.
    pub(super) fn may_read(&mut self) -> bool {
        if is_withholding(&self.context.config.recording) && self.lookout.is_due(Instant::now()) {
            self.look_out(self.capture.wanted_process());
        }
        !self.capture.is_paused()
    }

    /// Tells those who wait for what is so by now. A daemon that is killed from then
    /// on finds it in the journal.
    pub(super) fn answer_waiting(&mut self) {
        let waiting = &mut self.waiting;
        // A rotation writes the journal in the end.
        if self.rotation.is_making() {
            return;
        }
        if !waiting.for_end.is_empty() && self.capture.shown().is_some() && !self.spec.is_paused() {
            for reply in waiting.for_end.drain(..) {
                let _ = reply.send(true);
            }
        }
        if waiting.for_pause.is_empty() || !self.capture.is_paused() {
            return;
        }
        let replies = std::mem::take(&mut waiting.for_pause);
        let leaving = std::mem::take(&mut waiting.leaving);
        let closing = self.closing.take();
        let written = self.journal.write_later(self.to_journal());
        tokio::spawn(async move {
            for left in leaving.into_iter().chain(closing).chain([written]) {
                let _ = left.await;
            }
            for reply in replies {
                let _ = reply.send(true);
            }
        });
    }

    /// How a recording that is paused is told of.
    pub(super) fn paused_condition(&self) -> Option<Condition> {
        self.capture.is_paused().then(|| Condition::Paused {
            why: self.spec.withheld.as_deref().map(Arc::from),
            until: self.spec.paused.and_then(|paused| paused.until),
        })
    }

    /// What the marker of the pause says.
    pub(super) fn paused_label(&self) -> String {
        match (&self.spec.withheld, self.spec.paused) {
            (Some(why), None) => format!("tvmux: paused: {why}"),
            _ => "tvmux: paused".to_owned(),
        }
    }
}
