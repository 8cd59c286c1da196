//! Repairs what comes from a stream into a file.

use std::fs::{self, Permissions};
use std::io::{BufWriter, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::edits::Writing;
use super::files::{Stop, sync_by_stretches};
use super::{Change, RepairFileError, RepairFileOptions, RepairedFile};
use crate::atomic_file::{AtomicFile, Durability};
use crate::cast::{RepairOptions, repair};

/// Repairs the cast that `input` gives and writes it to the file `output`,
/// which gets its name, or its new content, when all of it is on disk. When
/// nothing could be recovered nothing is written.
///
/// Of `options` only the threads and the flag to stop count; `input` has to end
/// with an error or early once that is set.
///
/// # Errors
/// See [`RepairFileError`]; `output` is then as it was.
pub fn repair_stream<R: Read + Send>(
    input: R,
    output: &Path,
    options: &RepairFileOptions<'_>,
) -> Result<RepairedFile, RepairFileError> {
    let writing = |source| RepairFileError::Write {
        path: output.to_owned(),
        source,
    };
    let temporary = AtomicFile::beside(output, 0o666).map_err(writing)?;
    let mut failed = None;
    let mut input = Noting {
        input,
        failed: &mut failed,
    };
    let mut writer = BufWriter::with_capacity(128 * 1024, Writing::new(temporary));
    let repair_options = RepairOptions {
        threads: options.threads.max(1),
    };
    let repaired = repair(&mut input, &mut writer, &repair_options);
    let stop = Stop(options.stop);
    if stop.is_set() {
        return Err(RepairFileError::Stopped);
    }
    if let Some(source) = failed {
        return Err(RepairFileError::Stream { source });
    }
    let report = repaired.map_err(writing)?;
    let mut repaired = RepairedFile {
        report,
        change: Change::None,
        backup: None,
        damaged_frames: 0,
    };
    if report.is_recovered() {
        let temporary = writer
            .into_inner()
            .map_err(|error| writing(error.into_error()))?
            .into_temporary();
        if let Ok(there) = fs::metadata(output) {
            let mode = Permissions::from_mode(there.permissions().mode() & 0o7777);
            temporary.file().set_permissions(mode).map_err(writing)?;
        }
        if sync_by_stretches(temporary.file(), stop).is_err() {
            return Err(RepairFileError::Stopped);
        }
        temporary
            .replace(output, Durability::PowerCut)
            .map_err(writing)?;
        repaired.change = Change::Rewritten;
    }
    Ok(repaired)
}

/// A reader that tells its own errors from those of others.
struct Noting<'a, R> {
    input: R,
    failed: &'a mut Option<std::io::Error>,
}

impl<R: Read> Read for Noting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer);
        match read {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                let kind = error.kind();
                *self.failed = Some(error);
                Err(kind.into())
            }
            read => read,
        }
    }
}
