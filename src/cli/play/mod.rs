//! `tvmux play`: shows a cast on this terminal.

mod raw;
mod show;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use clap_complete::engine::ArgValueCompleter;
use jiff::tz::TimeZone;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;

use super::signals::take_signals;
use super::validate::shown;
use super::{Context, Failure, Outcome, candidates, cast_argument, convert, screenshot, stage};
use crate::cast::Micros;
use crate::timeline::Moment;
use crate::view::player::{Options, Speed};

pub(super) use show::Show;

/// Play a cast, or what is being recorded
///
/// Space pauses, the arrows and the mouse go to any moment, / searches in all that
/// was ever on the screen, h shows all keys, q quits. A screen larger than this
/// terminal is shown around its cursor; the arrows up and down, or any with Alt,
/// move over it. The terminal is left as it was.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A cast; the id of a recording, as `rec ls` shows it, a window id (`@3`) or a
    /// tmux target, which is followed live; `-` is standard input.
    #[arg(value_name = "FILE|ID", add = ArgValueCompleter::new(candidates::casts_and_recordings))]
    cast: PathBuf,

    /// Start there: 90, 1:23:45, 1h2m, 50%, -10s from the end, a wall clock time
    /// (14:05, "2026-11-26 14:05") or a marker's label.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,

    /// How many times as fast; `max` is as fast as the terminal takes it.
    #[arg(long, value_name = "N|max", default_value = "1", value_parser = parse_speed)]
    speed: Speed,

    /// The longest pause that stays, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = convert::parse_pause)]
    idle: Option<Micros>,

    /// Start again at the end.
    #[arg(long = "loop")]
    is_looped: bool,

    /// Start at the end, and show what comes as it comes.
    #[arg(long, conflicts_with = "is_looped")]
    follow: bool,

    /// Pause at each marker.
    #[arg(long)]
    pause_on_markers: bool,

    /// Hand the output to the terminal as it is, but for what the terminal would
    /// answer or keep: questions, titles, colours of the palette, the mouse.
    /// Keys: Space pauses, . shows the next output, ] goes to the next marker,
    /// + and - change the speed, q quits.
    #[arg(long, conflicts_with_all = ["is_looped", "follow"])]
    raw: bool,
}

/// Plays a cast from a time on, in microseconds.
pub(super) fn open_at(context: &Context, cast: &Path, time: Micros) -> Outcome {
    let args = Args {
        cast: cast.to_owned(),
        at: Some(Moment::FromStart(time)),
        speed: Speed::Times(1.0),
        idle: None,
        is_looped: false,
        follow: false,
        pause_on_markers: false,
        raw: false,
    };
    run(context, &args)
}

fn parse_speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let times = convert::parse_speed(text).map_err(|error| format!("{error}, or max"))?;
    Ok(Speed::Times(times))
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    if !args.raw && !io::stdout().is_terminal() {
        let what = shown(&args.cast);
        return Err(Failure::usage("standard output is no terminal").hint(format!(
            "`tvmux cat {what}` prints what was recorded, `tvmux play --raw {what}` does so in its time"
        )));
    }
    // Before any thread starts: one that took no part would be ended by them.
    let signals = take_signals(&stage::SIGNALS)?;
    if args.raw {
        return raw::play(context, args, &signals);
    }
    let (timeline, at, is_running) = prepare(&signals, || {
        let found = cast_argument::find(context, &args.cast)?;
        let timeline = screenshot::open_path(&found.path, &STOP)?;
        let at = match &args.at {
            // What may be wrong is told before anything is drawn.
            Some(moment @ (Moment::Day(..) | Moment::Date(_) | Moment::Label(_))) => {
                let time = screenshot::find(&timeline, moment, &args.cast, &STOP)?;
                Some(Moment::FromStart(time))
            }
            other => other.clone(),
        };
        Ok((timeline, at, found.is_running))
    })?;
    let options = Options {
        at,
        speed: args.speed,
        idle: args.idle,
        is_looped: args.is_looped,
        follows: args.follow || is_running,
        pauses_on_markers: args.pause_on_markers,
        zone: TimeZone::system(),
    };
    show::show(&timeline, options, &signals)
}

/// Set when a signal asks for the end while something is prepared.
static STOP: AtomicBool = AtomicBool::new(false);

/// Does what may take long or wait for input before the terminal is taken.
fn prepare<T: Send>(
    signals: &SignalFd,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let (bell, ringer) = io::pipe()?;
    thread::scope(|scope| {
        let work = scope.spawn(move || {
            // Closed at the end, which the other side sees.
            let _ringer = ringer;
            work()
        });
        loop {
            let mut fds = [
                PollFd::new(signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(bell.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            if fds[1].any() == Some(true) {
                break;
            }
            while let Some(signal) = signals.read_signal()? {
                match Signal::try_from(signal.ssi_signo as i32) {
                    Ok(Signal::SIGTSTP) => stage::stop_job()?,
                    Ok(Signal::SIGWINCH | Signal::SIGCONT) => {}
                    _ => STOP.store(true, Ordering::Relaxed),
                }
            }
        }
        match work.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
