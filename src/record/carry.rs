//! What one daemon leaves to the next, where a kill does not take it.
//!
//! A recording has three files in a folder on a file system that is memory:
//!
//! ```text
//! NAME.state   what the lines in the two buffers are, how far the recorder
//!              has come, and which stream it reads
//! NAME.0, .1   lines that wait for the cast, and those on their way into it
//! NAME.read    bytes that are being encoded
//! ```
//!
//! Lines are encoded straight into a buffer ([`super::lines`]), and bytes are
//! read straight into the read buffer: nothing is copied for this.
//!
//! # Why nothing is doubled
//! A line has its place in the cast from the moment that it is encoded. The next
//! daemon writes both buffers where they belong, whether the last one had done
//! so or not.
//!
//! # Commits
//! All that changes at one moment is written into one of two slots, and a word
//! says which one holds. A kill leaves the one or the other.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::lines::Lines;
use super::read_buffer::ReadBuffer;
use super::shared_memory::SharedMemory;
use crate::cast::{InvalidBytes, Micros};

/// Another layout is another number; another boot of the machine another clock.
const FORMAT: u64 = 0x7476_6d75_7863_0001;

/// The state is a page: words, then what is known of two streams.
const SIZE: usize = 4096;
const WORDS: usize = 128;
const SLOTS: [usize; 2] = [16, 64];
const STREAMS: [usize; 2] = [1024, 2560];
const STREAM_BYTES: usize = 1536;

#[derive(Clone, Copy)]
#[repr(usize)]
enum Word {
    Format,
    Boot,
    BootToo,
    Slot,
}

/// Lines in a kept buffer, and where in the cast they belong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    /// None where they are in no kept buffer: then a kill loses them.
    pub(super) buffer: Option<usize>,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// How far a recording has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Commit {
    /// Bytes of the stream that are encoded, or counted as lost.
    pub(super) taken: u64,
    /// Which stream; 0 for none.
    pub(super) stream: u64,
    /// Device and inode of the cast; 0 where the lines belong to none yet.
    pub(super) file: (u64, u64),
    pub(super) waiting: Span,
    pub(super) in_flight: Span,
    pub(super) last: Micros,
    pub(super) size: (u16, u16),
    pub(super) events: u64,
    pub(super) gaps: u64,
    pub(super) lost: u64,
    /// The beginning of a character that waits for its end.
    pub(super) pending: [u8; 3],
    pub(super) pending_length: u8,
    pub(super) continuation: u8,
    pub(super) is_cut: bool,
    pub(super) overflowed: bool,
    pub(super) invalid: InvalidBytes,
    /// The monotonic clock's microseconds at time 0 of the cast; may be before
    /// the machine's start.
    pub(super) origin: i64,
    /// Whether the stream began on the alternate screen and is there still.
    pub(super) is_alternate: bool,
}

const COMMIT_WORDS: usize = 17;

impl Commit {
    fn to_words(self) -> [u64; COMMIT_WORDS] {
        let span = |span: Span| {
            let buffer = span.buffer.map_or(0, |number| number as u64 + 1);
            [buffer, span.offset, span.length]
        };
        let [a, b, c] = span(self.waiting);
        let [d, e, f] = span(self.in_flight);
        let [x, y, z] = self.pending;
        let flags = u64::from(self.is_cut)
            | u64::from(self.overflowed) << 1
            | u64::from(self.is_alternate) << 2
            | match self.invalid {
                InvalidBytes::Unicode => 0,
                InvalidBytes::Tmux { shown } => 1 << 3 | u64::from(shown) << 4,
            };
        let small = [
            x,
            y,
            z,
            self.pending_length,
            self.continuation,
            flags as u8,
            0,
            0,
        ];
        let (columns, rows) = self.size;
        [
            self.taken,
            self.stream,
            self.file.0,
            self.file.1,
            a,
            b,
            c,
            d,
            e,
            f,
            self.last,
            u64::from(columns) << 16 | u64::from(rows),
            self.events,
            self.gaps,
            self.lost,
            u64::from_le_bytes(small),
            self.origin as u64,
        ]
    }

