//! The folders that are the program's own: sockets and pipes, and what must
//! outlive a crash.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};

use crate::atomic_file::{self, Durability};
use crate::config::expand_home;

mod holder;
mod open;

pub use holder::{Holder, LockState};
pub use open::{open_lock, open_to_append};

/// Bytes that the path of a Unix socket may have (`sun_path` of unix(7), less
/// its final zero).
const SOCKET_PATH: usize = 107;

/// Where the daemon keeps what is not a cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    runtime: PathBuf,
    state: PathBuf,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system does not let it be made or looked at.
    #[error("cannot use the folder {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Others could read or change what is in it.
    #[error("the folder {} is not safe: {why}", .path.display())]
    Unsafe { path: PathBuf, why: String },
}

impl Folders {
    /// The folders of this user: where the daemon that runs has said that it
    /// listens, else those of [`Folders::of_environment`].
    #[must_use]
    pub fn of_user() -> Folders {
        let folders = Folders::of_environment();
        match folders
            .lock_state()
            .holder()
            .and_then(|holder| holder.runtime)
        {
            // Another login, cron and `su -` have another environment.
            Some(runtime) => Folders { runtime, ..folders },
            None => folders,
        }
    }

    /// The folders that the environment says: `$XDG_RUNTIME_DIR/tvmux`, else
    /// (where that is no folder, or too long for a socket's path)
    /// `/tmp/tvmux-UID`; and `$XDG_STATE_HOME/tvmux`, else `~/.local/state/tvmux`.
    #[must_use]
    pub fn of_environment() -> Folders {
        let state = absolute("XDG_STATE_HOME").unwrap_or_else(|| expand_home("~/.local/state"));
        let state = state.join("tvmux");
        let in_runtime_dir = absolute("XDG_RUNTIME_DIR")
            .filter(|path| path.is_dir())
            .map(|base| Folders::at(base.join("tvmux"), &state))
            .filter(|folders| folders.socket().as_os_str().len() <= SOCKET_PATH);
        in_runtime_dir.unwrap_or_else(|| Folders::at(Folders::last_resort(), state))
    }

    /// The runtime folder where the environment has none: `/tmp/tvmux-UID`.
    #[must_use]
    pub fn last_resort() -> PathBuf {
        PathBuf::from(format!("/tmp/tvmux-{}", nix::unistd::getuid()))
    }

    /// The daemon that runs, wherever it listens.
    #[must_use]
    pub fn lock_state(&self) -> LockState {
        LockState::of(&self.lock())
    }

    /// Folders at given places.
    #[must_use]
    pub fn at(runtime: impl Into<PathBuf>, state: impl Into<PathBuf>) -> Folders {
        Folders {
            runtime: runtime.into(),
            state: state.into(),
        }
    }

    /// Makes the folders that are missing, and checks those that are there.
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

