//! Looks with care at one line after the header, in pieces of any size.

use std::ops::Range;

use super::finding::FindingKind;
use super::header::string_fault;
use super::tally::Tally;
use super::time::judge_time;
use crate::cast::event::{Code, parse_size};
use crate::cast::json::{Fault, Lexer, Scalar, Sink, Utf8Check};

/// What stands first on a line, after white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstByte {
    Nothing,
    /// `[`, as an event has it.
    Bracket,
    /// `{`: another header, or an event written as an object.
    Brace,
    /// `#`, as the line's first byte.
    Comment,
    Other,
}

/// What a line holds, whatever else is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cast) enum LineContent {
    /// Neither an event nor a header.
    Nothing,
    /// An event with data.
    Event {
        code: Code,
        /// Seconds, as they stand there; `None` when it is no time.
        time: Option<f64>,
        /// Where the inside of its data's quotes stands.
        data: Range<u64>,
    },
    Header,
}

/// A line being looked at.
#[derive(Debug)]
pub(in crate::cast) struct LineCheck {
    version: u8,
    line: u64,
    at: u64,
    start: FirstByte,
    space: bool,
    nul: bool,
    last: u8,
    lexer: Lexer,
    comment: Utf8Check,
    shape: Shape,
}

impl LineCheck {
    /// A line at offset `at`, in a cast of that version (2 or 3).
    pub(in crate::cast) fn new(version: u8, line: u64, at: u64) -> LineCheck {
        LineCheck {
            version,
            line,
            at,
            start: FirstByte::Nothing,
            space: false,
            nul: false,
            last: 0,
            lexer: Lexer::new(),
            comment: Utf8Check::default(),
            shape: Shape::default(),
        }
    }

    /// Reads more of the line, from offset `at`. No newline is in `bytes`.
    pub(in crate::cast) fn feed(&mut self, bytes: &[u8], at: u64, tally: &mut Tally) {
        let Some(&last) = bytes.last() else { return };
        self.last = last;
        let mut rest = bytes;
        if self.start == FirstByte::Nothing {
            let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | 0);
            let blanks = bytes.iter().take_while(|b| blank(b)).count();
            self.nul |= bytes[..blanks].contains(&0);
            self.space |= blanks > 0;
            rest = &bytes[blanks..];
            self.start = match rest.first() {
                None => return,
                Some(b'[') => FirstByte::Bracket,
                Some(b'{') => FirstByte::Brace,
                Some(b'#') if !self.space => FirstByte::Comment,
                Some(_) => FirstByte::Other,
            };
            if self.nul {
                // A reader that skips NULs only does so for whole lines.
                self.start = FirstByte::Other;
            }
        }
        let rest_at = at + (bytes.len() - rest.len()) as u64;
        match self.start {
            FirstByte::Bracket | FirstByte::Brace => {
                let mut sink = Shaping {
                    array: self.start == FirstByte::Bracket,
                    line: self.line,
                    shape: &mut self.shape,
                    tally,
                };
                self.lexer.feed(rest, rest_at, &mut sink);
            }
            FirstByte::Comment => {
                let line = self.line;
                self.comment.push(rest, rest_at, &mut |at| {
                    tally.note(FindingKind::BadUtf8Comment, at, line)
                });
            }
            FirstByte::Nothing | FirstByte::Other => {}
        }
    }

    /// Ends the line at offset `end`, before its newline if it has one.
    pub(in crate::cast) fn finish(
        mut self,
        end: u64,
        newline: bool,
        tally: &mut Tally,
    ) -> LineContent {
        let (line, at) = (self.line, self.at);
        if !newline && end > at {
            tally.note(FindingKind::NoFinalNewline, end, line);
        }
        let cr = newline && self.last == b'\r';
        match self.start {
            FirstByte::Nothing if self.nul => tally.note(FindingKind::NulLine, at, line),
            FirstByte::Nothing if end == at => {
                if newline {
                    tally.note(FindingKind::BlankLine, at, line);
                }
            }
            FirstByte::Nothing if cr && end == at + 1 => {
                tally.note(FindingKind::BlankCrLf, at, line)
            }
            FirstByte::Nothing => tally.note(FindingKind::WhiteSpaceLine, at, line),
            FirstByte::Comment => {
                self.comment
                    .finish(&mut |at| tally.note(FindingKind::BadUtf8Comment, at, line));
                if self.version != 3 {
                    tally.note(FindingKind::CommentInV2, at, line);
                }
            }
            FirstByte::Other => tally.note(FindingKind::NotAnEvent, at, line),
            FirstByte::Bracket | FirstByte::Brace => {
                if cr {
                    tally.note(FindingKind::CarriageReturn, end - 1, line);
                }
                let mut sink = Shaping {
                    array: self.start == FirstByte::Bracket,
                    line,
                    shape: &mut self.shape,
                    tally,
                };
                self.lexer.finish(end, &mut sink);
                if self.start == FirstByte::Bracket {
                    if self.space && !self.lexer.is_dead() {
                        tally.note(FindingKind::LeadingSpace, at, line);
                    }
                    return self.array(tally);
                }
                return self.object(tally);
            }
        }
        LineContent::Nothing
    }

    fn array(&mut self, tally: &mut Tally) -> LineContent {
        let (line, at) = (self.line, self.at);
        let shape = &self.shape;
        if shape.broken {
            return LineContent::Nothing;
        }
        match shape.count {
            0 => {
                tally.note(FindingKind::NoElements, at, line);
                return LineContent::Nothing;
            }
            3 => {}
            _ => tally.note(FindingKind::Arity, at, line),
        }
        let time = shape.time(0, line, tally);
        let code = if shape.count > 1 {
            shape.code(line, tally)
        } else {
            None
        };
        let data = shape.count > 2 && shape.data(code, self.version, line, tally);
        match code {
            Some(code) if data => self.event(code, time, tally),
            _ => LineContent::Nothing,
        }
    }

    fn event(&self, code: Code, time: Option<f64>, tally: &mut Tally) -> LineContent {
        tally.event(code, time, self.at, self.line);
        let data = &self.shape.slots[2];
        LineContent::Event {
            code,
            time,
            data: data.at + 1..data.end - 1,
        }
    }

    fn object(&mut self, tally: &mut Tally) -> LineContent {
        let (line, at) = (self.line, self.at);
        let shape = &self.shape;
        if !shape.broken && shape.version {
            tally.second_header(at, line);
            return LineContent::Header;
        }
        // asciinema takes an object for an event only if there is nothing at
        // all to say against it.
        let mut strict = Tally::scratch();
        let whole = !shape.broken && !shape.twice && shape.slots.iter().all(|slot| slot.seen);
        let time = shape.time(0, line, &mut strict);
        let code = shape.code(line, &mut strict);
        let data = shape.data(code, self.version, line, &mut strict);
        match code {
            Some(code) if whole && data && strict.taken_by_asciinema() => {
                tally.note(FindingKind::ObjectEvent, at, line);
                self.event(code, time, tally)
            }
            _ => {
                tally.note(FindingKind::NotAnEvent, at, line);
                LineContent::Nothing
            }
        }
    }
}

