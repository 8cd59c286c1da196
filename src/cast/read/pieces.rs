//! Events that come in pieces: those of a line that is longer than the buffer,
//! and those of a v1 document, which may be one line of any length.
//!
//! The lexer reads what comes; the text of events is given as far as it is
//! there. Invariant: no escape, surrogate pair or character is cut.

use std::collections::VecDeque;
use std::ops::Range;

use crate::cast::event::Code;
use crate::cast::json::{Fault, Lexer, Scalar, Sink};
use crate::cast::text::safe_cut;
use crate::cast::validate::{FindingKind, judge_time, string_fault};

/// The most bytes that are kept of a time, a code or a name.
const KEPT: usize = 72;

/// An event, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// Its time as it stands there, in seconds; `None` when it is none.
    pub(super) time: Option<f64>,
    pub(super) code: Code,
    /// Where its text stands in [`Pieces::bytes`].
    pub(super) data: Range<usize>,
    /// Where in the file the event starts.
    pub(super) offset: u64,
    /// Where in the file reading can go on; `None` when more of it follows.
    pub(super) end: Option<u64>,
}

/// A long line, or a document.
#[derive(Debug)]
pub(super) struct Pieces {
    lexer: Lexer,
    shape: Shape,
    /// What was read and may still be given, and where in the file it starts.
    window: Vec<u8>,
    window_at: u64,
    /// Of a line, what follows it.
    over: Option<u64>,
    /// A comment: nothing of it is given.
    is_comment: bool,
    started: bool,
}

impl Pieces {
    /// A line of that version, 2 or 3.
    pub(super) fn line(version: u8) -> Pieces {
        Pieces {
            lexer: Lexer::new(),
            shape: Shape {
                version,
                ..Shape::default()
            },
            window: Vec::new(),
            window_at: 0,
            over: None,
            is_comment: false,
            started: false,
        }
    }

    pub(super) fn document() -> Pieces {
        Pieces::line(1)
    }

    /// A v1 document from behind the text of an event on.
    pub(super) fn resumed() -> Pieces {
        let mut pieces = Pieces::document();
        pieces
            .lexer
            .feed(b"{\"stdout\":[[0,\"\"", 0, &mut pieces.shape);
        pieces.shape.queue.clear();
        pieces
    }

