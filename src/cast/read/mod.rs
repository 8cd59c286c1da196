//! Reads the events of a cast, v1 to v3, one by one and in constant memory.
//!
//! [`EventReader`] takes any [`Read`]. Times are absolute, in integer
//! microseconds; each event says at which byte it starts, and
//! [`EventReader::position`] where reading can go on later, in the same file or
//! in one that has grown. Plain lines (see `lines`) are given as they stand in
//! the buffer; all others are looked at with the eyes of `validate`. An event
//! longer than the buffer comes in pieces. Casts that follow each other in one
//! input are one cast whose times go on; of the parts of a rotated recording
//! ([`Part`]) each goes on from the screen that the one before has left.
//!
//! ```
//! use tvmux::cast::{Code, EventReader, Strictness};
//!
//! let cast = b"{\"version\": 2, \"width\": 80, \"height\": 24}\n[1.5, \"o\", \"hi\\n\"]\n";
//! let mut reader = EventReader::new(&cast[..], Strictness::Strict)?;
//! assert_eq!(reader.header().width, 80);
//! while let Some(event) = reader.next()? {
//!     assert_eq!((event.time, event.code), (1_500_000, Code::Output));
//!     assert_eq!(event.data.to_str(), "hi\n");
//! }
//! let mut later = EventReader::resume(&b"[2, \"o\", \"ho\"]\n"[..], reader.position(), Strictness::Strict);
//! assert_eq!(later.next()?.map(|event| event.time), Some(2_000_000));
//! # Ok::<(), tvmux::cast::ReadError>(())
//! ```

mod clock;
mod input;
mod pieces;

use std::io::{self, Read};
use std::ops::Range;

use thiserror::Error;

use super::event::{Code, Event, Micros};
use super::header::{Header, Part};
use super::lines::{BLOCK, Cursor, Line, Liner};
use super::seconds::is_whole_micros;
use super::text::Text;
use super::validate::{FindingKind, LineCheck, LineContent, Reader, Severity, Tally, opening};
use clock::Clock;
use input::Input;
use pieces::{Piece, Pieces};

pub use clock::Position;

/// What a reader does with what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Ends with an error at the first thing that asciinema refuses, and where
    /// times run backwards.
    Strict,
    /// Skips what is no event, repairs text, and never lets time run backwards.
    Forgiving,
}

/// Why reading ended before the end of the input.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The input could not be read.
    #[error("cannot read the cast")]
    Io {
        #[from]
        source: io::Error,
    },
    /// It starts with neither a header nor an event.
    #[error("this is not a cast")]
    NotACast,
    /// Something is wrong that a strict reader does not pass.
    #[error("{kind} at byte {offset}")]
    Invalid { kind: FindingKind, offset: u64 },
}

/// A cast being read.
#[derive(Debug)]
pub struct EventReader<R> {
    input: Input<R>,
    strictness: Strictness,
    header: Header,
    clock: Clock,
    liner: Liner,
    /// The lines that are being given: where they stand in the input's buffer.
    lines: Range<usize>,
    cursor: Cursor,
    /// A line that is longer than the buffer, or a v1 document.
    pieces: Option<Box<Pieces>>,
    /// How much of an open last line was looked at without finding its end.
    looked_at: usize,
    /// The last event's line has no newline yet.
    is_line_open: bool,
    /// Bytes of output still to be passed over: they paint the screen that the part
    /// before has left.
    repainted: u64,
    is_suspect: bool,
    /// The last event's time tells no part of a microsecond.
    was_whole_micros: bool,
}

/// An event that was found.
struct Found {
    time: Micros,
    code: Code,
    data: Range<usize>,
    offset: u64,
    in_pieces: bool,
    is_sound: bool,
    continues: bool,
}

