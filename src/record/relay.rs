//! The process between a pane and its FIFO.
//!
//! tmux gives a pane's output to the standard input of a process, in pieces of
//! a few kilobytes. This one hands it on to the FIFO without looking at it, and
//! waits for a moment between the pieces of a flood: they are larger then, and
//! it costs few wake-ups. `cat` does the same at more than twice the cost, and
//! is what runs where this program is not to be found.
//!
//! It outlives the daemon, and holds the line while nobody reads:
//!
//! ```text
//!             the FIFO is full for 20 ms
//!   passing ──────────────────────────────> stuck: what comes is held, and
//!    ^  │  <──── all is handed on ────────    │ ^   handed on as there is room
//!    │  │                                     │ │
//!    │  └─── the FIFO has no reader ───┐ ┌────┘ │ another daemon reads
//!    │                                 v v      │
//!    │                               gone: what comes is held; the daemon is
//!    │                               called back
//!    │ splice(2): nothing is copied
//! ```
//!
//! tmux is read from at every moment, whatever the daemon does, so that nothing
//! gathers there. What is held is bounded; beyond, output is dropped and counted
//! (`ledger` says which, and what the daemon is told).
//!
//! It ends when tmux has closed the pipe, all is read and the daemon there to see
//! it, or when the daemon wants no more; without a ledger, with the first output after the reader of
//! the FIFO has gone.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::backlog::{Backlog, Gathered, drop_some};
use super::ledger::Ledger;
use super::recall::{Recall, RecallPlan};
use crate::clock::monotonic_micros;

/// The argument that makes the program a relay. Not for users. The FIFO's path
/// and the bound on what is held, in bytes, may follow.
pub const VERB: &str = "pipe-relay";

/// Most bytes handed on at once: what a FIFO holds.
const MOST: usize = 1024 * 1024;

/// A piece of this size is part of a flood.
const FLOOD_BYTES: usize = 16 * 1024;

/// A piece of this size is most of what the socket holds, and what does not fit
/// there gathers in tmux's memory.
const LARGE: usize = 48 * 1024;

/// Pieces after one of a flood that are taken for some of it, however small.
const FLOOD_PIECES: u32 = 16;

/// How long a flood may gather: as long as the pieces stay below that.
const SHORTEST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(4);

/// How long a full FIFO is waited for, in milliseconds: longer than the daemon
/// leaves it alone in a flood, and no longer than tmux can do without us.
const FULL: u16 = 20;

/// How often a daemon is looked for while there is none, in milliseconds; and
/// once nobody is called any more.
const LOOK: u16 = 20;
const LATE_LOOK: u16 = 1000;

/// How long the last words of a pane are held once nobody is called any more.
const LAST_WORDS: Duration = Duration::from_secs(60);

/// Bytes that are held where nothing else is said.
const HELD: usize = 16 * 1024 * 1024;

/// Whether the process has been started as a relay: `verb` is its first
/// argument.
#[must_use]
pub fn is_relay(verb: Option<&OsStr>) -> bool {
    verb.is_some_and(|verb| verb == VERB)
}

/// Hands on standard input until it ends.
#[must_use]
pub fn run() -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    let path = arguments.next().map(PathBuf::from);
    let bound = arguments.next();
    let bound = bound.and_then(|bound| bound.to_str()?.parse().ok());
    match Relay::start(path.as_deref(), bound.unwrap_or(HELD)) {
        Ok(relay) => relay.run(),
        Err(_) => ExitCode::FAILURE,
    }
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Passing,
    Stuck,
    Gone,
    Finished(bool),
}

struct Relay {
    input: io::Stdin,
    output: io::Stdout,
    ledger: Option<Ledger>,
    recall: Option<Recall>,
    backlog: Backlog,
    /// Whether tmux has closed the pipe, and when.
    ended: Option<Instant>,
    can_splice: bool,
    pause: Duration,
    /// Pieces that are still taken for part of a flood.
    flooding: u32,
}

