//! What a pipe process and the daemon tell each other: a page of memory beside
//! the FIFO.
//!
//! # Who holds what
//! The FIFO has a writer, the relay, and a reader, the daemon. As long as one of
//! them has it open, what is in it stays there, whoever else ends. The relay
//! lives as long as tmux keeps the pipe: so a daemon that dies loses nothing of
//! what it had not read yet.
//!
//! ```text
//!   relay                      the page                      daemon
//!   passed  bytes put into the FIFO so far      ──>
//!   held    bytes that wait in its memory       ──>
//!   hole    where in the stream it has begun
//!           to drop, and how many bytes         ──>
//!   times   when the bytes from a place on came ──>
//!   ended   tmux has closed the pipe            ──>
//!                                               <──  reader   a daemon has begun to read
//!                                               <──  let go   nobody wants more
//! ```
//!
//! # Positions
//! Both count the stream's bytes from its start: the relay what it puts in, the
//! daemon what it takes out (`taken`, kept with the recording in `carry`). So
//! the next daemon knows what it reads without a word from the last one: the
//! byte at `taken`. Nothing is acknowledged, hence nothing can be acknowledged
//! twice. What is missing when a relay dies is `passed + held + dropped - taken`.
//!
//! # The end of a reader
//! The FIFO's end without a reader wakes the relay (`POLLERR`). Where the page
//! says "let go" nobody wants more, and it ends. Else the daemon has died: the
//! relay holds what comes until another one raises `reader`.
//!
//! # What is dropped
//! Beyond its bound the relay drops what is *newest*, and from then on all that
//! comes: the cast goes on without a break up to the hole, which is one, and
//! the snapshot behind it shows the screen as it is. Were the oldest dropped,
//! there would be no snapshot for where the rest begins.
//!
//! # Times
//! They are microseconds of the monotonic clock. Those of held output are noted
//! as it comes, at most one for each interval; what went through the FIFO has
//! the time at which it is read, as ever, unless output was held behind it by
//! then: that which was held came later.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::shared_memory::SharedMemory;

/// Another layout is another number.
const FORMAT: u64 = 0x7476_6c65_6400_0001;

const SIZE: usize = 4096;
const WORDS: usize = SIZE / 8;

/// How many times are noted, and where.
const MOST_TIMES: usize = 200;
const TIMES: usize = 64;

/// Shortest interval between two times, in microseconds.
const INTERVAL: u64 = 10_000;

/// From here on bytes have the time at which they are read.
const LIVE: u64 = 0;

#[derive(Clone, Copy)]
#[repr(usize)]
enum Word {
    Format,
    Relay,
    Holding,
    Reader,
    LetGo,
    Passed,
    Held,
    /// One more than where the hole is; 0 without.
    Hole,
    Dropped,
    /// Odd while times are being written.
    Turn,
    Times,
    Ended,
}

/// When the bytes from `position` on came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) position: u64,
    /// Microseconds of the monotonic clock; none where it is the time at which
    /// they are read.
    pub(super) at: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Ledger {
    memory: SharedMemory,
    /// The relay's: what stands in the page, and how far apart.
    times: Vec<Came>,
    interval: u64,
}

/// Where the page of a FIFO is.
pub(super) fn ledger_path(fifo: &Path) -> PathBuf {
    let mut path = fifo.as_os_str().to_owned();
    path.push(".ledger");
    path.into()
}

impl Ledger {
    /// The daemon makes it, before the relay starts.
    pub(super) fn create(fifo: &Path) -> io::Result<Ledger> {
        let ledger = Ledger::of(SharedMemory::create(&ledger_path(fifo), SIZE)?);
        ledger.set(Word::Format, FORMAT);
        Ok(ledger)
    }

    /// Opens that of a FIFO.
    pub(super) fn open(fifo: &Path) -> io::Result<Ledger> {
        let ledger = Ledger::of(SharedMemory::open(&ledger_path(fifo))?);
        if ledger.memory.len() < SIZE || ledger.get(Word::Format) != FORMAT {
            let why = "the pipe process is of another version";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        Ok(ledger)
    }

    fn of(memory: SharedMemory) -> Ledger {
        Ledger {
            memory,
            times: Vec::new(),
            interval: INTERVAL,
        }
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.memory.words(WORDS)[index]
    }

    fn get(&self, word: Word) -> u64 {
        self.word(word as usize).load(Ordering::Acquire)
    }

    fn set(&self, word: Word, value: u64) {
        self.word(word as usize).store(value, Ordering::Release);
    }

    pub(super) fn relay(&self) -> u32 {
        u32::try_from(self.get(Word::Relay)).unwrap_or(0)
    }

    /// Bytes put into the FIFO so far.
    pub(super) fn passed(&self) -> u64 {
        self.get(Word::Passed)
    }

    /// Bytes that wait in the relay's memory.
    pub(super) fn held(&self) -> u64 {
        self.get(Word::Held)
    }

    /// Bytes that it has dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.get(Word::Dropped)
    }

