//! Repairs the lines after the header.
//!
//! Blocks come in order, each with what a worker found out about it. One whose
//! lines are all plain and in order is kept as a whole. Else its lines are
//! looked at one by one; the last two plain lines are always held back, because
//! only what follows shows whether a time that leaps forward is the damage, or
//! those that seem to run backwards after it are.

use std::io;
use std::num::NonZeroU8;
use std::ops::Range;

use super::clock::{read_time, time_range};
use super::event::EventRepairer;
use super::long::Long;
use super::output::{Fate, Output};
use super::report::Report;
use super::torn::{Torn, cut_head};
use crate::cast::lines::{BLOCK, BlockPlace, Line, Liner, Plain};
use crate::cast::validate::{Size, is_sound, sound_comment};

/// Lines are looked at one by one in pieces of this size: what is noted of each
/// of them may take more memory than a very short line does.
const PIECE: usize = BLOCK / 4;

/// What a worker found out about a block of whole lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BlockScan {
    /// Every line is plain and no time is below the one before it.
    plain: bool,
    events: u64,
    /// Of the first event, in seconds.
    first: f64,
    /// The time before the last two lines, if there are more.
    before_tail: Option<f64>,
    /// Where the last two lines start.
    tail: usize,
}

/// Looks at blocks, on any thread.
#[derive(Default)]
pub(super) struct Scanner {
    liner: Liner,
}

impl Scanner {
    pub(super) fn scan(&mut self, block: &[u8]) -> BlockScan {
        let mut scan = BlockScan {
            plain: true,
            ..BlockScan::default()
        };
        let mut times = [None::<f64>; 3];
        let mut starts = [0; 2];
        let mut ordered = true;
        self.liner.visit(block, |line| {
            let Some(plain) = line.plain else {
                scan.plain = false;
                return;
            };
            if scan.events == 0 {
                scan.first = plain.time.value();
            }
            scan.events += 1;
            ordered &= times[2].is_none_or(|last| plain.time.value() >= last);
            times = [times[1], times[2], Some(plain.time.value())];
            starts = [starts[1], line.start];
        });
        scan.before_tail = times[0];
        scan.tail = starts[0];
        // In v3 times are intervals and need no order; its clock does not ask.
        scan.plain &= scan.events > 0;
        if !ordered {
            scan.before_tail = None;
            scan.first = f64::NEG_INFINITY;
        }
        scan
    }
}

/// A line of a block, kept small: a block may have as many as it has bytes.
#[derive(Clone, Copy, Debug)]
struct Row {
    start: u32,
    end: u32,
    /// Of a plain line the time, and how many bytes it takes.
    plain: Option<(f64, NonZeroU8)>,
}

impl Row {
    fn new(line: Line) -> Row {
        let short = |plain: Plain| {
            // A plain number has less than twenty digits.
            let length = u8::try_from(plain.time_len).ok().and_then(NonZeroU8::new)?;
            Some((plain.time.value(), length))
        };
        Row {
            start: line.start as u32,
            end: line.end as u32,
            plain: line.plain.and_then(short),
        }
    }

    fn time(&self) -> Option<f64> {
        self.plain.map(|(time, _)| time)
    }

    fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Repairs lines, block by block.
pub(super) struct LineRepairer<'a> {
    events: EventRepairer<'a>,
    liner: Liner,
    /// Plain lines that were read but not passed on yet.
    held: Vec<u8>,
    torn: Torn,
    long: Long,
    scratch: Vec<u8>,
    lines: Vec<Row>,
}

