//! Which bytes in a row stand in a text: what a search asks before it unpacks anything.
//!
//! Each three bytes of a line, in lower case, turn on one of 2^16 bits. A text that
//! lacks a bit of what is looked for cannot have it. Letters beyond ASCII that have
//! two cases are left out, on both sides, so that any way of folding them fits.
//!
//! Of numbers and hashes any three digits stand in nearly every text. So each five
//! hexadecimal digits, one of them decimal, turn on one of 2^14 bits of their own.

use std::sync::atomic::{AtomicU8, Ordering};

/// Bits for three bytes, and behind them those for five digits.
const THREES: u32 = 1 << 16;
const FIVES: u32 = 1 << 14;

/// Bits of a text, and the bytes that they take.
pub(super) const BITS: usize = (THREES + FIVES) as usize;
pub(super) const BYTES: usize = BITS / 8;

/// A text as it is told: ASCII in lower case, and a byte that stands in no text for
/// each letter beyond ASCII that has another case.
fn fold(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.reserve(text.len());
    if let Ok(text) = simdutf8::basic::from_utf8(text) {
        return fold_valid(text, out);
    }
    for chunk in text.utf8_chunks() {
        fold_valid(chunk.valid(), out);
        out.extend(chunk.invalid().iter().map(|_| NO_GRAM));
    }
}

fn fold_valid(mut rest: &str, out: &mut Vec<u8>) {
    while !rest.is_empty() {
        let (plain, beyond) = rest.split_at(ascii_length(rest.as_bytes()));
        let start = out.len();
        out.extend_from_slice(plain.as_bytes());
        out[start..].make_ascii_lowercase();
        rest = fold_beyond(beyond, out);
    }
}

/// Folds what is not ASCII at the start; gives what is left.
fn fold_beyond<'a>(text: &'a str, out: &mut Vec<u8>) -> &'a str {
    let threes = text.as_bytes().as_chunks::<3>().0.iter();
    let caseless = threes.take_while(|bytes| is_caseless(**bytes));
    let (caseless, rest) = text.split_at(3 * caseless.count());
    out.extend_from_slice(caseless.as_bytes());
    let mut chars = rest.chars();
    if let Some(c) = chars.next().filter(|c| !c.is_ascii()) {
        fold_char(c, out);
        return chars.as_str();
    }
    rest
}

/// Whether three bytes of UTF-8 are a character of U+2500 to U+2BFF, such as lines, or
/// of U+3000 to U+9FFF, that is most of CJK: none of these has a case.
fn is_caseless([first, second, _]: [u8; 3]) -> bool {
    (0xe3..=0xe9).contains(&first) || first == 0xe2 && (0x94..=0xaf).contains(&second)
}

/// How many bytes at the start are ASCII.
fn ascii_length(bytes: &[u8]) -> usize {
    const AT_ONCE: usize = 32;
    let chunks = bytes.chunks_exact(AT_ONCE);
    let plain = AT_ONCE * chunks.take_while(|chunk| chunk.is_ascii()).count();
    plain + bytes[plain..].iter().take_while(|b| b.is_ascii()).count()
}