    fn from_words(words: [u64; COMMIT_WORDS]) -> Commit {
        let span = |at: usize| Span {
            buffer: words[at].checked_sub(1).map(|number| number as usize & 1),
            offset: words[at + 1],
            length: words[at + 2],
        };
        let small = words[15].to_le_bytes();
        Commit {
            taken: words[0],
            stream: words[1],
            file: (words[2], words[3]),
            waiting: span(4),
            in_flight: span(7),
            last: words[10],
            size: ((words[11] >> 16) as u16, words[11] as u16),
            events: words[12],
            gaps: words[13],
            lost: words[14],
            pending: [small[0], small[1], small[2]],
            pending_length: small[3].min(3),
            continuation: small[4],
            is_cut: small[5] & 1 != 0,
            overflowed: small[5] & 2 != 0,
            is_alternate: small[5] & 4 != 0,
            invalid: match small[5] & 8 {
                0 => InvalidBytes::Unicode,
                _ => InvalidBytes::Tmux {
                    shown: small[5] & 16 != 0,
                },
            },
            origin: words[16] as i64,
        }
    }
}

/// What a later daemon needs to know of the stream that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    pub fifo: PathBuf,
    pub pane: u32,
    /// The process that tmux started in it, as the snapshot found it.
    pub pid: u32,
    /// Columns and rows, as the snapshot found them.
    pub size: (u16, u16),
    /// The FIFO for sizes and keys, of a command that runs without tmux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<PathBuf>,
}

/// All that is kept of a recording.
#[derive(Debug)]
pub struct Kept {
    pub(super) carry: Carry,
    pub(super) lines: [Lines; 2],
    /// What its streams are read into.
    pub read: ReadBuffer,
}

/// A recording's kept state.
#[derive(Debug)]
pub struct Carry {
    state: SharedMemory,
    base: PathBuf,
    commit: Commit,
}

