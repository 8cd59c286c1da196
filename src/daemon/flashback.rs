//! A recording of which only the last minutes are kept.
//!
//! It is a recording that is rotated often, into a hidden folder of its own beside
//! the casts: the *ring*. An eighth of what is kept, in time or bytes, makes a part;
//! parts that are too old, or too much, are removed. Each begins with a whole screen,
//! so whatever is the oldest, the rest can be played.
//!
//! A save makes a chain of casts out of the ring: the parts that are closed get second
//! names, of the present one what is written so far is copied. Nothing is encoded
//! again, nothing that is recorded waits for it, and the ring stays as it is. Where the
//! recording is to go on as any other, its next part is made behind that chain, and the
//! ring goes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Zoned;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::Result;
use crate::atomic_file;
use crate::cast::Micros;
use crate::chain;
use crate::config::{self, FLASHBACK_FOLDER};
use crate::record;

/// How many parts make up what is kept.
const PARTS: u32 = 8;

/// A part is no larger, in bytes: it is copied by a save, and played by the process
/// that works out the next one's screen.
const LARGEST_PART: u64 = 64 << 20;

/// What a recording keeps, and where it goes on. Part of its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flashback {
    /// How much is kept.
    pub(super) length: Micros,
    /// The folder for saved casts that was asked for; the configured one without.
    pub(super) folder: Option<PathBuf>,
    /// The cast that the present part was saved to, behind which the recording goes
    /// on.
    pub(super) goes_on: Option<PathBuf>,
}

/// When a recording leaves its cast for the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes of a cast.
    pub(super) size: Option<u64>,
    /// Time in a cast.
    pub(super) every: Option<Duration>,
    /// Whether the time counts though nothing happens.
    pub(super) is_strict: bool,
    /// The next cast is wanted now.
    pub(super) is_now: bool,
}

impl Limits {
    /// Those of any recording.
    pub(super) fn of(settings: &config::Recording) -> Limits {
        Limits {
            size: settings.rotate_size.0,
            every: settings.rotate_every.0,
            is_strict: false,
            is_now: false,
        }
    }
}

impl Flashback {
    /// How much is kept.
    pub(super) fn length(&self) -> Duration {
        Duration::from_micros(self.length)
    }

    /// When its parts end, where `most` bytes are kept.
    pub(super) fn limits(&self, most: u64) -> Limits {
        Limits {
            size: Some(part_size(most)),
            every: Some(self.length() / PARTS),
            is_strict: true,
            is_now: self.goes_on.is_some(),
        }
    }
}

/// Bytes of a part where `most` are kept.
fn part_size(most: u64) -> u64 {
    (most / u64::from(PARTS)).clamp(1, LARGEST_PART)
}

/// How many parts' sizes the `bytes` of one come to, where `most` are kept.
pub(super) fn parts_in(bytes: u64, most: u64) -> u64 {
    bytes / part_size(most)
}

/// Bytes that are left of `most` for the parts before the present one, which has
/// `present` and may have more until it is looked again: when it is as large as another
/// part. Nothing where it alone is as much as may be kept.
pub(super) fn room(most: u64, present: u64) -> Option<u64> {
    most.checked_sub((parts_in(present, most) + 1) * part_size(most))
}

/// The folder of a ring beside casts in `folder`; its recording's files are named
/// after `stem`.
pub(super) fn ring_folder(folder: &Path, stem: &str) -> PathBuf {
    folder.join(FLASHBACK_FOLDER).join(stem)
}

/// One part that is closed.
#[derive(Debug)]
struct Closed {
    path: PathBuf,
    number: u32,
    bytes: u64,
    /// When its last line was written.
    written: SystemTime,
}

/// The parts before the `present` one of the cast at `cast`, the oldest first.
fn closed_parts(cast: &Path, present: u32) -> io::Result<Vec<Closed>> {
    let first = chain::part_path(cast, 1);
    let mut parts = Vec::new();
    for entry in fs::read_dir(atomic_file::folder_of(cast))? {
        let path = entry?.path();
        let number = chain::number(&path);
        if path.extension() != Some(OsStr::new("cast"))
            || chain::part_path(&path, 1) != first
            || number >= present
        {
            continue;
        }
        // One that was removed meanwhile is none.
        let Ok(found) = fs::metadata(&path) else {
            continue;
        };
        parts.push(Closed {
            number,
            bytes: found.len(),
            written: found.modified()?,
            path,
        });
    }
    parts.sort_by_key(|part| part.number);
    Ok(parts)
}

/// Removes the parts before the `present` one that are too old, and the oldest of the
/// rest while together they have more than `room` bytes.
///
/// # Errors
/// As the system says.
pub(super) fn prune(cast: &Path, present: u32, kept: Duration, room: u64) -> io::Result<()> {
    let parts = closed_parts(cast, present)?;
    let mut bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    let now = SystemTime::now();
    for part in parts {
        let age = now.duration_since(part.written).unwrap_or_default();
        if age <= kept && bytes <= room {
            break;
        }
        fs::remove_file(&part.path)?;
        bytes -= part.bytes;
    }
    Ok(())
}

