//! What a recording tells of itself, and what it does about a file in trouble.

use tokio::time::Instant;

use super::Task;
use crate::api;
use crate::record::{FileEvent, Trouble};

impl Task {
    /// Starts what is due for the file.
    pub(super) fn tick_file(&mut self) {
        while let Some(event) = self.sink.tick(&mut self.recorder) {
            self.on_file_event(event);
        }
    }

    /// Acts on what has happened to the file.
    pub(super) fn on_file_event(&mut self, event: FileEvent) {
        match event {
            FileEvent::Failed(trouble) => {
                tracing::warn!(
                    id = self.journal.0.id,
                    ?trouble,
                    "the cast cannot be written"
                );
            }
            FileEvent::Recovered(why) => self.want_snapshot(&why),
            FileEvent::Replaceable => {
                self.start = Instant::now();
                self.base = 0;
                let header = self.header();
                self.recorder.restart(&header);
                let why = "the cast file was removed";
                self.recorder.gap(0, &format!("tvmux: gap: {why}"));
                let lines = self.recorder.take(Vec::new());
                self.sink.replace(lines);
            }
            FileEvent::Replaced => {
                tracing::warn!(
                    id = self.journal.0.id,
                    "the cast was removed; there is a new one"
                );
                self.stale = true;
                self.switch_at = Some(Instant::now());
            }
            FileEvent::SyncFailed(error) => {
                tracing::error!(id = self.journal.0.id, %error, "syncing the cast failed");
                self.warning = Some(format!("syncing the cast to disk failed: {error}"));
            }
        }
    }

    /// Asks for a snapshot that ends a gap.
    pub(super) fn want_snapshot(&mut self, why: &str) {
        self.gap = Some(why.to_owned());
        self.stale = true;
        self.switch_at = Some(Instant::now());
    }

    pub(super) fn mark_gap(&mut self, why: &str) {
        let before = self.journal.0.lost_bytes;
        let lost = self.recorder.stats().lost_bytes.saturating_sub(before);
        self.journal.0.lost_bytes += lost;
        let why = if why.is_empty() {
            "output was dropped"
        } else {
            why
        };
        let label = match lost {
            0 => format!("tvmux: gap: {why}"),
            _ => format!("tvmux: gap: {why}; {lost} bytes are missing"),
        };
        self.recorder.gap(self.now(), &label);
        tracing::warn!(id = self.journal.0.id, lost, why, "a gap");
    }

    pub(super) fn publish(&mut self) {
        let stats = self.recorder.stats();
        if stats.gaps != self.journal.0.gaps {
            self.journal.0.gaps = stats.gaps;
            self.journal.0.lost_bytes = stats.lost_bytes;
            self.journal.1.write_later(&self.journal.0);
        }
        let (state, reason) = self.state();
        let mut info = self.info.lock().unwrap_or_else(|error| error.into_inner());
        let pane = self.target.map(|target| target.pane.to_string());
        let is_news = info.state != state || info.reason != reason || info.active_pane != pane;
        if is_news {
            info.state = state;
            info.reason = reason;
            info.active_pane = pane;
        }
        info.duration = stats.duration as f64 / 1e6;
        info.bytes = stats.bytes;
        info.events = stats.events;
        info.gaps = stats.gaps;
        info.lost_bytes = stats.lost_bytes;
        if is_news {
            let events = &self.context.events;
            events.recording(api::EventKind::RecordingChanged, &info);
        }
    }

    pub(super) fn state(&self) -> (api::State, Option<String>) {
        match self.sink.trouble() {
            Some(Trouble::Refused(why)) => return (api::State::Suspended, Some(why.clone())),
            Some(Trouble::Removed) => {
                let path = self.sink.path().display();
                return (
                    api::State::Suspended,
                    Some(format!("the cast {path} was removed, or its folder")),
                );
            }
            None => {}
        }
        if self.recorder.has_overflowed() {
            let why = "output comes faster than it can be written";
            return (api::State::Suspended, Some(why.to_owned()));
        }
        if let Some(why) = &self.blind {
            return (api::State::Blind, Some(why.clone()));
        }
        (api::State::Recording, self.warning.clone())
    }
}