fn fold_char(c: char, out: &mut Vec<u8>) {
    match c {
        // In some foldings these are the ASCII letters.
        '\u{212a}' => out.push(b'k'),
        '\u{17f}' => out.push(b's'),
        _ if is_cased(c) => out.push(NO_GRAM),
        _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Stands for what no gram may have in it.
const NO_GRAM: u8 = 0xff;

/// From here on no character has a case: emoji and CJK.
const CASELESS: char = '\u{1f1e6}';

/// The same as [`has_case`], told quickly.
fn is_cased(c: char) -> bool {
    const CASED: u8 = 1;
    const UNCASED: u8 = 2;
    /// Of the characters that were asked for.
    static KNOWN: [AtomicU8; 1 << 16] = [const { AtomicU8::new(0) }; 1 << 16];
    let Some(known) = KNOWN.get(c as usize) else {
        return c < CASELESS && has_case(c);
    };
    match known.load(Ordering::Relaxed) {
        0 => {
            let is_cased = has_case(c);
            let answer = if is_cased { CASED } else { UNCASED };
            known.store(answer, Ordering::Relaxed);
            is_cased
        }
        answer => answer == CASED,
    }
}

/// Whether a character is, in some folding, the same as another one.
fn has_case(c: char) -> bool {
    c.is_alphabetic() && (c.is_lowercase() || c.is_uppercase())
        || !c.to_lowercase().eq([c])
        || !c.to_uppercase().eq([c])
}

fn bit_of(three: u32) -> u32 {
    three.wrapping_mul(0x9e37_79b1) >> 16
}

/// Calls `take` with the bits of a folded text.
#[inline]
fn each_bit(folded: &[u8], mut take: impl FnMut(u32)) {
    let mut start = 0;
    let ends = memchr::memchr2_iter(b'\n', NO_GRAM, folded);
    for end in ends.chain([folded.len()]) {
        let line = &folded[start..end];
        // With the byte behind each three, that are four, which are read at once.
        let fours = folded[start..].get(..line.len() + 1).unwrap_or(line);
        for four in fours.windows(4) {
            let four = <[u8; 4]>::try_from(four).unwrap_or_default();
            take(bit_of(u32::from_be_bytes(four) >> 8));
        }
        if fours.len() == line.len()
            && let Some([a, b, c]) = line.last_chunk()
        {
            take(bit_of(u32::from_be_bytes([0, *a, *b, *c])));
        }
        start = end + 1;
    }
    // No line's end is a digit.
    each_five(folded, &mut take);
}

/// Calls `take` with the bits of each five digits in a row.
#[inline]
fn each_five(text: &[u8], take: &mut impl FnMut(u32)) {
    const DIGITS: [bool; 256] = {
        let (mut digits, mut at) = ([false; 256], 0);
        while at < 256 {
            digits[at] = matches!(at as u8, b'0'..=b'9' | b'a'..=b'f');
            at += 1;
        }
        digits
    };
    let is_digit = |byte: &u8| DIGITS[usize::from(*byte)];
    // Five in a row have one at each fifth place.
    let mut at = 4;
    while let Some(byte) = text.get(at) {
        if !is_digit(byte) {
            at += 5;
            continue;
        }
        let before = text[..at].iter().rev().take_while(|b| is_digit(b)).count();
        let behind = text[at..].iter().take_while(|b| is_digit(b)).count();
        for five in text[at - before..at + behind].windows(5) {
            if five.iter().any(u8::is_ascii_digit) {
                let five = five.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
                let hash = five.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                take(THREES + (hash as u32 & (FIVES - 1)));
            }
        }
        at += behind + 5;
    }
}

/// Finds the bits of texts.
#[derive(Default)]
pub(super) struct Grams {
    folded: Vec<u8>,
    /// A byte for each bit: that is written without being read, and takes two thirds of
    /// the time.
    seen: Vec<u8>,
}

impl Grams {
    /// The bits that a text turns on.
    pub fn of(&mut self, text: &[u8]) -> Box<[u8; BYTES]> {
        fold(text, &mut self.folded);
        self.seen.clear();
        self.seen.resize(BITS, 0);
        let seen = &mut self.seen[..BITS];
        each_bit(&self.folded, |bit| seen[bit as usize] = 1);
        let mut bits = Box::new([0; BYTES]);
        for (byte, eight) in bits.iter_mut().zip(seen.as_chunks::<8>().0) {
            *byte = gather(u64::from_le_bytes(*eight));
        }
        bits
    }
}

/// The lowest bits of eight bytes, that of the lowest byte in the lowest place. No other
/// bit of them may be on.
pub(super) fn gather(eight: u64) -> u8 {
    (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// What a text must have so that it can have what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing is known: every text must be looked at.
    Anything,
    /// These bits, all of them.
    Bits(Vec<u32>),
    All(Vec<Wanted>),
    Any(Vec<Wanted>),
}

impl Wanted {
    /// A text in which `literal` stands.
    pub fn literal(literal: &[u8]) -> Wanted {
        let mut folded = Vec::new();
        fold(literal, &mut folded);
        let mut bits = Vec::new();
        each_bit(&folded, |bit| bits.push(bit));
        bits.sort_unstable();
        bits.dedup();
        match bits.is_empty() {
            true => Wanted::Anything,
            false => Wanted::Bits(bits),
        }
    }

    pub fn all(parts: impl IntoIterator<Item = Wanted>) -> Wanted {
        let parts = parts.into_iter().filter(|part| *part != Wanted::Anything);
        let mut parts: Vec<Wanted> = parts.collect();
        match parts.len() {
            0 => Wanted::Anything,
            1 => parts.remove(0),
            _ => Wanted::All(parts),
        }
    }

    pub fn any(parts: impl IntoIterator<Item = Wanted>) -> Wanted {
        let mut parts: Vec<Wanted> = parts.into_iter().collect();
        match parts.len() {
            1 => parts.remove(0),
            _ if parts.contains(&Wanted::Anything) || parts.is_empty() => Wanted::Anything,
            _ => Wanted::Any(parts),
        }
    }

    /// All bits that count.
    pub(super) fn bits(&self, out: &mut Vec<u32>) {
        match self {
            Wanted::Anything => {}
            Wanted::Bits(bits) => out.extend(bits),
            Wanted::All(parts) | Wanted::Any(parts) => parts.iter().for_each(|part| part.bits(out)),
        }
    }

    /// Of 128 texts, those that can have it; `column` says which of them have a bit.
    pub(super) fn fitting(&self, column: &impl Fn(u32) -> u128) -> u128 {
        match self {
            Wanted::Anything => u128::MAX,
            Wanted::Bits(bits) => bits.iter().fold(u128::MAX, |all, bit| all & column(*bit)),
            Wanted::All(parts) => {
                let parts = parts.iter().map(|part| part.fitting(column));
                parts.fold(u128::MAX, |all, part| all & part)
            }
            Wanted::Any(parts) => {
                let parts = parts.iter().map(|part| part.fitting(column));
                parts.fold(0, |all, part| all | part)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn may_have(text: &str, wanted: &Wanted) -> bool {
        let bits = Grams::default().of(text.as_bytes());
        let column = |bit: u32| u128::from(bits[bit as usize / 8] >> (bit % 8) & 1);
        wanted.fitting(&column) & 1 == 1
    }

    /// As the head of this module says it, byte by byte.
    fn plainly(folded: &[u8]) -> HashSet<u32> {
        let mut bits = HashSet::new();
        for (at, _) in folded.iter().enumerate() {
            let ends_line = |byte: &u8| *byte == b'\n' || *byte == NO_GRAM;
            if let Some(three) = folded.get(at..at + 3).filter(|t| !t.iter().any(ends_line)) {
                let three = u32::from_be_bytes([0, three[0], three[1], three[2]]);
                bits.insert(three.wrapping_mul(0x9e37_79b1) >> 16);
            }
            let is_hex = |byte: &u8| byte.is_ascii_hexdigit();
            if let Some(five) = folded.get(at..at + 5).filter(|f| f.iter().all(is_hex))
                && five.iter().any(u8::is_ascii_digit)
            {
                let number = five
                    .iter()
                    .fold(0u64, |all, byte| all << 8 | u64::from(*byte));
                let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                bits.insert(THREES + (hash as u32 & (FIVES - 1)));
            }
        }
        bits
    }

    #[test]
    fn the_bits_are_those_of_each_three_bytes_and_each_five_digits() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let letters: Vec<char> = "019afgzA Z\n\u{e9}漢".chars().collect();
            let text: String = (0..random.usize(..60))
                .map(|_| letters[random.usize(..letters.len())])
                .collect();
            let mut folded = Vec::new();
            fold(text.as_bytes(), &mut folded);
            let mut bits = HashSet::new();
            each_bit(&folded, |bit| _ = bits.insert(bit));
            assert_eq!(bits, plainly(&folded), "{text:?}");
        }
    }

    #[test]
    fn what_has_a_case_is_known() {
        assert!(('\0'..=char::MAX).all(|c| is_cased(c) == has_case(c)));
        for c in ('\u{800}'..='\u{ffff}').filter(|c| has_case(*c)) {
            let mut bytes = [0; 3];
            c.encode_utf8(&mut bytes);
            assert!(!is_caseless(bytes), "{c:?}");
        }
    }

    #[test]
    fn what_stands_in_a_text_is_never_ruled_out() {
        let text = "Straße ΑΒΓδ 漢字かな K\u{212a}elvin \u{17f}o\nnext";
        for (at, _) in text.char_indices() {
            for (end, _) in text[at..].char_indices() {
                let part = &text[at..at + end];
                if part.contains('\n') {
                    continue;
                }
                for part in [
                    part.to_owned(),
                    part.to_lowercase(),
                    part.to_ascii_uppercase(),
                ] {
                    assert!(
                        may_have(text, &Wanted::literal(part.as_bytes())),
                        "{part:?}"
                    );
                }
            }
        }
        assert!(!may_have(text, &Wanted::literal(b"needle")));
        assert!(!may_have(text, &Wanted::literal(b"nexus")));
        // Numbers of which each three digits stand there, but not each five.
        let numbers = "10293 84756 0192f 92 f192 1234";
        for there in ["10293", "84756", "192F", "92", "4756", "0192f"] {
            assert!(
                may_have(numbers, &Wanted::literal(there.as_bytes())),
                "{there}"
            );
        }
        let wanted = Wanted::literal(b"475601");
        assert!(!may_have(&format!("{numbers} 5601 560 601"), &wanted));
        let any = Wanted::any([Wanted::literal(b"needle"), Wanted::literal(b"next")]);
        assert!(may_have(text, &any));
        let all = Wanted::all([Wanted::literal(b"needle"), Wanted::literal(b"next")]);
        assert!(!may_have(text, &all));
    }
}
