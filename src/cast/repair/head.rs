//! Repairs the header, or makes one of what is there.

use std::io;
use std::ops::Range;

use super::found::{head, next_start};
use super::members::rescue;
use super::output::Output;
use super::report::HeaderFate;
use super::text::repair_strings;
use crate::cast::json::{Object, is_blank};
use crate::cast::lines::Liner;
use crate::cast::validate::{BYTE_ORDER_MARK, FindingKind, Size, check_header, opening};

/// What the repaired header says, and where the lines after it start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) version: u8,
    pub(super) size: Option<Size>,
    pub(super) end: usize,
}

/// Repairs the header of the cast that starts with `block`.
pub(super) fn repair(block: &[u8], out: &mut Output<'_>) -> io::Result<Head> {
    let opening = opening(block);
    let findings = &opening.header.findings;
    let version = opening.header.version;
    if let Some(version) = version
        && findings.iter().all(|(kind, _)| !kind.needs_repair())
    {
        out.report.version = version;
        out.report.header = HeaderFate::Kept;
        out.keep(&block[..opening.end])?;
        return Ok(Head {
            version,
            size: opening.header.size,
            end: opening.end,
        });
    }
    let place = find_header(block);
    let text = &block[place.text.clone()];
    let repaired = repair_strings(&String::from_utf8_lossy(text).into_owned().into_bytes());
    let whole_object = Object::read(&repaired);
    let is_whole = whole_object.is_whole();
    let (repaired, object) = if is_whole || text.is_empty() {
        (repaired, whole_object)
    } else {
        let rescued = rescue(text);
        out.report.lost.bytes += rescued.lost;
        let object = Object::read(&rescued.object);
        (rescued.object, object)
    };
    let check = check_header(&repaired, &object);
    let size = check.size.filter(|(cols, rows)| *cols > 0 && *rows > 0);
    let guessed = size.unwrap_or_else(|| {
        let (cols, rows) = dimensions(text);
        let (guessed_cols, guessed_rows) = guess_size(block);
        (cols.unwrap_or(guessed_cols), rows.unwrap_or(guessed_rows))
    });
    let version = check
        .version
        .or_else(|| version_of(text))
        .filter(|version| *version > 1)
        .unwrap_or_else(|| guess_version(&block[place.end..]));
    let whole = is_whole && check.version.is_some_and(|version| version > 1);
    let bad: Vec<usize> = check
        .findings
        .iter()
        .filter(|(kind, _)| kind.needs_repair() || *kind == FindingKind::SizeZero && size.is_none())
        .map(|(_, at)| *at)
        .collect();
    let dropped = object.members.iter().filter(|member| {
        let inside = |at: &usize| member.value.contains(at);
        member.key != "term" && bad.iter().any(inside)
    });
    out.report.lost.bytes += dropped
        .map(|member| (member.value.end - member.at) as u64)
        .sum::<u64>();
    let mut header = compose(&repaired, &object, version, guessed, &bad);
    // Fields that could not be judged without a version are judged now.
    let object_now = Object::read(&header);
    let findings_now = check_header(&header, &object_now).findings;
    let bad_now: Vec<usize> = needing_repair(&findings_now).collect();
    if !bad_now.is_empty() {
        header = compose(&header, &object_now, version, guessed, &bad_now);
    }
    out.report.version = version;
    let one_line = !text.contains(&b'\n');
    let untouched = whole && one_line && bad.is_empty() && repaired == text;
    out.report.header = match (untouched, whole, text.is_empty()) {
        (true, ..) => HeaderFate::Kept,
        (_, true, _) => HeaderFate::Changed,
        (_, _, false) if object.get(&repaired, "version").is_some() && size.is_some() => {
            HeaderFate::Changed
        }
        // Without an event, a header made of nothing is not worth keeping.
        _ => HeaderFate::Rebuilt,
    };
    out.cut_junk(&block[..place.text.start])?;
    if untouched {
        out.keep(text)?;
    } else {
        out.cut(text.len())?;
        out.put(&header)?;
    }
    let newline = block.get(place.text.end) == Some(&b'\n');
    let end = if newline {
        out.keep(b"\n")?;
        place.text.end + 1
    } else {
        out.put(b"\n")?;
        out.cut_junk(&block[place.text.end..place.end])?;
        place.end
    };
    Ok(Head {
        version,
        size: Some(guessed),
        end,
    })
}

