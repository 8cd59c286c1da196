//! Where a cast's bytes go: a file on disk, or a simulated one.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

/// A file as the recorder needs it: written at given places, cut, synced.
pub trait Storage: Send + Sync + 'static {
    /// Writes some of `bytes` at `offset`; returns how many.
    ///
    /// # Errors
    /// As the system says; nothing of `bytes` is there then.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file to `length` bytes.
    ///
    /// # Errors
    /// As the system says.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Returns when everything written before is safe from a power cut.
    ///
    /// # Errors
    /// As the system says.
    fn sync(&self) -> io::Result<()>;

    /// Whether the file still has a name: not so once somebody removed it.
    ///
    /// # Errors
    /// As the system says.
    fn is_linked(&self) -> io::Result<bool>;
}

/// A file on disk.
#[derive(Debug)]
pub struct DiskFile(pub File);

impl Storage for DiskFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn is_linked(&self) -> io::Result<bool> {
        Ok(self.0.metadata()?.nlink() > 0)
    }
}
