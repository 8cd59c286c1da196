//! The loop between the command's terminal, the user's and the recording.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, read, write};

use super::link::Link;
use super::terminal::{Pty, UserTerminal};
use crate::api::CommandStarted;
use crate::cli::terminal::terminal_size;
use crate::config::Config;
use crate::daemon::{Lookout, is_withholding, withheld};

/// What is read at once.
const CHUNK: usize = 64 * 1024;

/// While this much waits for the command to read, keys are not read.
const MOST_KEYS: usize = 64 * 1024;

/// When the command has ended, its terminal is read until nothing has come for
/// this long, or to its end: others may keep it open for as long as they like.
const QUIET: Duration = Duration::from_millis(50);

/// How long the last output may take, and a command whose terminal hung up.
const LAST: Duration = Duration::from_secs(2);

/// Reads that empty a terminal, of which the kernel gives a page at a time.
const WAITING: usize = 32;

/// What a wait is exact to.
const TICK: Duration = Duration::from_millis(1);

/// How often it is looked whether another daemon goes on.
const LOOK: Duration = Duration::from_millis(50);

/// The signals that are taken in turn with everything else.
pub(super) const SIGNALS: [Signal; 7] = [
    Signal::SIGCHLD,
    Signal::SIGWINCH,
    Signal::SIGCONT,
    Signal::SIGHUP,
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
];

/// Asks another daemon to go on with the recording; its answer comes later.
pub(super) type Reconnect<'a> = dyn FnMut() -> Receiver<Option<CommandStarted>> + 'a;

/// Everything that the loop goes between.
pub(super) struct Copy<'a> {
    pub(super) signals: SignalFd,
    pub(super) terminal: UserTerminal,
    pub(super) pty: Pty,
    pub(super) monitor: Pid,
    pub(super) link: Link,
    /// Whether the command's output is shown.
    pub(super) is_shown: bool,
    /// Whether the user's terminal decides the size.
    pub(super) follows_size: bool,
    pub(super) records_keys: bool,
    /// What is kept out of the recording.
    pub(super) settings: Arc<Config>,
    pub(super) reconnect: &'a mut Reconnect<'a>,
}

/// What changes while it runs.
#[derive(Default)]
struct State {
    /// Keys that the command has not read yet.
    keys: Vec<u8>,
    is_stopped: bool,
    status: Option<u8>,
    hung_up: Option<Instant>,
    answer: Option<Receiver<Option<CommandStarted>>>,
    /// When it is looked whether the output may be recorded.
    lookout: Lookout,
}

