//! `tvmux convert`: a recording of one format as one of another.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use serde_json::json;

use super::output_file::Output;
use super::pictures::{self, Scene};
use super::signals::stop_flag;
use super::validate::shown;
use super::{Failure, Outcome, cast_input, screenshot};
use crate::cast::{
    self, ConvertError, Converted, EventSink, Format, Marker, Micros, Opening, Source, Strictness,
    TimeOptions, Writer, read_markers,
};
use crate::packed::plain_path;
use crate::timeline::{Moment, Timeline};
use crate::view::{self, Cropped, Transcript};
use crate::wording::counted;

/// Converts recordings: asciicast v1 to v3, ttyrec, typescripts of script
///
/// OUT is asciicast v1, v2 or v3, the bytes that the terminal got, the text that was
/// shown, a picture that moves (svg), or a page that plays it (html). It gets its name
/// when all of it is written.
///
/// Text has each line once: redraws and progress bars are folded, of programs that
/// take the whole screen it has the rows that stood still for a second.
///
/// TIME is said as for `tvmux screenshot`. With --from OUT opens with the screen of
/// that moment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tvmux convert day.cast day-v3.cast --to v3
  tvmux convert day.cast.zst short.cast.zst --idle 2
  tvmux convert day.cast short.cast --idle 2 --speed 1.5 --until 1:30:00
  tvmux convert day.cast demo.svg --from 'tests pass' --until 14:05 --idle 1
  tvmux convert typescript demo.cast --timing timing
  tvmux convert game.ttyrec game.cast
  tvmux convert day.cast day.txt --timestamps
  tvmux convert wide.cast narrow.cast --cols 80 --rows 24
  tvmux convert day.cast - --to raw > output

Exit codes: 0 done, 1 IN is broken, 2 it could not be read or written, or wrong usage")]
pub(super) struct Args {
    /// The recording; `-` is standard input
    #[arg(value_name = "IN")]
    pub(super) input: PathBuf,
    /// Where it goes; `-` is standard output
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The format of OUT; without this its suffix says: .cast is v2, .json v1, .raw raw,
    /// .txt text, .svg svg, .html html; behind any of them .zst compresses it
    #[arg(long, value_name = "FORMAT")]
    to: Option<FormatName>,
    /// The times of a typescript: what script wrote with --log-timing or -t
    #[arg(long, value_name = "FILE")]
    timing: Option<PathBuf>,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    crop: CropArgs,
    /// Add the markers of this file: lines of `SECONDS LABEL`
    #[arg(long, value_name = "FILE")]
    markers: Option<PathBuf>,
    /// Of text: the time at which each line appeared before it
    #[arg(long)]
    timestamps: bool,
    /// Replace OUT if it is there
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON object that says what was written
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// What becomes of times.
#[derive(Debug, clap::Args)]
struct PaceArgs {
    /// How many times as fast
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_speed)]
    speed: f64,
    /// The longest pause that stays, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_pause)]
    idle: Option<Micros>,
    /// Leave out what comes before this moment, and start with its screen
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Leave out what comes after this moment: 90, 1:23:45, 1h2m3s, -10s, 50%, 14:05, a marker
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
}

/// Which part of the screen is kept.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct CropArgs {
    /// Keep the first N columns of the screen alone
    #[arg(long = "cols", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    columns: Option<u16>,
    /// Keep the first N rows of the screen alone
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rows: Option<u16>,
}

impl CropArgs {
    fn is_given(self) -> bool {
        self.columns.is_some() || self.rows.is_some()
    }

    /// Columns and rows at most.
    pub(super) fn most(self) -> (u16, u16) {
        (
            self.columns.unwrap_or(u16::MAX),
            self.rows.unwrap_or(u16::MAX),
        )
    }
}

/// Names of formats on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    /// asciicast v1, output alone
    #[value(alias = "asciicast-v1")]
    V1,
    /// asciicast v2
    #[value(alias = "asciicast-v2")]
    V2,
    /// asciicast v3
    #[value(alias = "asciicast-v3")]
    V3,
    /// The bytes that the terminal got
    Raw,
    /// What was shown, each line once
    #[value(alias = "txt")]
    Text,
    /// A picture that moves
    Svg,
    /// A page that plays it, with its markers
    Html,
}