/// Makes the FIFO at `path` standard output. It need not have a reader.
fn open_fifo(path: &Path) -> io::Result<()> {
    let open = |options: &mut OpenOptions, flags: OFlag| {
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        options.custom_flags(flags.bits()).open(path)
    };
    // Without a reader it cannot be opened for writing: this one is, for a
    // moment.
    let both = open(OpenOptions::new().read(true).write(true), OFlag::empty())?;
    if !both.metadata()?.file_type().is_fifo() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let fifo = open(OpenOptions::new().write(true), OFlag::empty())?;
    Ok(nix::unistd::dup2_stdout(&fifo)?)
}

impl Relay {
    fn start(path: Option<&Path>, bound: usize) -> io::Result<Relay> {
        if let Some(path) = path {
            open_fifo(path)?;
        }
        let ledger = path.and_then(|path| Ledger::open(path).ok());
        if let Some(ledger) = &ledger {
            ledger.set_relay(std::process::id());
        }
        let runtime = path.and_then(Path::parent).and_then(Path::parent);
        let plan = runtime.and_then(RecallPlan::read);
        Ok(Relay {
            input: io::stdin(),
            output: io::stdout(),
            recall: plan.map(Recall::new),
            ledger,
            backlog: Backlog::new(bound),
            ended: None,
            can_splice: true,
            pause: Duration::from_millis(1),
            flooding: 0,
        })
    }

    fn run(mut self) -> ExitCode {
        let mut mode = Mode::Passing;
        loop {
            mode = match mode {
                Mode::Passing => self.pass(),
                Mode::Stuck => self.hold_and_hand_on(),
                Mode::Gone => self.wait_for_reader(),
                Mode::Finished(well) => {
                    self.tell_the_end();
                    return ExitCode::from(u8::from(!well));
                }
            };
        }
    }

    /// The daemon may have died before it could see the end, and a process that it
    /// was starting may have kept the FIFO from telling so: then nobody else calls
    /// it back.
    fn tell_the_end(&mut self) {
        let (Some(ledger), Some(recall)) = (&self.ledger, &mut self.recall) else {
            return;
        };
        let null = OpenOptions::new().write(true).open("/dev/null");
        if null
            .and_then(|null| Ok(nix::unistd::dup2_stdout(&null)?))
            .is_err()
        {
            return;
        }
        recall.begin();
        // Soon over, unless the daemon has died.
        let mut pause = 1;
        while !ledger.is_let_go() && !recall.has_called() {
            recall.turn();
            thread::sleep(Duration::from_millis(pause.into()));
            pause = LOOK.min(2 * pause);
        }
    }

    /// Hands on one piece, without copying it.
    fn pass(&mut self) -> Mode {
        let (input, output) = (self.input.as_fd(), self.output.as_fd());
        // The end of the FIFO's reader wakes too, though nothing is printed.
        let ready = wait(
            &mut [
                PollFd::new(input, PollFlags::POLLIN),
                PollFd::new(output, PollFlags::empty()),
            ],
            PollTimeout::NONE,
        );
        if ready[1].contains(PollFlags::POLLERR) {
            return Mode::Gone;
        }
        if ready[0].is_empty() {
            return Mode::Passing;
        }
        // `splice` holds the FIFO's lock, without which nobody can read it. So
        // it must never wait, for input or for room: that is done beforehand.
        let room = wait(
            &mut [PollFd::new(output, PollFlags::POLLOUT)],
            self.patience(),
        );
        if room[0].contains(PollFlags::POLLERR) {
            return Mode::Gone;
        }
        if room[0].is_empty() || !self.can_splice {
            self.begin_to_hold();
            self.gather();
            return Mode::Stuck;
        }
        let now = SpliceFFlags::SPLICE_F_NONBLOCK;
        let moved = splice(input, None, output, None, MOST, now);
        if let (Ok(count), Some(ledger)) = (&moved, &self.ledger) {
            ledger.add_passed(*count);
        }
        match moved {
            Ok(0) => {
                self.end_of_input();
                return self.finish();
            }
            // No pause at all until it has caught up.
            Ok(LARGE..) => {
                self.flooding = FLOOD_PIECES;
                self.pause = (self.pause / 2).max(SHORTEST_PAUSE);
            }
            Ok(count) if count >= FLOOD_BYTES || self.flooding > 0 => {
                self.flooding = match count {
                    FLOOD_BYTES.. => FLOOD_PIECES,
                    _ => self.flooding - 1,
                };
                thread::sleep(self.pause);
                self.pause = (self.pause + self.pause / 8).min(LONGEST_PAUSE);
            }
            Ok(_) | Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(Errno::EPIPE) => return Mode::Gone,
            // Not on a pipe, or a kernel that cannot.
            Err(_) => self.can_splice = false,
        }
        Mode::Passing
    }

