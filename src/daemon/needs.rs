//! Who needs the watch of a tmux server, and what for: beside the recordings there.

use std::sync::Arc;

use super::watcher::{Need, Watcher};
use super::{Daemon, Error, Result};
use crate::tmux::{Control, Socket};

/// What is needed of one server, and by how many.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) all: usize,
    names: usize,
    looks: usize,
}

impl Needs {
    fn add(&mut self, need: Need) {
        self.all += 1;
        self.names += usize::from(need.names);
        self.looks += usize::from(need.looks);
    }

    fn remove(&mut self, need: Need) {
        self.all -= 1;
        self.names -= usize::from(need.names);
        self.looks -= usize::from(need.looks);
    }
}

/// Counts as somebody who needs the watch of a server.
pub(super) struct Listener {
    daemon: Daemon,
    socket: Socket,
    need: Need,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let (daemon, socket) = (self.daemon.clone(), self.socket.clone());
        let need = self.need;
        tokio::spawn(async move { daemon.leave(&socket, need).await });
    }
}

impl Daemon {
    /// The watch of a server, as long as the listener lives.
    ///
    /// # Errors
    /// When the daemon is about to end.
    pub(super) async fn join_watch(
        &self,
        tmux: &Control,
        need: Need,
    ) -> Result<(Arc<Watcher>, Listener)> {
        let socket = tmux.server().socket().clone();
        let _creating = self.shared.creating.lock().await;
        if self.registry().is_closing {
            return Err(Error::ShuttingDown);
        }
        let watcher = self.watcher(tmux.server(), tmux.version());
        {
            let mut registry = self.registry();
            registry.needs.entry(socket.clone()).or_default().add(need);
        }
        let listener = Listener {
            daemon: self.clone(),
            socket,
            need,
        };
        self.tell_needs(&listener.socket);
        Ok((watcher, listener))
    }

    async fn leave(&self, socket: &Socket, need: Need) {
        let is_last = {
            let mut registry = self.registry();
            let left = registry.needs.get_mut(socket).map_or(0, |needs| {
                needs.remove(need);
                needs.all
            });
            if left == 0 {
                registry.needs.remove(socket);
            }
            left == 0
        };
        self.tell_needs(socket);
        if is_last {
            self.drop_watcher(socket).await;
        }
    }

    /// Tells a server's watcher what is wanted of it now.
    pub(super) fn tell_needs(&self, socket: &Socket) {
        let registry = self.registry();
        let Some(watcher) = registry.watchers.get(socket) else {
            return;
        };
        let needs = registry.needs.get(socket);
        let is_recorded = registry.records_on(socket);
        watcher.tell(Need {
            names: needs.is_some_and(|needs| needs.names > 0),
            looks: is_recorded || needs.is_some_and(|needs| needs.looks > 0),
        });
    }
}
