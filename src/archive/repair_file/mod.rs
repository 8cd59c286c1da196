//! Repairs cast files: what [`repair`](crate::cast::repair) finds is done to a
//! file in such a way that a crash or a full disk at any moment leaves the
//! original or the repaired file, never something between.
//!
//! A repaired file is written beside the original without a name, synced, and
//! then takes its name. Only a torn tail is cut in place, which the file system
//! does as a whole. The original is kept as a backup before anything is changed.
//!
//! This module knows no recording and no terminal; whoever has a path may call
//! [`repair_file`].

mod edits;
mod files;
mod packed;
mod stream;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use thiserror::Error;

use crate::atomic_file::Durability;
use crate::cast::{RepairOptions, Report, repair_edits};
use edits::{FileEdits, Tail};

pub(super) use files::{Original, Stop, sync_by_stretches};
pub use stream::repair_stream;

/// How to repair a file.
#[derive(Clone, Copy)]
pub struct RepairFileOptions<'a> {
    /// How many threads look at the file, at least 1.
    pub threads: usize,
    /// Whether the original is kept beside the repaired file.
    pub backup: bool,
    /// Where the repaired cast goes instead of replacing the original. It is
    /// written also when nothing had to change.
    pub output: Option<&'a Path>,
    /// Only find out what would be done.
    pub dry_run: bool,
    /// When this becomes true the work ends; nothing is changed then.
    pub stop: Option<&'a AtomicBool>,
    /// Is called with the number of bytes of each read.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl Default for RepairFileOptions<'_> {
    fn default() -> Self {
        RepairFileOptions {
            threads: 1,
            backup: true,
            output: None,
            dry_run: false,
            stop: None,
            progress: None,
        }
    }
}

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was valid, or nothing could be recovered.
    None,
    /// Its torn tail was cut, or its final newline added, in place.
    InPlace,
    /// A repaired file took its place, or was written where it was asked for.
    Rewritten,
}

/// A file that was looked at, and repaired if it had to be.
#[derive(Clone, Debug)]
pub struct RepairedFile {
    /// What the repair did, or would do in a dry run.
    pub report: Report,
    /// What was done to the file.
    pub change: Change,
    /// Where the original is kept.
    pub backup: Option<PathBuf>,
    /// Of a compressed cast: places at which its frames are damaged or missing.
    pub damaged_frames: u64,
}

/// Why a file could not be repaired. The file is then as it was.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RepairFileError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not a file", path.display())]
    NotAFile { path: PathBuf },
    #[error("cannot read the cast")]
    Stream { source: io::Error },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot keep a backup of {}", path.display())]
    Backup { path: PathBuf, source: io::Error },
    #[error("{} has changed meanwhile: another program is writing it", path.display())]
    Busy { path: PathBuf },
    #[error("stopped")]
    Stopped,
}

/// Repairs the cast file at `path`. A symbolic link is followed. One that is
/// compressed stays so; an output is compressed where its name ends with `.zst`.
///
/// The mode, the owner and the times of the file stay as they are. When nothing
/// could be recovered, [`Report::is_recovered`] says so and the file is left as
/// it was.
///
/// # Errors
/// See [`RepairFileError`]; the file is then as it was.
pub fn repair_file(
    path: &Path,
    options: &RepairFileOptions<'_>,
) -> Result<RepairedFile, RepairFileError> {
    let stop = Stop(options.stop);
    try_repair_file(path, options, stop).map_err(|error| {
        if stop.is_set() {
            return RepairFileError::Stopped;
        }
        error
    })
}

fn try_repair_file(
    path: &Path,
    options: &RepairFileOptions<'_>,
    stop: Stop<'_>,
) -> Result<RepairedFile, RepairFileError> {
    let original = Original::open(path, stop)?;
    let is_packed = original
        .is_packed()
        .map_err(|source| RepairFileError::Read {
            path: path.to_owned(),
            source,
        })?;
    if is_packed {
        return packed::repair_packed(&original, options, stop);
    }
    let mut edits = FileEdits::new(&original, options)?;
    let watched = Watched {
        file: &original.file,
        options,
        stop,
    };
    let repair = RepairOptions {
        threads: options.threads.max(1),
    };
    let report = repair_edits(watched, &repair, &mut edits).map_err(|source| {
        if let Some(path) = edits.failed() {
            return RepairFileError::Write { path, source };
        }
        RepairFileError::Read {
            path: path.to_owned(),
            source,
        }
    })?;
    let unchanged = RepairedFile {
        report,
        change: Change::None,
        backup: None,
        damaged_frames: 0,
    };
    if options.dry_run || !report.is_recovered() || !report.differs && options.output.is_none() {
        return Ok(unchanged);
    }
    if let Some(output) = options.output {
        let temporary = edits.finish().map_err(writing(output))?;
        sync_by_stretches(temporary.file(), stop).map_err(writing(output))?;
        temporary
            .replace(output, Durability::PowerCut)
            .map_err(writing(output))?;
        return Ok(RepairedFile {
            change: Change::Rewritten,
            ..unchanged
        });
    }
    // What stays of a file that grows is the same all the time, so that only
    // changing the file itself is out of the question.
    original.check_unchanged()?;
    let tail = edits.tail();
    let temporary = match tail {
        Some(_) => None,
        None => {
            let temporary = edits.finish().map_err(writing(&original.path))?;
            sync_by_stretches(temporary.file(), stop).map_err(writing(&original.path))?;
            Some(temporary)
        }
    };
    let backup = if options.backup {
        Some(original.back_up()?)
    } else {
        None
    };
    original.check_unchanged()?;
    if stop.is_set() {
        if let Some(backup) = backup {
            // Nothing was changed, so the backup has no purpose.
            let _ = std::fs::remove_file(backup);
        }
        return Err(RepairFileError::Stopped);
    }
    let change = match (tail, temporary) {
        (Some(tail), _) => {
            change_tail(&original, tail).map_err(writing(&original.path))?;
            Change::InPlace
        }
        (None, Some(temporary)) => {
            temporary
                .replace(&original.path, Durability::PowerCut)
                .map_err(writing(&original.path))?;
            Change::Rewritten
        }
        (None, None) => Change::None,
    };
    Ok(RepairedFile {
        report,
        change,
        backup,
        damaged_frames: 0,
    })
}

/// What to say of a file that cannot be written.
fn writing(path: &Path) -> impl Fn(io::Error) -> RepairFileError + use<> {
    let path = path.to_owned();
    move |source| RepairFileError::Write {
        path: path.clone(),
        source,
    }
}

/// Cuts the tail, or adds the newline that is missing. Either is a single step
/// for the file system.
fn change_tail(original: &Original<'_>, tail: Tail) -> io::Result<()> {
    let file = File::options().write(true).open(&original.path)?;
    match tail {
        Tail::Cut(length) => file.set_len(length)?,
        Tail::Newline => {
            std::os::unix::fs::FileExt::write_all_at(&file, b"\n", original.length)?;
        }
    }
    original.restore_times(&file)?;
    file.sync_all()
}

/// The original as it is read: tells of progress, and ends when it should.
struct Watched<'a> {
    file: &'a File,
    options: &'a RepairFileOptions<'a>,
    stop: Stop<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        let count = self.file.read(buffer)?;
        if let Some(progress) = self.options.progress {
            progress(count as u64);
        }
        Ok(count)
    }
}
