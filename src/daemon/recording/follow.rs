//! Which pane is captured, and the way from one to the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::pipes::Pipes;
use super::super::watcher::View;
use super::process::Process;
use super::{DEAD_QUIET, End, PATIENCE, QUIET, REST, Target, Task};
use crate::record::{AttachError, Attached, Stream, attach_pipe};
use crate::tmux::pipe::Piped;
use crate::tmux::{PaneId, Server};

/// A switch that failed is tried again after this.
const AGAIN: Duration = Duration::from_millis(20);

/// How long a pane that another recording of ours is about to release is waited
/// for. That takes milliseconds, but for a machine that is very busy.
const HANDOVER: Duration = Duration::from_secs(5);

/// So often a snapshot that was torn is taken anew.
const TRIES: u32 = 50;

impl Task {
    /// Compares what there is with what is captured.
    pub(super) fn reconcile(&mut self) -> Result<(), End> {
        self.release_flood_buffers();
        let state = match &*self.view.borrow_and_update() {
            View::Unknown => return Ok(()),
            View::Gone => return Err(End::Gone("the tmux server is gone")),
            View::Live(state) => Arc::clone(state),
        };
        if state.identity != self.subject.identity {
            return Err(End::Gone("the tmux server is another one"));
        }
        let found = match self.subject.pane {
            Some(pane) => state.pane(pane).ok_or(End::Gone("the pane is closed"))?,
            None => state
                .active_pane(self.subject.window)
                .ok_or(End::Gone("the window is closed"))?,
        };
        let wanted = Target {
            pane: found.pane,
            pid: found.pid,
            size: found.size,
            is_dead: found.is_dead,
            has_status: found.has_status,
        };
        if self.target.is_some_and(|target| target.pane == wanted.pane) {
            // The pane has this size by now, whenever the snapshot comes.
            self.recorder
                .resize(self.now(), wanted.size.0, wanted.size.1);
        }
        let streams = self
            .intake
            .stream()
            .is_some_and(|stream| stream.pane == wanted.pane && !stream.is_closed);
        if self.target == Some(wanted) && (streams || wanted.is_dead) && !self.stale {
            self.wanted_since = None;
            self.switch_at = None;
            return Ok(());
        }
        if self.switching.is_some() {
            return Ok(());
        }
        let now = Instant::now();
        let since = *self.wanted_since.get_or_insert(now);
        if streams && self.last_output.elapsed() < QUIET && since.elapsed() < PATIENCE {
            self.switch_at = Some(now + QUIET);
            return Ok(());
        }
        self.switch(wanted);
        Ok(())
    }

    pub(super) fn switch(&mut self, wanted: Target) {
        let own = self
            .intake
            .stream()
            .filter(|stream| stream.pane == wanted.pane && !stream.is_closed)
            .map(|stream| stream.fifo.path().to_owned());
        let path = self
            .context
            .pipes
            .path(self.subject.identity.pid, wanted.pane);
        let future = attach_pipe(
            self.subject.server.clone(),
            self.subject.version,
            wanted.pane,
            path,
            own,
            self.context.pipes.relay(),
        );
        self.switch_at = None;
        self.switching = Some((wanted, Box::pin(future)));
    }

