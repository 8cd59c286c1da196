//! What a command's recording does about its pauses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pause::{ANSWER, Pause, State};
use super::task::Task;
use crate::clock::{monotonic_micros, unix_seconds};
use crate::daemon::spec::Paused;
use crate::record::{Order, orders_path};

impl Task {
    pub(super) fn pause(&mut self, until: Option<u64>, reply: oneshot::Sender<bool>) {
        self.pause.asked = Some(Paused { until });
        self.pause.waiting.push(reply);
        match self.pause.state {
            State::Recording => self.order_pause(),
            State::Pausing { .. } => {}
            State::Paused => self.tell_paused(),
        }
    }

    /// Also of a pause that a daemon before has left: it may have died before it gave
    /// the order.
    pub(super) fn order_pause(&mut self) {
        let number = monotonic_micros();
        match Order::Pause(number).send(&self.orders()) {
            Ok(()) => {
                self.pause.state = State::Pausing {
                    number,
                    by: Instant::now() + ANSWER,
                };
            }
            Err(error) => {
                tracing::warn!(id = self.id(), %error, "the recording cannot be paused");
                self.pause.asked = None;
                self.pause.state = State::Recording;
                for reply in self.pause.waiting.drain(..) {
                    let _ = reply.send(false);
                }
            }
        }
    }

    /// Somebody wants it to be recorded, whatever the settings say.
    pub(super) fn resume(&mut self, reply: oneshot::Sender<bool>) {
        self.pause.for_end.push(reply);
        let is_withheld = self.pause.withheld.is_some();
        if self.pause.state == State::Recording && !is_withheld {
            return self.on_resumed();
        }
        if is_withheld {
            self.order(Order::Allow);
        }
        self.end_pause(|pause| pause.withheld = None);
    }

    fn end_pause(&mut self, more: impl FnOnce(&mut Pause)) {
        self.pause.asked = None;
        if matches!(self.pause.state, State::Pausing { .. }) {
            self.enter_pause();
        }
        self.change(|pause| {
            pause.state = State::Recording;
            more(pause);
        });
        self.write_journal();
        self.order(Order::Resume);
    }

    fn order(&mut self, order: Order) {
        if let Err(error) = order.send(&self.orders()) {
            // Its process is gone: the recording ends.
            tracing::warn!(id = self.id(), %error, "nothing more comes");
            self.on_resumed();
        }
    }

    /// Changes how it stands with pauses, and marks where one begins or ends.
    fn change(&mut self, change: impl FnOnce(&mut Pause)) {
        let was_paused = self.pause.label().is_some();
        change(&mut self.pause);
        let label = match (was_paused, self.pause.label()) {
            (false, Some(label)) => label,
            (true, None) => "tvmux: resumed".to_owned(),
            (true, Some(_)) | (false, None) => return,
        };
        self.recorder.marker(self.cast_time(), &label);
    }

    /// What the command prints is handed over again.
    pub(super) fn on_resumed(&mut self) {
        for reply in self.pause.for_end.drain(..) {
            let _ = reply.send(true);
        }
    }

    /// All that was printed before the pause is in the FIFO.
    pub(super) fn on_paused(&mut self, number: u64) {
        match self.pause.state {
            State::Pausing { number: asked, .. } if asked == number => self.enter_pause(),
            // It comes late, and still says what is in the FIFO.
            State::Paused => self.read_all(),
            State::Recording | State::Pausing { .. } => {}
        }
    }

    /// The settings want nothing of it to be recorded, and why; or want it again.
    pub(super) fn on_withheld(&mut self, why: Option<String>) {
        self.read_all();
        self.change(|pause| pause.withheld = why.map(Arc::from));
        self.write_journal();
    }

    fn enter_pause(&mut self) {
        self.read_all();
        self.begin_pause();
    }

    fn begin_pause(&mut self) {
        self.change(|pause| pause.state = State::Paused);
        self.tell_paused();
    }

    /// Does what is due by the clock.
    pub(super) fn tick_pause(&mut self) {
        if let State::Pausing { by, .. } = self.pause.state
            && by <= Instant::now()
        {
            self.begin_pause();
        }
        let until = self.pause.asked.and_then(|asked| asked.until);
        if until.is_some_and(|until| until <= unix_seconds()) {
            self.end_pause(|_| ());
        }
    }

    /// Answers those who wait, once a daemon that comes later would know of it.
    fn tell_paused(&mut self) {
        self.publish();
        let written = self.write_journal();
        let waiting = std::mem::take(&mut self.pause.waiting);
        tokio::spawn(async move {
            let _ = written.await;
            for reply in waiting {
                let _ = reply.send(true);
            }
        });
    }

    pub(super) fn orders(&self) -> PathBuf {
        let output = self.intake.stream().map(|stream| stream.fifo.path());
        orders_path(output.unwrap_or(Path::new("")))
    }
}
