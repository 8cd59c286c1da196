//! What a later daemon needs to go on with a recording.
//!
//! One small file for each running recording, replaced atomically and gone
//! when the recording has ended.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::spec::RecordingSpec;
use crate::api;
use crate::atomic_file::{self, Durability};

/// The shape of the files. Those of an older shape are read; a newer one is that
/// of a newer program, which is to go on with it: it is left alone.
const FORMAT: u32 = 3;

/// That of a recording that is not paused: an older program goes on with it too.
const UNPAUSED: u32 = 2;

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
    /// How often another daemon has gone on with it. Since format 2.
    #[serde(default)]
    pub(super) carried: u64,
}

impl Journal {
    /// A journal of a recording with these losses.
    pub(super) fn new(spec: RecordingSpec, gaps: u64, lost_bytes: u64, carried: u64) -> Journal {
        let format = if spec.is_paused() { FORMAT } else { UNPAUSED };
        Journal {
            format,
            spec,
            gaps,
            lost_bytes,
            carried,
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
            part: spec.earlier.part(),
            active_pane: None,
            state: api::State::Interrupted,
            reason: Some("the tvmux server died; nobody records it now".to_owned()),
            title: spec.title.clone(),
            socket: spec.socket.clone(),
            started: spec.started(),
            ended: None,
            duration: duration.unwrap_or_default().as_secs_f64(),
            bytes: spec.earlier.bytes + cast.map_or(0, |cast| cast.len()),
            events: 0,
            gaps: self.gaps,
            lost_bytes: self.lost_bytes,
            carried: self.carried,
            flashback: spec.flashback_seconds(),
            paused_until: spec.paused.and_then(|paused| paused.until),
        }
    }

    /// Reads all journals in a folder; what cannot be read is logged and left,
    /// and how many those are is told.
    pub(super) fn read_all(folder: &Path) -> io::Result<(Vec<(Journal, JournalFile)>, usize)> {
        let mut journals = Vec::new();
        let mut unread = 0;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !path.to_string_lossy().ends_with(SUFFIX) {
                continue;
            }
            match read(&path) {
                Ok(journal) => journals.push((journal, JournalFile::at(path))),
                Err(error) => {
                    unread += 1;
                    tracing::warn!(path = %path.display(), error, "a journal is left alone");
                }
            }
        }
        Ok((journals, unread))
    }
}

/// The windows that a daemon which died was recording.
pub(super) fn interrupted(state: &Path) -> Vec<api::Recording> {
    let (journals, _) = Journal::read_all(state).unwrap_or_default();
    journals
        .iter()
        .map(|(journal, _)| journal.to_api())
        .collect()
}

/// All that any format has.
#[derive(Deserialize)]
struct Shape {
    format: u32,
}

fn read(path: &Path) -> Result<Journal, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let shape: Shape = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    match shape.format {
        ..=FORMAT => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
        newer => Err(format!(
            "its format is {newer}, that of a newer tvmux; this one knows {FORMAT} and older"
        )),
    }
}

/// What is in the file.
#[derive(Debug, Default)]
struct Written {
    /// Whether the journal is gone for good.
    is_removed: bool,
    /// The number of its content: threads that write may overtake each other.
    number: u64,
}

/// Where a journal is.
#[derive(Clone, Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    /// Held while writing.
    written: Arc<Mutex<Written>>,
    /// How many contents were given.
    given: Arc<AtomicU64>,
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
            written: Arc::default(),
            given: Arc::default(),
        }
    }

    /// What the recording's other files are named after.
    pub(super) fn stem(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_suffix(SUFFIX).unwrap_or(&name).to_owned()
    }

    /// Writes the journal so that either the old one or the new one is there.
    /// Does nothing once it has been removed.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn write(&self, journal: &Journal, durability: Durability) -> io::Result<()> {
        self.write_number(self.number(), journal, durability)
    }

    fn number(&self) -> u64 {
        self.given.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn write_number(
        &self,
        number: u64,
        journal: &Journal,
        durability: Durability,
    ) -> io::Result<()> {
        let mut written = self.lock();
        if written.is_removed || written.number > number {
            return Ok(());
        }
        let content = serde_json::to_vec(journal)?;
        atomic_file::replace(&self.path, 0o600, &content, durability)?;
        written.number = number;
        Ok(())
    }

    /// Writes the journal on another thread, which nobody need wait for; a failure
    /// is logged.
    pub(super) fn write_later(&self, journal: Journal) -> JoinHandle<()> {
        let (file, number) = (self.clone(), self.number());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = file.write_number(number, &journal, Durability::PowerCut) {
                tracing::warn!(path = %file.path.display(), %error, "a journal cannot be written");
            }
        })
    }

    /// Removes the journal: its recording has ended.
    pub(super) fn remove(&self) {
        self.lock().is_removed = true;
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a journal cannot be removed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written
            .lock()
            .unwrap_or_else(|error| error.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::spec::Paused;

    const OLD: &str = r#"{"format":1,"id":"main:@0","cast_path":"/c","socket":"/s",
        "server":{"pid":1,"start_time":2},"window":"@0","pane":null,"session_name":"main",
        "started_micros":3,"title":null,"command":null,"idle_time_limit":null,"env":{},
        "gaps":4,"lost_bytes":5}"#;

    #[test]
    fn an_older_journal_is_read_and_a_newer_one_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join(format!("old{SUFFIX}"));
        let new = folder.path().join(format!("new{SUFFIX}"));
        fs::write(&old, OLD).unwrap();
        let content = r#"{"format":4,"all":"else"}"#;
        fs::write(&new, content).unwrap();
        let (journals, unread) = Journal::read_all(folder.path()).unwrap();
        assert_eq!((journals.len(), unread), (1, 1));
        let (journal, file) = &journals[0];
        assert_eq!((journal.gaps, journal.carried), (4, 0));
        assert_eq!(file.stem(), "old");
        assert!(read(&new).unwrap_err().contains("newer tvmux"));
        assert_eq!(fs::read_to_string(new).unwrap(), content);
    }

    #[test]
    fn an_older_program_leaves_a_paused_recording_alone() {
        let mut journal: Journal = serde_json::from_str(OLD).unwrap();
        let spec = &mut journal.spec;
        assert_eq!(Journal::new(spec.clone(), 0, 0, 0).format, UNPAUSED);
        spec.paused = Some(Paused { until: Some(9) });
        let paused = Journal::new(spec.clone(), 0, 0, 0);
        assert_eq!(paused.format, FORMAT);
        assert_eq!(paused.to_api().paused_until, Some(9));
        let text = serde_json::to_string(&paused).unwrap();
        assert_eq!(serde_json::from_str::<Journal>(&text).unwrap(), paused);
    }

    #[test]
    fn a_content_that_is_overtaken_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = JournalFile::at(folder.path().join("x"));
        let journal: Journal = serde_json::from_str(OLD).unwrap();
        let next = Journal {
            gaps: 9,
            ..journal.clone()
        };
        let (first, second) = (file.number(), file.number());
        for (number, content) in [(second, &next), (first, &journal)] {
            file.write_number(number, content, Durability::Kill)
                .unwrap();
        }
        assert_eq!(read(&file.path).unwrap().gaps, 9);
    }
}
