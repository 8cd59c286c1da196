//! Lines that wait for the file: in this process's memory, or in memory that
//! outlives it.

use std::ops::Deref;
use std::path::Path;

use super::shared_memory::SharedMemory;
use crate::cast::Buffer;

/// Bytes of a kept buffer that nothing much waits in.
const SMALL: usize = 8 * 1024;

/// A buffer of whole lines.
#[derive(Debug)]
pub struct Lines(Memory);

#[derive(Debug)]
enum Memory {
    Own(Vec<u8>),
    Kept {
        memory: SharedMemory,
        length: usize,
        number: usize,
    },
}

impl Default for Lines {
    fn default() -> Lines {
        Lines(Memory::Own(Vec::new()))
    }
}

impl Lines {
    /// An empty buffer in a file at `path`, the recording's kept buffer of this
    /// number.
    pub(super) fn kept(path: &Path, number: usize) -> std::io::Result<Lines> {
        let memory = SharedMemory::create(path, SMALL)?;
        Ok(Lines(Memory::Kept {
            memory,
            length: 0,
            number,
        }))
    }

    /// Which of the recording's kept buffers it is.
    pub(super) fn number(&self) -> Option<usize> {
        match &self.0 {
            Memory::Own(_) => None,
            Memory::Kept { number, .. } => Some(*number),
        }
    }

    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }

    /// How many bytes there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        match &self.0 {
            Memory::Own(bytes) => bytes.capacity(),
            Memory::Kept { memory, .. } => memory.len(),
        }
    }

    /// Gives back the memory that no line waits in.
    pub fn shrink(&mut self) {
        match &mut self.0 {
            Memory::Own(bytes) => bytes.shrink_to_fit(),
            Memory::Kept { memory, length, .. } => {
                let least = SMALL.max(*length);
                if memory.len() >= 2 * least {
                    // Where that fails, it is as large as it was.
                    let _ = memory.resize(least);
                }
            }
        }
    }
}

impl Deref for Lines {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Memory::Own(bytes) => bytes,
            Memory::Kept { memory, length, .. } => &memory.bytes()[..*length],
        }
    }
}

impl Buffer for Lines {
    fn len(&self) -> usize {
        match &self.0 {
            Memory::Own(bytes) => bytes.len(),
            Memory::Kept { length, .. } => *length,
        }
    }

    fn reserve(&mut self, more: usize) {
        match &mut self.0 {
            Memory::Own(bytes) => bytes.reserve(more),
            Memory::Kept { memory, length, .. } => {
                let wanted = *length + more;
                if wanted <= memory.len() {
                    return;
                }
                if let Err(error) = memory.resize(wanted.max(2 * memory.len())) {
                    // No room where it would outlive us: it is recorded all the
                    // same.
                    let path = memory.path().display();
                    tracing::warn!(%path, %error, "a kill would lose what waits to be written");
                    let mut own = Vec::with_capacity(wanted);
                    own.extend_from_slice(&memory.bytes()[..*length]);
                    self.0 = Memory::Own(own);
                }
            }
        }
    }

    fn truncate(&mut self, to: usize) {
        match &mut self.0 {
            Memory::Own(bytes) => bytes.truncate(to),
            Memory::Kept { length, .. } => *length = to.min(*length),
        }
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        match &mut self.0 {
            Memory::Own(bytes) => bytes.as_mut_ptr(),
            Memory::Kept { memory, .. } => memory.bytes_mut().as_mut_ptr(),
        }
    }

    unsafe fn set_len(&mut self, to: usize) {
        match &mut self.0 {
            // SAFETY: as the caller promises.
            Memory::Own(bytes) => unsafe { bytes.set_len(to) },
            Memory::Kept { length, .. } => *length = to,
        }
    }
}
