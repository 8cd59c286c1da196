//! The original file and its backup.

use std::fs::{self, File, FileTimes, Metadata, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::copy_file_range;
use nix::unistd::{Gid, Uid, fchown};

use super::RepairFileError;
use crate::atomic_file::{AtomicFile, Durability};
use crate::packed::is_packed;

/// The flag that ends the work once it is set.
#[derive(Clone, Copy)]
pub(in crate::archive) struct Stop<'a>(pub(in crate::archive) Option<&'a AtomicBool>);

impl Stop<'_> {
    pub(in crate::archive) fn is_set(self) -> bool {
        self.0.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// An error once the flag is set.
    pub(in crate::archive) fn check(self) -> io::Result<()> {
        if self.is_set() {
            return Err(io::Error::other("stopped"));
        }
        Ok(())
    }
}

/// A file to be repaired, and how it was when it was opened.
pub(in crate::archive) struct Original<'a> {
    /// Its own path, symbolic links resolved.
    pub(in crate::archive) path: PathBuf,
    pub(in crate::archive) file: File,
    /// Its length in bytes.
    pub(in crate::archive) length: u64,
    metadata: Metadata,
    stop: Stop<'a>,
}

impl<'a> Original<'a> {
    pub(in crate::archive) fn open(
        path: &Path,
        stop: Stop<'a>,
    ) -> Result<Original<'a>, RepairFileError> {
        let read = |source| RepairFileError::Read {
            path: path.to_owned(),
            source,
        };
        // Asked before opening, which would wait for the writer of a pipe.
        if !fs::metadata(path).map_err(read)?.is_file() {
            return Err(RepairFileError::NotAFile {
                path: path.to_owned(),
            });
        }
        let resolved = fs::canonicalize(path).map_err(read)?;
        let file = File::open(&resolved).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        Ok(Original {
            path: resolved,
            length: metadata.len(),
            file,
            metadata,
            stop,
        })
    }

    /// Whether it is compressed.
    pub(in crate::archive) fn is_packed(&self) -> io::Result<bool> {
        let mut start = [0; 4];
        let count = self.file.read_at(&mut start, 0)?;
        Ok(is_packed(&start[..count]))
    }

    /// Fails if another program wrote to the file since it was opened.
    pub(in crate::archive) fn check_unchanged(&self) -> Result<(), RepairFileError> {
        let same = fs::metadata(&self.path).is_ok_and(|now| {
            let then = &self.metadata;
            now.len() == then.len()
                && now.ino() == then.ino()
                && now.dev() == then.dev()
                && (now.mtime(), now.mtime_nsec()) == (then.mtime(), then.mtime_nsec())
        });
        if same {
            return Ok(());
        }
        Err(RepairFileError::Busy {
            path: self.path.clone(),
        })
    }

    /// Gives `file` the original's owner, mode and times.
    pub(in crate::archive) fn copy_metadata_to(&self, file: &File) -> io::Result<()> {
        let (uid, gid) = (self.metadata.uid(), self.metadata.gid());
        // Only root may give files away; the repaired file is then one's own.
        let _ = fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        file.set_permissions(Permissions::from_mode(self.metadata.mode() & 0o7777))?;
        self.restore_times(file)
    }

    pub(in crate::archive) fn restore_times(&self, file: &File) -> io::Result<()> {
        let times = FileTimes::new()
            .set_accessed(self.metadata.accessed()?)
            .set_modified(self.metadata.modified()?);
        file.set_times(times)
    }

    /// Appends the first `length` bytes of the original to `target`, which
    /// stands at its end.
    pub(in crate::archive) fn copy_start(&self, target: &mut File, length: u64) -> io::Result<()> {
        let mut offset: nix::libc::off_t = 0;
        while (offset as u64) < length {
            self.stop.check()?;
            let left = (length - offset as u64).min(STRETCH) as usize;
            match copy_file_range(&self.file, Some(&mut offset), &mut *target, None, left) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => start_writeback(target),
                Err(Errno::EINTR) => {}
                Err(Errno::EXDEV | Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
                    return self.copy_by_hand(target, offset as u64, length);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn copy_by_hand(&self, target: &mut File, mut offset: u64, length: u64) -> io::Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        while offset < length {
            self.stop.check()?;
            let most = buffer
                .len()
                .min(usize::try_from(length - offset).unwrap_or(usize::MAX));
            match self.file.read_at(&mut buffer[..most], offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    target.write_all(&buffer[..count])?;
                    offset += count as u64;
                }
            }
        }
        Ok(())
    }

    /// Keeps the original as `FILE.backup`, or the next `FILE.backup.N` that is
    /// free; gives where.
    pub(in crate::archive) fn back_up(&self) -> Result<PathBuf, RepairFileError> {
        self.try_back_up()
            .map_err(|source| RepairFileError::Backup {
                path: self.path.clone(),
                source,
            })
    }

    fn try_back_up(&self) -> io::Result<PathBuf> {
        let mut copy = AtomicFile::beside(&self.path, 0o600)?;
        if !clone_file(&self.file, copy.file()) {
            self.copy_start(copy.file_mut(), self.length)?;
        }
        self.copy_metadata_to(copy.file())?;
        sync_by_stretches(copy.file(), self.stop)?;
        for number in 0u32.. {
            let mut name = self.path.clone().into_os_string();
            name.push(".backup");
            if number > 0 {
                name.push(format!(".{number}"));
            }
            let path = PathBuf::from(name);
            match copy.publish_new(&path, Durability::PowerCut) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// How much is copied, or synced, between two looks at the flag to stop, in
/// bytes: also a slow disk takes it within a tenth of a second.
pub(in crate::archive) const STRETCH: u64 = 4 * 1024 * 1024;

/// Syncs `file` bit by bit, so that the flag to stop is heard meanwhile: a sync
/// of the whole cannot be interrupted, not even by SIGKILL.
pub(in crate::archive) fn sync_by_stretches(file: &File, stop: Stop<'_>) -> io::Result<()> {
    use nix::libc::{
        SYNC_FILE_RANGE_WAIT_AFTER, SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE,
    };
    let length = file.metadata()?.len();
    for offset in (0..length).step_by(STRETCH as usize) {
        stop.check()?;
        // SAFETY: the descriptor is open, and there are no pointers. What fails
        // here fails again when the whole is synced.
        unsafe {
            nix::libc::sync_file_range(
                file.as_raw_fd(),
                offset as nix::libc::off64_t,
                STRETCH as nix::libc::off64_t,
                SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER,
            );
        }
    }
    stop.check()
}

/// Lets the disk begin with what was written to `file`, so that syncing it in
/// the end takes less long. Nothing depends on it.
pub(in crate::archive) fn start_writeback(file: &File) {
    // SAFETY: the descriptor is open, and there are no pointers.
    unsafe {
        nix::libc::sync_file_range(file.as_raw_fd(), 0, 0, nix::libc::SYNC_FILE_RANGE_WRITE);
    }
}

mod ioctl {
    nix::ioctl_write_int_bad!(ficlone, nix::request_code_write!(0x94, 9, size_of::<i32>()));
}

/// Makes `target` share the blocks of `source`, where the file system can.
fn clone_file(source: &File, target: &File) -> bool {
    // SAFETY: FICLONE takes a descriptor as its argument, and both are open.
    unsafe { ioctl::ficlone(target.as_raw_fd(), source.as_raw_fd()) }.is_ok()
}
