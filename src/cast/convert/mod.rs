//! Recordings of one format as those of another, streaming and in constant
//! memory.
//!
//! A [`Source`] gives events: a cast of any version, a ttyrec, a typescript of
//! script with its timing. [`convert`] gives them to a [`Writer`], which writes
//! asciicast v1, v2 or v3, or the bytes that the terminal got. Text that is a
//! good JSON string already is copied as it is.

mod source;
mod time;
mod ttyrec;
mod typescript;
mod write;

use std::io;

use thiserror::Error;

use super::event::{Code, Event, Micros};
use super::header::Header;
use super::read::ReadError;
use super::text::Text;

pub use source::{Source, SourceKind};
use time::Pace;
pub use time::TimeOptions;
pub use write::{Format, Writer};

/// Why a recording could not be converted.
#[derive(Debug, Error)]
pub enum ConvertError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the timing file, line {line}: {what}")]
    Timing { line: u64, what: &'static str },
    #[error("cannot write the recording")]
    Write { source: io::Error },
}

/// What takes the events of recordings, one after the other: each source starts with
/// its header. Times count from the start of the present source.
///
/// # Errors
/// Each gives what writing gives.
pub trait EventSink {
    /// The next source starts: the first one gives the header, of the others only the
    /// size counts.
    fn start(&mut self, header: &Header) -> io::Result<()>;
    /// An event at `time`.
    fn event(&mut self, time: Micros, event: &Event<'_>) -> io::Result<()>;
    /// A marker at `time`; what has no markers leaves it out.
    fn marker(&mut self, time: Micros, label: &str) -> io::Result<()>;
    /// The present source lasted that long.
    fn end_source(&mut self, duration: Micros);
}

/// A marker to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// When, in microseconds since the start of what is read.
    pub time: Micros,
    pub label: String,
}

/// What a conversion has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Events that were written.
    pub events: u64,
    /// The time of the last one.
    pub duration: Micros,
}

/// How a recording starts whose first part is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The time that becomes 0, in microseconds of the original.
    pub time: Micros,
    /// The byte of the source from which events are taken.
    pub offset: u64,
    /// The size of the terminal there: columns, rows.
    pub size: (u16, u16),
    /// Output that shows the screen of that time.
    pub output: String,
}

/// Gives all events of `source` to `writer`, in the time that `time` wants;
/// `markers`, in the order of their times, are put in between.
///
/// More than one source after the other becomes one recording: the events of
/// the next one follow those of the one before. The caller calls
/// [`Writer::finish`] in the end.
///
/// # Errors
/// When `source` cannot be read or is broken beyond reading, and when `writer`
/// cannot write.
pub fn convert(
    source: &mut Source<'_>,
    writer: &mut (impl EventSink + ?Sized),
    time: &TimeOptions,
    markers: &[Marker],
) -> Result<Converted, ConvertError> {
    convert_from(None, source, writer, time, markers)
}

/// The same from an opening on. Markers before it are left out.
///
/// # Errors
/// As [`convert`].
pub fn convert_from(
    opening: Option<&Opening>,
    source: &mut Source<'_>,
    writer: &mut (impl EventSink + ?Sized),
    time: &TimeOptions,
    markers: &[Marker],
) -> Result<Converted, ConvertError> {
    let writing = |source| ConvertError::Write { source };
    let mut converted = Converted::default();
    let mut pace = Pace::new(time);
    let from = opening.map_or(0, |opening| opening.time);
    let mut markers = markers
        .iter()
        .filter(|marker| marker.time >= from)
        .peekable();
    match opening {
        None => writer.start(source.header()).map_err(writing)?,
        Some(opening) => {
            pace.skip(from);
            writer
                .start(&opening.header(source.header()))
                .map_err(writing)?;
            writer.event(0, &opening.event()).map_err(writing)?;
            converted.events += 1;
        }
    }
    while let Some(event) = source.next()? {
        if opening.is_some_and(|opening| event.offset < opening.offset) {
            continue;
        }
        if time.until.is_some_and(|until| event.time > until) {
            break;
        }
        while let Some(marker) = markers.next_if(|marker| marker.time <= event.time) {
            let at = pace.at(marker.time);
            writer.marker(at, &marker.label).map_err(writing)?;
            converted.events += 1;
        }
        let at = pace.at(event.time);
        writer.event(at, &event).map_err(writing)?;
        converted.events += u64::from(!event.continues);
        converted.duration = at;
    }
    for marker in markers {
        if time.until.is_none_or(|until| marker.time <= until) {
            let at = pace.at(marker.time);
            writer.marker(at, &marker.label).map_err(writing)?;
            converted.events += 1;
            converted.duration = at;
        }
    }
    writer.end_source(converted.duration);
    Ok(converted)
}

impl Opening {
    fn header(&self, whole: &Header) -> Header {
        Header {
            width: self.size.0,
            height: self.size.1,
            timestamp: whole.timestamp.map(|start| start + self.time / 1_000_000),
            ..whole.clone()
        }
    }

    fn event(&self) -> Event<'_> {
        Event {
            time: 0,
            code: Code::Output,
            data: Text::plain(&self.output),
            offset: 0,
            continues: false,
        }
    }
}

/// Reads markers, one a line: a time in seconds, then the label, with or
/// without a dash between them, as asciinema-server takes them.
///
/// # Errors
/// The number of the first line that is none, from 1.
pub fn read_markers(text: &str) -> Result<Vec<Marker>, usize> {
    let mut markers = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (time, label) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let seconds = time.parse::<f64>().ok().filter(|time| *time >= 0.0);
        let seconds = seconds.filter(|time| time.is_finite()).ok_or(number + 1)?;
        let label = label.trim_start();
        let label = label.strip_prefix("- ").unwrap_or(label).trim();
        markers.push(Marker {
            time: super::seconds::to_micros(seconds),
            label: label.to_owned(),
        });
    }
    markers.sort_by_key(|marker| marker.time);
    Ok(markers)
}

/// Whether events of that code are part of the terminal's output.
fn is_output(code: Code) -> bool {
    code == Code::Output
}
