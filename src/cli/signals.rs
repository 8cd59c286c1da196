//! The signals that ask a program for something: SIGINT, SIGTERM and SIGHUP, as
//! a flag for work that reads and writes, as a future for the daemon, and with
//! others as a descriptor for what looks after a terminal.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::signal::unix::{self, SignalKind};

/// What a user, a supervisor and a terminal that closes send.
const END: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

static STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn set_stop(_: nix::libc::c_int) {
    STOP.store(true, Ordering::Relaxed);
}

/// From now on the first signal sets the flag that is given; a second one of
/// the same kind ends the program as usual.
pub(super) fn stop_flag() -> io::Result<&'static AtomicBool> {
    let handler = SigHandler::Handler(set_stop);
    let action = SigAction::new(handler, SaFlags::SA_RESETHAND, SigSet::empty());
    for signal in END {
        // SAFETY: the handler only stores to an atomic, which is allowed in one.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(&STOP)
}

/// Takes `signals` from now on, this thread and those that it starts. Processes
/// that are started get them as usual.
pub(super) fn take_signals(signals: &[Signal]) -> io::Result<SignalFd> {
    let signals = SigSet::from_iter(signals.iter().copied());
    signals.thread_block()?;
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    Ok(SignalFd::with_flags(&signals, flags)?)
}

/// What a signal asks of the daemon.
pub(super) enum Asked {
    /// To end: SIGINT or SIGTERM.
    End(Signal),
    /// To read its settings again: SIGHUP, as daemons have it. A terminal that
    /// closes ends no recording therefore.
    Reload,
}

/// The signals as they arrive. None is lost from [`DaemonSignals::new`] on, and
/// none ends the program.
pub(super) struct DaemonSignals([unix::Signal; 3]);

impl DaemonSignals {
    /// Needs a tokio runtime.
    pub(super) fn new() -> io::Result<DaemonSignals> {
        let [interrupt, terminate, hangup] =
            END.map(|signal| unix::signal(SignalKind::from_raw(signal as i32)));
        Ok(DaemonSignals([interrupt?, terminate?, hangup?]))
    }

    /// Waits for the next signal that asks to end.
    pub(super) async fn next_end(&mut self) -> Signal {
        loop {
            if let Asked::End(signal) = self.next().await {
                return signal;
            }
        }
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> Asked {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => Asked::End(Signal::SIGINT),
            _ = terminate.recv() => Asked::End(Signal::SIGTERM),
            _ = hangup.recv() => Asked::Reload,
        }
    }
}

/// A file or pipe whose read fails within 0.1 s of the flag being set, also while
/// nothing comes.
pub(super) struct StoppableInput {
    file: File,
    stop: &'static AtomicBool,
}

impl StoppableInput {
    /// Standard input, which nobody else may read meanwhile.
    pub(super) fn new(stop: &'static AtomicBool) -> io::Result<StoppableInput> {
        let file = io::stdin().as_fd().try_clone_to_owned()?.into();
        Ok(StoppableInput { file, stop })
    }

    pub(super) fn of(file: File, stop: &'static AtomicBool) -> StoppableInput {
        StoppableInput { file, stop }
    }
}

impl Read for StoppableInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait(&self.file, PollFlags::POLLIN, self.stop)?;
        self.file.read(buffer)
    }
}

/// A file or pipe whose write fails soon after the flag is set, also while nobody
/// reads what was written before.
pub(super) struct StoppableOutput {
    file: File,
    stop: &'static AtomicBool,
}

impl StoppableOutput {
    /// Standard output, which nobody else may write meanwhile.
    pub(super) fn new(stop: &'static AtomicBool) -> io::Result<StoppableOutput> {
        let file = io::stdout().as_fd().try_clone_to_owned()?.into();
        Ok(StoppableOutput { file, stop })
    }

    pub(super) fn of(file: File, stop: &'static AtomicBool) -> StoppableOutput {
        StoppableOutput { file, stop }
    }
}

impl Write for StoppableOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // There may be room for a part alone: the signal interrupts the wait for the
        // rest, and the next write sees the flag.
        wait(&self.file, PollFlags::POLLOUT, self.stop)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits until a file can be read or written, or the flag is set.
fn wait(file: &File, what: PollFlags, stop: &AtomicBool) -> io::Result<()> {
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        // The signal may arrive on another thread, so that the wait has to end by
        // itself.
        match poll(
            &mut [PollFd::new(file.as_fd(), what)],
            PollTimeout::from(100u8),
        ) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
