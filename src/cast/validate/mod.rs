//! Validates casts: every byte, in constant memory, as fast as they are read.
//!
//! Lines that are plain (see `lines`) are only counted; all others are looked
//! at with care, whatever their length. Stretches of whole lines are looked at
//! by several threads and put together in order, so the findings do not depend
//! on how many there are.

mod document;
mod finding;
mod header;
mod line;
mod opening;
mod tally;
mod time;

use std::io::{self, Read};

pub use finding::{Counts, Finding, FindingKind, Reader, Severity};
pub use tally::EventCounts;

pub(in crate::cast) use header::string_fault;
pub(crate) use header::{Size, check as check_header};
pub(in crate::cast) use line::{LineCheck, LineContent};
pub(crate) use opening::{BYTE_ORDER_MARK, opening};

use super::event::{Code, Micros};
use super::foreign::{Foreign, foreign};
use super::lines::{BlockPlace, Blocks, Liner, run_pipeline};
use super::seconds::to_micros;
use finding::excerpt;
pub(in crate::cast) use tally::Tally;
pub(in crate::cast) use time::judge_time;

/// Whose rules count, and how many findings are told.
#[derive(Clone, Debug)]
pub struct ValidateOptions {
    /// Which reader's view decides about severities.
    pub reader: Reader,
    /// How many threads look at the file, at least 1.
    pub threads: usize,
    /// How many findings are given one by one; all are counted.
    pub max_findings: usize,
}

impl Default for ValidateOptions {
    fn default() -> ValidateOptions {
        ValidateOptions {
            reader: Reader::Asciinema,
            threads: 1,
            max_findings: 20,
        }
    }
}

/// What a cast holds, and how much is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The version of the format: 1, 2 or 3. `None` when the header does not say.
    pub version: Option<u8>,
    /// Columns and rows, as the header has them.
    pub size: Option<(u32, u32)>,
    /// How many events there are of each code.
    pub events: EventCounts,
    /// The time of the last event, in microseconds.
    pub duration: Micros,
    /// Lines, also the one that has no newline.
    pub lines: u64,
    /// The size of the file in bytes.
    pub bytes: u64,
    pub findings: Counts,
    /// What the file is that is no cast. Nothing else is said of it then.
    pub foreign: Option<Foreign>,
}

impl Summary {
    /// Whether `reader` takes the file whole. For the server this is only so
    /// if the file was validated for it: its own limits are not looked at else.
    #[must_use]
    pub fn accepted_by(&self, reader: Reader) -> bool {
        self.findings.total(reader, Severity::Error) == 0
    }

    /// Whether repairing it would change nothing.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.findings.iter().any(|(kind, _)| kind.needs_repair())
    }
}

/// Validates the cast that `input` gives. Calls `on_finding` with up to
/// `max_findings` findings, in the order of the file.
///
/// A cast may be of any size: memory stays below a few megabytes.
///
/// # Errors
/// What reading `input` gives.
pub fn validate<R: Read + Send>(
    input: R,
    options: &ValidateOptions,
    on_finding: &mut dyn FnMut(&Finding),
) -> io::Result<Summary> {
    let mut blocks = Blocks::new(input);
    let mut block = Vec::new();
    let mut report = Report {
        options,
        on_finding,
        given: 0,
        version: 2,
        whole: Tally::new(2, options.reader, 0),
        summary: Summary::default(),
        line: 1,
        long: Long::None,
    };
    let Some(place) = blocks.next(&mut block)? else {
        return Ok(report.finish(true));
    };
    if block.is_empty() {
        report.note_at(FindingKind::EmptyFile, &block, 0, 1);
        return Ok(report.finish(false));
    }
    if let Some(foreign) = foreign(&block) {
        report.summary.foreign = Some(foreign);
        let kind = match foreign {
            Foreign::Wide(_) => FindingKind::WideText,
            _ => FindingKind::NotACast,
        };
        report.note_at(kind, &block, 0, 1);
        report.summary.bytes = block.len() as u64;
        while blocks.next(&mut block)?.is_some() {
            report.summary.bytes += block.len() as u64;
        }
        return Ok(report.finish(false));
    }
    let opening = opening(&block);
    report.summary.version = opening.header.version;
    report.summary.size = opening.header.size;
    for (kind, offset) in &opening.header.findings {
        report.note_at(*kind, &block, *offset, 1);
    }
    if let Some(version) = opening.header.version
        && !options.reader.knows(version)
    {
        report.note_at(FindingKind::OtherVersion, &block, 0, 1);
    }
    if opening.document {
        document::check(blocks, place, &block, &mut report)?;
        return Ok(report.finish(true));
    }
    report.version = opening.lines_version;
    report.start_lines(place, &block, opening.end);
    let (version, reader, most) = (report.version, options.reader, options.max_findings);
    run_pipeline(
        blocks,
        options.threads,
        Liner::default,
        |liner, place, block| {
            let mut tally = Tally::new(version, reader, most);
            if place.starts_line && (place.ends_line || place.last) {
                look_at_lines(liner, block, version, &mut tally);
            }
            tally
        },
        |place, block, tally| {
            report.merge(place, block, tally);
            Ok(())
        },
    )?;
    Ok(report.finish(true))
}

