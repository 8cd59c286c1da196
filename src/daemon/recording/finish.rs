//! The end of a recording: its streams are let go, its cast is closed.

use std::path::Path;
use std::sync::Arc;

use super::super::capture::End;
use super::file::REMOVED;
use super::follow_up::follow_up;
use super::status::Condition;
use super::task::Task;
use crate::archive::repair_file::{Change, RepairFileOptions, RepairedFile, repair_file};
use crate::archive::set_title;
use crate::config::Config;
use crate::record::{DiskSink, Recorder, Trouble};
use crate::wording::chain;

impl Task {
    /// Leaves the recording to another daemon: its pipe goes on, and all that
    /// was read is in the cast.
    pub(super) async fn hand_over(mut self: Box<Self>) {
        self.abandon_rotation().await;
        self.sink.close(&mut self.recorder).await;
        if let Some(stream) = self.intake.stream_mut() {
            stream.leave();
        }
        tracing::info!(id = self.spec.id, "left to another server");
    }

    pub(super) async fn finish(mut self: Box<Self>) {
        self.abandon_rotation().await;
        if let Some(closing) = self.closing.take() {
            let _ = closing.await;
        }
        if !self.is_server_gone() {
            self.flag.remove(&self.server, self.spec.window).await;
        }
        if self.recorder.has_overflowed() || self.recorder.stats().lost_bytes > self.marked_lost {
            self.mark_gap("output was dropped");
        }
        self.recorder.finish();
        let missing = self.sink.close(&mut self.recorder).await;
        let trouble = self.sink.trouble().cloned();
        self.recorder.count_unwritten(missing);
        let cast = match self.spec.flashback {
            Some(_) => self.end_flashback().await,
            None => Some(self.spec.cast_path.clone()),
        };
        if let Some(cast) = &cast {
            let title = self.spec.title.clone();
            settle_cast(&self.context.config, cast, title).await;
        }
        self.recorder.forget_kept();
        // Waits for a write that may be under way.
        let journal = self.journal;
        let _ = tokio::task::spawn_blocking(move || journal.remove()).await;
        let reason: Option<Arc<str>> = match (self.capture.end(), trouble) {
            (_, Some(Trouble::Refused(why))) if missing > 0 => Some(why.into()),
            (_, Some(Trouble::Removed)) => Some(REMOVED.into()),
            (Some(End::Gone(why)), _) => Some(why.into()),
            (Some(End::Asked) | None, _) => None,
        };
        let stats = self.recorder.stats();
        let (id, bytes) = (&self.spec.id, stats.bytes);
        tracing::info!(id, reason = reason.as_deref(), bytes, "finished");
        let condition = Condition::Finished { reason };
        self.report.update(condition, self.capture.pane(), stats);
        if let Some(cast) = &cast {
            follow_up(&self.context.config, cast, stats.bytes);
        }
    }
}

/// Closes a cast that its recording has left for the next one.
pub(in crate::daemon) async fn close_part(
    mut sink: DiskSink,
    config: Arc<Config>,
    title: Option<String>,
    bytes: u64,
) {
    let path = sink.path().to_owned();
    // All its lines are written.
    let mut nothing = Recorder::resume(0, 0, (1, 1), 0, usize::MAX);
    sink.close(&mut nothing).await;
    settle_cast(&config, &path, title).await;
    follow_up(&config, &path, bytes);
}

/// Makes a cast that has ended as it is to stay: checked, where that is wanted, and
/// with the title that its recording was given meanwhile.
pub(in crate::daemon) async fn settle_cast(config: &Config, path: &Path, title: Option<String>) {
    let (path, is_checked) = (path.to_owned(), config.recording.repair_on_stop);
    let work = move || {
        if is_checked {
            check_cast(&path);
        }
        if let Some(title) = title {
            retitle(&path, &title);
        }
    };
    // Long for a long cast: not on the thread that drains.
    let _ = tokio::task::spawn_blocking(work).await;
}

pub(super) fn retitle(path: &Path, title: &str) {
    if let Err(error) = set_title(path, title) {
        let path = path.display();
        tracing::warn!(%path, %error, "the cast keeps its old title");
    }
}

/// Checks a cast that has ended, and repairs it if something has happened to it.
fn check_cast(path: &Path) {
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
