//! What lines are encoded into.

/// A growing row of bytes: a `Vec`, or memory that outlives the process.
pub(crate) trait Buffer {
    fn len(&self) -> usize;

    /// Makes room for `more` bytes behind those that are there.
    fn reserve(&mut self, more: usize);

    /// Keeps the first `length` bytes.
    fn truncate(&mut self, length: usize);

    /// The first byte. The room that was made may be written to.
    fn as_mut_ptr(&mut self) -> *mut u8;

    /// Counts bytes as there that were written to the room behind the others.
    ///
    /// # Safety
    /// Room for `length` bytes in all was made, and they have been written.
    unsafe fn set_len(&mut self, length: usize);

    fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        let length = self.len();
        // SAFETY: there is room for them, and nobody else has it.
        unsafe {
            let end = self.as_mut_ptr().add(length);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), end, bytes.len());
            self.set_len(length + bytes.len());
        }
    }

    fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }
}

impl Buffer for Vec<u8> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn reserve(&mut self, more: usize) {
        Vec::reserve(self, more);
    }

    fn truncate(&mut self, length: usize) {
        Vec::truncate(self, length);
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        Vec::as_mut_ptr(self)
    }

    unsafe fn set_len(&mut self, length: usize) {
        // SAFETY: as the caller promises.
        unsafe { Vec::set_len(self, length) };
    }

    fn extend_from_slice(&mut self, bytes: &[u8]) {
        Vec::extend_from_slice(self, bytes);
    }

    fn push(&mut self, byte: u8) {
        Vec::push(self, byte);
    }
}
