//! A stream as blocks of whole lines ([`blocks`]), worked on by several threads
//! ([`pipeline`]); here: stage two of reading: the lines of a block, and which of them are plain.
//!
//! A *plain* line is an output, input or marker event in the shape that
//! recorders write, without anything a reader could take offence at:
//! `[TIME, "o", "TEXT"]` and a newline, TIME without sign or exponent, with
//! spaces before the bracket at most. All that
//! is known of it is known from stage one. Every other line is *odd*: a careful
//! reader decides what it is.

mod blocks;
mod marks;
mod pipeline;

use super::seconds::{PlainSeconds, plain_seconds};
use marks::Marks;

pub(super) use blocks::{BLOCK, BlockPlace, Blocks};
pub(super) use pipeline::run as run_pipeline;

/// A line of a block, with its newline if it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Offset of its first byte in the block.
    pub(super) start: usize,
    /// Offset after its last byte, which is the newline.
    pub(super) end: usize,
    /// What is known of it when it is plain.
    pub(super) plain: Option<Plain>,
}

/// An event on a plain line; the head of this file says what that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plain {
    /// The number that stands first.
    pub(super) time: PlainSeconds,
    /// How many bytes that number takes; it begins at the line's second byte.
    pub(super) time_len: usize,
    /// `o`, `i` or `m`.
    pub(super) code: u8,
    /// Where the inside of its data's quotes stands in the block.
    pub(super) data: (u32, u32),
}

/// Finds the lines of blocks, reusing its buffers.
#[derive(Debug, Default)]
pub(super) struct Liner {
    marks: Marks,
    /// Some of the block is not UTF-8.
    bad_utf8: bool,
}

/// Where in a block the next line starts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    start: usize,
    mark: usize,
    flag: usize,
}

impl Liner {
    /// Calls `visit` with each line of `block`, in order. The block starts at
    /// the start of a line; its last line may lack the newline.
    #[inline]
    pub(super) fn visit(&mut self, block: &[u8], mut visit: impl FnMut(Line)) {
        let mut cursor = self.start(block);
        while let Some(line) = self.next(block, &mut cursor) {
            visit(line);
        }
    }

    /// Gets ready to give the lines of `block` one by one.
    pub(super) fn start(&mut self, block: &[u8]) -> Cursor {
        self.marks.scan(block);
        self.bad_utf8 = self.marks.beyond_ascii && simdutf8::basic::from_utf8(block).is_err();
        Cursor::default()
    }

    /// The next line of the block that was given to [`Liner::start`].
    #[inline(always)]
    pub(super) fn next(&self, block: &[u8], cursor: &mut Cursor) -> Option<Line> {
        let at = &self.marks.at[..];
        let flagged = &self.marks.flagged[..];
        let start = cursor.start;
        if start >= block.len() {
            return None;
        }
        if let Some((end, plain)) = plain_line(block, start, &at[cursor.mark..]) {
            while cursor.flag < flagged.len() && (flagged[cursor.flag] as usize + 1) * 64 <= start {
                cursor.flag += 1;
            }
            let suspect = cursor.flag < flagged.len() && (flagged[cursor.flag] as usize) * 64 < end
                || self.bad_utf8 && simdutf8::basic::from_utf8(&block[start..end]).is_err();
            cursor.mark += 5;
            cursor.start = end;
            return Some(Line {
                start,
                end,
                plain: if suspect { None } else { Some(plain) },
            });
        }
        while cursor.mark < at.len() && block[at[cursor.mark] as usize] != b'\n' {
            cursor.mark += 1;
        }
        let end = at
            .get(cursor.mark)
            .map_or(block.len(), |end| *end as usize + 1);
        cursor.mark = (cursor.mark + 1).min(at.len());
        cursor.start = end;
        Some(Line {
            start,
            end,
            plain: None,
        })
    }
}

