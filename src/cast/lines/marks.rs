//! Stage one of reading: where the quotes and line ends of a block are, and
//! where it is out of the ordinary.
//!
//! Works on 64 bytes at a time as bit masks, without looking at what the lines
//! mean. A *mark* is a newline, or a quote that no backslash escapes. A word
//! (64 bytes) is *flagged* when it may hold what no JSON string may: a control
//! character, a bad escape, a surrogate. Flags err on the safe side: a flagged
//! line is read again with care, a line without a flag needs no second look.
//!
//! Invariant: the block starts at the start of a line, so no escape is open.

use std::sync::OnceLock;

/// Bytes to a word.
const WORD: usize = 64;

/// What stage one found; kept from block to block for its buffers.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Offsets of newlines and unescaped quotes, ascending.
    pub(super) at: Vec<u32>,
    /// Indices of the 64-byte words that need a careful look, ascending.
    pub(super) flagged: Vec<u32>,
    /// Whether any byte is not ASCII.
    pub(super) beyond_ascii: bool,
}

/// Bit masks of one word: bit `i` stands for byte `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Masks {
    newline: u64,
    quote: u64,
    backslash: u64,
    /// Below space.
    control: u64,
    /// Not ASCII.
    high: u64,
}

/// More masks, only asked for where there are backslashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct EscapeMasks {
    /// May follow a backslash.
    simple: u64,
    /// Hexadecimal digits.
    hex: u64,
    /// `u`, the escape with four digits.
    u: u64,
    /// `d` and `D`, with which surrogates start.
    d: u64,
}

/// What an escape leaves over for the next word.
#[derive(Clone, Copy, Debug, Default)]
struct Carry {
    /// 1 when the next word's first byte is escaped.
    escaped: u64,
    /// Which of the next word's first four bytes must be hexadecimal.
    hex: u64,
    /// 1 when the next word's first byte is the first of those digits.
    first_hex: u64,
}

impl Marks {
    /// Scans `block`, which starts at the start of a line and is shorter than
    /// 4 GiB.
    pub(super) fn scan(&mut self, block: &[u8]) {
        self.at.clear();
        self.flagged.clear();
        self.beyond_ascii = false;
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: the processor has AVX2, as just asked.
            unsafe { self.scan_avx2(block) };
            return;
        }
        self.scan_words(block, portable::masks, portable::escape_masks);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn scan_avx2(&mut self, block: &[u8]) {
        self.scan_words(
            block,
            |word| avx2::masks(word),
            |word| avx2::escape_masks(word),
        );
    }

    #[inline(always)]
    fn scan_words(
        &mut self,
        block: &[u8],
        masks: impl Fn(&[u8; WORD]) -> Masks,
        escape_masks: impl Fn(&[u8; WORD]) -> EscapeMasks,
    ) {
        let mut carry = Carry::default();
        let mut high = 0;
        let mut words = block.chunks_exact(WORD);
        let mut index = 0u32;
        for word in &mut words {
            let word: &[u8; WORD] = word.try_into().expect("chunks_exact gives whole words");
            high |= self.word(index, word, &mut carry, &masks, &escape_masks);
            index += 1;
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            // Padded with what is never marked or flagged, but an escape that
            // the end of the block cuts is: a space is no escape.
            let mut word = [b' '; WORD];
            word[..rest.len()].copy_from_slice(rest);
            high |= self.word(index, &word, &mut carry, &masks, &escape_masks);
        } else if (carry.escaped | carry.hex) != 0 && index > 0 {
            self.flag(index - 1);
        }
        self.beyond_ascii = high != 0;
    }

