//! Ways in which files get damaged.

use std::ops::Range;

use proptest::prelude::*;

/// One damage to a range of bytes; places are fractions of the length.
#[derive(Clone, Debug)]
pub enum Damage {
    Flip(f64, u8),
    Insert(f64, Vec<u8>),
    Delete(f64, usize),
    Swap(f64, f64, usize),
    Duplicate(f64, usize),
    Zero(f64, usize),
    Concatenate,
    Truncate(f64),
}

impl Damage {
    /// Does the damage. Gives the range of `bytes` after it that was touched.
    pub fn apply(&self, bytes: &mut Vec<u8>) -> Range<usize> {
        let place = |fraction: f64| ((bytes.len() as f64 * fraction) as usize).min(bytes.len());
        let range = |fraction, length: usize| {
            let start = place(fraction);
            start..(start + length).min(bytes.len())
        };
        match self {
            Damage::Flip(at, mask) => {
                let range = range(*at, 1);
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte ^= mask;
                }
                range
            }
            Damage::Insert(at, new) => {
                let at = place(*at);
                bytes.splice(at..at, new.iter().copied());
                at..at + new.len()
            }
            Damage::Delete(at, length) => {
                let range = range(*at, *length);
                bytes.drain(range.clone());
                range.start..range.start
            }
            Damage::Swap(a, b, length) => {
                let (a, b) = (range(*a, *length), range(*b, *length));
                let (first, second) = if a.start <= b.start { (a, b) } else { (b, a) };
                if first.end <= second.start {
                    let swapped = [
                        &bytes[second.clone()],
                        &bytes[first.end..second.start],
                        &bytes[first.clone()],
                    ]
                    .concat();
                    bytes.splice(first.start..second.end, swapped);
                }
                first.start..second.end
            }
            Damage::Duplicate(at, length) => {
                let range = range(*at, *length);
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, copy);
                range.start..range.end + range.len()
            }
            Damage::Zero(at, length) => {
                let range = range(*at, *length);
                bytes[range.clone()].fill(0);
                range
            }
            Damage::Concatenate => {
                let copy = bytes.clone();
                bytes.extend_from_slice(&copy);
                copy.len()..bytes.len()
            }
            Damage::Truncate(at) => {
                let at = place(*at);
                bytes.truncate(at);
                at..at
            }
        }
    }
}

fn nasty_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..6),
        prop::sample::select(vec![
            "\n",
            "\r\n",
            "\n\n",
            "\"",
            "\\",
            "\\u",
            "\\ud83d",
            "\\ude00",
            "[",
            "]",
            "\"]",
            "\"]\n",
            "[1.0, \"o\", \"",
            "[0.5, \"o\", \"x\"]",
            "{\"version\": 2, \"width\": 9, \"height\": 9}\n",
            "{",
            "}",
            "NaN",
            "-",
            "e400",
            "\u{feff}",
            "\t",
            "# x\n",
            ",",
            " ",
            "\0\0\0",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

/// Any damage.
pub fn damage() -> impl Strategy<Value = Damage> {
    let at = 0.0f64..1.0;
    prop_oneof![
        4 => (at.clone(), 1u8..=255).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        4 => (at.clone(), nasty_bytes()).prop_map(|(at, new)| Damage::Insert(at, new)),
        3 => (at.clone(), 1usize..60).prop_map(|(at, length)| Damage::Delete(at, length)),
        2 => (at.clone(), at.clone(), 1usize..40).prop_map(|(a, b, length)| Damage::Swap(a, b, length)),
        2 => (at.clone(), 1usize..90).prop_map(|(at, length)| Damage::Duplicate(at, length)),
        2 => (at.clone(), 1usize..60).prop_map(|(at, length)| Damage::Zero(at, length)),
        1 => Just(Damage::Concatenate),
        1 => at.prop_map(Damage::Truncate),
    ]
}
