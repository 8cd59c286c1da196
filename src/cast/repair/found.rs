//! Finds events in damaged text.
//!
//! An event is known by its *head*: `[TIME, "CODE", "`. Inside of a valid
//! string a head cannot stand, since its quotes would be escaped: so wherever
//! one is found, an event starts, whatever was torn before it.

use std::ops::Range;

use super::text::string_end;
use crate::cast::json::{Fault, Lexer, Object, Scalar, Sink, is_blank};

/// The longest head, in bytes: room for any number that is a time.
pub(super) const LONGEST_HEAD: usize = 96;

/// A part of a line that may be damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole JSON array, which may still be a bad event.
    Array(Range<usize>, Vec<Element>),
    /// An event whose text starts at `data.start` and was cut, or has quotes
    /// in it that should have been escaped. `ended` is whether its closing
    /// bracket is there.
    Loose {
        head: Head,
        at: usize,
        data: Range<usize>,
        ended: bool,
    },
    /// A whole JSON object.
    Object(Range<usize>),
    /// Nothing that can be used.
    Junk(Range<usize>),
}

/// The head of an event; offsets count from its bracket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The number's text; empty in v1, when there is none.
    pub(super) time: Range<usize>,
    pub(super) code: Range<usize>,
    /// Where the event's text starts, after the quote.
    pub(super) len: usize,
}

/// An element of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// `None` for an array or object.
    pub(super) scalar: Option<Scalar>,
    /// Its text, quotes included.
    pub(super) text: Range<usize>,
}

/// Why there is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// So far it is one, but the bytes end inside of it.
    Cut,
    /// It is something else.
    Other,
}

/// The head that `bytes` starts with, if there is one.
pub(super) fn head(bytes: &[u8]) -> Option<Head> {
    read_head(bytes).ok()
}

/// Reads the head that `bytes` starts with, which may run over several lines.
pub(super) fn read_head(bytes: &[u8]) -> Result<Head, Miss> {
    let mut at = Scan {
        bytes: &bytes[..bytes.len().min(LONGEST_HEAD)],
        at: 0,
    };
    let head = at.head();
    head.ok_or(if at.at == bytes.len() {
        Miss::Cut
    } else {
        Miss::Other
    })
}

/// Where in `bytes` reading stands.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn head(&mut self) -> Option<Head> {
        self.byte(b'[')?;
        let time = self.number()?;
        self.byte(b',')?;
        self.byte(b'"')?;
        let start = self.at;
        let length = string_end(&self.bytes[start..]);
        if length > 8 {
            return None;
        }
        self.at += length;
        let code = start..self.at;
        self.byte(b'"')?;
        self.byte(b',')?;
        self.byte(b'"')?;
        Some(Head {
            time,
            code,
            len: self.at,
        })
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(is_blank) {
            self.at += 1;
        }
    }

    /// White space, then `byte`.
    fn byte(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.bytes.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    /// White space, then what looks like a number, also like a bad one.
    fn number(&mut self) -> Option<Range<usize>> {
        self.space();
        let start = self.at;
        while let Some(
            b'0'..=b'9'
            | b'-'
            | b'+'
            | b'.'
            | b'e'
            | b'E'
            | b'a'
            | b'N'
            | b'I'
            | b'n'
            | b'f'
            | b'i'
            | b't'
            | b'y',
        ) = self.bytes.get(self.at)
        {
            self.at += 1;
        }
        let end = self.at;
        (end > start).then_some(start..end)
    }
}

/// Whether `line` starts as something of its own: an event, a header.
pub(super) fn is_start(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    match line.first() {
        Some(b'[') => head(line).is_some(),
        Some(b'{') => Object::read(line).is_whole(),
        _ => false,
    }
}

/// Finds what is in `line`, all of it, in order. `budget` bounds the work that
/// is spent on text that looks like arrays but is none.
pub(super) fn find(line: &[u8]) -> Vec<Found> {
    let mut finder = Finder {
        line,
        found: Vec::new(),
        budget: line.len() * 4 + 4096,
    };
    finder.run();
    finder.found
}

struct Finder<'a> {
    line: &'a [u8],
    found: Vec<Found>,
    budget: usize,
}

