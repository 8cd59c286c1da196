//! Whether a pane is ready to be typed into.
//!
//! Commands typed before a shell reads its terminal are echoed twice, or lost
//! when the shell empties its input. Ready means that a line editor has taken
//! the terminal over (it is no longer in line mode), or that a process of the
//! foreground waits for input from it, as a shell without a line editor does.
//! A prompt on the screen counts only where the system tells neither: a start
//! file may well print something long before the shell reads.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc;
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::processes::{GENERATIONS, ProcStat, children};

/// What can be said about a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Its terminal is being read, or its process is gone.
    Ready,
    /// Nobody reads its terminal yet.
    NotYet,
    /// The system does not tell; look at the screen.
    Unknown,
}

/// The state of a pane's terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    /// Each key is read as it is typed, as line editors do it: no lines, and no
    /// newline for Enter.
    pub is_raw: bool,
    /// How many bytes were typed that nobody has read yet. Only whole lines
    /// count where the terminal is not raw.
    pub unread: usize,
}

impl Terminal {
    /// Looks at a terminal; `None` when it is gone. It is closed again at once:
    /// a pane ends when nobody has its terminal open.
    pub fn of(tty: &Path) -> Option<Terminal> {
        let tty = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
            .open(tty)
            .ok()?;
        let modes = tcgetattr(&tty).ok()?;
        Some(Terminal {
            is_raw: !modes.local_flags.contains(LocalFlags::ICANON),
            unread: usize::try_from(rustix::io::ioctl_fionread(&tty).ok()?).ok()?,
        })
    }
}

/// Looks at a pane, by the process it was started with and its terminal.
#[must_use]
pub fn look(pid: u32, tty: &Path) -> Readiness {
    let Some(process) = ProcStat::of(pid) else {
        // Without /proc nothing is known; with it, the process has ended.
        return match ProcStat::of(std::process::id()) {
            Some(_) => Readiness::Ready,
            None => Readiness::Unknown,
        };
    };
    let Some(terminal) = Terminal::of(tty) else {
        return Readiness::Unknown;
    };
    let foreground = process.foreground;
    if terminal.is_raw
        && let Some(editor) = u32::try_from(foreground).ok().and_then(ProcStat::of)
        && editor.state != 'R'
    {
        return Readiness::Ready;
    }
    search(pid, foreground, GENERATIONS)
}

/// Looks for a process of the foreground that waits for its terminal.
fn search(pid: u32, foreground: i32, generations: usize) -> Readiness {
    let mut found = match ProcStat::of(pid) {
        Some(process) if process.group == foreground => waits_for_terminal(pid),
        _ => Readiness::NotYet,
    };
    if found == Readiness::Ready || generations == 0 {
        return found;
    }
    for child in children(pid) {
        match search(child, foreground, generations - 1) {
            Readiness::Ready => return Readiness::Ready,
            Readiness::Unknown => {}
            // A child that is doing something else: the shell waits for it.
            Readiness::NotYet => found = Readiness::NotYet,
        }
    }
    found
}

/// Whether a process sleeps in a read of a terminal, by where it sleeps.
fn waits_for_terminal(pid: u32) -> Readiness {
    match fs::read_to_string(format!("/proc/{pid}/wchan")) {
        Ok(place) if matches!(place.as_str(), "wait_woken" | "n_tty_read" | "tty_read") => {
            Readiness::Ready
        }
        // "0": it runs, or the kernel keeps such names to itself.
        Ok(place) if place != "0" && !place.is_empty() => Readiness::NotYet,
        _ => match ProcStat::of(pid) {
            Some(process) if process.state == 'R' => Readiness::NotYet,
            _ => Readiness::Unknown,
        },
    }
}