/// Looks at whole lines. Offsets and lines count from the start of the block.
fn look_at_lines(liner: &mut Liner, block: &[u8], version: u8, tally: &mut Tally) {
    let mut number = 0;
    liner.visit(block, |line| {
        match line.plain {
            Some(plain) => {
                tally.plain_event(plain.code, plain.time.value(), line.start as u64, number);
            }
            None => {
                let bytes = &block[line.start..line.end];
                let newline = bytes.ends_with(b"\n");
                let text = &bytes[..bytes.len() - usize::from(newline)];
                let mut check = LineCheck::new(version, number, line.start as u64);
                check.feed(text, line.start as u64, tally);
                check.finish((line.start + text.len()) as u64, newline, tally);
            }
        }
        number += 1;
    });
    tally.lines = number;
    if tally.is_for(Reader::Player) {
        note_titles(block, tally);
    }
}

/// Notes each `ESC k`, which starts a title for tmux and screen: the player
/// shows the title as text.
fn note_titles(block: &[u8], tally: &mut Tally) {
    for sequence in [b"\\u001bk", b"\\u001Bk"] {
        let (mut line, mut counted) = (0, 0);
        for at in memchr::memmem::find_iter(block, sequence) {
            let before = block[..at].iter().rev();
            if before.take_while(|b| **b == b'\\').count() % 2 == 1 {
                // The backslash is text.
                continue;
            }
            line += memchr::memchr_iter(b'\n', &block[counted..at]).count() as u64;
            counted = at;
            tally.note(FindingKind::TitleSequence, at as u64, line);
        }
    }
    tally.details.sort_by_key(|detail| detail.offset);
}

/// Puts the stretches together.
struct Report<'a> {
    options: &'a ValidateOptions,
    on_finding: &'a mut dyn FnMut(&Finding),
    given: usize,
    version: u8,
    whole: Tally,
    summary: Summary,
    /// The line that the next stretch starts with, from 1.
    line: u64,
    long: Long,
}

/// Where the offsets of a tally count from.
enum Stretch<'a> {
    /// From this offset, the start of whole lines.
    Lines(u64),
    /// From the start of the file: a part, at this offset, of a long line that
    /// starts like that.
    Part(u64, &'a [u8]),
}

/// A line that is longer than a block.
enum Long {
    None,
    /// It was judged already: nothing more is said of it.
    Judged,
    /// It is being looked at, and how it starts.
    Open(Box<LineCheck>, Vec<u8>),
}