    /// The file that says for all logins of this user who is the daemon: it
    /// holds it locked, and [`Holder`] reads it.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// The log of a daemon that runs in the background.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.runtime.join("server.log")
    }

    /// The token that TCP clients show.
    #[must_use]
    pub fn token(&self) -> PathBuf {
        self.runtime.join("token")
    }

    /// Writes the token for clients to a new file that only this user can read.
    /// A file or link of that name is replaced, not written to.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_token(&self, token: &str) -> io::Result<()> {
        atomic_file::replace(&self.token(), 0o600, token.as_bytes(), Durability::Kill)
    }

    /// The token of the daemon that runs.
    ///
    /// # Errors
    /// When there is none, or the file is a link or not only this user's.
    pub fn read_token(&self) -> io::Result<String> {
        let mut file = File::options()
            .read(true)
            .custom_flags(OFlag::O_NOFOLLOW.bits() | OFlag::O_NONBLOCK.bits())
            .open(self.token())?;
        let found = file.metadata()?;
        let user = nix::unistd::getuid().as_raw();
        if !found.is_file() || found.uid() != user || found.mode() & 0o077 != 0 {
            let why = format!("{} is not only this user's", self.token().display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let mut token = String::new();
        file.read_to_string(&mut token)?;
        Ok(token.trim_end().to_owned())
    }

    /// The folder of one session's pipes and sockets, in `base`: named after
    /// host and session, and told from others of that name by `$TMUX`.
    #[must_use]
    pub fn session_dir(base: &Path, host: &str, session: &str, tmux: &str) -> PathBuf {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let safe = |c: char| if is_safe(c) { c } else { '_' };
        let name: String = session.chars().map(safe).take(20).collect();
        let host: String = host.chars().map(safe).collect();
        let hash = fnv(format!("{host}_{session}_{tmux}").as_bytes());
        base.join(format!("session_{host}_{name}_{:06x}", hash >> 40))
    }

    /// Where recordings keep what must outlive the daemon but not the machine: a
    /// folder on a file system that is memory, so that nobody who writes there
    /// waits for a disk. In the runtime folder where that is one, else in
    /// `/dev/shm`; none without either.
    #[must_use]
    pub fn kept(&self) -> Option<PathBuf> {
        if is_memory(&self.runtime) {
            return Some(self.runtime.join("kept"));
        }
        let shared = Path::new("/dev/shm");
        let user = nix::unistd::getuid();
        let hash = fnv(self.runtime.as_os_str().as_encoded_bytes());
        is_memory(shared).then(|| shared.join(format!("tvmux-{user}-{hash:016x}")))
    }

    /// Makes that folder, or checks it.
    ///
    /// # Errors
    /// When it is a link, belongs to somebody else or is open to others.
    pub fn prepare_kept(&self) -> Result<Option<PathBuf>, Error> {
        let kept = self.kept();
        if let Some(kept) = &kept {
            private(kept)?;
        }
        Ok(kept)
    }

    /// The folder of the FIFOs.
    #[must_use]
    pub fn pipes(&self) -> PathBuf {
        self.runtime.join("pipes")
    }
}

/// FNV-1a: the same in every run and on every machine.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn is_memory(path: &Path) -> bool {
    statfs(path).is_ok_and(|system| system.filesystem_type() == TMPFS_MAGIC)
}

/// The folder `name` for what can be made again, only this user's: in
/// `$XDG_CACHE_HOME/tvmux`, else `~/.cache/tvmux`. It is made where it is missing.
///
/// # Errors
/// When it cannot be made, is a link or is open to others.
pub fn cache(name: &str) -> Result<PathBuf, Error> {
    let base = absolute("XDG_CACHE_HOME").unwrap_or_else(|| expand_home("~/.cache"));
    fs::create_dir_all(&base).map_err(|source| Error::Io {
        path: base.clone(),
        source,
    })?;
    let own = base.join("tvmux");
    private(&own)?;
    let folder = own.join(name);
    private(&folder)?;
    Ok(folder)
}

/// The folder for what is kept of this user's: `$XDG_DATA_HOME/tvmux`, else
/// `~/.local/share/tvmux`. It is made, for this user alone, where it is missing.
///
/// # Errors
/// When it cannot be made, is a link or is open to others.
pub fn data() -> Result<PathBuf, Error> {
    let base = absolute("XDG_DATA_HOME").unwrap_or_else(|| expand_home("~/.local/share"));
    fs::create_dir_all(&base).map_err(|source| Error::Io {
        path: base.clone(),
        source,
    })?;
    let folder = base.join("tvmux");
    private(&folder)?;
    Ok(folder)
}

/// The folder that a variable names, if it is an absolute path.
fn absolute(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
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

    #[test]
    fn the_token_is_only_this_users() {
        let base = tempfile::tempdir().unwrap();
        let folders = Folders::at(base.path().join("run"), base.path().join("state"));
        folders.prepare().unwrap();
        let elsewhere = base.path().join("elsewhere");
        fs::write(&elsewhere, "theirs").unwrap();
        symlink(&elsewhere, folders.token()).unwrap();
        assert!(folders.read_token().is_err(), "a link is not followed");
        folders.write_token("secret").unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
        assert_eq!(folders.read_token().unwrap(), "secret");
        assert_eq!(fs::metadata(folders.token()).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(folders.token(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(folders.read_token().is_err(), "others could have read it");
    }

    #[test]
    fn sessions_have_folders_of_their_own() {
        let base = Path::new("/run/tvmux");
        let of = |session, tmux| Folders::session_dir(base, "laptop", session, tmux);
        let one = of("my project", "/tmp/tmux-1000/default,3028,0");
        let name = one.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("session_laptop_my_project_"), "{name}");
        assert_eq!(name.len(), "session_laptop_my_project_".len() + 6);
        assert_ne!(one, of("my project", "/tmp/tmux-1000/other,3028,0"));
        assert_ne!(one, of("my_project", "/tmp/tmux-1000/default,3028,0"));
        assert_eq!(of("../../x", "").parent(), Some(base));
    }
}
