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

/// How bytes that are not UTF-8 are parted, and what is shown of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvalidBytes {
    /// U+FFFD for each maximal invalid sequence, as the Unicode standard
    /// (chapter 3, "U+FFFD substitution of maximal subparts") and the WHATWG
    /// decoder do.
    #[default]
    Unicode,
    /// As tmux takes them (`utf8_append`): the first byte says how many make a
    /// character, and that many go, whatever they are, unless ASCII comes
    /// before. U+FFFD is shown for each, or nothing.
    Tmux { shown: bool },
}

/// Decodes UTF-8 that arrives in chunks cut at any byte.
///
/// An incomplete character at the end of a chunk waits for the next one.
/// Any way of cutting the same bytes gives the same text.
#[derive(Clone, Debug, Default)]
pub struct Utf8Carry {
    invalid: InvalidBytes,
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

    /// The same with another rule for bytes that are not UTF-8.
    #[must_use]
    pub fn with_invalid(self, invalid: InvalidBytes) -> Utf8Carry {
        Utf8Carry { invalid, ..self }
    }

    /// Forgets what waits for the rest of its character.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// How many bytes wait for the rest of their character; 3 at most.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.len
    }

    /// Has these bytes wait for the rest of their character, 3 at most: what
    /// [`Utf8Carry::pending_bytes`] of another one gave.
    pub fn set_pending(&mut self, bytes: &[u8]) {
        self.len = bytes.len().min(self.pending.len() - 1);
        self.pending[..self.len].copy_from_slice(&bytes[..self.len]);
    }

    /// The bytes that wait for the rest of their character.
    #[must_use]
    pub fn pending_bytes(&self) -> &[u8] {
        &self.pending[..self.len]
    }

    /// What is shown of bytes that are not UTF-8.
    fn replacement(&self) -> &'static str {
        match self.invalid {
            InvalidBytes::Tmux { shown: false } => "",
            InvalidBytes::Tmux { shown: true } | InvalidBytes::Unicode => REPLACEMENT,
        }
    }

    /// Feeds `bytes` and hands the text they complete to `text`, in pieces.
    pub fn push(&mut self, bytes: &[u8], mut text: impl FnMut(&str)) {
        // In noise pieces are a byte or two long, so they are gathered.
        let mut gathered = std::mem::take(&mut self.gathered);
        let replacement = self.replacement();
        self.pieces(bytes, |piece| {
            let (piece, whole) = match piece {
                Piece::Text(piece) => (piece, piece.len() + REPLACEMENT.len() > GATHERED),
                Piece::Invalid(_) if replacement.is_empty() => return,
                Piece::Invalid(_) => (replacement, false),
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
            match (std::str::from_utf8(with_next), self.invalid) {
                (Ok(character), _) => {
                    piece(Piece::Text(character));
                    self.len = 0;
                    rest = tail;
                }
                (Err(error), InvalidBytes::Unicode) if error.error_len().is_none() => {
                    self.len += 1;
                    rest = tail;
                }
                (Err(_), InvalidBytes::Tmux { .. }) if !next.is_ascii() => {
                    self.len += 1;
                    rest = tail;
                    if self.len == announced(self.pending[0]) {
                        piece(Piece::Invalid(self.len));
                        self.len = 0;
                    }
                }
                // The pending bytes are the invalid part; `next` stands for itself.
                (Err(_), _) => {
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
        } else if matches!(self.invalid, InvalidBytes::Tmux { .. }) {
            return self.pieces_as_tmux(rest, piece);
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

    /// [`Utf8Carry::pieces`] where nothing is pending, by tmux's rule.
    fn pieces_as_tmux(&mut self, mut rest: &[u8], mut piece: impl FnMut(Piece<'_>)) {
        loop {
            let valid = match std::str::from_utf8(rest) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or(""),
            };
            if !valid.is_empty() {
                piece(Piece::Text(valid));
            }
            rest = &rest[valid.len()..];
            let Some(&first) = rest.first() else {
                return;
            };
            let most = announced(first);
            let taken = rest.iter().take(most).take_while(|byte| !byte.is_ascii());
            let taken = taken.count();
            if taken < most && taken == rest.len() {
                self.pending[..taken].copy_from_slice(rest);
                self.len = taken;
                return;
            }
            piece(Piece::Invalid(taken));
            rest = &rest[taken..];
        }
    }

    /// Ends the stream: an incomplete character becomes one U+FFFD; tmux would
    /// show nothing of it.
    pub fn finish(&mut self, mut text: impl FnMut(&str)) {
        if self.len > 0 && self.invalid == InvalidBytes::Unicode {
            text(REPLACEMENT);
        }
        self.len = 0;
    }
}

/// How many bytes the character has that starts with `first` (`utf8_open`); 1
/// where that starts none.
fn announced(first: u8) -> usize {
    match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
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

        #[test]
        fn any_cut_shows_the_same_as_in_tmux(bytes in nasty(), size in 1usize..9, shown: bool) {
            prop_assert_eq!(as_tmux(bytes.chunks(size), shown), as_tmux([bytes.as_slice()], shown));
        }
    }

    fn as_tmux<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, shown: bool) -> String {
        let mut carry = Utf8Carry::new().with_invalid(InvalidBytes::Tmux { shown });
        let mut all = String::new();
        for chunk in chunks {
            carry.push(chunk, |piece| all.push_str(piece));
        }
        carry.finish(|piece| all.push_str(piece));
        all
    }

    /// What tmux 3.3a and 3.7c have shown.
    #[test]
    fn invalid_bytes_show_as_in_tmux() {
        for (bytes, nothing, something) in [
            (&b"<\xe9>"[..], "<>", "<\u{FFFD}>"),
            (b"<\xe2\x82>", "<>", "<\u{FFFD}>"),
            (b"<\xe2\xe2\x82\xac>", "<>", "<\u{FFFD}\u{FFFD}>"),
            (b"<\xf0\x9f\x98>", "<>", "<\u{FFFD}>"),
            (b"<\x80\x80\x80>", "<>", "<\u{FFFD}\u{FFFD}\u{FFFD}>"),
            (b"<\xed\xa0\x80>", "<>", "<\u{FFFD}>"),
            (b"<\xc3(>", "<(>", "<\u{FFFD}(>"),
            (b"<\xff\xfe>", "<>", "<\u{FFFD}\u{FFFD}>"),
            (b"<\xe2\xc3\xa9z>", "<z>", "<\u{FFFD}z>"),
            (b"<\xc0\xafq>", "<q>", "<\u{FFFD}\u{FFFD}q>"),
            (b"<\xe2\x82\xac>\xe2", "<\u{20ac}>", "<\u{20ac}>"),
        ] {
            assert_eq!(as_tmux([bytes], false), nothing, "{bytes:?}");
            assert_eq!(as_tmux([bytes], true), something, "{bytes:?}");
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
