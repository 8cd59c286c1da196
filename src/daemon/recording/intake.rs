//! What the pane prints, on its way from the FIFO to the recorder.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::{QUIET, TURN_BYTES, Task};

/// A read that gave so many bytes is a flood: the pipe is left alone for a
/// moment, so that the next read takes more at once.
const FLOOD_BYTES: usize = 16 * 1024;
const FLOOD_PAUSE: Duration = Duration::from_millis(8);

/// What a flood was given is taken back when it is so long ago.
const CALM: Duration = Duration::from_secs(4);

thread_local! {
    /// What FIFOs are read into; shared, since draining never waits.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

impl Task {
    /// Takes in what the pane has printed.
    pub(super) fn drain(&mut self, ready: std::io::Result<()>) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        if let Err(error) = ready {
            tracing::warn!(pane = %stream.pane, %error, "waiting for a pipe failed");
            stream.is_closed = true;
        }
        let total = self.take_in(TURN_BYTES);
        if total >= FLOOD_BYTES {
            let now = Instant::now();
            self.paused_until = Some(now + FLOOD_PAUSE);
            self.flooded = Some(now);
            if let Some(stream) = &mut self.stream {
                stream.fifo.set_wide(true);
                stream.fifo.unwatch();
            }
        }
        if self.stream.as_ref().is_some_and(|stream| stream.is_closed) {
            // Did the pane end, or only its pipe?
            self.watcher.look();
        }
    }

    /// Reads what is in the stream's FIFO, up to about `most` bytes.
    pub(super) fn take_in(&mut self, most: usize) -> usize {
        let now = self.now();
        let Some(stream) = &mut self.stream else {
            return 0;
        };
        let recorder = &mut self.recorder;
        let leaving = &mut self.leaving;
        let mut has_left = false;
        let total = BUFFER.with_borrow_mut(|buffer| {
            stream.drain(buffer, most, |bytes| {
                recorder.output(now, bytes);
                has_left |= leaving.as_mut().is_some_and(|leaving| leaving.sees(bytes));
            })
        });
        if total > 0 {
            self.last_output = Instant::now();
        }
        if has_left {
            self.leaving = None;
            self.stale = true;
            self.switch_at = Some(Instant::now() + QUIET);
        }
        total
    }

    /// Reads the stream to its end. Gives up when nothing has come for
    /// `quiet`.
    pub(super) async fn take_rest(&mut self, quiet: Duration) {
        let mut end = Instant::now() + quiet;
        loop {
            if self.take_in(TURN_BYTES) > 0 {
                end = Instant::now() + quiet;
            }
            self.sink.advance(&mut self.recorder);
            let due = self.sink.due(self.recorder.waiting() > 0);
            let Some(stream) = &mut self.stream else {
                return;
            };
            if stream.is_closed || Instant::now() >= end {
                return;
            }
            tokio::select! {
                _ = stream.fifo.readable() => {}
                () = self.alarm.at(due.into_iter().chain([end]).min()) => {
                    let news = self.sink.on_time();
                    self.heed(news);
                }
                wake = self.sink.news() => {
                    let news = self.sink.settle(wake, &mut self.recorder);
                    self.heed(news);
                }
            }
        }
    }

    /// Gives back the memory that a flood has taken.
    pub(super) fn calm_down(&mut self) {
        if self.flooded.is_some_and(|last| last.elapsed() > CALM) {
            self.flooded = None;
            if let Some(stream) = &mut self.stream {
                stream.fifo.set_wide(false);
            }
            self.recorder.shrink();
            self.sink.shrink();
        }
    }
}
