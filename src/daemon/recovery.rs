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
use std::path::{Path, PathBuf};

use super::journal::{Journal, JournalFile};
use super::recording::{OpenCast, Opening, retitle};
use super::{Daemon, command, ended};
use crate::archive::repair_file::{RepairFileOptions, repair_file};
use crate::cast::Micros;
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
        let folder = self.shared.folders.state().to_owned();
        let state = folder.clone();
        let tidied = tokio::task::spawn_blocking(move || {
            command::close_orphans(&state);
            ended::tidy(&state)
        })
        .await;
        if let Ok(Err(error)) = tidied {
            tracing::warn!(%error, "what has ended cannot be tidied up");
        }
        let journals = tokio::task::spawn_blocking(move || Journal::read_all(&folder))
            .await
            .expect("reading journals does not panic")?;
        let mut servers: BTreeMap<Socket, Vec<(Journal, JournalFile)>> = BTreeMap::new();
        for (journal, file) in journals {
            let socket = Socket::at(&journal.spec.socket);
            servers.entry(socket).or_default().push((journal, file));
        }
        for (socket, journals) in servers {
            let server = self.tmux(Some(socket));
            let live = look(&server).await;
            if let Ok((version, _)) = &live {
                clean(&server, *version).await;
            }
            for (journal, file) in journals {
                self.resume(&server, &live, journal, file).await;
            }
        }
        let folder = self.shared.folders.pipes();
        tokio::task::spawn_blocking(move || remove_stale_pipes(&folder))
            .await
            .expect("reading a folder does not panic")
    }

    async fn resume(
        &self,
        server: &Server,
        live: &tmux::Result<(Version, ServerState)>,
        journal: Journal,
        file: JournalFile,
    ) {
        let path = journal.spec.cast_path.clone();
        let opened = tokio::task::spawn_blocking(move || open_whole(&path))
            .await
            .expect("repairing does not panic");
        let (cast, tail) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let (id, path) = (&journal.spec.id, journal.spec.cast_path.display());
                tracing::warn!(id, %path, error, "a cast that cannot go on");
                return remove(file).await;
            }
        };
        let version = match live {
            Ok((version, state)) if state.identity == journal.spec.server => {
                let found = match journal.spec.pane {
                    Some(pane) => state.pane(pane),
                    None => state.active_pane(journal.spec.window),
                };
                found.map(|_| *version)
            }
            _ => None,
        };
        let Some(version) = version else {
            let id = &journal.spec.id;
            tracing::info!(id, "its window is gone: the recording is closed");
            if let Some(title) = journal.spec.title.clone() {
                let path = journal.spec.cast_path.clone();
                let _ = tokio::task::spawn_blocking(move || retitle(&path, &title)).await;
            }
            remove(file).await;
            return;
        };
        let now = now_in(&journal).max(tail.last);
        let missing = (now - tail.last) as f64 / 1e6;
        let recorder = Recorder::resume(
            tail.length,
            tail.last,
            tail.size,
            tail.events,
            self.context().memory_bound(),
        )
        .with_losses(journal.gaps, journal.lost_bytes);
        tracing::info!(id = journal.spec.id, missing, "the recording goes on");
        self.start_recording(
            (server.clone(), version),
            journal.spec,
            file,
            OpenCast {
                recorder,
                file: cast,
                length: tail.length,
                now,
            },
            Opening::AfterGap(format!(
                "the recorder was interrupted; up to {missing:.1} s are missing"
            )),
        );
    }
}

/// Removes the FIFOs of a daemon that is gone: they have no reader any more.
fn remove_stale_pipes(folder: &Path) -> io::Result<()> {
    let ours = format!("{}-", std::process::id());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(&ours) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

async fn remove(file: JournalFile) {
    let _ = tokio::task::spawn_blocking(move || file.remove()).await;
}

/// The present time in a journal's cast, by the wall clock.
fn now_in(journal: &Journal) -> Micros {
    unix_micros().saturating_sub(journal.spec.started_micros)
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
        let fifo = PathBuf::from(path);
        let has_writer = tokio::task::spawn_blocking(move || Fifo::has_writer(&fifo));
        batches.push(if has_writer.await.unwrap_or(false) {
            pipe::stop(pane, Path::new(path))
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