impl Copy<'_> {
    /// Copies until the command has ended. Returns its status, and the way to
    /// the recording: closing it ends the recording, and who ends it so hears
    /// nothing of how it went.
    pub(super) fn run(mut self) -> io::Result<(u8, Link)> {
        let mut state = State::default();
        let mut buffer = vec![0; CHUNK];
        self.terminal.make_raw();
        while state.status.is_none() {
            let ready = self.wait(&state)?;
            if ready.signals {
                self.on_signals(&mut state)?;
            }
            if ready.keys {
                self.read_keys(&mut state, &mut buffer);
            }
            if ready.room {
                self.write_keys(&mut state);
            }
            if ready.orders || ready.output {
                self.take_orders(&mut state);
            }
            let now = tokio::time::Instant::now();
            if ready.output || state.lookout.due().is_some_and(|due| due <= now) {
                self.look_out(&mut state, &mut buffer);
            }
            if ready.output {
                self.read_output(&mut state, &mut buffer);
            }
            if ready.link_gone {
                self.link.on_reader_gone();
            } else if ready.link {
                self.link.flush();
            }
            self.reconnect(&mut state);
            if state.hung_up.is_some_and(|since| since.elapsed() > LAST) {
                // It ignores the hangup, and will find its terminal gone.
                state.status = Some(128 + Signal::SIGHUP as u8);
            }
        }
        self.drain(&mut state, &mut buffer)?;
        self.terminal.restore();
        Ok((state.status.unwrap_or_default(), self.link))
    }

    fn wait(&self, state: &State) -> io::Result<Ready> {
        let stdin = io::stdin();
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let mut pty = PollFlags::empty();
        pty.set(PollFlags::POLLIN, !self.link.is_backed_up());
        pty.set(PollFlags::POLLOUT, !state.keys.is_empty());
        let pty = add(&mut fds, self.pty.as_fd(), pty);
        let keys = (self.terminal.is_raw() && state.keys.len() < MOST_KEYS)
            .then(|| add(&mut fds, stdin.as_fd(), PollFlags::POLLIN));
        let link = self.link.watched().map(|(fd, has_more)| {
            let room = if has_more {
                PollFlags::POLLOUT
            } else {
                PollFlags::empty()
            };
            add(&mut fds, fd, room)
        });
        let orders = self
            .link
            .orders()
            .map(|fd| add(&mut fds, fd, PollFlags::POLLIN));
        let is_looking = state.answer.is_some() || state.hung_up.is_some();
        let again = (is_looking || self.link.is_backed_up()).then_some(LOOK);
        let now = tokio::time::Instant::now();
        // A whole millisecond is waited for, or it would be looked too early.
        let looked = state.lookout.due().map(|due| (due - now) + TICK);
        let timeout = again.into_iter().chain(looked).min();
        let timeout = timeout.map_or(PollTimeout::NONE, |timeout| {
            PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let said = |at: usize| fds[at].revents().unwrap_or(PollFlags::empty());
        let has = |at: usize, flags: PollFlags| said(at).intersects(flags);
        let is_in = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        Ok(Ready {
            signals: has(0, PollFlags::POLLIN),
            orders: orders.is_some_and(|at| has(at, PollFlags::POLLIN)),
            output: has(pty, is_in) && !self.link.is_backed_up(),
            room: has(pty, PollFlags::POLLOUT),
            keys: keys.is_some_and(|at| has(at, is_in)),
            link: link.is_some_and(|at| has(at, PollFlags::POLLOUT)),
            link_gone: link.is_some_and(|at| has(at, PollFlags::POLLERR)),
        })
    }

    fn on_signals(&mut self, state: &mut State) -> io::Result<()> {
        while let Some(signal) = self.signals.read_signal()? {
            match Signal::try_from(signal.ssi_signo as i32) {
                Ok(Signal::SIGCHLD) => self.on_child(state)?,
                Ok(Signal::SIGWINCH) => self.follow_size(),
                Ok(Signal::SIGCONT) => self.resume(state),
                Ok(Signal::SIGHUP) => self.hang_up(state),
                Ok(other) => self.signal(other),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Signals the command as its terminal would.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.pty.foreground() {
            let _ = kill(Pid::from_raw(-group.as_raw()), signal);
        }
    }

    fn hang_up(&mut self, state: &mut State) {
        state.hung_up.get_or_insert_with(Instant::now);
        self.signal(Signal::SIGHUP);
        // One that is stopped is to see it too.
        let _ = kill(self.monitor, Signal::SIGCONT);
        self.signal(Signal::SIGCONT);
    }

    fn on_child(&mut self, state: &mut State) -> io::Result<()> {
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
        match waitpid(self.monitor, Some(flags)) {
            Ok(WaitStatus::Exited(_, status)) => state.status = Some(status as u8),
            Ok(WaitStatus::Signaled(_, signal, _)) => state.status = Some(128 + signal as u8),
            Ok(WaitStatus::Stopped(..)) => {
                state.is_stopped = true;
                self.suspend(state)?;
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The command has stopped: so does this job, as the shell around expects.
    /// Returns when it goes on.
    fn suspend(&mut self, state: &mut State) -> io::Result<()> {
        self.terminal.restore();
        // Without a shell around that controls jobs, the kernel lets it pass.
        kill(Pid::from_raw(0), Signal::SIGTSTP)?;
        self.resume(state);
        Ok(())
    }

    /// Goes on, in the foreground or not.
    fn resume(&mut self, state: &mut State) {
        // Whatever ran meanwhile may have changed the terminal.
        self.terminal.restore();
        self.terminal.make_raw();
        self.follow_size();
        if std::mem::take(&mut state.is_stopped) {
            let _ = kill(self.monitor, Signal::SIGCONT);
        }
    }

    /// What the screen shows by then is not known to the recording: programs that draw
    /// it do so again when their terminal changes.
    fn take_orders(&mut self, state: &mut State) {
        let orders = self.link.take_orders();
        state.lookout.is_allowed |= orders.allows;
        if orders.goes_on {
            self.signal(Signal::SIGWINCH);
        }
    }

    /// Looks before output and keys are handed over whether they may be recorded, by the
    /// settings. While they may not it is looked each time: what comes behind is wanted.
    fn look_out(&mut self, state: &mut State, buffer: &mut [u8]) {
        let settings = &self.settings.recording;
        let now = tokio::time::Instant::now();
        let is_due = state.lookout.is_due(now) || self.link.is_withheld();
        if !is_withholding(settings) || !is_due {
            return;
        }
        let group = self.pty.foreground().map_or(0, Pid::as_raw);
        let root = u32::try_from(self.monitor.as_raw()).unwrap_or(0);
        let hides = || self.pty.hides_lines();
        let why = withheld(settings, (root, group), hides);
        state.lookout.looked(now, why.is_some());
        state.lookout.is_allowed &= why.is_some();
        let is_allowed = state.lookout.is_allowed;
        if why.is_none() && self.link.is_withheld() {
            // What waits may be from before its end: it is shown, and not handed over.
            for _ in 0..WAITING {
                if self.read_output(state, buffer) != Some(true) {
                    break;
                }
            }
        }
        if self.link.withhold(why.filter(|_| !is_allowed)) {
            self.signal(Signal::SIGWINCH);
        }
    }

    fn follow_size(&mut self) {
        if let Some((columns, rows)) = terminal_size().filter(|_| self.follows_size) {
            self.link.resize(columns, rows);
            self.pty.resize(columns, rows);
        }
    }

    fn read_keys(&mut self, state: &mut State, buffer: &mut [u8]) {
        if self.records_keys {
            self.look_out(state, buffer);
        }
        match read(io::stdin(), &mut buffer[..4096]) {
            Ok(0) | Err(Errno::EIO) => {
                self.terminal.restore();
                self.hang_up(state);
            }
            Ok(count) => {
                let keys = &buffer[..count];
                if self.records_keys && !self.pty.hides_lines() {
                    self.link.input(keys);
                }
                state.keys.extend_from_slice(keys);
                self.write_keys(state);
            }
            Err(_) => {}
        }
    }

    fn write_keys(&self, state: &mut State) {
        while !state.keys.is_empty() {
            match write(&self.pty, &state.keys) {
                Ok(count) => drop(state.keys.drain(..count)),
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Reads what the command printed; `false` when there is nothing, `None` at
    /// the end.
    fn read_output(&mut self, state: &mut State, buffer: &mut [u8]) -> Option<bool> {
        match read(&self.pty, buffer) {
            // Nobody has the terminal open any more.
            Ok(0) | Err(Errno::EIO) => None,
            Ok(count) => {
                let bytes = &buffer[..count];
                if self.is_shown && show(bytes).is_err() {
                    // Nobody looks any more: as if the terminal were closed.
                    self.is_shown = false;
                    self.hang_up(state);
                }
                self.link.output(bytes);
                if is_withholding(&self.settings.recording) {
                    state.lookout.on_output(tokio::time::Instant::now());
                }
                Some(true)
            }
            Err(_) => Some(false),
        }
    }

    /// Reads what the command has left in its terminal, and hands it over.
    fn drain(&mut self, state: &mut State, buffer: &mut [u8]) -> io::Result<()> {
        let end = Instant::now() + LAST;
        let quiet = PollTimeout::try_from(QUIET).unwrap_or(PollTimeout::ZERO);
        while Instant::now() < end {
            self.take_orders(state);
            self.look_out(state, buffer);
            match self.read_output(state, buffer) {
                None => break,
                Some(true) => {}
                Some(false) => {
                    let mut fds = [PollFd::new(self.pty.as_fd(), PollFlags::POLLIN)];
                    if matches!(poll(&mut fds, quiet), Ok(0)) {
                        break;
                    }
                }
            }
        }
        let end = Instant::now() + LAST;
        while (!self.link.is_flushed() || self.link.is_lost()) && Instant::now() < end {
            self.reconnect(state);
            match self.link.watched() {
                Some((fd, _)) => {
                    poll(&mut [PollFd::new(fd, PollFlags::POLLOUT)], quiet)?;
                    self.link.flush();
                }
                None => std::thread::sleep(QUIET),
            }
        }
        Ok(())
    }

    fn reconnect(&mut self, state: &mut State) {
        if !self.link.is_lost() {
            return;
        }
        match &state.answer {
            None => state.answer = Some((self.reconnect)()),
            Some(answer) => match answer.try_recv() {
                Ok(Some(started)) => {
                    state.answer = None;
                    if self.link.reopen(&started).is_err() {
                        self.link.give_up();
                    }
                }
                Ok(None) | Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    state.answer = None;
                    self.link.give_up();
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => {}
            },
        }
    }
}

/// What can be done without waiting.
struct Ready {
    signals: bool,
    orders: bool,
    output: bool,
    room: bool,
    keys: bool,
    link: bool,
    link_gone: bool,
}

fn add<'a>(fds: &mut Vec<PollFd<'a>>, fd: BorrowedFd<'a>, flags: PollFlags) -> usize {
    fds.push(PollFd::new(fd, flags));
    fds.len() - 1
}

/// Shows output as it comes, without a buffer between.
fn show(mut bytes: &[u8]) -> nix::Result<()> {
    let out = io::stdout();
    while !bytes.is_empty() {
        match write(&out, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            // Somebody else has made it so that writes do not wait.
            Err(Errno::EAGAIN) => {
                let mut fds = [PollFd::new(out.as_fd(), PollFlags::POLLOUT)];
                poll(&mut fds, PollTimeout::NONE)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
