//! The cast of a command's recording: a new one, or one that is gone on with.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::api;
use crate::archive::repair_file::{RepairFileOptions, repair_file};
use crate::cast::{Header, Micros};
use crate::clock::monotonic_micros;
use crate::daemon::carried::{self, Left};
use crate::daemon::create::{create_cast, create_cast_at, create_kept, local_time};
use crate::daemon::destination::cast_folder;
use crate::daemon::earlier::Earlier;
use crate::daemon::names::{command_cast_name, host_name};
use crate::daemon::recording::OpenCast;
use crate::daemon::{Error, Result};
use crate::record::{DiskFile, Fifo, PipeEnd, Recorder, StreamRecord, Tail, cut_tail};
use crate::wording::chain;

/// Where a command's output comes in, and its sizes and keys.
pub(super) type Pipes = (PipeEnd, Fifo);

/// Makes a new cast.
pub(super) fn begin(
    request: &api::CommandRecording,
    settings: &crate::config::Output,
    started_micros: u64,
    bound: usize,
) -> Result<(PathBuf, OpenCast)> {
    let mut recorder = Recorder::new(&header(request, started_micros / 1_000_000), bound);
    recorder.blank(0);
    let lines = recorder.take_copy();
    let (path, file) = match &request.file {
        Some(path) => create_cast_at(path, &lines)?,
        None => {
            let (started, host) = (local_time(started_micros), host_name());
            let folder = cast_folder(request.directory.as_deref(), settings, &started)?;
            create_cast(&folder, &lines, |number| {
                command_cast_name(&started, &host, &request.name, number)
            })?
        }
    };
    recorder.written(lines.len());
    let cast = OpenCast {
        recorder,
        file,
        length: lines.len() as u64,
        now: 0,
        kept: None,
    };
    Ok((path, cast))
}

/// Goes on with what a daemon that died has kept of the recording to `path` in
/// the files whose names begin with `base`.
///
/// # Errors
/// When nothing was kept, or it does not fit the cast.
pub(super) fn carry_on(
    path: &Path,
    base: &Path,
    pid: u32,
    bound: usize,
) -> io::Result<(OpenCast, Option<Pipes>)> {
    let take_over = |record: &StreamRecord, taken: u64| {
        let end = PipeEnd::take_over_from(pid, &record.fifo, taken)?;
        Ok((end, None))
    };
    let reopened = carried::go_on(path, base, bound, take_over)?;
    let mut cast = reopened.cast;
    let why = match reopened.left {
        Left::Stream {
            record: StreamRecord { control, .. },
            end,
            ..
        } => match control.map(|path| Fifo::take_over(&path)) {
            Some(Ok(control)) => return Ok((cast, Some((*end, control)))),
            _ => carried::interrupted(cast.now - cast.recorder.stats().duration),
        },
        Left::Nothing(why) => why,
    };
    cast.recorder.gap(cast.now, &format!("tvmux: gap: {why}"));
    Ok((cast, None))
}

/// Keeps the recorder's state from now on, if it is not kept already, in files
/// whose names begin with `base`. Without, a kill loses what waits.
pub(super) fn keep(cast: &mut OpenCast, base: &Path) {
    if cast.kept.is_some() {
        return;
    }
    let origin = monotonic_micros() as i64 - cast.now as i64;
    if let (Some(kept), Ok(id)) = (create_kept(base), cast.file.id()) {
        cast.kept = Some(cast.recorder.keep(kept, id, origin));
    }
}

/// Opens a cast that is there, and puts a marker behind what it holds; `earlier` are
/// those of the same recording before it.
pub(super) fn go_on(
    path: &Path,
    earlier: Earlier,
    request: &api::CommandRecording,
    bound: usize,
) -> Result<(PathBuf, OpenCast)> {
    let (mut recorder, file, tail) = open_at_end(path, bound)?;
    let asked = request.resume_at.map_or(0, |at| (at * 1e6) as Micros);
    let asked = asked.saturating_sub(earlier.duration);
    let now = tail.last.max(asked);
    match &request.gap {
        Some(why) => recorder.gap(now, &format!("tvmux: gap: {why}")),
        None => recorder.marker(now, "tvmux: goes on"),
    }
    recorder.resize(now, request.columns, request.rows);
    let cast = OpenCast {
        recorder,
        file: DiskFile::new(file, path),
        length: tail.length,
        now,
        kept: None,
    };
    Ok((path.to_owned(), cast))
}

/// Makes a cast that is there whole, and opens it where it goes on.
pub(super) fn open_at_end(path: &Path, bound: usize) -> Result<(Recorder, File, Tail)> {
    let failed = |source: io::Error| Error::Output {
        path: path.to_owned(),
        source,
    };
    let is_there = path.try_exists().map_err(failed)?;
    if !is_there {
        return Err(failed(io::ErrorKind::NotFound.into()));
    }
    repair_file(path, &RepairFileOptions::default()).map_err(|error| Error::Invalid {
        message: format!(
            "{} cannot be gone on with: {}",
            path.display(),
            chain(&error)
        ),
    })?;
    let file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let tail = cut_tail(&file).map_err(failed)?;
    let recorder = Recorder::resume(tail.length, tail.last, tail.size, tail.events, bound);
    Ok((recorder, file, tail))
}

/// The header of a command's cast.
pub(super) fn header(request: &api::CommandRecording, timestamp: u64) -> Header {
    Header {
        width: request.columns,
        height: request.rows,
        timestamp: Some(timestamp),
        idle_time_limit: request.idle_time_limit,
        command: request.command.clone(),
        title: request.title.clone(),
        env: request.env.clone(),
        ..Header::default()
    }
}
