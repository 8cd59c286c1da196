//! A recording of a window goes on in its next cast.

use std::fs;
use std::sync::Arc;

use tokio::time::Instant;

use super::super::flashback;
use super::super::journal::Journal;
use super::super::rotation::{Made, Next, Progress, Writing, make_part};
use super::finish::close_part;
use super::flashback::{close_ring_part, leave_ring};
use super::task::Task;
use crate::api;
use crate::atomic_file::Durability;

impl Task {
    /// Rotates as far as that is possible now.
    pub(super) fn turn_rotation(&mut self) {
        let is_calm = self.capture.is_settled()
            && self.capture.end().is_none()
            && self.sink.trouble().is_none()
            && !self.recorder.has_overflowed()
            && !self.is_being_handed_over()
            && !self.is_held;
        let writing = Writing {
            cast: &self.spec.cast_path,
            time: self.cast_time(),
            recorder: &self.recorder,
            is_calm,
        };
        let hurry = self.rotation.turn(self.limits(), writing);
        self.turn_flashback();
        self.sink.set_hurry(hurry || self.saving.is_some());
    }

    pub(super) fn on_rotation(&mut self, progress: Progress) {
        match self.rotation.on(progress, &self.recorder) {
            Some(Next::Make(painted)) => self.make_part(painted),
            Some(Next::GoOn(made)) => self.go_on_in(made),
            Some(Next::TakeBack(made)) => {
                self.note();
                tokio::task::spawn_blocking(move || fs::remove_file(made.path));
            }
            None => {}
        }
    }

    /// Makes the next cast, and the journal that names it.
    fn make_part(&mut self, painted: Vec<u8>) {
        let stats = self.recorder.stats();
        let before = self.spec.cast_path.clone();
        let mut spec = self.spec.as_ref().clone();
        spec.earlier = spec.earlier.and(stats);
        let timestamp = spec.cast_started_micros() / 1_000_000;
        let header = spec.header(self.recorder.size(), timestamp);
        let (journal, carried) = (self.journal.clone(), self.carried);
        let goes_on = spec.flashback.as_ref();
        let saved = goes_on.and_then(|flashback| flashback.goes_on.clone());
        self.rotation.make(&self.recorder, move || {
            let mut behind = &before;
            if let Some(saved) = &saved {
                flashback::complete(&before, saved)?;
                spec.flashback = None;
                behind = saved;
            }
            let made = make_part(behind, spec.earlier, header, &painted)?;
            spec.cast_path.clone_from(&made.path);
            let content = Journal::new(spec, stats.gaps, stats.lost_bytes, carried);
            journal
                .write(&content, Durability::Kill)
                .inspect_err(|_| drop(fs::remove_file(&made.path)))?;
            Ok(made)
        });
    }

    fn go_on_in(&mut self, made: Made) {
        let stats = self.recorder.stats();
        self.cast_base = self.cast_time().saturating_sub(stats.duration);
        self.cast_start = Instant::now();
        let before = self
            .sink
            .go_on_in(made.file, made.length, self.context.intervals());
        let origin = self.origin();
        self.recorder
            .go_on_in(made.id, made.length, made.events, origin);
        let mut spec = self.spec.as_ref().clone();
        let title = spec.title.clone();
        spec.cast_path = made.path;
        spec.earlier = made.earlier;
        let left = spec
            .flashback
            .take_if(|flashback| flashback.goes_on.is_some());
        let saved = left.and_then(|flashback| flashback.goes_on);
        let is_in_ring = spec.flashback.is_some();
        self.spec = Arc::new(spec);
        self.is_overgrown = false;
        let (id, path) = (&self.spec.id, self.spec.cast_path.display());
        tracing::info!(id, %path, "the recording goes on in another cast");
        self.note();
        self.report.go_on_in(
            &self.spec.cast_path,
            (self.spec.earlier, self.recorder.stats()),
            self.spec.flashback_seconds(),
        );
        let events = &self.context.events;
        events.recording(api::EventKind::RecordingChanged, &self.report.to_api());
        let config = Arc::clone(&self.context.config);
        let bytes = stats.bytes;
        self.closing_part = Some(tokio::spawn(async move {
            match saved {
                Some(saved) => leave_ring(before, config, title, (saved, bytes)).await,
                None if is_in_ring => close_ring_part(before).await,
                None => close_part(before, config, title, bytes).await,
            }
        }));
        self.prune();
    }

    /// Ends a rotation that is under way: the recording ends, or is left to another
    /// daemon.
    pub(super) async fn abandon_rotation(&mut self) {
        if let Some(made) = self.rotation.abandon().await {
            self.note();
            let _ = tokio::task::spawn_blocking(move || fs::remove_file(made.path)).await;
        }
        if let Some(closing) = self.closing_part.take() {
            let _ = closing.await;
        }
    }
}