/// The name of the `number`th cast that is saved at this time: that of the recording,
/// which begins with the time of its start.
pub(super) fn saved_name(cast: &Path, now: &Zoned, number: u32) -> String {
    let first = chain::part_path(cast, 1);
    let name = first.file_stem().unwrap_or_default().to_string_lossy();
    let time = now.strftime("%Y-%m-%d_%H%M").to_string();
    let rest = name.get(time.len()..).unwrap_or_default();
    match number {
        1 => format!("{time}{rest}.cast"),
        _ => format!("{time}{rest}_{number}.cast"),
    }
}

#[derive(Clone, Debug)]
pub(super) struct Saved {
    /// The first cast, and those that follow it.
    pub(super) casts: Vec<PathBuf>,
    pub(super) bytes: u64,
}

/// A save that waits until all that was recorded when it came is written.
pub(super) struct Saving {
    /// Bytes of the present cast.
    pub(super) until: u64,
    /// Whether the recording is to go on behind what is saved: until that is told it
    /// stays in its present cast.
    pub(super) goes_on: bool,
    pub(super) reply: oneshot::Sender<Result<Saved>>,
}

/// Saves what the ring of the cast at `cast` has of the time that is kept into
/// `folder`; its part of number `present` has `length` bytes that are written. `name`
/// gives the names of casts that may be taken, one after the other.
///
/// # Errors
/// When a cast cannot be made; none is left behind then.
pub(super) fn save(
    cast: &Path,
    (present, length): (u32, u64),
    kept: Duration,
    (folder, name): (&Path, impl Fn(u32) -> String),
) -> io::Result<Saved> {
    let now = SystemTime::now();
    let is_kept = |part: &Closed| {
        let age = now.duration_since(part.written).unwrap_or_default();
        age <= kept
    };
    let mut parts = closed_parts(cast, present)?;
    parts.retain(is_kept);
    record::create_folder(folder)?;
    for number in 1.. {
        let base = folder.join(name(number));
        match save_as(&base, cast, &parts, (present, length)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            saved => return saved,
        }
    }
    unreachable!("there are more numbers than files")
}

fn save_as(
    base: &Path,
    cast: &Path,
    parts: &[Closed],
    (present, length): (u32, u64),
) -> io::Result<Saved> {
    // A name that any part of another chain has is taken.
    for entry in fs::read_dir(atomic_file::folder_of(base))? {
        if chain::part_path(&entry?.path(), 1) == base {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
    }
    let mut saved = Saved {
        casts: Vec::new(),
        bytes: 0,
    };
    let mut add = |path: PathBuf, made: io::Result<u64>| match made {
        Ok(bytes) => {
            saved.casts.push(path);
            saved.bytes += bytes;
            Ok(())
        }
        // The oldest one has just become too old.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    let made = parts.iter().try_for_each(|part| {
        let path = chain::part_path(base, part.number);
        let linked = link_or_copy(&part.path, &path, part.bytes);
        add(path, linked)
    });
    let made = made.and_then(|()| {
        let path = chain::part_path(base, present);
        let copied = copy(cast, &path, length);
        add(path, copied)
    });
    match made {
        Ok(()) if saved.bytes > 0 => Ok(saved),
        made => {
            for path in &saved.casts {
                let _ = fs::remove_file(path);
            }
            Err(made.err().unwrap_or(io::ErrorKind::NotFound.into()))
        }
    }
}

/// A second name for a file, or else a copy of its first `bytes` bytes.
fn link_or_copy(from: &Path, to: &Path, bytes: u64) -> io::Result<u64> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Another file system, or one without links.
        Err(_) => copy(from, to, bytes),
    }
}

/// A new file with the first `bytes` bytes of another.
fn copy(from: &Path, to: &Path, bytes: u64) -> io::Result<u64> {
    let mut input = File::open(from)?.take(bytes);
    let mut options = File::options();
    let mut output = options.write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut input, &mut output).inspect_err(|_| drop(fs::remove_file(to)))
}

/// Gives a part that is complete the name under which it was saved when it was not.
///
/// # Errors
/// As the system says. What was saved is as it was.
pub(super) fn complete(cast: &Path, saved: &Path) -> io::Result<()> {
    let bytes = fs::metadata(cast)?.len();
    let beside = saved.with_extension("cast.part");
    let _ = fs::remove_file(&beside);
    link_or_copy(cast, &beside, bytes)?;
    fs::rename(&beside, saved)?;
    // Two names of one file stay two where one takes the place of the other.
    let _ = fs::remove_file(&beside);
    Ok(())
}

