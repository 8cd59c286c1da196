//! One pane's output, from its snapshot on; or a command's.

use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, timeout};

use super::fifo::{Fifo, Read};
use super::ledger::{Came, Ledger, split_by_times};
use super::read_buffer::ReadBuffer;
use super::relay;
use crate::clock::monotonic_micros;
use crate::tmux::pipe::{self, Piped};
use crate::tmux::snapshot::{self, history};
use crate::tmux::{self, Batch, PaneId, Separator, Server, Snapshot, Version};

/// How long a pipe that was turned off may take to deliver its rest.
const REST: Duration = Duration::from_secs(5);

/// How many processes are looked at in one go.
const AT_ONCE: usize = 64;

/// How long a relay may take to notice that its reader has gone: it need only
/// be woken.
const NOTICE: Duration = Duration::from_millis(200);

/// Bytes after which others who wait for the core come first, or the recorder
/// holds up the very program that it records …
const LONG: usize = 32 * 1024;

/// … unless this many more wait: then the reader is late.
const LATE: usize = 512 * 1024;

/// A FIFO of ours, and whether anything more comes from it.
#[derive(Debug)]
pub struct PipeEnd {
    /// Where output comes in.
    pub fifo: Fifo,
    /// Whether the pipe has ended: nothing more will come.
    pub is_closed: bool,
    /// What the pipe process says; none where it is not a relay.
    ledger: Option<Ledger>,
    /// Bytes of the stream that were read.
    position: u64,
    /// When held output came, as the ledger had it in this turn.
    times: Vec<Came>,
    turn: u64,
    /// Dropped bytes that were told.
    told: u64,
    /// Whether another daemon is to go on with it.
    is_left: bool,
}

