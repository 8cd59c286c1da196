//! `play --raw`: the output itself, in its time.

use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;

use super::{Args, STOP, prepare};
use crate::cast::{Code, EventReader, Micros, ReadError, Strictness};
use crate::cli::stage::{self, Keyboard, poll_timeout};
use crate::cli::terminal::{self, Output, TakenTerminal};
use crate::cli::validate::shown;
use crate::cli::{Context, Failure, Outcome, cast_argument, cast_input, screenshot};
use crate::timeline::Moment;
use crate::view::player::{Filter, Speed};

/// Events that are read ahead.
const AHEAD: usize = 256;

/// Bytes that are written at once when nothing is waited for.
const MOST: usize = 64 * 1024;

/// What the cast has next.
struct Chunk {
    time: Micros,
    /// Output; of a marker nothing.
    text: String,
    is_marker: bool,
}

/// Plays the output to standard output.
pub(super) fn play(context: &Context, args: &Args, signals: &SignalFd) -> Outcome {
    let (path, at) = prepare(signals, || {
        let found = cast_argument::find(context, &args.cast)?;
        let at = match &args.at {
            None => 0,
            Some(Moment::FromStart(time)) => *time,
            Some(_) if found.path == Path::new("-") => {
                let error = "--raw starts a cast from a pipe at a time after its start only";
                return Err(Failure::usage(error));
            }
            Some(moment) => {
                let timeline = screenshot::open_path(&found.path, &STOP)?;
                screenshot::find(&timeline, moment, &args.cast, &STOP)?
            }
        };
        Ok((found.path, at))
    })?;
    let is_terminal = io::stdout().is_terminal();
    let keys = if is_terminal {
        terminal::keyboard().ok()
    } else {
        None
    };
    let output = Output::new()?;
    let mut play = RawPlay {
        chunks: Chunks::read(&path)?,
        output,
        filter: Filter::default(),
        terminal: None,
        keyboard: None,
        keys,
        signals,
        position: at,
        since: Instant::now(),
        speed: args.speed,
        idle: args.idle,
        is_paused: false,
        pauses_on_markers: args.pause_on_markers,
        skip: Skip::To(at),
    };
    play.take()?;
    if play.keys.is_some() {
        play.keyboard = Some(Keyboard::start()?);
    }
    match play.run() {
        Err(error) if is_gone(&error) => Ok(ExitCode::SUCCESS),
        other => other,
    }
}

fn is_gone(failure: &Failure) -> bool {
    failure.error::<io::Error>().is_some_and(|error| {
        let number = error.raw_os_error().map(Errno::from_raw);
        matches!(number, Some(Errno::EIO | Errno::EPIPE | Errno::ENXIO))
    })
}

/// The events of a cast, read ahead by a thread.
struct Chunks {
    receiver: Receiver<Result<Chunk, ReadError>>,
    bell: PipeReader,
    next: Option<Chunk>,
    has_ended: bool,
}

impl Chunks {
    fn read(path: &Path) -> Result<Chunks, Failure> {
        let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", shown(path)));
        let input = cast_input::open_chain_silently(path).map_err(unreadable)?;
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        let (bell, mut ringer) = io::pipe()?;
        thread::Builder::new()
            .name("read".to_owned())
            .spawn(move || {
                let sent = read_events(input, |chunk| {
                    sender.send(Ok(chunk)).is_ok() && ringer.write_all(&[0]).is_ok()
                });
                if let Err(error) = sent {
                    let _ = sender.send(Err(error));
                }
            })?;
        Ok(Chunks {
            receiver,
            bell,
            next: None,
            has_ended: false,
        })
    }

    /// The next one, if it is there.
    fn peek(&mut self) -> Result<Option<&Chunk>, ReadError> {
        if self.next.is_none() {
            match self.receiver.try_recv() {
                Ok(chunk) => {
                    let _ = self.bell.read(&mut [0]);
                    self.next = Some(chunk?);
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.has_ended = true,
            }
        }
        Ok(self.next.as_ref())
    }
}

fn read_events(input: impl Read, mut send: impl FnMut(Chunk) -> bool) -> Result<(), ReadError> {
    let mut reader = EventReader::new(input, Strictness::Forgiving)?;
    while let Some(event) = reader.next()? {
        let is_marker = event.code == Code::Marker;
        let text = match event.code {
            Code::Output => event.data.to_str().into_owned(),
            Code::Marker => String::new(),
            _ => continue,
        };
        let time = event.time;
        if !send(Chunk {
            time,
            text,
            is_marker,
        }) {
            break;
        }
    }
    Ok(())
}

/// What is shown at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skip {
    Nothing,
    To(Micros),
    ToMarker,
    Output,
}

struct RawPlay<'a> {
    chunks: Chunks,
    output: Output,
    filter: Filter,
    terminal: Option<TakenTerminal>,
    keyboard: Option<Keyboard>,
    keys: Option<File>,
    signals: &'a SignalFd,
    /// The time of the last event.
    position: Micros,
    /// When that was shown.
    since: Instant,
    speed: Speed,
    idle: Option<Micros>,
    is_paused: bool,
    pauses_on_markers: bool,
    skip: Skip,
}