fn needing_repair(findings: &[(FindingKind, usize)]) -> impl Iterator<Item = usize> {
    let bad = findings.iter().filter(|(kind, _)| kind.needs_repair());
    bad.map(|(_, at)| *at)
}

struct HeaderPlace {
    /// Where the header's text stands; empty when there is none.
    text: Range<usize>,
    /// Where the events start that may follow on the same line.
    end: usize,
}

/// Finds the header, or what is left of one, before the first event.
fn find_header(block: &[u8]) -> HeaderPlace {
    let mut at = if block.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    // What is left of a header, in case that no whole one follows.
    let mut remains = None;
    // Bounds the work on text that looks like objects but is none.
    let mut budget = block.len() * 4;
    while at < block.len() {
        let line = &block[at..];
        let length = memchr::memchr(b'\n', line).unwrap_or(line.len());
        let blank = line.iter().take_while(|b| is_blank(b) || **b == 0).count();
        if blank > length {
            at += blank;
            continue;
        }
        let start = at + blank;
        let text = &block[start..];
        if head(text).is_some() || text.is_empty() {
            break;
        }
        if text[0] == b'{' && budget > 0 {
            // A pretty-printed header takes several lines.
            let object = Object::read(text);
            let cost = object.faults.last().map_or(text.len(), |(_, at)| *at);
            budget = budget.saturating_sub(cost);
            if let Some(end) = object.end
                && object.get(text, "version").is_some()
            {
                let end = start + end;
                return HeaderPlace {
                    text: start..end,
                    end,
                };
            }
        }
        let line_end = at + length;
        let event = start
            + next_start(&block[start..line_end])
                .max(1)
                .min(line_end - start);
        let event = skip_to_event(block, event, line_end);
        if remains.is_none() && looks_like_header(&block[start..event]) {
            remains = Some(HeaderPlace {
                text: start..event,
                end: event,
            });
        }
        if event < line_end {
            break;
        }
        at = (line_end + 1).min(block.len());
        if remains.is_some() {
            break;
        }
    }
    remains.unwrap_or(HeaderPlace {
        text: at..at,
        end: at,
    })
}

/// The first head of an event from `at` on, or `end`.
fn skip_to_event(block: &[u8], mut at: usize, end: usize) -> usize {
    while at < end {
        if head(&block[at..]).is_some() {
            return at;
        }
        at += 1;
        at += next_start(&block[at..end]);
    }
    end
}

fn looks_like_header(text: &[u8]) -> bool {
    [
        "\"version\"",
        "\"width\"",
        "\"height\"",
        "\"term\"",
        "\"cols\"",
        "\"timestamp\"",
    ]
    .iter()
    .any(|key| memchr::memmem::find(text, key.as_bytes()).is_some())
}

/// The number that follows `"key":` anywhere in damaged text.
fn number_of(text: &[u8], key: &str) -> Option<u64> {
    let quoted = format!("\"{key}\"");
    let at = memchr::memmem::find(text, quoted.as_bytes())? + quoted.len();
    let rest = text[at..].trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    // A number at the very end may have lost digits.
    let whole = rest
        .get(digits)
        .is_some_and(|b| matches!(b, b',' | b'}' | b' ' | b'.'));
    let number = std::str::from_utf8(&rest[..digits]).ok()?;
    if whole { number.parse().ok() } else { None }
}

fn version_of(text: &[u8]) -> Option<u8> {
    let version = number_of(text, "version").and_then(|version| u8::try_from(version).ok());
    version
        .filter(|version| (2..=3).contains(version))
        .or_else(|| {
            let v3 = memchr::memmem::find(text, b"\"term\"").is_some();
            let v2 = memchr::memmem::find(text, b"\"width\"").is_some();
            (v3 || v2).then_some(if v3 { 3 } else { 2 })
        })
}

