//! How a cast opens: which version it is, and where its header ends.

use super::finding::FindingKind;
use super::header::{HeaderCheck, check};
use crate::cast::json::{Fault, Object};
use crate::cast::lines::BLOCK;

/// The byte-order mark of UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the first block of a cast says.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The header, with findings whose offsets are those of the file.
    pub(crate) header: HeaderCheck,
    /// Whether the cast is one v1 document rather than lines.
    pub(crate) document: bool,
    /// How to read the lines: as v2 or as v3.
    pub(crate) lines_version: u8,
    /// Where the lines after the header start. When there is no header, the
    /// first line may be an event.
    pub(crate) end: usize,
}

/// Reads the opening of the cast that starts with `block`.
pub(crate) fn opening(block: &[u8]) -> Opening {
    let start = if block.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let newline = memchr::memchr(b'\n', &block[start..]).map(|at| start + at);
    let line_end = newline.unwrap_or(block.len());
    let line = &block[start..line_end];
    let object = Object::read(line);
    let grammar = object.faults.iter().find(|(fault, _)| {
        !matches!(
            fault,
            Fault::BadEscape
                | Fault::Control
                | Fault::NotUtf8
                | Fault::LoneSurrogate
                | Fault::NotANumber
        )
    });
    let mut opening = Opening {
        header: HeaderCheck::default(),
        document: false,
        lines_version: 2,
        end: newline.map_or(block.len(), |at| at + 1),
    };
    if object.is_whole() {
        opening.header = check(line, &object);
        if let Some((_, at)) = grammar {
            opening.header.findings.push((FindingKind::Trailing, *at));
        }
        if line.ends_with(b"\r") && newline.is_some() {
            opening
                .header
                .findings
                .push((FindingKind::CarriageReturn, line.len() - 1));
        }
        if opening.header.version == Some(1) && heads_lines(&object, &block[start..]) {
            // Lines follow, so it is only the version that is wrong.
            opening.header.version = None;
            opening
                .header
                .findings
                .push((FindingKind::VersionUnknown, 0));
        }
        opening.document = opening.header.version == Some(1);
        opening.lines_version = opening.header.version.unwrap_or(2).max(2);
    } else if is_document(&block[start..]) {
        opening.document = true;
    } else {
        let kind = if line.trim_ascii().is_empty() {
            FindingKind::HeaderBlank
        } else if newline.is_none() && line.starts_with(b"{") && block.len() == BLOCK {
            FindingKind::HeaderTooLong
        } else {
            FindingKind::HeaderMissing
        };
        opening.header.findings.push((kind, 0));
        if line.trim_ascii_start().starts_with(b"[") {
            opening.end = start;
        }
    }
    if opening.document {
        // The document's own check looks at the fields, wherever they stand.
        opening.header.findings.clear();
        opening.header.version = Some(1);
    } else if newline.is_none() && block.len() < BLOCK && opening.end > start {
        opening
            .header
            .findings
            .push((FindingKind::NoFinalNewline, line.len()));
    }
    for (_, at) in &mut opening.header.findings {
        *at += start;
    }
    if start > 0 {
        opening
            .header
            .findings
            .insert(0, (FindingKind::ByteOrderMark, 0));
    }
    opening
}

/// Whether what does not start with a whole object on one line is a v1
/// document all the same: pretty-printed, torn, or longer than a block.
fn is_document(text: &[u8]) -> bool {
    if !text.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    let object = Object::read(text);
    match object.get(text, "version") {
        Some(version) => version == b"1" && !heads_lines(&object, text),
        None => memchr::memmem::find(text, b"\"stdout\"").is_some(),
    }
}

/// Whether `object`, with which `text` starts, has no list of events but lines
/// of them after it, as no v1 document has.
fn heads_lines(object: &Object, text: &[u8]) -> bool {
    object.end.is_some_and(|end| {
        object.get(text, "stdout").is_none() && text[end..].trim_ascii_start().starts_with(b"[")
    })
}