impl FormatName {
    /// The format of a recording; a text or a picture is none.
    pub(super) fn format(self) -> Option<Format> {
        match self {
            FormatName::V1 => Some(Format::V1),
            FormatName::V2 => Some(Format::V2),
            FormatName::V3 => Some(Format::V3),
            FormatName::Raw => Some(Format::Raw),
            FormatName::Text | FormatName::Svg | FormatName::Html => None,
        }
    }

    fn is_drawn(self) -> bool {
        matches!(self, FormatName::Svg | FormatName::Html)
    }

    fn name(self) -> &'static str {
        match self {
            FormatName::V1 => "v1",
            FormatName::V2 => "v2",
            FormatName::V3 => "v3",
            FormatName::Raw => "raw",
            FormatName::Text => "text",
            FormatName::Svg => "svg",
            FormatName::Html => "html",
        }
    }

    /// What the name of a file asks for.
    pub(super) fn of(path: &Path) -> Option<FormatName> {
        let plain = plain_path(path);
        match plain.as_deref().unwrap_or(path).extension()?.to_str()? {
            "cast" => Some(FormatName::V2),
            "json" => Some(FormatName::V1),
            "raw" | "bin" | "out" => Some(FormatName::Raw),
            "txt" | "text" => Some(FormatName::Text),
            "svg" => Some(FormatName::Svg),
            "html" | "htm" => Some(FormatName::Html),
            _ => None,
        }
    }
}

pub(super) fn run(arguments: &Args) -> Outcome {
    let Some(to) = arguments.to.or_else(|| FormatName::of(&arguments.output)) else {
        let name = shown(&arguments.output);
        return Err(Failure::usage(format!(
            "the name {name} does not say which format is wanted"
        ))
        .hint("say it with --to v1, v2, v3, raw, text, svg or html"));
    };
    if arguments.timestamps && to != FormatName::Text {
        return Err(Failure::usage("--timestamps is for text alone")
            .hint("write text with --to text; casts have their times anyway"));
    }
    if arguments.crop.is_given() && to == FormatName::Text {
        return Err(Failure::usage("--cols and --rows are not for text")
            .hint("write a cast with them, and the text of that"));
    }
    let markers = match &arguments.markers {
        Some(path) => markers_of(path)?,
        None => Vec::new(),
    };
    let stop = stop_flag()?;
    let job = Job {
        arguments,
        markers,
        stop,
    };
    let converted = if to.is_drawn() || job.needs_timeline() {
        job.cut(to)?
    } else {
        job.stream(to)?
    };
    if !arguments.quiet {
        tell(arguments, to, converted)?;
    }
    Ok(ExitCode::SUCCESS)
}

enum Sink {
    Recording(Writer<Output>),
    Text(Box<Transcript<Output>>),
}

impl Sink {
    fn events(&mut self) -> &mut dyn EventSink {
        match self {
            Sink::Recording(writer) => writer,
            Sink::Text(text) => &mut **text,
        }
    }
}

/// One run of the verb.
struct Job<'a> {
    arguments: &'a Args,
    markers: Vec<Marker>,
    stop: &'static AtomicBool,
}