    #[inline(always)]
    fn word(
        &mut self,
        index: u32,
        word: &[u8; WORD],
        carry: &mut Carry,
        masks: &impl Fn(&[u8; WORD]) -> Masks,
        escape_masks: &impl Fn(&[u8; WORD]) -> EscapeMasks,
    ) -> u64 {
        let m = masks(word);
        let mut trouble = m.control & !m.newline;
        let mut marks = m.quote | m.newline;
        if (m.backslash | carry.escaped | carry.hex) != 0 {
            let escaped = escaped(m.backslash, carry);
            let e = escape_masks(word);
            let u = escaped & e.u;
            let digits = u << 1 | u << 2 | u << 3 | u << 4 | carry.hex;
            let first_digit = u << 1 | carry.first_hex;
            carry.hex = u >> 63 | u >> 62 | u >> 61 | u >> 60;
            carry.first_hex = u >> 63;
            trouble |= escaped & !e.simple | digits & !e.hex | first_digit & e.d;
            marks = m.quote & !escaped | m.newline;
        }
        if trouble != 0 {
            self.flag(index);
        }
        let base = index * WORD as u32;
        while marks != 0 {
            self.at.push(base + marks.trailing_zeros());
            marks &= marks - 1;
        }
        m.high
    }

    fn flag(&mut self, index: u32) {
        self.flagged.push(index);
    }
}

/// Which bytes of a word a backslash escapes.
#[inline(always)]
fn escaped(backslash: u64, carry: &mut Carry) -> u64 {
    let lead = backslash & !carry.escaped;
    if lead & (lead << 1) == 0 {
        // No two in a row: each one that is not itself escaped escapes.
        let escaped = lead << 1 | carry.escaped;
        carry.escaped = lead >> 63;
        return escaped;
    }
    let mut escaped = carry.escaped;
    carry.escaped = 0;
    let mut rest = lead;
    while rest != 0 {
        let at = rest.trailing_zeros();
        if at == 63 {
            carry.escaped = 1;
            break;
        }
        escaped |= 2 << at;
        rest &= !(3 << at);
    }
    escaped
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
    })
}

