//! The user's terminal for a program that draws on all of it: the loop between the
//! program, which is pure, and keys, signals and output.

mod keyboard;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::Event;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;

use super::Failure;
use super::terminal::{self, Output, TakenTerminal, terminal_size};
use crate::view::frame::{Action, Frame, Painter};

pub(super) use keyboard::{Keyboard, stop_job};

/// What ends such a program, or tells it that its terminal is another.
pub(super) const SIGNALS: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGWINCH,
    Signal::SIGTSTP,
    Signal::SIGCONT,
];

/// The other screen, no cursor, no wrap at the edge, clicks and drags as numbers,
/// pasted text in brackets.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?1000h\x1b[?1002h\x1b[?1006h\x1b[?2004h";
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b]8;;\x1b\\\x1b[0m\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Time between two pictures at least: about 60 a second.
const PICTURE: Duration = Duration::from_millis(16);

/// How long a step of a program takes at most, about.
const STEP: Duration = Duration::from_millis(8);

/// What is shown, and takes the keys.
pub(super) trait Program {
    /// It is `now`: goes on until `is_over`, or until there is nothing to do before
    /// another time comes.
    fn advance(&mut self, now: Duration, is_over: &mut dyn FnMut() -> bool);

    /// How long nothing changes unless something comes; `None` forever.
    fn wait(&mut self) -> Option<Duration>;

    /// What the terminal is to show.
    fn draw(&mut self) -> Frame;

    /// The terminal has another size: columns, rows.
    fn resize(&mut self, size: (u16, u16));

    /// Takes a key, a move of the mouse or pasted text.
    fn on(&mut self, event: &Event) -> Option<Action>;

    /// The first picture is there.
    fn on_shown(&mut self) {}

    /// Readable when something has come from elsewhere.
    fn bell(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// The terminal, taken: it is given back when this goes.
pub(super) struct Stage<'a> {
    painter: Painter,
    output: Output,
    keys: File,
    /// `None` while the job is stopped.
    terminal: Option<TakenTerminal>,
    keyboard: Keyboard,
    signals: &'a SignalFd,
    started: Instant,
    /// When the last picture was made.
    drawn: Option<Instant>,
    /// What the program shows was drawn.
    is_drawn: bool,
}

fn is_gone(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EIO | Errno::EPIPE | Errno::ENXIO))
}

fn take(keys: &File, output: &Output) -> io::Result<TakenTerminal> {
    keyboard::wait_for_foreground(keys)?;
    let (keys, screen) = (keys.try_clone()?, output.try_clone()?);
    Ok(TakenTerminal::take(keys, screen, ENTER, LEAVE))
}