impl<R: Read> EventReader<R> {
    /// Starts to read the cast that `input` gives; reads its header.
    ///
    /// # Errors
    /// When `input` cannot be read or is no cast; and when its header is not
    /// right, for a strict reader.
    pub fn new(input: R, strictness: Strictness) -> Result<EventReader<R>, ReadError> {
        let mut input = Input::new(input, 0);
        input.fill_opening()?;
        let block = input.rest();
        let opening = opening(block);
        let lines = block[opening.end..].trim_ascii_start();
        if opening.header.version.is_none() && !opening.document && !lines.starts_with(b"[") {
            return Err(ReadError::NotACast);
        }
        let mut findings = opening.header.findings.iter();
        let error = findings.find(|(kind, _)| is_error(*kind));
        if strictness == Strictness::Strict
            && let Some((kind, at)) = error
        {
            return Err(ReadError::Invalid {
                kind: *kind,
                offset: *at as u64,
            });
        }
        let version = if opening.document {
            1
        } else {
            opening.lines_version
        };
        let header = Header::read(block, version);
        let mut reader = EventReader::at(input, strictness, header, Clock::new(version));
        reader.is_suspect = opening.document || error.is_some();
        if opening.document {
            reader.pieces = Some(Box::new(Pieces::document()));
        } else {
            reader.input.consume(opening.end);
            reader.clock.seen_to(opening.end as u64);
        }
        Ok(reader)
    }

    /// Goes on at a [`Position`] that another reader of the same cast had; the
    /// next byte that `input` gives is the one at `position.offset`. The header
    /// is not read: [`EventReader::header`] gives an empty one.
    pub fn resume(input: R, position: Position, strictness: Strictness) -> EventReader<R> {
        let input = Input::new(input, position.offset);
        let header = Header::default();
        let mut reader = EventReader::at(input, strictness, header, Clock::at(position));
        reader.was_whole_micros = false;
        if position.version == 1 {
            reader.is_suspect = true;
            reader.pieces = Some(Box::new(Pieces::resumed()));
        }
        reader
    }

    fn at(input: Input<R>, strictness: Strictness, header: Header, clock: Clock) -> EventReader<R> {
        EventReader {
            input,
            strictness,
            header,
            clock,
            liner: Liner::default(),
            lines: 0..0,
            cursor: Cursor::default(),
            pieces: None,
            looked_at: 0,
            is_line_open: false,
            repainted: 0,
            is_suspect: false,
            was_whole_micros: true,
        }
    }