/// What follows a backslash, by nibbles: a byte is a simple escape where the
/// low four bits of `LOW[byte & 15] & HIGH[byte >> 4]` are not all zero, and a
/// hexadecimal digit where the high four are not.
mod nibbles {
    pub(super) const LOW: [u8; 16] = [
        0x10, 0x70, 0x7d, 0x70, 0x78, 0x78, 0x74, 0x10, 0x10, 0x10, 0, 0, 0x02, 0, 0x04, 0x01,
    ];
    pub(super) const HIGH: [u8; 16] = [
        0, 0, 0x01, 0x10, 0x20, 0x02, 0x44, 0x08, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{EscapeMasks, Masks, WORD, nibbles};
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(word: &[u8; WORD]) -> [__m256i; 2] {
        // SAFETY: both halves lie within the 64 bytes; loadu needs no alignment.
        unsafe {
            [
                _mm256_loadu_si256(word.as_ptr().cast()),
                _mm256_loadu_si256(word.as_ptr().add(32).cast()),
            ]
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn bits(halves: [__m256i; 2]) -> u64 {
        let low = _mm256_movemask_epi8(halves[0]) as u32;
        let high = _mm256_movemask_epi8(halves[1]) as u32;
        u64::from(high) << 32 | u64::from(low)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal(word: [__m256i; 2], byte: u8) -> u64 {
        let byte = _mm256_set1_epi8(byte as i8);
        bits([
            _mm256_cmpeq_epi8(word[0], byte),
            _mm256_cmpeq_epi8(word[1], byte),
        ])
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn masks(word: &[u8; WORD]) -> Masks {
        let word = load(word);
        let space = _mm256_set1_epi8(0x20);
        let printable = bits([
            _mm256_cmpeq_epi8(_mm256_max_epu8(word[0], space), word[0]),
            _mm256_cmpeq_epi8(_mm256_max_epu8(word[1], space), word[1]),
        ]);
        Masks {
            newline: equal(word, b'\n'),
            quote: equal(word, b'"'),
            backslash: equal(word, b'\\'),
            control: !printable,
            high: bits(word),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn escape_masks(word: &[u8; WORD]) -> EscapeMasks {
        let word = load(word);
        // SAFETY: the tables are 16 bytes long; loadu needs no alignment.
        let (low, high) = unsafe {
            (
                _mm256_broadcastsi128_si256(_mm_loadu_si128(nibbles::LOW.as_ptr().cast())),
                _mm256_broadcastsi128_si256(_mm_loadu_si128(nibbles::HIGH.as_ptr().cast())),
            )
        };
        let nibble = _mm256_set1_epi8(0x0f);
        let zero = _mm256_setzero_si256();
        let class = word.map(|half| {
            let by_low = _mm256_shuffle_epi8(low, _mm256_and_si256(half, nibble));
            let shifted = _mm256_and_si256(_mm256_srli_epi16(half, 4), nibble);
            _mm256_and_si256(by_low, _mm256_shuffle_epi8(high, shifted))
        });
        let without = |mask: u8| {
            let mask = _mm256_set1_epi8(mask as i8);
            bits(class.map(|half| _mm256_cmpeq_epi8(_mm256_and_si256(half, mask), zero)))
        };
        let lower = word.map(|half| _mm256_or_si256(half, _mm256_set1_epi8(0x20)));
        EscapeMasks {
            simple: !without(0x0f),
            hex: !without(0xf0),
            u: equal(word, b'u'),
            d: equal(lower, b'd'),
        }
    }
}

mod portable {
    use super::{EscapeMasks, Masks, WORD, nibbles};

    #[inline]
    fn mask(word: &[u8; WORD], is: impl Fn(u8) -> bool) -> u64 {
        let mut bits = 0;
        for (i, &byte) in word.iter().enumerate() {
            bits |= u64::from(is(byte)) << i;
        }
        bits
    }

    #[inline]
    pub(super) fn masks(word: &[u8; WORD]) -> Masks {
        Masks {
            newline: mask(word, |b| b == b'\n'),
            quote: mask(word, |b| b == b'"'),
            backslash: mask(word, |b| b == b'\\'),
            control: mask(word, |b| b < 0x20),
            high: mask(word, |b| b >= 0x80),
        }
    }

    #[inline]
    pub(super) fn escape_masks(word: &[u8; WORD]) -> EscapeMasks {
        let class = |b: u8| nibbles::LOW[usize::from(b & 15)] & nibbles::HIGH[usize::from(b >> 4)];
        EscapeMasks {
            simple: mask(word, |b| class(b) & 0x0f != 0),
            hex: mask(word, |b| class(b) & 0xf0 != 0),
            u: mask(word, |b| b == b'u'),
            d: mask(word, |b| b | 0x20 == b'd'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The plain reading of the rules at the head of this file.
    fn expected_marks(block: &[u8]) -> Vec<u32> {
        let mut marks = Vec::new();
        let mut escaped = false;
        for (at, &byte) in block.iter().enumerate() {
            if byte == b'\n' || byte == b'"' && !escaped {
                marks.push(at as u32);
            }
            escaped = byte == b'\\' && !escaped;
        }
        marks
    }

    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => prop::sample::select(b"\\\"u0dDfFn[] ,\n".to_vec()),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..400)
    }

    #[test]
    fn the_tables_hold_what_json_says() {
        for byte in 0..=255u8 {
            let masks = portable::escape_masks(&[byte; WORD]);
            assert_eq!(
                masks.simple != 0,
                b"\"\\/bfnrtu".contains(&byte),
                "{byte:#x}"
            );
            assert_eq!(masks.hex != 0, byte.is_ascii_hexdigit(), "{byte:#x}");
        }
    }

    proptest! {
        #[test]
        fn marks_are_newlines_and_bare_quotes(block in noise()) {
            let mut marks = Marks::default();
            marks.scan(&block);
            prop_assert_eq!(&marks.at, &expected_marks(&block));
        }

        #[test]
        fn both_ways_to_scan_agree(block in noise()) {
            let (mut fast, mut plain) = (Marks::default(), Marks::default());
            fast.scan(&block);
            plain.scan_words(&block, portable::masks, portable::escape_masks);
            prop_assert_eq!(fast.at, plain.at);
            prop_assert_eq!(fast.flagged, plain.flagged);
        }

        #[test]
        fn a_string_without_flags_is_json(text in noise()) {
            let mut text = text;
            text.retain(|b| *b != b'\n' && *b != b'"' && b.is_ascii());
            let line = [b"\"".as_slice(), &text, b"\"\n"].concat();
            let mut marks = Marks::default();
            marks.scan(&line);
            if marks.flagged.is_empty() && marks.at.len() == 3 {
                prop_assert!(serde_json::from_slice::<String>(&line).is_ok());
            }
        }
    }
}