/// The line at `start`, if its four quotes and its newline, which are the next
/// five marks, are where a plain line has them.
#[inline(always)]
fn plain_line(block: &[u8], start: usize, marks: &[u32]) -> Option<(usize, Plain)> {
    let marks: &[u32; 5] = marks.get(..5)?.try_into().ok()?;
    let [code_open, code_close, data_open, data_close, newline] = marks.map(|at| at as usize);
    let line = block.get(start..=newline)?;
    let byte = |at: usize| line[at - start];
    if line[0] != b'[' || byte(newline) != b'\n' || newline < data_close + 2 {
        return None;
    }
    if byte(newline - 1) != b']' || byte(data_close) != b'"' || byte(data_open) != b'"' {
        return None;
    }
    // The recorder fills pages up with spaces before the bracket.
    if line[data_close + 1 - start..newline - 1 - start]
        .iter()
        .any(|b| *b != b' ')
    {
        return None;
    }
    let code = byte(code_open + 1);
    if code_close != code_open + 2
        || byte(code_close) != b'"'
        || byte(code_open) != b'"'
        || !matches!(code, b'o' | b'i' | b'm')
    {
        return None;
    }
    if !comma(line, code_close + 1 - start, data_open - start) {
        return None;
    }
    let (time, time_len) = plain_seconds(&line[1..code_open - start])?;
    if !comma(line, 1 + time_len, code_open - start) {
        return None;
    }
    Some((
        newline + 1,
        Plain {
            time,
            time_len,
            code,
            data: (data_open as u32 + 1, data_close as u32),
        },
    ))
}

/// Whether all that lies between `at` and `end` is a comma and at most a space.
#[inline(always)]
fn comma(line: &[u8], at: usize, end: usize) -> bool {
    line[at] == b',' && (end == at + 1 || end == at + 2 && line[at + 1] == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(block: &str) -> Vec<(String, Option<(f64, char)>)> {
        let mut lines = Vec::new();
        Liner::default().visit(block.as_bytes(), |line| {
            lines.push((
                block[line.start..line.end].to_owned(),
                line.plain.map(|p| (p.time.value(), p.code as char)),
            ));
        });
        lines
    }

    #[test]
    fn plain_lines_are_told_from_odd_ones() {
        for (line, expected) in [
            ("[1.5, \"o\", \"a\"]\n", Some((1.5, 'o'))),
            ("[1.5,\"i\",\"\"]\n", Some((1.5, 'i'))),
            ("[0, \"m\", \"\\u001b\\\\ \\\" é\"]\n", Some((0.0, 'm'))),
            ("[1.5, \"r\", \"80x24\"]\n", None),
            ("[1.5, \"o\", \"a\"]", None),
            ("[1.5, \"o\", \"a\"   ]\n", Some((1.5, 'o'))),
            ("[1.5, \"o\", \"a\"] \n", None),
            ("[1.5, \"o\", \"a\" x]\n", None),
            ("[1.5, \"o\", \"\\x\"]\n", None),
            ("[1.5, \"o\", \"\\u00g0\"]\n", None),
            ("[1.5, \"o\", \"\\ud83d\\ude00\"]\n", None),
            ("[1.5, \"o\", \"\\\"]\n", None),
            ("[1.5, \"o\", \"\t\"]\n", None),
            ("[1.5, \"o\", \"a\", \"b\"]\n", None),
            ("[-1.5, \"o\", \"a\"]\n", None),
            ("[1.5x, \"o\", \"a\"]\n", None),
            ("{\"version\": 2}\n", None),
            ("\n", None),
        ] {
            assert_eq!(plain(line), [(line.to_owned(), expected)]);
            // Neighbours must not change what is said of it.
            let ended = line.trim_end_matches('\n').to_owned() + "\n";
            let next = "[9, \"o\", \"plain\"]\n";
            let lines = plain(&format!("{next}{ended}{next}"));
            assert_eq!(lines.len(), 3, "{line}");
            assert_eq!(lines[1].0, ended);
        }
    }
}
