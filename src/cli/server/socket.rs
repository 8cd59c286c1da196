//! The daemon's Unix socket, which is made again where somebody has swept it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tokio::net::UnixListener;

use crate::folders::{Folders, Holder};
use crate::wording::chain;

/// The socket's file, and the lock that tells clients where it is.
pub(super) struct Socket {
    folders: Folders,
    lock: File,
    /// Device and inode of the file that was bound.
    identity: (u64, u64),
}

impl Socket {
    /// Listens in the runtime folder, and says so in `lock`, which the caller
    /// holds.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(super) fn bind(folders: &Folders, lock: File) -> io::Result<(Socket, UnixListener)> {
        let listener = listen(folders)?;
        let mut socket = Socket {
            folders: folders.clone(),
            lock,
            identity: (0, 0),
        };
        socket.note()?;
        Ok((socket, listener))
    }

    /// Listens again where the socket's file is gone; else `None`. The folder
    /// is made again too; where it cannot be, since a login has ended and its
    /// XDG_RUNTIME_DIR with it, the last resort serves.
    pub(super) fn renew(&mut self) -> Option<UnixListener> {
        if identity(&self.folders).is_some_and(|found| found == self.identity) {
            return None;
        }
        let elsewhere = Folders::at(Folders::last_resort(), self.folders.state());
        for folders in [self.folders.clone(), elsewhere] {
            let renewed = folders.prepare().map_err(io::Error::other);
            match renewed.and_then(|()| listen(&folders)) {
                Ok(listener) => {
                    let path = folders.socket();
                    tracing::warn!(socket = %path.display(), "the socket was gone: listening again");
                    self.folders = folders;
                    if let Err(error) = self.note() {
                        tracing::error!(error = chain(&error), "clients cannot be told");
                    }
                    return Some(listener);
                }
                Err(error) => {
                    let path = folders.socket();
                    tracing::error!(socket = %path.display(), error = chain(&error), "not listening");
                }
            }
        }
        None
    }

    pub(super) fn folders(&self) -> &Folders {
        &self.folders
    }

    /// From here on a client finds nobody, and starts another daemon.
    pub(super) fn close(&mut self) {
        let _ = self.lock.set_len(0);
        if identity(&self.folders).is_some_and(|found| found == self.identity) {
            let _ = fs::remove_file(self.folders.socket());
        }
    }

    fn note(&mut self) -> io::Result<()> {
        self.identity = identity(&self.folders).unwrap_or_default();
        Holder::write(&mut self.lock, self.folders.runtime())
    }
}

/// We hold the lock: a socket that is there belongs to nobody.
fn listen(folders: &Folders) -> io::Result<UnixListener> {
    let path = folders.socket();
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn identity(folders: &Folders) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(folders.socket()).ok()?;
    Some((found.dev(), found.ino()))
}
