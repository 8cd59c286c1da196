//! Packs blocks: compresses them, and tells which grams stand in them. That is done by
//! whoever has read their lines, as long as those are in the processor's memory.

use std::io;

use zstd::zstd_safe::CParameter;

use super::block::Builder;
use super::grams::{self, Grams};

/// Fast beside the emulator. A higher level takes longer than all else that is done
/// with a text, and saves little.
const LEVEL: i32 = 1;

/// A block as it is stored.
pub(super) struct Packed {
    pub text: Vec<u8>,
    pub lines: Vec<u8>,
    pub count: u64,
    /// Bytes of the text before it was packed.
    pub length: usize,
    /// The bits of its grams.
    pub bits: Box<[u8; grams::BYTES]>,
    /// Stands on the screen at the end of a cast that may grow.
    pub is_rest: bool,
}

/// What it takes to pack, used again and again.
pub(super) struct Packing {
    compressor: zstd::bulk::Compressor<'static>,
    grams: Grams,
    compressed: Vec<u8>,
}

impl Packing {
    pub fn new() -> io::Result<Packing> {
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        // What it remembers stays in the processor's memory, too.
        compressor.set_parameter(CParameter::HashLog(12))?;
        Ok(Packing {
            compressor,
            grams: Grams::default(),
            compressed: Vec::new(),
        })
    }

    pub fn pack(&mut self, block: &Builder, is_rest: bool) -> io::Result<Packed> {
        Ok(Packed {
            bits: self.grams.of(&block.text),
            text: self.compress(&block.text)?,
            lines: self.compress(&block.lines)?,
            count: block.count,
            length: block.text.len(),
            is_rest,
        })
    }

    /// Into as much memory as it takes: many wait to be written.
    fn compress(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let most = zstd::zstd_safe::compress_bound(bytes.len());
        self.compressed.clear();
        self.compressed.reserve(most);
        self.compressor
            .compress_to_buffer(bytes, &mut self.compressed)?;
        Ok(self.compressed.clone())
    }
}
