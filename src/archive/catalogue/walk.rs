//! The files below a folder: one walk, and one question to the system for each.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::FLASHBACK_FOLDER;

/// Folders within folders are looked through so deep.
const DEEPEST: usize = 8;

/// A file and how the system says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    /// Microseconds since the Unix epoch.
    pub modified: i64,
}

impl Found {
    /// A file as it is now; `None` when it is gone, or no file.
    pub fn at(path: PathBuf) -> Option<Found> {
        let found = fs::symlink_metadata(&path).ok()?;
        found.is_file().then(|| Found {
            path,
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: found.mtime() * 1_000_000 + found.mtime_nsec() / 1000,
        })
    }
}

/// Calls `take` with the path and the name of each file below `folder`, but for those
/// of which nothing is saved yet ([`FLASHBACK_FOLDER`]). Links are not followed; a
/// folder below that cannot be read is as if it were empty.
///
/// # Errors
/// When `folder` itself cannot be read.
pub fn all_files(
    folder: &Path,
    take: &mut dyn FnMut(&dyn Fn() -> PathBuf, &OsStr),
) -> io::Result<()> {
    look(folder, DEEPEST, take)
}

fn look(
    folder: &Path,
    depth: usize,
    take: &mut dyn FnMut(&dyn Fn() -> PathBuf, &OsStr),
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry: DirEntry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            take(&|| entry.path(), &entry.file_name());
        } else if kind.is_dir() && depth > 0 && entry.file_name() != FLASHBACK_FOLDER {
            let _ = look(&entry.path(), depth - 1, take);
        }
    }
    Ok(())
}