    /// The bytes that the pieces are in, up to the next feeding.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.window
    }

    /// Whether a line is over and all of it was given, or a document has no
    /// more that could be read.
    pub(super) fn is_over(&self) -> bool {
        let is_over = self.over.is_some() || self.shape.version == 1 && self.lexer.is_dead();
        is_over && self.shape.queue.is_empty()
    }

    /// What is wrong first, if anything is.
    pub(super) fn fault(&self) -> Option<(FindingKind, u64)> {
        self.shape.fault
    }

    /// What is wrong if the input ends at `end`.
    pub(super) fn torn(&self, end: u64) -> Option<(FindingKind, u64)> {
        let kind = if self.shape.version == 1 {
            FindingKind::DocumentTorn
        } else {
            FindingKind::Torn
        };
        (!self.lexer.is_done() && !self.is_comment).then_some((kind, end))
    }

    /// The next piece of what was read so far.
    pub(super) fn next(&mut self) -> Option<Piece> {
        let front = self.shape.queue.front()?;
        let is_line = self.shape.version != 1;
        if front.end.is_some() && is_line && self.over.is_none() {
            // Where the line ends is not known yet.
            return None;
        }
        let front = self.shape.queue.pop_front()?;
        let at = |offset: u64| (offset - self.window_at) as usize;
        Some(Piece {
            time: front.time,
            code: front.code,
            data: at(front.data.start)..at(front.data.end),
            offset: front.offset,
            end: if is_line && front.end.is_some() {
                self.over
            } else {
                front.end
            },
        })
    }

    /// The input ends at `end`, at least for now: a line that is whole but for
    /// its newline is over.
    pub(super) fn end_open_line(&mut self, end: u64) -> bool {
        let whole = self.shape.version != 1 && self.over.is_none() && self.lexer.is_done();
        if whole {
            self.over = Some(end);
        }
        whole
    }

    /// Reads more: the bytes at `offset` of the file. Gives how many were used.
    pub(super) fn feed(&mut self, bytes: &[u8], offset: u64) -> usize {
        self.forget(offset);
        if !self.started {
            self.started = true;
            self.is_comment = self.shape.version != 1 && bytes.starts_with(b"#");
            if self.is_comment && self.shape.version == 2 {
                self.shape.fault = Some((FindingKind::CommentInV2, offset));
            }
        }
        let newline = match self.shape.version {
            1 => None,
            _ => memchr::memchr(b'\n', bytes),
        };
        let part = &bytes[..newline.unwrap_or(bytes.len())];
        if !self.is_comment {
            self.window.extend_from_slice(part);
            self.lexer.feed(part, offset, &mut self.shape);
        }
        let end = offset + part.len() as u64;
        match newline {
            Some(newline) => {
                if !self.is_comment {
                    self.lexer.finish(end, &mut self.shape);
                    self.shape.end_text(end, end);
                }
                self.over = Some(end + 1);
                newline + 1
            }
            None => {
                self.give_open_text();
                bytes.len()
            }
        }
    }

    /// Drops what was given.
    fn forget(&mut self, offset: u64) {
        let queued = self.shape.queue.front().map(|piece| piece.data.start);
        let keep = queued.or(self.shape.text_from).unwrap_or(offset);
        let gone = (keep - self.window_at.min(keep)) as usize;
        self.window.drain(..gone.min(self.window.len()));
        self.window_at = keep;
    }

    /// Queues what is there of a text that goes on.
    fn give_open_text(&mut self) {
        if let Some(from) = self.shape.text_from {
            let raw = &self.window[(from - self.window_at) as usize..];
            let cut = from + safe_cut(raw) as u64;
            if cut > from {
                self.shape.queue(from..cut, None);
                self.shape.text_from = Some(cut);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    /// Nothing that an event is made of.
    #[default]
    Elsewhere,
    Time,
    Code,
    Text,
    /// The name of a member of a document.
    Name,
}

#[derive(Debug)]
struct Queued {
    time: Option<f64>,
    code: Code,
    /// Where in the file its text stands.
    data: Range<u64>,
    offset: u64,
    end: Option<u64>,
}

/// What the lexer has found.
#[derive(Debug, Default)]
struct Shape {
    version: u8,
    depth: usize,
    /// In a document, inside the list of events.
    in_list: bool,
    in_event: bool,
    event_at: u64,
    /// Elements of the event so far.
    count: usize,
    place: Field,
    /// The raw text of the scalar that is being read, its start.
    kept: Vec<u8>,
    time: Option<f64>,
    code: Option<Code>,
    /// From where on the text that is being read was not queued.
    text_from: Option<u64>,
    queue: VecDeque<Queued>,
    fault: Option<(FindingKind, u64)>,
}

impl Shape {
    /// The depth at which the elements of events stand.
    fn inner(&self) -> usize {
        if self.version == 1 { 3 } else { 1 }
    }

    fn note(&mut self, kind: FindingKind, at: u64) {
        self.fault.get_or_insert((kind, at));
    }

    fn queue(&mut self, data: Range<u64>, end: Option<u64>) {
        if let Some(code) = self.code {
            self.queue.push_back(Queued {
                time: self.time,
                code,
                data,
                offset: self.event_at,
                end,
            });
        }
    }

    /// The text that is being read ends before `text_end`, and reading can go
    /// on at `end`.
    fn end_text(&mut self, text_end: u64, end: u64) {
        if let Some(from) = self.text_from.take() {
            self.queue(from..text_end, Some(end));
        }
    }

    /// The code that was read.
    fn read_code(&mut self, at: u64) {
        if self.kept.contains(&b'\\') {
            self.note(FindingKind::CodeEscaped, at);
        }
        let quoted = [b"\"", &self.kept[..], b"\""].concat();
        let text: Option<String> = serde_json::from_slice(&quoted).ok();
        self.code = text.and_then(|text| text.chars().next()).map(Code::from);
        match self.code {
            None => self.note(FindingKind::CodeEmpty, at),
            // No size or status is that long.
            Some(Code::Resize) => self.note(FindingKind::BadResize, at),
            Some(Code::Exit) if self.version == 3 => self.note(FindingKind::BadExit, at),
            Some(_) => {}
        }
    }
}

impl Sink for Shape {
    fn open(&mut self, bracket: u8, at: u64) {
        let list = self.version != 1 || self.in_list;
        if self.in_event && self.depth == self.inner() {
            self.count += 1;
        } else if list && self.depth + 1 == self.inner() {
            self.in_event = bracket == b'[';
            self.event_at = at;
            self.count = 0;
            self.time = None;
            self.code = (self.version == 1).then_some(Code::Output);
            if !self.in_event && self.version == 1 {
                self.note(FindingKind::V1EventType, at);
            } else if !self.in_event {
                self.note(FindingKind::NotAnEvent, at);
            }
        }
        self.depth += 1;
    }

    fn close(&mut self, _: u8, at: u64) {
        self.depth -= 1;
        if self.version == 1 && self.depth == 1 {
            self.in_list = false;
        }
        if self.in_event && self.depth + 1 == self.inner() {
            self.in_event = false;
            match (self.version, self.count) {
                (1, 2) | (2 | 3, 3) => {}
                (1, _) => self.note(FindingKind::V1Arity, at),
                _ => self.note(FindingKind::Arity, at),
            }
        }
    }

    fn start(&mut self, scalar: Scalar, key: bool, at: u64) {
        self.place = Field::Elsewhere;
        self.kept.clear();
        if key && self.version == 1 && self.depth == 1 {
            self.place = Field::Name;
        }
        if !self.in_event || self.depth != self.inner() {
            return;
        }
        self.count += 1;
        let text_is = if self.version == 1 { 2 } else { 3 };
        match (self.count, scalar) {
            (1, Scalar::Number) => self.place = Field::Time,
            (1, _) => self.note(FindingKind::TimeType, at),
            (count, Scalar::Text) if count == text_is && self.code.is_some() => {
                self.place = Field::Text;
                self.text_from = Some(at + 1);
            }
            (2, Scalar::Text) => self.place = Field::Code,
            (count, _) if count == text_is => self.note(FindingKind::DataType, at),
            (2, _) => self.note(FindingKind::CodeType, at),
            _ => {}
        }
    }

    fn piece(&mut self, bytes: &[u8]) {
        if matches!(self.place, Field::Time | Field::Code | Field::Name) {
            let room = KEPT.saturating_sub(self.kept.len());
            self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn end(&mut self, _: Scalar, _: bool, at: u64) {
        match std::mem::take(&mut self.place) {
            Field::Time => {
                let (time, kind) = judge_time(&self.kept);
                self.time = time;
                if let Some(kind) = kind {
                    self.note(kind, at);
                }
            }
            Field::Code => self.read_code(at),
            Field::Text => self.end_text(at - 1, at),
            Field::Name => self.in_list = self.kept == b"stdout",
            Field::Elsewhere => {}
        }
    }

    fn fault(&mut self, fault: Fault, at: u64) {
        let kind = match fault {
            Fault::Torn if self.version == 1 => FindingKind::DocumentTorn,
            Fault::Torn => FindingKind::Torn,
            Fault::Trailing => FindingKind::Trailing,
            Fault::TooDeep => FindingKind::TooDeep,
            Fault::NotANumber => FindingKind::TimeNotANumber,
            fault => string_fault(fault).unwrap_or(FindingKind::Syntax),
        };
        self.note(kind, at);
    }
}
