//! What a FIFO is read into: memory that a kill does not take.
//!
//! The buffer is zero but for bytes that are being encoded. Before a read the
//! daemon notes at which place of the stream it reads; once the bytes are
//! encoded, a commit ([`super::carry`]) says that they are taken, and then they
//! are wiped. So what is in the buffer of a daemon that was killed has been read
//! and not encoded, unless the commit has come past it.
//!
//! How many bytes the last read gave is nowhere: the daemon may have been killed
//! before it knew. They end with the last that is not zero, or later where the
//! pipe process knows that more were taken out of the FIFO (a terminal shows
//! nothing for zeros). So nothing is lost between a read and its line.

use std::io;
use std::path::Path;
use std::sync::atomic::{Ordering, fence};

use super::shared_memory::SharedMemory;

/// Bytes before those that were read: the place in the stream.
const HEAD: usize = 64;

/// Bytes of the file while little comes, and in a flood.
const SMALL: usize = 4096;
const LARGE: usize = 68 * 1024;

/// A buffer for what is read from a stream.
#[derive(Debug)]
pub struct ReadBuffer {
    memory: SharedMemory,
}

impl ReadBuffer {
    pub(super) fn create(path: &Path) -> io::Result<ReadBuffer> {
        let memory = SharedMemory::create(path, SMALL)?;
        Ok(ReadBuffer { memory })
    }

    pub(super) fn open(path: &Path) -> io::Result<ReadBuffer> {
        let memory = SharedMemory::open(path)?;
        match memory.len() {
            SMALL.. => Ok(ReadBuffer { memory }),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Room for what is read next, from `position` of the stream on.
    pub(super) fn begin(&mut self, position: u64) -> &mut [u8] {
        self.memory.words(1)[0].store(position, Ordering::Release);
        &mut self.memory.bytes_mut()[HEAD..]
    }

    /// The first `count` bytes that were read.
    pub(super) fn bytes(&self, count: usize) -> &[u8] {
        &self.memory.bytes()[HEAD..HEAD + count]
    }

    pub(super) fn wipe(&mut self, count: usize) {
        // Not before the commit: the compiler must not move it there.
        fence(Ordering::SeqCst);
        self.memory.bytes_mut()[HEAD..HEAD + count].fill(0);
    }

    /// Makes it larger for a flood, or small again; nothing must be in it.
    pub(super) fn set_wide(&mut self, wide: bool) {
        let wanted = if wide { LARGE } else { SMALL };
        if self.memory.len() != wanted {
            // As it was will do.
            let _ = self.memory.resize(wanted);
        }
    }

    /// What a daemon that is gone has read and not encoded: it had `taken` bytes
    /// of the stream, and `consumed` are out of the FIFO, where that is known.
    #[must_use]
    pub fn unread(&self, taken: u64, consumed: Option<u64>) -> Vec<u8> {
        let position = self.memory.words(1)[0].load(Ordering::Acquire);
        let bytes = &self.memory.bytes()[HEAD..];
        let shown = bytes.iter().rposition(|byte| *byte != 0);
        let shown = shown.map_or(0, |last| last + 1);
        let known = consumed.map_or(0, |consumed| consumed.saturating_sub(position));
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        let end = shown.max(known.min(bytes.len()));
        let done = taken.checked_sub(position);
        let done = done.and_then(|done| usize::try_from(done).ok());
        let unread = done.and_then(|done| bytes.get(done..end));
        unread.unwrap_or_default().to_vec()
    }

    /// What [`ReadBuffer::unread`] gave is encoded.
    pub fn clear(&mut self) {
        self.wipe(self.memory.len() - HEAD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_and_not_encoded_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read");
        let mut daemon = ReadBuffer::create(&path).unwrap();
        daemon.begin(100)[..3].copy_from_slice(b"abc");
        daemon.wipe(3);
        daemon.begin(103)[..5].copy_from_slice(b"de\0fg");
        let mut next = ReadBuffer::open(&path).unwrap();
        assert_eq!(next.unread(103, None), b"de\0fg");
        // Zeros at the end, of which the pipe process knows.
        assert_eq!(next.unread(103, Some(110)), b"de\0fg\0\0");
        // The commit has come past some of them, or all.
        assert_eq!(next.unread(106, None), b"fg");
        assert_eq!(next.unread(108, None), b"");
        next.clear();
        assert_eq!(next.unread(103, None), b"");
    }
}
