//! The recorder: a state machine that turns what happens in a pane into lines.
//!
//! No I/O and no clock: bytes and times come in, lines wait to be taken. Times
//! never go backwards, whatever the caller's clock does. What the memory bound
//! does not let in is counted as lost.
//!
//! Where it keeps its state ([`super::carry`]), each call ends with a commit:
//! another process can go on with what it has done up to there.

use super::carry::{Carry, Commit, Kept, Span, StreamRecord};
use super::lines::Lines;
use super::pages::PagedLines;
use super::read_buffer::ReadBuffer;
use crate::cast::{Code, Header, InvalidBytes, Micros};

/// Longest label of a marker, in bytes; longer ones are cut.
const LONGEST_LABEL: usize = 1024;

/// What a recorder has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events in the file and on their way there.
    pub events: u64,
    /// Bytes in the file and on their way there.
    pub bytes: u64,
    /// Time of the last event.
    pub duration: Micros,
    /// How often something is missing.
    pub gaps: u64,
    /// Bytes of output that are known to be missing.
    pub lost_bytes: u64,
}

/// Turns output, resizes, markers and snapshots into lines of a cast.
#[derive(Debug)]
pub struct Recorder {
    lines: PagedLines,
    /// Bytes taken and not yet in the file.
    in_flight: usize,
    /// Most bytes that may wait in memory.
    bound: usize,
    size: (u16, u16),
    stats: Stats,
    invalid: InvalidBytes,
    /// Whether output has been dropped since the last gap marker.
    overflowed: bool,
    /// How many bytes may still be the end of a character that began before
    /// the stream did.
    continuation: u8,
    /// Whether some of them have come.
    is_cut: bool,
    /// Whether one was shown as U+FFFD, until that is asked for.
    has_cut: bool,
    /// Lines that were taken last, in whole.
    batch: Span,
    carry: Option<Carry>,
}

impl Recorder {
    /// A recorder at the start of a file. At most `bound` bytes of output wait
    /// in memory.
    #[must_use]
    pub fn new(header: &Header, bound: usize) -> Recorder {
        let mut recorder = Recorder::resume(0, 0, (header.width, header.height), 0, bound);
        recorder.lines.header(header);
        recorder.stats.bytes = recorder.lines.position();
        recorder
    }

    /// A recorder that goes on at `offset` bytes of a file with
    /// `events` events, whose last one is at `last` and left a terminal of `size`
    /// (columns, rows).
    #[must_use]
    pub fn resume(
        offset: u64,
        last: Micros,
        size: (u16, u16),
        events: u64,
        bound: usize,
    ) -> Recorder {
        Recorder {
            lines: PagedLines::at(offset),
            in_flight: 0,
            bound,
            size,
            stats: Stats {
                bytes: offset,
                duration: last,
                events,
                ..Stats::default()
            },
            invalid: InvalidBytes::default(),
            overflowed: false,
            continuation: 0,
            is_cut: false,
            has_cut: false,
            batch: Span::default(),
            carry: None,
        }
    }

    /// From now on at most `bound` bytes of output wait in memory.
    pub fn set_bound(&mut self, bound: usize) {
        self.bound = bound;
    }

    /// Goes on where another process has stopped, its lines being in the cast up
    /// to `length`; keeps its state in the same place.
    pub fn go_on(kept: Kept, length: u64, bound: usize) -> (Recorder, Lines, ReadBuffer) {
        let Kept { carry, lines, read } = kept;
        let [lines, spare] = lines;
        let commit = *carry.commit();
        let mut recorder = Recorder::resume(length, commit.last, commit.size, commit.events, bound)
            .with_losses(commit.gaps, commit.lost);
        recorder = recorder.with_invalid_bytes(commit.invalid);
        recorder.lines.use_buffer(lines);
        let pending = usize::from(commit.pending_length);
        recorder.lines.set_partial(&commit.pending[..pending]);
        recorder.continuation = commit.continuation;
        recorder.is_cut = commit.is_cut;
        recorder.overflowed = commit.overflowed;
        recorder.carry = Some(carry);
        (recorder, spare, read)
    }

    /// Keeps lines and state where a kill does not take them, from now on. The
    /// cast is the file of this device and inode; `origin` is what the monotonic
    /// clock has at time 0 of the cast, in microseconds. Gives the next
    /// buffer, and the one that streams are read into.
    pub fn keep(&mut self, kept: Kept, file: (u64, u64), origin: i64) -> (Lines, ReadBuffer) {
        let Kept { carry, lines, read } = kept;
        let [lines, spare] = lines;
        self.lines.use_buffer(lines);
        self.carry = Some(carry);
        self.set_file(file, origin);
        (spare, read)
    }

