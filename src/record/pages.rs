//! Lines that never cross a page of the file.
//!
//! The kernel copies a write into a file page by page, and makes it visible
//! page by page: a reader may see half of it, a kill or a full disk may end it
//! half-way (`generic_perform_write` looks for a fatal signal before each
//! page). A line that lies within one page is there whole or not at all. So
//! each page ends with the end of a line: output is split into events where a
//! page ends, and what is left of a page is filled with spaces, which JSON
//! allows before the closing bracket.

use super::lines::Lines;
use crate::cast::{
    Buffer as _, Code, Header, InvalidBytes, Micros, Utf8Carry, escape_bounded, open,
};

/// What the kernel copies at once, in bytes: the page size of most machines,
/// and a divisor of the others.
pub const PAGE: usize = 4096;

/// A page with less room than this after a line is filled up: no event with
/// content would fit.
const LEAST_ROOM: usize = 64;

const END: &[u8] = b"]\n";

/// Encodes events into a buffer that lies at a known place of the file.
#[derive(Debug)]
pub(super) struct PagedLines {
    /// Where in the file the buffer starts.
    offset: u64,
    buffer: Lines,
    utf8: Utf8Carry,
}

impl PagedLines {
    /// An empty buffer at `offset` of the file.
    pub(super) fn at(offset: u64) -> PagedLines {
        PagedLines {
            offset,
            buffer: Lines::default(),
            utf8: Utf8Carry::new(),
        }
    }

    /// Goes on in another buffer, with the lines that wait.
    pub(super) fn use_buffer(&mut self, mut buffer: Lines) {
        buffer.clear();
        buffer.extend_from_slice(&self.buffer);
        self.buffer = buffer;
    }

    /// Which of the kept buffers it is.
    pub(super) fn number(&self) -> Option<usize> {
        self.buffer.number()
    }

    /// Where in the file the waiting lines start.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The beginning of a character that waits for its end.
    pub(super) fn partial(&self) -> &[u8] {
        self.utf8.pending_bytes()
    }

    /// Goes on with the beginning of a character.
    pub(super) fn set_partial(&mut self, bytes: &[u8]) {
        self.utf8.set_pending(bytes);
    }

    /// How many bytes wait in the buffer.
    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// The offset in the file at which the next line will stand.
    pub(super) fn position(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Takes the lines out, and `spare` in as the next buffer.
    pub(super) fn take(&mut self, mut spare: Lines) -> Lines {
        spare.clear();
        self.offset += self.buffer.len() as u64;
        std::mem::replace(&mut self.buffer, spare)
    }

    /// Takes a copy of the lines out; the buffer stays.
    pub(super) fn take_copy(&mut self) -> Vec<u8> {
        let lines = self.buffer.to_vec();
        self.offset += lines.len() as u64;
        self.buffer.clear();
        lines
    }

    /// Takes back the lines behind the first `length` bytes of the buffer, and
    /// what waits for the end of its character.
    pub(super) fn truncate(&mut self, length: usize) {
        self.buffer.truncate(length);
        self.drop_partial();
    }

    /// Gives back the memory that no line waits in.
    pub(super) fn shrink(&mut self) {
        self.buffer.shrink();
    }

    /// Goes on at `offset` of another file; nothing may wait but a part of a
    /// character.
    pub(super) fn move_to(&mut self, offset: u64) {
        self.buffer.clear();
        self.offset = offset;
    }

    /// The bytes left in the present page; all of it at its start.
    fn room(&self) -> usize {
        PAGE - (self.position() % PAGE as u64) as usize
    }

    /// Writes the header. One that is longer than a page crosses pages.
    pub(super) fn header(&mut self, header: &Header) {
        let mut line = Vec::new();
        header.encode(&mut line);
        self.buffer.extend_from_slice(&line);
        if self.room() < LEAST_ROOM {
            // Take the newline back, fill up, and end the line again.
            self.buffer.truncate(self.buffer.len() - 1);
            self.fill(1);
            self.buffer.push(b'\n');
        }
    }

    /// Forgets the beginning of a character that waits for its end.
    pub(super) fn drop_partial(&mut self) {
        self.utf8.clear();
    }

    /// Takes out the beginning of a character that waits for its end.
    pub(super) fn take_partial(&mut self) -> Utf8Carry {
        let partial = self.utf8.clone();
        self.utf8.clear();
        partial
    }

    /// Has a character wait again.
    pub(super) fn restore_partial(&mut self, partial: Utf8Carry) {
        self.utf8 = partial;
    }

    /// Shows bytes that are no UTF-8 by another rule.
    pub(super) fn set_invalid(&mut self, invalid: InvalidBytes) {
        self.utf8 = std::mem::take(&mut self.utf8).with_invalid(invalid);
    }

    /// Appends output; returns how many events it took.
    pub(super) fn output(&mut self, time: Micros, bytes: &[u8]) -> u64 {
        self.buffer.reserve(bytes.len() + bytes.len() / 8 + 128);
        let mut utf8 = std::mem::take(&mut self.utf8);
        let mut line = Line {
            lines: self,
            time,
            is_open: false,
            closed: 0,
        };
        utf8.push(bytes, |text| line.text(text));
        let events = line.finish();
        self.utf8 = utf8;
        events
    }

    /// Appends what is left of an unfinished character, as U+FFFD; returns how
    /// many events it took.
    pub(super) fn flush(&mut self, time: Micros) -> u64 {
        let mut utf8 = std::mem::take(&mut self.utf8);
        let mut line = Line {
            lines: self,
            time,
            is_open: false,
            closed: 0,
        };
        utf8.finish(|text| line.text(text));
        line.finish()
    }

    /// Appends one event in one line. Data that is longer than a page crosses
    /// pages.
    pub(super) fn event(&mut self, time: Micros, code: Code, data: &str) {
        let start = self.buffer.len();
        let room = self.room();
        self.line(time, code, data);
        let length = self.buffer.len() - start;
        if length > room && room < PAGE {
            self.buffer.truncate(start);
            // An event without output fills the page; players show nothing.
            open(time, Code::Output, &mut self.buffer);
            self.close(usize::MAX);
            self.line(time, code, data);
        }
    }

    fn line(&mut self, time: Micros, code: Code, data: &str) {
        open(time, code, &mut self.buffer);
        escape_bounded(data, &mut self.buffer, usize::MAX);
        self.close(LEAST_ROOM);
    }

    /// Ends a line; fills the page up when less than `least` would be left.
    fn close(&mut self, least: usize) {
        self.buffer.push(b'"');
        if self.room().saturating_sub(END.len()) < least {
            self.fill(END.len());
        }
        self.buffer.extend_from_slice(END);
    }

    /// Spaces up to the last `keep` bytes of the page.
    fn fill(&mut self, keep: usize) {
        const SPACES: [u8; PAGE] = [b' '; PAGE];
        let spaces = self.room().saturating_sub(keep);
        self.buffer.extend_from_slice(&SPACES[..spaces]);
    }
}

/// An output event that is being written, split where pages end.
struct Line<'a> {
    lines: &'a mut PagedLines,
    time: Micros,
    is_open: bool,
    closed: u64,
}

