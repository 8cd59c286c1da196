//! The bytes of a string: where plain text ends, and whether it is UTF-8.

/// Whether a byte is white space for JSON, which has less of it than ASCII.
pub(in crate::cast) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Checks that bytes which come in pieces are UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cast) struct Utf8Check {
    /// A character cut by the end of a piece, and where it starts.
    cut: [u8; 4],
    cut_len: usize,
    cut_at: u64,
}

impl Utf8Check {
    /// Checks `bytes`, which stand at offset `at`; calls `bad` with the offset
    /// of each part that is not UTF-8.
    pub(in crate::cast) fn push(&mut self, bytes: &[u8], mut at: u64, bad: &mut impl FnMut(u64)) {
        let mut rest = bytes;
        while self.cut_len > 0 {
            let Some((&next, tail)) = rest.split_first() else {
                return;
            };
            self.cut[self.cut_len] = next;
            match std::str::from_utf8(&self.cut[..=self.cut_len]) {
                Ok(_) => self.cut_len = 0,
                Err(error) if error.error_len().is_none() => self.cut_len += 1,
                Err(_) => {
                    self.finish(bad);
                    continue;
                }
            }
            rest = tail;
            at += 1;
        }
        if simdutf8::basic::from_utf8(rest).is_ok() {
            return;
        }
        while let Err(error) = simdutf8::compat::from_utf8(rest) {
            let valid = error.valid_up_to();
            let Some(length) = error.error_len() else {
                let tail = &rest[valid..];
                self.cut[..tail.len()].copy_from_slice(tail);
                self.cut_len = tail.len();
                self.cut_at = at + valid as u64;
                return;
            };
            bad(at + valid as u64);
            rest = &rest[valid + length..];
            at += (valid + length) as u64;
        }
    }

    /// A character that was cut gets no more bytes.
    pub(in crate::cast) fn finish(&mut self, bad: &mut impl FnMut(u64)) {
        if self.cut_len > 0 {
            self.cut_len = 0;
            bad(self.cut_at);
        }
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
