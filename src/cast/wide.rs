//! UTF-16 and UTF-32 as UTF-8.

use std::io::{self, Read};

use super::foreign::Width;

/// Gives UTF-8 for what is written with wider characters; the byte-order mark
/// is dropped, what is no character becomes U+FFFD.
#[derive(Debug)]
pub(super) struct Narrowed<R> {
    input: R,
    width: Width,
    /// Read, and not turned into text yet.
    wide: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    started: bool,
    /// Bytes of the input so far.
    read: u64,
}

impl<R: Read> Narrowed<R> {
    pub(super) fn new(input: R, width: Width) -> Narrowed<R> {
        Narrowed {
            input,
            width,
            read: 0,
            wide: Vec::new(),
            text: Vec::new(),
            given: 0,
            started: false,
        }
    }

    /// How many bytes of the input were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Turns what is there into text; what a character needs more of stays.
    fn narrow(&mut self, at_end: bool) {
        let mut text = String::new();
        let used = match self.width {
            Width::Two(big) => {
                let unit = |pair: &[u8]| {
                    let pair = [pair[0], pair[1]];
                    if big {
                        u16::from_be_bytes(pair)
                    } else {
                        u16::from_le_bytes(pair)
                    }
                };
                let mut units: Vec<u16> = self.wide.chunks_exact(2).map(unit).collect();
                if !at_end
                    && units
                        .last()
                        .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
                {
                    units.pop();
                }
                let used = units.len() * 2;
                text.extend(
                    char::decode_utf16(units)
                        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)),
                );
                used
            }
            Width::Four(big) => {
                let chunks = self.wide.chunks_exact(4);
                text.extend(chunks.map(|chunk| {
                    let chunk = [chunk[0], chunk[1], chunk[2], chunk[3]];
                    let code = if big {
                        u32::from_be_bytes(chunk)
                    } else {
                        u32::from_le_bytes(chunk)
                    };
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                }));
                self.wide.len() / 4 * 4
            }
        };
        self.wide.drain(..used);
        if at_end && !self.wide.is_empty() {
            self.wide.clear();
            text.push(char::REPLACEMENT_CHARACTER);
        }
        let mut text = text.as_str();
        if !self.started && !text.is_empty() {
            self.started = true;
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        self.text.clear();
        self.text.extend_from_slice(text.as_bytes());
        self.given = 0;
    }
}

impl<R: Read> Read for Narrowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            let mut block = [0; 16 * 1024];
            let count = self.input.read(&mut block)?;
            self.read += count as u64;
            self.wide.extend_from_slice(&block[..count]);
            if count == 0 && self.wide.is_empty() {
                return Ok(0);
            }
            self.narrow(count == 0);
        }
        let count = (self.text.len() - self.given).min(buffer.len());
        buffer[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_width_becomes_the_same_text() {
        let line = "{\"title\": \"größe 漢字 😀\"}\n".repeat(3000);
        let text = format!("\u{feff}{line}");
        let units: Vec<u16> = text.encode_utf16().collect();
        let codes: Vec<u32> = text.chars().map(u32::from).collect();
        for (width, bytes) in [
            (
                Width::Two(true),
                units
                    .iter()
                    .flat_map(|u| u.to_be_bytes())
                    .collect::<Vec<u8>>(),
            ),
            (
                Width::Two(false),
                units.iter().flat_map(|u| u.to_le_bytes()).collect(),
            ),
            (
                Width::Four(true),
                codes.iter().flat_map(|c| c.to_be_bytes()).collect(),
            ),
            (
                Width::Four(false),
                codes.iter().flat_map(|c| c.to_le_bytes()).collect(),
            ),
        ] {
            let mut narrowed = Narrowed::new(&bytes[..], width);
            let mut read = String::new();
            narrowed.read_to_string(&mut read).unwrap();
            assert!(read == line);
            assert_eq!(narrowed.bytes_read(), bytes.len() as u64);
            let mut cut = String::new();
            Narrowed::new(&bytes[..bytes.len() - 1], width)
                .read_to_string(&mut cut)
                .unwrap();
            assert!(cut.ends_with("}\u{fffd}"));
        }
    }
}