impl<'a> LineRepairer<'a> {
    pub(super) fn new(out: Output<'a>, version: u8, size: Option<Size>) -> LineRepairer<'a> {
        LineRepairer {
            events: EventRepairer::new(out, version, size),
            liner: Liner::default(),
            held: Vec::new(),
            torn: Torn::default(),
            long: Long::default(),
            scratch: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// The rest of the first block, after the header that ends at `end`.
    pub(super) fn start(&mut self, place: BlockPlace, block: &[u8], end: usize) -> io::Result<()> {
        if place.ends_line || place.last {
            let rest = BlockPlace {
                offset: end as u64,
                ..place
            };
            return self.block(rest, &block[end..], &BlockScan::default());
        }
        self.long_part(place, &block[end..])
    }

    pub(super) fn block(
        &mut self,
        place: BlockPlace,
        block: &[u8],
        scan: &BlockScan,
    ) -> io::Result<()> {
        if !(place.starts_line && (place.ends_line || place.last)) {
            return self.long_part(place, block);
        }
        if scan.plain
            && self.torn.is_empty()
            && !self.events.out.waits()
            && self.events.clock.is_plain()
        {
            if !self.events.clock.is_ordered() {
                self.events
                    .out
                    .count_many(Fate::Kept, scan.events, block.len() as u64);
                return self.events.out.keep(block);
            }
            if scan.first >= self.held_last()
                && let Some(before) = scan.before_tail
            {
                let held = std::mem::take(&mut self.held);
                let lines = memchr::memchr_iter(b'\n', &held).count() as u64;
                let kept = held.len() + scan.tail;
                self.events
                    .out
                    .count_many(Fate::Kept, lines + scan.events - 2, kept as u64);
                self.events.out.keep(&held)?;
                self.events.out.keep(&block[..scan.tail])?;
                self.events.clock.pass(before);
                self.held = held;
                self.held.clear();
                self.held.extend_from_slice(&block[scan.tail..]);
                return Ok(());
            }
        }
        let mut rest = block;
        while rest.len() > PIECE
            && let Some(newline) = memchr::memrchr(b'\n', &rest[..PIECE])
        {
            self.block_by_lines(&rest[..=newline], false)?;
            rest = &rest[newline + 1..];
        }
        self.block_by_lines(rest, place.last)
    }

    /// The last time that was read, also of lines that are held.
    fn held_last(&mut self) -> f64 {
        let mut last = self.events.clock.last();
        let held = std::mem::take(&mut self.held);
        self.liner.visit(&held, |line| {
            if let Some(plain) = line.plain {
                last = last.max(plain.time.value());
            }
        });
        self.held = held;
        last
    }

    fn block_by_lines(&mut self, block: &[u8], last: bool) -> io::Result<()> {
        let mut text = std::mem::take(&mut self.scratch);
        let mut lines = std::mem::take(&mut self.lines);
        text.clear();
        text.append(&mut self.held);
        text.extend_from_slice(block);
        lines.clear();
        self.liner.visit(&text, |line| lines.push(Row::new(line)));
        let mut count = lines.len();
        if !last && self.events.clock.is_ordered() {
            let plain = lines
                .iter()
                .rev()
                .take(2)
                .take_while(|line| line.plain.is_some());
            count -= plain.count();
        }
        self.rows(&text, &lines, count, last)?;
        if let Some(line) = lines.get(count) {
            self.held.extend_from_slice(&text[line.range().start..]);
        }
        self.scratch = text;
        self.lines = lines;
        Ok(())
    }

    /// The first `count` of the lines; the others only show what comes.
    fn rows(&mut self, text: &[u8], lines: &[Row], count: usize, last: bool) -> io::Result<()> {
        // The next plain line after the one that is looked at.
        let mut next = 0;
        for index in 0..count {
            let later = &lines[index + 1..];
            if next <= index {
                let plain = later.iter().position(|line| line.plain.is_some());
                next = plain.map_or(lines.len(), |at| index + 1 + at);
            }
            let line = &lines[index];
            let bytes = &text[line.range()];
            if let Some((time, length)) = line.plain {
                self.torn.end(&mut self.events, false)?;
                let ceiling = self.leap_ceiling(text, later, time);
                self.events.out.open_event(None)?;
                let number = 1..1 + usize::from(length.get());
                self.events
                    .keep_event(bytes, &number, Some(time), ceiling)?;
                continue;
            }
            let time = lines.get(next).and_then(Row::time);
            let ceiling = time.map_or(f64::INFINITY, |time| self.events.clock.absolute(time));
            let at_end = last && index + 1 == lines.len();
            self.odd_line(bytes, ceiling, at_end)?;
        }
        Ok(())
    }

    /// What a plain line's time may be at most: if the two plain lines after
    /// it are both below it but not below the line before it, it is the one
    /// that is wrong.
    fn leap_ceiling(&self, text: &[u8], later: &[Row], time: f64) -> f64 {
        if !self.events.clock.is_ordered() {
            return f64::INFINITY;
        }
        let mut next = later
            .iter()
            .take_while(|line| line.plain.is_some() || text[line.range().start] != b'{')
            .filter_map(Row::time);
        match (next.next(), next.next()) {
            (Some(first), Some(second)) if first < time && second < time && first <= second => {
                self.events.clock.absolute(first)
            }
            _ => f64::INFINITY,
        }
    }

    /// A line that is not plain, with its newline if it has one.
    fn odd_line(&mut self, bytes: &[u8], ceiling: f64, at_end: bool) -> io::Result<()> {
        let newline = bytes.ends_with(b"\n");
        let line = &bytes[..bytes.len() - usize::from(newline)];
        let comment = line.starts_with(b"#");
        if line.is_empty() && self.torn.is_empty() {
            return self.events.out.end_line(newline);
        }
        if !self.torn.is_empty() {
            if !(comment && self.events.version() == 3) && self.torn.takes(bytes) {
                return self.torn.goes_on(bytes, &mut self.events, ceiling, at_end);
            }
            self.torn.end(&mut self.events, false)?;
        }
        if comment {
            if self.events.version() == 3 && sound_comment(line) {
                self.events.out.open_event(None)?;
                self.events.out.keep(line)?;
                return if newline {
                    self.events.out.keep(b"\n")
                } else {
                    self.events.out.put(b"\n")
                };
            }
            if self.events.version() == 3 {
                let text = String::from_utf8_lossy(line);
                self.events.out.open_event(None)?;
                self.events.out.cut(line.len())?;
                self.events.out.put(text.as_bytes())?;
                return if newline {
                    self.events.out.keep(b"\n")
                } else {
                    self.events.out.put(b"\n")
                };
            }
            self.events.out.report.removed += bytes.len() as u64;
            return self.events.out.cut(bytes.len());
        }
        if is_sound(line, self.events.version()) {
            self.events.note_resize(line);
            self.events.out.open_event(None)?;
            let number = time_range(line);
            let (time, _) = read_time(&line[number.clone()]);
            self.events.keep_event(line, &number, time, ceiling)?;
            self.events.out.event_done(None);
            return self.events.out.end_line(newline);
        }
        if newline && let Some(start) = cut_head(bytes) {
            self.events.out.cut_junk(&bytes[..start])?;
            self.torn.start(&bytes[start..]);
            return if at_end {
                self.torn.end(&mut self.events, true)
            } else {
                Ok(())
            };
        }
        if let Some(torn) = self.events.salvage(bytes, ceiling, at_end, false)? {
            self.torn.start(&bytes[torn..]);
            if at_end {
                return self.torn.end(&mut self.events, true);
            }
        }
        Ok(())
    }

    /// A part of a line that is longer than a block.
    fn long_part(&mut self, place: BlockPlace, block: &[u8]) -> io::Result<()> {
        if place.starts_line {
            self.release_held()?;
            self.torn.end(&mut self.events, false)?;
        }
        let newline = place.ends_line;
        let text = &block[..block.len() - usize::from(newline)];
        let mut long = std::mem::take(&mut self.long);
        long.part(&mut self.events, text, newline || place.last)?;
        if newline || place.last {
            self.events.out.end_line(newline)?;
        } else {
            self.long = long;
        }
        Ok(())
    }

    fn release_held(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        let mut lines = Vec::new();
        self.liner.visit(&held, |line| lines.push(Row::new(line)));
        self.rows(&held, &lines, lines.len(), false)
    }

    pub(super) fn finish(mut self) -> io::Result<Report> {
        self.release_held()?;
        self.torn.end(&mut self.events, true)?;
        self.events.out.open_event(None)?;
        let report = &self.events.out.report;
        if report.events() == 0 && report.is_recovered() {
            // The player refuses a cast without events; this one shows nothing.
            self.events.out.put(b"[0.0, \"o\", \"\"]\n")?;
        }
        Ok(self.events.out.report)
    }
}
