//! `tvmux screenshot`: what a cast showed at a moment.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use clap_complete::engine::ArgValueCompleter;

use super::output_file::Output;
use super::progress::Progress;
use super::signals::{StoppableInput, stop_flag};
use super::table::duration;
use super::validate::shown;
use super::{Context, Failure, Outcome, candidates, cast_argument};
use crate::cast::{Micros, ReadError};
use crate::timeline::{Coverage, Moment, MomentError, Timeline, TimelineError, TimelineOptions};
use crate::view::{self, Links, Theme};

/// Show the screen of a cast at a moment
///
/// TIME is seconds or 1:23:45 or 1h2m after the start, 50%, -10s from the end, a
/// wall clock time (14:05, '2026-11-26 14:05') or the label of a marker; the end
/// without. 14:05 is minutes and seconds where the cast does not cover that time of
/// day.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A cast, `-` for standard input, or the id of a recording
    #[arg(value_name = "FILE|ID", add = ArgValueCompleter::new(candidates::casts_and_recordings))]
    cast: PathBuf,
    /// The moment
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// Without this the suffix of OUT says; else ansi on a terminal, text elsewhere
    #[arg(long, value_name = "FORMAT")]
    format: Option<Picture>,
    /// Where it goes; `-` is standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,
    /// Replace OUT if it is there
    #[arg(long)]
    overwrite: bool,
}

/// What a screen is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Picture {
    /// Text with colours, for a terminal
    Ansi,
    /// Text alone
    Text,
    /// A page of its own
    Html,
    /// A picture of its own
    Svg,
    /// Rows, runs, cursor and size, for programs
    Json,
}

impl Picture {
    fn of(path: &Path) -> Option<Picture> {
        match path.extension()?.to_str()? {
            "ansi" => Some(Picture::Ansi),
            "txt" | "text" => Some(Picture::Text),
            "html" | "htm" => Some(Picture::Html),
            "svg" => Some(Picture::Svg),
            "json" => Some(Picture::Json),
            _ => None,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let picture = match args.format.or_else(|| Picture::of(&args.output)) {
        Some(picture) => picture,
        None if args.output == Path::new("-") && io::stdout().is_terminal() => Picture::Ansi,
        None => Picture::Text,
    };
    let stop = stop_flag()?;
    let timeline = open(context, &args.cast, stop)?;
    let time = match &args.at {
        Some(moment) => find(&timeline, moment, &args.cast, stop)?,
        None => cover(&timeline, None, &args.cast, stop)?.time,
    };
    let covered = cover(&timeline, Some(time), &args.cast, stop)?;
    if covered.is_whole && time > covered.time {
        let name = shown(&args.cast);
        let end = duration(covered.time as f64 / 1e6);
        return Err(Failure::usage(format!(
            "{name} ends at {end}, before that moment"
        )));
    }
    let screen = timeline
        .at(time)
        .map_err(|error| failure(error, &args.cast, stop))?;
    let theme = Theme::of(timeline.header());
    let drawn = match picture {
        Picture::Ansi => view::ansi(&screen),
        Picture::Text => view::text(&screen),
        Picture::Html => view::html(&screen, &theme),
        Picture::Svg => view::svg(&screen, &theme),
        Picture::Json => view::json(&screen, time, Links::All) + "\n",
    };
    let mut output = Output::open(&args.output, args.overwrite, stop)?;
    let written = output.write_all(drawn.as_bytes()).and_then(|()| {
        output.flush()?;
        output.publish(&args.output)
    });
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(_) if stop.load(Ordering::Relaxed) => Err(Failure::stopped("stopped")),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(error)),
        Err(error) => {
            let name = shown(&args.output);
            Err(Failure::usage(format!("cannot write {name}: {error}")))
        }
    }
}

/// Opens a cast: a file, standard input, or the cast of a recording.
pub(super) fn open(
    context: &Context,
    cast: &Path,
    stop: &'static AtomicBool,
) -> Result<Timeline, Failure> {
    open_path(&cast_argument::find(context, cast)?.path, stop)
}

/// Opens the cast at a path; `-` is standard input.
pub(super) fn open_path(path: &Path, stop: &'static AtomicBool) -> Result<Timeline, Failure> {
    let options = TimelineOptions::of_user();
    let opened = if path == Path::new("-") {
        Timeline::copy(StoppableInput::new(stop)?, options)
    } else {
        Timeline::open(path, options)
    };
    opened.map_err(|error| failure(error, path, stop))
}

/// Looks up a moment, with progress where that takes long.
pub(super) fn find(
    timeline: &Timeline,
    moment: &Moment,
    cast: &Path,
    stop: &'static AtomicBool,
) -> Result<Micros, Failure> {
    if moment.needs_all() {
        cover(timeline, None, cast, stop)?;
    }
    moment.find(timeline).map_err(|error| match error {
        MomentError::Timeline(error) => failure(error, cast, stop),
        error => Failure::usage(format!("{}: {error}", shown(cast))),
    })
}

/// Goes through the cast up to a time, or to its end, and shows how far that is.
pub(super) fn cover(
    timeline: &Timeline,
    time: Option<Micros>,
    cast: &Path,
    stop: &'static AtomicBool,
) -> Result<Coverage, Failure> {
    let mut seen = timeline.coverage().bytes;
    let total = timeline
        .length()
        .ok()
        .map(|length| length.saturating_sub(seen));
    let mut progress = Progress::new(total);
    let covered = timeline.cover(time, |coverage| {
        progress.advance(coverage.bytes - seen);
        seen = coverage.bytes;
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let covered = covered.map_err(|error| failure(error, cast, stop))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::stopped("stopped"));
    }
    Ok(covered)
}

/// What to say of a cast that cannot be shown.
pub(super) fn failure(error: TimelineError, cast: &Path, stop: &'static AtomicBool) -> Failure {
    if stop.load(Ordering::Relaxed) {
        return Failure::stopped("stopped");
    }
    let name = shown(cast);
    match error {
        TimelineError::Open { source, .. } => {
            Failure::usage(format!("cannot read {name}: {source}"))
        }
        TimelineError::Foreign { foreign, .. } => {
            let failure = Failure::usage(format!("{name} is no cast: it is {}", foreign.name()));
            match foreign.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        TimelineError::Read(ReadError::Io { source }) => {
            Failure::usage(format!("cannot read {name}: {source}"))
        }
        TimelineError::Read(error) => Failure::usage(format!("{name}: {error}"))
            .hint("tvmux validate says what is wrong with it"),
    }
}
