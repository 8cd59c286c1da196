//! Memory that another process sees, and that outlives this one: a mapped file.
//!
//! Its pages are there before they are used. One that the file system had no
//! room for would end the process with a signal at the first touch; so growing
//! is what fails, and what grows has another way then.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapMut, RemapOptions};
use nix::fcntl::{OFlag, posix_fallocate};

/// A mapped file of this user's own, mode 0600.
#[derive(Debug)]
pub(super) struct SharedMemory {
    file: File,
    map: MmapMut,
    path: PathBuf,
}

impl SharedMemory {
    /// Makes the file, all zeros, in place of one of that name.
    pub(super) fn create(path: &Path, length: usize) -> io::Result<SharedMemory> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = options().create_new(true).mode(0o600).open(path)?;
        let made = allocate(&file, 0, length).and_then(|()| SharedMemory::map(file, path));
        made.inspect_err(|_| {
            let _ = fs::remove_file(path);
        })
    }

    /// Maps a file that another process has made.
    pub(super) fn open(path: &Path) -> io::Result<SharedMemory> {
        let file = options().open(path)?;
        let found = file.metadata()?;
        let user = nix::unistd::geteuid().as_raw();
        if !found.is_file() || found.uid() != user || found.mode() & 0o077 != 0 {
            let why = format!("{} is not only this user's", path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        SharedMemory::map(file, path)
    }

    fn map(file: File, path: &Path) -> io::Result<SharedMemory> {
        // SAFETY: the file is this user's alone and in a folder of ours. What
        // the other process writes meanwhile is read as atomic words, or after
        // it has ended.
        let map = unsafe { MmapMut::map_mut(&file) }?;
        Ok(SharedMemory {
            file,
            map,
            path: path.to_owned(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// Changes the length; new bytes are zeros. What lies in it may move.
    pub(super) fn resize(&mut self, length: usize) -> io::Result<()> {
        let before = self.map.len();
        let length = length.next_multiple_of(4096);
        let may_move = RemapOptions::new().may_move(true);
        if length > before {
            allocate(&self.file, before, length)?;
            // SAFETY: the file is that long now.
            unsafe { self.map.remap(length, may_move) }
        } else {
            // SAFETY: the file is longer.
            unsafe { self.map.remap(length, may_move) }?;
            self.file.set_len(length as u64)
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }

    /// The first `count` words.
    pub(super) fn words(&self, count: usize) -> &[AtomicU64] {
        assert!(count * 8 <= self.map.len());
        // SAFETY: a mapping begins at a page, and is that long. Words that both
        // processes use are read and written as atomic ones by both.
        unsafe { slice::from_raw_parts(self.map.as_ptr().cast(), count) }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOFOLLOW.bits());
    options
}

fn allocate(file: &File, from: usize, to: usize) -> io::Result<()> {
    let (from, length) = (from as i64, (to - from) as i64);
    posix_fallocate(file, from, length).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_shrinks_and_is_seen_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory");
        let mut memory = SharedMemory::create(&path, 4096).unwrap();
        memory.bytes_mut()[4095] = 7;
        memory.resize(100_000).unwrap();
        assert!(memory.len() >= 100_000);
        assert_eq!(memory.bytes()[4095..4098], [7, 0, 0]);
        let other = SharedMemory::open(&path).unwrap();
        assert_eq!(other.bytes()[4095], 7);
        drop(other);
        memory.resize(4096).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 4096);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
