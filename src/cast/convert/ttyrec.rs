//! Reads ttyrecs: frames of a time, a length, and that many bytes.
//!
//! The time is seconds and microseconds of the wall clock, the length bytes;
//! each is 32 bits, the low byte first. The size of the terminal is not in the
//! format; some recorders print it as the sequence that sets it.

use std::io::BufRead;

use super::ConvertError;
use crate::cast::event::{Code, Event, Micros};
use crate::cast::header::Header;
use crate::cast::text::Text;
use crate::cast::utf8::Utf8Carry;

/// How much of a frame is given at once, in bytes.
const MOST: usize = 64 * 1024;

/// A ttyrec being read.
#[derive(Debug)]
pub(super) struct Ttyrec<R> {
    input: R,
    header: Header,
    /// The wall clock of the first frame, in microseconds.
    start: Option<u64>,
    time: Micros,
    /// Bytes of the frame that were not read yet.
    left: usize,
    offset: u64,
    utf8: Utf8Carry,
    text: String,
    ended: bool,
}

impl<R: BufRead> Ttyrec<R> {
    pub(super) fn new(mut input: R) -> Result<Ttyrec<R>, ConvertError> {
        let start = input.fill_buf().map_err(reading)?;
        let seconds = start.get(..4).and_then(|bytes| bytes.try_into().ok());
        let size = size_in(start);
        let header = Header {
            width: size.map_or(80, |(columns, _)| columns),
            height: size.map_or(24, |(_, rows)| rows),
            timestamp: seconds.map(|bytes| u32::from_le_bytes(bytes).into()),
            ..Header::default()
        };
        Ok(Ttyrec {
            input,
            header,
            start: None,
            time: 0,
            left: 0,
            offset: 0,
            utf8: Utf8Carry::new(),
            text: String::new(),
            ended: false,
        })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn next(&mut self) -> Result<Option<Event<'_>>, ConvertError> {
        self.text.clear();
        let offset = self.offset;
        while self.text.is_empty() {
            if self.ended || self.left == 0 && !self.frame()? {
                if !self.ended {
                    self.ended = true;
                    let text = &mut self.text;
                    self.utf8.finish(|piece| text.push_str(piece));
                }
                if self.text.is_empty() {
                    return Ok(None);
                }
                break;
            }
            let bytes = self.input.fill_buf().map_err(reading)?;
            let count = bytes.len().min(self.left).min(MOST);
            if count == 0 {
                // The last frame is torn.
                self.left = 0;
                continue;
            }
            let text = &mut self.text;
            self.utf8
                .push(&bytes[..count], |piece| text.push_str(piece));
            self.input.consume(count);
            self.left -= count;
            self.offset += count as u64;
        }
        Ok(Some(Event {
            time: self.time,
            code: Code::Output,
            data: Text::plain(&self.text),
            offset,
            continues: false,
        }))
    }

    /// Reads the head of the next frame; gives whether there is one.
    fn frame(&mut self) -> Result<bool, ConvertError> {
        let mut head = [0; 12];
        let mut filled = 0;
        while filled < head.len() {
            let bytes = self.input.fill_buf().map_err(reading)?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let count = bytes.len().min(head.len() - filled);
            head[filled..filled + count].copy_from_slice(&bytes[..count]);
            self.input.consume(count);
            filled += count;
        }
        self.offset += head.len() as u64;
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let wall = u64::from(word(0)) * 1_000_000 + u64::from(word(4));
        let start = *self.start.get_or_insert(wall);
        self.time = self.time.max(wall.saturating_sub(start));
        self.left = word(8) as usize;
        Ok(true)
    }
}

fn reading(source: std::io::Error) -> ConvertError {
    ConvertError::Read(source.into())
}

/// The size that `CSI 8 ; ROWS ; COLUMNS t` sets in the first frames: columns,
/// rows.
fn size_in(start: &[u8]) -> Option<(u16, u16)> {
    let at = memchr::memmem::find(start, b"\x1b[8;")?;
    let rest = &start[at + 4..];
    let end = rest.iter().position(|byte| *byte == b't')?;
    let (rows, columns) = std::str::from_utf8(&rest[..end]).ok()?.split_once(';')?;
    Some((columns.parse().ok()?, rows.parse().ok()?))
}
