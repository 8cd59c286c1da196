//! One pane's output, from its snapshot on; or a command's.

use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::fifo::{Fifo, Read};
use super::relay;
use crate::tmux::pipe::{self, Piped};
use crate::tmux::{self, PaneId, Separator, Server, Snapshot, Version, snapshot};

/// How long a pipe that was turned off may take to deliver its rest.
const REST: Duration = Duration::from_secs(5);

/// After so many bytes, others who wait for the core come first, or the recorder
/// holds up the very program that it records …
const LONG: usize = 32 * 1024;

/// … unless so many more wait: then the reader is late.
const LATE: usize = 512 * 1024;

/// A FIFO of ours, and whether anything more comes from it.
#[derive(Debug)]
pub struct PipeEnd {
    /// Where output comes in.
    pub fifo: Fifo,
    /// Whether the pipe has ended: nothing more will come.
    pub is_closed: bool,
}

/// A pane that is piped into a FIFO of ours.
#[derive(Debug)]
pub struct Stream {
    pub pane: PaneId,
    end: PipeEnd,
}

impl Deref for Stream {
    type Target = PipeEnd;

    fn deref(&self) -> &PipeEnd {
        &self.end
    }
}

impl DerefMut for Stream {
    fn deref_mut(&mut self) -> &mut PipeEnd {
        &mut self.end
    }
}

/// What a switch to a pane has given.
#[derive(Debug)]
pub struct Attached {
    pub snapshot: Snapshot,
    /// The pane's output from the snapshot on; an error where it cannot be had.
    pub stream: Result<Stream, Piped>,
}

/// Why a switch could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// tmux could not be asked, or refused.
    #[error(transparent)]
    Tmux(#[from] tmux::Error),
    /// The FIFO could not be made.
    #[error("cannot make the pipe {}", .path.display())]
    Fifo { path: PathBuf, source: io::Error },
    /// Its path cannot be given to tmux.
    #[error(transparent)]
    Path(#[from] pipe::UnsafePath),
}

/// Takes a snapshot of `pane` and starts its pipe, in one tmux invocation:
/// what the FIFO delivers is what follows the snapshot.
///
/// `own` is the FIFO that the pane is piped into by us already.
///
/// # Errors
/// When the FIFO cannot be made, or tmux refuses.
pub async fn attach_pipe(
    server: Server,
    version: Version,
    pane: PaneId,
    path: PathBuf,
    own: Option<PathBuf>,
    relay: Option<Arc<Path>>,
) -> Result<Attached, Error> {
    let fifo = Fifo::create(&path).map_err(|source| Error::Fifo {
        path: path.clone(),
        source,
    })?;
    let relay = relay.as_deref().map(|program| (program, relay::VERB));
    let start = pipe::start(pane, &path, own.as_deref(), relay)?;
    let separator = Separator::random();
    let mut batch = snapshot::query(version, pane, &separator);
    batch.append(start);
    let answer = server.run(&batch).await?;
    let (snapshot, rest) = Snapshot::parse(version, &separator, &answer)?;
    let piped = pipe::parse(rest).ok_or_else(|| tmux::Error::Unexpected {
        what: format!("{:?} of a pipe", String::from_utf8_lossy(rest)),
    })?;
    let stream = match piped {
        Piped::Yes => Ok(Stream {
            pane,
            end: PipeEnd::new(fifo),
        }),
        refused => Err(refused),
    };
    Ok(Attached { snapshot, stream })
}

impl PipeEnd {
    /// The reading end of a FIFO that somebody writes to, or will.
    #[must_use]
    pub fn new(fifo: Fifo) -> PipeEnd {
        PipeEnd {
            fifo,
            is_closed: false,
        }
    }

    /// Reads until there is nothing or `most` bytes have come; gives each
    /// chunk to `take` and returns how many bytes there were.
    pub fn drain(&mut self, buffer: &mut [u8], most: usize, mut take: impl FnMut(&[u8])) -> usize {
        let mut total = 0;
        while !self.is_closed && total < most {
            match self.fifo.read(buffer) {
                Ok(Read::Bytes(count)) => {
                    take(&buffer[..count]);
                    total += count;
                    if count < buffer.len() {
                        break;
                    }
                    if count >= LONG && self.fifo.waiting() < LATE {
                        thread::yield_now();
                    }
                }
                Ok(Read::Empty) => break,
                Ok(Read::Closed) => self.is_closed = true,
                Err(error) => {
                    let path = self.fifo.path().display();
                    tracing::warn!(%path, %error, "reading a pipe failed");
                    self.is_closed = true;
                }
            }
        }
        total
    }
}

impl Stream {
    /// Ends the pipe process, where it is still there: that of a dead pane
    /// would wait for its stream until the pane is closed.
    pub fn end_writers(self) {
        if self.is_closed {
            return;
        }
        for pid in self.fifo.writers() {
            // It may have ended meanwhile.
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
    }

    /// Turns the pipe off and lets the FIFO run dry, off the recording's way:
    /// a pipe process must never find its FIFO full.
    pub async fn drain_and_stop(&mut self, server: &Server) {
        let stop = pipe::stop(self.pane, self.fifo.path());
        let off = async {
            // Fails when the pane is gone, and the pipe with it.
            let _ = server.run(&stop).await;
        };
        let mut buffer = vec![0; 4096];
        tokio::pin!(off);
        let mut is_off = false;
        let end = Instant::now() + REST;
        while !self.is_closed && Instant::now() < end {
            tokio::select! {
                () = &mut off, if !is_off => is_off = true,
                ready = timeout(REST, self.fifo.readable()) => {
                    if !matches!(ready, Ok(Ok(()))) {
                        break;
                    }
                    self.drain(&mut buffer, usize::MAX, |_| ());
                }
            }
        }
        if !is_off {
            off.await;
        }
    }
}