/// The most raw bytes of an element that are kept. Longer ones are no times,
/// codes or sizes that any reader takes.
const KEPT: usize = 72;

/// Time, code or data: the start of its raw text.
#[derive(Clone, Debug)]
struct Slot {
    seen: bool,
    scalar: Option<Scalar>,
    at: u64,
    /// The first byte after it.
    end: u64,
    text: [u8; KEPT],
    len: usize,
    cut: bool,
}

impl Default for Slot {
    fn default() -> Slot {
        Slot {
            seen: false,
            scalar: None,
            at: 0,
            end: 0,
            text: [0; KEPT],
            len: 0,
            cut: false,
        }
    }
}

impl Slot {
    fn raw(&self) -> &[u8] {
        &self.text[..self.len]
    }

    /// The text with its escapes resolved; `None` when it is too long.
    fn decoded(&self) -> Option<String> {
        if self.cut {
            return None;
        }
        let quoted = [b"\"", self.raw(), b"\""].concat();
        serde_json::from_slice(&quoted).ok()
    }
}

/// What the value on a line looks like.
#[derive(Debug, Default)]
struct Shape {
    broken: bool,
    depth: usize,
    count: u64,
    /// Time, code and data.
    slots: [Slot; 3],
    /// The slot that the scalar being read goes to.
    current: Option<usize>,
    /// The start of the key being read, and the slot it names.
    key: Slot,
    /// An object has a key that names its version.
    version: bool,
    /// An object has a key twice.
    twice: bool,
}

impl Shape {
    fn next_element(&mut self, array: bool) -> Option<usize> {
        if array {
            self.count += 1;
            return (self.count <= 3).then(|| self.count as usize - 1);
        }
        let slot = match self.key.raw() {
            b"time" => 0,
            b"code" => 1,
            b"data" => 2,
            b"version" => {
                self.version = true;
                return None;
            }
            _ => return None,
        };
        self.twice |= self.slots[slot].seen;
        Some(slot)
    }

    fn time(&self, slot: usize, line: u64, tally: &mut Tally) -> Option<f64> {
        let slot = &self.slots[slot];
        let mut note = |kind| tally.note(kind, slot.at, line);
        if slot.scalar != Some(Scalar::Number) {
            note(FindingKind::TimeType);
            return None;
        }
        let (time, kind) = judge_time(slot.raw());
        if let Some(kind) = kind {
            note(kind);
        }
        time
    }

