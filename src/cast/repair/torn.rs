//! Events that their line does not end: they were torn, have raw newlines in
//! their text, or were pretty-printed over several lines.
//!
//! Such an event is held with the lines after it until one of them completes
//! it, or shows that none will. Invariants: at most a block is held, and every
//! byte of it is looked at a bounded number of times.

use std::io;

use super::event::EventRepairer;
use super::found::{Miss, find, is_start, loose_end_from, read_head};
use super::text::closing_quote;
use crate::cast::json::is_blank;
use crate::cast::lines::BLOCK;

/// The start of an event, with the lines after it that may be the rest of it.
#[derive(Debug, Default)]
pub(super) struct Torn {
    bytes: Vec<u8>,
    /// The event's text does not end before this.
    looked_at: usize,
    /// What there is could be the whole event but for its bracket, or is no
    /// more than a part of its head.
    open: bool,
}

impl Torn {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Holds an event from its bracket to the end of its line.
    pub(super) fn start(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.look_back();
    }

    /// Whether `line` may belong to the event.
    pub(super) fn takes(&self, line: &[u8]) -> bool {
        let another = is_start(line) || self.open && line.trim_ascii_start().starts_with(b"[");
        !another && self.bytes.len() + line.len() <= BLOCK
    }

    /// Notes what the lines so far leave open.
    fn look_back(&mut self) {
        let head = read_head(&self.bytes);
        let quote = match head {
            Ok(head) => closing_quote(&self.bytes[head.len..]).map(|at| head.len + at),
            Err(_) => None,
        };
        self.looked_at = quote.unwrap_or(self.bytes.len());
        self.open = quote.is_some() || read_head(&self.bytes).is_err();
    }

    /// Another line for the torn event, which may complete it.
    pub(super) fn goes_on(
        &mut self,
        line: &[u8],
        events: &mut EventRepairer<'_>,
        ceiling: f64,
        at_end: bool,
    ) -> io::Result<()> {
        self.bytes.extend_from_slice(line);
        // A blank line decides nothing.
        if line.iter().all(is_blank) && !at_end {
            return Ok(());
        }
        let head = match read_head(&self.bytes) {
            Ok(head) => head,
            Err(Miss::Cut) if !at_end => return Ok(()),
            Err(_) => return self.end(events, at_end),
        };
        let text = &self.bytes[head.len..];
        let from = self.looked_at.max(head.len) - head.len;
        match loose_end_from(text, from) {
            (_, Some(_)) => {
                let torn = std::mem::take(&mut self.bytes);
                events.salvage(&torn, ceiling, at_end, true).map(|_| ())
            }
            // Another event starts in that line, which so is not part of this one.
            (end, None) if end < text.len() => self.end(events, false),
            _ if at_end => self.end(events, true),
            _ => {
                self.look_back();
                Ok(())
            }
        }
    }

    /// No line will complete the torn event: it ends where the line does in
    /// which its text starts.
    pub(super) fn end(&mut self, events: &mut EventRepairer<'_>, at_end: bool) -> io::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let torn = std::mem::take(&mut self.bytes);
        if at_end && !torn.ends_with(b"\n") {
            return events.out.cut_event(&torn);
        }
        let text = read_head(&torn).map_or(0, |head| head.len);
        let end = memchr::memchr(b'\n', &torn[text..]).map_or(torn.len(), |at| text + at + 1);
        events.salvage(&torn[..end], f64::INFINITY, false, true)?;
        // The others turned out to be none of it.
        for line in torn[end..].split_inclusive(|b| *b == b'\n') {
            salvage_rest(events, line)?;
        }
        Ok(())
    }
}

/// Saves what is in a line on its own.
fn salvage_rest(events: &mut EventRepairer<'_>, line: &[u8]) -> io::Result<()> {
    let newline = line.ends_with(b"\n");
    let text = &line[..line.len() - usize::from(newline)];
    for part in &find(text) {
        events.part(text, part, f64::INFINITY, false)?;
    }
    events.out.end_line(newline)
}

/// Where the event starts of which `line` has a part of the head and no more.
pub(super) fn cut_head(line: &[u8]) -> Option<usize> {
    let start = line.iter().take_while(|b| is_blank(b)).count();
    (read_head(&line[start..]) == Err(Miss::Cut) && line[start..].starts_with(b"["))
        .then_some(start)
}
