//! JSON string escaping at the speed of memory.
//!
//! Terminal output is mostly plain text with an escape character every few
//! bytes to every few hundred. The scanner looks at eight bytes at a time and
//! copies clean runs whole; only the bytes that JSON wants escaped are handled
//! one by one.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte of `word` that JSON wants escaped, plus DEL,
/// which is escaped because some terminals act on it when a cast is shown raw.
///
/// Bytes above a matching one may be marked wrongly (a borrow crosses bytes),
/// so only the lowest mark may be trusted.
#[inline]
fn needs_escape(word: u64) -> u64 {
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let del = word ^ (ONES * 0x7f);
    let zero_in = |w: u64| w.wrapping_sub(ONES) & !w;
    (below_space | zero_in(quote) | zero_in(backslash) | zero_in(del)) & HIGHS
}

/// The length of the run at the start of `bytes` that needs no escape.
#[inline]
fn clean_prefix(bytes: &[u8]) -> usize {
    let mut chunks = bytes.chunks_exact(8);
    let mut at = 0;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks_exact gives eight bytes"));
        let mask = needs_escape(word);
        if mask != 0 {
            return at + (mask.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    for &byte in chunks.remainder() {
        if byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7f {
            return at;
        }
        at += 1;
    }
    at
}

/// The longest escape sequence of one byte: `\u001b`.
pub(crate) const LONGEST_ESCAPE: usize = 6;

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
    loop {
        let clean = clean_prefix(&bytes[at..]);
        if clean > left {
            let end = text.floor_char_boundary(at + left);
            out.extend_from_slice(&bytes[at..end]);
            return end;
        }
        out.extend_from_slice(&bytes[at..at + clean]);
        at += clean;
        left -= clean;
        let Some(&byte) = bytes.get(at) else {
            return at;
        };
        let (escape, length) = escape_of(byte);
        if length > left {
            return at;
        }
        out.extend_from_slice(&escape[..length]);
        at += 1;
        left -= length;
    }
}

/// The escape sequence of a byte that needs one, and its length.
#[inline]
fn escape_of(byte: u8) -> ([u8; LONGEST_ESCAPE], usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        control => {
            let high = HEX[usize::from(control >> 4)];
            let low = HEX[usize::from(control & 15)];
            return ([b'\\', b'u', b'0', b'0', high, low], 6);
        }
    };
    ([b'\\', short, 0, 0, 0, 0], 2)
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
