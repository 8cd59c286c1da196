//! What the machine of a capture says, done.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::capture::Action;
use super::super::pipes::Pipes;
use super::process::ProcessExit;
use super::status::blind_reason;
use super::task::{Attaching, NOBODY_READ, Task};
use crate::record::{AttachOptions, Attached, Stream};
use crate::tmux::{PaneId, Server, pipe};

impl Task {
    pub(super) fn perform(&mut self, action: Action) {
        let time = self.cast_time();
        match action {
            Action::Look => self.watcher.look(),
            Action::Attach(pane) => self.attach(pane),
            Action::AbandonAttach => self.abandon_attach(),
            Action::Resize(columns, rows) => self.recorder.resize(time, columns, rows),
            Action::MarkGap(why) => self.mark_gap(&why),
            Action::Snapshot {
                size,
                painted,
                follows,
            } => self.record_snapshot(size, painted, follows),
            Action::MarkBlind(pane) => {
                let label = format!("tvmux: blind: {}", blind_reason(pane));
                self.recorder.gap(time, &label);
            }
            Action::MarkPaused => self.recorder.marker(time, &self.paused_label()),
            Action::MarkResumed => self.recorder.marker(time, "tvmux: resumed"),
            Action::Watch(pid) => {
                if self.process.as_ref().map(ProcessExit::pid) != Some(pid) {
                    self.process = Some(ProcessExit::watch(pid));
                }
            }
            Action::Adopt { is_alternate } => {
                if let Some(stream) = self.attached.take() {
                    let pipes = &self.context.pipes;
                    pipes.acquired(&self.server, stream.pane, stream.fifo.path());
                    if let Some(shown) = self.capture.shown() {
                        let record = shown.record(stream.fifo.path());
                        self.recorder.begin_stream(&record, is_alternate);
                    }
                    self.is_broken_told = false;
                    self.intake.attach(Some(stream), is_alternate);
                }
            }
            Action::ReadAll => {
                let taken = self.intake.read_all(time, &mut self.recorder);
                if taken.is_broken && !self.is_broken_told {
                    self.mark_gap(NOBODY_READ);
                }
            }
            Action::Release => {
                if let Some(stream) = self.intake.detach() {
                    let (server, pipes) = (self.server.clone(), Arc::clone(&self.context.pipes));
                    self.waiting
                        .add_leaving(drain_and_stop(stream, server, pipes));
                }
            }
            Action::Close => self.close_stream(),
            Action::CutOff => self.cut_off(),
            Action::TurnOff => self.turn_off(|stream| pipe::stop(stream.pane, stream.fifo.path())),
            Action::Disown => self.disown(),
            Action::Finish => self.is_finished = true,
        }
    }

    fn record_snapshot(&mut self, size: (u16, u16), mut painted: Vec<u8>, follows: bool) {
        let follows = follows && !self.recorder.has_overflowed();
        if self.recorder.has_overflowed() {
            self.mark_gap("output was dropped");
        }
        let time = self.cast_time();
        let mut is_seamless = false;
        if let Some(snapshot) = self.snapshot.take().filter(|_| follows) {
            let told = self.intake.recent.tell(self.version, &snapshot);
            painted = self.context.paint_with(snapshot, told.unrevealed);
            is_seamless = told.is_seamless;
        }
        if is_seamless {
            self.recorder
                .snapshot_within(time, size.0, size.1, &painted);
        } else {
            self.recorder.snapshot(time, size.0, size.1, &painted);
        }
        self.intake.recent.restart(size, &painted);
    }

    fn attach(&mut self, pane: PaneId) {
        let own = self
            .intake
            .stream()
            .filter(|stream| stream.pane == pane)
            .filter(|stream| !stream.is_closed || stream.is_cut_off())
            .map(|stream| stream.fifo.path().to_owned());
        let options = AttachOptions {
            own,
            with_history: false,
        };
        let pipes = Arc::clone(&self.context.pipes);
        let tmux = (self.server.clone(), self.version);
        let answer = Box::pin(pipes.attach(tmux, self.spec.server.pid, pane, options));
        self.attaching = Some(Attaching { pane, answer });
    }

