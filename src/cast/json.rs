//! JSON string escaping at the speed of memory.
//!
//! Terminal output is mostly plain text with an escape character every few
//! bytes to every few hundred. A block of bytes is copied to the output as it
//! is and looked at in the same moment; the first byte of it that JSON wants
//! escaped is then written over. So a clean run costs no call, however short.

/// The longest escape sequence of one byte: `\u001b`.
pub(crate) const LONGEST_ESCAPE: usize = 6;

/// How much input is escaped between two looks at the output's capacity.
const STRETCH: usize = 1024;

/// An escape sequence, and its length in the last byte: 0 for a byte that
/// stands for itself.
type Escape = [u8; 8];

/// What each byte becomes. DEL is escaped because some terminals act on it
/// when a cast is shown raw.
static ESCAPES: [Escape; 256] = {
    let hex = b"0123456789abcdef";
    let mut all = [[0; 8]; 256];
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
        if short != 0 {
            all[byte] = [b'\\', short, 0, 0, 0, 0, 0, 2];
        } else if byte < 0x20 || byte == 0x7f {
            let (high, low) = (hex[byte >> 4], hex[byte & 15]);
            all[byte] = [b'\\', b'u', b'0', b'0', high, low, 0, 6];
        }
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
pub(crate) fn escape_bounded(text: &str, out: &mut Vec<u8>, max: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut left = max;
    while at < bytes.len() {
        let stretch = &bytes[at..bytes.len().min(at + STRETCH)];
        let before = out.len();
        let taken = escape_stretch(stretch, out, left);
        at += taken;
        left -= out.len() - before;
        if taken < stretch.len() {
            // The output is full; what is there of a character is taken back.
            let end = text.floor_char_boundary(at);
            out.truncate(out.len() - (at - end));
            return end;
        }
    }
    at
}

/// Escapes bytes of `input` until it ends or `max` bytes are appended; returns
/// how many it has taken.
#[inline]
fn escape_stretch(input: &[u8], out: &mut Vec<u8>, max: usize) -> usize {
    let most = max.min(input.len() * LONGEST_ESCAPE);
    // Blocks and escapes are stored whole, whatever of them counts.
    out.reserve(most + block::WIDTH);
    let start = out.len();
    // SAFETY: the capacity reaches `block::WIDTH` bytes beyond `start + most`.
    let target = unsafe { out.as_mut_ptr().add(start) };
    let (mut at, mut length) = (0, 0);
    loop {
        if input.len() - at >= block::WIDTH && most - length >= block::WIDTH {
            // SAFETY: so many bytes are there to be read, and to be written.
            let clean = unsafe { block::copy(input.as_ptr().add(at), target.add(length)) };
            at += clean;
            length += clean;
            if clean == block::WIDTH {
                continue;
            }
        }
        let Some(&byte) = input.get(at) else { break };
        let escape = &ESCAPES[usize::from(byte)];
        let size = usize::from(escape[7]);
        if size.max(1) > most - length {
            break;
        }
        let stored = if size == 0 {
            [byte, 0, 0, 0, 0, 0, 0, 0]
        } else {
            *escape
        };
        // SAFETY: `length` is below `most`, and a block is no smaller than
        // these eight bytes.
        unsafe { target.add(length).cast::<Escape>().write_unaligned(stored) };
        at += 1;
        length += size.max(1);
    }
    // SAFETY: all bytes up to there have been written; `length <= most`.
    unsafe { out.set_len(start + length) };
    at
}

/// Sixteen bytes at a time, with what every x86-64 has.
#[cfg(target_arch = "x86_64")]
mod block {
    use std::arch::x86_64::*;

    pub(super) const WIDTH: usize = 16;

    /// Copies a block; returns how many bytes at its start need no escape.
    ///
    /// # Safety
    /// `WIDTH` bytes can be read at `from` and written at `to`.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) unsafe fn copy(from: *const u8, to: *mut u8) -> usize {
        // SAFETY: as the caller promises; neither needs an alignment.
        let block = unsafe {
            let block = _mm_loadu_si128(from.cast());
            _mm_storeu_si128(to.cast(), block);
            block
        };
        let is = |byte: u8| _mm_cmpeq_epi8(block, _mm_set1_epi8(byte as i8));
        // Unsigned: the larger of a byte and 0x1f is 0x1f for control bytes only.
        let last_control = _mm_set1_epi8(0x1f);
        let control = _mm_cmpeq_epi8(_mm_max_epu8(block, last_control), last_control);
        let marks = _mm_or_si128(
            _mm_or_si128(control, is(0x7f)),
            _mm_or_si128(is(b'"'), is(b'\\')),
        );
        // Bit 16 is the answer for a block without a mark.
        (_mm_movemask_epi8(marks) as u32 | 1 << WIDTH).trailing_zeros() as usize
    }
}

/// Eight bytes at a time, with what every machine has.
#[cfg(not(target_arch = "x86_64"))]
mod block {
    pub(super) const WIDTH: usize = 8;

    const ONES: u64 = 0x0101_0101_0101_0101;

    /// Copies a block; returns how many bytes at its start need no escape.
    ///
    /// # Safety
    /// `WIDTH` bytes can be read at `from` and written at `to`.
    #[inline(always)]
    pub(super) unsafe fn copy(from: *const u8, to: *mut u8) -> usize {
        // SAFETY: as the caller promises.
        let block = unsafe {
            let block = from.cast::<[u8; WIDTH]>().read();
            to.cast::<[u8; WIDTH]>().write(block);
            u64::from_le_bytes(block)
        };
        (marks(block).trailing_zeros() / 8) as usize
    }

    /// The high bit of each byte of `word` that JSON wants escaped. Bytes above
    /// a marked one may be marked wrongly (a borrow crosses bytes), so only the
    /// lowest mark may be trusted.
    #[inline(always)]
    fn marks(word: u64) -> u64 {
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let is = |byte: u8| {
            let zero = word ^ (ONES * u64::from(byte));
            zero.wrapping_sub(ONES) & !zero
        };
        (control | is(b'"') | is(b'\\') | is(0x7f)) & (ONES * 0x80)
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
