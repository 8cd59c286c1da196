//! `tvmux archive compress` and `tvmux archive decompress`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use clap_complete::engine::ArgValueCompleter;
use serde_json::json;

use super::{look_and_sweep, named, stopped, with_archive};
use crate::archive::{
    Archive, CompressError, CompressOptions, Compressed, Condition, Entry, Form, RepairFileError,
    UpdateLock, compress_file,
};
use crate::cli::progress::Progress;
use crate::cli::signals::stop_flag;
use crate::cli::table::size;
use crate::cli::validate::shown;
use crate::cli::{Context, Failure, Outcome, candidates};

/// Compress casts: X.cast becomes X.cast.zst, about a tenth as large
///
/// Every verb reads it as if it were plain, and any `zstd -d` gives the same bytes
/// back. The new file is read back and compared before the old one goes; what was
/// read of a cast stays known. What is being recorded is left alone.
///
/// CAST is a path, a file's name or the start of it, `@latest`, or `@latest:session`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(required = true, value_name = "CAST", add = ArgValueCompleter::new(candidates::archived))]
    casts: Vec<String>,
    /// Print one JSON object for each cast, on a line of its own
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

pub(super) fn run(context: &Context, args: &Args, form: Form) -> Outcome {
    let stop = stop_flag()?;
    let casts = with_archive(|archive| {
        let lock = archive.lock_for_update().map_err(stopped)?;
        look_and_sweep(context, archive, &lock, stop)?;
        args.casts
            .iter()
            .map(|name| find(archive, name))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let total = casts.iter().map(Cast::bytes).sum::<u64>();
    // Each is read twice; what a packed one has is not known before.
    let total = (form == Form::Packed).then_some(2 * total);
    let progress = Mutex::new(Progress::new(total));
    for cast in &casts {
        let compressed = with_archive(|archive| {
            let lock = archive.lock_for_update().map_err(stopped)?;
            compress(archive, &lock, cast, form, &progress, stop)
        })?;
        tell(args, &cast.path(), &compressed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A cast that is meant.
enum Cast {
    Known(Box<Entry>),
    /// One that is in none of the archive's folders.
    Other(PathBuf),
}

impl Cast {
    fn path(&self) -> PathBuf {
        match self {
            Cast::Known(entry) => entry.path.clone(),
            Cast::Other(path) => path.clone(),
        }
    }

    fn bytes(&self) -> u64 {
        self.path().metadata().map_or(0, |found| found.len())
    }
}

fn find(archive: &Archive, name: &str) -> Result<Cast, Failure> {
    let path = Path::new(name);
    if let Ok(path) = path.canonicalize()
        && archive.entry(&path)?.is_none()
    {
        return Ok(Cast::Other(path));
    }
    let entry = named(archive, name)?;
    if entry.state == Condition::Running {
        return Err(failure(CompressError::Written { path: entry.path }));
    }
    Ok(Cast::Known(Box::new(entry)))
}

fn compress(
    archive: &mut Archive,
    lock: &UpdateLock,
    cast: &Cast,
    form: Form,
    progress: &Mutex<Progress>,
    stop: &'static AtomicBool,
) -> Result<Compressed, Failure> {
    match cast {
        Cast::Known(entry) => compress_known(archive, lock, entry, form, progress, stop),
        Cast::Other(path) => {
            with_options(progress, stop, |options| compress_file(path, form, options))
        }
    }
}

/// Gives a cast of the archive another form.
pub(super) fn compress_known(
    archive: &mut Archive,
    lock: &UpdateLock,
    entry: &Entry,
    form: Form,
    progress: &Mutex<Progress>,
    stop: &'static AtomicBool,
) -> Result<Compressed, Failure> {
    with_options(progress, stop, |options| {
        archive.compress(lock, entry, form, options)
    })
}

fn with_options(
    progress: &Mutex<Progress>,
    stop: &'static AtomicBool,
    compress: impl FnOnce(CompressOptions<'_>) -> Result<Compressed, CompressError>,
) -> Result<Compressed, Failure> {
    let advance = |bytes| {
        progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .advance(bytes);
    };
    let options = CompressOptions {
        stop: Some(stop),
        progress: Some(&advance),
    };
    compress(options).map_err(failure)
}

fn failure(error: CompressError) -> Failure {
    match error {
        CompressError::File(RepairFileError::Stopped) => {
            Failure::stopped("stopped").hint("the cast is as it was")
        }
        error @ CompressError::Written { .. } => {
            Failure::usage(error).hint("`tvmux rec stop` ends a recording")
        }
        error @ CompressError::Taken { .. } => {
            Failure::usage(error).hint("give one of the two another name")
        }
        CompressError::Archive(error) => error.into(),
        error => Failure::usage(error),
    }
}

fn tell(args: &Args, old: &Path, compressed: &Compressed) -> Result<(), Failure> {
    let Compressed {
        path,
        before,
        after,
    } = compressed;
    let mut out = anstream::stdout().lock();
    if args.json {
        let object = json!({
            "cast": path.to_string_lossy(), "was": old.to_string_lossy(),
            "bytes_before": before, "bytes": after,
        });
        writeln!(out, "{object}")?;
    } else if !args.quiet {
        let share = 100.0 * *after as f64 / (*before).max(1) as f64;
        writeln!(
            out,
            "{}: {} instead of {} ({share:.1} %)",
            shown(path),
            size(*after),
            size(*before)
        )?;
    }
    Ok(())
}
