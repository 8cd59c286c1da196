//! The text of an event as it stands in a cast: the inside of a JSON string.

use std::borrow::Cow;
use std::fmt;

use super::json::escape_into;

/// How many bytes are looked at together for backslashes.
const BLOCK: usize = 64;

/// How many bytes are copied together, the last ones of a run as well: up to
/// this many may be read and written beyond it.
const COPIED: usize = 16;

/// The text of an event, not decoded yet: readers that only want times, codes
/// or some of the events do not pay for the rest.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    raw: &'a [u8],
    form: Form,
}

/// What the bytes of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The inside of a JSON string with nothing wrong.
    Sound,
    /// The same, but it may have anything wrong.
    Loose,
    /// The text itself, in UTF-8.
    Plain,
}

/// Memory for decoded text, used again and again.
#[derive(Debug, Default)]
pub struct TextBuffer {
    bytes: Vec<u8>,
}

impl<'a> Text<'a> {
    /// The text whose JSON string has `raw` between its quotes, whatever that is.
    pub(in crate::cast) fn loose(raw: &'a [u8]) -> Text<'a> {
        Text {
            raw,
            form: Form::Loose,
        }
    }

    /// The same where `raw` is known to be the inside of a JSON string: UTF-8
    /// in which each backslash starts an escape, none of them half a surrogate
    /// pair.
    pub(in crate::cast) fn sound(raw: &'a [u8]) -> Text<'a> {
        Text {
            raw,
            form: Form::Sound,
        }
    }

    pub(crate) fn plain(text: &'a str) -> Text<'a> {
        Text {
            raw: text.as_bytes(),
            form: Form::Plain,
        }
    }

    /// Appends the text as the inside of a JSON string; what is one already is
    /// only copied.
    pub(in crate::cast) fn push_json(self, buffer: &mut TextBuffer, out: &mut Vec<u8>) {
        match self.form {
            Form::Sound => out.extend_from_slice(self.raw),
            _ => escape_into(self.decode(buffer), out),
        }
    }

    /// The bytes as they stand in the file: of a cast, those between the quotes.
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// The text; borrowed where nothing in it is escaped.
    ///
    /// What is no text in a damaged cast stands for itself or becomes U+FFFD,
    /// as repair writes it.
    #[must_use]
    pub fn to_str(self) -> Cow<'a, str> {
        let mut buffer = TextBuffer::default();
        match self.decode(&mut buffer) {
            text if std::ptr::eq(text.as_ptr(), self.raw.as_ptr()) => {
                String::from_utf8_lossy(self.raw)
            }
            text => Cow::Owned(text.to_owned()),
        }
    }

    /// The text, as [`Text::to_str`] gives it, decoded into `buffer` where that
    /// is needed.
    #[must_use]
    pub fn decode<'b>(self, buffer: &'b mut TextBuffer) -> &'b str
    where
        'a: 'b,
    {
        let first = match self.form {
            Form::Plain => None,
            Form::Sound | Form::Loose => memchr::memchr(b'\\', self.raw),
        };
        if self.form != Form::Loose {
            let text = match first {
                None => self.raw,
                Some(first) => {
                    let length = unescape(self.raw, first, &mut buffer.bytes);
                    &buffer.bytes[..length]
                }
            };
            debug_assert!(std::str::from_utf8(text).is_ok());
            // SAFETY: a plain text is a `str`. A sound one is the inside of a
            // JSON string, whose characters were checked and whose escapes
            // stand for characters, as the reader knows that called it sound.
            return unsafe { std::str::from_utf8_unchecked(text) };
        }
        let length = match first {
            None => match simdutf8::basic::from_utf8(self.raw) {
                Ok(text) => return text,
                Err(_) => {
                    buffer.bytes.clear();
                    buffer.bytes.extend_from_slice(self.raw);
                    self.raw.len()
                }
            },
            Some(first) => unescape(self.raw, first, &mut buffer.bytes),
        };
        if simdutf8::basic::from_utf8(&buffer.bytes[..length]).is_err() {
            let text = String::from_utf8_lossy(&buffer.bytes[..length]).into_owned();
            buffer.bytes = text.into_bytes();
            return simdutf8::basic::from_utf8(&buffer.bytes).unwrap_or_default();
        }
        // SAFETY: just checked. (A `from_utf8` whose result is returned here
        // would borrow the buffer for the other way, too.)
        unsafe { std::str::from_utf8_unchecked(&buffer.bytes[..length]) }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        self.to_str() == other.to_str()
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_str().fmt(f)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.to_str() == other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.to_str() == *other
    }
}

/// What the byte after a backslash stands for; 0 where it is no such escape.
static SIMPLE: [u8; 256] = {
    let mut all = [0; 256];
    all[b'"' as usize] = b'"';
    all[b'\\' as usize] = b'\\';
    all[b'/' as usize] = b'/';
    all[b'b' as usize] = 0x08;
    all[b'f' as usize] = 0x0c;
    all[b'n' as usize] = b'\n';
    all[b'r' as usize] = b'\r';
    all[b't' as usize] = b'\t';
    all
};

/// The values of hexadecimal digits; above 15 for all other bytes.
static HEX: [u8; 256] = {
    let mut all = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        all[b"0123456789abcdef"[digit] as usize] = digit as u8;
        all[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    all
};

/// Puts what `raw` stands for, whose first backslash is at `first`, at the
/// start of `out`, which only ever grows; gives how long it is.
///
/// What an escape stands for is never longer than the escape.
fn unescape(raw: &[u8], first: usize, out: &mut Vec<u8>) -> usize {
    const BEHIND: usize = BLOCK + COPIED;
    if out.len() < raw.len() + BEHIND {
        out.resize(raw.len() + BEHIND, 0);
    }
    out[..first].copy_from_slice(&raw[..first]);
    let (mut at, mut length) = (first, first);
    while at + BEHIND <= raw.len() {
        at += unescape_block(&raw[at..], BLOCK, out, &mut length);
    }
    // The rest, where there is something behind it, which no escape has.
    let mut rest = [0; 2 * BEHIND];
    let left = raw.len().saturating_sub(at);
    rest[..left].copy_from_slice(&raw[raw.len() - left..]);
    let mut at = 0;
    while at < left {
        at += unescape_block(&rest[at..], left - at, out, &mut length);
    }
    length
}

/// Does so with the first `most` bytes, at most a block; gives how many it has
/// done, which are more where an escape ends behind them. At least a block and
/// what is copied together is there.
#[inline(always)]
fn unescape_block(from: &[u8], most: usize, out: &mut [u8], length: &mut usize) -> usize {
    let Some(block) = from.first_chunk::<BLOCK>() else {
        return most;
    };
    let most = most.min(BLOCK);
    let mut marks = backslashes(block) & (u64::MAX >> (BLOCK - most));
    let mut done = 0;
    while marks != 0 {
        let mark = marks.trailing_zeros() as usize;
        copy(from, done, out, *length, mark - done);
        *length += mark - done;
        done = mark + escape(&from[mark..], out, length);
        if done >= BLOCK {
            break;
        }
        marks &= u64::MAX << done;
    }
    if done < most {
        copy(from, done, out, *length, most - done);
        *length += most - done;
        done = most;
    }
    done
}

/// Copies `count` bytes, or up to `COPIED` more.
#[inline(always)]
fn copy(from: &[u8], at: usize, to: &mut [u8], place: usize, count: usize) {
    let mut done = 0;
    while done < count {
        let piece = &from[at + done..at + done + COPIED];
        to[place + done..place + done + COPIED].copy_from_slice(piece);
        done += COPIED;
    }
}

/// Resolves the escape that `raw` starts with, which has as many bytes as are
/// copied together; gives how many of them it takes.
#[inline(always)]
fn escape(raw: &[u8], out: &mut [u8], length: &mut usize) -> usize {
    let Some(start) = raw.first_chunk::<8>() else {
        return any_escape(raw, out, length);
    };
    // What stands in terminal output ten times as often as all others.
    let (byte, used) = if start[..6] == *b"\\u001b" {
        (0x1b, 6)
    } else {
        (SIMPLE[usize::from(start[1])], 2)
    };
    if byte == 0 {
        return any_escape(raw, out, length);
    }
    out[*length] = byte;
    *length += 1;
    used
}

/// The same for one that is rare. A backslash that escapes nothing stands for
/// itself, half a surrogate pair becomes U+FFFD.
#[inline(never)]
fn any_escape(raw: &[u8], out: &mut [u8], length: &mut usize) -> usize {
    let Some(value) = unicode(raw) else {
        out[*length] = b'\\';
        *length += 1;
        return 1;
    };
    if value < 0x80 {
        out[*length] = value as u8;
        *length += 1;
        return 6;
    }
    let low = || unicode(&raw[6..]).filter(|low| (0xdc00..0xe000).contains(low));
    let (character, used) = match (value, low()) {
        (0xd800..0xdc00, Some(low)) => {
            let code = 0x10000 + (u32::from(value - 0xd800) << 10 | u32::from(low - 0xdc00));
            (char::from_u32(code), 12)
        }
        (value, _) => (char::from_u32(value.into()), 6),
    };
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    *length += character.encode_utf8(&mut out[*length..]).len();
    used
}

/// The value of the `\uXXXX` that `raw` starts with.
#[inline(always)]
fn unicode(raw: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = raw.first_chunk::<6>()? else {
        return None;
    };
    let [a, b, c, d] = digits.map(|digit| u16::from(HEX[usize::from(digit)]));
    ((a | b | c | d) < 16).then_some(a << 12 | b << 8 | c << 4 | d)
}

/// A bit for each backslash.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn backslashes(block: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    let mut marks = 0;
    for (part, bytes) in block.chunks_exact(16).enumerate() {
        // SAFETY: every x86-64 has SSE2; sixteen bytes can be read, loadu needs
        // no alignment.
        let mask = unsafe {
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8)))
        };
        marks |= u64::from(mask as u32) << (16 * part);
    }
    marks
}

