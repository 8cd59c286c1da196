//! Which three bytes in a row stand in a text: what a search asks before it unpacks
//! anything.
//!
//! Each three bytes of a line, in lower case, turn on one of 2^16 bits. A text that
//! lacks a bit of what is looked for cannot have it. Letters beyond ASCII that have
//! two cases are left out, on both sides, so that any way of folding them fits.

/// Bits of a text, and the bytes that they take.
pub(super) const BITS: usize = 1 << 16;
pub(super) const BYTES: usize = BITS / 8;

/// A text as it is told: ASCII in lower case, and a byte that stands in no text for
/// each letter beyond ASCII that has another case.
pub fn fold(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.reserve(text.len());
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid();
        if valid.is_ascii() {
            out.extend(valid.bytes().map(|byte| byte.to_ascii_lowercase()));
        } else {
            for c in valid.chars() {
                match c {
                    _ if c.is_ascii() => out.push(c.to_ascii_lowercase() as u8),
                    // In some foldings these are the ASCII letters.
                    '\u{212a}' => out.push(b'k'),
                    '\u{17f}' => out.push(b's'),
                    _ if has_case(c) => out.push(NO_GRAM),
                    _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
        }
        out.extend(chunk.invalid().iter().map(|_| NO_GRAM));
    }
}

/// Stands for what no gram may have in it.
const NO_GRAM: u8 = 0xff;

/// Whether a character is, in some folding, the same as another one.
fn has_case(c: char) -> bool {
    c.is_alphabetic() && (c.is_lowercase() || c.is_uppercase())
        || !c.to_lowercase().eq([c])
        || !c.to_uppercase().eq([c])
}

fn is_gram(gram: &[u8]) -> bool {
    !gram.iter().any(|byte| *byte == NO_GRAM || *byte == b'\n')
}

fn bit(gram: &[u8]) -> u16 {
    let number = u32::from(gram[0]) << 16 | u32::from(gram[1]) << 8 | u32::from(gram[2]);
    (number.wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// Turns on the bits of a folded text.
pub(super) fn add(folded: &[u8], bits: &mut [u8]) {
    for gram in folded.windows(3) {
        if is_gram(gram) {
            let bit = usize::from(bit(gram));
            bits[bit / 8] |= 1 << (bit % 8);
        }
    }
}

/// What a text must have so that it can have what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing is known: every text must be looked at.
    Anything,
    /// These bits, all of them.
    Bits(Vec<u16>),
    All(Vec<Wanted>),
    Any(Vec<Wanted>),
}

impl Wanted {
    /// A text in which `literal` stands.
    pub fn literal(literal: &[u8]) -> Wanted {
        let mut folded = Vec::new();
        fold(literal, &mut folded);
        let mut bits: Vec<u16> = folded
            .windows(3)
            .filter(|gram| is_gram(gram))
            .map(bit)
            .collect();
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
    pub(super) fn bits(&self, out: &mut Vec<u16>) {
        match self {
            Wanted::Anything => {}
            Wanted::Bits(bits) => out.extend(bits),
            Wanted::All(parts) | Wanted::Any(parts) => parts.iter().for_each(|part| part.bits(out)),
        }
    }

    /// Of 128 texts, those that can have it; `column` says which of them have a bit.
    pub(super) fn fitting(&self, column: &impl Fn(u16) -> u128) -> u128 {
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
    use super::*;

    fn may_have(text: &str, wanted: &Wanted) -> bool {
        let (mut folded, mut bits) = (Vec::new(), vec![0; BYTES]);
        fold(text.as_bytes(), &mut folded);
        add(&folded, &mut bits);
        let column = |bit: u16| u128::from(bits[usize::from(bit) / 8] >> (bit % 8) & 1);
        wanted.fitting(&column) & 1 == 1
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
        let any = Wanted::any([Wanted::literal(b"needle"), Wanted::literal(b"next")]);
        assert!(may_have(text, &any));
        let all = Wanted::all([Wanted::literal(b"needle"), Wanted::literal(b"next")]);
        assert!(!may_have(text, &all));
    }
}
