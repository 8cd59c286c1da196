//! The reading end of a named pipe, drained without blocking.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Capacity in bytes while nothing much comes: what a new pipe has.
const NARROW: i32 = 64 * 1024;

/// Capacity in a flood: what a pane prints while the daemon is busy elsewhere.
/// The default limit of `pipe-max-size` for users. Not for all the time: a
/// user's share of pipe pages (`pipe-user-pages-soft`) is used up by 64 of
/// these, and then every new pipe of the user's programs holds two pages only.
const WIDE: i32 = 1024 * 1024;

/// A FIFO of this process's own, gone from the folder when dropped.
#[derive(Debug)]
pub struct Fifo {
    file: Arc<File>,
    /// `None` while nobody waits for it.
    watch: Option<AsyncFd<Arc<File>>>,
    path: PathBuf,
    is_wide: bool,
    /// Whether it stays in the folder when dropped.
    is_left: bool,
}

/// What one read of a FIFO gave: bytes, nothing yet, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    Bytes(usize),
    Empty,
    /// All writers are gone and everything is read.
    Closed,
}

/// Makes a FIFO (mode 0600) that others open.
///
/// # Errors
/// When it cannot be made.
pub fn make_fifo(path: &Path) -> io::Result<()> {
    Ok(nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?)
}

impl Fifo {
    /// Makes the FIFO (mode 0600) and opens it for reading, before anybody
    /// opens it for writing: a writer's `open` then does not wait.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub fn create(path: &Path) -> io::Result<Fifo> {
        make_fifo(path)?;
        let file = Self::open(path).inspect_err(|_| {
            let _ = std::fs::remove_file(path);
        })?;
        Ok(Fifo::of(file, path))
    }

    /// Opens the FIFO that a process before has made, with what is in it.
    ///
    /// # Errors
    /// When it is not there or is something else.
    pub fn take_over(path: &Path) -> io::Result<Fifo> {
        let file = Self::open(path)?;
        match file.metadata()?.file_type().is_fifo() {
            true => Ok(Fifo::of(file, path)),
            false => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn of(file: File, path: &Path) -> Fifo {
        Fifo {
            file: Arc::new(file),
            watch: None,
            path: path.to_owned(),
            is_wide: false,
            is_left: false,
        }
    }

    /// Leaves it in the folder for another process.
    pub fn leave(&mut self) {
        self.is_left = true;
    }

    /// Lets it be until [`Fifo::readable`] is called: what is written does not
    /// wake this process meanwhile.
    pub fn unwatch(&mut self) {
        self.watch = None;
    }

    /// Makes room for a flood, or gives it back.
    pub fn set_wide(&mut self, wide: bool) {
        if self.is_wide != wide {
            let capacity = if wide { WIDE } else { NARROW };
            // Refused when the user's share of pipe pages is used up, or while
            // more is in it: the capacity that it has does too.
            let _ = fcntl(&self.file, FcntlArg::F_SETPIPE_SZ(capacity));
            self.is_wide = wide;
        }
    }

    fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits())
            .open(path)
    }

    /// Whether somebody holds the FIFO at `path` open for writing. `false` too
    /// when there is none.
    #[must_use]
    pub fn has_writer(path: &Path) -> bool {
        let is_fifo = path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.file_type().is_fifo());
        // Without a writer a read gives the end, with one "would block" or data.
        is_fifo && Self::open(path).is_ok_and(|mut file| !matches!(file.read(&mut [0; 1]), Ok(0)))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The processes that have it as their standard output. Only this user's
    /// can be seen.
    #[must_use]
    pub fn writers(&self) -> Vec<Pid> {
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        processes
            .flatten()
            .filter_map(pid)
            .filter(|pid| {
                std::fs::read_link(format!("/proc/{pid}/fd/1"))
                    .is_ok_and(|output| output == self.path)
            })
            .map(Pid::from_raw)
            .collect()
    }

    /// Waits until there is something to read or the last writer has gone.
    ///
    /// # Errors
    /// When the runtime's event loop fails.
    pub async fn readable(&mut self) -> io::Result<()> {
        let watch = match &self.watch {
            Some(watch) => watch,
            None => {
                let file = Arc::clone(&self.file);
                // SAFETY: a `File` gives the same descriptor as long as it
                // lives, and the `AsyncFd` keeps it alive until it is dropped.
                let watch = unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) };
                self.watch
                    .insert(watch.map_err(|error| error.into_parts().1)?)
            }
        };
        watch.readable().await.map(|mut guard| guard.retain_ready())
    }

    /// Reads what is there, up to the length of `buffer`: less means that
    /// nothing more was there (pipe(7) gives all that it holds).
    ///
    /// # Errors
    /// As the system says.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<Read> {
        let mut file = &*self.file;
        loop {
            match file.read(buffer) {
                Ok(0) if self.is_hung_up() => return Ok(Read::Closed),
                // No writer yet.
                Ok(0) => {
                    self.clear_ready();
                    return Ok(Read::Empty);
                }
                Ok(count) => {
                    if count < buffer.len() {
                        self.clear_ready();
                    }
                    return Ok(Read::Bytes(count));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.clear_ready();
                    return Ok(Read::Empty);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// How many bytes are there to be read.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let waiting = rustix::io::ioctl_fionread(&self.file);
        waiting.map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Makes the next [`Fifo::readable`] wait for news. To be called right
    /// after the system said that there is nothing more, and nowhere else.
    fn clear_ready(&self) {
        let nothing = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
        if let Some(watch) = &self.watch {
            let _ = watch.try_io(Interest::READABLE, |_| nothing());
        }
    }

    /// A FIFO says "hung up" only when a writer was there and has gone.
    fn is_hung_up(&self) -> bool {
        let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1..))
            && fds[0]
                .revents()
                .is_some_and(|events| events.contains(PollFlags::POLLHUP))
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        if !self.is_left {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[tokio::test]
    async fn a_fifo_tells_no_writer_from_a_writer_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let mut fifo = Fifo::create(&path).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(fifo.read(&mut buffer).unwrap(), Read::Empty);
        assert!(!Fifo::has_writer(&path));
        let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
        assert_eq!(fifo.read(&mut buffer).unwrap(), Read::Empty);
        assert!(Fifo::has_writer(&path));
        writer.write_all(b"hello").unwrap();
        fifo.readable().await.unwrap();
        assert_eq!(fifo.read(&mut buffer).unwrap(), Read::Bytes(5));
        assert_eq!(fifo.read(&mut buffer).unwrap(), Read::Empty);
        drop(writer);
        fifo.readable().await.unwrap();
        assert_eq!(fifo.read(&mut buffer).unwrap(), Read::Closed);
        drop(fifo);
        assert!(!path.exists());
    }
}
