//! Reads typescripts of script(1) with their timing file.
//!
//! The classic timing has a line `DELAY BYTES` for each piece of output; the
//! newer one (util-linux 2.35) has a letter first: `O` output, `I` input, `S`
//! signal with the new size, `H` a field of the header. The first line of the
//! typescript says when it started and is not part of the output.

use std::io::{BufRead, Read};

use super::ConvertError;
use crate::cast::event::{Code, Event, Micros};
use crate::cast::header::Header;
use crate::cast::seconds::to_micros;
use crate::cast::text::Text;
use crate::cast::utf8::Utf8Carry;

/// How much of an entry is given at once, in bytes.
const MOST: usize = 64 * 1024;

/// The longest line of a timing file.
const LONGEST_LINE: u64 = 64 * 1024;

/// A typescript being read.
pub(super) struct Typescript<R, T> {
    input: R,
    timing: T,
    header: Header,
    /// What was typed stands in the typescript, too.
    has_input: bool,
    /// The line of the timing file, from 1.
    line: u64,
    /// A line that was read ahead.
    ahead: Option<String>,
    time: Micros,
    code: Code,
    /// Bytes of the entry that were not read yet.
    left: u64,
    offset: u64,
    /// Of output and of input, the character that an entry cuts.
    utf8: [Utf8Carry; 2],
    text: String,
    ended: bool,
}

/// A line of the timing file.
#[derive(Debug, PartialEq)]
enum Entry<'a> {
    /// Bytes that were printed or typed.
    Bytes(Code, u64),
    /// A new size: columns, rows.
    Size(u16, u16),
    /// A field of the header.
    Field(&'a str, &'a str),
    Other,
}

impl<R: BufRead, T: BufRead> Typescript<R, T> {
    pub(super) fn new(input: R, timing: T) -> Result<Typescript<R, T>, ConvertError> {
        let mut typescript = Typescript {
            input,
            timing,
            header: Header {
                width: 80,
                height: 24,
                ..Header::default()
            },
            has_input: false,
            line: 0,
            ahead: None,
            time: 0,
            code: Code::Output,
            left: 0,
            offset: 0,
            utf8: Default::default(),
            text: String::new(),
            ended: false,
        };
        typescript.read_first_line()?;
        typescript.read_fields()?;
        Ok(typescript)
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// `Script started on DATE [NAME="VALUE" …]`.
    fn read_first_line(&mut self) -> Result<(), ConvertError> {
        if !self
            .input
            .fill_buf()
            .map_err(reading)?
            .starts_with(b"Script ")
        {
            return Ok(());
        }
        let mut line = Vec::new();
        let mut start = (&mut self.input).take(LONGEST_LINE);
        start.read_until(b'\n', &mut line).map_err(reading)?;
        self.offset = line.len() as u64;
        let line = String::from_utf8_lossy(&line).into_owned();
        let field = |name: &str| {
            let start = line.find(&format!("{name}=\""))? + name.len() + 2;
            line[start..]
                .split_once('"')
                .map(|(value, _)| value.to_owned())
        };
        let number = |name| field(name).and_then(|value| value.parse().ok());
        self.header.width = number("COLUMNS").unwrap_or(self.header.width);
        self.header.height = number("LINES").unwrap_or(self.header.height);
        self.header
            .env
            .extend(field("TERM").map(|term| ("TERM".to_owned(), term)));
        let date = line
            .strip_prefix("Script started on ")
            .and_then(|rest| rest.split(" [").next());
        self.header.timestamp = date.and_then(seconds_of);
        Ok(())
    }

    /// The fields that stand before all entries.
    fn read_fields(&mut self) -> Result<(), ConvertError> {
        let (mut output, mut input) = (None, None);
        while let Some(line) = self.timing_line()? {
            let Some((_, Entry::Field(name, value))) = parse(&line) else {
                self.ahead = Some(line);
                break;
            };
            match name {
                "START_TIME" => self.header.timestamp = seconds_of(value),
                "COMMAND" => self.header.command = Some(value.to_owned()),
                "TERM" | "SHELL" => {
                    self.header.env.insert(name.to_owned(), value.to_owned());
                }
                "COLUMNS" => self.header.width = value.parse().unwrap_or(self.header.width),
                "LINES" => self.header.height = value.parse().unwrap_or(self.header.height),
                "OUTPUT_LOG" => output = Some(value.to_owned()),
                "INPUT_LOG" => input = Some(value.to_owned()),
                _ => {}
            }
        }
        self.has_input = input.is_some() && input == output;
        Ok(())
    }

    fn timing_line(&mut self) -> Result<Option<String>, ConvertError> {
        if let Some(line) = self.ahead.take() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let mut start = (&mut self.timing).take(LONGEST_LINE);
        let count = start.read_until(b'\n', &mut line).map_err(reading)?;
        self.line += 1;
        if count == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }

    pub(super) fn next(&mut self) -> Result<Option<Event<'_>>, ConvertError> {
        self.text.clear();
        let mut offset = self.offset;
        while self.text.is_empty() && !self.ended {
            offset = self.offset;
            if self.left > 0 {
                self.read_bytes()?;
                continue;
            }
            let Some(line) = self.timing_line()? else {
                self.ended = true;
                self.code = Code::Output;
                let text = &mut self.text;
                self.utf8[0].finish(|piece| text.push_str(piece));
                break;
            };
            if line.is_empty() {
                continue;
            }
            let Some((delay, entry)) = parse(&line) else {
                return Err(ConvertError::Timing {
                    line: self.line,
                    what: "neither `DELAY BYTES` nor an entry of script's newer format",
                });
            };
            self.time = self.time.saturating_add(to_micros(delay));
            match entry {
                Entry::Bytes(Code::Input, _) if !self.has_input => {}
                Entry::Bytes(code, count) => (self.code, self.left) = (code, count),
                Entry::Size(columns, rows) => {
                    self.code = Code::Resize;
                    self.text = format!("{columns}x{rows}");
                }
                Entry::Field("EXIT_CODE", status) => {
                    self.code = Code::Exit;
                    self.text = status.to_owned();
                }
                Entry::Field(..) | Entry::Other => {}
            }
        }
        if self.text.is_empty() {
            return Ok(None);
        }
        Ok(Some(Event {
            time: self.time,
            code: self.code,
            data: Text::plain(&self.text),
            offset,
            continues: false,
        }))
    }

