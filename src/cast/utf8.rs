//! Text out of a byte stream that is cut anywhere.

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
        let mut rest = bytes;
        while self.len > 0 {
            let Some((&next, tail)) = rest.split_first() else {
                return;
            };
            self.pending[self.len] = next;
            let with_next = &self.pending[..=self.len];
            match std::str::from_utf8(with_next) {
                Ok(character) => {
                    text(character);
                    self.len = 0;
                    rest = tail;
                }
                Err(error) if error.error_len().is_none() => {
                    self.len += 1;
                    rest = tail;
                }
                // The pending bytes are the invalid part; `next` stands for itself.
                Err(_) => {
                    text("\u{FFFD}");
                    self.len = 0;
                }
            }
        }
        while !rest.is_empty() {
            if let Ok(valid) = simdutf8::basic::from_utf8(rest) {
                text(valid);
                return;
            }
            let Err(error) = simdutf8::compat::from_utf8(rest) else {
                return;
            };
            let (valid, invalid) = rest.split_at(error.valid_up_to());
            if let Ok(valid) = std::str::from_utf8(valid)
                && !valid.is_empty()
            {
                text(valid);
            }
            match error.error_len() {
                Some(length) => {
                    text("\u{FFFD}");
                    rest = &invalid[length..];
                }
                None => {
                    self.pending[..invalid.len()].copy_from_slice(invalid);
                    self.len = invalid.len();
                    return;
                }
            }
        }
    }

    /// Ends the stream: an incomplete character becomes one U+FFFD.
    pub fn finish(&mut self, mut text: impl FnMut(&str)) {
        if self.len > 0 {
            self.len = 0;
            text("\u{FFFD}");
        }
    }
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
