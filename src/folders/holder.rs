//! Who is this user's daemon, and where it listens: told by its lock in the
//! state folder, which no sweeper of temporary files comes to and which is the
//! same for every login of a user.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag};

/// How it stands with the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    Free,
    /// One runs; it says nothing of itself while it starts and while it ends.
    Held(Option<Holder>),
}

/// The daemon that holds the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, as it says itself.
    pub pid: i32,
    /// The runtime folder with its socket. A daemon of an older version does not
    /// tell.
    pub runtime: Option<PathBuf>,
    lock: PathBuf,
}

impl Holder {
    /// Writes into the lock, which this process holds, who it is and where it
    /// listens: the process id, then the runtime folder, a line each.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(lock: &mut File, runtime: &Path) -> io::Result<()> {
        let mut text = format!("{}\n", std::process::id()).into_bytes();
        text.extend_from_slice(runtime.as_os_str().as_bytes());
        text.push(b'\n');
        // In one piece, over what was there: a reader meets either.
        lock.rewind()?;
        lock.write_all(&text)?;
        lock.set_len(text.len() as u64)
    }

    fn read(mut file: File, lock: &Path) -> Option<Holder> {
        let mut text = Vec::new();
        file.read_to_end(&mut text).ok()?;
        let mut lines = text.split(|byte| *byte == b'\n');
        let pid = std::str::from_utf8(lines.next()?).ok()?;
        let runtime = lines.next().filter(|path| !path.is_empty());
        Some(Holder {
            pid: pid.trim().parse().ok()?,
            runtime: runtime.map(|path| Path::new(OsStr::from_bytes(path)).to_owned()),
            lock: lock.to_owned(),
        })
    }

    /// Whether this process id is the holder's as this process sees it: not that
    /// of another one since, nor one of another container.
    #[must_use]
    pub fn is_process(&self) -> bool {
        let Ok(lock) = fs::metadata(&self.lock) else {
            return false;
        };
        let Ok(open) = fs::read_dir(format!("/proc/{}/fd", self.pid)) else {
            return false;
        };
        let is_lock = |found: fs::Metadata| (found.dev(), found.ino()) == (lock.dev(), lock.ino());
        open.flatten()
            .any(|entry| fs::metadata(entry.path()).is_ok_and(is_lock))
    }
}

impl LockState {
    pub(super) fn of(lock: &Path) -> LockState {
        let file = File::options()
            .read(true)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(lock);
        let Ok(file) = file else {
            return LockState::Free;
        };
        // Taken for a moment where it is free: a daemon that starts tries again.
        match Flock::lock(file, FlockArg::LockSharedNonblock) {
            Ok(_) => LockState::Free,
            Err((file, _)) => LockState::Held(Holder::read(file, lock)),
        }
    }

    /// Who holds it and says so.
    #[must_use]
    pub fn holder(self) -> Option<Holder> {
        match self {
            LockState::Free => None,
            LockState::Held(holder) => holder,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(LockState::of(&path), LockState::Free);
        let mut file = File::create(&path).unwrap();
        let runtime = Path::new(OsStr::from_bytes(b"/run/caf\xe9"));
        Holder::write(&mut file, Path::new("/a/longer/path/than/the/other")).unwrap();
        Holder::write(&mut file, runtime).unwrap();
        assert_eq!(LockState::of(&path), LockState::Free, "nobody holds it");
        let held = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        let holder = LockState::of(&path).holder().unwrap();
        assert_eq!(holder.pid as u32, std::process::id());
        assert_eq!(holder.runtime.as_deref(), Some(runtime));
        assert!(holder.is_process());
        let other = Holder {
            pid: 1,
            ..holder.clone()
        };
        assert!(!other.is_process());
        held.set_len(0).unwrap();
        assert_eq!(LockState::of(&path), LockState::Held(None));
        drop(held);
        assert_eq!(LockState::of(&path), LockState::Free);
    }

    #[test]
    fn an_older_daemon_tells_its_process_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "1234\n").unwrap();
        let file = File::open(&path).unwrap();
        let _held = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
        let holder = LockState::of(&path).holder().unwrap();
        assert_eq!((holder.pid, holder.runtime), (1234, None));
    }
}
