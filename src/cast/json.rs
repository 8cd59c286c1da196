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

/// Appends `text` to `out`, escaped as the inside of a JSON string
/// (RFC 8259, section 7), without the quotes.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + rest.len() / 8 + 16);
    loop {
        let clean = clean_prefix(rest);
        out.extend_from_slice(&rest[..clean]);
        let Some(&byte) = rest.get(clean) else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    HEX[usize::from(control >> 4)],
                    HEX[usize::from(control & 15)],
                ]);
            }
        }
        rest = &rest[clean + 1..];
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
