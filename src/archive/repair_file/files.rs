//! The original file, its backup, and files that get their name at the end.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileTimes, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, copy_file_range};
use nix::unistd::{Gid, Uid, fchown, linkat};
use tempfile::NamedTempFile;

use super::RepairFileError;

/// A file to be repaired, and how it was when it was opened.
pub(super) struct Original {
    /// Its own path, symbolic links resolved.
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Its length in bytes.
    pub(super) length: u64,
    metadata: Metadata,
}

impl Original {
    pub(super) fn open(path: &Path) -> Result<Original, RepairFileError> {
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
        })
    }

    /// Fails if somebody wrote to the file since it was opened.
    pub(super) fn check_unchanged(&self) -> Result<(), RepairFileError> {
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
    pub(super) fn dress(&self, file: &File) -> io::Result<()> {
        let (uid, gid) = (self.metadata.uid(), self.metadata.gid());
        // Only root may give files away; the repaired file is then one's own.
        let _ = fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        file.set_permissions(Permissions::from_mode(self.metadata.mode() & 0o7777))?;
        self.restore_times(file)
    }

    pub(super) fn restore_times(&self, file: &File) -> io::Result<()> {
        let times = FileTimes::new()
            .set_accessed(self.metadata.accessed()?)
            .set_modified(self.metadata.modified()?);
        file.set_times(times)
    }

    /// Appends the first `length` bytes of the original to `target`, which
    /// stands at its end.
    pub(super) fn copy_start(&self, target: &mut File, length: u64) -> io::Result<()> {
        let mut offset: nix::libc::off_t = 0;
        while (offset as u64) < length {
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
    pub(super) fn back_up(&self) -> Result<PathBuf, RepairFileError> {
        self.try_back_up()
            .map_err(|source| RepairFileError::Backup {
                path: self.path.clone(),
                source,
            })
    }

    fn try_back_up(&self) -> io::Result<PathBuf> {
        let mut copy = Temporary::beside(&self.path, 0o600)?;
        if !clone_file(&self.file, copy.file()) {
            self.copy_start(copy.file_mut(), self.length)?;
        }
        self.dress(copy.file())?;
        copy.file().sync_all()?;
        for number in 0u32.. {
            let mut name = self.path.clone().into_os_string();
            name.push(".backup");
            if number > 0 {
                name.push(format!(".{number}"));
            }
            let path = PathBuf::from(name);
            match copy.take_free_name(&path) {
                Ok(()) => {
                    sync_folder(&path)?;
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// So many bytes are written before the disk is told to begin with them.
pub(super) const STRETCH: u64 = 16 * 1024 * 1024;

/// Lets the disk begin with what was written to `file`, so that syncing it in
/// the end takes less long. Nothing depends on it.
pub(super) fn start_writeback(file: &File) {
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

/// A file without a name, or, where the file system knows no such files, with
/// one that goes when this is dropped.
pub(super) enum Temporary {
    Nameless(File, PathBuf),
    Named(NamedTempFile),
}

impl Temporary {
    /// A file in the same folder as `path`, so that it can take its name. The
    /// umask is taken from `mode`.
    pub(super) fn beside(path: &Path, mode: u32) -> io::Result<Temporary> {
        let folder = folder_of(path);
        let nameless = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(mode)
            .custom_flags(OFlag::O_TMPFILE.bits())
            .open(folder);
        match nameless {
            Ok(file) => Ok(Temporary::Nameless(file, folder.to_owned())),
            Err(error) if is_unsupported(&error) => {
                let named = tempfile::Builder::new()
                    .prefix(".tvmux-")
                    .permissions(Permissions::from_mode(mode))
                    .tempfile_in(folder)?;
                Ok(Temporary::Named(named))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn file(&self) -> &File {
        match self {
            Temporary::Nameless(file, _) => file,
            Temporary::Named(named) => named.as_file(),
        }
    }

    pub(super) fn file_mut(&mut self) -> &mut File {
        match self {
            Temporary::Nameless(file, _) => file,
            Temporary::Named(named) => named.as_file_mut(),
        }
    }

    /// Takes the name `path`, which must be free.
    fn take_free_name(&self, path: &Path) -> io::Result<()> {
        match self {
            Temporary::Nameless(file, _) => link(file, path),
            Temporary::Named(named) => fs::hard_link(named.path(), path),
        }
    }

    /// Takes the name `path` from whatever file has it, on disk when this
    /// returns.
    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        self.file().sync_all()?;
        match self {
            Temporary::Nameless(file, folder) => {
                let name = path.file_name().unwrap_or(OsStr::new("cast"));
                for number in 0u32.. {
                    // A nameless file can only take a free name, so it takes
                    // one for the moment until it is renamed.
                    let mut passing = OsString::from(".");
                    passing.push(name);
                    passing.push(format!(".{}.{number}", std::process::id()));
                    let passing = folder.join(passing);
                    match link(&file, &passing) {
                        Ok(()) => {
                            let renamed = fs::rename(&passing, path);
                            if renamed.is_err() {
                                let _ = fs::remove_file(&passing);
                            }
                            renamed?;
                            break;
                        }
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Temporary::Named(named) => {
                named.persist(path).map_err(|error| error.error)?;
            }
        }
        sync_folder(path)
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL | Errno::ENOENT)
    )
}

/// Gives a nameless file its first name.
fn link(file: &File, path: &Path) -> io::Result<()> {
    let descriptor = PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()));
    linkat(
        AT_FDCWD,
        &descriptor,
        AT_FDCWD,
        path,
        AtFlags::AT_SYMLINK_FOLLOW,
    )?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in the folder of `path` last.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}
