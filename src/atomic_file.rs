//! Files that appear under their name as a whole, or not at all.
//!
//! A file is written without a name, so that a killed process leaves nothing
//! behind. Where the file system knows no such files (`O_TMPFILE`), it has a
//! temporary name that goes when the value is dropped.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::linkat;
use tempfile::NamedTempFile;

/// What a file survives once it has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process. Nothing is synced.
    Kill,
    /// A power cut too: the content is synced before the file gets its name,
    /// and the folder after.
    PowerCut,
}

/// A file that has no name yet.
#[derive(Debug)]
pub struct AtomicFile {
    place: TempFile,
}

#[derive(Debug)]
enum TempFile {
    Anonymous { file: File, folder: PathBuf },
    Named(NamedTempFile),
}

/// Replaces whatever has the name `path` by a file with this content and mode
/// (less the umask).
///
/// # Errors
/// When the file cannot be written or take its name. `path` is then as it was.
pub fn replace(path: &Path, mode: u32, content: &[u8], durability: Durability) -> io::Result<()> {
    let mut new = AtomicFile::beside(path, mode)?;
    new.file_mut().write_all(content)?;
    new.replace(path, durability).map(drop)
}

/// Makes the names in the folder of `path` survive a power cut.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

impl AtomicFile {
    /// A file in the folder of `path`, so that it can take that name. The umask
    /// is taken from `mode`.
    ///
    /// # Errors
    /// When the folder takes no new file.
    pub fn beside(path: &Path, mode: u32) -> io::Result<AtomicFile> {
        let folder = folder_of(path);
        let anonymous = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(mode)
            .custom_flags(OFlag::O_TMPFILE.bits())
            .open(folder);
        let place = match anonymous {
            Ok(file) => TempFile::Anonymous {
                file,
                folder: folder.to_owned(),
            },
            Err(error) if is_unsupported(&error) => TempFile::Named(named(folder, mode)?),
            Err(error) => return Err(error),
        };
        Ok(AtomicFile { place })
    }

    /// The file, open for reading and writing.
    #[must_use]
    pub fn file(&self) -> &File {
        match &self.place {
            TempFile::Anonymous { file, .. } => file,
            TempFile::Named(named) => named.as_file(),
        }
    }

    /// The file, to write to.
    pub fn file_mut(&mut self) -> &mut File {
        match &mut self.place {
            TempFile::Anonymous { file, .. } => file,
            TempFile::Named(named) => named.as_file_mut(),
        }
    }

    /// Takes the name `path`, which must be free.
    ///
    /// # Errors
    /// `AlreadyExists` when something has that name; the file stays usable and
    /// can try another one.
    pub fn publish_new(&self, path: &Path, durability: Durability) -> io::Result<()> {
        self.sync(durability)?;
        match &self.place {
            TempFile::Anonymous { file, .. } => link(file, path)?,
            TempFile::Named(named) => fs::hard_link(named.path(), path)?,
        }
        if durability == Durability::PowerCut {
            sync_folder(path)?;
        }
        Ok(())
    }

    /// The file, which keeps the name it was published under.
    #[must_use]
    pub fn into_file(self) -> File {
        match self.place {
            TempFile::Anonymous { file, .. } => file,
            TempFile::Named(named) => named.into_file(),
        }
    }

    /// Takes the name `path` from whatever file has it. Gives the file.
    ///
    /// # Errors
    /// When it cannot be synced or renamed. `path` is then as it was, unless
    /// only the sync of its folder failed.
    pub fn replace(self, path: &Path, durability: Durability) -> io::Result<File> {
        self.sync(durability)?;
        let file = match self.place {
            TempFile::Anonymous { file, folder } => {
                rename_anonymous(&file, &folder, path)?;
                file
            }
            TempFile::Named(named) => named.persist(path).map_err(|error| error.error)?,
        };
        if durability == Durability::PowerCut {
            sync_folder(path)?;
        }
        Ok(file)
    }

    fn sync(&self, durability: Durability) -> io::Result<()> {
        match durability {
            Durability::Kill => Ok(()),
            Durability::PowerCut => self.file().sync_all(),
        }
    }
}

/// A file without a name can only take a free one, so it takes one for the
/// moment until it is renamed.
fn rename_anonymous(file: &File, folder: &Path, path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or(OsStr::new("new"));
    for number in 0u32.. {
        let mut passing = OsString::from(".");
        passing.push(name);
        passing.push(format!(".{}.{number}", std::process::id()));
        let passing = folder.join(passing);
        match link(file, &passing) {
            Ok(()) => {
                return fs::rename(&passing, path).inspect_err(|_| {
                    let _ = fs::remove_file(&passing);
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn named(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".tvmux-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL | Errno::ENOENT)
    )
}

/// Gives a file without a name its first one.
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

pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    /// The same file without a name and with one.
    fn both_kinds(path: &Path) -> [AtomicFile; 2] {
        let named = TempFile::Named(named(folder_of(path), 0o600).unwrap());
        [
            AtomicFile::beside(path, 0o600).unwrap(),
            AtomicFile { place: named },
        ]
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_appears_whole_and_replaces_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        for (number, mut new) in both_kinds(&path).into_iter().enumerate() {
            new.file_mut().write_all(b"new").unwrap();
            assert_eq!(path.exists(), number > 0);
            fs::write(&path, "old").unwrap();
            let file = new.replace(&path, Durability::PowerCut).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            let found = fs::metadata(&path).unwrap();
            assert_eq!(found.ino(), file.metadata().unwrap().ino());
            assert_eq!(found.mode() & 0o777, 0o600);
        }
        assert_eq!(names(folder.path()), 1, "nothing else is left");
    }

    #[test]
    fn a_taken_name_is_refused_and_another_one_taken() {
        let folder = tempfile::tempdir().unwrap();
        for (number, new) in both_kinds(&folder.path().join("x")).iter().enumerate() {
            let (taken, free) = (folder.path().join("taken"), format!("free{number}"));
            fs::write(&taken, "theirs").unwrap();
            let error = new.publish_new(&taken, Durability::Kill).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&taken).unwrap(), b"theirs");
            new.publish_new(&folder.path().join(free), Durability::PowerCut)
                .unwrap();
        }
        assert_eq!(names(folder.path()), 3);
    }

    #[test]
    fn a_link_is_replaced_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("target"), folder.path().join("f"));
        fs::write(&target, "theirs").unwrap();
        symlink(&target, &path).unwrap();
        replace(&path, 0o600, b"ours", Durability::Kill).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
        assert_eq!(fs::read(&path).unwrap(), b"ours");
    }

    #[test]
    fn what_gets_no_name_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let folder_in_the_way = folder.path().join("d");
        fs::create_dir(&folder_in_the_way).unwrap();
        for new in both_kinds(&path) {
            assert!(new.replace(&folder_in_the_way, Durability::Kill).is_err());
        }
        drop(both_kinds(&path));
        assert_eq!(names(folder.path()), 1);
    }
}