fn dimensions(text: &[u8]) -> (Option<u32>, Option<u32>) {
    let find = |keys: [&str; 2]| {
        let number = keys.iter().find_map(|key| number_of(text, key))?;
        u16::try_from(number).ok().filter(|n| *n > 0).map(u32::from)
    };
    (find(["width", "cols"]), find(["height", "rows"]))
}

/// Guesses the terminal's size from where the output puts the cursor and which
/// rows it scrolls: at least 80 columns and 24 rows.
pub(super) fn guess_size(block: &[u8]) -> Size {
    const LARGEST: u32 = 1000;
    let (mut cols, mut rows) = (80, 24);
    for escape in memchr::memmem::find_iter(block, b"\\u001b[") {
        let rest = &block[escape + 7..block.len().min(escape + 24)];
        let length = rest
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b';')
            .count();
        let Ok(numbers) = std::str::from_utf8(&rest[..length]) else {
            continue;
        };
        let Some((first, second)) = numbers.split_once(';') else {
            continue;
        };
        let (Ok(first), Ok(second)) = (first.parse::<u32>(), second.parse::<u32>()) else {
            continue;
        };
        match rest.get(length) {
            Some(b'H' | b'f') if first <= LARGEST && second <= LARGEST => {
                rows = rows.max(first);
                cols = cols.max(second);
            }
            Some(b'r') if second <= LARGEST => rows = rows.max(second),
            _ => {}
        }
    }
    (cols, rows)
}

/// Guesses whether times are absolute, as in v2, or intervals, as in v3: these
/// go down about as often as they go up.
fn guess_version(lines: &[u8]) -> u8 {
    let (mut up, mut down) = (0u32, 0u32);
    let mut last = None;
    let mut comments = false;
    Liner::default().visit(lines, |line| {
        comments |= lines[line.start] == b'#';
        let Some(plain) = line.plain else { return };
        match last {
            Some(last) if plain.time.value() < last => down += 1,
            Some(last) if plain.time.value() > last => up += 1,
            _ => {}
        }
        last = Some(plain.time.value());
    });
    if comments || down * 5 > up { 3 } else { 2 }
}

/// The header with the members that are good, and the version and size that
/// were found or guessed.
fn compose(text: &[u8], object: &Object, version: u8, size: Size, bad: &[usize]) -> Vec<u8> {
    let (cols, rows) = size;
    let mut out = format!("{{\"version\": {version}").into_bytes();
    let mut seen = vec!["version"];
    if version == 2 {
        out.extend_from_slice(format!(", \"width\": {cols}, \"height\": {rows}").as_bytes());
        seen.extend(["width", "height"]);
    } else {
        out.extend_from_slice(
            format!(", \"term\": {{\"cols\": {cols}, \"rows\": {rows}").as_bytes(),
        );
        if let Some(term) = object.members.iter().find(|m| m.key == "term") {
            let base = term.value.start;
            let term = &text[term.value.clone()];
            let inner = Object::read(term);
            let shifted: Vec<usize> = bad.iter().filter_map(|at| at.checked_sub(base)).collect();
            members(term, &inner, &mut vec!["cols", "rows"], &shifted, &mut out);
        }
        out.push(b'}');
        seen.push("term");
    }
    members(text, object, &mut seen, bad, &mut out);
    out.push(b'}');
    out
}

/// Appends the members that are good and whose names were not seen.
fn members<'a>(
    text: &[u8],
    object: &'a Object,
    seen: &mut Vec<&'a str>,
    bad: &[usize],
    out: &mut Vec<u8>,
) {
    for member in &object.members {
        let value = &text[member.value.clone()];
        let wrong = bad
            .iter()
            .any(|at| member.value.contains(at) || member.at == *at);
        if wrong || seen.contains(&member.key.as_str()) {
            continue;
        }
        // Only text that any JSON reader takes may stay.
        if serde_json::from_slice::<serde_json::Value>(value).is_err() {
            continue;
        }
        seen.push(&member.key);
        out.extend_from_slice(b", ");
        let key = serde_json::to_vec(&member.key).unwrap_or_default();
        out.extend_from_slice(&key);
        out.extend_from_slice(b": ");
        // A line break outside of strings is only white space.
        out.extend(
            value
                .iter()
                .map(|b| if *b == b'\n' || *b == b'\r' { b' ' } else { *b }),
        );
    }
}
