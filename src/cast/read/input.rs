//! The bytes of a cast, in a buffer of constant size.

use std::io::{self, Read};

use crate::cast::lines::BLOCK;

/// An input and what was read of it but not dealt with.
#[derive(Debug)]
pub(super) struct Input<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where in the buffer the rest starts, and where it ends.
    start: usize,
    filled: usize,
    /// Where in the file the buffer starts.
    offset: u64,
}

impl<R: Read> Input<R> {
    /// An input whose first byte is the one at `offset`.
    pub(super) fn new(reader: R, offset: u64) -> Input<R> {
        Input {
            reader,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            offset,
        }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.reader
    }

    /// All bytes of the buffer. They stay where they are until more are read.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// What was not consumed.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.filled]
    }

    /// Where in the buffer the rest starts.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Where in the file the buffer starts.
    #[inline(always)]
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Where in the file the rest starts.
    pub(super) fn position(&self) -> u64 {
        self.offset + self.start as u64
    }

    /// Where in the file the rest ends.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.filled as u64
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Consumes up to a place in the buffer.
    pub(super) fn consume_to(&mut self, place: usize) {
        self.start = self.start.max(place);
    }

    /// Reads what a header takes: the first line if that is whole JSON, else as
    /// much as the buffer holds.
    pub(super) fn fill_opening(&mut self) -> io::Result<()> {
        let mut line = None;
        while self.filled < BLOCK && self.fill()? > 0 {
            if line.is_none() {
                line = memchr::memchr(b'\n', self.rest());
                let first = line.map(|end| &self.rest()[..end]);
                let whole = |line| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
                if first.is_some_and(whole) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Reads once; gives how many bytes came, 0 at the end of the input. The
    /// rest then starts the buffer.
    pub(super) fn fill(&mut self) -> io::Result<usize> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.offset += self.start as u64;
            self.start = 0;
        }
        if self.filled == self.buffer.len() {
            // By steps, so that a short cast costs little.
            let room = (self.filled * 4).clamp(16 * 1024, BLOCK);
            self.buffer.resize(room, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Ok(count) => {
                    self.filled += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
