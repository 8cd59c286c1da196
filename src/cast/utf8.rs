//! Text out of a byte stream that is cut anywhere.

/// What stands for bytes that are no UTF-8.
const REPLACEMENT: &str = "\u{FFFD}";

/// How many bytes of broken text are handed on at once.
const GATHERED: usize = 1024;

/// A part of a byte stream, as [`Utf8Carry`] tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cast) enum Piece<'a> {
    /// Text; never empty.
    Text(&'a str),
    /// A maximal sequence of this many bytes that is not UTF-8.
    Invalid(usize),
}

/// Decodes UTF-8 that arrives in chunks cut at any byte.
///
/// An incomplete character at the end of a chunk waits for the next one.
/// Bytes that are not UTF-8 become U+FFFD, one for each maximal invalid
/// sequence, as the Unicode standard (chapter 3, "U+FFFD substitution of
/// maximal subparts") and the WHATWG decoder do. Any way of cutting the same
/// bytes gives the same text.
#[derive(Clone, Debug, Default)]
pub struct Utf8Carry {
    pending: [u8; 4],
    len: usize,
    /// Empty between two calls; kept, so that no later call allocates.
    gathered: String,
}

impl Utf8Carry {
    /// A decoder with nothing pending.
    #[must_use]
    pub fn new() -> Utf8Carry {
        Utf8Carry::default()
    }

    /// How many bytes wait for the rest of their character; 3 at most.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.len
    }

    /// Feeds `bytes` and hands the text they complete to `text`, in pieces.
    pub fn push(&mut self, bytes: &[u8], mut text: impl FnMut(&str)) {
        // In noise pieces are a byte or two long, so they are gathered.
        let mut gathered = std::mem::take(&mut self.gathered);
        self.pieces(bytes, |piece| {
            let (piece, whole) = match piece {
                Piece::Text(piece) => (piece, piece.len() + REPLACEMENT.len() > GATHERED),
                Piece::Invalid(_) => (REPLACEMENT, false),
            };
            if gathered.len() + piece.len() > GATHERED || whole {
                if !gathered.is_empty() {
                    text(&gathered);
                    gathered.clear();
                }
                if whole {
                    return text(piece);
                }
            }
            if gathered.is_empty() && piece.len() == bytes.len() {
                return text(piece);
            }
            gathered.push_str(piece);
        });
        if !gathered.is_empty() {
            text(&gathered);
            gathered.clear();
        }
        self.gathered = gathered;
    }

    /// Feeds `bytes` and hands over what they complete. The pieces follow each
    /// other without a gap; the first starts with the bytes that were pending.
    pub(in crate::cast) fn pieces(&mut self, bytes: &[u8], mut piece: impl FnMut(Piece<'_>)) {
        let mut rest = bytes;
        while self.len > 0 {
            let Some((&next, tail)) = rest.split_first() else {
                return;
            };
            self.pending[self.len] = next;
            let with_next = &self.pending[..=self.len];
            match std::str::from_utf8(with_next) {
                Ok(character) => {
                    piece(Piece::Text(character));
                    self.len = 0;
                    rest = tail;
                }
                Err(error) if error.error_len().is_none() => {
                    self.len += 1;
                    rest = tail;
                }
                // The pending bytes are the invalid part; `next` stands for itself.
                Err(_) => {
                    piece(Piece::Invalid(self.len));
                    self.len = 0;
                }
            }
        }
        let (whole, torn) = rest.split_at(rest.len() - torn_end(rest));
        if let Ok(valid) = simdutf8::basic::from_utf8(whole) {
            if !valid.is_empty() {
                piece(Piece::Text(valid));
            }
        } else {
            // Rare enough that what looks at each byte will do: to start the
            // fast way again behind each fault would be quadratic.
            for chunk in whole.utf8_chunks() {
                if !chunk.valid().is_empty() {
                    piece(Piece::Text(chunk.valid()));
                }
                if !chunk.invalid().is_empty() {
                    piece(Piece::Invalid(chunk.invalid().len()));
                }
            }
        }
        self.pending[..torn.len()].copy_from_slice(torn);
        self.len = torn.len();
    }

    /// Ends the stream: an incomplete character becomes one U+FFFD.
    pub fn finish(&mut self, mut text: impl FnMut(&str)) {
        if self.len > 0 {
            self.len = 0;
            text(REPLACEMENT);
        }
    }
}

/// How many bytes at the end of `bytes` are the start of a character that is
/// not complete, but may become so; 3 at most.
pub(in crate::cast) fn torn_end(bytes: &[u8]) -> usize {
    let last = &bytes[bytes.len().saturating_sub(3)..];
    // Only the last byte that starts a character can have a part missing.
    let Some(start) = last.iter().rposition(|byte| byte & 0xc0 != 0x80) else {
        return 0;
    };
    let end = &last[start..];
    let is_torn = std::str::from_utf8(end).is_err_and(|error| error.error_len().is_none());
    if is_torn { end.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut carry = Utf8Carry::new();
        let mut all = String::new();
        for chunk in chunks {
            carry.push(chunk, |piece| all.push_str(piece));
        }
        carry.finish(|piece| all.push_str(piece));
        all
    }

    /// Bytes that often are the start, middle or end of a character.
    fn nasty() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            any::<u8>(),
            Just(0xe2),
            Just(0x82),
            Just(0xac),
            Just(0xf0),
            Just(0x9f),
            Just(0x98),
            Just(0xc3),
            Just(0xed),
            Just(0xa0),
            Just(b'a'),
        ];
        proptest::collection::vec(byte, 0..64)
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_text(bytes in nasty(), size in 1usize..9) {
            let whole = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert_eq!(decode([bytes.as_slice()]), whole.clone());
            prop_assert_eq!(decode(bytes.chunks(size)), whole);
        }
    }

    #[test]
    fn a_torn_character_waits() {
        let mut carry = Utf8Carry::new();
        carry.push(&[0xe2, 0x82], |_| panic!("nothing is complete"));
        assert_eq!(carry.pending(), 2);
        let mut all = String::new();
        carry.push(&[0xac, b'!'], |piece| all.push_str(piece));
        assert_eq!(all, "€!");
    }
}
