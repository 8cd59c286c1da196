//! Compresses the bytes of a cast, frame by frame.

use std::io::{self, Write};

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::table::Table;

/// Bytes of a frame before it is compressed, about: unpacking one takes a few
/// milliseconds, and longer ones are hardly smaller.
pub const FRAME: usize = 1 << 20;

/// A frame with a line that is longer ends inside of it.
const LONGEST: usize = 16 << 20;

/// Levels above cost much more time, and save little.
const LEVEL: i32 = 9;

/// A writer that compresses what it is given, for [`Packer::finish`] to end.
pub struct Packer<W> {
    output: W,
    compressor: Compressor<'static>,
    table: Table,
    /// What has no frame yet.
    waiting: Vec<u8>,
}

impl<W: Write> Packer<W> {
    /// One that writes to `output`.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(output: W) -> io::Result<Packer<W>> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Packer {
            output,
            compressor,
            table: Table::default(),
            waiting: Vec::with_capacity(FRAME),
        })
    }

    /// Writes what waits, and the table; gives what was written to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let mut start = 0;
        while let Some(length) = frame_length(&self.waiting[start..]) {
            start += self.pack(start, length)?;
        }
        if start < self.waiting.len() {
            self.pack(start, self.waiting.len() - start)?;
        }
        self.output.write_all(&self.table.bytes())?;
        self.output.flush()?;
        Ok(self.output)
    }

    /// Writes a frame; gives its length.
    fn pack(&mut self, start: usize, length: usize) -> io::Result<usize> {
        let plain = &self.waiting[start..start + length];
        let packed = self.compressor.compress(plain)?;
        self.output.write_all(&packed)?;
        self.table.push(packed.len() as u32, plain.len() as u32);
        Ok(length)
    }
}

/// Bytes of the first frame of what waits; `None` where more may belong to it.
fn frame_length(waiting: &[u8]) -> Option<usize> {
    let start = waiting.get(..FRAME)?;
    let newline = match memchr::memrchr(b'\n', start) {
        Some(newline) => Some(newline),
        None => {
            let rest = &waiting[FRAME..waiting.len().min(LONGEST)];
            memchr::memchr(b'\n', rest).map(|newline| FRAME + newline)
        }
    };
    match newline {
        Some(newline) => Some(newline + 1),
        None => (waiting.len() >= LONGEST).then_some(LONGEST),
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // No more than a frame, so that no line is looked through again and again.
        let bytes = &bytes[..bytes.len().min(FRAME)];
        self.waiting.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(length) = frame_length(&self.waiting[start..]) {
            start += self.pack(start, length)?;
        }
        self.waiting.drain(..start);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W> std::fmt::Debug for Packer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer")
            .field("table", &self.table)
            .finish()
    }
}
