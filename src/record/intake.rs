//! What a pane prints, on its way from the stream into the recorder.
//!
//! Reading never waits for anything. A flood is read in turns: others who wait
//! for the core come first, and the pipe is left alone for a moment after each,
//! so that the next read takes more at once.

use std::cell::RefCell;
use std::io;
use std::ops::DerefMut;
use std::time::Duration;

use tokio::time::Instant;

use super::alternate::AltScreenExit;
use super::read_buffer::ReadBuffer;
use super::recent::Recent;
use super::recorder::Recorder;
use super::stream::{Buffer, PipeEnd, Stream};
use crate::cast::Micros;

/// Most bytes of one stream before others have their turn.
const TURN_BYTES: usize = 512 * 1024;

/// A turn that gave this many bytes is part of a flood.
const FLOOD_BYTES: usize = 16 * 1024;
const FLOOD_PAUSE: Duration = Duration::from_millis(8);

/// What a flood was given is taken back after this time without one.
const CALM: Duration = Duration::from_secs(4);

thread_local! {
    /// What FIFOs are read into; shared, since draining never waits.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

/// The stream that is recorded at present, if any, and how it is read.
#[derive(Debug)]
pub struct Intake<S = Stream> {
    stream: Option<S>,
    /// What it is read into; memory of this process's own without.
    kept: Option<ReadBuffer>,
    /// Set while the stream began on the alternate screen and is there still.
    alt_exit: Option<AltScreenExit>,
    /// What came last, of streams that begin with a snapshot.
    pub recent: Recent,
    paused_until: Option<Instant>,
    /// When the last flood was, until what it was given is taken back.
    flooded: Option<Instant>,
}

/// What one turn of reading gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Bytes handed to the recorder.
    pub bytes: usize,
    /// Whether a stream that began on the alternate screen has left it.
    pub has_left: bool,
    /// Whether the stream began within a character, which is shown as U+FFFD.
    pub is_cut: bool,
    /// Whether the stream has ended: nothing more comes from it.
    pub is_closed: bool,
    /// Whether the pipe process has dropped what would come next.
    pub is_broken: bool,
}

impl<S> Default for Intake<S> {
    fn default() -> Intake<S> {
        Intake {
            stream: None,
            kept: None,
            alt_exit: None,
            recent: Recent::default(),
            paused_until: None,
            flooded: None,
        }
    }
}

impl<S: DerefMut<Target = PipeEnd>> Intake<S> {
    /// Reads into memory that a kill does not take.
    pub fn keep(&mut self, buffer: ReadBuffer) {
        self.kept = Some(buffer);
    }

    /// The stream that is read, to be changed.
    pub fn stream_mut(&mut self) -> Option<&mut S> {
        self.stream.as_mut()
    }

    /// The stream that is read.
    #[must_use]
    pub fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }

    /// Reads `stream` from now on; the one before must have been taken out.
    /// Without one, whether the screen is the alternate one is all there is to
    /// know.
    pub fn attach(&mut self, stream: Option<S>, is_alternate: bool) {
        self.alt_exit = is_alternate.then(AltScreenExit::default);
        if stream.is_some() {
            self.stream = stream;
        }
    }

    /// Takes the stream out.
    pub fn detach(&mut self) -> Option<S> {
        self.stream.take()
    }

    /// Waits until there is something to read. Cancel safe.
    ///
    /// # Errors
    /// When the runtime's event loop fails.
    pub async fn readable(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Some(stream) if !stream.is_closed && self.paused_until.is_none() => {
                stream.fifo.readable().await
            }
            _ => std::future::pending().await,
        }
    }

    /// When a stream that is left alone is read again.
    #[must_use]
    pub fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Reads one turn, after [`Intake::readable`] returned `ready` or the pause
    /// was over. `time` is the cast's.
    pub fn turn(
        &mut self,
        ready: io::Result<()>,
        now: Instant,
        time: Micros,
        recorder: &mut Recorder,
    ) -> Taken {
        if let (Err(error), Some(stream)) = (ready, &mut self.stream) {
            let path = stream.fifo.path().display();
            tracing::warn!(%path, %error, "waiting for a pipe failed");
            stream.is_closed = true;
        }
        let taken = self.read(time, TURN_BYTES, recorder);
        if taken.bytes >= FLOOD_BYTES {
            self.paused_until = Some(now + FLOOD_PAUSE);
            self.flooded = Some(now);
            if let Some(stream) = &mut self.stream {
                stream.fifo.set_wide(true);
                stream.fifo.unwatch();
            }
            if let Some(kept) = &mut self.kept {
                kept.set_wide(true);
            }
        }
        taken
    }

    /// Reads one turn, and makes no pause after it.
    pub fn read_turn(&mut self, time: Micros, recorder: &mut Recorder) -> Taken {
        self.read(time, TURN_BYTES, recorder)
    }

    /// Reads all that is there.
    pub fn read_all(&mut self, time: Micros, recorder: &mut Recorder) -> Taken {
        self.read(time, usize::MAX, recorder)
    }

    fn read(&mut self, time: Micros, most: usize, recorder: &mut Recorder) -> Taken {
        self.paused_until = None;
        let Some(stream) = &mut self.stream else {
            return Taken::default();
        };
        let (alt_exit, recent) = (&mut self.alt_exit, &mut self.recent);
        let mut has_left = false;
        let take = |bytes: &[u8], ago: Option<Micros>| {
            recorder.output(time.saturating_sub(ago.unwrap_or(0)), bytes);
            recent.push(bytes);
            has_left |= alt_exit
                .as_mut()
                .is_some_and(|alt_exit| alt_exit.feed(bytes));
        };
        let bytes = match &mut self.kept {
            Some(kept) => stream.drain(Buffer::Kept(kept), most, take),
            None => BUFFER.with_borrow_mut(|buffer| {
                stream.drain(Buffer::Own(buffer.as_mut_slice()), most, take)
            }),
        };
        if has_left {
            self.alt_exit = None;
            recorder.left_alternate();
        }
        let dropped = stream.take_dropped();
        recorder.count_lost(dropped.unwrap_or(0));
        Taken {
            bytes,
            has_left,
            is_cut: recorder.take_cut(),
            is_closed: stream.is_closed,
            is_broken: dropped.is_some(),
        }
    }

    /// Gives back the pipe's memory that a flood has taken, where the last one
    /// is long ago. Returns whether that is so now.
    pub fn release_flood_buffers(&mut self, now: Instant) -> bool {
        let is_calm = self
            .flooded
            .is_some_and(|last| now.saturating_duration_since(last) > CALM);
        if is_calm {
            self.flooded = None;
            if let Some(stream) = &mut self.stream {
                stream.fifo.set_wide(false);
            }
            if let Some(kept) = &mut self.kept {
                kept.set_wide(false);
            }
        }
        is_calm
    }
}
