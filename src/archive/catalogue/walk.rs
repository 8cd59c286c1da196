//! The files below a folder: one walk, and one question to the system for each.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, RawDir};

use super::entry::path_bytes;
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
    pub fn at(path: &Path) -> Option<Found> {
        let found = fs::symlink_metadata(path).ok()?;
        found.is_file().then(|| Found {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: found.mtime() * 1_000_000 + found.mtime_nsec() / 1000,
        })
    }
}

/// Bytes of names that the system gives at once.
const AT_ONCE: usize = 32 << 10;

/// Calls `take` with the folder and the name of each file below `folder`, but for those
/// of which nothing is saved yet ([`FLASHBACK_FOLDER`]). Links are not followed; a
/// folder below that cannot be read is as if it were empty.
///
/// # Errors
/// When `folder` itself cannot be read.
pub fn all_files(folder: &Path, take: &mut dyn FnMut(&Path, &OsStr)) -> io::Result<()> {
    look(folder, DEEPEST, take)
}

fn look(folder: &Path, depth: usize, take: &mut dyn FnMut(&Path, &OsStr)) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder, flags, Mode::empty())?;
    let mut room = Vec::with_capacity(AT_ONCE);
    // `fs::read_dir` makes three texts of each name.
    let mut entries = RawDir::new(opened, room.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let kind = match entry.file_type() {
            // Some file systems do not say.
            FileType::Unknown => kind_of(&folder.join(name)),
            kind => kind,
        };
        let is_folder = kind == FileType::Directory && name != "." && name != "..";
        if kind == FileType::RegularFile {
            take(folder, name);
        } else if is_folder && depth > 0 && name != FLASHBACK_FOLDER {
            let _ = look(&folder.join(name), depth - 1, take);
        }
    }
    Ok(())
}

fn kind_of(path: &Path) -> FileType {
    let found = rustix::fs::lstat(path);
    found.map_or(FileType::Unknown, |found| {
        FileType::from_raw_mode(found.st_mode)
    })
}

/// Paths, all in one text: as many texts would take longer to make than to read.
#[derive(Default)]
pub struct Paths {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Paths {
    /// Adds that of a file in a folder.
    pub fn push(&mut self, folder: &Path, name: &OsStr) {
        self.bytes.extend_from_slice(path_bytes(folder));
        if self.bytes.last() != Some(&b'/') {
            self.bytes.push(b'/');
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.ends.push(self.bytes.len());
    }

    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let bytes = &self.bytes[start..*end];
            start = *end;
            Path::new(OsStr::from_bytes(bytes))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_below_a_folder_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        for below in ["", "a", "a/b"] {
            let below = folder.path().join(below);
            fs::create_dir_all(&below).unwrap();
            // More than the system gives at once.
            for number in 0..700 {
                let name = format!("{number:03} {}.cast", "x".repeat(60));
                fs::write(below.join(&name), "").unwrap();
                expected.push(below.join(name));
            }
        }
        let hidden = folder.path().join(FLASHBACK_FOLDER);
        fs::create_dir(&hidden).unwrap();
        fs::write(hidden.join("no.cast"), "").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
        let mut paths = Paths::default();
        all_files(folder.path(), &mut |folder, name| paths.push(folder, name)).unwrap();
        let mut found: Vec<PathBuf> = paths.iter().map(Path::to_owned).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let missing = all_files(&folder.path().join("no"), &mut |_, _| {});
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
