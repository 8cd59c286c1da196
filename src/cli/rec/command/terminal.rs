//! The user's terminal, and the pseudo terminal that the command gets.

use std::env;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::termios::tcgetattr;
use nix::unistd::tcgetpgrp;

use crate::cli::terminal::{RawMode, terminal_size};
use crate::processes::hides_lines;

nix::ioctl_write_ptr_bad!(set_size, nix::libc::TIOCSWINSZ, Winsize);

/// The size where there is neither a terminal nor a hint: columns, rows.
const HEADLESS: (u16, u16) = (80, 24);

/// The terminal that `tvmux rec` runs in, as far as there is one.
pub(super) struct UserTerminal {
    /// Whether keys come from a terminal.
    has_keys: bool,
    raw: RawMode<io::Stdin>,
}

impl UserTerminal {
    /// The terminal of standard input; none where it is not to be used.
    pub(super) fn new(is_headless: bool) -> UserTerminal {
        UserTerminal {
            has_keys: !is_headless && io::stdin().is_terminal(),
            raw: RawMode::new(io::stdin()),
        }
    }

    /// Whether keys come from a terminal.
    pub(super) fn has_keys(&self) -> bool {
        self.has_keys
    }

    /// Whether the terminal's keys are read at present.
    pub(super) fn is_raw(&self) -> bool {
        self.raw.is_on()
    }

    /// Hands every key on as it is, while this job is in the foreground.
    pub(super) fn make_raw(&mut self) {
        if self.has_keys {
            self.raw.turn_on();
        }
    }

    /// Puts the terminal back as it was.
    pub(super) fn restore(&mut self) {
        self.raw.turn_off();
    }
}

/// The size that the command's terminal gets: as asked, else the user's
/// terminal's, else `COLUMNS` and `LINES`, else 80 × 24.
pub(super) fn size(asked: Option<(u16, u16)>, is_headless: bool) -> (u16, u16) {
    let number = |name| env::var(name).ok()?.parse().ok().filter(|size| *size > 0);
    asked
        .or_else(|| terminal_size().filter(|_| !is_headless))
        .unwrap_or_else(|| {
            let (columns, rows) = HEADLESS;
            (
                number("COLUMNS").unwrap_or(columns),
                number("LINES").unwrap_or(rows),
            )
        })
}

/// A pseudo terminal, from the side that shows it.
pub(super) struct Pty {
    master: OwnedFd,
}

impl Pty {
    /// Makes one with the settings of the user's terminal; gives the command's
    /// side too.
    pub(super) fn open((columns, rows): (u16, u16)) -> io::Result<(Pty, OwnedFd)> {
        let settings = tcgetattr(io::stdin())
            .or_else(|_| tcgetattr(io::stdout()))
            .ok();
        let OpenptyResult { master, slave } = openpty(&winsize(columns, rows), &settings)?;
        for side in [&master, &slave] {
            fcntl(side, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        fcntl(
            &master,
            FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK),
        )?;
        Ok((Pty { master }, slave))
    }

    /// The command's terminal has a new size: its foreground group gets a
    /// SIGWINCH.
    pub(super) fn resize(&self, columns: u16, rows: u16) {
        use std::os::fd::AsRawFd;
        let size = winsize(columns, rows);
        // SAFETY: the descriptor is open and the size lives through the call.
        let _ = unsafe { set_size(self.master.as_raw_fd(), &raw const size) };
    }

    /// Whether a password is asked for.
    pub(super) fn hides_lines(&self) -> bool {
        // Where it cannot be told, a password is the worse loss.
        hides_lines(&self.master).unwrap_or(true)
    }

    /// The process group in the foreground of the command's terminal.
    pub(super) fn foreground(&self) -> Option<nix::unistd::Pid> {
        tcgetpgrp(&self.master)
            .ok()
            .filter(|group| group.as_raw() > 0)
    }
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_col: columns,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
