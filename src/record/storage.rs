//! Where a cast's bytes go: a file on disk, or a simulated one.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::atomic_file::{AtomicFile, Durability, folder_of};

/// A file as a sink needs it: written at given places, cut, synced.
pub trait Storage: Send + Sync + Sized + 'static {
    /// Writes some of `bytes` at `offset`; returns how many.
    ///
    /// # Errors
    /// As the system says; nothing of `bytes` is there then.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file to `length` bytes.
    ///
    /// # Errors
    /// As the system says.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Returns when everything written before is safe from a power cut, where
    /// the file's name is.
    ///
    /// # Errors
    /// As the system says.
    fn sync(&self) -> io::Result<()>;

    /// Returns when the file's name is safe from a power cut: a file that was
    /// synced is lost all the same while its folder was not.
    ///
    /// # Errors
    /// As the system says.
    fn sync_name(&self) -> io::Result<()>;

    /// Whether the file still has a name: not so once somebody removed it.
    ///
    /// # Errors
    /// As the system says.
    fn is_linked(&self) -> io::Result<bool>;

    /// Makes a file with `lines` in it where this one was removed.
    ///
    /// # Errors
    /// When the name is taken, or the file cannot be made or written.
    fn recreate(&self, lines: &[u8]) -> io::Result<Self>;
}

/// A file on disk.
#[derive(Debug)]
pub struct DiskFile {
    file: File,
    path: PathBuf,
    /// The file system that it is on.
    device: u64,
    /// The folders that name it, and of these the ones that were made for it.
    folders: Vec<PathBuf>,
}

impl DiskFile {
    /// A file that is open for writing at `path`. Asks the disk: not for the
    /// thread that drains.
    #[must_use]
    pub fn new(file: File, path: &Path) -> DiskFile {
        DiskFile {
            // Where it cannot be told, it shares the fate of others like it.
            device: file.metadata().map_or(0, |metadata| metadata.dev()),
            file,
            path: path.to_owned(),
            folders: vec![folder_of(path).to_owned()],
        }
    }

    /// Makes a file (mode 0600) with its first lines; never takes a name that
    /// is taken. It has its name only once the lines are in it.
    ///
    /// # Errors
    /// When the name is taken, or the file cannot be made or written.
    pub fn create(path: &Path, lines: &[u8]) -> io::Result<DiskFile> {
        let mut new = AtomicFile::beside(path, 0o600)?;
        new.file_mut().write_all(lines)?;
        // The sink syncs it, within its bound: a start does not wait for that.
        new.publish_new(path, Durability::Kill)?;
        Ok(DiskFile::new(new.into_file(), path))
    }

    /// The same where `folders` ([`create_folder`]) have new names in them too,
    /// on which the file's depends.
    #[must_use]
    pub fn in_new_folders(mut self, folders: Vec<PathBuf>) -> DiskFile {
        self.folders.extend(folders);
        self
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Device and inode: no other file has them while this one is there.
    ///
    /// # Errors
    /// As the system says.
    pub fn id(&self) -> io::Result<(u64, u64)> {
        file_id(&self.file)
    }

    /// The device number of its file system.
    #[must_use]
    pub fn device(&self) -> u64 {
        self.device
    }
}

/// Device and inode of an open file.
///
/// # Errors
/// As the system says.
pub fn file_id(file: &File) -> io::Result<(u64, u64)> {
    let found = file.metadata()?;
    Ok((found.dev(), found.ino()))
}

/// Makes a folder, and those above it that are missing. Returns those in which
/// one was made: a power cut may take it again until they are synced.
///
/// # Errors
/// As the system says.
pub fn create_folder(path: &Path) -> io::Result<Vec<PathBuf>> {
    let missing = path.ancestors().take_while(|folder| !folder.exists());
    let changed: Vec<_> = missing.map(|folder| folder_of(folder).to_owned()).collect();
    fs::create_dir_all(path)?;
    Ok(changed)
}

impl Storage for DiskFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_name(&self) -> io::Result<()> {
        for folder in &self.folders {
            match File::open(folder).and_then(|folder| folder.sync_all()) {
                Ok(()) => {}
                // A folder that one may write to and not read.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    nix::unistd::syncfs(&self.file)?;
                }
                // Some file systems know no sync of a folder.
                Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_linked(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.nlink() > 0)
    }

    fn recreate(&self, lines: &[u8]) -> io::Result<DiskFile> {
        DiskFile::create(&self.path, lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_which_one_was_made_are_told() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path();
        let deep = base.join("a/b/c");
        assert_eq!(
            create_folder(&deep).unwrap(),
            [base.join("a/b"), base.join("a"), base.to_owned()]
        );
        assert!(create_folder(&deep).unwrap().is_empty());
        let file = DiskFile::create(&deep.join("file"), b"lines\n").unwrap();
        file.in_new_folders(vec![base.to_owned()])
            .sync_name()
            .unwrap();
    }

    #[test]
    fn a_file_is_never_overwritten_and_never_seen_without_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cast");
        let file = DiskFile::create(&path, b"first\n").unwrap();
        let again = DiskFile::create(&path, b"second\n").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(file.is_linked().unwrap());
        assert_eq!(file.file.metadata().unwrap().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        assert!(!file.is_linked().unwrap());
        let new = file.recreate(b"third\n").unwrap();
        assert!(new.is_linked().unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"third\n");
    }
}
