//! What is whole of a header that is no JSON any more: a stray quote, a missing
//! comma or brace, junk before it.

use super::text::{repair_strings, repair_text, replacement, string_end};
use crate::cast::json::is_blank;

/// The longest name of a member, in bytes.
const LONGEST_NAME: usize = 64;

/// Members put together again.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rescued {
    /// A JSON object of them.
    pub(super) object: Vec<u8>,
    /// How many bytes belong to none, white space and punctuation aside.
    pub(super) lost: u64,
}

/// Finds the members that are whole in `text`.
pub(super) fn rescue(text: &[u8]) -> Rescued {
    let mut object = b"{".to_vec();
    let mut lost = 0;
    let mut at = 0;
    while let Some((name, value)) = next_name(text, at) {
        let read = read_value(text, value);
        lost += weight(&text[at..name]);
        let Some((json, end)) = read else {
            lost += weight(&text[name..value]);
            at = value;
            continue;
        };
        if object.len() > 1 {
            object.extend_from_slice(b", ");
        }
        object.extend_from_slice(&text[name..value]);
        object.extend_from_slice(&json);
        at = end;
    }
    lost += weight(&text[at..]);
    object.push(b'}');
    Rescued { object, lost }
}

/// How many bytes of `text` are neither white space nor punctuation.
fn weight(text: &[u8]) -> u64 {
    let light = |b: &&u8| is_blank(b) || matches!(**b, b',' | b':' | b'{' | b'}' | 0);
    text.iter().filter(|b| !light(b)).count() as u64
}

/// The next `"NAME":` from `at` on, where a value may have ended: where it
/// starts, and where its value does. Before a name stands a comma, a brace, or
/// nothing: else it is what a stray quote has left of one.
fn next_name(text: &[u8], at: usize) -> Option<(usize, usize)> {
    memchr::memchr_iter(b'"', &text[at..])
        .map(|quote| at + quote)
        .find_map(|quote| {
            let before = text[at..quote].iter().rev().find(|b| !is_blank(b));
            let may_start = before.is_none_or(|b| matches!(b, b',' | b'{'));
            may_start
                .then(|| name(text, quote))
                .flatten()
                .map(|value| (quote, value))
        })
}

/// If the quote at `quote` opens a name: where its value starts.
fn name(text: &[u8], quote: usize) -> Option<usize> {
    let rest = &text[quote + 1..];
    let end = memchr::memchr3(b'"', b'\\', b'\n', rest)?;
    if rest[end] != b'"' || end == 0 || end > LONGEST_NAME || !rest[..end].is_ascii() {
        return None;
    }
    let colon = skip_blanks(text, quote + end + 2);
    (text.get(colon) == Some(&b':')).then_some(colon + 1)
}

fn skip_blanks(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| is_blank(b)).count()
}

/// The value from `at` on as JSON, and where it ends, if it is whole.
fn read_value(text: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let start = skip_blanks(text, at);
    match text.get(start)? {
        b'"' => read_text(text, start),
        b'{' | b'[' => read_object(text, start),
        _ => {
            let rest = &text[start..];
            let length = rest
                .iter()
                .position(|b| is_blank(b) || matches!(b, b',' | b'}' | b'"'))?;
            is_json(&rest[..length]).then(|| (rest[..length].to_vec(), start + length))
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(text).is_ok()
}

/// A string. Quotes that end nothing are part of it; one that opens the name of
/// the next member shows that the end is missing.
fn read_text(text: &[u8], open: usize) -> Option<(Vec<u8>, usize)> {
    let mut end = open + 1;
    loop {
        end += string_end(&text[end..]);
        if end >= text.len() || name(text, end).is_some() {
            return None;
        }
        let after = skip_blanks(text, end + 1);
        let ends = match text.get(after) {
            None | Some(b'}') => true,
            Some(b',') => matches!(text.get(skip_blanks(text, after + 1)), Some(b'"' | b'}')),
            Some(b'"') => name(text, after).is_some(),
            Some(_) => false,
        };
        if ends {
            break;
        }
        end += 1;
    }
    let mut json = b"\"".to_vec();
    if repair_text(&text[open + 1..end], false, &mut json)
        .high_at_end
        .is_some()
    {
        replacement(&mut json);
    }
    json.push(b'"');
    Some((json, end + 1))
}

/// An object or a list; of a damaged object what is whole.
fn read_object(text: &[u8], open: usize) -> Option<(Vec<u8>, usize)> {
    let rest = &text[open..];
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<serde_json::Value>();
    if let Some(Ok(_)) = values.next() {
        let end = values.byte_offset();
        return Some((repair_strings(&rest[..end]), open + end));
    }
    if rest[0] != b'{' {
        return None;
    }
    let end = memchr::memchr(b'}', rest)?;
    Some((rescue(&rest[1..end]).object, open + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_is_found() {
        for (text, object, lost) in [
            (
                r#"{"version": 2, "ti"tle": "x", "timestamp": 5}"#,
                r#"{"version": 2,"timestamp": 5}"#,
                12,
            ),
            (
                r#"{"version": 2, "title": "a"b", "timestamp": 5}"#,
                r#"{"version": 2,"title":"a\"b","timestamp": 5}"#,
                0,
            ),
            (
                r#"{"version": 2 "title": "a" "timestamp": 5}"#,
                r#"{"version": 2,"title":"a","timestamp": 5}"#,
                0,
            ),
            (
                r#"{"version": 2, "title": "a, "timestamp": 5}"#,
                r#"{"version": 2,"timestamp": 5}"#,
                9,
            ),
            (
                r#"junk {"version": 2, "env": {"A": "b", "C" "d"}, "timestamp": 5}"#,
                r#"{"version": 2,"env":{"A": "b"},"timestamp": 5}"#,
                4,
            ),
            (
                r#"{"version": 2, "idle_time_limit": NaN, "timestamp": 17"#,
                r#"{"version": 2}"#,
                0,
            ),
        ] {
            let rescued = rescue(text.as_bytes());
            let value =
                |text: &[u8]| -> serde_json::Value { serde_json::from_slice(text).unwrap() };
            assert_eq!(value(&rescued.object), value(object.as_bytes()), "{text}");
            if lost > 0 {
                assert!(rescued.lost > 0, "{text}: {}", rescued.lost);
            }
        }
    }
}