impl Report<'_> {
    /// Notes a finding `offset` bytes into `bytes`, the start of the file.
    fn note_at(&mut self, kind: FindingKind, bytes: &[u8], offset: usize, line: u64) {
        let before = self.whole.counts.of(kind);
        self.whole.note(kind, 0, 0);
        if self.whole.counts.of(kind) > before {
            self.give(kind, bytes, offset, offset as u64, line);
        }
    }

    fn give(&mut self, kind: FindingKind, bytes: &[u8], at: usize, offset: u64, line: u64) {
        if self.given < self.options.max_findings {
            self.given += 1;
            (self.on_finding)(&Finding {
                kind,
                severity: kind.severity(self.options.reader),
                line,
                offset,
                excerpt: excerpt(bytes, at),
            });
        }
    }

    /// The rest of the first block, after the header that ends at `end`.
    fn start_lines(&mut self, place: BlockPlace, block: &[u8], end: usize) {
        self.summary.lines = 1;
        self.line = 1;
        if !(place.ends_line || place.last) {
            // The first line goes on beyond the block; its start tells enough.
            self.summary.bytes = block.len() as u64;
            self.long = Long::Judged;
            self.summary.lines = 0;
            return;
        }
        self.line = 2;
        self.summary.bytes = end as u64;
        let mut tally = self.fresh();
        look_at_lines(
            &mut Liner::default(),
            &block[end..],
            self.version,
            &mut tally,
        );
        let rest = BlockPlace {
            offset: end as u64,
            ..place
        };
        self.merge(rest, &block[end..], tally);
    }

    fn fresh(&self) -> Tally {
        Tally::new(self.version, self.options.reader, self.options.max_findings)
    }

    fn merge(&mut self, place: BlockPlace, block: &[u8], tally: Tally) {
        if place.starts_line && (place.ends_line || place.last) {
            self.absorb(Stretch::Lines(place.offset), block, tally);
        } else {
            self.long_line(place, block);
        }
        self.summary.bytes = place.offset + block.len() as u64;
    }

    /// A part of a line that is longer than a block.
    fn long_line(&mut self, place: BlockPlace, block: &[u8]) {
        let mut tally = self.fresh();
        let over = place.ends_line || place.last;
        tally.lines = u64::from(over);
        let text = &block[..block.len() - usize::from(place.ends_line)];
        let mut start = Vec::new();
        match std::mem::replace(&mut self.long, Long::None) {
            Long::Judged if over => {}
            Long::Judged => self.long = Long::Judged,
            open => {
                let mut check = match open {
                    Long::Open(check, head) => {
                        start = head;
                        check
                    }
                    _ => {
                        start.extend_from_slice(&text[..text.len().min(64)]);
                        Box::new(LineCheck::new(self.version, 0, place.offset))
                    }
                };
                check.feed(text, place.offset, &mut tally);
                if over {
                    let end = place.offset + text.len() as u64;
                    check.finish(end, place.ends_line, &mut tally);
                } else {
                    self.long = Long::Open(check, start.clone());
                }
            }
        }
        self.absorb(Stretch::Part(place.offset, &start), block, tally);
    }

    fn absorb(&mut self, stretch: Stretch<'_>, block: &[u8], tally: Tally) {
        let backward = self.whole.clock.follow(self.version, &tally.clock);
        if let Some((at, line)) = backward {
            self.whole.counts.add(FindingKind::TimeBackward);
            // In its place among the stretch's own findings.
            let before = tally.details.partition_point(|detail| detail.offset < at);
            self.give_all(&stretch, block, &tally.details[..before]);
            let detail = tally::Detail {
                kind: FindingKind::TimeBackward,
                line,
                offset: at,
            };
            self.give_all(&stretch, block, &[detail]);
            self.give_all(&stretch, block, &tally.details[before..]);
        } else {
            self.give_all(&stretch, block, &tally.details);
        }
        self.whole.counts.merge(&tally.counts);
        self.whole.events.merge(&tally.events);
        self.line += tally.lines;
        self.summary.lines += tally.lines;
    }

    fn give_all(&mut self, stretch: &Stretch<'_>, block: &[u8], details: &[tally::Detail]) {
        for detail in details {
            let line = self.line + u64::from(detail.line);
            match *stretch {
                Stretch::Lines(base) => {
                    let at = detail.offset as usize;
                    self.give(detail.kind, block, at, base + detail.offset, line);
                }
                Stretch::Part(base, _) if detail.offset >= base => {
                    let at = (detail.offset - base) as usize;
                    self.give(detail.kind, block, at, detail.offset, line);
                }
                Stretch::Part(_, start) => self.give(detail.kind, start, 0, detail.offset, line),
            }
        }
    }

    /// Ends the report; `look` is whether there was anything that could have
    /// held events.
    fn finish(mut self, look: bool) -> Summary {
        if look && self.whole.events.total() == 0 {
            let end = self.summary.bytes;
            self.whole.note(FindingKind::NoEvents, 0, 0);
            self.give(
                FindingKind::NoEvents,
                &[],
                0,
                end,
                self.summary.lines.max(1),
            );
        }
        self.summary.events = self.whole.events;
        self.summary.duration = to_micros(self.whole.clock.end);
        self.summary.findings = self.whole.counts;
        self.summary
    }

    /// Counts an event of a v1 document.
    fn count(&mut self, delay: f64) {
        self.whole.events.add(Code::Output, 1);
        self.whole.clock.end += delay;
    }
}

/// Whether `line`, without its newline, is an event that every reader takes as
/// it is, but perhaps for its place in time.
pub(crate) fn is_sound(line: &[u8], version: u8) -> bool {
    let mut tally = Tally::new(version, Reader::Strict, 0);
    let mut check = LineCheck::new(version, 0, 0);
    check.feed(line, 0, &mut tally);
    check.finish(line.len() as u64, true, &mut tally);
    tally.events.total() == 1 && !tally.counts.iter().any(|(kind, _)| kind.needs_repair())
}

/// Whether a comment can stay as it is.
pub(crate) fn sound_comment(line: &[u8]) -> bool {
    simdutf8::basic::from_utf8(line).is_ok()
}
