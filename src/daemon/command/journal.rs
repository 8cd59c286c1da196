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
use serde::{Deserialize, Serialize};

use super::cast::open_at_end;
use crate::api;
use crate::atomic_file::{self, Durability};
use crate::clock::unix_seconds;
use crate::daemon::earlier::Earlier;
use crate::daemon::ended;
use crate::daemon::recording::Context;
use crate::daemon::rotation::{remove_unused, take_back_unfinished};
use crate::daemon::spec::Paused;
use crate::record::{Carry, StreamRecord, file_id};
use crate::wording::chain;

const SUFFIX: &str = ".command.json";

/// How the names of kept files begin, before the process id.
const KEPT: &str = "command-";

/// What is kept of a running recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Left {
    #[serde(flatten)]
    pub(super) recording: api::Recording,
    /// The casts before its present one.
    #[serde(default)]
    pub(super) earlier: Earlier,
    #[serde(default)]
    pub(super) paused: Option<Paused>,
    /// Why it is paused by the settings.
    #[serde(default)]
    pub(super) withheld: Option<String>,
}

/// The journal of a running recording.
#[derive(Clone, Debug)]
pub(super) struct CommandJournal {
    path: PathBuf,
}

impl CommandJournal {
    /// Writes the journal of `recording`, which the process `pid` hands over. That
    /// of a daemon before, from which this one takes it over, is replaced.
    pub(super) fn write(state: &Path, pid: u32, left: &Left) -> CommandJournal {
        let path = state.join(format!("{pid}{SUFFIX}"));
        let journal = CommandJournal { path };
        journal.replace(left);
        journal
    }

    /// Brings it up to date.
    pub(super) fn replace(&self, left: &Left) {
        let text = serde_json::to_vec(left).unwrap_or_default();
        if let Err(error) = atomic_file::replace(&self.path, 0o600, &text, Durability::PowerCut) {
            // No reason not to record.
            tracing::warn!(path = %self.path.display(), %error, "a journal cannot be written");
        }
    }

    /// The recording has ended.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a journal cannot be removed");
        }
    }
}

/// The recordings of commands that no daemon has ended, and their journals.
fn left(state: &Path) -> Vec<(PathBuf, Left)> {
    let files = fs::read_dir(state).into_iter().flatten().flatten();
    let read = |path: PathBuf| {
        let left = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        Some((path, left))
    };
    files
        .map(|file| file.path())
        .filter(|path| path.to_string_lossy().ends_with(SUFFIX))
        .filter_map(read)
        .collect()
}

/// The recordings of commands that a daemon which died has left.
pub(in crate::daemon) fn interrupted(state: &Path) -> Vec<api::Recording> {
    let as_left = |(_, left): (PathBuf, Left)| {
        let Left {
            recording, earlier, ..
        } = left;
        let written = fs::metadata(&recording.cast_path).ok();
        api::Recording {
            active: false,
            state: api::State::Interrupted,
            reason: Some("the tvmux server died; nobody records it now".to_owned()),
            bytes: written.map_or(recording.bytes, |cast| earlier.bytes + cast.len()),
            ..recording
        }
    };
    left(state).into_iter().map(as_left).collect()
}

/// The recording that a daemon before has left of the process `pid`.
pub(super) fn left_by(state: &Path, pid: u32) -> Option<Left> {
    let journal = fs::read(state.join(format!("{pid}{SUFFIX}"))).ok()?;
    serde_json::from_slice(&journal).ok()
}

/// Ends the recordings whose command is gone too; the others are asked for again
/// by the processes that run them: gives their pipes. Blocks: casts are made
/// whole.
pub(in crate::daemon) fn close_orphans(state: &Path, context: &Context) -> Vec<PathBuf> {
    let mut pipes = Vec::new();
    for (path, left) in left(state) {
        let Left {
            mut recording,
            mut earlier,
            ..
        } = left;
        let stem = pid_of(&recording).and_then(|pid| u32::try_from(pid).ok());
        let base = stem.and_then(|pid| kept_base(context, pid));
        let kept = base.as_deref().and_then(|base| Carry::find(base).ok());
        if is_running(&recording) {
            let stream = kept.and_then(|kept| kept.stream());
            pipes.extend(stream.into_iter().flat_map(|stream| {
                let StreamRecord { fifo, control, .. } = stream;
                [Some(fifo), control].into_iter().flatten()
            }));
            continue;
        }
        if let Some(kept) = kept {
            take_back_unfinished(&kept, &mut recording.cast_path, &mut earlier);
            write_kept(&recording.cast_path, &kept);
            kept.remove();
        }
        tracing::info!(
            id = recording.id,
            "its command is gone: the recording is closed"
        );
        remove_unused(&recording.cast_path);
        let closed = close(recording, earlier);
        if let Err(error) = ended::note(state, &closed) {
            tracing::warn!(%error, "what has ended cannot be noted");
        }
        let _ = fs::remove_file(path);
    }
    pipes
}

/// How the names begin of the files that a command's recording is kept in.
pub(super) fn kept_base(context: &Context, pid: u32) -> Option<PathBuf> {
    context.kept_base(&format!("{KEPT}{pid}"))
}

/// Whether files of this name are kept for a command that runs.
pub(in crate::daemon) fn is_kept(stem: &str) -> bool {
    let pid = stem.strip_prefix(KEPT).and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
}

/// Writes the lines that a daemon had not written when it died.
fn write_kept(path: &Path, kept: &Carry) {
    let write = || {
        let cast = File::options().read(true).write(true).open(path)?;
        kept.write_lines(&cast, file_id(&cast)?)
    };
    if let Err(error) = write() {
        tracing::info!(path = %path.display(), %error, "nothing is left of what was kept");
    }
}

/// Whether the process that hands a recording's output over is there. (Its id
/// may be another one's by now; then the journal waits for that to end.)
fn is_running(recording: &api::Recording) -> bool {
    pid_of(recording).is_some_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
}

fn pid_of(recording: &api::Recording) -> Option<i32> {
    recording.id.strip_prefix("command:")?.parse().ok()
}

/// Makes a cast whole and says at its end that there should be more.
fn close(recording: api::Recording, earlier: Earlier) -> api::Recording {
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
        part: earlier.part(),
        duration: stats.map_or(recording.duration, |stats| {
            (earlier.duration + stats.duration) as f64 / 1e6
        }),
        bytes: stats.map_or(recording.bytes, |stats| earlier.bytes + stats.bytes),
        events: stats.map_or(recording.events, |stats| earlier.events + stats.events),
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
