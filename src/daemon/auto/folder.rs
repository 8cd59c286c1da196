//! Waits until a tmux server's socket appears: the system tells, nobody looks.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::tmux::Socket;

/// Bytes of events that are read at once: room for names of any length.
const EVENTS: usize = 4096;

/// The folder of a socket.
pub(super) struct SocketFolder {
    events: AsyncFd<OwnedFd>,
    name: OsString,
}

impl SocketFolder {
    /// Begins to watch. What appears from here on is told.
    ///
    /// # Errors
    /// When the folder is not there, or the system watches nothing more.
    pub(super) fn watch(socket: &Socket) -> io::Result<SocketFolder> {
        socket.prepare_folder()?;
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let folder = socket.path().parent().ok_or_else(missing)?;
        let name = socket.path().file_name().ok_or_else(missing)?;
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let appears = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        inotify::add_watch(&events, folder, appears)?;
        Ok(SocketFolder {
            // SAFETY: the descriptor is owned, open, and the same one until the
            // `AsyncFd` is dropped with it.
            events: unsafe { AsyncFd::register_with_interest(events, Interest::READABLE) }?,
            name: name.to_owned(),
        })
    }

    /// Returns once something has got the socket's name since this was called
    /// last. Cancel safe.
    pub(super) async fn appeared(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.events.readable().await?;
            let mut buffer = [MaybeUninit::uninit(); EVENTS];
            let mut reader = Reader::new(ready.get_inner(), &mut buffer);
            let mut has_appeared = false;
            let end = loop {
                match reader.next() {
                    Ok(event) => {
                        let name = event.file_name().map(|name| name.to_bytes());
                        has_appeared |= name.is_none_or(|name| name == self.name.as_bytes());
                    }
                    Err(error) => break io::Error::from(error),
                }
            };
            match end.kind() {
                io::ErrorKind::WouldBlock => ready.clear_ready(),
                io::ErrorKind::Interrupted => {}
                _ => return Err(end),
            }
            if has_appeared {
                return Ok(());
            }
        }
    }
}