fn file_path(base: &Path, end: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// What tells one run of the machine from the next.
fn boot_id() -> [u64; 2] {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let half = |part: Option<&str>| {
        let number = part.and_then(|part| u64::from_str_radix(part, 16).ok());
        number.unwrap_or(0)
    };
    [half(digits.get(..16)), half(digits.get(16..32))]
}

impl Carry {
    /// Makes the files of a recording, `base` being the beginning of their
    /// names.
    ///
    /// # Errors
    /// When they cannot be made, or there is no room for them.
    pub fn create(base: &Path) -> io::Result<Kept> {
        let make = || {
            let state = SharedMemory::create(&file_path(base, ".state"), SIZE)?;
            let carry = Carry {
                state,
                base: base.to_owned(),
                commit: Commit::default(),
            };
            let lines = carry.make_lines()?;
            let read = ReadBuffer::create(&file_path(base, ".read"))?;
            let [boot, boot_too] = boot_id();
            carry.store(Word::Boot, boot);
            carry.store(Word::BootToo, boot_too);
            carry.store(Word::Format, FORMAT);
            Ok(Kept { carry, lines, read })
        };
        make().inspect_err(|_| remove_files(base))
    }

    fn make_lines(&self) -> io::Result<[Lines; 2]> {
        Ok([
            Lines::kept(&file_path(&self.base, ".0"), 0)?,
            Lines::kept(&file_path(&self.base, ".1"), 1)?,
        ])
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.state.words(WORDS)[index]
    }

    fn store(&self, word: Word, value: u64) {
        self.word(word as usize).store(value, Ordering::Release);
    }

    fn load(&self, word: Word) -> u64 {
        self.word(word as usize).load(Ordering::Acquire)
    }

    /// Device and inode of the cast that its lines belong to.
    #[must_use]
    pub fn file(&self) -> (u64, u64) {
        self.commit.file
    }

    /// Bytes and events of that cast, all lines included.
    #[must_use]
    pub fn written(&self) -> (u64, u64) {
        let Commit {
            waiting, events, ..
        } = self.commit;
        (waiting.offset + waiting.length, events)
    }

    pub(super) fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Writes what `change` makes of the last commit. A kill at any moment
    /// leaves the old one or the new one.
    pub(super) fn update(&mut self, change: impl FnOnce(&mut Commit)) {
        change(&mut self.commit);
        let next = 1 - (self.load(Word::Slot) as usize & 1);
        let first = SLOTS[next];
        for (index, word) in self.commit.to_words().into_iter().enumerate() {
            self.word(first + index).store(word, Ordering::Relaxed);
        }
        self.store(Word::Slot, next as u64);
    }

    /// Another stream is read from now on.
    pub(super) fn begin_stream(&mut self, record: &StreamRecord, is_alternate: bool) {
        let next = self.commit.stream + 1;
        let place = STREAMS[next as usize & 1];
        let text = serde_json::to_vec(record).unwrap_or_default();
        let fits = text.len() + 8 <= STREAM_BYTES;
        if fits {
            let bytes = self.state.bytes_mut();
            bytes[place..place + 8].copy_from_slice(&(text.len() as u64).to_le_bytes());
            bytes[place + 8..place + 8 + text.len()].copy_from_slice(&text);
        } else {
            // No path is that long: the next daemon starts with a snapshot.
            self.state.bytes_mut()[place..place + 8].fill(0);
        }
        self.update(|commit| {
            commit.stream = next;
            commit.taken = 0;
            commit.is_alternate = is_alternate;
        });
    }

    /// The stream that is read.
    #[must_use]
    pub fn stream(&self) -> Option<StreamRecord> {
        if self.commit.stream == 0 {
            return None;
        }
        let place = STREAMS[self.commit.stream as usize & 1];
        let bytes = &self.state.bytes()[place..place + STREAM_BYTES];
        let length = u64::from_le_bytes(bytes[..8].try_into().ok()?) as usize;
        serde_json::from_slice(bytes[8..].get(..length)?).ok()
    }

    /// The recording is over: nothing is left to anybody.
    pub fn remove(self) {
        remove_files(&self.base);
    }

    /// What a daemon that is gone has left.
    ///
    /// # Errors
    /// When it has left nothing, or what cannot be used: of another version, or
    /// from before the machine was started.
    pub fn find(base: &Path) -> io::Result<Carry> {
        let state = SharedMemory::open(&file_path(base, ".state"))?;
        let mut carry = Carry {
            state,
            base: base.to_owned(),
            commit: Commit::default(),
        };
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        if carry.state.len() < SIZE || carry.load(Word::Format) != FORMAT {
            return refuse("what was kept is of another version");
        }
        if [carry.load(Word::Boot), carry.load(Word::BootToo)] != boot_id() {
            return refuse("what was kept is from before the machine was started");
        }
        let first = SLOTS[carry.load(Word::Slot) as usize & 1];
        let words = std::array::from_fn(|index| carry.word(first + index).load(Ordering::Relaxed));
        carry.commit = Commit::from_words(words);
        Ok(carry)
    }

    /// Bytes of the stream that are encoded, or counted as lost.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.commit.taken
    }

    /// Whether the stream began on the alternate screen and is there still.
    #[must_use]
    pub fn is_alternate(&self) -> bool {
        self.commit.is_alternate
    }

    /// Writes the lines that are kept to where they belong in the cast; returns
    /// how long it is then.
    ///
    /// # Errors
    /// When the cast is another file, or something before them is missing.
    pub fn write_lines(&self, cast: &fs::File, id: (u64, u64)) -> io::Result<u64> {
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why.to_owned()));
        let Commit {
            file,
            waiting,
            in_flight,
            ..
        } = self.commit;
        if file != id {
            return refuse("the cast is another file");
        }
        let first = match in_flight.length {
            0 => waiting,
            _ => in_flight,
        };
        if cast.metadata()?.len() < first.offset {
            return refuse("the cast is shorter than it was");
        }
        for span in [in_flight, waiting] {
            if span.length == 0 {
                continue;
            }
            let Some(number) = span.buffer else {
                return refuse("there was no room to keep its last lines");
            };
            let path = file_path(&self.base, &format!(".{number}"));
            let memory = SharedMemory::open(&path)?;
            let Some(lines) = memory.bytes().get(..span.length as usize) else {
                return refuse("a buffer is shorter than its lines");
            };
            cast.write_all_at(lines, span.offset)?;
        }
        let end = waiting.offset + waiting.length;
        cast.set_len(end)?;
        Ok(end)
    }

    /// Goes on with the state of a daemon that is gone: its lines are in the
    /// cast, which is `length` bytes long.
    ///
    /// # Errors
    /// When the buffers cannot be made again.
    pub fn take_over(mut self, length: u64) -> io::Result<Kept> {
        // First that nothing is in the buffers, then that they are emptied.
        self.update(|commit| {
            commit.in_flight = Span::default();
            commit.waiting = Span {
                buffer: Some(0),
                offset: length,
                length: 0,
            };
        });
        let lines = self.make_lines()?;
        let read = ReadBuffer::open(&file_path(&self.base, ".read"))?;
        Ok(Kept {
            carry: self,
            lines,
            read,
        })
    }

    /// Time of the last event.
    #[must_use]
    pub fn last(&self) -> Micros {
        self.commit.last
    }

    /// The monotonic clock's microseconds at time 0 of the cast.
    #[must_use]
    pub fn origin(&self) -> i64 {
        self.commit.origin
    }
}

/// Removes the files of a recording, as far as they are there.
pub fn remove_files(base: &Path) {
    for end in [".state", ".0", ".1", ".read"] {
        let _ = fs::remove_file(file_path(base, end));
    }
}
