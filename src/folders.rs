//! The folders that are the program's own: sockets and pipes, and what must
//! outlive a crash.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::config::expand_home;

/// Where the daemon keeps what is not a cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    runtime: PathBuf,
    state: PathBuf,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be made or looked at.
    #[error("cannot use the folder {}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others could read or change what is in it.
    #[error("the folder {} is not safe: {why}", .path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Folders {
    /// The folders of this user: `$XDG_RUNTIME_DIR/tvmux`, else
    /// `/tmp/tvmux-UID`; and `$XDG_STATE_HOME/tvmux`, else
    /// `~/.local/state/tvmux`.
    #[must_use]
    pub fn of_user() -> Folders {
        let absolute = |name| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let runtime = match absolute("XDG_RUNTIME_DIR").filter(|path| path.is_dir()) {
            Some(base) => base.join("tvmux"),
            None => PathBuf::from(format!("/tmp/tvmux-{}", nix::unistd::getuid())),
        };
        let state = absolute("XDG_STATE_HOME").unwrap_or_else(|| expand_home("~/.local/state"));
        Folders::at(runtime, state.join("tvmux"))
    }

    /// Folders at given places.
    #[must_use]
    pub fn at(runtime: impl Into<PathBuf>, state: impl Into<PathBuf>) -> Folders {
        Folders {
            runtime: runtime.into(),
            state: state.into(),
        }
    }

    /// Makes what is not there, and looks at what is.
    ///
    /// # Errors
    /// When a folder is a link, belongs to somebody else or is open to others.
    pub fn prepare(&self) -> Result<(), Error> {
        private(&self.runtime)?;
        private(&self.pipes())?;
        if let Some(parent) = self.state.parent() {
            fs::create_dir_all(parent).map_err(|source| Error::Io {
                path: parent.to_owned(),
                source,
            })?;
        }
        private(&self.state)
    }

    /// Sockets, pipes, locks: gone after a reboot.
    #[must_use]
    pub fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// The journals of running recordings.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The daemon's Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("server.sock")
    }

    /// The file that a running daemon holds locked; it has its process id.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.runtime.join("server.pid")
    }

    /// The log of a daemon that runs in the background.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.runtime.join("server.log")
    }

    /// The folder of the FIFOs.
    #[must_use]
    pub fn pipes(&self) -> PathBuf {
        self.runtime.join("pipes")
    }
}

/// Makes a folder that is only this user's, or checks that it is.
fn private(path: &Path) -> Result<(), Error> {
    let io = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    let unsafe_folder = |why: String| Error::Unsafe {
        path: path.to_owned(),
        why,
    };
    let found = path.symlink_metadata().map_err(io)?;
    if found.file_type().is_symlink() {
        return Err(unsafe_folder("it is a link; remove it".into()));
    }
    if !found.is_dir() {
        return Err(unsafe_folder("it is not a folder; remove it".into()));
    }
    let user = nix::unistd::getuid().as_raw();
    if found.uid() != user {
        let owner = found.uid();
        return Err(unsafe_folder(format!(
            "it belongs to user {owner}, not to {user}; remove it or set XDG_RUNTIME_DIR"
        )));
    }
    if found.mode() & 0o077 != 0 {
        let mode = found.mode() & 0o777;
        return Err(unsafe_folder(format!(
            "others may use it (mode {mode:03o}); run `chmod 700 {}`",
            path.display()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn folders_are_made_private() {
        let base = tempfile::tempdir().unwrap();
        let folders = Folders::at(base.path().join("run"), base.path().join("a/b/state"));
        folders.prepare().unwrap();
        folders.prepare().unwrap();
        let mode = fs::metadata(folders.runtime()).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn links_and_open_folders_are_refused() {
        let base = tempfile::tempdir().unwrap();
        let (real, link) = (base.path().join("real"), base.path().join("link"));
        fs::create_dir(&real).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o755)).unwrap();
        let state = base.path().join("state");
        let open = Folders::at(&real, &state).prepare().unwrap_err();
        assert!(open.to_string().contains("755"), "{open}");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&real, &link).unwrap();
        let linked = Folders::at(&link, &state).prepare().unwrap_err();
        assert!(linked.to_string().contains("link"), "{linked}");
    }
}