    /// Where in the stream it has begun to drop, if it has.
    pub(super) fn hole(&self) -> Option<u64> {
        self.get(Word::Hole).checked_sub(1)
    }

    /// Whether it waits for a daemon: then it puts nothing into the FIFO.
    pub(super) fn is_holding(&self) -> bool {
        self.get(Word::Holding) != 0
    }

    /// Which daemon reads, counted from the first.
    pub(super) fn reader(&self) -> u64 {
        self.get(Word::Reader)
    }

    pub(super) fn is_let_go(&self) -> bool {
        self.get(Word::LetGo) != 0
    }

    /// Whether the relay has seen the end of its input: tmux has closed the pipe.
    pub(super) fn is_ended(&self) -> bool {
        self.get(Word::Ended) != 0
    }

    /// Whether the relay began and has not seen the end of its input: where it is
    /// gone, tmux has its pipe still.
    pub(super) fn is_cut_off(&self) -> bool {
        self.relay() != 0 && !self.is_ended()
    }

    /// A daemon says that it reads from now on.
    pub(super) fn take_over(&self) {
        self.word(Word::Reader as usize)
            .fetch_add(1, Ordering::AcqRel);
    }

    /// The daemon says that nobody wants more.
    pub(super) fn let_go(&self) {
        self.set(Word::LetGo, 1);
    }

    /// What the relay says of itself.
    pub(super) fn set_relay(&self, pid: u32) {
        self.set(Word::Relay, pid.into());
    }

    pub(super) fn set_ended(&self) {
        self.set(Word::Ended, 1);
    }

    pub(super) fn set_holding(&self, holding: bool) {
        self.set(Word::Holding, holding.into());
    }

    pub(super) fn add_passed(&self, bytes: usize) {
        // Nobody else writes it.
        self.set(Word::Passed, self.passed() + bytes as u64);
    }

    pub(super) fn set_held(&self, bytes: usize) {
        self.set(Word::Held, bytes as u64);
    }

    /// The relay has dropped output that would have stood at `position`.
    pub(super) fn drop_at(&self, position: u64, bytes: usize) {
        self.set(Word::Dropped, self.dropped() + bytes as u64);
        if self.hole().is_none() {
            self.set(Word::Hole, position + 1);
        }
    }

    /// Notes that the bytes from `position` on have come at `at`; those before
    /// `read` are out of the FIFO.
    pub(super) fn note(&mut self, position: u64, at: Option<u64>, read: u64) {
        if let (Some(at), Some(Came { at: Some(last), .. })) = (at, self.times.last())
            && at < last + self.interval
        {
            return;
        }
        let is_past = |next: &Came| next.position <= read;
        let past = self.times.iter().skip(1).take_while(|next| is_past(next));
        let past = past.count();
        self.times.drain(..past);
        if self.times.len() == MOST_TIMES {
            // Coarser from here on, back to the start.
            let mut number = 0;
            self.times.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.interval = self.interval.saturating_mul(2);
        }
        self.times.push(Came { position, at });
        self.publish_times();
    }

    /// Forgets the times of what is read by now.
    pub(super) fn forget_times(&mut self) {
        if !self.times.is_empty() {
            self.times.clear();
            self.interval = INTERVAL;
            self.publish_times();
        }
    }

    fn publish_times(&self) {
        let turn = self.get(Word::Turn);
        self.set(Word::Turn, turn + 1);
        fence(Ordering::SeqCst);
        for (index, came) in self.times.iter().enumerate() {
            let at = TIMES + 2 * index;
            self.word(at).store(came.position, Ordering::Relaxed);
            let time = came.at.unwrap_or(LIVE);
            self.word(at + 1).store(time, Ordering::Relaxed);
        }
        self.set(Word::Times, self.times.len() as u64);
        self.set(Word::Turn, turn + 2);
    }

    /// Another number when other times are noted.
    pub(super) fn turn(&self) -> u64 {
        self.get(Word::Turn)
    }

