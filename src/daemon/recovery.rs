//! Goes on where a daemon that was killed, or lost its power, has stopped.
//!
//! Each journal is a recording that nobody has ended. Its cast is made whole;
//! where the window still lives on the same tmux server the recording goes on
//! in the same file, with a marker for what is missing and a new snapshot;
//! otherwise the cast stays as it is. What the other daemon has left in tmux
//! (pipes, options, hooks) is taken out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::journal::{Journal, JournalFile};
use super::recording::{self, Start, Subject};
use super::{Daemon, Result};
use crate::api;
use crate::archive::repair_file::{RepairFileOptions, repair_file};
use crate::cast::{Header, Micros};
use crate::clock::unix_micros;
use crate::record::{DiskFile, Fifo, Recorder, Tail, cut_tail};
use crate::tmux::{
    self, Batch, PaneId, Server, ServerState, Socket, StateQuery, Version, hooks, pipe,
};
use crate::wording::chain;

impl Daemon {
    /// Goes on with what a daemon before has left. To be called once, before
    /// anything else is asked.
    ///
    /// # Errors
    /// When the folder of the journals cannot be read.
    pub async fn recover(&self) -> io::Result<()> {
        let journals = Journal::read_all(self.shared.folders.state())?;
        let mut servers: BTreeMap<Socket, Vec<(Journal, JournalFile)>> = BTreeMap::new();
        for (journal, file) in journals {
            let socket = Socket::at(&journal.socket);
            servers.entry(socket).or_default().push((journal, file));
        }
        for (socket, journals) in servers {
            let server = self.tmux(Some(socket));
            let live = look(&server).await;
            if let Ok((version, _)) = &live {
                clean(&server, *version).await;
            }
            for (journal, file) in journals {
                let id = journal.id.clone();
                if let Err(error) = self.resume(&server, &live, journal, file).await {
                    tracing::error!(id, error = chain(&error), "cannot go on");
                }
            }
        }
        // The FIFOs of a daemon that is gone have no reader any more.
        for entry in fs::read_dir(self.shared.folders.pipes())? {
            let path = entry?.path();
            let ours = format!("{}-", std::process::id());
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with(&ours) {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    async fn resume(
        &self,
        server: &Server,
        live: &tmux::Result<(Version, ServerState)>,
        journal: Journal,
        place: JournalFile,
    ) -> Result<()> {
        let path = journal.cast_path.clone();
        let repaired = tokio::task::spawn_blocking(move || open_whole(&path))
            .await
            .expect("repairing does not panic");
        let (file, tail) = match repaired {
            Ok(repaired) => repaired,
            Err(error) => {
                let path = journal.cast_path.display();
                tracing::warn!(id = journal.id, %path, error, "a cast that cannot go on");
                place.remove();
                return Ok(());
            }
        };
        let window = match live {
            Ok((version, state)) if state.identity == journal.server => {
                let found = match journal.pane {
                    Some(pane) => state.pane(pane),
                    None => state.active_pane(journal.window),
                };
                found.map(|pane| (*version, pane.clone()))
            }
            _ => None,
        };
        let Some((version, _)) = window else {
            tracing::info!(
                id = journal.id,
                "its window is gone: the recording is closed"
            );
            place.remove();
            return Ok(());
        };
        let context = self.shared.context.clone();
        let now = now_in(&journal).max(tail.last);
        let bound = usize::try_from(context.config.recording.max_buffer_bytes);
        let recorder = Recorder::resume(
            tail.length,
            tail.last,
            tail.size,
            tail.events,
            bound.unwrap_or(usize::MAX),
        )
        .with_losses(journal.gaps, journal.lost_bytes);
        let missing = (now - tail.last) as f64 / 1e6;
        let info = api::Recording {
            id: journal.id.clone(),
            session_id: journal.session_name.clone(),
            window_id: journal.window.to_string(),
            active: true,
            cast_path: journal.cast_path.clone(),
            active_pane: None,
            state: api::State::Recording,
            reason: None,
            title: journal.title.clone(),
            socket: journal.socket.clone(),
            started: journal.started_micros / 1_000_000,
            duration: tail.last as f64 / 1e6,
            bytes: tail.length,
            events: tail.events,
            gaps: journal.gaps,
            lost_bytes: journal.lost_bytes,
        };
        let key = (server.socket().clone(), journal.window);
        let subject = Subject {
            server: server.clone(),
            version,
            identity: journal.server,
            window: journal.window,
            pane: journal.pane,
            header: Header {
                title: journal.title.clone(),
                command: journal.command.clone(),
                idle_time_limit: journal.idle_time_limit,
                env: journal.env.clone(),
                ..Header::default()
            },
        };
        tracing::info!(id = journal.id, missing, "the recording goes on");
        let handle = recording::spawn(Start {
            watcher: self.watcher(server, version),
            context,
            subject,
            info,
            journal: (journal, place),
            recorder,
            file,
            length: tail.length,
            now,
            stream: None,
            target: None,
            is_alternate: false,
            gap: Some(format!(
                "the recorder was interrupted; up to {missing:.1} s are missing"
            )),
        });
        self.adopt(key, handle);
        Ok(())
    }
}

/// The present time in a journal's cast, by the wall clock.
fn now_in(journal: &Journal) -> Micros {
    unix_micros().saturating_sub(journal.started_micros)
}

/// Repairs a cast, opens it and finds where it goes on.
fn open_whole(path: &Path) -> Result<(DiskFile, Tail), String> {
    let repaired =
        repair_file(path, &RepairFileOptions::default()).map_err(|error| chain(&error))?;
    if let Some(backup) = &repaired.backup {
        let (path, backup) = (path.display(), backup.display());
        tracing::warn!(%path, %backup, "a damaged cast was repaired; the original is kept");
    }
    let open = || {
        let file = File::options().read(true).write(true).open(path)?;
        let tail = cut_tail(&file)?;
        Ok((DiskFile::new(file, path), tail))
    };
    open().map_err(|error: io::Error| error.to_string())
}

async fn look(server: &Server) -> tmux::Result<(Version, ServerState)> {
    let version = server.version().await?;
    let query = StateQuery::new(version);
    let answer = server.run(&query.batch()).await?;
    let state = query.parse(&answer)?;
    state
        .map(|state| (version, state))
        .ok_or_else(|| tmux::Error::Unexpected {
            what: "a state without an end".into(),
        })
}

/// Takes out of a tmux server what a daemon that is gone has left there: its
/// hooks, its pipes, its marks. A pipe counts as its only where its process
/// still holds the FIFO open.
async fn clean(server: &Server, version: Version) {
    let Ok(answer) = server.run(&pipe::owners()).await else {
        return;
    };
    let answer = String::from_utf8_lossy(&answer);
    let mut batches = vec![hooks::remove(version)];
    for line in answer.lines() {
        let mut parts = line.split('\t');
        let (Some(pane), Some(path), Some(window)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if let Ok(window) = window.parse() {
            batches.push(pipe::flag_window(window, false));
        }
        let Ok(pane) = pane.parse::<PaneId>() else {
            continue;
        };
        if path.is_empty() {
            continue;
        }
        let path = Path::new(path);
        batches.push(if Fifo::has_writer(path) {
            pipe::stop(pane, path)
        } else {
            pipe::disown(pane)
        });
    }
    for batch in batches {
        // A pane or window that is gone meanwhile needs no cleaning.
        run_quietly(server, &batch).await;
    }
}

async fn run_quietly(server: &Server, batch: &Batch) {
    if let Err(error) = server.run(batch).await {
        tracing::debug!(%error, %batch, "cleaning up");
    }
}