impl Job<'_> {
    /// Whether a moment must be looked up in the cast, or its screen be known.
    fn needs_timeline(&self) -> bool {
        let pace = &self.arguments.pace;
        let is_cast = self.arguments.timing.is_none();
        let is_plain = |moment: &Moment| matches!(moment, Moment::FromStart(_));
        pace.from.is_some() || is_cast && pace.until.as_ref().is_some_and(|until| !is_plain(until))
    }

    fn time(&self, until: Option<Micros>) -> TimeOptions {
        TimeOptions {
            speed: self.arguments.pace.speed,
            idle: self.arguments.pace.idle,
            until,
        }
    }

    fn output(&self) -> Result<Output, Failure> {
        Output::open_by_name(&self.arguments.output, self.arguments.overwrite, self.stop)
    }

    fn sink(&self, to: FormatName) -> Result<Sink, Failure> {
        let output = self.output()?;
        Ok(match to.format() {
            Some(format) => Sink::Recording(Writer::new(output, format)),
            None => Sink::Text(Box::new(Transcript::new(output, self.arguments.timestamps))),
        })
    }

    /// Ends what is written, and gives it its name.
    fn publish(&self, sink: Sink) -> Result<(), Failure> {
        let written = match sink {
            Sink::Recording(writer) => writer.finish(),
            Sink::Text(text) => text.finish(),
        };
        publish(written, &self.arguments.output, self.stop)
    }

    /// Gives all events to `sink`, or the part of the screen that is wanted.
    fn events(
        &self,
        opening: Option<&Opening>,
        source: &mut Source<'_>,
        sink: &mut Sink,
        time: &TimeOptions,
    ) -> Result<Converted, Failure> {
        let crop = self.arguments.crop;
        let converted = if crop.is_given() {
            let (columns, rows) = crop.most();
            let mut cropped = Cropped::new(sink.events(), columns, rows);
            cast::convert_from(opening, source, &mut cropped, time, &self.markers)
        } else {
            cast::convert_from(opening, source, sink.events(), time, &self.markers)
        };
        converted.map_err(|error| failure(error, &self.arguments.input, self.stop))
    }

    /// Converts while it is read.
    fn stream(&self, to: FormatName) -> Result<Converted, Failure> {
        let input = &self.arguments.input;
        let until = match &self.arguments.pace.until {
            None => None,
            Some(moment) => Some(moment.after_start().ok_or_else(|| {
                Failure::usage("a typescript takes times after its start alone")
                    .hint("make a cast of it first, and cut that")
            })?),
        };
        let time = self.time(until);
        let mut source = open(input, self.arguments.timing.as_deref(), self.stop)?;
        let mut sink = self.sink(to)?;
        let converted = self.events(None, &mut source, &mut sink, &time)?;
        self.publish(sink)?;
        Ok(converted)
    }

    /// Converts a part of a cast, or draws it.
    fn cut(&self, to: FormatName) -> Result<Converted, Failure> {
        let input = &self.arguments.input;
        if self.arguments.timing.is_some() {
            return Err(Failure::usage("a typescript can be neither cut nor drawn")
                .hint("make a cast of it first"));
        }
        let timeline = self.timeline()?;
        let find = |moment: &Option<Moment>| match moment {
            Some(moment) => screenshot::find(&timeline, moment, input, self.stop).map(Some),
            None => Ok(None),
        };
        let (from, until) = (
            find(&self.arguments.pace.from)?,
            find(&self.arguments.pace.until)?,
        );
        if let (Some(from), Some(until)) = (from, until)
            && from > until
        {
            return Err(Failure::usage("--from is after --until"));
        }
        let covered = screenshot::cover(
            &timeline,
            until.or(from.filter(|_| !to.is_drawn())),
            input,
            self.stop,
        )?;
        if covered.is_whole && from.is_some_and(|from| from > covered.time) {
            return Err(Failure::usage("--from is after the end of the cast"));
        }
        let time = self.time(until);
        if to.is_drawn() {
            let until = until.unwrap_or(covered.time);
            let until = if covered.is_whole {
                until.min(covered.time)
            } else {
                until
            };
            return self.draw(&timeline, to, (from.unwrap_or(0), until), &time);
        }
        let opening = from.map(|from| self.opening(&timeline, from)).transpose()?;
        let bytes = timeline.bytes();
        let mut source = Source::open(bytes, None, Strictness::Strict)
            .map_err(|error| failure(error, input, self.stop))?;
        let mut sink = self.sink(to)?;
        let converted = self.events(opening.as_ref(), &mut source, &mut sink, &time)?;
        self.publish(sink)?;
        Ok(converted)
    }

    fn timeline(&self) -> Result<Timeline, Failure> {
        screenshot::open_path(&self.arguments.input, self.stop)
    }

    fn opening(&self, timeline: &Timeline, from: Micros) -> Result<Opening, Failure> {
        let (screen, offset) = timeline
            .cut(from)
            .map_err(|error| screenshot::failure(error, &self.arguments.input, self.stop))?;
        Ok(Opening {
            time: from,
            offset,
            size: screen.size(),
            output: view::paint(&screen),
        })
    }

    fn draw(
        &self,
        timeline: &Timeline,
        to: FormatName,
        (from, until): (Micros, Micros),
        time: &TimeOptions,
    ) -> Result<Converted, Failure> {
        let mut markers = timeline.markers();
        markers.extend_from_slice(&self.markers);
        markers.sort_by_key(|marker| marker.time);
        let scene = Scene {
            timeline,
            cast: &self.arguments.input,
            from,
            until,
            time,
            most: self.arguments.crop.most(),
            markers: &markers,
        };
        let output = BufWriter::with_capacity(1 << 17, self.output()?);
        let (output, converted) =
            pictures::draw(&scene, output, to == FormatName::Html, self.stop)?;
        let published = output
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|output| output.publish(&self.arguments.output));
        published.map_err(|source| {
            failure(
                ConvertError::Write { source },
                &self.arguments.input,
                self.stop,
            )
        })?;
        Ok(converted)
    }
}

