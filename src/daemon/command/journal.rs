//! What is kept on disk of a command's recording while it runs, for the case
//! that the daemon dies.
//!
//! The process that runs the command asks another daemon to go on by itself. It
//! may be gone too, after a power cut say: then its cast is made whole, and a
//! marker says that the end is missing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::cast::open_at_end;
use crate::api;
use crate::atomic_file::{self, Durability};
use crate::clock::unix_seconds;
use crate::daemon::ended;
use crate::wording::chain;

const SUFFIX: &str = ".command.json";

/// The journal of a running recording.
#[derive(Debug)]
pub(super) struct CommandJournal {
    path: PathBuf,
}

impl CommandJournal {
    /// Writes the journal of `recording`, which the process `pid` hands over. That
    /// of a daemon before, from which this one takes it over, is replaced.
    pub(super) fn write(state: &Path, pid: u32, recording: &api::Recording) -> CommandJournal {
        let path = state.join(format!("{pid}{SUFFIX}"));
        let text = serde_json::to_vec(recording).unwrap_or_default();
        if let Err(error) = atomic_file::replace(&path, 0o600, &text, Durability::PowerCut) {
            // No reason not to record.
            tracing::warn!(path = %path.display(), %error, "a journal cannot be written");
        }
        CommandJournal { path }
    }

    /// The recording has ended.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a journal cannot be removed");
        }
    }
}

/// The recordings of commands that no daemon has ended, and their journals.
fn left(state: &Path) -> Vec<(PathBuf, api::Recording)> {
    let files = fs::read_dir(state).into_iter().flatten().flatten();
    let read = |path: PathBuf| {
        let recording = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        Some((path, recording))
    };
    files
        .map(|file| file.path())
        .filter(|path| path.to_string_lossy().ends_with(SUFFIX))
        .filter_map(read)
        .collect()
}

/// The recordings of commands that a daemon which died has left.
pub(in crate::daemon) fn interrupted(state: &Path) -> Vec<api::Recording> {
    let as_left = |(_, recording): (PathBuf, api::Recording)| {
        let written = fs::metadata(&recording.cast_path).ok();
        api::Recording {
            active: false,
            state: api::State::Interrupted,
            reason: Some("the tvmux server died; nobody records it now".to_owned()),
            bytes: written.map_or(recording.bytes, |cast| cast.len()),
            ..recording
        }
    };
    left(state).into_iter().map(as_left).collect()
}

/// Ends the recordings whose command is gone too; the others are asked for again
/// by the processes that run them. Blocks: casts are made whole.
pub(in crate::daemon) fn close_orphans(state: &Path) {
    for (path, recording) in left(state) {
        if is_running(&recording) {
            continue;
        }
        tracing::info!(
            id = recording.id,
            "its command is gone: the recording is closed"
        );
        let closed = close(recording);
        if let Err(error) = ended::note(state, &closed) {
            tracing::warn!(%error, "what has ended cannot be noted");
        }
        let _ = fs::remove_file(path);
    }
}

/// Whether the process that hands a recording's output over is there. (Its id
/// may be another one's by now; then the journal waits for that to end.)
fn is_running(recording: &api::Recording) -> bool {
    let pid = recording.id.strip_prefix("command:");
    let pid = pid.and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
}

/// Makes a cast whole and says at its end that there should be more.
fn close(recording: api::Recording) -> api::Recording {
    let reason = "the recorder and the command were interrupted";
    let marked = open_at_end(&recording.cast_path, usize::MAX).map(|(mut recorder, file, tail)| {
        recorder.gap(tail.last, &format!("tvmux: gap: {reason}"));
        recorder.finish();
        let lines = recorder.take_copy();
        let written = append(file, &lines);
        (recorder.stats(), written)
    });
    let stats = match marked {
        Ok((stats, Ok(()))) => Some(stats),
        Ok((_, Err(error))) => {
            tracing::warn!(id = recording.id, %error, "the gap cannot be marked");
            None
        }
        Err(error) => {
            tracing::warn!(
                id = recording.id,
                error = chain(&error),
                "the cast stays as it is"
            );
            None
        }
    };
    api::Recording {
        active: false,
        state: api::State::Finished,
        reason: Some(reason.to_owned()),
        ended: Some(unix_seconds()),
        duration: stats.map_or(recording.duration, |stats| stats.duration as f64 / 1e6),
        bytes: stats.map_or(recording.bytes, |stats| stats.bytes),
        events: stats.map_or(recording.events, |stats| stats.events),
        gaps: recording.gaps + 1,
        ..recording
    }
}

fn append(mut file: File, lines: &[u8]) -> io::Result<()> {
    use std::io::Seek;
    file.seek(io::SeekFrom::End(0))?;
    file.write_all(lines)?;
    file.sync_all()
}