    /// Reads some of an entry's bytes.
    fn read_bytes(&mut self) -> Result<(), ConvertError> {
        let bytes = self.input.fill_buf().map_err(reading)?;
        let most = usize::try_from(self.left).unwrap_or(MOST).min(MOST);
        let count = bytes.len().min(most);
        if count == 0 {
            // The typescript is shorter than its timing says.
            self.left = 0;
            self.ended = true;
            return Ok(());
        }
        let text = &mut self.text;
        let utf8 = &mut self.utf8[usize::from(self.code == Code::Input)];
        utf8.push(&bytes[..count], |piece| text.push_str(piece));
        self.input.consume(count);
        self.left -= count as u64;
        self.offset += count as u64;
        Ok(())
    }
}

/// Reads a line of the timing file: the delay in seconds, and what it says.
fn parse(line: &str) -> Option<(f64, Entry<'_>)> {
    let (first, rest) = line.split_once(' ')?;
    let is_time = |time: &f64| time.is_finite() && *time >= 0.0;
    if let Ok(delay) = first.parse::<f64>() {
        let count = rest.trim().parse().ok()?;
        return is_time(&delay).then_some((delay, Entry::Bytes(Code::Output, count)));
    }
    let (delay, rest) = rest.split_once(' ')?;
    let delay = delay.parse::<f64>().ok().filter(is_time)?;
    let entry = match first {
        "O" => Entry::Bytes(Code::Output, rest.trim().parse().ok()?),
        "I" => Entry::Bytes(Code::Input, rest.trim().parse().ok()?),
        "H" => {
            let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
            Entry::Field(name, value)
        }
        "S" => {
            let number = |name: &str| {
                let mut words = rest.split_whitespace();
                words.find_map(|word| word.strip_prefix(name)?.parse().ok())
            };
            match (number("COLS="), number("ROWS=")) {
                (Some(columns), Some(rows)) => Entry::Size(columns, rows),
                _ => Entry::Other,
            }
        }
        _ => return None,
    };
    Some((delay, entry))
}

/// A date as script writes it, in seconds since the Unix epoch.
fn seconds_of(date: &str) -> Option<u64> {
    let time: jiff::Timestamp = date.trim().parse().ok()?;
    u64::try_from(time.as_second()).ok()
}

fn reading(source: std::io::Error) -> ConvertError {
    ConvertError::Read(source.into())
}
