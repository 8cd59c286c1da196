//! Checks a v1 document: one JSON object with the events in a list.

use std::io::{self, Read};

use super::finding::FindingKind;
use super::header::{check as check_header, string_fault};
use super::time::judge_time;
use super::{Report, Tally};
use crate::cast::json::{Fault, Lexer, Object, Scalar, Sink};
use crate::cast::lines::{BlockPlace, Blocks};
use crate::cast::validate::opening::BYTE_ORDER_MARK;

/// The most bytes that are kept of what is not an event.
const KEPT: usize = 256 * 1024;

/// Checks the whole document, the first block of which is given.
pub(super) fn check<R: Read>(
    mut blocks: Blocks<R>,
    first: BlockPlace,
    first_block: &[u8],
    report: &mut Report<'_>,
) -> io::Result<()> {
    report.summary.lines = 0;
    let mut lexer = Lexer::new();
    let mut document = Document::default();
    let mut block = first_block.to_vec();
    let mut place = first;
    loop {
        let skip = if place.offset == 0 && block.starts_with(BYTE_ORDER_MARK) {
            document.found.push((FindingKind::ByteOrderMark, 0));
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        if !document.line_over {
            let line = memchr::memchr(b'\n', &block);
            let end = line.unwrap_or(block.len());
            lexer.feed(&block[skip..end], place.offset + skip as u64, &mut document);
            document.line_over = line.is_some() || place.last;
            if document.line_over && (lexer.is_done() || document.closed) {
                document.found.push((FindingKind::SingleLineV1, 0));
            }
            lexer.feed(&block[end..], place.offset + end as u64, &mut document);
        } else {
            lexer.feed(&block, place.offset, &mut document);
        }
        document.report(place, &block, report);
        report.summary.bytes = place.offset + block.len() as u64;
        let newlines = memchr::memchr_iter(b'\n', &block).count() as u64;
        report.summary.lines += newlines;
        report.line += newlines;
        if place.last {
            let open = !block.is_empty() && !block.ends_with(b"\n");
            report.summary.lines += u64::from(open);
            if open {
                document
                    .found
                    .push((FindingKind::NoFinalNewline, report.summary.bytes));
            }
            break;
        }
        match blocks.next(&mut block)? {
            Some(next) => place = next,
            None => break,
        }
    }
    lexer.finish(report.summary.bytes, &mut document);
    document.fields(report);
    document.report(place, &block, report);
    Ok(())
}

/// Where in the document the lexer is, and what it has seen.
#[derive(Default)]
struct Document {
    depth: usize,
    line_over: bool,
    /// The object has ended.
    closed: bool,
    /// All but the events, as JSON, and where its parts stand in the file.
    rest: Vec<u8>,
    places: Vec<(usize, u64)>,
    rest_cut: bool,
    key: Vec<u8>,
    in_key: bool,
    /// Inside the value of `stdout`.
    in_stdout: bool,
    stdout_seen: bool,
    event: V1Event,
    found: Vec<(FindingKind, u64)>,
    delays: Vec<f64>,
}

#[derive(Default)]
struct V1Event {
    at: u64,
    list: bool,
    count: usize,
    first: Option<Scalar>,
    second: Option<Scalar>,
    number: Vec<u8>,
    number_at: u64,
    in_number: bool,
}

/// A delay's text is looked at this far.
const LONGEST_NUMBER: usize = 64;

impl Document {
    fn copy(&mut self, bytes: &[u8], at: u64) {
        if self.in_stdout || self.rest_cut {
            return;
        }
        if self.rest.len() + bytes.len() > KEPT {
            self.rest_cut = true;
            return;
        }
        self.places.push((self.rest.len(), at));
        self.rest.extend_from_slice(bytes);
    }

    fn place(&self, at: usize) -> u64 {
        let after = self.places.partition_point(|(start, _)| *start <= at);
        self.places[..after]
            .last()
            .map_or(0, |(start, offset)| offset + (at - start) as u64)
    }

    /// An element of the list of events ended.
    fn end_event(&mut self) {
        let event = std::mem::take(&mut self.event);
        if !event.list {
            return self.found.push((FindingKind::V1EventType, event.at));
        }
        if event.count != 2 {
            self.found.push((FindingKind::V1Arity, event.at));
        }
        if event.count == 0 {
            return;
        }
        let mut delay = 0.0;
        if event.first != Some(Scalar::Number) {
            self.found.push((FindingKind::TimeType, event.number_at));
        } else {
            let (time, kind) = judge_time(&event.number);
            delay = time.unwrap_or(0.0);
            if let Some(kind) = kind {
                self.found.push((kind, event.number_at));
            }
        }
        if event.count > 1 {
            if event.second == Some(Scalar::Text) {
                self.delays.push(delay);
            } else {
                self.found.push((FindingKind::DataType, event.at));
            }
        }
    }

    /// Hands over what was found in a block.
    fn report(&mut self, place: BlockPlace, block: &[u8], report: &mut Report<'_>) {
        for delay in self.delays.drain(..) {
            report.count(delay);
        }
        let (mut counted, mut line) = (0, report.line);
        for (kind, offset) in std::mem::take(&mut self.found) {
            let at = offset.saturating_sub(place.offset) as usize;
            let at = at.min(block.len());
            if at > counted {
                line += memchr::memchr_iter(b'\n', &block[counted..at]).count() as u64;
                counted = at;
            }
            report.note_at_offset(kind, block, at, offset, line);
        }
    }

    /// Checks the fields around the events.
    fn fields(&mut self, report: &mut Report<'_>) {
        let object = Object::read(&self.rest);
        let header = check_header(&self.rest, &object);
        report.summary.size = header.size;
        if header.version.is_some() {
            report.summary.version = header.version;
        }
        for (kind, at) in header.findings {
            // Faults of strings were told when they were met.
            if !matches!(
                kind,
                FindingKind::BadEscape
                    | FindingKind::Control
                    | FindingKind::NotUtf8
                    | FindingKind::LoneSurrogate
            ) {
                let place = self.place(at);
                self.found.push((kind, place));
            }
        }
        if !self.stdout_seen {
            self.found.push((FindingKind::StdoutMissing, 0));
        }
    }
}

impl Sink for Document {
    fn open(&mut self, bracket: u8, at: u64) {
        if self.in_stdout && self.depth == 2 {
            self.event = V1Event {
                at,
                list: bracket == b'[',
                ..V1Event::default()
            };
        } else if self.in_stdout && self.depth == 3 {
            self.event.count += 1;
        } else if self.in_stdout && self.depth == 1 && bracket != b'[' {
            self.found.push((FindingKind::StdoutMissing, at));
            self.in_stdout = false;
        }
        self.depth += 1;
        self.copy(&[bracket], at);
    }

    fn close(&mut self, bracket: u8, at: u64) {
        self.depth -= 1;
        match self.depth {
            0 => self.closed = true,
            1 if self.in_stdout => {
                self.in_stdout = false;
                // Stands in for the list, so that the rest is JSON.
                self.copy(b"[]", at);
                return;
            }
            2 if self.in_stdout => self.end_event(),
            _ => {}
        }
        self.copy(&[bracket], at);
    }

    fn comma(&mut self) {
        if self.depth > 0 {
            let at = self.places.last().map_or(0, |(_, at)| *at);
            self.copy(b",", at);
        }
    }

    fn start(&mut self, scalar: Scalar, key: bool, at: u64) {
        if key && self.depth == 1 {
            self.in_key = true;
            self.key.clear();
        }
        if self.in_stdout {
            match self.depth {
                1 => {
                    self.found.push((FindingKind::StdoutMissing, at));
                    self.in_stdout = false;
                }
                2 => self.found.push((FindingKind::V1EventType, at)),
                3 => {
                    self.event.count += 1;
                    if self.event.count == 1 {
                        self.event.first = Some(scalar);
                        self.event.number_at = at;
                        self.event.in_number = scalar == Scalar::Number;
                    } else if self.event.count == 2 {
                        self.event.second = Some(scalar);
                    }
                }
                _ => {}
            }
        }
        if scalar == Scalar::Text {
            self.copy(b"\"", at);
        }
    }

    fn piece(&mut self, bytes: &[u8]) {
        if self.in_key && self.key.len() < KEPT {
            self.key.extend_from_slice(bytes);
        }
        if self.event.in_number && self.event.number.len() < LONGEST_NUMBER {
            self.event.number.extend_from_slice(bytes);
        }
        if !self.in_stdout {
            let at = self.places.last().map_or(0, |(_, at)| *at);
            self.copy(bytes, at);
        }
    }

    fn end(&mut self, scalar: Scalar, key: bool, at: u64) {
        self.event.in_number = false;
        if scalar == Scalar::Text {
            self.copy(b"\"", at.saturating_sub(1));
        }
        if key {
            self.copy(b":", at);
        }
        if self.in_key {
            self.in_key = false;
            if self.key == b"stdout" {
                self.in_stdout = true;
                self.stdout_seen = true;
            }
        }
    }

    fn fault(&mut self, fault: Fault, at: u64) {
        let kind = match fault {
            Fault::Torn | Fault::Empty => FindingKind::DocumentTorn,
            Fault::NotANumber if self.event.in_number => FindingKind::TimeNotANumber,
            // Told when the fields are looked at.
            Fault::NotANumber if !self.in_stdout => return,
            Fault::TooDeep => FindingKind::TooDeep,
            fault => string_fault(fault).unwrap_or(FindingKind::DocumentSyntax),
        };
        self.found.push((kind, at));
    }
}

/// A document's findings go one by one, not by stretches.
impl Report<'_> {
    fn note_at_offset(
        &mut self,
        kind: FindingKind,
        block: &[u8],
        at: usize,
        offset: u64,
        line: u64,
    ) {
        let tally: &mut Tally = &mut self.whole;
        let before = tally.counts.of(kind);
        tally.note(kind, 0, 0);
        if tally.counts.of(kind) > before {
            self.give(kind, block, at, offset, line);
        }
    }
}
