//! Cuts a stream into blocks of whole lines, in constant memory.

use std::io::{self, Read};

/// The most bytes that are held at once, and the longest line that is looked
/// at as a whole. Small enough that a block stays in a core's own cache
/// between reading and scanning.
pub(crate) const BLOCK: usize = 256 * 1024;

/// Where a block stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockPlace {
    /// Offset of its first byte.
    pub(crate) offset: u64,
    /// Whether it starts at the start of a line.
    pub(crate) starts_line: bool,
    /// Whether it ends at the end of a line: after a newline.
    pub(crate) ends_line: bool,
    /// Whether the stream ends with it.
    pub(crate) last: bool,
}

/// A stream being cut into blocks.
///
/// A block holds whole lines, or a part of one line that is longer than a
/// block. Where the cuts are depends on the bytes alone, never on how much a
/// read gave.
#[derive(Debug)]
pub(crate) struct Blocks<R> {
    reader: R,
    /// The start of a line, read but not handed out.
    carry: Vec<u8>,
    offset: u64,
    in_line: bool,
    read_all: bool,
    done: bool,
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(reader: R) -> Blocks<R> {
        Blocks {
            reader,
            carry: Vec::new(),
            offset: 0,
            in_line: false,
            read_all: false,
            done: false,
        }
    }

    /// Puts the next block into `block`, in place of what it held. The last
    /// block may be empty; `None` comes after it.
    pub(crate) fn next(&mut self, block: &mut Vec<u8>) -> io::Result<Option<BlockPlace>> {
        if self.done {
            return Ok(None);
        }
        block.clear();
        block.append(&mut self.carry);
        self.fill(block)?;
        let starts_line = !self.in_line;
        let cut = if self.in_line {
            memchr::memchr(b'\n', block)
        } else {
            memchr::memrchr(b'\n', block)
        };
        let end = match cut {
            Some(newline) => newline + 1,
            None => block.len(),
        };
        if self.read_all && (starts_line || end == block.len()) {
            self.done = true;
        } else {
            self.carry.extend_from_slice(&block[end..]);
            block.truncate(end);
        }
        self.in_line = cut.is_none();
        let place = BlockPlace {
            offset: self.offset,
            starts_line,
            ends_line: block.last() == Some(&b'\n'),
            last: self.done,
        };
        self.offset += block.len() as u64;
        Ok(Some(place))
    }

    fn fill(&mut self, block: &mut Vec<u8>) -> io::Result<()> {
        let mut filled = block.len();
        while filled < BLOCK && !self.read_all {
            if filled == block.len() {
                // By steps, so that a short cast costs little.
                let room = (filled * 2).max(block.capacity()).clamp(8 * 1024, BLOCK);
                block.resize(room, 0);
            }
            match self.reader.read(&mut block[filled..]) {
                Ok(0) => self.read_all = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        block.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::dribble::Dribble;
    use proptest::prelude::*;

    fn cut(reader: impl Read) -> Vec<(BlockPlace, Vec<u8>)> {
        let mut blocks = Blocks::new(reader);
        let mut all = Vec::new();
        let mut block = Vec::new();
        while let Some(place) = blocks.next(&mut block).unwrap() {
            all.push((place, block.clone()));
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_is_lost_and_cuts_do_not_depend_on_reads(
            lines in prop::collection::vec(0usize..BLOCK * 2, 0..6),
            size in 1000usize..BLOCK * 2,
            newline_at_end in any::<bool>(),
        ) {
            let mut bytes = Vec::new();
            for length in lines {
                bytes.resize(bytes.len() + length, b'x');
                bytes.push(b'\n');
            }
            if !newline_at_end {
                bytes.pop();
            }
            let blocks = cut(&bytes[..]);
            prop_assert_eq!(&blocks, &cut(Dribble(&bytes, size)));
            let mut joined = Vec::new();
            let mut in_line = false;
            for (i, (place, block)) in blocks.iter().enumerate() {
                prop_assert_eq!(place.offset, joined.len() as u64);
                prop_assert_eq!(place.starts_line, !in_line);
                prop_assert_eq!(place.last, i + 1 == blocks.len());
                prop_assert!(block.len() <= BLOCK);
                in_line = !block.ends_with(b"\n");
                joined.extend_from_slice(block);
            }
            prop_assert_eq!(joined, bytes);
        }
    }
}