/// Makes what was saved survive a power cut. May take long.
pub(super) fn sync(saved: &Saved) {
    for path in &saved.casts {
        let synced = File::open(path).and_then(|file| file.sync_data());
        if let Err(error) = synced.and_then(|()| atomic_file::sync_folder(path)) {
            tracing::warn!(path = %path.display(), %error, "what was saved is not synced");
        }
    }
}

/// Removes the ring of a recording that has ended, or goes on elsewhere.
pub(super) fn remove_ring(cast: &Path) {
    let folder = atomic_file::folder_of(cast);
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(folder = %folder.display(), %error, "a ring cannot be removed");
    }
    // Where it was the last one.
    let _ = folder.parent().map(fs::remove_dir);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(cast: &Path, number: u32, bytes: usize, seconds_old: u64) {
        let path = chain::part_path(cast, number);
        fs::write(&path, vec![b'a' + number as u8; bytes]).unwrap();
        let written = SystemTime::now() - Duration::from_secs(seconds_old);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(written)
            .unwrap();
    }

    fn numbers(folder: &Path) -> Vec<u32> {
        let all = fs::read_dir(folder).unwrap().flatten();
        let mut numbers: Vec<u32> = all.map(|entry| chain::number(&entry.path())).collect();
        numbers.sort_unstable();
        numbers
    }

    fn ring() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let ring = ring_folder(folder.path(), "x");
        fs::create_dir_all(&ring).unwrap();
        let cast = ring.join("x.cast");
        for (number, old) in [(1, 90), (2, 70), (3, 50), (4, 30), (5, 10), (6, 0)] {
            part(&cast, number, 100, old);
        }
        (folder, chain::part_path(&cast, 6))
    }

    #[test]
    fn what_is_too_old_or_too_much_goes_and_the_present_part_never() {
        let (folder, cast) = ring();
        let ring = ring_folder(folder.path(), "x");
        prune(&cast, 6, Duration::from_secs(60), 300).unwrap();
        assert_eq!(numbers(&ring), [3, 4, 5, 6]);
        prune(&cast, 6, Duration::from_secs(60), 299).unwrap();
        assert_eq!(numbers(&ring), [4, 5, 6]);
        prune(&cast, 6, Duration::ZERO, 299).unwrap();
        assert_eq!(numbers(&ring), [6]);
        remove_ring(&cast);
        assert!(!folder.path().join(FLASHBACK_FOLDER).exists());
    }

    #[test]
    fn a_part_that_grows_past_its_size_takes_the_place_of_older_ones() {
        // Eight parts of 100 bytes, and of 64 MiB where more is kept.
        assert_eq!(room(800, 0), Some(700));
        assert_eq!(room(800, 99), Some(700));
        assert_eq!(room(800, 100), Some(600));
        assert_eq!(room(800, 799), Some(0));
        assert_eq!(room(800, 800), None, "it alone is as much as may be kept");
        assert_eq!(room(1 << 30, 0), Some(15 << 26));
        assert_eq!(room(1 << 30, 1 << 30), None);
        assert_eq!(room(0, 0), None);

        // With the present one, at every size of it, no more than may be kept.
        let (_folder, cast) = ring();
        for present in 0..=900 {
            let Some(room) = room(800, present) else {
                assert!(present >= 800);
                continue;
            };
            prune(&cast, 6, Duration::from_secs(3600), room).unwrap();
            let parts = closed_parts(&cast, 6).unwrap();
            let closed: u64 = parts.iter().map(|part| part.bytes).sum();
            assert_eq!(closed, room.min(500), "beside {present} bytes");
            assert!(closed + present < 800);
        }
    }

    #[test]
    fn a_save_takes_a_free_name_and_leaves_the_ring_as_it_is() {
        let (folder, cast) = ring();
        let (kept, casts) = (Duration::from_secs(60), folder.path().join("casts"));
        let name = |number: u32| format!("day{number}.cast");
        let saved = save(&cast, (6, 40), kept, (&casts, name)).unwrap();
        let base = casts.join("day1.cast");
        let expected = [3, 4, 5, 6].map(|number| chain::part_path(&base, number));
        assert_eq!((saved.casts.as_slice(), saved.bytes), (&expected[..], 340));
        assert_eq!(fs::read(&expected[3]).unwrap(), [b'g'; 40]);
        assert_eq!(numbers(&ring_folder(folder.path(), "x")).len(), 6);
        let again = save(&cast, (6, 100), kept, (&casts, name)).unwrap();
        assert_eq!(again.casts[0], casts.join("day2.part003.cast"));
        assert_eq!(fs::read(&expected[3]).unwrap().len(), 40);

        // What was copied becomes the whole of it, also twice.
        for _ in 0..2 {
            complete(&cast, &expected[3]).unwrap();
            assert_eq!(fs::read(&expected[3]).unwrap().len(), 100);
        }
        assert_eq!(fs::read_dir(&casts).unwrap().count(), 8);
    }
}