    /// The lines that wait belong into the file of this device and inode, which
    /// has time 0 at `origin` of the monotonic clock, in microseconds.
    pub fn set_file(&mut self, file: (u64, u64), origin: i64) {
        self.commit_with(0, |commit| {
            commit.file = file;
            commit.origin = origin;
        });
    }

    /// Another stream is recorded from now on.
    pub fn begin_stream(&mut self, record: &StreamRecord, is_alternate: bool) {
        if let Some(carry) = &mut self.carry {
            carry.begin_stream(record, is_alternate);
        }
    }

    /// The stream has left the alternate screen.
    pub fn left_alternate(&mut self) {
        if let Some(carry) = &mut self.carry {
            carry.update(|commit| commit.is_alternate = false);
        }
    }

    /// The recording is over: nothing is kept for anybody.
    pub fn forget_kept(&mut self) {
        if let Some(carry) = self.carry.take() {
            carry.remove();
        }
    }

    /// Says how far it has come, having taken `taken` bytes more.
    fn commit(&mut self, taken: usize) {
        self.commit_with(taken, |_| ());
    }

    /// The same, with something else that changes at the same moment.
    fn commit_with(&mut self, taken: usize, change: impl FnOnce(&mut Commit)) {
        let Some(carry) = &mut self.carry else { return };
        let waiting = Span {
            buffer: self.lines.number(),
            offset: self.lines.offset(),
            length: self.lines.len() as u64,
        };
        let mut pending = [0; 3];
        let partial = self.lines.partial();
        pending[..partial.len()].copy_from_slice(partial);
        let (batch, stats, size) = (self.batch, self.stats, self.size);
        let invalid = self.invalid;
        let pending_length = partial.len() as u8;
        let (continuation, is_cut, overflowed) = (self.continuation, self.is_cut, self.overflowed);
        carry.update(|commit| {
            *commit = Commit {
                taken: commit.taken + taken as u64,
                waiting,
                in_flight: batch,
                last: stats.duration,
                size,
                events: stats.events,
                gaps: stats.gaps,
                lost: stats.lost_bytes,
                pending,
                pending_length,
                continuation,
                is_cut,
                overflowed,
                invalid,
                ..*commit
            };
            change(commit);
        });
    }

    /// The same with what is known to be missing already.
    #[must_use]
    pub fn with_losses(mut self, gaps: u64, bytes: u64) -> Recorder {
        self.stats.gaps = gaps;
        self.stats.lost_bytes = bytes;
        self
    }

    /// The same with another rule for bytes that are no UTF-8.
    #[must_use]
    pub fn with_invalid_bytes(mut self, invalid: InvalidBytes) -> Recorder {
        self.invalid = invalid;
        self.lines.set_invalid(invalid);
        self
    }

    /// Starts over in a new file, from time 0. The old file is lost, and
    /// counted, as is what waited in memory. Output is dropped until the gap is
    /// marked: a snapshot comes first.
    pub fn restart(&mut self, header: &Header) {
        let before = self.stats;
        let (carry, mut buffer) = (self.carry.take(), self.lines.take(Lines::default()));
        buffer.clear();
        *self = Recorder::new(header, self.bound)
            .with_invalid_bytes(self.invalid)
            .with_losses(before.gaps, before.lost_bytes + before.bytes);
        self.overflowed = true;
        self.lines.use_buffer(buffer);
        self.carry = carry;
        // There is no file for them yet.
        self.set_file((0, 0), 0);
    }

    /// Goes on in another file of this device and inode, of which `length` bytes and
    /// `events` are there; it has time 0 at `origin`, as for [`Recorder::set_file`].
    /// All lines must be written. What follows continues what came before.
    pub fn go_on_in(&mut self, file: (u64, u64), length: u64, events: u64, origin: i64) {
        self.lines.move_to(length);
        self.stats = Stats {
            bytes: length,
            events,
            duration: 0,
            ..self.stats
        };
        self.batch = Span::default();
        self.set_file(file, origin);
    }

    /// The pane printed `bytes`. Returns whether they were taken: at the memory
    /// bound they are dropped and counted.
    pub fn output(&mut self, time: Micros, mut bytes: &[u8]) -> bool {
        let taken = bytes.len();
        let cut = self.cut_character(&mut bytes);
        self.has_cut |= cut;
        let fits = !self.overflowed && self.fits(time, cut, bytes);
        if !fits {
            self.overflowed = true;
            self.stats.lost_bytes += bytes.len() as u64;
        }
        self.stats.bytes = self.lines.position();
        self.commit(taken);
        fits
    }

    /// Appends output, and takes it back where that is more than may wait.
    fn fits(&mut self, time: Micros, cut: bool, bytes: &[u8]) -> bool {
        let before = self.lines.len();
        let time = time.max(self.stats.duration);
        let mut events = 0;
        if cut {
            // It had a column of its own, and most are one column wide.
            events += self.lines.output(time, "\u{FFFD}".as_bytes());
        }
        events += self.lines.output(time, bytes);
        if self.in_memory() > self.bound {
            self.lines.truncate(before);
            return false;
        }
        self.stats.events += events;
        self.stats.duration = time;
        true
    }

