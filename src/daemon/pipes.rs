//! Which panes are piped by us, and into which FIFO.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::folders::Folders;
use crate::record::{AttachError, AttachOptions, Attached, RelayProgram, attach_pipe};
use crate::tmux::{PaneId, Server, Socket, Version};
use crate::wording::chain;

/// The pipes of all recordings of this daemon.
#[derive(Debug)]
pub(super) struct Pipes {
    folders: Folders,
    relay: Option<RelayProgram>,
    serial: AtomicU64,
    owned: Mutex<HashMap<(Socket, PaneId), PathBuf>>,
}

impl Pipes {
    /// Pipes in the folder for them; none yet. `relay` is the program that hands on
    /// what panes print.
    pub(super) fn new(folders: Folders, relay: Option<RelayProgram>) -> Pipes {
        Pipes {
            folders,
            relay,
            serial: AtomicU64::new(0),
            owned: Mutex::default(),
        }
    }

    /// Takes a snapshot of `pane` and starts its pipe. The folder of the FIFOs is made
    /// again where somebody has swept it.
    ///
    /// # Errors
    /// When the FIFO cannot be made, or tmux refuses.
    pub(super) async fn attach(
        self: Arc<Self>,
        (server, version): (Server, Version),
        server_pid: u32,
        pane: PaneId,
        options: AttachOptions,
    ) -> Result<Attached, AttachError> {
        let attach = || {
            let (path, relay) = (self.path(server_pid, pane), self.relay.clone());
            attach_pipe(server.clone(), version, pane, path, options.clone(), relay)
        };
        match attach().await {
            Err(AttachError::Fifo { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let folders = self.folders.clone();
                let prepared = tokio::task::spawn_blocking(move || folders.prepare()).await;
                if let Ok(Err(error)) = prepared {
                    tracing::warn!(error = chain(&error), "the folder of the pipes is gone");
                }
                attach().await
            }
            other => other,
        }
    }

    /// A path for a FIFO, never given out before.
    fn path(&self, server: u32, pane: PaneId) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let us = std::process::id();
        self.folders
            .pipes()
            .join(format!("{us}-{server}-{}-{serial}", pane.0))
    }

    /// A path for a FIFO of the command that process `pid` runs.
    pub(super) fn command_path(&self, pid: u32, what: &str) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let us = std::process::id();
        self.folders
            .pipes()
            .join(format!("{us}-{what}-{pid}-{serial}"))
    }

    /// A pane is piped by us now.
    pub(super) fn acquired(&self, server: &Server, pane: PaneId, path: &Path) {
        let key = (server.socket().clone(), pane);
        self.lock().insert(key, path.to_owned());
    }

    /// A pane is no longer piped into this FIFO.
    pub(super) fn released(&self, server: &Server, pane: PaneId, path: &Path) {
        let key = (server.socket().clone(), pane);
        let mut owned = self.lock();
        if owned.get(&key).is_some_and(|owned| owned == path) {
            owned.remove(&key);
        }
    }

    /// The FIFO that a recording of ours has the pane piped into, if one has.
    pub(super) fn owner(&self, server: &Server, pane: PaneId) -> Option<PathBuf> {
        self.lock().get(&(server.socket().clone(), pane)).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Socket, PaneId), PathBuf>> {
        self.owned.lock().unwrap_or_else(|error| error.into_inner())
    }
}
