//! Which panes are piped by us, and into which FIFO.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::tmux::{PaneId, Server, Socket};

/// The pipes of all recordings of this daemon.
#[derive(Debug)]
pub(super) struct Pipes {
    folder: PathBuf,
    relay: Option<Arc<Path>>,
    serial: AtomicU64,
    owned: Mutex<HashMap<(Socket, PaneId), PathBuf>>,
}

impl Pipes {
    /// Pipes in this folder; none yet. `relay` is the program that hands on
    /// what panes print.
    pub(super) fn new(folder: PathBuf, relay: Option<PathBuf>) -> Pipes {
        Pipes {
            folder,
            relay: relay.map(Arc::from),
            serial: AtomicU64::new(0),
            owned: Mutex::default(),
        }
    }

    /// The program to run between a pane and its FIFO, if not `cat`.
    pub(super) fn relay(&self) -> Option<Arc<Path>> {
        self.relay.clone()
    }

    /// A path for a FIFO, never given out before.
    pub(super) fn path(&self, server: u32, pane: PaneId) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let us = std::process::id();
        self.folder
            .join(format!("{us}-{server}-{}-{serial}", pane.0))
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
