//! What is known of a cast, kept in a file for the next time.
//!
//! The saved screens stand first, then the screen at the end of what was read, then
//! the rest as JSON; where that is stands in the last bytes. All parts are
//! compressed and have checksums. A file that does not fit the cast, is damaged or
//! of another version of tvmux is not used, and is made again.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::index::Index;
use super::scan::Progress;
use super::source::Source;
use super::store::{Extent, Store, write_packed};
use crate::screen::Rules;

/// Casts that are shorter have none: they are read in a moment.
const WORTH: u64 = 1 << 20;

/// Bytes that all files may take together; those that were not used for longest go.
const ROOM: u64 = 1 << 30;

/// Bytes at the start and at the end of what was read that must be the same.
const COMPARED: usize = 64 * 1024;

const MAGIC: [u8; 8] = *b"tvmuxkf\x01";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The ending of these files' names.
const SUFFIX: &str = "keyframes";

/// What tells a cast from others, and from itself when it was changed: its plain
/// bytes, so that it is the same when it is compressed or moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    size: u64,
    /// Nanoseconds since the Unix epoch.
    modified: i128,
    start: u64,
    end: u64,
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: String,
    rules: String,
    identity: Identity,
    groups: Vec<Extent>,
    index: Index,
    progress: Progress,
    screen: Extent,
}

/// What a file had.
pub(super) struct Loaded {
    pub index: Index,
    pub store: Store,
    pub progress: Progress,
    /// The state of the screen behind the last event, to go on from there.
    pub screen: Vec<u8>,
}

/// The file for a cast in the folder `folder`, by what the cast starts with; `None`
/// for one that is too short.
pub(super) fn path_of(folder: &Path, source: &Source) -> io::Result<Option<PathBuf>> {
    if source.length()? < COMPARED as u64 {
        return Ok(None);
    }
    let name = format!("{:016x}.{SUFFIX}", hash(source, 0, COMPARED)?);
    Ok(Some(folder.join(name)))
}

fn hash(source: &Source, offset: u64, length: usize) -> io::Result<u64> {
    let mut bytes = vec![0; length];
    source.file().read_exact_at(&mut bytes, offset)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok(hasher.finish())
}

/// Since the Unix epoch, or before it.
fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

impl Identity {
    /// Of a cast of which `covered` bytes were read.
    fn of(source: &Source, covered: u64) -> io::Result<Identity> {
        let compared = covered.min(COMPARED as u64);
        let hash = |offset| hash(source, offset, compared as usize);
        Ok(Identity {
            size: source.length()?,
            modified: nanoseconds(source.file().modified()?),
            start: hash(0)?,
            end: hash(covered - compared)?,
        })
    }

    /// Whether a cast that is `now` this is the same, or has only grown.
    fn is_same_or_longer(&self, now: &Identity) -> bool {
        let has_grown = now.size > self.size;
        let is_untouched = now.size == self.size && now.modified == self.modified;
        (has_grown || is_untouched) && (self.start, self.end) == (now.start, now.end)
    }
}

/// Reads the file at `path`, if it fits.
pub(super) fn load(path: &Path, source: &Source, rules: Rules) -> Option<Loaded> {
    try_load(path, source, rules).ok().flatten()
}

fn try_load(path: &Path, source: &Source, rules: Rules) -> io::Result<Option<Loaded>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut tail = [0; 32];
    let Some(tail_at) = length.checked_sub(tail.len() as u64) else {
        return Ok(None);
    };
    file.read_exact_at(&mut tail, tail_at)?;
    let number = |at: usize| {
        let bytes = tail[at..at + 8].try_into().unwrap_or_default();
        u64::from_le_bytes(bytes)
    };
    if tail[..8] != MAGIC || number(8) > length || number(16) > length {
        return Ok(None);
    }
    let extent = Extent {
        offset: number(8),
        length: number(16) as usize,
        unpacked: number(24) as usize,
    };
    let record: Record = serde_json::from_slice(&extent.read(&file)?)?;
    if record.version != VERSION || record.rules != rules_text(rules) {
        return Ok(None);
    }
    let covered = record.progress.place.offset();
    if covered > source.length()? {
        return Ok(None);
    }
    let now = Identity::of(source, covered)?;
    if !record.identity.is_same_or_longer(&now) {
        return Ok(None);
    }
    let screen = record.screen.read(&file)?;
    // The files that were used last stay longest.
    let _ = file.set_modified(SystemTime::now());
    Ok(Some(Loaded {
        index: record.index,
        store: Store::published(file, record.groups),
        progress: record.progress,
        screen,
    }))
}

/// Writes the file, if the cast is long enough.
pub(super) fn save(
    path: &Path,
    source: &Source,
    rules: Rules,
    (index, store): (&Index, &mut Store),
    (progress, screen): (Progress, Vec<u8>),
) -> io::Result<()> {
    if progress.place.offset() < WORTH {
        return Ok(());
    }
    let identity = Identity::of(source, progress.place.offset())?;
    let groups_written = store.prepare(path)?.is_some();
    let groups = store.groups().to_vec();
    let Some((file, end)) = store.prepare(path)?.filter(|_| groups_written) else {
        return Ok(());
    };
    let screen = write_packed(file, end, &screen)?;
    let record = Record {
        version: VERSION.to_owned(),
        rules: rules_text(rules),
        identity,
        groups,
        index: index.clone(),
        progress,
        screen,
    };
    let packed = write_packed(file, screen.end(), &serde_json::to_vec(&record)?)?;
    let mut tail = MAGIC.to_vec();
    for number in [packed.offset, packed.length as u64, packed.unpacked as u64] {
        tail.extend_from_slice(&number.to_le_bytes());
    }
    file.write_all_at(&tail, packed.end())?;
    file.set_len(packed.end() + tail.len() as u64)?;
    store.publish(path)?;
    if let Some(folder) = path.parent() {
        make_room(folder, path)?;
    }
    Ok(())
}

fn rules_text(rules: Rules) -> String {
    format!("{rules:?}")
}

/// Removes the files that were not used for longest, but for `kept`, until the rest
/// fits.
fn make_room(folder: &Path, kept: &Path) -> io::Result<()> {
    let mut all = Vec::new();
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_ours = path.extension().is_some_and(|suffix| suffix == SUFFIX);
        let Ok(metadata) = path.symlink_metadata() else {
            continue;
        };
        if is_ours && metadata.is_file() {
            total += metadata.len();
            all.push((metadata.modified()?, metadata.len(), path));
        }
    }
    all.sort();
    for (_, length, path) in all {
        if total <= ROOM {
            break;
        }
        if path != kept && fs::remove_file(&path).is_ok() {
            total -= length;
        }
    }
    Ok(())
}
