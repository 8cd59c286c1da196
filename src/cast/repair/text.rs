//! Repairs the inside of JSON strings.
//!
//! Invariants: what comes out is the inside of a valid JSON string that every
//! reader takes, and text that is one already comes out as it is.

use crate::cast::json::{escape_into, is_blank, text_run};
use crate::cast::utf8::{Piece, Utf8Carry};

/// What stands for text that cannot be known.
const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// An escape of half a surrogate pair, as it is written: `\ud83d`.
pub(super) type Half = [u8; 6];

/// How a repaired text ends and starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RepairedText {
    /// It ends with the first half of a pair, which was not written.
    pub(super) high_at_end: Option<Half>,
    /// Whether anything was changed.
    pub(super) changed: bool,
    /// How much of a torn text was used: not what its end cuts.
    pub(super) used: usize,
}

/// The second half of a pair with which `raw` starts.
pub(super) fn low_at_start(raw: &[u8]) -> Option<Half> {
    match escape(raw) {
        Escape::Unicode(0xdc00..=0xdfff) => raw[..6].try_into().ok(),
        _ => None,
    }
}

/// Appends the raw inside of a string to `out`, repaired.
///
/// `torn` says that the string goes on where `raw` ends: an escape or a
/// character that is cut there is not used, nor is the first half of a pair. Bare quotes are taken as text.
pub(super) fn repair_text(raw: &[u8], torn: bool, out: &mut Vec<u8>) -> RepairedText {
    let mut repaired = RepairedText {
        used: raw.len(),
        ..RepairedText::default()
    };
    let mut at = 0;
    while at < raw.len() {
        let run = text_run(&raw[at..]);
        if run > 0 {
            let to_end = at + run == raw.len();
            let (changed, left) = repair_utf8(&raw[at..at + run], torn && to_end, out);
            repaired.changed |= changed;
            repaired.used -= left;
            at += run;
            continue;
        }
        if raw[at] != b'\\' {
            // A bare quote or a raw control character.
            let text = char::from(raw[at]);
            escape_into(text.encode_utf8(&mut [0; 4]), out);
            repaired.changed = true;
            at += 1;
            continue;
        }
        match escape(&raw[at..]) {
            Escape::Simple => {
                out.extend_from_slice(&raw[at..at + 2]);
                at += 2;
            }
            Escape::Unicode(0xd800..=0xdbff) => {
                if let Escape::Unicode(0xdc00..=0xdfff) = escape(&raw[at + 6..]) {
                    out.extend_from_slice(&raw[at..at + 12]);
                    at += 12;
                } else if torn
                    && (at + 6 == raw.len() || matches!(escape(&raw[at + 6..]), Escape::Cut))
                {
                    repaired.used = at;
                    return repaired;
                } else {
                    repaired.changed = true;
                    if at + 6 == raw.len() {
                        repaired.high_at_end = raw[at..].try_into().ok();
                    } else {
                        out.extend_from_slice(REPLACEMENT);
                    }
                    at += 6;
                }
            }
            Escape::Unicode(0xdc00..=0xdfff) => {
                out.extend_from_slice(REPLACEMENT);
                repaired.changed = true;
                at += 6;
            }
            Escape::Unicode(_) => {
                out.extend_from_slice(&raw[at..at + 6]);
                at += 6;
            }
            Escape::Cut if torn => {
                repaired.used = at;
                return repaired;
            }
            Escape::Bad | Escape::Cut => {
                // The backslash stands for itself.
                out.extend_from_slice(b"\\\\");
                repaired.changed = true;
                at += 1;
            }
        }
    }
    repaired
}

/// Writes a half that found no other half.
pub(super) fn replacement(out: &mut Vec<u8>) {
    out.extend_from_slice(REPLACEMENT);
}

/// Gives whether anything was changed, and how many bytes at the end are the
/// start of a character that a tear cuts.
fn repair_utf8(run: &[u8], torn: bool, out: &mut Vec<u8>) -> (bool, usize) {
    let mut carry = Utf8Carry::new();
    let mut changed = false;
    carry.pieces(run, |piece| match piece {
        Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
        Piece::Invalid(_) => {
            out.extend_from_slice(REPLACEMENT);
            changed = true;
        }
    });
    let cut = carry.pending();
    if cut == 0 || torn {
        return (changed, cut);
    }
    out.extend_from_slice(REPLACEMENT);
    (true, 0)
}

enum Escape {
    /// Two bytes.
    Simple,
    /// Six bytes.
    Unicode(u16),
    /// The input ends inside of it.
    Cut,
    Bad,
}

