//! The loop between the player and the user's terminal.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;

use super::keyboard::{self, Keyboard};
use super::poll_timeout;
use crate::cli::terminal::{self, Output, TakenTerminal, terminal_size};
use crate::cli::{Failure, Outcome};
use crate::timeline::Timeline;
use crate::view::player::{Action, Options, Painter, Player};

/// The other screen, no cursor, no wrap at the edge, clicks and drags as numbers,
/// pasted text in brackets.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?1000h\x1b[?1002h\x1b[?1006h\x1b[?2004h";
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b]8;;\x1b\\\x1b[0m\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?7h\x1b[?25h\x1b[?1049l";

/// At most so many pictures a second.
const PICTURE: Duration = Duration::from_millis(16);

/// How long a step of the player takes at most, about.
const STEP: Duration = Duration::from_millis(8);

/// How often what is known of a growing cast is brought up to date.
const GROWTH: Duration = Duration::from_millis(500);

/// Plays on this terminal until the user has enough.
pub(super) fn show(timeline: &Timeline, options: Options, signals: &SignalFd) -> Outcome {
    let keys = terminal::keyboard().map_err(|error| {
        Failure::new(format!("there is no terminal to read keys from: {error}"))
            .hint("`tvmux play --raw` needs none")
    })?;
    let size = terminal_size().unwrap_or((80, 24));
    let follows = options.follows;
    let player = Player::new(timeline.clone(), options, size, Duration::ZERO)?;
    let output = Output::new()?;
    let terminal = take(&keys, &output)?;
    let show = Show {
        player,
        painter: Painter::default(),
        output,
        keys,
        terminal: Some(terminal),
        keyboard: Keyboard::start()?,
        signals,
        started: Instant::now(),
        drawn: None,
        is_drawn: false,
        rest: Some((timeline.clone(), follows)),
    };
    let ended = show.run();
    match ended {
        // The terminal is gone, and with it whoever looked.
        Err(error) if is_gone(&error) => Ok(ExitCode::SUCCESS),
        other => Ok(other?),
    }
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

/// Makes every moment quick to reach, while nobody else needs the processor.
fn go_through(timeline: Timeline, follows: bool) {
    let _ = thread::Builder::new()
        .name("cover".to_owned())
        .spawn(move || {
            // Of this thread alone, on Linux.
            let _ = rustix::process::setpriority_process(None, 10);
            while timeline.cover(None, |_| ControlFlow::Continue(())).is_ok() && follows {
                thread::sleep(GROWTH);
            }
        });
}

struct Show<'a> {
    player: Player,
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
    /// What the player shows was drawn.
    is_drawn: bool,
    /// What is gone through once the first picture is there, and whether it grows.
    rest: Option<(Timeline, bool)>,
}

impl Show<'_> {
    fn run(mut self) -> io::Result<ExitCode> {
        loop {
            if let Some(code) = self.on_signals()? {
                return Ok(code);
            }
            // A thread has failed, and said so.
            if self.terminal.as_ref().is_some_and(TakenTerminal::is_lost) {
                return Ok(ExitCode::FAILURE);
            }
            let step = Instant::now();
            let now = step - self.started;
            self.player.advance(now, &mut || step.elapsed() >= STEP);
            self.is_drawn = false;
            self.draw();
            self.output.flush()?;
            if let Some((timeline, follows)) = self.rest.take() {
                go_through(timeline, follows);
            }
            let ready = self.wait()?;
            if ready.hung_up {
                return Ok(ExitCode::SUCCESS);
            }
            if ready.keys {
                for event in self.keyboard.read()? {
                    match self.player.on(&event) {
                        Some(Action::Quit) => return Ok(ExitCode::SUCCESS),
                        Some(Action::Suspend) => self.suspend()?,
                        Some(Action::Redraw) => self.painter.forget(),
                        Some(Action::Copy(text)) => self.copy(&text),
                        None => {}
                    }
                }
            }
        }
    }

    /// Draws, unless the terminal is behind or has just been drawn on.
    fn draw(&mut self) {
        let is_soon = self.drawn.is_some_and(|drawn| drawn.elapsed() < PICTURE);
        if self.output.is_idle() && !is_soon {
            let mut bytes = String::new();
            self.painter.paint(self.player.draw(), &mut bytes);
            self.output.buffer().extend_from_slice(bytes.as_bytes());
            self.drawn = Some(Instant::now());
            self.is_drawn = true;
        }
    }

    fn wait(&mut self) -> io::Result<Ready> {
        let mut wait = self.player.wait();
        if !self.is_drawn && self.output.is_idle() {
            let soon = self.drawn.map_or(Duration::ZERO, |drawn| {
                PICTURE.saturating_sub(drawn.elapsed())
            });
            wait = Some(wait.map_or(soon, |wait| wait.min(soon)));
        }
        let mut room = PollFlags::empty();
        room.set(PollFlags::POLLOUT, !self.output.is_idle());
        let mut fds = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.keys.as_fd(), PollFlags::empty()),
            PollFd::new(self.output.as_fd(), room),
        ];
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
    fn on_signals(&mut self) -> io::Result<Option<ExitCode>> {
        while let Some(signal) = self.signals.read_signal()? {
            match Signal::try_from(signal.ssi_signo as i32) {
                Ok(Signal::SIGWINCH) => self.follow_size(),
                Ok(Signal::SIGTSTP) => self.suspend()?,
                Ok(Signal::SIGCONT) => self.resume()?,
                _ => return Ok(Some(ExitCode::from(128 + signal.ssi_signo as u8))),
            }
        }
        Ok(None)
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.terminal = None;
        keyboard::stop()?;
        self.resume()
    }

    /// Takes the terminal again: whatever ran meanwhile may have changed it.
    fn resume(&mut self) -> io::Result<()> {
        self.terminal = None;
        self.output.clear();
        self.terminal = Some(take(&self.keys, &self.output)?);
        self.follow_size();
        Ok(())
    }

    fn follow_size(&mut self) {
        if let Some(size) = terminal_size() {
            self.player.resize(size);
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