/// What a FIFO is read into.
pub enum Buffer<'a> {
    /// Memory of this process.
    Own(&'a mut [u8]),
    /// Memory that a kill does not take.
    Kept(&'a mut ReadBuffer),
}

impl Buffer<'_> {
    fn begin(&mut self, position: u64) -> &mut [u8] {
        match self {
            Buffer::Own(bytes) => bytes,
            Buffer::Kept(buffer) => buffer.begin(position),
        }
    }

    fn bytes(&self, count: usize) -> &[u8] {
        match self {
            Buffer::Own(bytes) => &bytes[..count],
            Buffer::Kept(buffer) => buffer.bytes(count),
        }
    }

    fn done(&mut self, count: usize) {
        if let Buffer::Kept(buffer) = self {
            buffer.wipe(count);
        }
    }
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

/// What a switch to a pane begins with.
#[derive(Clone, Debug, Default)]
pub struct AttachOptions {
    /// The FIFO that the pane is piped into by us already.
    pub own: Option<PathBuf>,
    /// Whether tmux's history of the pane is asked for.
    pub with_history: bool,
}

/// What a switch to a pane has given.
#[derive(Debug)]
pub struct Attached {
    /// Output that prints what was on the screen before, where that was asked for.
    pub history: Vec<u8>,
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

/// The program that serves as the pipe process, and how much it holds.
#[derive(Clone, Debug)]
pub struct RelayProgram {
    pub program: Arc<Path>,
    /// Most bytes that one holds while nobody reads.
    pub bound: u64,
}

/// Takes a snapshot of `pane` and starts its pipe, in one tmux invocation:
/// what the FIFO delivers is what follows the snapshot.
///
/// # Errors
/// When the FIFO cannot be made, or tmux refuses.
pub async fn attach_pipe(
    server: Server,
    version: Version,
    pane: PaneId,
    path: PathBuf,
    options: AttachOptions,
    relay: Option<RelayProgram>,
) -> Result<Attached, Error> {
    let fifo = Fifo::create(&path).map_err(|source| Error::Fifo {
        path: path.clone(),
        source,
    })?;
    let end = PipeEnd::with_ledger(fifo);
    let arguments = relay
        .as_ref()
        .map(|relay| format!("{} {} {}", relay::VERB, path.display(), relay.bound));
    let command = relay.as_ref().zip(arguments.as_deref());
    let command = command.map(|(relay, arguments)| (&*relay.program, arguments));
    let start = pipe::start(pane, &path, options.own.as_deref(), command)?;
    let separator = Separator::random();
    let mut batch = match options.with_history {
        true => history::query(pane, &separator),
        false => Batch::new(),
    };
    batch.append(snapshot::query(version, pane, &separator));
    batch.append(start);
    let answer = server.run(&batch).await?;
    let (past, screen) = match options.with_history {
        true => history::split(&separator, &answer),
        false => (None, answer.as_slice()),
    };
    let (snapshot, rest) = Snapshot::parse(version, &separator, screen)?;
    let piped = pipe::parse(rest).ok_or_else(|| tmux::Error::Unexpected {
        what: format!("{:?} of a pipe", String::from_utf8_lossy(rest)),
    })?;
    let stream = match piped {
        Piped::Yes => Ok(Stream { pane, end }),
        refused => Err(refused),
    };
    Ok(Attached {
        history: past.map_or(Vec::new(), |past| history::output(past, snapshot.rows())),
        snapshot,
        stream,
    })
}

impl PipeEnd {
    /// The reading end of a FIFO that somebody writes to, or will.
    #[must_use]
    pub fn new(fifo: Fifo) -> PipeEnd {
        PipeEnd {
            fifo,
            is_closed: false,
            ledger: None,
            position: 0,
            times: Vec::new(),
            turn: 0,
            told: 0,
            is_left: false,
        }
    }

    /// The same, with a ledger for the relay that will write to it.
    fn with_ledger(fifo: Fifo) -> PipeEnd {
        let ledger = Ledger::create(fifo.path()).inspect_err(|error| {
            let path = fifo.path().display();
            tracing::warn!(%path, %error, "the pipe process will not outlive the server");
        });
        let ledger = ledger.ok();
        let mut end = PipeEnd::new(fifo);
        end.ledger = ledger;
        end
    }

    /// The FIFO of a daemon that is gone, from which `taken` bytes of the stream
    /// were read; and how many are out of it, where the relay has noticed.
    ///
    /// # Errors
    /// When it is not there, or nobody writes to it any more.
    pub fn take_over(path: &Path, taken: u64) -> io::Result<(PipeEnd, Option<u64>)> {
        let ledger = Ledger::open(path)?;
        let relay = Pid::from_raw(i32::try_from(ledger.relay()).unwrap_or(0));
        if !is_writer(relay, path) {
            let why = "its pipe process has ended";
            return Err(io::Error::new(io::ErrorKind::NotConnected, why));
        }
        // While it holds, nothing goes into the FIFO: it notices at once.
        let end = std::time::Instant::now() + NOTICE;
        while !ledger.is_holding() && std::time::Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        let fifo = Fifo::take_over(path)?;
        let is_holding = ledger.is_holding();
        let consumed = ledger.passed().saturating_sub(fifo.waiting() as u64);
        ledger.take_over();
        let mut end = PipeEnd::new(fifo);
        end.ledger = Some(ledger);
        end.position = taken;
        Ok((end, is_holding.then_some(consumed)))
    }

    /// The FIFO of a daemon that is gone, which process `writer` has open still,
    /// and from which `taken` bytes were read.
    ///
    /// # Errors
    /// When it is not there, or the process does not write to it any more.
    pub fn take_over_from(writer: u32, path: &Path, taken: u64) -> io::Result<PipeEnd> {
        if !has_open(writer, path) {
            let why = "the process that runs the command has left it";
            return Err(io::Error::new(io::ErrorKind::NotConnected, why));
        }
        let mut end = PipeEnd::new(Fifo::take_over(path)?);
        end.position = taken;
        Ok(end)
    }

    /// `count` bytes more were read than was known.
    pub fn skip(&mut self, count: u64) {
        self.position += count;
    }

    /// When the relay began to hold, by the monotonic clock: what was in the
    /// FIFO by then came before.
    #[must_use]
    pub fn held_since(&self) -> Option<u64> {
        let times = self.ledger.as_ref()?.times();
        times.iter().find_map(|came| came.at)
    }

    /// Another daemon is to go on where this one stops reading.
    pub fn leave(&mut self) {
        self.is_left = true;
        self.fifo.leave();
    }

    /// Bytes that the relay has dropped and that are not counted yet, once all
    /// that came before them is read.
    pub fn take_dropped(&mut self) -> Option<u64> {
        let ledger = self.ledger.as_ref()?;
        let is_reached = ledger.hole().is_some_and(|hole| self.position >= hole);
        if !is_reached {
            return None;
        }
        let dropped = ledger.dropped();
        let news = dropped - self.told;
        self.told = dropped;
        Some(news)
    }

    /// Bytes that the relay took and that never came here: of a pipe that is
    /// closed, those are lost.
    pub fn take_missing(&mut self) -> u64 {
        let Some(ledger) = &self.ledger else { return 0 };
        let all = ledger.passed().max(self.position) + ledger.held() + ledger.dropped();
        let missing = all - self.position - self.told;
        self.told += missing;
        missing
    }

    /// Whether the pipe process was ended, but not by tmux: that has the pipe
    /// still, and does not know until the pane prints.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.is_closed && self.ledger.as_ref().is_some_and(Ledger::is_cut_off)
    }

    /// Lets a relay that somebody has stopped go on: what it holds up is not
    /// lost yet. Returns whether one was.
    pub fn wake_relay(&self) -> bool {
        let Some(ledger) = &self.ledger else {
            return false;
        };
        let relay = Pid::from_raw(i32::try_from(ledger.relay()).unwrap_or(0));
        let is_stopped = is_stopped(relay) && is_writer(relay, self.fifo.path());
        if is_stopped {
            let path = self.fifo.path().display();
            tracing::warn!(%path, pid = relay.as_raw(), "a pipe process was stopped: it goes on");
            let _ = kill(relay, Signal::SIGCONT);
        }
        is_stopped
    }

    /// Reads until there is nothing or `most` bytes have come; gives each
    /// chunk to `take`, with the microseconds since it came where it was held,
    /// and returns how many bytes there were.
    pub fn drain(
        &mut self,
        mut buffer: Buffer<'_>,
        most: usize,
        mut take: impl FnMut(&[u8], Option<u64>),
    ) -> usize {
        self.read_times();
        let mut total = 0;
        while !self.is_closed && total < most {
            let room = buffer.begin(self.position);
            let size = room.len();
            match self.fifo.read(room) {
                Ok(Read::Bytes(count)) => {
                    self.hand_over(buffer.bytes(count), &mut take);
                    buffer.done(count);
                    total += count;
                    if count < size {
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

    fn hand_over(&mut self, bytes: &[u8], take: &mut impl FnMut(&[u8], Option<u64>)) {
        let position = self.position;
        self.position += bytes.len() as u64;
        if self.times.is_empty() {
            return take(bytes, None);
        }
        let now = monotonic_micros();
        split_by_times(&self.times, position, bytes, |part, at| {
            take(part, at.map(|at| now.saturating_sub(at)));
        });
    }

    fn read_times(&mut self) {
        let Some(ledger) = &self.ledger else { return };
        let turn = ledger.turn();
        if turn != self.turn {
            self.turn = turn;
            self.times = ledger.times();
        }
        let is_past = |came: &Came| came.at.is_none() && came.position <= self.position;
        if self.times.last().is_some_and(is_past) {
            self.times = Vec::new();
        }
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        if let Some(ledger) = &self.ledger
            && !self.is_left
        {
            // Before the FIFO is closed, which wakes the relay.
            ledger.let_go();
            let _ = std::fs::remove_file(super::ledger::ledger_path(self.fifo.path()));
        }
    }
}

/// Tells a relay that a daemon before has left, and that nobody goes on with,
/// that it can end.
pub fn let_go(fifo: &Path) {
    if let Ok(ledger) = Ledger::open(fifo) {
        ledger.let_go();
    }
}

/// Whether the pipe process of a FIFO was ended, but not by tmux, which has the
/// pipe still. To be asked where nobody writes to the FIFO any more.
#[must_use]
pub fn was_cut_off(fifo: &Path) -> bool {
    Ledger::open(fifo).is_ok_and(|ledger| ledger.is_cut_off())
}

/// Bytes of a stream that are known to be lost, of which `taken` were read: its
/// relay has ended too.
#[must_use]
pub fn lost_behind(fifo: &Path, taken: u64) -> u64 {
    Ledger::open(fifo).map_or(0, |ledger| {
        let all = ledger.passed().max(taken) + ledger.held() + ledger.dropped();
        all - taken
    })
}

/// Has relays go on that somebody has stopped, among the children of the tmux server
/// with this process id: of 64 of them, from the one of this number on. Gives where
/// to go on the next time.
#[must_use]
pub fn wake_relays(server: u32, from: usize) -> usize {
    let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
    let children = children.unwrap_or_default();
    let mut looked_at = 0;
    for child in children.split_whitespace().skip(from).take(AT_ONCE) {
        looked_at += 1;
        let Ok(pid) = child.parse().map(Pid::from_raw) else {
            continue;
        };
        if is_stopped(pid) && is_relay(pid) {
            tracing::warn!(%pid, "a pipe process was stopped: it goes on");
            let _ = kill(pid, Signal::SIGCONT);
        }
    }
    match looked_at {
        AT_ONCE => from + AT_ONCE,
        _ => 0,
    }
}

/// Whether a process is a relay, by its arguments.
fn is_relay(pid: Pid) -> bool {
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let verb = arguments.split(|byte| *byte == 0).nth(1);
    verb == Some(relay::VERB.as_bytes())
}

/// Whether a process has the FIFO as its standard output.
fn is_writer(pid: Pid, fifo: &Path) -> bool {
    pid.as_raw() > 0
        && std::fs::read_link(format!("/proc/{pid}/fd/1")).is_ok_and(|output| output == fifo)
}

/// Whether a process has the file open.
fn has_open(pid: u32, path: &Path) -> bool {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd"));
    open.into_iter()
        .flatten()
        .flatten()
        .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == path))
}

/// Whether somebody has stopped a process (SIGSTOP).
fn is_stopped(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state is behind the name, which may hold anything.
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('T'))
}

impl Stream {
    /// The stream of a pane that a daemon before has piped.
    #[must_use]
    pub fn of(pane: PaneId, end: PipeEnd) -> Stream {
        Stream { pane, end }
    }

    /// Ends the pipe process, where it is still there: that of a dead pane
    /// would wait for its stream until the pane is closed.
    pub fn end_writers(self) {
        if self.is_closed {
            return;
        }
        for pid in self.fifo.writers() {
            // It may have ended meanwhile.
            let _ = kill(pid, Signal::SIGTERM);
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
                    self.drain(Buffer::Own(&mut buffer), usize::MAX, |_, _| ());
                }
            }
        }
        if !is_off {
            off.await;
        }
    }
}
