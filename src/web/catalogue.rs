//! Which casts there are, by ids: what the archive's catalogue lists, and what the
//! daemon says of those that it records. Nothing else can be opened.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Mutex;

use super::settings::Settings;
use crate::api::{Recording, State as RecordingState};
use crate::archive::{Archive, ArchiveError, Condition, Entry, Listed, join_parts};
use crate::chain;
use crate::client::{Client, Connection};
use crate::folders::{self, Folders, fnv};
use crate::serving::{Failure, Result};

/// How old the list may be: so often the folders are looked through and the daemon is
/// asked, however many look. Where that takes long it is done less often, for a tenth of
/// the time, and each 10 seconds at least.
const FRESH: Duration = Duration::from_secs(1);
const SHARE: u32 = 10;
const OLDEST: Duration = Duration::from_secs(10);

/// A cast that may be opened.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    /// 16 hexadecimal digits that stay the same when it is compressed.
    pub id: String,
    pub entry: Entry,
    /// What the daemon says of it, while it records it.
    pub recording: Option<Recording>,
}

/// A cast on the wire: as `ls --json` has it, with its id and its recording.
#[derive(Serialize)]
pub(super) struct CastDocument<'a> {
    id: &'a str,
    #[serde(flatten)]
    listed: Listed<'a>,
    recording: Option<RecordingDocument>,
}

/// How the daemon says that a recording is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct RecordingDocument {
    /// The recording's id, to stop and mark it.
    id: String,
    /// Whether output reaches the cast.
    state: RecordingState,
    /// Why it is not as it should be.
    reason: Option<String>,
    /// Bytes of output that are known to be missing.
    lost_bytes: u64,
    /// How often something is missing.
    gaps: u64,
}

impl Cast {
    fn new(mut entry: Entry, recording: Option<Recording>) -> Cast {
        if let Some(recording) = &recording {
            // The catalogue knows what was read of it.
            entry.duration = entry.duration.max(recording.duration);
            entry.gaps = entry.gaps.max(recording.gaps);
            entry.lost_bytes = entry.lost_bytes.max(recording.lost_bytes);
        }
        Cast {
            id: id_of(&entry.path),
            entry,
            recording,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.entry.state == Condition::Running
    }

    pub(super) fn document<'a>(&'a self, output: &Path) -> CastDocument<'a> {
        CastDocument {
            id: &self.id,
            listed: Listed::new(&self.entry, output),
            recording: self.recording_document(),
        }
    }

    pub(super) fn recording_document(&self) -> Option<RecordingDocument> {
        let recording = self.recording.as_ref()?;
        Some(RecordingDocument {
            id: recording.id.clone(),
            state: recording.state,
            reason: recording.reason.clone(),
            lost_bytes: recording.lost_bytes,
            gaps: recording.gaps,
        })
    }
}

/// The id of the cast at a path.
pub(super) fn id_of(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let plain = bytes.strip_suffix(b".zst").unwrap_or(bytes);
    format!("{:016x}", fnv(plain))
}

/// The list of casts, shared by all who look.
pub(super) struct Catalogue {
    /// The archive's folders, by their real paths.
    folders: Vec<PathBuf>,
    /// The output folder, by its real path.
    output: PathBuf,
    /// What a daemon that died was recording.
    interrupted: fn() -> Vec<Recording>,
    list: Mutex<List>,
    /// As they were listed last.
    casts: RwLock<Arc<Vec<Cast>>>,
}

/// How the list is made.
#[derive(Default)]
struct List {
    archive: Option<Archive>,
    /// It is made again after this.
    fresh_until: Option<Instant>,
}

impl Catalogue {
    pub(super) fn new(settings: &Settings) -> Catalogue {
        let real = |folder: PathBuf| folder.canonicalize().unwrap_or(folder);
        let folders = settings.config.cast_folders().into_iter();
        Catalogue {
            folders: folders.map(real).collect(),
            output: real(settings.config.output.directory()),
            interrupted: settings.interrupted,
            list: Mutex::default(),
            casts: RwLock::default(),
        }
    }

    /// The archive's folders, by their real paths.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The output folder, by its real path.
    pub(super) fn output(&self) -> &Path {
        &self.output
    }

