//! The bytes of a string: where plain text ends, and whether it is UTF-8.

use crate::cast::utf8::{Piece, Utf8Carry};

/// Whether a byte is white space for JSON, which has less of it than ASCII.
pub(in crate::cast) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Checks that bytes which come in pieces are UTF-8.
#[derive(Clone, Debug, Default)]
pub(in crate::cast) struct Utf8Check {
    carry: Utf8Carry,
    /// Where the pending bytes end.
    end: u64,
}

impl Utf8Check {
    /// Checks `bytes`, which stand at offset `at`; calls `bad` with the offset
    /// of each part that is not UTF-8.
    pub(in crate::cast) fn push(&mut self, bytes: &[u8], at: u64, bad: &mut impl FnMut(u64)) {
        let mut place = at - self.carry.pending() as u64;
        self.carry.pieces(bytes, |piece| match piece {
            Piece::Text(text) => place += text.len() as u64,
            Piece::Invalid(length) => {
                bad(place);
                place += length as u64;
            }
        });
        self.end = at + bytes.len() as u64;
    }

    /// A character that was cut gets no more bytes.
    pub(in crate::cast) fn finish(&mut self, bad: &mut impl FnMut(u64)) {
        let start = self.end - self.carry.pending() as u64;
        self.carry.finish(|_| bad(start));
    }
}

/// The length of the run at the start of `bytes` without quotes, backslashes
/// and control characters.
pub(in crate::cast) fn text_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut chunks = bytes.chunks_exact(8);
    let mut at = 0;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks_exact gives eight bytes"));
        let below = |w: u64, n: u64| w.wrapping_sub(ONES * n) & !w;
        let special = below(word, 0x20)
            | below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1);
        // A borrow may mark bytes above the first special one wrongly, never
        // the first one.
        let special = special & (ONES << 7);
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + chunks
        .remainder()
        .iter()
        .take_while(|b| **b >= 0x20 && **b != b'"' && **b != b'\\')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_end_at_the_first_special_byte(bytes in any::<Vec<u8>>()) {
            let plain = bytes
                .iter()
                .position(|b| *b < 0x20 || *b == b'"' || *b == b'\\')
                .unwrap_or(bytes.len());
            prop_assert_eq!(text_run(&bytes), plain);
        }
    }
}
