//! The tmux servers that the daemon speaks to.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::Mutex;

use super::{Daemon, Error, Result};
use crate::tmux::{self, Control, Socket, Version};

/// What is known of servers that have answered once.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<Socket, (Stamp, Version)>>);

/// Tells one server's socket from the next one's at the same path. (Not by its
/// change time: tmux changes the mode when clients come and go.)
type Stamp = (u64, u64, i64, i64);

fn stamp(found: &Metadata) -> Stamp {
    (found.dev(), found.ino(), found.mtime(), found.mtime_nsec())
}

impl Known {
    fn version(&self, socket: &Socket, stamp: Stamp) -> Option<Version> {
        let known = self.0.lock().unwrap_or_else(|error| error.into_inner());
        let (seen, version) = known.get(socket)?;
        (*seen == stamp).then_some(*version)
    }

    fn note(&self, socket: &Socket, stamp: Stamp, version: Version) {
        let mut known = self.0.lock().unwrap_or_else(|error| error.into_inner());
        known.insert(socket.clone(), (stamp, version));
    }

    fn has(&self, socket: &Socket) -> bool {
        let known = self.0.lock().unwrap_or_else(|error| error.into_inner());
        known.contains_key(socket)
    }
}

impl Daemon {
    /// The tmux server at `socket`, or that which the daemon serves, ready to
    /// be controlled. Its version is asked once.
    ///
    /// # Errors
    /// [`tmux::Error::NoServer`] when there is none; [`Error::NoSocket`] when
    /// `socket` names one that has never been there.
    pub async fn control(&self, socket: Option<Socket>) -> Result<Control> {
        let is_named = socket.is_some();
        let server = self.tmux(socket);
        let path = server.socket().path();
        let known = &self.shared.known;
        // A folder on a network may hang.
        let found = tokio::fs::metadata(path).await.ok();
        let Some(found) = found.filter(|found| found.file_type().is_socket()) else {
            let socket = path.to_owned();
            if is_named && !known.has(server.socket()) && *server.socket() != self.shared.home {
                return Err(Error::NoSocket { socket });
            }
            return Err(tmux::Error::NoServer { socket }.into());
        };
        let stamp = stamp(&found);
        let version = match known.version(server.socket(), stamp) {
            Some(version) => version,
            None => {
                let version = server.version().await?;
                known.note(server.socket(), stamp, version);
                version
            }
        };
        Ok(Control::new(server, version))
    }
}
