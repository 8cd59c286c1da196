//! Ctrl-C as a flag, for work that has to be left in order.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

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
