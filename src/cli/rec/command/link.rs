//! The way to the daemon: two FIFOs, neither of which may hold the command up.
//!
//! The daemon reads without waiting for anything, so a FIFO is full for moments
//! only. Should it be stuck all the same, output gathers here up to a bound, and
//! what is beyond is dropped and counted.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

use crate::api::CommandStarted;
use crate::cast::Utf8Carry;
use crate::record::{Control, LONGEST_INPUT, LineReader, Order};

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

/// What the daemon has ordered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Orders {
    /// Output is handed over again.
    pub(super) goes_on: bool,
    /// So is what the settings keep out at present.
    pub(super) allows: bool,
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
    /// Gives what the daemon orders; none where it is of an older version.
    orders: Option<File>,
    order: LineReader<Order>,
    /// Whether nothing is handed over, and the number of the order.
    paused: Option<u64>,
    /// The same by the settings, and why.
    withheld: Option<String>,
    /// What the daemon is told once all before it is handed over.
    answers: Vec<Control>,
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
            orders: open_orders(started),
            order: LineReader::default(),
            paused: None,
            withheld: None,
            answers: Vec::new(),
        })
    }

    /// Goes on with another daemon.
    pub(super) fn reopen(&mut self, started: &CommandStarted) -> io::Result<()> {
        self.state = open(started)?;
        self.path.clone_from(&started.output);
        self.orders = open_orders(started);
        self.moved = Instant::now();
        if let State::Open { control, .. } = &mut self.state {
            // What does not fit is as good as lost: it was not waited for.
            let _ = control.write_all(&std::mem::take(&mut self.untold));
        }
        if let Some((columns, rows)) = self.size {
            self.tell(&Control::Resize(columns, rows));
        }
        // Another one may have been told otherwise.
        self.answers.push(Control::Withheld(self.withheld.clone()));
        self.flush();
        Ok(())
    }

    /// Hands over nothing while there is a reason, by the settings. Returns whether
    /// it has been so and is no longer.
    pub(super) fn withhold(&mut self, why: Option<String>) -> bool {
        if why.is_some() == self.withheld.is_some() {
            return false;
        }
        self.withheld.clone_from(&why);
        self.keys = Utf8Carry::new();
        let goes_on = why.is_none();
        self.answers.push(Control::Withheld(why));
        if goes_on {
            self.tell_size();
        }
        self.flush();
        goes_on
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.withheld.is_some()
    }

    fn is_muted(&self) -> bool {
        self.paused.is_some() || self.withheld.is_some()
    }

    /// The terminal may have got another size meanwhile.
    fn tell_size(&mut self) {
        let size = self
            .size
            .map(|(columns, rows)| Control::Resize(columns, rows));
        self.answers.extend(size);
    }

    /// What the daemon orders comes here.
    pub(super) fn orders(&self) -> Option<BorrowedFd<'_>> {
        self.orders.as_ref().map(AsFd::as_fd)
    }

    /// Takes the daemon's orders. To be called before each read of output: what is
    /// printed once it is told to pause is not handed over.
    pub(super) fn take_orders(&mut self) -> Orders {
        let mut taken = Orders::default();
        let Some(orders) = &mut self.orders else {
            return taken;
        };
        let (mut buffer, mut all) = ([0; 512], Vec::new());
        while let Ok(count @ 1..) = orders.read(&mut buffer) {
            self.order.feed(&buffer[..count], |order| all.push(order));
        }
        for order in all {
            match order {
                Order::Pause(number) => {
                    self.paused = Some(number);
                    self.keys = Utf8Carry::new();
                    self.answers.push(Control::Paused(number));
                }
                Order::Resume => {
                    taken.goes_on |= self.paused.take().is_some();
                    self.answers.push(Control::Resumed);
                    self.tell_size();
                }
                Order::Allow => {
                    taken.allows = true;
                    taken.goes_on |= self.withhold(None);
                }
            }
        }
        self.flush();
        taken
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
        if self.is_muted() {
            return;
        }
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
        for answer in std::mem::take(&mut self.answers) {
            self.tell(&answer);
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
        if self.is_muted() {
            return;
        }
        self.tell(&Control::Resize(columns, rows));
    }

    /// The user typed `bytes`.
    pub(super) fn input(&mut self, bytes: &[u8]) {
        if self.is_muted() {
            return;
        }
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

/// Opens the FIFO for orders. For writing too: it has no end then while the daemon
/// has none to give.
fn open_orders(started: &CommandStarted) -> Option<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW).bits())
        .open(started.orders.as_ref()?)
        .ok()
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
