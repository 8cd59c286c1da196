//! What a later daemon needs to go on with a recording.
//!
//! One small file for each running recording, replaced atomically and gone
//! when the recording has ended.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::spec::RecordingSpec;
use crate::api;
use crate::atomic_file::{self, Durability};

/// The shape of the files; another one is left alone.
const FORMAT: u32 = 1;

const SUFFIX: &str = ".journal.json";

/// A running recording, as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Journal {
    format: u32,
    #[serde(flatten)]
    pub(super) spec: RecordingSpec,
    /// How often something is missing so far.
    pub(super) gaps: u64,
    /// Bytes of output known to be missing so far.
    pub(super) lost_bytes: u64,
}

impl Journal {
    /// A journal of a recording with these losses.
    pub(super) fn new(spec: RecordingSpec, gaps: u64, lost_bytes: u64) -> Journal {
        Journal {
            format: FORMAT,
            spec,
            gaps,
            lost_bytes,
        }
    }

    /// The recording as it was left. Its last event is about as old as its file.
    fn to_api(&self) -> api::Recording {
        let spec = &self.spec;
        let cast = fs::metadata(&spec.cast_path).ok();
        let written = cast.as_ref().and_then(|cast| cast.modified().ok());
        let started = UNIX_EPOCH + Duration::from_micros(spec.started_micros);
        let duration = written.and_then(|written| written.duration_since(started).ok());
        api::Recording {
            id: spec.id.clone(),
            session_id: spec.session_name.clone(),
            window_id: spec.window.to_string(),
            window_name: None,
            active: false,
            cast_path: spec.cast_path.clone(),
            active_pane: None,
            state: api::State::Interrupted,
            reason: Some("the tvmux server died; nobody records it now".to_owned()),
            title: spec.title.clone(),
            socket: spec.socket.clone(),
            started: spec.started(),
            ended: None,
            duration: duration.unwrap_or_default().as_secs_f64(),
            bytes: cast.map_or(0, |cast| cast.len()),
            events: 0,
            gaps: self.gaps,
            lost_bytes: self.lost_bytes,
        }
    }

    /// Reads all journals in a folder; what cannot be read is logged and left.
    pub(super) fn read_all(folder: &Path) -> io::Result<Vec<(Journal, JournalFile)>> {
        let mut journals = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !path.to_string_lossy().ends_with(SUFFIX) {
                continue;
            }
            match read(&path) {
                Ok(journal) => journals.push((journal, JournalFile::at(path))),
                Err(error) => {
                    tracing::warn!(path = %path.display(), error, "a journal that cannot be read");
                }
            }
        }
        Ok(journals)
    }
}

/// The windows that a daemon which died was recording.
pub(super) fn interrupted(state: &Path) -> Vec<api::Recording> {
    let journals = Journal::read_all(state).unwrap_or_default().into_iter();
    journals.map(|(journal, _)| journal.to_api()).collect()
}

fn read(path: &Path) -> Result<Journal, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let journal: Journal = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    match journal.format {
        FORMAT => Ok(journal),
        other => Err(format!("its format is {other}, not {FORMAT}")),
    }
}

/// Where a journal is.
#[derive(Clone, Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    /// Held while writing; true once the journal is gone for good.
    is_removed: Arc<Mutex<bool>>,
}

impl JournalFile {
    /// A place for the journal of a new recording.
    pub(super) fn new(folder: &Path, spec: &RecordingSpec) -> JournalFile {
        let name = format!(
            "{}-{}-{}{SUFFIX}",
            spec.started_micros, spec.server.pid, spec.window.0
        );
        JournalFile::at(folder.join(name))
    }

    fn at(path: PathBuf) -> JournalFile {
        JournalFile {
            path,
            is_removed: Arc::default(),
        }
    }

    /// Writes the journal so that either the old one or the new one is there.
    /// Does nothing once it has been removed.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn write(&self, journal: &Journal, durability: Durability) -> io::Result<()> {
        let is_removed = self.lock();
        if *is_removed {
            return Ok(());
        }
        let content = serde_json::to_vec(journal)?;
        atomic_file::replace(&self.path, 0o600, &content, durability)
    }

    /// Writes the journal on another thread; a failure is logged.
    pub(super) fn write_later(&self, journal: Journal) {
        let file = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = file.write(&journal, Durability::PowerCut) {
                tracing::warn!(path = %file.path.display(), %error, "a journal cannot be written");
            }
        });
    }

    /// Removes the journal: its recording has ended.
    pub(super) fn remove(&self) {
        *self.lock() = true;
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a journal cannot be removed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_removed
            .lock()
            .unwrap_or_else(|error| error.into_inner())
    }
}
