//! What a recording does about a file in trouble.

use tokio::time::Instant;

use super::super::capture::Input;
use super::status::Condition;
use super::task::Task;
use crate::clock::unix_seconds;
use crate::record::{FileEvent, Trouble};

/// Why what was recorded before is missing, and what comes now is in a new file.
pub(in crate::daemon) const REMOVED: &str = "the cast file was removed";

/// The same where the recording itself has removed it.
const OVERGROWN: &str = "the pane printed more than may be kept";

impl Task {
    /// Starts what is due for the file.
    pub(super) fn tick_file(&mut self) {
        while let Some(event) = self.sink.tick(&mut self.recorder) {
            self.on_file_event(event);
        }
    }

    /// Acts on what has happened to the file.
    pub(super) fn on_file_event(&mut self, event: FileEvent) {
        let id = &self.spec.id;
        match event {
            FileEvent::Failed(trouble) => {
                tracing::warn!(id, ?trouble, "the cast cannot be written");
            }
            FileEvent::Recovered(why) => self.feed(Input::Missing(why)),
            FileEvent::Replaceable => self.start_over(),
            FileEvent::Replaced => {
                tracing::warn!(id, "the cast was removed; there is a new one");
                if let Ok(file) = self.sink.file_id() {
                    let origin = self.origin();
                    self.recorder.set_file(file, origin);
                }
                let why = match std::mem::take(&mut self.is_overgrown) {
                    true => OVERGROWN,
                    false => REMOVED,
                };
                self.feed(Input::Missing(why.to_owned()));
            }
            FileEvent::SyncFailed(error) => {
                tracing::error!(id, %error, "syncing the cast failed");
                let warning = format!("syncing the cast to disk failed: {error}");
                self.capture.warn(&warning);
            }
        }
    }

    /// Goes on in a new file, in which nothing stands before the next snapshot.
    fn start_over(&mut self) {
        self.cast_start = Instant::now();
        self.cast_base = 0;
        let header = self.spec.header(self.recorder.size(), unix_seconds());
        self.recorder.restart(&header);
        self.rotation.start_over();
        let lines = self.recorder.take_copy();
        self.sink.replace(lines);
    }

    /// How the file is, where it takes nothing.
    pub(super) fn file_condition(&self) -> Option<Condition> {
        match self.sink.trouble()? {
            Trouble::Refused(why) => Some(Condition::Refused(why.as_str().into())),
            Trouble::Removed => Some(Condition::Removed),
        }
    }
}