/// A bit for each backslash.
#[cfg(not(target_arch = "x86_64"))]
fn backslashes(block: &[u8; BLOCK]) -> u64 {
    let bits = block.iter().enumerate();
    bits.fold(0, |bits, (at, byte)| bits | u64::from(*byte == b'\\') << at)
}

/// Where `raw`, which goes on, can be cut so that no escape, surrogate pair or
/// character is cut.
pub(in crate::cast) fn safe_cut(raw: &[u8]) -> usize {
    /// The longest that must not be cut: a surrogate pair.
    const LONGEST: usize = 12;
    let mut at = raw.len().saturating_sub(LONGEST);
    // An even number of backslashes is none that escapes; so start at the first.
    while at > 0 && raw[at - 1] == b'\\' {
        at -= 1;
    }
    while at < raw.len() {
        if raw[at] != b'\\' {
            at += 1;
            continue;
        }
        let rest = &raw[at..];
        let high = unicode(rest).is_some_and(|value| (0xd800..0xdc00).contains(&value));
        let whole = match rest.get(1) {
            None => false,
            Some(b'u') if high => {
                rest.len() >= 12 || !b"\\u".starts_with(&rest[6..rest.len().min(8)])
            }
            Some(b'u') => rest.len() >= 6,
            Some(_) => true,
        };
        if !whole {
            return at;
        }
        at += match rest[1] {
            b'u' if high => 6,
            b'u' if unicode(rest).is_none() => 1,
            b'u' => 6,
            _ => 2,
        };
    }
    raw.len() - super::utf8::torn_end(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw_text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "a",
            "plain text of some length",
            "\\n",
            "\\\\",
            "\\\"",
            "\\/",
            "\\u001b[1m",
            "\\ud83d\\ude00",
            "\\u00e9",
            "é",
            "漢",
            "😀",
            "\\u0000",
            "\\t",
        ]);
        prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat().into_bytes())
    }

    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\\\"ud8c0".to_vec())];
        prop::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn text_is_what_the_library_reads(raw in raw_text()) {
            let json = [b"\"", &raw[..], b"\""].concat();
            let expected: String = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(Text::loose(&raw).to_str(), expected.as_str());
            let mut buffer = TextBuffer::default();
            prop_assert_eq!(Text::loose(b"long\\n before").decode(&mut buffer), "long\n before");
            prop_assert_eq!(Text::loose(&raw).decode(&mut buffer), expected.as_str());
            // The strategy has whole pairs, which the reader calls loose.
            if !expected.contains('😀') {
                prop_assert_eq!(Text::sound(&raw).decode(&mut buffer), expected.as_str());
            }
        }

        #[test]
        fn a_safe_cut_changes_nothing(raw in raw_text(), at in any::<prop::sample::Index>()) {
            let whole = Text::loose(&raw).to_str().into_owned();
            let part = &raw[..at.index(raw.len() + 1)];
            let cut = safe_cut(part);
            prop_assert!(part.len() - cut < 12);
            let first = Text::loose(&raw[..cut]).to_str().into_owned();
            let rest = Text::loose(&raw[cut..]).to_str().into_owned();
            prop_assert_eq!(first + &rest, whole);
        }

        #[test]
        fn anything_is_some_text(raw in noise()) {
            let text = Text::loose(&raw).to_str();
            prop_assert!(text.len() <= raw.len() * 3);
            prop_assert!(safe_cut(&raw) <= raw.len());
        }
    }
}
