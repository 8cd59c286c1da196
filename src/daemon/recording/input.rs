//! What the pane prints, and what follows from it for the recording.

use std::time::Duration;

use tokio::time::Instant;

use super::{QUIET, Task};
use crate::record::Taken;

impl Task {
    /// Takes in what the pane has printed.
    pub(super) fn drain(&mut self, ready: std::io::Result<()>) {
        let now = Instant::now();
        let time = self.now();
        let taken = self.intake.turn(ready, now, time, &mut self.recorder);
        if self.taken(taken).is_closed {
            // Did the pane end, or only its pipe?
            self.watcher.look();
        }
    }

    /// Takes in what one turn of reading gives.
    pub(super) fn take_turn(&mut self) -> usize {
        let taken = self.intake.read_turn(self.now(), &mut self.recorder);
        self.taken(taken).bytes
    }

    /// Takes in all that is there.
    pub(super) fn take_all(&mut self) {
        let taken = self.intake.read_all(self.now(), &mut self.recorder);
        self.taken(taken);
    }

    fn taken(&mut self, taken: Taken) -> Taken {
        if taken.bytes > 0 {
            self.last_output = Instant::now();
        }
        if taken.has_left {
            self.stale = true;
            self.switch_at = Some(Instant::now() + QUIET);
        }
        taken
    }

    /// Reads the stream to its end. Gives up when nothing has come for
    /// `quiet`.
    pub(super) async fn drain_to_eof(&mut self, quiet: Duration) {
        let mut end = Instant::now() + quiet;
        loop {
            if self.take_turn() > 0 {
                end = Instant::now() + quiet;
            }
            self.tick_file();
            let due = self.sink.due();
            if self.intake.stream().is_none_or(|stream| stream.is_closed) || Instant::now() >= end {
                return;
            }
            tokio::select! {
                _ = self.intake.readable() => {}
                () = self.alarm.at(due.into_iter().chain([end]).min()) => {}
                completion = self.sink.next_completion() => {
                    if let Some(event) = self.sink.complete(completion, &mut self.recorder) {
                        self.on_file_event(event);
                    }
                }
            }
        }
    }

    /// Gives back the memory that a flood has taken.
    pub(super) fn release_flood_buffers(&mut self) {
        if self.intake.release_flood_buffers(Instant::now()) {
            self.recorder.shrink();
            self.sink.shrink();
        }
    }
}