    /// Without a ledger nothing is held: the daemon would not know of it.
    fn patience(&self) -> PollTimeout {
        match &self.ledger {
            Some(_) => FULL.into(),
            None => PollTimeout::NONE,
        }
    }

    fn begin_to_hold(&mut self) {
        // Whatever flags it came with: a write must not wait.
        let flags =
            fcntl(&self.output, FcntlArg::F_GETFL).map_or(OFlag::empty(), OFlag::from_bits_retain);
        let _ = fcntl(&self.output, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK));
        let is_read = self.backlog.is_empty() && self.waiting() == 0;
        if let Some(ledger) = &mut self.ledger
            && is_read
        {
            ledger.forget_times();
        }
    }

    /// Takes in what comes, and hands on what is held as there is room for it.
    fn hold_and_hand_on(&mut self) -> Mode {
        if self.is_let_go() {
            return Mode::Finished(true);
        }
        if self.backlog.is_empty() {
            if self.ended.is_some() {
                return self.finish();
            }
            if self.can_splice && !self.has_hole() {
                self.live_from_here();
                return Mode::Passing;
            }
        }
        let wanted = match self.backlog.is_empty() {
            true => PollFlags::empty(),
            false => PollFlags::POLLOUT,
        };
        let ready = self.wait_both(wanted, PollTimeout::NONE);
        if ready[1].contains(PollFlags::POLLERR) {
            return Mode::Gone;
        }
        if ready[1].contains(PollFlags::POLLOUT) {
            match self.backlog.hand_on(&self.output) {
                Ok(count) => self.note_handed_on(count),
                Err(Errno::EPIPE) => return Mode::Gone,
                Err(_) => {}
            }
        }
        if !ready[0].is_empty() && (self.ledger.is_some() || self.backlog.is_empty()) {
            self.gather();
        }
        Mode::Stuck
    }

    /// Takes in what comes until another daemon reads.
    fn wait_for_reader(&mut self) -> Mode {
        let Some(ledger) = &self.ledger else {
            return Mode::Finished(false);
        };
        if ledger.is_let_go() {
            return Mode::Finished(true);
        }
        let before = ledger.reader();
        self.begin_to_hold();
        let read = self.read_so_far();
        if let Some(ledger) = &mut self.ledger {
            ledger.set_holding(true);
            // What is in the FIFO by now came before.
            let (position, now) = (ledger.passed(), monotonic_micros());
            if self.backlog.is_empty() {
                ledger.note(position, Some(now), read);
            }
        }
        if let Some(recall) = &mut self.recall {
            recall.begin();
        }
        loop {
            let has_given_up = match &mut self.recall {
                Some(recall) => {
                    recall.turn();
                    recall.has_given_up()
                }
                None => true,
            };
            let look = if has_given_up { LATE_LOOK } else { LOOK };
            let ready = self.wait_both(PollFlags::empty(), look.into());
            if !ready[0].is_empty() {
                self.gather();
            }
            let Some(ledger) = &self.ledger else {
                return Mode::Finished(false);
            };
            if ledger.is_let_go() {
                return Mode::Finished(true);
            }
            if ledger.reader() != before && !ready[1].contains(PollFlags::POLLERR) {
                ledger.set_holding(false);
                return Mode::Stuck;
            }
            let has_called = self.recall.as_ref().is_none_or(Recall::has_called);
            if has_called && self.is_unlinked() {
                // Somebody has swept the folder: no daemon will find the FIFO,
                // nor start another pipe while this one is there.
                return Mode::Finished(false);
            }
            let is_over = |ended: Instant| has_given_up && ended.elapsed() > LAST_WORDS;
            if self.ended.is_some_and(is_over) {
                return Mode::Finished(false);
            }
        }
    }

    /// Waits for input, while there may be any, and for what is wanted of the
    /// output.
    fn wait_both(&self, wanted: PollFlags, timeout: PollTimeout) -> [PollFlags; 2] {
        let output = PollFd::new(self.output.as_fd(), wanted);
        if self.ended.is_some() {
            // The end of the input would wake at once. Nor does a word in the
            // ledger wake: it is looked at now and then.
            let timeout = match timeout.is_none() {
                true => LOOK.into(),
                false => timeout,
            };
            return [PollFlags::empty(), wait(&mut [output], timeout)[0]];
        }
        let input = PollFd::new(self.input.as_fd(), PollFlags::POLLIN);
        // An output that has no reader wakes at once too.
        let has_reader = wait(&mut [output.clone()], PollTimeout::ZERO)[0];
        if has_reader.contains(PollFlags::POLLERR) {
            return [wait(&mut [input], timeout)[0], has_reader];
        }
        let ready = wait(&mut [input, output], timeout);
        [ready[0], ready[1]]
    }

    /// Holds what one read gives, or drops it.
    fn gather(&mut self) {
        let position = match &self.ledger {
            Some(ledger) => ledger.passed() + self.backlog.len() as u64,
            None => 0,
        };
        let gathered = match self.has_hole() {
            true => drop_some(&self.input),
            false => self.backlog.gather(&self.input),
        };
        match gathered {
            Ok(Gathered::Kept(_)) => {
                let read = self.read_so_far();
                if let Some(ledger) = &mut self.ledger {
                    ledger.note(position, Some(monotonic_micros()), read);
                    ledger.set_held(self.backlog.len());
                }
            }
            Ok(Gathered::Dropped(count)) => {
                if let Some(ledger) = &self.ledger {
                    ledger.drop_at(position, count);
                }
            }
            Ok(Gathered::Ended) => self.end_of_input(),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => self.end_of_input(),
        }
    }

    fn end_of_input(&mut self) {
        self.ended = Some(Instant::now());
        if let Some(ledger) = &self.ledger {
            ledger.set_ended();
        }
    }

    fn note_handed_on(&self, count: usize) {
        if let Some(ledger) = &self.ledger {
            ledger.add_passed(count);
            ledger.set_held(self.backlog.len());
        }
    }

    fn live_from_here(&mut self) {
        let read = self.read_so_far();
        if let Some(ledger) = &mut self.ledger {
            ledger.note(ledger.passed(), None, read);
        }
    }

    /// Bytes of the stream that the daemon has taken out of the FIFO.
    fn read_so_far(&self) -> u64 {
        let passed = self.ledger.as_ref().map_or(0, Ledger::passed);
        passed.saturating_sub(self.waiting())
    }

    /// tmux has closed the pipe. What is in the FIFO would go with the last who
    /// has it open: the daemon may die before it has read that.
    fn finish(&mut self) -> Mode {
        // Soon over, unless the daemon stands still.
        let mut pause = 1;
        loop {
            if self.ledger.is_none() || self.is_let_go() || self.waiting() == 0 {
                return Mode::Finished(true);
            }
            let output = PollFd::new(self.output.as_fd(), PollFlags::empty());
            let ready = wait(&mut [output], PollTimeout::from(pause));
            if ready[0].contains(PollFlags::POLLERR) {
                return Mode::Gone;
            }
            pause = LOOK.min(2 * pause);
        }
    }

    fn has_hole(&self) -> bool {
        let hole = self.ledger.as_ref().and_then(Ledger::hole);
        hole.is_some()
    }

    fn is_let_go(&self) -> bool {
        self.ledger.as_ref().is_some_and(Ledger::is_let_go)
    }

    fn is_unlinked(&self) -> bool {
        nix::sys::stat::fstat(&self.output).is_ok_and(|found| found.st_nlink == 0)
    }

    /// Bytes in the FIFO.
    fn waiting(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.output).unwrap_or(0)
    }
}

/// Waits until one of the descriptors is ready, or will never be again; what is
/// so of each, which is nothing when time is up.
fn wait<const N: usize>(fds: &mut [PollFd<'_>; N], timeout: PollTimeout) -> [PollFlags; N] {
    match poll(fds, timeout) {
        Ok(_) => fds
            .each_ref()
            .map(|fd| fd.revents().unwrap_or(PollFlags::empty())),
        Err(_) => [PollFlags::empty(); N],
    }
}