impl Stage<'_> {
    /// Takes the terminal.
    pub(super) fn open(signals: &SignalFd) -> Result<Stage<'_>, Failure> {
        let keys = terminal::keyboard().map_err(|error| {
            Failure::new(format!("there is no terminal to read keys from: {error}"))
        })?;
        let output = Output::new()?;
        let terminal = take(&keys, &output)?;
        Ok(Stage {
            painter: Painter::default(),
            output,
            keys,
            terminal: Some(terminal),
            keyboard: Keyboard::start()?,
            signals,
            started: Instant::now(),
            drawn: None,
            is_drawn: false,
        })
    }

    /// The time that programs are told at present.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Shows a program until its user has enough of it; gives the exit code where all
    /// is to end: by a signal, or since the terminal is gone.
    pub(super) fn run(&mut self, program: &mut dyn Program) -> io::Result<Option<ExitCode>> {
        match self.run_on(program) {
            // The terminal is gone, and with it whoever looked.
            Err(error) if is_gone(&error) => Ok(Some(ExitCode::SUCCESS)),
            other => other,
        }
    }

    fn run_on(&mut self, program: &mut dyn Program) -> io::Result<Option<ExitCode>> {
        let mut is_new = true;
        loop {
            if let Some(code) = self.on_signals(program)? {
                return Ok(Some(code));
            }
            // A thread has failed, and said so.
            if self.terminal.as_ref().is_some_and(TakenTerminal::is_lost) {
                return Ok(Some(ExitCode::FAILURE));
            }
            let step = Instant::now();
            let now = step - self.started;
            program.advance(now, &mut || step.elapsed() >= STEP);
            self.is_drawn = false;
            self.draw(program);
            self.output.flush()?;
            if std::mem::take(&mut is_new) {
                program.on_shown();
            }
            let ready = self.wait(program)?;
            if ready.hung_up {
                return Ok(Some(ExitCode::SUCCESS));
            }
            if ready.keys {
                for event in self.keyboard.read()? {
                    match program.on(&event) {
                        Some(Action::Quit) => return Ok(None),
                        Some(Action::Suspend) => self.suspend(program)?,
                        Some(Action::Redraw) => self.painter.forget(),
                        Some(Action::Copy(text)) => self.copy(&text),
                        None => {}
                    }
                }
            }
        }
    }

    /// Draws, unless the terminal is behind or has just been drawn on.
    fn draw(&mut self, program: &mut dyn Program) {
        let is_soon = self.drawn.is_some_and(|drawn| drawn.elapsed() < PICTURE);
        if self.output.is_idle() && !is_soon {
            let mut bytes = String::new();
            self.painter.paint(program.draw(), &mut bytes);
            self.output.buffer().extend_from_slice(bytes.as_bytes());
            self.drawn = Some(Instant::now());
            self.is_drawn = true;
        }
    }

    fn wait(&mut self, program: &mut dyn Program) -> io::Result<Ready> {
        let mut wait = program.wait();
        if !self.is_drawn && self.output.is_idle() {
            let soon = self.drawn.map_or(Duration::ZERO, |drawn| {
                PICTURE.saturating_sub(drawn.elapsed())
            });
            wait = Some(wait.map_or(soon, |wait| wait.min(soon)));
        }
        let mut room = PollFlags::empty();
        room.set(PollFlags::POLLOUT, !self.output.is_idle());
        let mut fds = vec![
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.keys.as_fd(), PollFlags::empty()),
            PollFd::new(self.output.as_fd(), room),
        ];
        let bell = program.bell();
        fds.extend(bell.map(|bell| PollFd::new(bell, PollFlags::POLLIN)));
        match poll(&mut fds, poll_timeout(wait)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has = |at: usize, flags| {
            let said: &PollFd<'_> = &fds[at];
            said.revents().is_some_and(|said| said.intersects(flags))
        };
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        Ok(Ready {
            keys: has(1, PollFlags::POLLIN),
            hung_up: has(2, gone) || has(3, gone),
        })
    }

    /// Gives the exit code, when one asks for the end.
    fn on_signals(&mut self, program: &mut dyn Program) -> io::Result<Option<ExitCode>> {
        while let Some(signal) = self.signals.read_signal()? {
            match Signal::try_from(signal.ssi_signo as i32) {
                Ok(Signal::SIGWINCH) => self.follow_size(program),
                Ok(Signal::SIGTSTP) => self.suspend(program)?,
                Ok(Signal::SIGCONT) => self.resume(program)?,
                _ => return Ok(Some(ExitCode::from(128 + signal.ssi_signo as u8))),
            }
        }
        Ok(None)
    }

    fn suspend(&mut self, program: &mut dyn Program) -> io::Result<()> {
        self.terminal = None;
        stop_job()?;
        self.resume(program)
    }

    /// Takes the terminal again: whatever ran meanwhile may have changed it.
    fn resume(&mut self, program: &mut dyn Program) -> io::Result<()> {
        self.terminal = None;
        self.output.clear();
        self.terminal = Some(take(&self.keys, &self.output)?);
        self.follow_size(program);
        Ok(())
    }

    fn follow_size(&mut self, program: &mut dyn Program) {
        if let Some(size) = terminal_size() {
            program.resize(size);
        }
        self.painter.forget();
    }

    fn copy(&mut self, text: &str) {
        let mut sequence = String::new();
        if CopyToClipboard::to_clipboard_from(text)
            .write_ansi(&mut sequence)
            .is_ok()
        {
            self.output.buffer().extend_from_slice(sequence.as_bytes());
        }
    }
}

struct Ready {
    keys: bool,
    hung_up: bool,
}

/// A wait for `poll`, without end when there is none. It is rounded up: a wait of
/// nothing would be spent many times.
pub(super) fn poll_timeout(wait: Option<Duration>) -> PollTimeout {
    wait.map_or(PollTimeout::NONE, |wait| {
        let milliseconds = wait.as_micros().div_ceil(1000);
        PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
    })
}
