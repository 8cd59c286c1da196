//! Goes on where a daemon that was killed, replaced, or lost its power, has
//! stopped.
//!
//! Each journal is a recording that nobody has ended. Of a daemon that died the
//! lines are kept that it had not written, and the pipe process has held what
//! came since ([`crate::record`]: `carry`, `ledger`): they are written, and the
//! recording goes on with the same stream. Nothing is missing then, and no
//! snapshot is taken.
//!
//! Where that cannot be (the machine was started again, the pipe process is gone
//! too) the cast is made whole; where the window still lives on the same tmux
//! server the recording goes on in the same file, with a marker for what is
//! missing and a new snapshot; otherwise it ends with that marker. What the other
//! daemon has left in tmux (pipes, options, hooks) is taken out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::capture::Shown;
use super::carried::{Left, Reopened, go_on, interrupted};
use super::create::create_kept;
use super::journal::{Journal, JournalFile};
use super::recording::{OpenCast, Opening};
use super::rotation::{remove_unused, take_back_unfinished};
use super::spec::RecordingSpec;
use super::{Daemon, command, ended, returns};
use crate::archive::repair_file::{RepairFileOptions, repair_file};
use crate::atomic_file::Durability;
use crate::cast::Micros;
use crate::chain;
use crate::clock::{monotonic_micros, unix_micros};
use crate::record::{
    self, Carry, DiskFile, Fifo, PipeEnd, Recorder, Stats, Stream, StreamRecord, Tail, cut_tail,
};
use crate::tmux::{
    self, Batch, PaneId, Server, ServerState, Socket, StateQuery, Version, hooks, pipe,
};
use crate::wording::chain;

type Found = (Journal, JournalFile, Result<Reopened, String>);

impl Daemon {
    /// Goes on with what a daemon before has left. To be called once, before
    /// anything else is asked.
    ///
    /// # Errors
    /// When the folder of the journals cannot be read.
    pub async fn recover(&self) -> io::Result<()> {
        let folder = self.shared.folders.state().to_owned();
        let (state, context) = (folder.clone(), self.context());
        let (commands, tidied) = tokio::task::spawn_blocking(move || {
            let commands = command::close_orphans(&state, &context);
            (commands, ended::tidy(&state))
        })
        .await
        .expect("closing casts does not panic");
        if let Err(error) = tidied {
            tracing::warn!(%error, "what has ended cannot be tidied up");
        }
        let (journals, unread) = tokio::task::spawn_blocking(move || Journal::read_all(&folder))
            .await
            .expect("reading journals does not panic")?;
        if !journals.is_empty() {
            let state = self.shared.folders.state().to_owned();
            let _ = tokio::task::spawn_blocking(move || returns::note(&state)).await;
        }
        let stems: BTreeSet<String> = journals.iter().map(|(_, file)| file.stem()).collect();
        let mut servers: BTreeMap<Socket, Vec<Found>> = BTreeMap::new();
        // Pipes that are gone on with: of commands once their processes ask.
        let mut carried: BTreeSet<PathBuf> = commands.into_iter().collect();
        for (journal, file) in journals {
            let socket = Socket::at(&journal.spec.socket);
            // First of all, and whatever tmux says: pipe processes wait.
            let (journal, reopened) = self.reopen(journal, &file).await;
            if let Ok(Reopened {
                left: Left::Stream { record, .. },
                ..
            }) = &reopened
            {
                carried.insert(record.fifo.clone());
            }
            let found = (journal, file, reopened);
            servers.entry(socket).or_default().push(found);
        }
        for (socket, found) in servers {
            let server = self.tmux(Some(socket));
            let live = look(&server).await;
            if let Ok((version, state)) = &live
                && unread == 0
            {
                let pipes = self.shared.folders.pipes();
                let others = pipe::may_have_others(state.identity.pid, &pipes);
                clean(&server, *version, &carried, others).await;
            }
            for (journal, file, reopened) in found {
                match reopened {
                    Ok(reopened) => {
                        self.go_on_with(&server, &live, journal, file, reopened)
                            .await
                    }
                    Err(error) => {
                        let (id, path) = (&journal.spec.id, journal.spec.cast_path.display());
                        tracing::warn!(id, %path, error, "a cast that cannot go on");
                        self.remove(file).await;
                    }
                }
            }
        }
        if unread > 0 {
            // Their pipes are somebody else's to go on with.
            return Ok(());
        }
        let (folder, kept) = (self.shared.folders.pipes(), self.shared.kept.clone());
        tokio::task::spawn_blocking(move || {
            if let Some(kept) = kept {
                remove_stale_kept(&kept, &stems)?;
            }
            remove_stale_pipes(&folder, &carried)
        })
        .await
        .expect("reading a folder does not panic")
    }