    /// All casts, the newest first.
    pub(super) async fn casts(&self) -> Result<Arc<Vec<Cast>>> {
        let mut list = self.list.lock().await;
        if list.fresh_until.is_none_or(|until| until < Instant::now()) {
            let start = Instant::now();
            let recordings = self.recordings().await;
            let (archive, folders) = (list.archive.take(), self.folders.clone());
            let made = tokio::task::spawn_blocking(move || make(archive, &folders, recordings));
            let (archive, casts) = made.await.map_err(Failure::internal)??;
            list.archive = Some(archive);
            *self.casts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(casts);
            let end = Instant::now();
            list.fresh_until = Some(end + ((end - start) * SHARE).clamp(FRESH, OLDEST));
        }
        Ok(self.listed())
    }

    /// All casts as they were listed last, without a look at what has changed.
    pub(super) fn listed(&self) -> Arc<Vec<Cast>> {
        Arc::clone(&self.casts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The cast with that id, as it is now.
    pub(super) async fn cast(&self, id: &str) -> Result<Cast> {
        let casts = self.casts().await?;
        find(&casts, id).ok_or_else(no_cast)
    }

    /// The cast with that id and its file: nothing is listed where that is known.
    pub(super) async fn known(&self, id: &str) -> Result<(Cast, PathBuf)> {
        if let Some(cast) = find(&self.listed(), id) {
            match self.file(&cast) {
                Ok(file) => return Ok((cast, file)),
                // It was compressed since, or removed.
                Err(_) => self.forget().await,
            }
        }
        let cast = self.cast(id).await?;
        let file = self.file(&cast)?;
        Ok((cast, file))
    }

    /// The list is made again when somebody asks for it next.
    pub(super) async fn forget(&self) {
        self.list.lock().await.fresh_until = None;
    }

    /// The file of a cast, if it is still one below the archive's folders, with no
    /// link on the way.
    fn file(&self, cast: &Cast) -> Result<PathBuf> {
        let listed = &cast.entry.path;
        let is_below = |path: &Path| self.folders.iter().any(|folder| path.starts_with(folder));
        match listed.canonicalize() {
            Ok(real) if real == *listed && is_below(&real) => Ok(real),
            _ => Err(no_cast()),
        }
    }

    async fn recordings(&self) -> Vec<Recording> {
        let asked = async { daemon().await?.recordings().await };
        asked.await.unwrap_or_else(|_| (self.interrupted)())
    }
}

fn find(casts: &[Cast], id: &str) -> Option<Cast> {
    casts.iter().find(|cast| cast.id == id).cloned()
}

/// A client of the daemon that runs.
pub(super) async fn daemon() -> crate::client::Result<Client> {
    Connection::new(Folders::of_user(), "/proc/self/exe")
        .client()
        .await
}

fn no_cast() -> Failure {
    let status = axum::http::StatusCode::NOT_FOUND;
    Failure::new(status, "no_cast", "no cast has this id")
}

/// Brings the catalogue in line with the disk and lists it; one that is damaged is
/// set aside, and made again.
fn make(
    archive: Option<Archive>,
    folders: &[PathBuf],
    recordings: Vec<Recording>,
) -> Result<(Archive, Vec<Cast>)> {
    let running: Vec<(PathBuf, Recording)> = recordings
        .into_iter()
        .filter(|recording| recording.state != RecordingState::Finished)
        .filter_map(|recording| Some((recording.cast_path.canonicalize().ok()?, recording)))
        .collect();
    let place = folders::data().map_err(Failure::internal)?;
    let mut archive = match archive {
        Some(archive) => archive,
        None => Archive::open(&place).map_err(Failure::internal)?,
    };
    let paths: HashSet<PathBuf> = running.iter().map(|(path, _)| path.clone()).collect();
    let list = |archive: &mut Archive| -> Result<Vec<Entry>, ArchiveError> {
        let (_, entries) = archive.look_and_list(folders, &paths)?;
        Ok(join_parts(entries))
    };
    let entries = match list(&mut archive) {
        Err(error) if error.is_damage() => {
            Archive::set_aside(&place).map_err(Failure::internal)?;
            archive = Archive::open(&place).map_err(Failure::internal)?;
            list(&mut archive)
        }
        other => other,
    };
    let cast = |entry: Entry| {
        // What is written at present is the last part of what is listed.
        let recording = running
            .iter()
            .find(|(path, _)| chain::first(path) == entry.path);
        Cast::new(entry, recording.map(|(_, recording)| recording.clone()))
    };
    let casts = entries.map_err(Failure::internal)?.into_iter().map(cast);
    Ok((archive, casts.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_when_a_cast_is_compressed() {
        let id = |path: &str| id_of(Path::new(path));
        assert_eq!(id("/a/b.cast"), id("/a/b.cast.zst"));
        assert_ne!(id("/a/b.cast"), id("/a/c.cast"));
        assert_eq!(id("/a/b.cast").len(), 16);
    }
}
