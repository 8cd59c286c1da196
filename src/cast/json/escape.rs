//! JSON string escaping at the speed of memory.
//!
//! Terminal output is mostly plain text with an escape character every few
//! bytes to every few hundred. A block of 64 bytes is turned into a mask of the
//! bytes that JSON wants escaped; what lies between two of them is copied
//! sixteen bytes at a time, and what an escape becomes comes from a table. So
//! the processor has a branch to guess once a block, not once an escape.

use crate::cast::buffer::Buffer;

/// The longest escape sequence of one byte: `\u001b`.
pub(crate) const LONGEST_ESCAPE: usize = 6;

/// How much input is escaped between two looks at the output's capacity.
const STRETCH: usize = 1024;

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// How many bytes are copied together, the last ones of a run as well: up to
/// this many may be read and written beyond it.
const COPIED: usize = 16;

/// What a byte becomes, from the lowest byte on; its length in the highest.
type Escape = u64;

const fn escape(text: [u8; 7], length: u8) -> Escape {
    let [a, b, c, d, e, f, g] = text;
    u64::from_le_bytes([a, b, c, d, e, f, g, length])
}

/// What each byte becomes; most stand for themselves. DEL is escaped because
/// some terminals act on it when a cast is shown raw.
static ESCAPES: [Escape; 256] = {
    let hex = b"0123456789abcdef";
    let mut all = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let short = match byte as u8 {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ => 0,
        };
        all[byte] = if short != 0 {
            escape([b'\\', short, 0, 0, 0, 0, 0], 2)
        } else if byte < 0x20 || byte == 0x7f {
            let (high, low) = (hex[byte >> 4], hex[byte & 15]);
            escape([b'\\', b'u', b'0', b'0', high, low, 0], 6)
        } else {
            escape([byte as u8, 0, 0, 0, 0, 0, 0], 1)
        };
        byte += 1;
    }
    all
};

/// Appends `text` to `out`, escaped as the inside of a JSON string
/// (RFC 8259, section 7), without the quotes.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + text.len() / 8 + 16);
    escape_bounded(text, out, usize::MAX);
}

/// As [`escape_into`], but appends `max` bytes at most. Returns how many bytes
/// of `text` are in `out` now; it stops between characters.
pub(crate) fn escape_bounded(text: &str, out: &mut impl Buffer, max: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut left = max;
    while at < bytes.len() {
        let end = bytes.len().min(at + STRETCH);
        let before = out.len();
        at = escape_stretch(bytes, at, end, out, left);
        left -= out.len() - before;
        if at < end {
            // The output is full; what is there of a character is taken back.
            let end = text.floor_char_boundary(at);
            out.truncate(out.len() - (at - end));
            return end;
        }
    }
    at
}

/// Escapes bytes of `input` from `at` to `end` until `max` bytes are appended;
/// returns where it has stopped.
#[inline]
fn escape_stretch(
    input: &[u8],
    mut at: usize,
    end: usize,
    out: &mut impl Buffer,
    max: usize,
) -> usize {
    let most = max.min((end - at) * LONGEST_ESCAPE);
    out.reserve(most + COPIED);
    let start = out.len();
    let source = input.as_ptr();
    // SAFETY: the capacity reaches `COPIED` bytes beyond `start + most`.
    let target = unsafe { out.as_mut_ptr().add(start) };
    let mut length = 0;
    while at + BLOCK <= end && at + BLOCK + COPIED <= input.len() {
        // SAFETY: a whole block can be read.
        let marks = unsafe { block::marks(source.add(at)) };
        let longest = BLOCK + marks.count_ones() as usize * (LONGEST_ESCAPE - 1);
        if longest > most - length {
            break;
        }
        // SAFETY: `COPIED` bytes can be read beyond the block, and written
        // beyond the `longest` that it can become.
        length += unsafe { escape_block(source.add(at), marks, target.add(length)) };
        at += BLOCK;
    }
    while at < end {
        let escape = ESCAPES[usize::from(input[at])];
        let size = (escape >> 56) as usize;
        if size > most - length {
            break;
        }
        // SAFETY: `length` is at most `most`, and `COPIED` no smaller than this.
        unsafe { store(escape, target.add(length)) };
        at += 1;
        length += size;
    }
    // SAFETY: all bytes up to there have been written; `length <= most`.
    unsafe { out.set_len(start + length) };
    at
}

