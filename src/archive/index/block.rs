//! Lines packed together: their texts, and beside them when each was shown and
//! which command printed it. What is looked for is looked for in the texts alone.

use std::io;

use crate::screen::{Seen, ShownLine, Step};

/// Bytes of text that make a block.
pub(super) const FULL: usize = 256 * 1024;

/// Bytes of a block at most; damaged data asks for no more memory than that.
const LARGEST: usize = 64 << 20;

/// Bits of a line's first byte.
const HAS_COMMAND: u8 = 4;
const HAS_STEPS: u8 = 8;
const CONTINUES: u8 = 16;

/// A line of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockLine {
    pub seen: Seen,
    /// Microseconds since the start of the cast.
    pub first: u64,
    /// In steps of a millisecond.
    pub last: u64,
    /// Counted from 1.
    pub command: Option<u64>,
    pub steps: Vec<Step>,
    /// The next line of the block goes on with it.
    pub continues: bool,
}

impl BlockLine {
    /// When its first `length` bytes were there.
    pub fn time_of(&self, length: usize) -> u64 {
        let step = self.steps.iter().find(|step| step.length >= length);
        step.map_or(self.first, |step| step.time)
    }
}

/// Takes lines until there is enough for a block.
#[derive(Default)]
pub(super) struct Builder {
    /// The lines, each with a newline behind it.
    pub text: Vec<u8>,
    /// What is known of each.
    pub lines: Vec<u8>,
    pub count: u64,
    before: (u64, u64),
}

impl Builder {
    pub fn add(&mut self, line: &ShownLine, command: Option<usize>) {
        // A newline would be another line's start.
        match memchr::memchr(b'\n', line.text.as_bytes()) {
            None => self.text.extend_from_slice(line.text.as_bytes()),
            Some(_) => self
                .text
                .extend(line.text.bytes().filter(|byte| *byte != b'\n')),
        }
        self.text.push(b'\n');
        let mut flags = match line.seen {
            Seen::InText => 0,
            Seen::Overwritten => 1,
            Seen::OnAlternate => 2,
        };
        flags |= if command.is_some() { HAS_COMMAND } else { 0 };
        flags |= if line.steps.is_empty() { 0 } else { HAS_STEPS };
        flags |= if line.continues { CONTINUES } else { 0 };
        let out = &mut self.lines;
        out.push(flags);
        put_signed(out, line.first.wrapping_sub(self.before.0) as i64);
        put(out, line.last.saturating_sub(line.first) / 1000);
        if let Some(command) = command {
            let number = command as u64 + 1;
            put_signed(out, number.wrapping_sub(self.before.1) as i64);
            self.before.1 = number;
        }
        if !line.steps.is_empty() {
            put(out, line.steps.len() as u64);
            for step in &line.steps {
                put(out, step.length as u64);
                put_signed(out, step.time.wrapping_sub(line.first) as i64);
            }
        }
        self.before.0 = line.first;
        self.count += 1;
    }

    pub fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The next block begins.
    pub fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
        (self.count, self.before) = (0, (0, 0));
    }
}

/// A block that was unpacked.
pub struct Block {
    /// The lines, each with a newline behind it.
    pub text: Vec<u8>,
    packed_lines: Vec<u8>,
}

impl Block {
    /// Unpacks the texts; `lines` waits until it is asked for.
    pub fn unpack(text: &[u8], lines: &[u8]) -> io::Result<Block> {
        Ok(Block {
            text: unpack(text)?,
            packed_lines: lines.to_owned(),
        })
    }

    /// What is known of each line of a block, without its texts.
    pub fn lines_alone(lines: &[u8]) -> io::Result<Vec<BlockLine>> {
        Block {
            text: Vec::new(),
            packed_lines: lines.to_owned(),
        }
        .lines()
    }

    /// What is known of each line.
    pub fn lines(&self) -> io::Result<Vec<BlockLine>> {
        let bytes = unpack(&self.packed_lines)?;
        let mut from = Reader(&bytes);
        let mut lines = Vec::new();
        let mut before = (0u64, 0u64);
        while let Some((&flags, rest)) = from.0.split_first() {
            from.0 = rest;
            let first = before.0.wrapping_add(from.signed()? as u64);
            let last = first.saturating_add(from.number()?.saturating_mul(1000));
            before.0 = first;
            let mut command = None;
            if flags & HAS_COMMAND != 0 {
                before.1 = before.1.wrapping_add(from.signed()? as u64);
                command = Some(before.1);
            }
            let mut steps = Vec::new();
            if flags & HAS_STEPS != 0 {
                for _ in 0..from.number()? {
                    let length = from.number()? as usize;
                    let time = first.wrapping_add(from.signed()? as u64);
                    steps.push(Step { length, time });
                }
            }
            lines.push(BlockLine {
                seen: match flags & 3 {
                    0 => Seen::InText,
                    1 => Seen::Overwritten,
                    _ => Seen::OnAlternate,
                },
                first,
                last,
                command,
                steps,
                continues: flags & CONTINUES != 0,
            });
        }
        Ok(lines)
    }
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let length = zstd::zstd_safe::get_frame_content_size(packed);
    let length = length.ok().flatten().unwrap_or(0) as usize;
    if length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    zstd::bulk::decompress(packed, length)
}

/// A number in base 128, the lowest digits first.
pub(super) fn put(out: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// The same with a sign in the lowest bit.
fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)) as u64);
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    fn signed(&mut self) -> io::Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pack::Packing;
    use super::*;

    #[test]
    fn lines_come_back_as_they_went_in() {
        let line = |text: &str, first, last, steps: &[(usize, u64)]| ShownLine {
            text: text.into(),
            seen: Seen::Overwritten,
            first,
            last,
            continues: false,
            row: None,
            steps: steps
                .iter()
                .map(|(length, time)| Step {
                    length: *length,
                    time: *time,
                })
                .collect(),
        };
        let mut builder = Builder::default();
        builder.add(&line("one 漢", 5_000_000, 7_000_000, &[]), None);
        builder.add(
            &line("two", 1_000, u64::MAX / 2, &[(1, 900), (3, 70_000_000)]),
            Some(4),
        );
        let packed = Packing::new().unwrap().pack(&builder, false).unwrap();
        builder.clear();
        assert!(builder.is_empty());
        let block = Block::unpack(&packed.text, &packed.lines).unwrap();
        assert_eq!(block.text, "one 漢\ntwo\n".as_bytes());
        let lines = block.lines().unwrap();
        assert_eq!(
            (lines[0].first, lines[0].last, lines[0].command),
            (5_000_000, 7_000_000, None)
        );
        assert_eq!((lines[1].first, lines[1].command), (1_000, Some(5)));
        assert_eq!(
            [lines[1].time_of(1), lines[1].time_of(2)],
            [900, 70_000_000]
        );
        assert_eq!(lines[0].time_of(3), 5_000_000);
        assert!(Block::unpack(b"damaged", &packed.lines).is_err());
    }
}
