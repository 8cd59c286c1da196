//! A cast file that is whole at every moment.

use std::io;
use std::sync::Arc;
use std::thread;

use super::storage::Storage;

/// A batch is written in pieces that end where the file is a multiple of this
/// long. Between them, others who wait for the core come first: a copy of half
/// a megabyte within the kernel can hold up the very program that is recorded.
const PIECE: usize = 64 * 1024;

/// A batch that is larger is one that is late.
const LATE: usize = 1024 * 1024;

/// A cast on its storage: knows how much of it is whole lines.
#[derive(Debug)]
pub struct CastFile<S> {
    storage: Arc<S>,
    /// Bytes of whole lines.
    length: u64,
    /// Whether there may be a part of a line behind them that could not be cut.
    torn: bool,
}

/// What became of a batch of lines.
#[derive(Debug)]
pub struct Appended {
    /// How many bytes of it are in the file: whole lines, from the start.
    pub written: usize,
    /// What stopped the rest.
    pub error: Option<io::Error>,
}

impl<S: Storage> CastFile<S> {
    /// A file of which `length` bytes are whole lines. What lies behind them
    /// is cut before the next write.
    #[must_use]
    pub fn new(storage: S, length: u64) -> CastFile<S> {
        CastFile {
            storage: Arc::new(storage),
            length,
            torn: true,
        }
    }

    /// The storage, to sync it from elsewhere.
    #[must_use]
    pub fn storage(&self) -> Arc<S> {
        Arc::clone(&self.storage)
    }

    /// Bytes of whole lines.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends a batch of whole lines. When the storage stops in the middle,
    /// the file is cut back to its last whole line; the caller tries the rest
    /// again later.
    pub fn append(&mut self, batch: &[u8]) -> Appended {
        if self.torn
            && let Err(error) = self.cut()
        {
            return Appended {
                written: 0,
                error: Some(error),
            };
        }
        let mut sent = 0;
        let error = loop {
            if sent == batch.len() {
                break None;
            }
            let offset = self.length + sent as u64;
            let piece = PIECE - (offset % PIECE as u64) as usize;
            let end = batch.len().min(sent + piece);
            match self.storage.write_at(&batch[sent..end], offset) {
                Ok(0) => break Some(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    sent += written;
                    if sent < batch.len() && batch.len() <= LATE {
                        thread::yield_now();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        let whole = memchr::memrchr(b'\n', &batch[..sent]).map_or(0, |newline| newline + 1);
        self.length += whole as u64;
        if whole < sent {
            self.torn = true;
            // If it cannot be cut now, it is before the next write.
            let _ = self.cut();
        }
        Appended {
            written: whole,
            error,
        }
    }

    fn cut(&mut self) -> io::Result<()> {
        self.storage.truncate(self.length)?;
        self.torn = false;
        Ok(())
    }
}