/// Escapes a block, whose bytes to be escaped are the bits of `marks`; returns
/// how long it has become.
///
/// # Safety
/// `BLOCK + COPIED` bytes can be read at `source`, and what the block becomes
/// and `COPIED` bytes more be written at `target`.
#[inline(always)]
unsafe fn escape_block(source: *const u8, mut marks: u64, target: *mut u8) -> usize {
    let (mut done, mut length) = (0, 0);
    // SAFETY: `done` and `mark` stay within the block, and `length` within what
    // it becomes.
    unsafe {
        while marks != 0 {
            let mark = marks.trailing_zeros() as usize;
            marks &= marks - 1;
            copy(source.add(done), target.add(length), mark - done);
            length += mark - done;
            let escape = ESCAPES[usize::from(*source.add(mark))];
            store(escape, target.add(length));
            length += (escape >> 56) as usize;
            done = mark + 1;
        }
        copy(source.add(done), target.add(length), BLOCK - done);
    }
    length + BLOCK - done
}

/// Copies `count` bytes, or up to `COPIED` more.
///
/// # Safety
/// `count` bytes, rounded up to a multiple of `COPIED`, can be read and written;
/// the two do not overlap.
#[inline(always)]
unsafe fn copy(source: *const u8, target: *mut u8, count: usize) {
    let mut at = 0;
    loop {
        // SAFETY: `at` is 0 or below `count`.
        unsafe {
            let piece = source.add(at).cast::<[u8; COPIED]>().read();
            target.add(at).cast::<[u8; COPIED]>().write(piece);
        }
        at += COPIED;
        if at >= count {
            return;
        }
    }
}

/// # Safety
/// Eight bytes can be written at `target`.
#[inline(always)]
unsafe fn store(escape: Escape, target: *mut u8) {
    // SAFETY: as the caller promises.
    unsafe { target.cast::<[u8; 8]>().write(escape.to_le_bytes()) };
}

/// With what every x86-64 has.
#[cfg(target_arch = "x86_64")]
mod block {
    use std::arch::x86_64::*;

    /// A bit for each byte that JSON wants escaped.
    ///
    /// # Safety
    /// `BLOCK` bytes can be read at `from`.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) unsafe fn marks(from: *const u8) -> u64 {
        let mut marks = 0;
        for part in 0..4 {
            // SAFETY: as the caller promises; no alignment is needed.
            let block = unsafe { _mm_loadu_si128(from.add(16 * part).cast()) };
            let is = |byte: u8| _mm_cmpeq_epi8(block, _mm_set1_epi8(byte as i8));
            // With the second bit turned over, the control characters and the
            // quotation mark, and they alone, are 0x20 at most.
            let turned = _mm_xor_si128(block, _mm_set1_epi8(2));
            let last = _mm_set1_epi8(0x20);
            let low = _mm_cmpeq_epi8(_mm_max_epu8(turned, last), last);
            let marked = _mm_or_si128(low, _mm_or_si128(is(0x7f), is(b'\\')));
            marks |= u64::from(_mm_movemask_epi8(marked) as u32) << (16 * part);
        }
        marks
    }
}

#[cfg(not(target_arch = "x86_64"))]
use portable as block;