    /// Opens the cast of a journal; gives the journal as it is then, too.
    async fn reopen(
        &self,
        mut journal: Journal,
        file: &JournalFile,
    ) -> (Journal, Result<Reopened, String>) {
        let context = self.context();
        let base = context.kept_base(&file.stem());
        let bound = context.memory_bound();
        tokio::task::spawn_blocking(move || {
            let spec = &mut journal.spec;
            if let Some(base) = &base {
                if let Ok(kept) = Carry::find(base) {
                    take_back_unfinished(&kept, &mut spec.cast_path, &mut spec.earlier);
                }
                match go_on(&spec.cast_path, base, bound, take_over) {
                    Ok(reopened) => {
                        remove_unused(&spec.cast_path);
                        return (journal, Ok(reopened));
                    }
                    Err(error) => {
                        let path = spec.cast_path.display();
                        tracing::info!(%path, %error, "nothing is left of what was kept");
                    }
                }
            }
            let reopened = repair(&mut journal, base.as_deref(), bound);
            (journal, reopened)
        })
        .await
        .expect("repairing does not panic")
    }

    async fn go_on_with(
        &self,
        server: &Server,
        live: &tmux::Result<(Version, ServerState)>,
        mut journal: Journal,
        file: JournalFile,
        reopened: Reopened,
    ) {
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
        let id = journal.spec.id.clone();
        let opening = match reopened.left {
            left if journal.spec.is_paused() => {
                if let Left::Stream { record, end, .. } = left {
                    // It died before the pause had begun: what came since is not read.
                    run_quietly(server, &pipe::stop(PaneId(record.pane), &record.fifo)).await;
                    drop(end);
                }
                tracing::info!(id, "the recording is paused still");
                Opening::Paused
            }
            Left::Stream {
                record,
                end,
                is_alternate,
                recent,
            } => {
                // Also of a window that is gone: its last words wait.
                let pane = PaneId(record.pane);
                self.shared.pipes.acquired(server, pane, &record.fifo);
                tracing::info!(
                    id,
                    silent = reopened.silent,
                    "the recording goes on; nothing is missing"
                );
                Opening::Carried {
                    shown: Shown::of_record(&record),
                    is_alternate,
                    stream: Stream::of(pane, *end),
                    recent,
                }
            }
            Left::Nothing(why) => {
                // Where the window is gone too, it ends behind that marker.
                tracing::info!(id, why, "the recording goes on");
                Opening::AfterGap(why)
            }
        };
        journal.carried += 1;
        let (gaps, lost) = (journal.gaps, journal.lost_bytes);
        let next = Journal::new(journal.spec.clone(), gaps, lost, journal.carried);
        let written = file.clone();
        // What tells how often need not survive a power cut.
        let write = move || written.write(&next, Durability::Kill);
        let _ = tokio::task::spawn_blocking(write).await;
        if version.is_some() {
            let flag = pipe::flag_window(journal.spec.window, Some(pipe::RECORDED));
            run_quietly(server, &flag).await;
        }
        // A server that is gone has no version; nothing is asked of it.
        let version = version.unwrap_or(Version::new(3, 0));
        self.start_recording(
            (server.clone(), version),
            journal.spec,
            file,
            reopened.cast,
            (opening, journal.carried),
        );
    }

