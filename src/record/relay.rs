//! The process between a pane and its FIFO.
//!
//! tmux gives a pane's output to the standard input of a process, in pieces of
//! a few kilobytes. This one hands it on to its standard output, the FIFO,
//! without looking at it, and waits for a moment between the pieces of a flood:
//! they are larger then, and it costs few wake-ups. `cat` does the same
//! at more than twice the cost, and is what runs where this program is not to be
//! found.
//!
//! It ends when tmux closes the pipe, or with the first output after the reader
//! of the FIFO has gone.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The argument that makes the program a relay. Not for users.
pub const VERB: &str = "pipe-relay";

/// Most bytes handed on at once: what a FIFO holds.
const MOST: usize = 1024 * 1024;

/// A piece of this size is part of a flood.
const FLOOD_BYTES: usize = 16 * 1024;

/// A piece of this size is most of what the socket holds, and what does not fit
/// there gathers in tmux's memory.
const LARGE: usize = 48 * 1024;

/// So many pieces after one of a flood are taken for some of it, however small.
const FLOOD_PIECES: u32 = 16;

/// How long a flood may gather: as long as the pieces stay below that.
const SHORTEST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(4);

/// Whether the process has been started as a relay: `verb` is its first
/// argument.
#[must_use]
pub fn is_relay(verb: Option<&OsStr>) -> bool {
    verb.is_some_and(|verb| verb == VERB)
}

/// Hands on standard input until it ends.
#[must_use]
pub fn run() -> ExitCode {
    let (input, output) = (io::stdin(), io::stdout());
    let mut pause = Duration::from_millis(1);
    let mut flooding = 0;
    loop {
        // `splice` holds the FIFO's lock, without which nobody can read it. So
        // it must never wait, for input or for room: that is done beforehand.
        let moved = wait(input.as_fd(), PollFlags::POLLIN)
            .and_then(|()| wait(output.as_fd(), PollFlags::POLLOUT))
            .and_then(|()| {
                let now = SpliceFFlags::SPLICE_F_NONBLOCK;
                splice(input.as_fd(), None, output.as_fd(), None, MOST, now)
            });
        match moved {
            Ok(0) => return ExitCode::SUCCESS,
            // No pause at all until it has caught up.
            Ok(LARGE..) => {
                flooding = FLOOD_PIECES;
                pause = (pause / 2).max(SHORTEST_PAUSE);
            }
            Ok(count) if count >= FLOOD_BYTES || flooding > 0 => {
                flooding = match count {
                    FLOOD_BYTES.. => FLOOD_PIECES,
                    _ => flooding - 1,
                };
                thread::sleep(pause);
                pause = (pause + pause / 8).min(LONGEST_PAUSE);
            }
            Ok(_) | Err(Errno::EINTR | Errno::EAGAIN) => {}
            // Not on a pipe, or a kernel that cannot.
            Err(Errno::EINVAL) => {
                let copied = io::copy(&mut input.lock(), &mut output.lock());
                return ExitCode::from(u8::from(copied.is_err()));
            }
            // The FIFO's reader is gone.
            Err(_) => return ExitCode::FAILURE,
        }
    }
}

/// Waits until a descriptor is ready, or will never be again.
fn wait(descriptor: BorrowedFd<'_>, what: PollFlags) -> nix::Result<()> {
    poll(&mut [PollFd::new(descriptor, what)], PollTimeout::NONE).map(drop)
}