impl Line<'_> {
    fn text(&mut self, mut text: &str) {
        while !text.is_empty() {
            if !self.is_open {
                open(self.time, Code::Output, &mut self.lines.buffer);
                self.is_open = true;
            }
            let room = self.lines.room() - 1 - END.len();
            let taken = escape_bounded(text, &mut self.lines.buffer, room);
            text = &text[taken..];
            if !text.is_empty() {
                self.lines.close(usize::MAX);
                self.is_open = false;
                self.closed += 1;
            }
        }
    }

    fn finish(self) -> u64 {
        if self.is_open {
            self.lines.close(LEAST_ROOM);
        }
        self.closed + u64::from(self.is_open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Output(Vec<u8>),
        Marker(String),
        Take,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => proptest::collection::vec(any::<u8>(), 0..9000).prop_map(Step::Output),
            4 => "[a-z\u{1b}\"é€]{0,200}".prop_map(|text| Step::Output(text.into_bytes())),
            2 => "[a-z\u{1b}]{0,200}".prop_map(Step::Marker),
            1 => Just(Step::Take),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn every_page_ends_with_a_line(
            steps in proptest::collection::vec(step(), 1..20),
            time in 0u64..10_000_000_000_000,
            title in "[a-z]{0,3000}",
        ) {
            let mut lines = PagedLines::at(0);
            let mut file = Vec::new();
            lines.header(&Header { width: 80, height: 24, title: Some(title), ..Header::default() });
            let (mut sent, mut labels) = (Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Output(bytes) => {
                        lines.output(time, &bytes);
                        sent.extend_from_slice(&bytes);
                    }
                    Step::Marker(label) => {
                        lines.event(time, Code::Marker, &label);
                        labels.push(label);
                    }
                    Step::Take => file.extend(lines.take_copy()),
                }
            }
            lines.flush(time);
            file.extend(lines.take_copy());
            prop_assert_eq!(file.len() as u64, lines.position());
            for page in file.chunks_exact(PAGE) {
                prop_assert_eq!(page[PAGE - 1], b'\n');
            }
            let text = String::from_utf8(file).unwrap();
            let (mut output, mut found) = (String::new(), Vec::new());
            for line in text.lines().skip(1) {
                let (_, code, data): (f64, char, String) = serde_json::from_str(line).unwrap();
                match code {
                    'o' => output.push_str(&data),
                    _ => found.push(data),
                }
            }
            prop_assert_eq!(output, String::from_utf8_lossy(&sent));
            prop_assert_eq!(found, labels);
        }
    }
}
