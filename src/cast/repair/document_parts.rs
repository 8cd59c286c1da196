//! The parts of a v1 document as text: where they stand in a damaged one, and
//! how they are written.

use std::ops::Range;

use super::clock::{read_time, with_lost};
use super::text::string_end;
use crate::cast::json::{Member, Object, is_blank};
use crate::cast::seconds::push_time;

/// Writes an event; `value` is its delay if its text can stay, `lost` what is
/// added to it.
pub(super) fn push_event(
    delay: &[u8],
    value: Option<f64>,
    lost: f64,
    data: &[u8],
    out: &mut Vec<u8>,
) {
    push_opening(delay, value, lost, out);
    out.extend_from_slice(data);
    out.extend_from_slice(b"\"]");
}

/// `[DELAY, "`.
pub(super) fn push_opening(delay: &[u8], value: Option<f64>, lost: f64, out: &mut Vec<u8>) {
    out.push(b'[');
    match value {
        Some(_) if lost == 0.0 => out.extend_from_slice(delay),
        _ => push_time(with_lost(read_time(delay).0.unwrap_or(0.0), lost), out),
    }
    out.extend_from_slice(b", \"");
}

/// Where the first event may stand: after the bracket of `"stdout": [`, as a
/// member of the outermost object if it can be told.
pub(super) fn list_start(text: &[u8]) -> Option<usize> {
    /// More are only there to waste time.
    const MOST: usize = 16;
    let places: Vec<usize> = memchr::memmem::find_iter(text, b"\"stdout\"")
        .filter_map(|at| {
            let after = at + b"\"stdout\"".len();
            let rest = text[after..].trim_ascii_start().strip_prefix(b":")?;
            let rest = rest.trim_ascii_start().strip_prefix(b"[")?;
            Some(text.len() - rest.len())
        })
        .take(MOST)
        .collect();
    let brace = memchr::memchr(b'{', text)?;
    let outermost = places.iter().find(|list| {
        let start = [text.get(brace..**list).unwrap_or_default(), b"]}"].concat();
        let object = Object::read(&start);
        // The bytes may also be the end of another name.
        object.is_whole() && object.get(&start, "stdout").is_some()
    });
    outermost.or(places.first()).copied()
}

pub(super) fn good_members(text: &[u8], object: &Object, bad: &[usize]) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for member in &object.members {
        let wrong = bad
            .iter()
            .any(|at| member.value.contains(at) || member.at == *at);
        let again = members.iter().any(|other| other.key == member.key);
        let value = &text[member.value.clone()];
        if !wrong && !again && serde_json::from_slice::<serde_json::Value>(value).is_ok() {
            members.push(member.clone());
        }
    }
    members
}

pub(super) fn push_members(text: &[u8], members: &[Member], without: &[&str], out: &mut Vec<u8>) {
    for member in members {
        if !without.contains(&member.key.as_str()) {
            out.extend_from_slice(b", ");
            out.extend_from_slice(&serde_json::to_vec(&member.key).unwrap_or_default());
            out.extend_from_slice(b": ");
            out.extend_from_slice(&text[member.value.clone()]);
        }
    }
}

/// Reads `[DELAY, "`: where the number stands, and where the text starts.
pub(super) fn head(bytes: &[u8]) -> Option<(Range<usize>, usize)> {
    let bytes = &bytes[..bytes.len().min(128)];
    let space = |at: usize| at + bytes[at..].iter().take_while(|b| is_blank(b)).count();
    if bytes.first() != Some(&b'[') {
        return None;
    }
    let start = space(1);
    let number = |b: &&u8| b.is_ascii_digit() || matches!(**b, b'-' | b'+' | b'.' | b'e' | b'E');
    let end = start + bytes[start..].iter().take_while(number).count();
    let comma = space(end);
    if end == start || bytes.get(comma) != Some(&b',') {
        return None;
    }
    let quote = space(comma + 1);
    (bytes.get(quote) == Some(&b'"')).then_some((start..end, quote + 1))
}

/// The offset of the next head in `bytes`, or their length.
pub(super) fn next_head(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'[', bytes)
        .find(|at| head(&bytes[*at..]).is_some())
        .unwrap_or(bytes.len())
}

/// As the function of the same name for lines: where the text of an event
/// ends, and where the event does, if its end is there.
pub(super) fn loose_end(raw: &[u8]) -> (usize, Option<usize>) {
    let mut at = 0;
    loop {
        at += string_end(&raw[at..]);
        if at >= raw.len() {
            return (raw.len(), None);
        }
        let rest = raw[at + 1..].iter();
        let after = at + 1 + rest.take_while(|b| is_blank(b)).count();
        if raw.get(after) == Some(&b']') {
            return (at, Some(after + 1));
        }
        let from = at.saturating_sub(128);
        if let Some(bracket) = memchr::memrchr(b'[', &raw[from..at])
            && head(&raw[from + bracket..]).is_some_and(|(_, text)| from + bracket + text == at + 1)
        {
            return (from + bracket, None);
        }
        at += 1;
    }
}