    /// The cast's header, as far as it could be read.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The version of the format: 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.clock.position().version
    }

    /// Where reading can go on behind the last event. While an event comes in
    /// pieces, that is before it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.clock.position()
    }

    /// Whether the last event's line has no newline: the cast ends there, or is
    /// being written.
    #[must_use]
    pub fn is_line_open(&self) -> bool {
        self.is_line_open
    }

    /// Whether `validate` may find an error, as asciinema sees it, in what was read.
    /// It does not where this is `false`; else ask it.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.is_suspect
    }

    /// The input, as far as it was read.
    #[must_use]
    pub fn get_ref(&self) -> &R {
        self.input.get_ref()
    }

    /// The next event; `None` at the end of the input. A file may have grown
    /// when this is called again.
    ///
    /// # Errors
    /// When the input cannot be read; and at the first thing that is wrong, for
    /// a strict reader.
    // Not an iterator: an event borrows from the reader.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, ReadError> {
        let plain = match self.repainted {
            0 => self.plain_event(),
            _ => None,
        };
        match plain {
            Some((time, code, data, offset)) => Ok(Some(Event {
                time,
                code,
                data: Text::sound(&self.input.bytes()[data]),
                offset,
                continues: false,
            })),
            None => self.any_event(),
        }
    }

    /// The next event if it stands on a plain line that was read already: what
    /// nearly all are. Else nothing has happened.
    #[inline(always)]
    fn plain_event(&mut self) -> Option<(Micros, Code, Range<usize>, u64)> {
        if self.pieces.is_some() {
            return None;
        }
        let block = &self.input.bytes()[self.lines.clone()];
        let mut cursor = self.cursor;
        let line = self.liner.next(block, &mut cursor)?;
        let plain = line.plain?;
        let (time, is_forward) = self.clock.absolute_micros(plain.time.micros());
        if !is_forward && self.strictness == Strictness::Strict {
            return None;
        }
        self.compare(time, is_forward, plain.time.is_whole_micros());
        self.cursor = cursor;
        let start = self.lines.start;
        let base = self.input.offset() + start as u64;
        self.clock.set(time, base + line.end as u64);
        self.is_line_open = false;
        let data = start + plain.data.0 as usize..start + plain.data.1 as usize;
        let code = Code::from(char::from(plain.code));
        Some((time, code, data, base + line.start as u64))
    }

    /// Suspects times that run backwards, be it by less than a microsecond.
    #[inline(always)]
    fn compare(&mut self, time: Micros, is_forward: bool, is_whole_micros: bool) {
        let is_same = time == self.clock.position().time;
        let is_exact = is_whole_micros && self.was_whole_micros;
        self.is_suspect |= !is_forward || is_same && !is_exact;
        self.was_whole_micros = is_whole_micros;
    }

    /// The next event, whatever it is.
    #[inline(never)]
    fn any_event(&mut self) -> Result<Option<Event<'_>>, ReadError> {
        let found = loop {
            let Some(found) = self.find_event()? else {
                return Ok(None);
            };
            if self.repainted == 0 || found.code != Code::Output {
                self.repainted = 0;
                break found;
            }
            let painted = self.text_of(&found).to_str().len() as u64;
            self.repainted = self.repainted.saturating_sub(painted);
        };
        Ok(Some(Event {
            time: found.time,
            code: found.code,
            data: self.text_of(&found),
            offset: found.offset,
            continues: found.continues,
        }))
    }

    fn text_of(&self, found: &Found) -> Text<'_> {
        let bytes = match &self.pieces {
            Some(pieces) if found.in_pieces => pieces.bytes(),
            _ => self.input.bytes(),
        };
        let data = &bytes[found.data.clone()];
        match found.is_sound {
            true => Text::sound(data),
            false => Text::loose(data),
        }
    }

    fn find_event(&mut self) -> Result<Option<Found>, ReadError> {
        loop {
            if self.pieces.is_some() {
                match self.piece()? {
                    Some(found) => return Ok(Some(found)),
                    None if self.pieces.is_some() => return Ok(None),
                    None => {}
                }
            }
            if let Some((time, code, data, offset)) = self.plain_event() {
                return Ok(Some(Found {
                    time,
                    code,
                    data,
                    offset,
                    in_pieces: false,
                    is_sound: true,
                    continues: false,
                }));
            }
            let block = &self.input.bytes()[self.lines.clone()];
            match self.liner.next(block, &mut self.cursor) {
                Some(line) if line.plain.is_some() => {
                    return Err(backward(
                        self.input.offset() + (self.lines.start + line.start) as u64,
                    ));
                }
                Some(line) => {
                    if let Some(found) = self.odd_line(line)? {
                        return Ok(Some(found));
                    }
                }
                None => {
                    if !self.more_lines()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// A line that is not plain.
    #[inline(never)]
    fn odd_line(&mut self, line: Line) -> Result<Option<Found>, ReadError> {
        let start = self.lines.start + line.start;
        let bytes = &self.input.bytes()[start..self.lines.start + line.end];
        let newline = bytes.ends_with(b"\n");
        let text = &bytes[..bytes.len() - usize::from(newline)];
        let offset = self.input.offset() + start as u64;
        let version = self.clock.position().version;
        if newline && let Some(part) = part_of(text) {
            self.clock.restart(2, offset + bytes.len() as u64);
            self.repainted = part.screen;
            self.is_suspect = true;
            return Ok(None);
        }
        let mut tally = Tally::new(version, Reader::Asciinema, 8);
        let mut check = LineCheck::new(version, 0, offset);
        check.feed(text, offset, &mut tally);
        let content = check.finish(offset + text.len() as u64, newline, &mut tally);
        self.is_suspect |= !tally.taken_by_asciinema();
        if self.strictness == Strictness::Strict
            && let Some(detail) = tally.details.iter().find(|detail| is_error(detail.kind))
        {
            return Err(ReadError::Invalid {
                kind: detail.kind,
                offset: detail.offset,
            });
        }
        let end = offset + bytes.len() as u64;
        match content {
            LineContent::Nothing if !newline => {
                // It may be whole later: it is looked at again when there is more.
                self.looked_at = text.len();
                self.lines = start..start;
                self.cursor = Cursor::default();
                Ok(None)
            }
            LineContent::Nothing => Ok(None),
            LineContent::Header => {
                let text = text.trim_ascii();
                let header = opening(text).header;
                self.clock
                    .restart(header.version.unwrap_or(version).max(2), end);
                Ok(None)
            }
            LineContent::Event { code, time, data } => {
                let seconds = time;
                let (time, is_forward) = self.clock.absolute(seconds);
                if !is_forward && self.strictness == Strictness::Strict {
                    return Err(backward(offset));
                }
                self.compare(time, is_forward, seconds.is_some_and(is_whole_micros));
                self.clock.set(time, end);
                self.is_line_open = !newline;
                let at = |place: u64| (place - self.input.offset()) as usize;
                Ok(Some(Found {
                    time,
                    code,
                    data: at(data.start)..at(data.end),
                    offset,
                    in_pieces: false,
                    is_sound: false,
                    continues: false,
                }))
            }
        }
    }

    /// Gets more lines. Gives whether there may be an event.
    fn more_lines(&mut self) -> Result<bool, ReadError> {
        self.input.consume_to(self.lines.end);
        self.lines = 0..0;
        self.cursor = Cursor::default();
        loop {
            let rest = self.input.rest();
            // What is left after the last newline was looked at for one.
            let fresh = self.looked_at.min(rest.len());
            if let Some(newline) = memchr::memrchr(b'\n', &rest[fresh..]) {
                self.start_lines(fresh + newline + 1);
                return Ok(true);
            }
            if rest.len() >= BLOCK {
                self.looked_at = 0;
                self.pieces = Some(Box::new(Pieces::line(self.version())));
                self.is_suspect = true;
                return Ok(true);
            }
            if self.input.fill()? == 0 {
                let rest = self.input.rest().len();
                if rest == 0 || rest == self.looked_at {
                    return Ok(false);
                }
                self.start_lines(rest);
                return Ok(true);
            }
        }
    }

    /// The next `length` bytes are whole lines, or the open last one.
    fn start_lines(&mut self, length: usize) {
        self.looked_at = 0;
        let start = self.input.start();
        self.lines = start..start + length;
        self.cursor = self.liner.start(&self.input.bytes()[self.lines.clone()]);
    }

    /// The next event of a long line or a document; when it is over there are
    /// no pieces any more.
    fn piece(&mut self) -> Result<Option<Found>, ReadError> {
        let strict = self.strictness == Strictness::Strict;
        loop {
            let Some(pieces) = &mut self.pieces else {
                return Ok(None);
            };
            if let Some(piece) = pieces.next() {
                return self.found_piece(piece).map(Some);
            }
            if strict && let Some((kind, offset)) = pieces.fault() {
                return Err(ReadError::Invalid { kind, offset });
            }
            if pieces.is_over() {
                if self.version() == 1 {
                    return Ok(None);
                }
                self.pieces = None;
                return Ok(None);
            }
            if self.input.rest().is_empty() && self.input.fill()? == 0 {
                if pieces.end_open_line(self.input.end()) {
                    self.is_line_open = true;
                    continue;
                }
                if strict && let Some((kind, offset)) = pieces.torn(self.input.end()) {
                    return Err(ReadError::Invalid { kind, offset });
                }
                return Ok(None);
            }
            self.is_line_open = false;
            let used = pieces.feed(self.input.rest(), self.input.position());
            self.input.consume(used);
        }
    }

    fn found_piece(&mut self, piece: Piece) -> Result<Found, ReadError> {
        let (time, is_forward) = self.clock.absolute(piece.time);
        if !is_forward && self.strictness == Strictness::Strict {
            return Err(backward(piece.offset));
        }
        if let Some(end) = piece.end {
            // Not sooner: until then reading can only go on before it.
            self.clock.set(time, end);
        }
        Ok(Found {
            time,
            code: piece.code,
            data: piece.data,
            offset: piece.offset,
            in_pieces: true,
            is_sound: false,
            continues: piece.end.is_none(),
        })
    }
}

/// Whether asciinema refuses a cast for this.
fn is_error(kind: FindingKind) -> bool {
    kind.severity(Reader::Asciinema) == Severity::Error
}

/// Which part of a recording begins with this line, where it goes on with another.
fn part_of(line: &[u8]) -> Option<Part> {
    let part = line.starts_with(b"{").then(|| Header::read(line, 2).part)?;
    part.filter(|part| part.number > 1)
}

fn backward(offset: u64) -> ReadError {
    ReadError::Invalid {
        kind: FindingKind::TimeBackward,
        offset,
    }
}

#[cfg(test)]
mod tests;
