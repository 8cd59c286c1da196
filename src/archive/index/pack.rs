//! Packs blocks: compresses them, and tells which grams stand in them. Of a long cast
//! on a thread of its own, while the next lines are read.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use super::block::Plain;
use super::grams;

/// Fast beside the emulator. A higher level takes longer than all else that is done
/// with a text, and saves little.
const LEVEL: i32 = 1;

/// Blocks that wait for the thread at most; whoever has more waits, too.
const WAITING: usize = 4;

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
    folded: Vec<u8>,
}

impl Packing {
    pub fn new() -> io::Result<Packing> {
        Ok(Packing {
            compressor: zstd::bulk::Compressor::new(LEVEL)?,
            folded: Vec::new(),
        })
    }

    pub fn pack(&mut self, plain: &Plain) -> io::Result<Packed> {
        let mut bits = Box::new([0; grams::BYTES]);
        grams::fold(&plain.text, &mut self.folded);
        grams::add(&self.folded, &mut bits);
        Ok(Packed {
            text: self.compressor.compress(&plain.text)?,
            lines: self.compressor.compress(&plain.lines)?,
            count: plain.count,
            length: plain.text.len(),
            bits,
            is_rest: false,
        })
    }
}

/// Takes blocks, and gives them back packed, in their order.
#[derive(Default)]
pub(super) struct Packer {
    thread: Option<Thread>,
    packed: Vec<Packed>,
    /// Bytes of the texts that were not taken back.
    waiting: usize,
}

struct Thread {
    jobs: SyncSender<Plain>,
    done: Receiver<io::Result<Packed>>,
    /// Blocks that it has not given back.
    open: usize,
}

impl Packer {
    /// Packs a block while more of the cast is read.
    pub fn add(&mut self, plain: Plain) -> io::Result<()> {
        self.waiting += plain.text.len();
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => none.insert(Thread::start()?),
        };
        thread.add(plain)
    }

    /// Packs a block after which there is nothing to be read for now.
    pub fn add_last(&mut self, plain: Plain, is_rest: bool) -> io::Result<()> {
        self.waiting += plain.text.len();
        self.collect()?;
        let mut packed = Packing::new()?.pack(&plain)?;
        packed.is_rest = is_rest;
        self.packed.push(packed);
        Ok(())
    }

    /// Bytes of the texts that were not taken back.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// All blocks so far, packed.
    pub fn take(&mut self) -> io::Result<Vec<Packed>> {
        self.collect()?;
        self.waiting = 0;
        Ok(std::mem::take(&mut self.packed))
    }

    fn collect(&mut self) -> io::Result<()> {
        if let Some(thread) = &mut self.thread {
            while thread.open > 0 {
                thread.open -= 1;
                let packed = thread.done.recv().map_err(|_| lost())??;
                self.packed.push(packed);
            }
        }
        Ok(())
    }
}

impl Thread {
    fn start() -> io::Result<Thread> {
        let (jobs, taken) = sync_channel::<Plain>(WAITING);
        let (give, done) = channel();
        let mut packing = Packing::new()?;
        thread::Builder::new().name("pack".into()).spawn(move || {
            // Until nobody has more blocks, or wants them any more.
            for plain in taken {
                if give.send(packing.pack(&plain)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Thread {
            jobs,
            done,
            open: 0,
        })
    }

    fn add(&mut self, plain: Plain) -> io::Result<()> {
        self.open += 1;
        self.jobs.send(plain).map_err(|_| lost())
    }
}

/// The thread has ended too early.
fn lost() -> io::Error {
    io::Error::other("blocks could not be packed")
}
