//! Records of an export: their fields, and how they are written.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::archive::{CommandRow, Entry};
use crate::cli::table::printable;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON object a line.
    Jsonl,
    /// For people.
    Text,
    /// Comma-separated values; the names of the fields come first.
    Csv,
}

/// What is written as a record.
pub(super) trait Record: Serialize {
    /// The names of its fields, in their order.
    const FIELDS: &'static [&'static str];

    /// Writes it for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// The cast that a record is from.
pub(super) struct Origin<'a> {
    host: Option<&'a str>,
    session: Option<&'a str>,
    window: Option<&'a str>,
    path: Cow<'a, str>,
    /// Microseconds since the Unix epoch.
    started: i64,
}

impl<'a> Origin<'a> {
    pub(super) fn of(cast: &'a Entry) -> Origin<'a> {
        Origin {
            host: cast.host.as_deref(),
            session: cast.session.as_deref(),
            window: cast.window.as_deref(),
            path: cast.path.to_string_lossy(),
            started: (cast.started * 1e6).round() as i64,
        }
    }

    /// A time of the cast in microseconds as one of the calendar, in UTC; in a form
    /// that programs take for a time without being told.
    fn calendar(&self, micros: u64) -> String {
        let micros = self.started.saturating_add_unsigned(micros);
        let timestamp = Timestamp::from_microsecond(micros).unwrap_or_default();
        timestamp.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
    }
}

/// A command, and what it printed.
#[derive(Debug, Serialize)]
pub(super) struct CommandRecord<'a> {
    host: Option<&'a str>,
    session: Option<&'a str>,
    window: Option<&'a str>,
    folder: Option<&'a str>,
    command: Option<&'a str>,
    output: &'a str,
    status: Option<i32>,
    start: String,
    end: Option<String>,
    cast: &'a str,
    number: u64,
    time: f64,
    until: Option<f64>,
    truncated: bool,
}

impl<'a> CommandRecord<'a> {
    pub(super) fn new(
        origin: &'a Origin<'a>,
        command: &'a CommandRow,
        output: &'a str,
        truncated: bool,
    ) -> CommandRecord<'a> {
        let calendar = |seconds: f64| origin.calendar((seconds * 1e6).round() as u64);
        CommandRecord {
            host: origin.host,
            session: origin.session,
            window: origin.window,
            folder: command.folder.as_deref(),
            command: command.text.as_deref(),
            output,
            status: command.status,
            start: calendar(command.start),
            end: command.end.map(calendar),
            cast: &origin.path,
            number: command.number,
            time: command.start,
            until: command.end,
            truncated,
        }
    }
}

impl Record for CommandRecord<'_> {
    const FIELDS: &'static [&'static str] = &[
        "host",
        "session",
        "window",
        "folder",
        "command",
        "output",
        "status",
        "start",
        "end",
        "cast",
        "number",
        "time",
        "until",
        "truncated",
    ];

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let of = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
        write!(out, "# {} {}", self.start, of(self.folder))?;
        if let Some(status) = self.status {
            write!(out, ", status {status}")?;
        }
        if let Some(until) = self.until {
            write!(out, ", {:.1} s", until - self.time)?;
        }
        writeln!(out, " ({}:{})", printable(self.cast), self.number)?;
        for (at, line) in self.command.unwrap_or("?").lines().enumerate() {
            writeln!(
                out,
                "{} {}",
                if at == 0 { "$" } else { ">" },
                printable(line)
            )?;
        }
        for line in self.output.lines() {
            writeln!(out, "{}", printable(line))?;
        }
        if self.truncated {
            writeln!(out, "# there was more")?;
        }
        writeln!(out)
    }
}

/// A line that was shown.
#[derive(Debug, Serialize)]
pub(super) struct LineRecord<'a> {
    host: Option<&'a str>,
    session: Option<&'a str>,
    window: Option<&'a str>,
    folder: Option<&'a str>,
    command: Option<&'a str>,
    status: Option<i32>,
    line: &'a str,
    start: String,
    end: String,
    cast: &'a str,
    time: f64,
    until: f64,
    truncated: bool,
}

impl<'a> LineRecord<'a> {
    /// `first` and `last` are when it was there, in microseconds of the cast.
    pub(super) fn new(
        origin: &'a Origin<'a>,
        command: Option<&'a CommandRow>,
        (line, truncated): (&'a str, bool),
        (first, last): (u64, u64),
    ) -> LineRecord<'a> {
        LineRecord {
            host: origin.host,
            session: origin.session,
            window: origin.window,
            folder: command.and_then(|command| command.folder.as_deref()),
            command: command.and_then(|command| command.text.as_deref()),
            status: command.and_then(|command| command.status),
            line,
            start: origin.calendar(first),
            end: origin.calendar(last),
            cast: &origin.path,
            time: first as f64 / 1e6,
            until: last as f64 / 1e6,
            truncated,
        }
    }
}

impl Record for LineRecord<'_> {
    const FIELDS: &'static [&'static str] = &[
        "host",
        "session",
        "window",
        "folder",
        "command",
        "status",
        "line",
        "start",
        "end",
        "cast",
        "time",
        "until",
        "truncated",
    ];

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", printable(self.line))
    }
}

/// Records of one kind, as they are written.
pub(super) struct Records<W: Write> {
    form: Form<W>,
    count: u64,
}

enum Form<W: Write> {
    Jsonl(W),
    Text(W),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Records<W> {
    /// `fields` are those of [`Record::FIELDS`].
    ///
    /// # Errors
    /// What writing gives.
    pub(super) fn new(out: W, format: Format, fields: &[&str]) -> io::Result<Records<W>> {
        let form = match format {
            Format::Jsonl => Form::Jsonl(out),
            Format::Text => Form::Text(out),
            Format::Csv => {
                // Its own header is not there where no record comes.
                let mut options = csv::WriterBuilder::new();
                let mut writer = options.has_headers(false).from_writer(out);
                writer.write_record(fields)?;
                Form::Csv(Box::new(writer))
            }
        };
        Ok(Records { form, count: 0 })
    }

    pub(super) fn write(&mut self, record: &impl Record) -> io::Result<()> {
        self.count += 1;
        match &mut self.form {
            Form::Jsonl(out) => {
                serde_json::to_writer(&mut *out, record)?;
                out.write_all(b"\n")
            }
            Form::Text(out) => record.write_text(out),
            Form::Csv(writer) => Ok(writer.serialize(record)?),
        }
    }

    /// How many there were, and what they were written to.
    pub(super) fn finish(self) -> io::Result<(u64, W)> {
        let out = match self.form {
            Form::Jsonl(out) | Form::Text(out) => out,
            Form::Csv(writer) => writer.into_inner().map_err(|error| error.into_error())?,
        };
        Ok((self.count, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(record: &impl Record) -> Vec<String> {
        let value = serde_json::to_value(record).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn fields_are_named_in_their_order() {
        let origin = Origin {
            host: Some("box"),
            session: None,
            window: None,
            path: "/a.cast".into(),
            started: 1_700_000_000_250_000,
        };
        let command = CommandRow {
            number: 3,
            text: Some("make".into()),
            folder: None,
            start: 1.5,
            end: None,
            status: None,
        };
        let record = CommandRecord::new(&origin, &command, "", false);
        assert_eq!(record.start, "2023-11-14T22:13:21.750000Z");
        assert_eq!(keys(&record), CommandRecord::FIELDS);
        let line = LineRecord::new(&origin, None, ("", false), (0, 1));
        assert_eq!(keys(&line), LineRecord::FIELDS);
    }
}
