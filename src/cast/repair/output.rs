//! Where a repair goes: edits of the input, and a report of them.

use std::io;

use super::report::{Amount, HeaderFate, Report};
use super::text::{Half, replacement};

/// Takes a repair as edits of the input: every byte of it is either kept or
/// cut, in order, and new bytes are put in between.
pub trait Edits {
    /// The next bytes of the input stay; these are they.
    ///
    /// # Errors
    /// What stops the repair.
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// New bytes come here.
    ///
    /// # Errors
    /// What stops the repair.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The next `count` bytes of the input go.
    ///
    /// # Errors
    /// What stops the repair.
    fn cut(&mut self, count: u64) -> io::Result<()>;
}

/// How an event fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Changed,
    Saved,
}

/// Counts what goes to the edits, and keeps lines whole.
pub(super) struct Output<'a> {
    edits: &'a mut dyn Edits,
    pub(super) report: Report,
    /// An event was written, but not its newline.
    line_open: bool,
    /// An event was written up to the first half of a surrogate pair, which
    /// may belong to the first half of the next event's text.
    half: Option<Half>,
}

impl<'a> Output<'a> {
    pub(super) fn new(edits: &'a mut dyn Edits) -> Output<'a> {
        Output {
            edits,
            report: Report {
                version: 2,
                header: HeaderFate::Missing,
                ..Report::default()
            },
            line_open: false,
            half: None,
        }
    }

    pub(super) fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.report.bytes_read += bytes.len() as u64;
        self.report.bytes_written += bytes.len() as u64;
        self.edits.keep(bytes)
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.report.differs = true;
        self.report.bytes_written += bytes.len() as u64;
        self.edits.put(bytes)
    }

    /// Cuts bytes whose loss is counted elsewhere.
    pub(super) fn cut(&mut self, count: usize) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        self.report.differs = true;
        self.report.bytes_read += count as u64;
        self.edits.cut(count as u64)
    }

    /// Cuts what was no event: of it, what is not blank may have been one.
    pub(super) fn cut_junk(&mut self, junk: &[u8]) -> io::Result<()> {
        let blank = |b: &&u8| matches!(**b, b' ' | b'\t' | b'\r' | b'\n' | 0);
        let blanks = junk.iter().filter(blank).count() as u64;
        if blanks == junk.len() as u64 {
            self.report.removed += blanks;
        } else {
            self.report.lost.bytes += junk.len() as u64;
        }
        self.cut(junk.len())
    }

    /// Cuts an event that cannot be saved.
    pub(super) fn cut_event(&mut self, event: &[u8]) -> io::Result<()> {
        self.report.lost += Amount::one(event.len());
        self.cut(event.len())
    }

    pub(super) fn count(&mut self, fate: Fate, bytes: usize) {
        self.count_many(fate, 1, bytes as u64);
    }

    pub(super) fn count_many(&mut self, fate: Fate, events: u64, bytes: u64) {
        let amount = Amount { events, bytes };
        match fate {
            Fate::Kept => self.report.kept += amount,
            Fate::Changed => self.report.changed += amount,
            Fate::Saved => self.report.saved += amount,
        }
    }

    /// Gets ready for an event whose text starts with the second half of a
    /// pair, or with anything else. Gives whether that half found its first.
    pub(super) fn open_event(&mut self, low: Option<Half>) -> io::Result<bool> {
        let mut joined = false;
        if let Some(high) = self.half.take() {
            let mut text = Vec::new();
            if let Some(low) = low {
                text.extend_from_slice(&high);
                text.extend_from_slice(&low);
                joined = true;
            } else {
                replacement(&mut text);
            }
            text.extend_from_slice(b"\"]\n");
            self.put(&text)?;
        }
        if self.line_open {
            self.line_open = false;
            self.put(b"\n")?;
        }
        Ok(joined)
    }

    /// An event was written up to its closing bracket; or, with the first half
    /// of a pair, up to that.
    pub(super) fn event_done(&mut self, half: Option<Half>) {
        self.line_open = half.is_none();
        self.half = half;
    }

    /// Whether an event waits for the second half of a pair.
    pub(super) fn waits(&self) -> bool {
        self.half.is_some() || self.line_open
    }

    /// The line of the input ends, with a newline or without.
    pub(super) fn end_line(&mut self, newline: bool) -> io::Result<()> {
        match (self.line_open, newline) {
            (true, true) => self.keep(b"\n")?,
            (true, false) => self.put(b"\n")?,
            (false, true) => {
                self.cut(1)?;
                if self.half.is_none() {
                    self.report.removed += 1;
                }
            }
            (false, false) => {}
        }
        self.line_open = false;
        Ok(())
    }
}