/// Reads the escape that `raw` starts with.
fn escape(raw: &[u8]) -> Escape {
    if raw.first() != Some(&b'\\') {
        return Escape::Bad;
    }
    match raw.get(1) {
        None => Escape::Cut,
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Escape::Simple,
        Some(b'u') => {
            let digits = &raw[2..raw.len().min(6)];
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return Escape::Bad;
            }
            if digits.len() < 4 {
                return Escape::Cut;
            }
            let value = digits.iter().fold(0, |value, digit| {
                value << 4 | (*digit as char).to_digit(16).unwrap_or(0) as u16
            });
            Escape::Unicode(value)
        }
        Some(_) => Escape::Bad,
    }
}

/// Repairs every string of some JSON text, nothing else.
pub(super) fn repair_strings(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(open) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=open]);
        rest = &rest[open + 1..];
        let end = string_end(rest);
        let repaired = repair_text(&rest[..end], false, &mut out);
        if repaired.high_at_end.is_some() {
            replacement(&mut out);
        }
        rest = &rest[end..];
        if let Some((_, after)) = rest.split_first() {
            out.push(b'"');
            rest = after;
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Where the first quote is that no backslash escapes, or the end.
pub(super) fn string_end(raw: &[u8]) -> usize {
    let mut at = 0;
    while let Some(next) = memchr::memchr2(b'"', b'\\', &raw[at..]) {
        at += next;
        if raw[at] == b'"' {
            return at;
        }
        at += 2;
        if at >= raw.len() {
            break;
        }
    }
    raw.len()
}

/// Where the quote stands after which `raw` has nothing but white space. What
/// lost only its bracket ends so.
pub(super) fn closing_quote(raw: &[u8]) -> Option<usize> {
    let blanks = raw.iter().rev().take_while(|b| is_blank(b)).count();
    let (last, before) = raw[..raw.len() - blanks].split_last()?;
    let escapes = before.iter().rev().take_while(|b| **b == b'\\').count();
    (*last == b'"' && escapes % 2 == 0).then_some(before.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn repaired(raw: &[u8], torn: bool) -> String {
        let mut out = Vec::new();
        if repair_text(raw, torn, &mut out).high_at_end.is_some() {
            out.extend_from_slice(b"<high>");
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn damage_is_repaired() {
        for (raw, text) in [
            (
                &b"plain \\n \\u001b[m \xc3\xa9"[..],
                "plain \\n \\u001b[m é",
            ),
            (b"a\x00b\nc\x1b", "a\\u0000b\\nc\\u001b"),
            (b"say \"hi\"", "say \\\"hi\\\""),
            (b"\xff\xe2\x82x", "\u{FFFD}\u{FFFD}x"),
            (b"\\q \\u12x", "\\\\q \\\\u12x"),
            (b"\\ud83d\\ude00", "\\ud83d\\ude00"),
            (b"\\ud83dx \\ude00", "\u{FFFD}x \u{FFFD}"),
            (b"x\\ud83d", "x<high>"),
        ] {
            assert_eq!(repaired(raw, false), text, "{}", raw.escape_ascii());
        }
        assert_eq!(repaired(b"x\\u00", true), "x");
        assert_eq!(repaired(b"x\\", true), "x");
        assert_eq!(repaired(b"x\xe2\x82", true), "x");
        assert_eq!(repaired(b"x\\", false), "x\\\\");
    }

    proptest! {
        #[test]
        fn anything_becomes_the_inside_of_a_string(
            raw in prop::collection::vec(
                prop_oneof![any::<u8>(), prop::sample::select(b"\\\"ud8c0".to_vec())], 0..60),
            torn in any::<bool>(),
        ) {
            let mut out = vec![b'"'];
            repair_text(&raw, torn, &mut out);
            out.push(b'"');
            prop_assert!(serde_json::from_slice::<String>(&out).is_ok(), "{}", out.escape_ascii());
            let mut again = vec![b'"'];
            let second = repair_text(&out[1..out.len() - 1], torn, &mut again);
            again.push(b'"');
            prop_assert_eq!(again, out);
            prop_assert!(!second.changed);
        }

        #[test]
        fn good_text_stays(text in any::<String>()) {
            let json = serde_json::to_vec(&text).unwrap();
            let mut out = Vec::new();
            let repaired = repair_text(&json[1..json.len() - 1], false, &mut out);
            prop_assert_eq!(&out[..], &json[1..json.len() - 1]);
            prop_assert!(!repaired.changed);
        }
    }
}
