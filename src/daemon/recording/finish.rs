//! The end of a recording.

use std::path::Path;
use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::super::watcher::View;
use super::follow::drain_and_stop;
use super::{DEAD_QUIET, End, PATIENCE, QUIET, REST, Task};
use crate::api;
use crate::archive::repair_file::{Change, RepairFileOptions, RepairedFile, repair_file};
use crate::record::{Attached, Trouble};
use crate::tmux::pipe;
use crate::wording::chain;

impl Task {
    pub(super) async fn finish(mut self, end: End) {
        // A switch under way would leave a pipe behind.
        if let Some((_, switch)) = self.switching.take()
            && let Ok(Ok(Attached {
                stream: Ok(stream), ..
            })) = timeout(REST, switch).await
        {
            drain_and_stop(
                stream,
                self.subject.server.clone(),
                Arc::clone(&self.context.pipes),
            );
        }
        let server = self.subject.server.clone();
        if let Some(stream) = self.intake.stream() {
            let (pane, path) = (stream.pane, stream.fifo.path().to_owned());
            let mut quiet = REST;
            if matches!(end, End::Asked) {
                let patience = Instant::now() + PATIENCE;
                while self.take_turn() > 0 && Instant::now() < patience {
                    tokio::time::sleep(QUIET).await;
                }
                let answer = server.run(&pipe::stop(pane, &path)).await;
                if !answer.is_ok_and(|answer| pipe::parse(&answer).is_none()) {
                    // The pane is dead, or gone.
                    quiet = DEAD_QUIET;
                }
            }
            self.drain_to_eof(quiet).await;
            self.context.pipes.left(&server, pane, &path);
        }
        if let Some(stream) = self.intake.detach() {
            stream.end_writers();
        }
        if !matches!(&*self.view.borrow(), View::Gone) {
            // Fails when the window is gone.
            let _ = server
                .run(&pipe::flag_window(self.subject.window, false))
                .await;
        }
        if self.recorder.has_overflowed() {
            self.mark_gap("");
        }
        self.recorder.finish();
        let missing = self.sink.close(&mut self.recorder).await;
        let trouble = self.sink.trouble().cloned();
        self.recorder.count_unwritten(missing);
        if self.context.config.recording.repair_on_stop {
            let path = self.journal.0.cast_path.clone();
            // Long for a long cast: not on the thread that drains.
            let _ = tokio::task::spawn_blocking(move || check(&path)).await;
        }
        let file = self.journal.1.clone();
        // Waits for a write that may be under way.
        let _ = tokio::task::spawn_blocking(move || file.remove()).await;
        let reason = match (end, trouble) {
            (_, Some(Trouble::Refused(why))) if missing > 0 => Some(why),
            (_, Some(Trouble::Removed)) => Some("the cast file was removed".to_owned()),
            (End::Gone(why), _) => Some(why.to_owned()),
            (End::Asked, _) => None,
        };
        let stats = self.recorder.stats();
        let mut info = self.info.lock().unwrap_or_else(|error| error.into_inner());
        info.state = api::State::Finished;
        info.active = false;
        info.reason = reason;
        info.bytes = stats.bytes;
        info.events = stats.events;
        info.gaps = stats.gaps;
        info.lost_bytes = stats.lost_bytes;
        tracing::info!(
            id = info.id,
            reason = info.reason,
            bytes = stats.bytes,
            "finished"
        );
    }
}

/// Checks a cast that has ended, and repairs it if something has happened to it.
fn check(path: &Path) {
    match repair_file(path, &RepairFileOptions::default()) {
        Ok(RepairedFile {
            change: Change::None,
            ..
        }) => {}
        Ok(repaired) => {
            let backup = repaired.backup.unwrap_or_default();
            let (path, backup) = (path.display(), backup.display());
            tracing::warn!(%path, %backup, "the cast was damaged, and was repaired");
        }
        // A cast that was removed needs no repair.
        Err(error) => {
            let path = path.display();
            tracing::info!(%path, error = chain(&error), "the cast was not checked");
        }
    }
}