impl RawPlay<'_> {
    fn run(&mut self) -> Outcome {
        loop {
            if let Some(code) = self.on_signals()? {
                return Ok(code);
            }
            let wait = self.show_what_is_due()?;
            let is_over = self.chunks.has_ended && self.chunks.next.is_none();
            if is_over && self.output.is_idle() {
                return Ok(ExitCode::SUCCESS);
            }
            if let Some(code) = self.wait(wait)? {
                return Ok(code);
            }
        }
    }

    fn take(&mut self) -> io::Result<()> {
        if let Some(keys) = &self.keys {
            let leave = self.filter.restore();
            let (keys, screen) = (keys.try_clone()?, self.output.try_clone()?);
            self.terminal = Some(TakenTerminal::take(keys, screen, b"", leave.as_bytes()));
        }
        Ok(())
    }

    /// Hands on what is due. Gives how long nothing will be; `None` when only a key
    /// or more input changes that.
    fn show_what_is_due(&mut self) -> Result<Option<Duration>, Failure> {
        loop {
            self.output.flush()?;
            if !self.output.is_idle() && self.output.buffer().len() >= MOST {
                return Ok(None);
            }
            let due = self.due()?;
            match due {
                Some(Duration::ZERO) => self.show()?,
                other => return Ok(other),
            }
        }
    }

    /// How long it is to the next event.
    fn due(&mut self) -> Result<Option<Duration>, Failure> {
        let (skip, is_paused) = (self.skip, self.is_paused);
        let (position, idle, speed) = (self.position, self.idle, self.speed);
        let Some(chunk) = self.chunks.peek()? else {
            return Ok(None);
        };
        let skips = match skip {
            Skip::Nothing => false,
            Skip::To(time) => chunk.time <= time,
            Skip::ToMarker | Skip::Output => true,
        };
        if skips {
            return Ok(Some(Duration::ZERO));
        }
        if is_paused {
            return Ok(None);
        }
        let pause = chunk.time.saturating_sub(position);
        let pause = idle.map_or(pause, |idle| pause.min(idle));
        Ok(Some(match speed {
            Speed::Max => Duration::ZERO,
            Speed::Times(times) => {
                let due = Duration::from_secs_f64(pause as f64 / 1e6 / times);
                due.saturating_sub(self.since.elapsed())
            }
        }))
    }

    fn show(&mut self) -> Result<(), Failure> {
        let Some(chunk) = self.chunks.next.take() else {
            return Ok(());
        };
        self.filter.pass(&chunk.text, self.output.buffer());
        if let Some(terminal) = &mut self.terminal {
            terminal.set_leave(&self.filter.restore());
        }
        self.position = self.position.max(chunk.time);
        self.since = Instant::now();
        match self.skip {
            Skip::ToMarker if chunk.is_marker => {
                self.skip = Skip::Nothing;
                self.is_paused = true;
            }
            Skip::Output if !chunk.is_marker => self.skip = Skip::Nothing,
            Skip::Nothing if chunk.is_marker && self.pauses_on_markers => self.is_paused = true,
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, wait: Option<Duration>) -> Result<Option<ExitCode>, Failure> {
        let mut room = PollFlags::empty();
        room.set(PollFlags::POLLOUT, !self.output.is_idle());
        let mut more = PollFlags::empty();
        more.set(
            PollFlags::POLLIN,
            self.chunks.next.is_none() && !self.chunks.has_ended,
        );
        let mut fds = vec![
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.output.as_fd(), room),
            PollFd::new(self.chunks.bell.as_fd(), more),
        ];
        if let (Some(keyboard), Some(keys)) = (&self.keyboard, &self.keys) {
            fds.push(PollFd::new(keyboard.as_fd(), PollFlags::POLLIN));
            fds.push(PollFd::new(keys.as_fd(), PollFlags::empty()));
        }
        match poll(&mut fds, poll_timeout(wait)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has = |at: usize, flags| {
            let said = fds.get(at).and_then(PollFd::revents);
            said.is_some_and(|said| said.intersects(flags))
        };
        let gone = PollFlags::POLLERR | PollFlags::POLLNVAL;
        if has(1, gone) || has(4, gone | PollFlags::POLLHUP) {
            return Ok(Some(ExitCode::SUCCESS));
        }
        if has(3, PollFlags::POLLIN) {
            let events = match &mut self.keyboard {
                Some(keyboard) => keyboard.read()?,
                None => Vec::new(),
            };
            for event in events {
                if let Event::Key(key) = event
                    && self.on_key(key)?
                {
                    return Ok(Some(ExitCode::SUCCESS));
                }
            }
        }
        Ok(None)
    }

    /// Gives whether it is enough.
    fn on_key(&mut self, key: KeyEvent) -> Result<bool, Failure> {
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if has_control => return Ok(true),
            KeyCode::Char('z') if has_control => self.suspend()?,
            KeyCode::Char('q') => return Ok(true),
            KeyCode::Char(' ') => {
                self.is_paused = !self.is_paused;
                self.since = Instant::now();
            }
            KeyCode::Char('.') => {
                self.is_paused = true;
                self.skip = Skip::Output;
            }
            KeyCode::Char(']') => self.skip = Skip::ToMarker,
            KeyCode::Char('+') => self.change_speed(2.0),
            KeyCode::Char('-') => self.change_speed(0.5),
            _ => {}
        }
        Ok(false)
    }

    fn change_speed(&mut self, factor: f64) {
        self.speed = match self.speed {
            Speed::Times(times) => Speed::Times((times * factor).clamp(0.0625, 1024.0)),
            Speed::Max if factor < 1.0 => Speed::Times(1024.0),
            Speed::Max => Speed::Max,
        };
    }

    fn on_signals(&mut self) -> Result<Option<ExitCode>, Failure> {
        while let Some(signal) = self.signals.read_signal()? {
            match Signal::try_from(signal.ssi_signo as i32) {
                Ok(Signal::SIGWINCH) => {}
                Ok(Signal::SIGTSTP) => self.suspend()?,
                Ok(Signal::SIGCONT) => {
                    self.terminal = None;
                    self.take()?;
                }
                _ => return Ok(Some(ExitCode::from(128 + signal.ssi_signo as u8))),
            }
        }
        Ok(None)
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.terminal = None;
        stage::stop_job()?;
        self.since = Instant::now();
        self.take()
    }
}
