//! Which recordings run, and which tmux servers are watched for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, MutexGuard};

use super::journal::JournalFile;
use super::needs::Needs;
use super::recording::{self, Handle, OpenCast, Opening, SpawnArgs};
use super::spec::RecordingSpec;
use super::watcher::Watcher;
use super::{Daemon, Error, Result, ended};
use crate::api;
use crate::tmux::{self, Server, Socket, Version, WindowId};

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) running: usize,
    pub(super) asked: u64,
    /// Whether windows are recorded by rules: something may come at any time.
    pub(super) is_auto: bool,
}

/// What is recorded; once at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Window(Socket, WindowId),
    /// The command that this process runs.
    Command(u32),
}

impl Key {
    /// The tmux server, and the window there.
    pub(super) fn window(&self) -> Option<(&Socket, WindowId)> {
        match self {
            Key::Window(socket, window) => Some((socket, *window)),
            Key::Command(_) => None,
        }
    }
}

#[derive(Default)]
pub(super) struct Registry {
    pub(super) recordings: HashMap<Key, Handle>,
    pub(super) watchers: HashMap<Socket, Arc<Watcher>>,
    /// What is needed of a server beside its recordings.
    pub(super) needs: HashMap<Socket, Needs>,
    pub(super) is_closing: bool,
}

impl Registry {
    fn windows(&self) -> impl Iterator<Item = (&Socket, WindowId)> {
        self.recordings.keys().filter_map(Key::window)
    }

    /// The tmux servers on which something is recorded.
    pub(super) fn sockets(&self) -> BTreeSet<Socket> {
        self.windows().map(|(socket, _)| socket.clone()).collect()
    }

    /// The windows of a server that are recorded.
    pub(super) fn windows_on(&self, socket: &Socket) -> BTreeSet<WindowId> {
        let on = self.windows().filter(|(used, _)| *used == socket);
        on.map(|(_, window)| window).collect()
    }

    /// Whether something is recorded on a server.
    pub(super) fn records_on(&self, socket: &Socket) -> bool {
        self.windows().any(|(used, _)| used == socket)
    }
}

impl Daemon {
    pub(super) async fn find(&self, id: &str) -> Result<(Key, Handle)> {
        let all: Vec<_> = {
            let registry = self.registry();
            let copy = |(key, handle): (&Key, &Handle)| (key.clone(), handle.clone());
            registry.recordings.iter().map(copy).collect()
        };
        if let Some(exact) = all
            .iter()
            .find(|(_, handle)| handle.report.about().id == id)
        {
            return Ok(exact.clone());
        }
        let mut fitting: Vec<_> = all
            .iter()
            .filter(|(key, _)| {
                key.window()
                    .is_some_and(|(_, window)| window.to_string() == id)
            })
            .cloned()
            .collect();
        if fitting.is_empty() {
            // A tmux target, on whichever server has a recording.
            let sockets: BTreeSet<_> = all
                .iter()
                .filter_map(|(key, _)| Some(key.window()?.0.clone()))
                .collect();
            for socket in sockets {
                let server = self.tmux(Some(socket.clone()));
                let Ok(found) = tmux::resolve(&server, id).await else {
                    continue;
                };
                fitting.extend(
                    all.iter()
                        .filter(|(key, _)| key.window() == Some((&socket, found.window)))
                        .cloned(),
                );
            }
        }
        let id = id.to_owned();
        match fitting.len() {
            0 => Err(Error::NoRecording { id }),
            1 => Ok(fitting.remove(0)),
            _ => {
                let ids = fitting.iter();
                let mut matches: Vec<_> = ids
                    .map(|(_, handle)| handle.report.about().id.clone())
                    .collect();
                matches.sort();
                Err(Error::Ambiguous { id, matches })
            }
        }
    }

    pub(super) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.shared
            .registry
            .lock()
            .unwrap_or_else(|error| error.into_inner())
    }

    /// The watcher of a server; starts one when there is none.
    pub(super) fn watcher(&self, server: &Server, version: Version) -> Arc<Watcher> {
        let mut registry = self.registry();
        if let Some(watcher) = registry.watchers.get(server.socket())
            && !watcher.is_over()
        {
            return Arc::clone(watcher);
        }
        let events = Arc::clone(&self.shared.events);
        let watcher = Arc::new(Watcher::start(server.clone(), version, events));
        registry
            .watchers
            .insert(server.socket().clone(), Arc::clone(&watcher));
        watcher
    }

    /// Starts a recording's task, and takes it into the registry.
    pub(super) fn start_recording(
        &self,
        (server, version): (Server, Version),
        spec: RecordingSpec,
        journal: JournalFile,
        cast: OpenCast,
        (opening, carried): (Opening, u64),
    ) -> api::Recording {
        let key = Key::Window(server.socket().clone(), spec.window);
        let handle = recording::spawn(SpawnArgs {
            context: self.context(),
            watcher: self.watcher(&server, version),
            server,
            version,
            spec,
            journal,
            cast,
            opening,
            carried,
        });
        let recording = handle.report.to_api();
        self.adopt(key, handle);
        recording
    }

    /// Takes a recording into the registry, and out again when it has ended.
    pub(super) fn adopt(&self, key: Key, handle: Handle) {
        self.registry()
            .recordings
            .insert(key.clone(), handle.clone());
        self.shared.counts.send_modify(|counts| {
            counts.running += 1;
        });
        if let Some((socket, _)) = key.window() {
            self.tell_needs(socket);
            self.shared.auto.look_at_servers();
        }
        self.events()
            .recording(api::EventKind::RecordingStarted, &handle.report.to_api());
        let daemon = self.clone();
        let mut ended = handle.ended;
        tokio::spawn(async move {
            let _ = ended.wait_for(|ended| *ended).await;
            let socket = key.window().map(|(socket, _)| socket.clone());
            let ended = daemon.registry().recordings.remove(&key);
            if let Some(ended) = ended {
                let ended = ended.report.to_api();
                let kind = api::EventKind::RecordingStopped;
                daemon.events().recording(kind, &ended);
                daemon.note_ended(ended).await;
            }
            if let Some(socket) = socket {
                daemon.tell_needs(&socket);
                daemon.drop_watcher(&socket).await;
            }
            daemon
                .shared
                .counts
                .send_modify(|counts| counts.running -= 1);
        });
    }

    /// Keeps for a while what has ended.
    async fn note_ended(&self, recording: api::Recording) {
        let state = self.shared.folders.state().to_owned();
        let noted = tokio::task::spawn_blocking(move || ended::note(&state, &recording)).await;
        if let Ok(Err(error)) = noted {
            tracing::warn!(%error, "what has ended cannot be noted");
        }
    }

    /// Ends the watch of a server on which nothing is recorded any more.
    pub(super) async fn drop_watcher(&self, socket: &Socket) {
        // Not while a recording is being created there.
        let _creating = self.shared.creating.lock().await;
        let watcher = {
            let mut registry = self.registry();
            if registry.records_on(socket) || registry.needs.contains_key(socket) {
                return;
            }
            registry.watchers.remove(socket)
        };
        if let Some(watcher) = watcher {
            watcher.stop().await;
        }
    }
}