/// Opens a recording, with its times if they are in a file of their own.
pub(super) fn open(
    path: &Path,
    timing: Option<&Path>,
    stop: &'static AtomicBool,
) -> Result<Source<'static>, Failure> {
    let unreadable =
        |path: &Path, error| Failure::usage(format!("cannot read {}: {error}", shown(path)));
    let input =
        cast_input::open_chain(path, Some(stop)).map_err(|error| unreadable(path, error))?;
    let timing: Option<Box<dyn Read>> = match timing {
        Some(path) => {
            let file = File::open(path).map_err(|error| unreadable(path, error))?;
            Some(Box::new(BufReader::new(file)))
        }
        None => None,
    };
    Source::open(input, timing, Strictness::Strict).map_err(|error| failure(error, path, stop))
}

/// What to say of a recording that could not be converted.
pub(super) fn failure(error: ConvertError, path: &Path, stop: &'static AtomicBool) -> Failure {
    let name = shown(path);
    if stop.load(Ordering::Relaxed) {
        return Failure::stopped(format!("{name}: stopped; nothing was written"));
    }
    match error {
        // `tvmux cat FILE | head` ends here.
        ConvertError::Write { source } if source.kind() == io::ErrorKind::BrokenPipe => {
            Failure::new(source)
        }
        ConvertError::Write { source } => {
            Failure::usage(format!("cannot write the recording: {source}"))
        }
        ConvertError::Timing { line: 0, what } => {
            Failure::usage(format!("{name}: {what}")).hint("give it with --timing FILE")
        }
        error @ ConvertError::Timing { .. } => Failure::usage(error),
        ConvertError::Read(cast::ReadError::Io { source }) => {
            Failure::usage(format!("cannot read {name}: {source}"))
        }
        ConvertError::Read(error @ cast::ReadError::Invalid { .. }) => {
            Failure::new(format!("{name}: {error}")).hint(format!("tvmux repair {name}"))
        }
        ConvertError::Read(error) => Failure::new(format!("{name}: {error}"))
            .hint("tvmux validate says what is wrong with it"),
    }
}

/// Ends what is written, and gives it its name.
pub(super) fn finish(
    writer: Writer<Output>,
    path: &Path,
    stop: &'static AtomicBool,
) -> Result<(), Failure> {
    publish(writer.finish(), path, stop)
}

fn publish(
    written: io::Result<Output>,
    path: &Path,
    stop: &'static AtomicBool,
) -> Result<(), Failure> {
    let published = written.and_then(|output| {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        output.publish(path)
    });
    published.map_err(|source| failure(ConvertError::Write { source }, path, stop))
}

fn tell(arguments: &Args, to: FormatName, converted: Converted) -> io::Result<()> {
    let name = shown(&arguments.output);
    let seconds = converted.duration as f64 / 1e6;
    let text = if arguments.json {
        let report = json!({
            "file": name,
            "format": to.name(),
            "events": converted.events,
            "duration": seconds,
        });
        format!("{report}\n")
    } else {
        let events = counted(converted.events, "event");
        format!("{name}: {}, {events}, {seconds:.3} s\n", to.name())
    };
    if arguments.output == Path::new("-") {
        io::stderr().lock().write_all(text.as_bytes())
    } else {
        io::stdout().lock().write_all(text.as_bytes())
    }
}

fn markers_of(path: &Path) -> Result<Vec<Marker>, Failure> {
    let name = shown(path);
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    read_markers(&text).map_err(|line| {
        Failure::usage(format!("{name}, line {line}: no marker"))
            .hint("each line is a time in seconds and a label: 12.5 the tests pass")
    })
}

pub(super) fn parse_speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.001..=1e6).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.001 to 1000000 is wanted".to_owned()),
    }
}

pub(super) fn parse_pause(text: &str) -> Result<Micros, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=1e9).contains(&seconds) => Ok((seconds * 1e6).round() as Micros),
        _ => Err("a number of seconds is wanted, such as 2.5".to_owned()),
    }
}