    /// Takes from the start of a stream the rest of a character that began
    /// before it. Returns whether that is complete now and there was one.
    fn cut_character(&mut self, bytes: &mut &[u8]) -> bool {
        while self.continuation > 0 {
            match bytes.first() {
                None => return false,
                // 10xxxxxx: never the start of a character.
                Some(byte) if byte & 0xc0 == 0x80 => {
                    *bytes = &bytes[1..];
                    self.continuation -= 1;
                    self.is_cut = true;
                }
                Some(_) => self.continuation = 0,
            }
        }
        std::mem::take(&mut self.is_cut)
    }

    /// The terminal has a new size.
    pub fn resize(&mut self, time: Micros, columns: u16, rows: u16) {
        // In a gap it waits for the snapshot: what cannot be written must not
        // gather.
        if self.size == (columns, rows) || self.overflowed {
            return;
        }
        self.size = (columns, rows);
        self.event(time, Code::Resize, &format!("{columns}x{rows}"));
    }

    /// The user marks this moment.
    pub fn marker(&mut self, time: Micros, label: &str) {
        let end = label.floor_char_boundary(LONGEST_LABEL);
        self.event(time, Code::Marker, &label[..end]);
    }

    /// An event that shows nothing: some readers refuse a cast without events.
    pub fn blank(&mut self, time: Micros) {
        self.event(time, Code::Output, "");
    }

    /// The user typed this.
    pub fn input(&mut self, time: Micros, text: &str) {
        if self.has_room() {
            self.event(time, Code::Input, text);
        }
    }

    /// `bytes` of output are missing that never came here.
    pub fn count_lost(&mut self, bytes: u64) {
        if bytes > 0 {
            self.stats.lost_bytes += bytes;
            self.commit(0);
        }
    }

    /// Something is missing from here on, or was until here: a marker that
    /// says what.
    pub fn gap(&mut self, time: Micros, what: &str) {
        self.stats.gaps += 1;
        self.overflowed = false;
        self.marker(time, what);
    }

    /// The end is missing: `bytes` that the file does not take, not even a
    /// marker.
    pub fn count_unwritten(&mut self, bytes: u64) {
        self.stats.lost_bytes += bytes;
        self.stats.gaps += u64::from(bytes > 0);
    }

    /// The screen as a whole: bytes that paint it, and its size. What follows
    /// as output continues from there.
    pub fn snapshot(&mut self, time: Micros, columns: u16, rows: u16, painted: &[u8]) {
        self.lines.drop_partial();
        self.resize(time, columns, rows);
        let time = self.advance(time);
        self.stats.events += self.lines.output(time, painted);
        self.stats.events += self.lines.flush(time);
        self.continuation = 3;
        self.is_cut = false;
        self.count();
    }

    /// The same in the middle of a stream: what follows continues what came
    /// before, and so does a character that is cut between the two.
    pub fn snapshot_within(&mut self, time: Micros, columns: u16, rows: u16, painted: &[u8]) {
        let partial = self.lines.take_partial();
        self.snapshot(time, columns, rows, painted);
        self.lines.restore_partial(partial);
        self.continuation = 0;
    }

    /// Whether a stream began within a character, which is shown as U+FFFD, since
    /// this was asked last.
    pub fn take_cut(&mut self) -> bool {
        std::mem::take(&mut self.has_cut)
    }

    /// The recording ends: what waits for the rest of its character is written
    /// as it is.
    pub fn finish(&mut self) {
        self.stats.events += self.lines.flush(self.stats.duration);
        self.count();
    }

    fn event(&mut self, time: Micros, code: Code, data: &str) {
        let time = self.advance(time);
        self.lines.event(time, code, data);
        self.stats.events += 1;
        self.count();
    }

    fn advance(&mut self, time: Micros) -> Micros {
        self.stats.duration = self.stats.duration.max(time);
        self.stats.duration
    }

    fn count(&mut self) {
        self.stats.bytes = self.lines.position();
        self.commit(0);
    }