    async fn remove(&self, file: JournalFile) {
        let base = self.context().kept_base(&file.stem());
        let _ = tokio::task::spawn_blocking(move || {
            file.remove();
            if let Some(base) = base {
                record::remove_files(&base);
            }
        })
        .await;
    }
}

/// Goes on with the pipe of a pane.
fn take_over(record: &StreamRecord, taken: u64) -> io::Result<(PipeEnd, Option<u64>)> {
    PipeEnd::take_over(&record.fifo, taken)
}

/// Goes on with a cast of which nothing else is left.
fn repair(journal: &mut Journal, base: Option<&Path>, bound: usize) -> Result<Reopened, String> {
    let (file, tail) = open_last(&mut journal.spec)?;
    let now = now_in(journal).max(tail.last);
    let mut recorder = Recorder::resume(tail.length, tail.last, tail.size, tail.events, bound)
        .with_losses(journal.gaps, journal.lost_bytes);
    let kept = match (base.and_then(create_kept), file.id()) {
        (Some(kept), Ok(id)) => {
            let origin = monotonic_micros() as i64 - now as i64;
            Some(recorder.keep(kept, id, origin))
        }
        _ => None,
    };
    Ok(Reopened {
        cast: OpenCast {
            recorder,
            file,
            length: tail.length,
            now,
            kept,
        },
        silent: (now - tail.last) as f64 / 1e6,
        left: Left::Nothing(interrupted(now - tail.last)),
    })
}

/// Removes what was kept of recordings that have no journal.
fn remove_stale_kept(folder: &Path, journals: &BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if !journals.contains(&*stem) && !command::is_kept(&stem) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// Removes the FIFOs of a daemon that is gone and that nobody goes on with, and
/// lets their pipe processes end.
fn remove_stale_pipes(folder: &Path, carried: &BTreeSet<PathBuf>) -> io::Result<()> {
    let ours = format!("{}-", std::process::id());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let fifo = path.with_extension("");
        if name.starts_with(&ours) || carried.contains(&fifo) {
            continue;
        }
        record::let_go(&fifo);
        let _ = fs::remove_file(&path);
    }
    Ok(())
}

/// The present time in a journal's cast, by the wall clock.
fn now_in(journal: &Journal) -> Micros {
    unix_micros().saturating_sub(journal.spec.cast_started_micros())
}

/// Opens the last cast of a recording whose power was cut: a rotation may not have
/// come to its journal, or that not without its cast to the disk.
fn open_last(spec: &mut RecordingSpec) -> Result<(DiskFile, Tail), String> {
    let stats = |tail: &Tail| Stats {
        bytes: tail.length,
        events: tail.events,
        duration: tail.last,
        ..Stats::default()
    };
    let mut opened = match open_whole(&spec.cast_path) {
        Err(error) if spec.earlier.casts > 0 => {
            let before = chain::part_path(&spec.cast_path, spec.earlier.casts);
            let opened = open_whole(&before).map_err(|_| error)?;
            spec.cast_path = before;
            spec.earlier = spec.earlier.without(stats(&opened.1));
            opened
        }
        opened => opened?,
    };
    remove_unused(&spec.cast_path);
    while let Some(next) = chain::next(&spec.cast_path) {
        let after = open_whole(&next)?;
        spec.earlier = spec.earlier.and(stats(&opened.1));
        spec.cast_path = next;
        opened = after;
    }
    Ok(opened)
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
/// hooks, its pipes but those that are carried on, its marks. A pipe counts as
/// its only where its process still holds the FIFO open, or was killed while the
/// server has no pipes of others.
async fn clean(server: &Server, version: Version, carried: &BTreeSet<PathBuf>, has_others: bool) {
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
            batches.push(pipe::flag_window(window, None));
        }
        let Ok(pane) = pane.parse::<PaneId>() else {
            continue;
        };
        let fifo = PathBuf::from(path);
        if path.is_empty() || carried.contains(&fifo) {
            continue;
        }
        let is_ours = tokio::task::spawn_blocking(move || {
            Fifo::has_writer(&fifo) || (!has_others && record::was_cut_off(&fifo))
        });
        batches.push(if is_ours.await.unwrap_or(false) {
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
