//! The table of a file's frames: the last frame of the file, which decoders skip.
//!
//! By the zstd seekable format, version 0.1.0 (`contrib/seekable_format` of zstd): 8
//! bytes each, how long a frame is and how long it is unpacked; then how many there
//! are, a byte of flags and a magic number. All numbers have their low byte first.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The magic number of a frame that is skipped, and of the table's end.
const SKIPPED: u32 = 0x184D_2A5E;
const SEEKABLE: u32 = 0x8F92_EAB1;

/// Bytes of a table beside its entries: at its start and at its end.
const HEAD: u64 = 8;
const FOOT: u64 = 9;

/// The flag that each entry has a checksum, and those that say nothing so far.
const HAS_CHECKSUMS: u8 = 1 << 7;
const RESERVED: u8 = 0b0111_1100;

/// Bytes of an unpacked frame at most: a file with longer ones is read from its start.
const LONGEST: u32 = 64 << 20;

/// Where the frames of a file stand, each with its length when it is unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// Where each frame starts: in the file, and in the plain bytes.
    starts: Vec<(u64, u64)>,
    /// Where the last one ends.
    end: (u64, u64),
}

impl Table {
    pub fn push(&mut self, packed: u32, plain: u32) {
        self.starts.push(self.end);
        self.end.0 += u64::from(packed);
        self.end.1 += u64::from(plain);
    }

    /// All plain bytes.
    pub fn plain_length(&self) -> u64 {
        self.end.1
    }

    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The frame that has the plain byte at `offset`.
    pub fn frame_at(&self, offset: u64) -> Option<usize> {
        if offset >= self.end.1 {
            return None;
        }
        let after = self.starts.partition_point(|(_, plain)| *plain <= offset);
        after.checked_sub(1)
    }

    /// Where a frame starts and where it ends: in the file, and in the plain bytes.
    pub fn frame(&self, at: usize) -> ((u64, u64), (u64, u64)) {
        let end = self.starts.get(at + 1).unwrap_or(&self.end);
        (self.starts[at], *end)
    }

    /// The first frame that starts in the file at `offset` or behind it.
    pub fn start_from(&self, offset: u64) -> Option<u64> {
        let before = self.starts.partition_point(|(packed, _)| *packed < offset);
        self.starts.get(before).map(|(packed, _)| *packed)
    }

    /// The table as it stands in the file.
    pub fn bytes(&self) -> Vec<u8> {
        let count = self.count() as u32;
        let content = u64::from(count) * 8 + FOOT;
        let mut bytes = Vec::with_capacity((HEAD + content) as usize);
        bytes.extend_from_slice(&SKIPPED.to_le_bytes());
        bytes.extend_from_slice(&(content as u32).to_le_bytes());
        for at in 0..self.count() {
            let (start, end) = self.frame(at);
            bytes.extend_from_slice(&((end.0 - start.0) as u32).to_le_bytes());
            bytes.extend_from_slice(&((end.1 - start.1) as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&SEEKABLE.to_le_bytes());
        bytes
    }

    /// Reads the table of a file; `None` where there is none that fits the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(file: &File) -> io::Result<Option<Table>> {
        let length = file.metadata()?.len();
        let mut foot = [0; FOOT as usize];
        if length < HEAD + FOOT {
            return Ok(None);
        }
        file.read_exact_at(&mut foot, length - FOOT)?;
        let flags = foot[4];
        if word(&foot, 5) != Some(SEEKABLE) || flags & RESERVED != 0 {
            return Ok(None);
        }
        let count = u64::from(word(&foot, 0).unwrap_or_default());
        let entry = if flags & HAS_CHECKSUMS != 0 { 12 } else { 8 };
        let content = count * entry + FOOT;
        let Some(start) = length.checked_sub(HEAD + content) else {
            return Ok(None);
        };
        let mut bytes = vec![0; (HEAD + content - FOOT) as usize];
        file.read_exact_at(&mut bytes, start)?;
        if word(&bytes, 0) != Some(SKIPPED) || word(&bytes, 4).map(u64::from) != Some(content) {
            return Ok(None);
        }
        let mut table = Table::default();
        for entry in bytes[HEAD as usize..].chunks_exact(entry as usize) {
            let (Some(packed), Some(plain)) = (word(entry, 0), word(entry, 4)) else {
                return Ok(None);
            };
            if plain > LONGEST {
                return Ok(None);
            }
            table.push(packed, plain);
        }
        Ok((table.end.0 == start).then_some(table))
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_le_bytes(word))
}