impl Finder<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.line.len() {
            let rest = &self.line[at..];
            let blank = rest
                .iter()
                .take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0 | b','))
                .count();
            if blank > 0 {
                self.junk(at..at + blank);
                at += blank;
                continue;
            }
            at = match self
                .array(at)
                .or_else(|| self.loose(at))
                .or_else(|| self.object(at))
            {
                Some(end) => end,
                None => {
                    let next = at + 1 + next_start(&rest[1..]);
                    self.junk(at..next);
                    next
                }
            };
        }
    }

    fn junk(&mut self, range: Range<usize>) {
        match self.found.last_mut() {
            Some(Found::Junk(last)) if last.end == range.start => last.end = range.end,
            _ => self.found.push(Found::Junk(range)),
        }
    }

    fn array(&mut self, at: usize) -> Option<usize> {
        let rest = &self.line[at..];
        if rest[0] != b'[' || self.budget == 0 {
            return None;
        }
        let mut elements = Elements::default();
        let length = Lexer::new().whole(rest, at as u64, &mut elements);
        self.budget = self
            .budget
            .saturating_sub(length.unwrap_or(elements.last.saturating_sub(at)));
        let end = at + length?;
        if !elements.good {
            return None;
        }
        self.found.push(Found::Array(at..end, elements.list));
        Some(end)
    }

    /// An event whose head is good but which is no JSON as a whole.
    fn loose(&mut self, at: usize) -> Option<usize> {
        let head = head(&self.line[at..])?;
        let start = at + head.len;
        let (end, after) = loose_end(&self.line[start..]);
        let data = start..start + end;
        let next = after.map_or(data.end, |after| start + after);
        self.found.push(Found::Loose {
            head,
            at,
            data,
            ended: after.is_some(),
        });
        Some(next)
    }

    fn object(&mut self, at: usize) -> Option<usize> {
        let rest = &self.line[at..];
        if rest[0] != b'{' || self.budget == 0 {
            return None;
        }
        let object = Object::read(rest);
        let cost = object.faults.last().map_or(rest.len(), |(_, at)| *at);
        self.budget = self.budget.saturating_sub(object.end.unwrap_or(cost));
        let end = at + object.end?;
        self.found.push(Found::Object(at..end));
        Some(end)
    }
}

/// Where the text of an event ends in `raw`, which starts after its opening
/// quote; and where the event ends, if its end is there. Quotes that end
/// nothing are part of the text.
pub(super) fn loose_end(raw: &[u8]) -> (usize, Option<usize>) {
    loose_end_from(raw, 0)
}

/// The same when the end is known not to be before `at`, which is no place
/// inside an escape.
pub(super) fn loose_end_from(raw: &[u8], mut at: usize) -> (usize, Option<usize>) {
    loop {
        at += string_end(&raw[at..]);
        if at >= raw.len() {
            return (raw.len(), None);
        }
        let after = at + 1 + raw[at + 1..].iter().take_while(|b| is_blank(b)).count();
        if raw.get(after) == Some(&b']') {
            return (at, Some(after + 1));
        }
        if let Some(start) = start_before(raw, at) {
            return (start, None);
        }
        at += 1;
    }
}

/// Whether the quote at `quote` is the first of a head or of a header: then
/// where that starts.
pub(super) fn start_before(raw: &[u8], quote: usize) -> Option<usize> {
    let from = quote.saturating_sub(LONGEST_HEAD);
    let bracket = from + memchr::memrchr2(b'[', b'{', &raw[from..quote])?;
    let start = &raw[bracket..];
    let good = if raw[bracket] == b'[' {
        head(start).is_some_and(|head| bracket + head.code.start == quote + 1)
    } else {
        start[1..quote - bracket].trim_ascii().is_empty()
            && raw[quote..].starts_with(b"\"version\"")
    };
    good.then_some(bracket)
}

/// The offset of the next head or header in `bytes`, or their length.
pub(super) fn next_start(bytes: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'[', b'{', &bytes[from..]) {
        let at = from + at;
        let rest = &bytes[at..];
        if head(rest).is_some() {
            return at;
        }
        if rest[0] == b'{' && rest[1..].trim_ascii_start().starts_with(b"\"") {
            return at;
        }
        from = at + 1;
    }
    bytes.len()
}

/// The elements of an array, as far as an event needs them.
#[derive(Default)]
pub(super) struct Elements {
    pub(super) list: Vec<Element>,
    depth: usize,
    good: bool,
    /// Where the last thing wrong is.
    pub(super) last: usize,
    /// The input ended inside of it.
    pub(super) torn: bool,
}

impl Elements {
    fn push(&mut self, scalar: Option<Scalar>, text: Range<usize>) {
        if self.list.len() < 4 {
            self.list.push(Element { scalar, text });
        }
    }
}

impl Sink for Elements {
    fn open(&mut self, _: u8, at: u64) {
        if self.depth == 1 {
            self.push(None, at as usize..at as usize);
        }
        self.depth += 1;
    }

    fn close(&mut self, _: u8, at: u64) {
        self.depth -= 1;
        self.good |= self.depth == 0;
        if self.depth == 1
            && let Some(last) = self.list.last_mut()
            && last.scalar.is_none()
        {
            last.text.end = at as usize + 1;
        }
    }

    fn start(&mut self, scalar: Scalar, _: bool, at: u64) {
        if self.depth == 1 {
            self.push(Some(scalar), at as usize..at as usize);
        }
    }

    fn piece(&mut self, _: &[u8]) {}

    fn end(&mut self, _: Scalar, _: bool, at: u64) {
        if self.depth == 1
            && let Some(last) = self.list.last_mut()
            && last.text.is_empty()
        {
            last.text.end = at as usize;
        }
    }

    fn fault(&mut self, fault: Fault, at: u64) {
        self.torn |= fault == Fault::Torn;
        self.last = at as usize;
    }
}
