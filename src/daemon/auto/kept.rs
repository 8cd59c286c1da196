//! What is known of the rules from one daemon to the next: whether they are
//! followed, on which tmux servers, and which windows were left alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic_file::{self, Durability};
use crate::clock::unix_seconds;
use crate::tmux::{ServerIdentity, ServerState, Socket, WindowId};

/// All windows of a tmux server that is younger are taken for new, in seconds.
const YOUNG: u64 = 10;

/// The state of the rules, as it is kept in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) on: bool,
    /// Sockets for which somebody has asked, beside the default one.
    pub(super) sockets: BTreeSet<PathBuf>,
    /// The servers that were watched.
    #[serde(default)]
    servers: Vec<ServerNote>,
}

/// What is known of one server process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ServerNote {
    socket: PathBuf,
    identity: ServerIdentity,
    /// The first window number that nobody has seen; tmux never gives one twice.
    next: u32,
    /// Windows whose recording was stopped by hand.
    stopped: BTreeSet<u32>,
}

fn path(state: &Path) -> PathBuf {
    state.join("auto.json")
}

impl Kept {
    /// What a daemon before has left; nothing where that cannot be read.
    pub(super) fn read(state: &Path) -> Kept {
        let path = path(state);
        let Ok(bytes) = fs::read(&path) else {
            return Kept::default();
        };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "the rules are off: this cannot be read");
            Kept::default()
        })
    }

    /// Keeps it for the next daemon.
    pub(super) fn write(&self, state: &Path) {
        let path = path(state);
        let content = serde_json::to_vec(self).unwrap_or_default();
        if let Err(error) = atomic_file::replace(&path, 0o600, &content, Durability::Kill) {
            tracing::warn!(path = %path.display(), %error, "the state of the rules is not kept");
        }
    }

    /// Rules are no longer followed: what they have come to know is forgotten.
    pub(super) fn turn_off(&mut self) {
        *self = Kept::default();
    }

    fn note(&mut self, socket: &Socket) -> Option<&mut ServerNote> {
        let mut notes = self.servers.iter_mut();
        notes.find(|note| note.socket == socket.path())
    }

    /// Takes in a server's windows; gives the number from which on they are new.
    pub(super) fn see(&mut self, socket: &Socket, state: &ServerState) -> u32 {
        let next = state.panes.iter().map(|pane| pane.window.0 + 1).max();
        let next = next.unwrap_or(0);
        let known = self.note(socket).map(|note| note.identity);
        if known != Some(state.identity) {
            let age = unix_seconds().saturating_sub(state.identity.start_time);
            self.servers.retain(|note| note.socket != socket.path());
            self.servers.push(ServerNote {
                socket: socket.path().to_owned(),
                identity: state.identity,
                next: if age <= YOUNG { 0 } else { next },
                stopped: BTreeSet::new(),
            });
        }
        let Some(note) = self.note(socket) else {
            return next;
        };
        note.stopped
            .retain(|window| state.panes.iter().any(|pane| pane.window.0 == *window));
        let first_new = note.next;
        note.next = note.next.max(next);
        first_new
    }

    /// Notes that somebody has stopped the recording of a window, or wants one
    /// again.
    pub(super) fn set_stopped(&mut self, socket: &Socket, window: WindowId, is_stopped: bool) {
        if let Some(note) = self.note(socket) {
            match is_stopped {
                true => note.stopped.insert(window.0),
                false => note.stopped.remove(&window.0),
            };
        }
    }

    /// The windows of a server whose recording was stopped by hand.
    pub(super) fn stopped(&self, socket: &Socket) -> BTreeSet<WindowId> {
        let mut notes = self.servers.iter();
        let note = notes.find(|note| note.socket == socket.path());
        let windows = note.into_iter().flat_map(|note| &note.stopped);
        windows.map(|window| WindowId(*window)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tmux::{PaneId, PaneState, SessionId};

    fn state(pid: u32, start_time: u64, windows: &[u32]) -> ServerState {
        let pane = |window: &u32| PaneState {
            session: SessionId(0),
            window: WindowId(*window),
            pane: PaneId(*window),
            pid: 7,
            size: (80, 24),
            is_active: true,
            is_current_window: true,
            is_piped: false,
            is_dead: false,
            has_status: false,
            window_index: 0,
            pane_index: 0,
            session_name: "main".to_owned(),
            window_name: "sh".to_owned(),
        };
        ServerState {
            identity: ServerIdentity { pid, start_time },
            panes: windows.iter().map(pane).collect(),
            missing_hooks: 0,
        }
    }

    #[test]
    fn windows_are_new_once_and_on_a_young_server_from_the_first_on() {
        let socket = Socket::at("/s");
        let mut kept = Kept::default();
        assert_eq!(kept.see(&socket, &state(1, 5, &[0, 3])), 4, "an old server");
        assert_eq!(kept.see(&socket, &state(1, 5, &[0, 3, 4])), 4);
        assert_eq!(
            kept.see(&socket, &state(1, 5, &[0])),
            5,
            "they never come again"
        );
        assert_eq!(kept.see(&socket, &state(2, unix_seconds(), &[0, 1])), 0);
        assert_eq!(kept.see(&socket, &state(2, unix_seconds(), &[0, 1])), 2);
    }

    #[test]
    fn what_was_stopped_by_hand_is_kept_as_long_as_its_window() {
        let folder = tempfile::tempdir().unwrap();
        let socket = Socket::at("/s");
        let mut kept = Kept::read(folder.path());
        assert_eq!(kept, Kept::default());
        kept.on = true;
        kept.see(&socket, &state(1, 5, &[0, 1, 2]));
        for window in [0, 1, 2] {
            kept.set_stopped(&socket, WindowId(window), true);
        }
        kept.set_stopped(&socket, WindowId(0), false);
        kept.write(folder.path());
        let mut kept = Kept::read(folder.path());
        assert_eq!(kept.stopped(&socket).len(), 2);
        kept.see(&socket, &state(1, 5, &[0, 2]));
        assert_eq!(kept.stopped(&socket), BTreeSet::from([WindowId(2)]));
        kept.see(&socket, &state(9, 5, &[0, 2]));
        assert_eq!(kept.stopped(&socket).len(), 0, "another server");
    }
}
