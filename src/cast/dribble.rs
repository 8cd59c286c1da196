//! For tests: a reader that gives little at a time.

use std::io::{self, Read};

/// Gives the bytes of `.0`, at most `.1` at a time.
pub(super) struct Dribble<'a>(pub(super) &'a [u8], pub(super) usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buffer.len());
        self.0.read(&mut buffer[..count])
    }
}