    fn code(&self, line: u64, tally: &mut Tally) -> Option<Code> {
        let slot = &self.slots[1];
        let mut note = |kind| tally.note(kind, slot.at, line);
        if slot.scalar != Some(Scalar::Text) {
            note(FindingKind::CodeType);
            return None;
        }
        let escaped = slot.raw().contains(&b'\\');
        if escaped {
            note(FindingKind::CodeEscaped);
        }
        let text = slot.decoded();
        let Some(first) = text.as_deref().map_or_else(
            || std::str::from_utf8(slot.raw()).ok()?.chars().next(),
            |text| text.chars().next(),
        ) else {
            if slot.len == 0 {
                note(FindingKind::CodeEmpty);
            }
            return None;
        };
        let code = Code::from(first);
        if text.is_none_or(|text| text.chars().nth(1).is_some()) {
            note(FindingKind::CodeLong);
            // Only the whole word `r` has sizes as data, only `x` a status.
            return Some(match code {
                Code::Resize | Code::Exit => Code::Other(first),
                code => code,
            });
        }
        if matches!(code, Code::Other(_)) {
            note(FindingKind::CodeUnknown);
        }
        Some(code)
    }

    /// Checks the data; gives whether it is a string.
    fn data(&self, code: Option<Code>, version: u8, line: u64, tally: &mut Tally) -> bool {
        let slot = &self.slots[2];
        let mut note = |kind| tally.note(kind, slot.at, line);
        if slot.scalar != Some(Scalar::Text) {
            note(FindingKind::DataType);
            return false;
        }
        match code {
            Some(Code::Resize) => match slot.decoded().as_deref().and_then(parse_size) {
                None => note(FindingKind::BadResize),
                Some((0, _) | (_, 0)) => note(FindingKind::ZeroResize),
                Some(_) => {}
            },
            Some(Code::Exit) if version == 3 => {
                let status = slot.decoded().and_then(|text| text.parse::<i32>().ok());
                if status.is_none() {
                    note(FindingKind::BadExit);
                }
            }
            _ => {}
        }
        true
    }
}

/// Puts what the lexer finds into the shape, and faults into the tally.
struct Shaping<'a> {
    array: bool,
    line: u64,
    shape: &'a mut Shape,
    tally: &'a mut Tally,
}

impl Sink for Shaping<'_> {
    fn open(&mut self, _: u8, at: u64) {
        if self.shape.depth == 1 {
            if let Some(slot) = self.shape.next_element(self.array) {
                let slot = &mut self.shape.slots[slot];
                slot.seen = true;
                slot.scalar = None;
                slot.at = at;
            }
            self.shape.current = None;
        }
        self.shape.depth += 1;
    }

    fn close(&mut self, _: u8, _: u64) {
        self.shape.depth -= 1;
    }

    fn start(&mut self, scalar: Scalar, key: bool, at: u64) {
        self.shape.current = None;
        if self.shape.depth != 1 {
            return;
        }
        if key {
            self.shape.key = Slot::default();
            self.shape.key.seen = true;
            return;
        }
        self.shape.key.seen = false;
        if let Some(slot) = self.shape.next_element(self.array) {
            self.shape.slots[slot] = Slot {
                seen: true,
                scalar: Some(scalar),
                at,
                ..Slot::default()
            };
            self.shape.current = Some(slot);
        }
    }

    fn piece(&mut self, bytes: &[u8]) {
        let shape = &mut *self.shape;
        let slot = match shape.current {
            Some(slot) => &mut shape.slots[slot],
            None if shape.depth == 1 && shape.key.seen => &mut shape.key,
            None => return,
        };
        let room = (KEPT - slot.len).min(bytes.len());
        slot.text[slot.len..slot.len + room].copy_from_slice(&bytes[..room]);
        slot.len += room;
        slot.cut |= room < bytes.len();
    }

    fn end(&mut self, _: Scalar, _: bool, at: u64) {
        if let Some(slot) = self.shape.current.take() {
            self.shape.slots[slot].end = at;
        }
    }

    fn fault(&mut self, fault: Fault, at: u64) {
        let kind = match fault {
            Fault::Unexpected | Fault::Empty => FindingKind::Syntax,
            Fault::Trailing => FindingKind::Trailing,
            Fault::TooDeep => FindingKind::TooDeep,
            Fault::Torn => FindingKind::Torn,
            Fault::NotANumber if self.shape.current == Some(0) => FindingKind::TimeNotANumber,
            Fault::NotANumber => FindingKind::Syntax,
            fault => {
                // No reader looks at strings of a line that is no event.
                if let Some(kind) = string_fault(fault)
                    && self.array
                {
                    self.tally.note(kind, at, self.line);
                } else {
                    self.shape.broken |= matches!(fault, Fault::BadEscape | Fault::Control);
                }
                return;
            }
        };
        self.shape.broken |= kind != FindingKind::TimeNotANumber;
        if self.array {
            self.tally.note(kind, at, self.line);
        }
    }
}
