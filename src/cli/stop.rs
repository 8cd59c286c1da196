//! Ctrl-C as a flag, for work that has to be left in order.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn set_stop(_: nix::libc::c_int) {
    STOP.store(true, Ordering::Relaxed);
}

/// From now on the first SIGINT, SIGTERM or SIGHUP sets the flag that is given;
/// a second one ends the program as usual.
pub(super) fn stop_flag() -> io::Result<&'static AtomicBool> {
    let handler = SigHandler::Handler(set_stop);
    let action = SigAction::new(handler, SaFlags::SA_RESETHAND, SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler only stores to an atomic, which is allowed in one.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(&STOP)
}

/// A file or pipe of which a read fails soon after the flag is set, also while
/// nothing comes.
pub(super) struct StoppableInput {
    file: File,
    stop: &'static AtomicBool,
}

impl StoppableInput {
    /// Standard input.
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
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("stopped"));
            }
            // The signal may arrive on another thread, so that the wait has to
            // end by itself.
            let mut input = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut input, PollTimeout::from(100u8)) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return self.file.read(buffer),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