    /// Whether output has been dropped since the last gap marker.
    #[must_use]
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// How many bytes wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// Whether a marker may still be taken: what cannot be written must not
    /// gather.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.in_memory() < self.bound
    }

    /// How many bytes wait in memory, taken ones that are not in the file yet
    /// included.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.lines.len() + self.in_flight
    }

    /// The terminal's size: columns, rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// What has been done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Takes the waiting lines; `spare` becomes the next buffer. They count as
    /// in memory until [`Recorder::written`].
    #[must_use]
    pub fn take(&mut self, spare: Lines) -> Lines {
        let offset = self.lines.offset();
        let lines = self.lines.take(spare);
        self.in_flight += lines.len();
        self.batch = Span {
            buffer: lines.number(),
            offset,
            length: lines.len() as u64,
        };
        self.commit(0);
        lines
    }

    /// The same with a copy of the lines, for a file that is made with them.
    #[must_use]
    pub fn take_copy(&mut self) -> Vec<u8> {
        let lines = self.lines.take_copy();
        self.in_flight += lines.len();
        self.commit(0);
        lines
    }

    /// Gives back the memory that nothing waits in.
    pub fn shrink(&mut self) {
        self.lines.shrink();
    }

    /// `bytes` of what was taken are in the file.
    pub fn written(&mut self, bytes: usize) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder(bound: usize) -> Recorder {
        let header = Header {
            width: 80,
            height: 24,
            ..Header::default()
        };
        Recorder::new(&header, bound)
    }

    fn lines(recorder: &mut Recorder) -> Vec<String> {
        let taken = recorder.take_copy();
        let text = String::from_utf8(taken).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn times_never_go_backwards() {
        let mut recorder = recorder(1 << 20);
        recorder.output(5_000_000, b"a");
        recorder.output(4_000_000, b"b");
        recorder.marker(3_000_000, "m");
        let lines = lines(&mut recorder);
        assert_eq!(lines[1], "[5.000000, \"o\", \"a\"]");
        assert_eq!(lines[2], "[5.000000, \"o\", \"b\"]");
        assert_eq!(lines[3], "[5.000000, \"m\", \"m\"]");
        assert_eq!(recorder.stats().duration, 5_000_000);
        assert_eq!(recorder.stats().events, 3);
    }

    #[test]
    fn a_snapshot_starts_the_stream_again() {
        let mut recorder = recorder(1 << 20);
        recorder.output(1, b"old\xe2\x82");
        recorder.snapshot(2, 100, 30, b"\x1bcnew");
        // The last byte of a character that began before the snapshot.
        recorder.output(3, b"\xacx\x80");
        recorder.output(4, b"y");
        let lines = lines(&mut recorder);
        assert_eq!(lines[1], "[0.000001, \"o\", \"old\"]");
        assert_eq!(lines[2], "[0.000002, \"r\", \"100x30\"]");
        assert_eq!(lines[3], "[0.000002, \"o\", \"\\u001bcnew\"]");
        assert_eq!(lines[4], "[0.000003, \"o\", \"\u{FFFD}\"]");
        assert_eq!(lines[5], "[0.000003, \"o\", \"x\u{FFFD}\"]");
        assert_eq!(lines[6], "[0.000004, \"o\", \"y\"]");
    }

    #[test]
    fn a_snapshot_within_a_character_leaves_it_whole() {
        let mut recorder = recorder(1 << 20);
        recorder.output(1, b"a\xe4\xb8");
        recorder.snapshot_within(2, 100, 30, b"\x1bca");
        recorder.output(3, b"\xadb");
        assert!(!recorder.take_cut());
        let lines = lines(&mut recorder);
        assert_eq!(lines[1], "[0.000001, \"o\", \"a\"]");
        assert_eq!(lines[2], "[0.000002, \"r\", \"100x30\"]");
        assert_eq!(lines[3], "[0.000002, \"o\", \"\\u001bca\"]");
        assert_eq!(lines[4], "[0.000003, \"o\", \"\u{4e2d}b\"]");
        recorder.snapshot(4, 100, 30, b"\x1bc");
        recorder.output(5, b"\xadb");
        assert!(recorder.take_cut() && !recorder.take_cut());
    }

    #[test]
    fn beyond_the_bound_output_is_counted() {
        let mut recorder = recorder(1000);
        assert!(recorder.output(1, &[b'a'; 800]));
        assert!(!recorder.output(2, &[b'b'; 500]));
        assert!(recorder.in_memory() <= 1000);
        let taken = recorder.take_copy();
        assert!(!recorder.output(3, b"c"));
        recorder.written(taken.len());
        // Nothing is taken before the gap is marked: the stream is broken.
        assert!(!recorder.output(4, b"d"));
        assert_eq!(recorder.stats().lost_bytes, 502);
        recorder.gap(5, "gap");
        assert!(recorder.output(6, b"e"));
        assert_eq!(recorder.stats().gaps, 1);
        assert_eq!(
            lines(&mut recorder),
            ["[0.000005, \"m\", \"gap\"]", "[0.000006, \"o\", \"e\"]"]
        );
    }

    #[test]
    fn an_unfinished_character_is_kept_at_the_end() {
        let mut recorder = recorder(1 << 20);
        recorder.output(1, b"\xf0\x9f");
        recorder.finish();
        assert_eq!(lines(&mut recorder)[1], "[0.000001, \"o\", \"\u{FFFD}\"]");
    }
}
