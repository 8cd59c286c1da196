//! The way to the daemon: two FIFOs, neither of which may hold the command up.
//!
//! The daemon reads without waiting for anything, so a FIFO is full for moments
//! only. Should it be stuck all the same, output gathers here up to a bound, and
//! what is beyond is dropped and counted.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

use crate::api::CommandStarted;
use crate::cast::Utf8Carry;
use crate::record::{Control, LONGEST_INPUT};

/// While this much waits, the command's output is not read …
const BACKED_UP: usize = 256 * 1024;

/// … unless the daemon has read nothing for this long: then it is stuck.
const STUCK: Duration = Duration::from_secs(1);

/// Most bytes that wait for a daemon that is stuck or not there.
const MOST: usize = 16 * 1024 * 1024;

/// Most bytes of sizes and keys that wait so: what a FIFO takes at once.
const UNTOLD: usize = 64 * 1024;

/// How it stands with the recording.
#[derive(Debug)]
enum State {
    Open {
        output: File,
        control: File,
    },
    /// The daemon died: another one is being asked. It reads on in the same
    /// FIFOs, in which things stay as long as somebody has them open.
    Lost {
        _held: [File; 2],
    },
    /// Somebody ended the recording; the command goes on without.
    Ended,
}

/// The way of the command's output to its recording.
#[derive(Debug)]
pub(super) struct Link {
    state: State,
    path: PathBuf,
    backlog: VecDeque<u8>,
    lost: u64,
    has_failed: bool,
    moved: Instant,
    keys: Utf8Carry,
    /// Sizes and keys while no daemon reads.
    untold: Vec<u8>,
    /// The last size that was told.
    size: Option<(u16, u16)>,
}

impl Link {
    pub(super) fn open(started: &CommandStarted) -> io::Result<Link> {
        Ok(Link {
            state: open(started)?,
            path: started.output.clone(),
            backlog: VecDeque::new(),
            lost: 0,
            has_failed: false,
            moved: Instant::now(),
            keys: Utf8Carry::new(),
            untold: Vec::new(),
            size: None,
        })
    }

    /// Goes on with another daemon.
    pub(super) fn reopen(&mut self, started: &CommandStarted) -> io::Result<()> {
        self.state = open(started)?;
        self.path.clone_from(&started.output);
        self.moved = Instant::now();
        if let State::Open { control, .. } = &mut self.state {
            // What does not fit is as good as lost: it was not waited for.
            let _ = control.write_all(&std::mem::take(&mut self.untold));
        }
        if let Some((columns, rows)) = self.size {
            self.tell(&Control::Resize(columns, rows));
        }
        self.flush();
        Ok(())
    }

    /// No daemon goes on with it.
    pub(super) fn give_up(&mut self) {
        self.has_failed = true;
        self.end();
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.backlog = VecDeque::new();
        self.lost = 0;
    }

    /// Whether the daemon died.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost { .. })
    }

    /// Whether everything was handed over, up to the end of the recording.
    pub(super) fn is_whole(&self) -> bool {
        !self.has_failed && !self.is_lost() && self.lost == 0 && self.is_flushed()
    }

    /// The FIFO, and whether room in it is waited for. Its reader's end shows as
    /// an error.
    pub(super) fn watched(&self) -> Option<(BorrowedFd<'_>, bool)> {
        match &self.state {
            State::Open { output, .. } => Some((output.as_fd(), !self.backlog.is_empty())),
            State::Lost { .. } | State::Ended => None,
        }
    }

    /// Whether the command's output should wait.
    pub(super) fn is_backed_up(&self) -> bool {
        matches!(self.state, State::Open { .. })
            && self.backlog.len() >= BACKED_UP
            && self.moved.elapsed() < STUCK
    }

    /// The command printed `bytes`.
    pub(super) fn output(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if self.backlog.is_empty() {
            rest = &rest[self.write(rest)..];
        }
        if matches!(self.state, State::Ended) {
            return;
        }
        let room = MOST.saturating_sub(self.backlog.len()).min(rest.len());
        self.backlog.extend(&rest[..room]);
        self.lost += (rest.len() - room) as u64;
    }

    /// Hands over what waits.
    pub(super) fn flush(&mut self) {
        while !self.backlog.is_empty() {
            let part = self.backlog.as_slices().0.to_vec();
            let written = self.write(&part);
            self.backlog.drain(..written);
            if written < part.len() {
                return;
            }
        }
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            if !self.tell(&Control::Lost(lost)) {
                self.lost = lost;
            }
        }
        if self.backlog.capacity() > BACKED_UP {
            self.backlog.shrink_to(BACKED_UP);
        }
    }

    /// Whether everything is handed over.
    pub(super) fn is_flushed(&self) -> bool {
        self.backlog.is_empty() || !matches!(self.state, State::Open { .. })
    }

    pub(super) fn resize(&mut self, columns: u16, rows: u16) {
        self.size = Some((columns, rows));
        self.tell(&Control::Resize(columns, rows));
    }

    /// The user typed `bytes`.
    pub(super) fn input(&mut self, bytes: &[u8]) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.push(bytes, |mut text| {
            while !text.is_empty() {
                let (head, tail) = text.split_at(text.floor_char_boundary(LONGEST_INPUT));
                self.tell(&Control::Input(head.to_owned()));
                text = tail;
            }
        });
        self.keys = keys;
    }

    /// Writes what the FIFO takes; returns how much.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let State::Open { output, .. } = &mut self.state else {
            return 0;
        };
        let mut written = 0;
        while written < bytes.len() {
            match output.write(&bytes[written..]) {
                Ok(count) => {
                    written += count;
                    self.moved = Instant::now();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.on_reader_gone();
                    break;
                }
            }
        }
        written
    }

    fn tell(&mut self, message: &Control) -> bool {
        let line = message.line();
        match &mut self.state {
            State::Open { control, .. } => control.write_all(&line).is_ok(),
            State::Lost { .. } if self.untold.len() + line.len() <= UNTOLD => {
                self.untold.extend_from_slice(&line);
                true
            }
            State::Lost { .. } | State::Ended => false,
        }
    }

    /// The daemon reads no more. It removes the FIFO of a recording that it
    /// ends; where the FIFO is still there, it died.
    pub(super) fn on_reader_gone(&mut self) {
        let has_died = self.path.symlink_metadata().is_ok();
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Open { output, control } if has_died => {
                self.state = State::Lost {
                    _held: [output, control],
                };
            }
            lost @ State::Lost { .. } => self.state = lost,
            State::Open { .. } | State::Ended => self.end(),
        }
    }
}

fn open(started: &CommandStarted) -> io::Result<State> {
    let open = |path: &Path| {
        OpenOptions::new()
            .write(true)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW).bits())
            .open(path)
    };
    Ok(State::Open {
        output: open(&started.output)?,
        control: open(&started.control)?,
    })
}