    /// The times that are noted.
    pub(super) fn times(&self) -> Vec<Came> {
        // The relay may be writing, or have been killed as it was.
        for _ in 0..100 {
            let turn = self.get(Word::Turn);
            let count = (self.get(Word::Times) as usize).min(MOST_TIMES);
            let came = |index: usize| {
                let at = TIMES + 2 * index;
                let time = self.word(at + 1).load(Ordering::Relaxed);
                Came {
                    position: self.word(at).load(Ordering::Relaxed),
                    at: (time != LIVE).then_some(time),
                }
            };
            let times: Vec<Came> = (0..count).map(came).collect();
            fence(Ordering::SeqCst);
            if turn.is_multiple_of(2) && self.get(Word::Turn) == turn {
                return times;
            }
            std::thread::yield_now();
        }
        Vec::new()
    }
}

/// Hands over the parts of `bytes`, which begin at `position` of the stream,
/// each with the time at which it came, as far as that is noted.
pub(super) fn split_by_times<'a>(
    times: &[Came],
    mut position: u64,
    mut bytes: &'a [u8],
    mut part: impl FnMut(&'a [u8], Option<u64>),
) {
    while !bytes.is_empty() {
        let next = times.iter().position(|came| came.position > position);
        let present = match next {
            // What was in the FIFO by then came before.
            Some(0) => times.first(),
            Some(next) => times.get(next - 1),
            None => times.last(),
        };
        let room = next.map_or(u64::MAX, |next| times[next].position - position);
        let length = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let (now, rest) = bytes.split_at(length);
        let came = present.and_then(|came| came.at);
        let held_behind = || times[next?..].iter().find_map(|came| came.at);
        part(now, came.or_else(held_behind));
        bytes = rest;
        position += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_sees_what_the_relay_says() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let daemon = Ledger::create(&fifo).unwrap();
        let mut relay = Ledger::open(&fifo).unwrap();
        relay.set_relay(7);
        relay.add_passed(100);
        relay.set_held(50);
        relay.drop_at(150, 3);
        relay.drop_at(150, 4);
        assert_eq!(
            (daemon.relay(), daemon.passed(), daemon.held()),
            (7, 100, 50)
        );
        assert_eq!((daemon.hole(), daemon.dropped()), (Some(150), 7));
        daemon.take_over();
        daemon.let_go();
        assert_eq!((relay.reader(), relay.is_let_go()), (1, true));
        relay.note(100, Some(5_000_000), 0);
        relay.note(120, Some(5_000_001), 0);
        relay.note(130, Some(5_010_000), 0);
        relay.note(150, None, 120);
        let times = daemon.times();
        assert_eq!(times.len(), 3, "not at each byte: {times:?}");
        assert_eq!(
            times[2],
            Came {
                position: 150,
                at: None
            }
        );
        relay.forget_times();
        assert_eq!(daemon.times(), []);
    }

    #[test]
    fn times_of_a_long_wait_become_coarser() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let daemon = Ledger::create(&fifo).unwrap();
        let mut relay = Ledger::open(&fifo).unwrap();
        for second in 1..100_000 {
            relay.note(second, Some(second * 1_000_000), 0);
        }
        let times = daemon.times();
        assert!(times.len() > MOST_TIMES / 4 && times.len() <= MOST_TIMES);
        assert!(times.is_sorted_by_key(|came| came.position));
        assert_eq!(times[0].position, 1);
        assert!(times.last().unwrap().position > 90_000);
        // Those of what is read are of no use any more.
        relay.note(100_000, None, 99_000);
        let times = daemon.times();
        assert!(times.len() <= 3 && times[0].position > 90_000, "{times:?}");
    }

    #[test]
    fn bytes_have_the_times_at_which_they_came() {
        let at = |position, at| Came { position, at };
        let times = [at(10, Some(1000)), at(20, Some(2000)), at(30, None)];
        let mut parts = Vec::new();
        split_by_times(&times, 5, &[0; 40], |bytes, at| {
            parts.push((bytes.len(), at))
        });
        assert_eq!(
            parts,
            [
                (5, Some(1000)),
                (10, Some(1000)),
                (10, Some(2000)),
                (15, None)
            ]
        );
        // What the daemon did not come to read before it died is no later than what
        // was held from then on.
        let times = [at(10, None), at(20, Some(2000)), at(30, None)];
        parts.clear();
        split_by_times(&times, 15, &[0; 20], |bytes, at| {
            parts.push((bytes.len(), at))
        });
        assert_eq!(parts, [(5, Some(2000)), (10, Some(2000)), (5, None)]);
        parts.clear();
        split_by_times(&[], 5, &[0; 40], |bytes, at| parts.push((bytes.len(), at)));
        assert_eq!(parts, [(40, None)]);
    }
}