/// With what every machine has.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;

    /// A bit for each byte that JSON wants escaped.
    ///
    /// # Safety
    /// `BLOCK` bytes can be read at `from`.
    #[inline(always)]
    pub(super) unsafe fn marks(from: *const u8) -> u64 {
        let mut marks = 0;
        for part in 0..8 {
            // SAFETY: as the caller promises.
            let word = unsafe { from.add(8 * part).cast::<[u8; 8]>().read() };
            marks |= marks_of_word(u64::from_le_bytes(word)) << (8 * part);
        }
        marks
    }

    /// No carry crosses a byte here: the high bits are looked at apart.
    #[inline(always)]
    fn marks_of_word(word: u64) -> u64 {
        let low = word & !HIGH;
        // The high bit of each byte below `least`, or equal to `byte`.
        let below = |least: u8| !((low + ONES * u64::from(0x80 - least)) | word) & HIGH;
        let is = |byte: u8| {
            let zero = word ^ (ONES * u64::from(byte));
            !(((zero & !HIGH) + !HIGH) | zero) & HIGH
        };
        let marked = below(0x20) | is(b'"') | is(b'\\') | is(0x7f);
        // Gathers the eight high bits: each goes to a bit of its own.
        (marked >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_ascii_byte_reads_back() {
        for byte in 0..=127u8 {
            // At each place in a word, since the scanner takes eight at a time.
            for place in 0..17 {
                let mut text = "x".repeat(place);
                text.push(byte as char);
                text.push_str("yyyyyyyyy");
                let mut line = vec![b'"'];
                escape_into(&text, &mut line);
                line.push(b'"');
                let back: String = serde_json::from_slice(&line).unwrap();
                assert_eq!(back, text);
                assert!(line.iter().all(|b| *b >= 0x20 && *b != 0x7f));
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in any::<String>()) {
            let mut line = vec![b'"'];
            escape_into(&text, &mut line);
            line.push(b'"');
            let back: String = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(back, text);
        }

        #[test]
        fn a_bound_holds(text in any::<String>(), max in 0usize..40) {
            let mut whole = Vec::new();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let mut piece = Vec::new();
                let taken = escape_bounded(rest, &mut piece, max);
                prop_assert!(piece.len() <= max);
                prop_assert!(taken > 0 || max < LONGEST_ESCAPE);
                if taken == 0 {
                    return Ok(());
                }
                rest = &rest[taken..];
                whole.extend_from_slice(&piece);
            }
            let mut at_once = Vec::new();
            escape_into(&text, &mut at_once);
            prop_assert_eq!(whole, at_once);
        }

        #[test]
        fn long_text_becomes_what_it_does_byte_by_byte(
            text in "([ -~]{0,40}[\u{0}-\u{7f}é€😀\"\\\\]{0,4}){0,60}",
            max in prop_oneof![Just(usize::MAX), 0usize..4000],
        ) {
            let mut expected = Vec::new();
            for (at, character) in text.char_indices() {
                let before = expected.len();
                for byte in text[at..at + character.len_utf8()].bytes() {
                    let escape = ESCAPES[usize::from(byte)].to_le_bytes();
                    expected.extend_from_slice(&escape[..usize::from(escape[7])]);
                }
                if expected.len() > max {
                    expected.truncate(before);
                    break;
                }
            }
            let mut out = b"before".to_vec();
            escape_bounded(&text, &mut out, max);
            prop_assert_eq!(&out[6..], expected);
        }

        #[test]
        fn both_kinds_of_block_see_the_same(
            bytes in proptest::collection::vec(any::<u8>(), BLOCK),
        ) {
            // SAFETY: `BLOCK` bytes are there.
            let (fast, portable) = unsafe {
                (block::marks(bytes.as_ptr()), portable::marks(bytes.as_ptr()))
            };
            prop_assert_eq!(fast, portable);
            for (at, byte) in bytes.iter().enumerate() {
                let is_marked = ESCAPES[usize::from(*byte)] >> 56 > 1;
                prop_assert_eq!(fast >> at & 1 == 1, is_marked, "{}", byte);
            }
        }

        #[test]
        fn control_heavy_text_reads_back(bytes in proptest::collection::vec(0u8..=127, 0..200)) {
            let text = String::from_utf8(bytes).unwrap();
            let mut line = vec![b'"'];
            escape_into(&text, &mut line);
            line.push(b'"');
            let back: String = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
