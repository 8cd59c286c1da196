//! Opens files of this user's own: mode 0600 where they are made, and never through
//! a link.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

/// Opens a file that is locked, and read or written by whoever holds the lock: what
/// is in it stays.
///
/// # Errors
/// When it cannot be made or opened.
pub fn open_lock(path: &Path) -> io::Result<File> {
    private().truncate(false).read(true).write(true).open(path)
}

/// Opens a file to which lines are added.
///
/// # Errors
/// When it cannot be made or opened.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    private().append(true).open(path)
}

fn private() -> OpenOptions {
    let mut options = File::options();
    options
        .create(true)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits());
    options
}