    /// A switch is made, or failed.
    pub(super) async fn on_attached(&mut self, answer: Result<Attached, AttachError>) {
        let Some((wanted, _)) = self.switching.take() else {
            return;
        };
        let Attached { snapshot, stream } = match answer {
            Ok(attached) => attached,
            Err(error) => {
                tracing::debug!(pane = %wanted.pane, %error, "no snapshot");
                if !matches!(error, AttachError::Tmux(_)) {
                    self.warning = Some(error.to_string());
                }
                // The pane may be gone by now: look before trying again.
                self.target = None;
                self.switch_at = Some(Instant::now() + AGAIN * self.tries.clamp(1, TRIES));
                self.tries = self.tries.saturating_add(1);
                self.watcher.look();
                return;
            }
        };
        self.detach(wanted.pane, matches!(stream, Err(Piped::Dead)))
            .await;
        if matches!(stream, Err(Piped::Busy)) && self.waits_for_ours(wanted.pane) {
            return;
        }
        let (columns, rows) = (snapshot.columns(), snapshot.rows());
        let is_alternate = snapshot.is_alternate();
        let is_torn = snapshot.is_torn() && self.tries < TRIES;
        let painted = self.context.paint(snapshot);
        let repeats = stream.is_err() && self.blind.is_some() && painted == self.last_painted;
        let is_gap = self.gap.is_some() || self.recorder.has_overflowed();
        if is_gap {
            let why = self.gap.take().unwrap_or_default();
            self.mark_gap(&why);
        }
        if !repeats || is_gap {
            self.recorder.snapshot(self.now(), columns, rows, &painted);
        }
        self.target = Some(Target {
            size: (columns, rows),
            ..wanted
        });
        if self.process.as_ref().map(|process| process.pid) != Some(wanted.pid) {
            self.process = Some(Process::watch(wanted.pid));
        }
        self.stale = is_torn;
        self.is_foreign = false;
        self.wanted_since = None;
        self.warning = None;
        self.last_painted.clear();
        let (stream, refused) = match stream {
            Ok(stream) => (Some(stream), None),
            Err(refused) => (None, Some(refused)),
        };
        if let Some(stream) = &stream {
            self.context
                .pipes
                .took(&self.subject.server, stream.pane, stream.fifo.path());
        }
        self.intake.attach(stream, is_alternate);
        match refused {
            None => self.blind = None,
            Some(Piped::Busy) => {
                if self.blind.is_none() {
                    let pane = wanted.pane;
                    let what = format!("pane {pane} is piped by another program");
                    self.recorder
                        .gap(self.now(), &format!("tvmux: blind: {what}"));
                    self.blind = Some(what);
                }
                self.last_painted = painted;
            }
            Some(Piped::Dead | Piped::Yes) => self.blind = None,
        }
        self.tries = if is_torn { self.tries + 1 } else { 0 };
        if self.target != Some(wanted) || is_torn {
            // It has changed meanwhile: compare again.
            self.switch_at = Some(Instant::now() + QUIET);
        }
        self.watcher.look();
    }

    /// Whether the pane's pipe is another recording's of ours, which is about
    /// to leave it. Tries again then.
    pub(super) fn waits_for_ours(&mut self, pane: PaneId) -> bool {
        let waited = self
            .wanted_since
            .map_or(Duration::ZERO, |since| since.elapsed());
        // One that went blind over it tries at each look only.
        if waited >= HANDOVER || self.blind.is_some() {
            return false;
        }
        // It may have been ours when tmux answered, and been left since then.
        let is_foreign = !self.context.pipes.is_ours(&self.subject.server, pane);
        let was_foreign = std::mem::replace(&mut self.is_foreign, is_foreign);
        if is_foreign && was_foreign {
            return false;
        }
        self.target = None;
        self.switch_at = Some(Instant::now() + AGAIN);
        self.watcher.look();
        true
    }

    /// Takes leave of the stream that runs, since another begins on `next`.
    pub(super) async fn detach(&mut self, next: PaneId, is_dead: bool) {
        let Some(pane) = self.intake.stream().map(|stream| stream.pane) else {
            return;
        };
        let is_alive = match &*self.view.borrow() {
            View::Live(state) => state.pane(pane).is_some_and(|pane| !pane.is_dead),
            View::Unknown | View::Gone => false,
        };
        if pane == next && is_dead {
            self.drain_to_eof(DEAD_QUIET).await;
        } else if pane == next || !is_alive {
            // The pipe is off: everything it still delivers came before the
            // snapshot.
            self.drain_to_eof(REST).await;
        } else {
            self.take_all();
        }
        let Some(stream) = self.intake.detach() else {
            return;
        };
        let server = self.subject.server.clone();
        if pane == next {
            self.context.pipes.left(&server, pane, stream.fifo.path());
            stream.end_writers();
        } else {
            drain_and_stop(stream, server, Arc::clone(&self.context.pipes));
        }
    }
}

/// Leaves a pane, beside whatever the recording does next.
pub(super) fn drain_and_stop(mut stream: Stream, server: Server, pipes: Arc<Pipes>) {
    tokio::spawn(async move {
        stream.drain_and_stop(&server).await;
        pipes.left(&server, stream.pane, stream.fifo.path());
    });
}