    /// A pipe that has been started after all is not left behind.
    fn abandon_attach(&mut self) {
        let Some(attaching) = self.attaching.take() else {
            return;
        };
        let (server, pipes) = (self.server.clone(), Arc::clone(&self.context.pipes));
        tokio::spawn(async move {
            if let Ok(Attached {
                stream: Ok(stream), ..
            }) = attaching.answer.await
            {
                let _ = drain_and_stop(stream, server, pipes).await;
            }
        });
    }

    fn close_stream(&mut self) {
        let Some(mut stream) = self.intake.detach() else {
            return;
        };
        if stream.is_closed {
            // Its pipe process took it, and has not handed it on.
            self.recorder.count_lost(stream.take_missing());
        }
        let pipes = &self.context.pipes;
        pipes.released(&self.server, stream.pane, stream.fifo.path());
        // Looks through all processes.
        self.closing = Some(tokio::task::spawn_blocking(move || stream.end_writers()));
    }

    /// The pipe process ends, since nobody reads any more, and its pipe with it.
    fn cut_off(&mut self) {
        let Some(stream) = self.intake.detach() else {
            return;
        };
        let (pane, path) = (stream.pane, stream.fifo.path().to_owned());
        let (server, pipes) = (self.server.clone(), Arc::clone(&self.context.pipes));
        self.waiting.add_leaving(tokio::spawn(async move {
            // Fails when the pane is gone, and the pipe with it.
            let _ = server.run(&pipe::stop(pane, &path)).await;
            let ended = tokio::task::spawn_blocking(move || stream.end_writers());
            let _ = ended.await;
            pipes.released(&server, pane, &path);
        }));
    }

    fn turn_off(&mut self, batch: impl Fn(&Stream) -> crate::tmux::Batch) {
        let Some(stream) = self.intake.stream() else {
            return;
        };
        // One that is stopped would deliver nothing of what it has.
        stream.wake_relay();
        let (server, batch) = (self.server.clone(), batch(stream));
        self.turning_off = Some(Box::pin(async move {
            let answer = server.run(&batch).await;
            // Fails when the pane is gone, and the pipe with it.
            !answer.is_ok_and(|answer| pipe::parse(&answer).is_none())
        }));
    }

    fn disown(&mut self) {
        let is_another = |stream: &Stream| self.is_piped_by_another_of_ours(stream.pane);
        if self.intake.stream().is_some_and(is_another) {
            self.turning_off = Some(Box::pin(std::future::ready(false)));
        } else {
            self.turn_off(|stream| pipe::disown(stream.pane));
        }
    }

    /// Whether the pane's pipe is that of another recording of this daemon.
    pub(super) fn is_piped_by_another_of_ours(&self, pane: PaneId) -> bool {
        let owner = self.context.pipes.owner(&self.server, pane);
        let own = self.intake.stream().map(|stream| stream.fifo.path());
        owner.is_some_and(|owner| Some(owner.as_path()) != own)
    }

    pub(super) fn mark_gap(&mut self, why: &str) {
        let lost = self.recorder.stats().lost_bytes;
        let missing = lost.saturating_sub(self.marked_lost);
        self.marked_lost = lost;
        let label = match missing {
            0 => format!("tvmux: gap: {why}"),
            _ => format!("tvmux: gap: {why}; {missing} bytes are missing"),
        };
        self.recorder.gap(self.cast_time(), &label);
        tracing::warn!(id = self.spec.id, missing, why, "a gap");
    }
}

/// Leaves a pane, beside whatever the recording does next.
fn drain_and_stop(mut stream: Stream, server: Server, pipes: Arc<Pipes>) -> JoinHandle<()> {
    tokio::spawn(async move {
        stream.drain_and_stop(&server).await;
        pipes.released(&server, stream.pane, stream.fifo.path());
    })
}
