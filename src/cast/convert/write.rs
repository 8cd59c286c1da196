//! Writes recordings: asciicast v1, v2 and v3, and bytes.

use std::io::{self, Write};

use super::{EventSink, is_output};
use crate::cast::encode::{close, open, push_seconds};
use crate::cast::event::{Code, Event, Micros};
use crate::cast::header::Header;
use crate::cast::json::escape_into;
use crate::cast::text::TextBuffer;

/// How a recording is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// asciicast v1: one JSON document; output alone.
    V1,
    /// asciicast v2.
    V2,
    /// asciicast v3.
    V3,
    /// The bytes that the terminal got, without times, behind the sequence that sets
    /// the terminal's size.
    Raw,
    Output,
}

/// How much is gathered before it is written, in bytes.
const GATHERED: usize = 128 * 1024;

/// A recording being written. More than one source may follow each other.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    format: Format,
    /// Lines that were not written yet.
    lines: Vec<u8>,
    text: TextBuffer,
    started: bool,
    /// The time at which the present source starts.
    base: Micros,
    /// The time of the last event that was written.
    last: Micros,
    /// The terminal's size: columns, rows.
    size: (u16, u16),
    /// An event was written, but not its end.
    is_open: bool,
    events: u64,
}

impl<W: Write> Writer<W> {
    /// Writes a recording in that format to `output`, in large pieces.
    pub fn new(output: W, format: Format) -> Writer<W> {
        Writer {
            output,
            format,
            lines: Vec::with_capacity(GATHERED + GATHERED / 4),
            text: TextBuffer::default(),
            started: false,
            base: 0,
            last: 0,
            size: (0, 0),
            is_open: false,
            events: 0,
        }
    }

    fn plain_event(&mut self, time: Micros, code: Code, data: &str) {
        if matches!(self.format, Format::V2 | Format::V3) {
            self.open_event(time, code);
            escape_into(data, &mut self.lines);
            close(&mut self.lines);
        }
    }

    fn open_event(&mut self, time: Micros, code: Code) {
        let time = (self.base + time).max(self.last);
        let interval = time - self.last;
        self.last = time;
        match self.format {
            Format::V2 => open(time, code, &mut self.lines),
            Format::V3 => open(interval, code, &mut self.lines),
            Format::V1 => {
                let separator: &[u8] = if self.events > 0 { b",\n[" } else { b"[" };
                self.lines.extend_from_slice(separator);
                push_seconds(interval, &mut self.lines);
                self.lines.extend_from_slice(b", \"");
            }
            Format::Raw | Format::Output => {}
        }
        self.events += 1;
    }

    fn close_event(&mut self) {
        if std::mem::take(&mut self.is_open) {
            match self.format {
                Format::V1 => self.lines.extend_from_slice(b"\"]"),
                _ => close(&mut self.lines),
            }
        }
    }

    fn write_lines(&mut self) -> io::Result<()> {
        self.output.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }

    /// Ends the recording; gives back what it was written to.
    ///
    /// # Errors
    /// What writing gives.
    pub fn finish(mut self) -> io::Result<W> {
        self.close_event();
        if self.format == Format::V1 && self.started {
            self.lines.extend_from_slice(b"\n]}\n");
        }
        self.write_lines()?;
        self.output.flush()?;
        Ok(self.output)
    }
}

impl<W: Write> EventSink for Writer<W> {
    fn start(&mut self, header: &Header) -> io::Result<()> {
        self.close_event();
        let size = (header.width, header.height);
        if self.started {
            if size != self.size {
                self.size = size;
                self.plain_event(0, Code::Resize, &format!("{}x{}", size.0, size.1));
            }
            return Ok(());
        }
        self.started = true;
        self.size = size;
        // What is written is whole by itself.
        let header = &Header {
            part: None,
            ..header.clone()
        };
        match self.format {
            Format::V1 => header.encode_v1_start(&mut self.lines),
            Format::V2 => header.encode(&mut self.lines),
            Format::V3 => header.encode_v3(&mut self.lines),
            Format::Raw => {
                write!(self.lines, "\x1b[8;{};{}t", size.1, size.0)?;
            }
            Format::Output => {}
        }
        Ok(())
    }

    fn end_source(&mut self, duration: Micros) {
        self.base += duration;
    }

    #[inline]
    fn event(&mut self, time: Micros, event: &Event<'_>) -> io::Result<()> {
        if let Some(size) = event.size() {
            self.size = size;
        }
        match self.format {
            Format::Raw | Format::Output => {
                if is_output(event.code) {
                    let text = event.data.decode(&mut self.text);
                    self.lines.extend_from_slice(text.as_bytes());
                }
            }
            Format::V1 if !is_output(event.code) => {}
            _ => {
                if !self.is_open {
                    self.open_event(time, event.code);
                }
                event.data.push_json(&mut self.text, &mut self.lines);
                self.is_open = true;
                if !event.continues {
                    self.close_event();
                }
            }
        }
        if self.lines.len() >= GATHERED {
            self.write_lines()?;
        }
        Ok(())
    }

    fn marker(&mut self, time: Micros, label: &str) -> io::Result<()> {
        self.close_event();
        self.plain_event(time, Code::Marker, label);
        Ok(())
    }
}
