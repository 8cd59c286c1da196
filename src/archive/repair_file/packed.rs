//! Repairs a compressed cast: what can be unpacked is repaired, and compressed again.

use std::io::{BufWriter, Read};

use super::edits::Writing;
use super::files::{Original, Stop, sync_by_stretches};
use super::{Change, RepairFileError, RepairFileOptions, RepairedFile, writing};
use crate::atomic_file::{AtomicFile, Durability};
use crate::cast::{RepairOptions, repair};
use crate::packed::{Packer, Salvage, has_suffix};

/// Repairs `original`, into the file `options.output` or in its place.
pub(super) fn repair_packed(
    original: &Original<'_>,
    options: &RepairFileOptions<'_>,
    stop: Stop<'_>,
) -> Result<RepairedFile, RepairFileError> {
    let target = options.output.unwrap_or(&original.path);
    let reading = |source| RepairFileError::Read {
        path: original.path.clone(),
        source,
    };
    let mut salvage = Salvage::new(&original.file).map_err(reading)?;
    let mut input = Watched {
        input: &mut salvage,
        options,
        stop,
        failed: None,
    };
    let repair_options = RepairOptions {
        threads: options.threads.max(1),
    };
    let (report, new) = match options.dry_run {
        true => {
            let report = repair(&mut input, &mut std::io::sink(), &repair_options);
            (report.map_err(reading)?, None)
        }
        false => {
            let mode = if options.output.is_some() {
                0o666
            } else {
                0o600
            };
            let temporary = AtomicFile::beside(target, mode).map_err(writing(target))?;
            let output = BufWriter::with_capacity(256 * 1024, Writing::new(temporary));
            let (report, output) = match has_suffix(target) || options.output.is_none() {
                true => {
                    let mut output = Packer::new(output).map_err(writing(target))?;
                    let report = repair(&mut input, &mut output, &repair_options);
                    (report, output.finish())
                }
                false => {
                    let mut output = output;
                    let report = repair(&mut input, &mut output, &repair_options);
                    (report, Ok(output))
                }
            };
            if let Some(source) = input.failed.take() {
                return Err(reading(source));
            }
            (report.map_err(writing(target))?, Some(output))
        }
    };
    let damaged_frames = salvage.damaged();
    let mut report = report;
    report.differs |= damaged_frames > 0;
    let mut repaired = RepairedFile {
        report,
        change: Change::None,
        backup: None,
        damaged_frames,
    };
    let Some(new) = new else {
        return Ok(repaired);
    };
    if !report.is_recovered() || !report.differs && options.output.is_none() {
        return Ok(repaired);
    }
    let temporary = new
        .and_then(|output| {
            output
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error)
        })
        .map_err(writing(target))?
        .into_temporary();
    if options.output.is_none() {
        original
            .copy_metadata_to(temporary.file())
            .map_err(writing(target))?;
        original.check_unchanged()?;
        if options.backup {
            repaired.backup = Some(original.back_up()?);
        }
    }
    sync_by_stretches(temporary.file(), stop).map_err(writing(target))?;
    temporary
        .replace(target, Durability::PowerCut)
        .map_err(writing(target))?;
    repaired.change = Change::Rewritten;
    Ok(repaired)
}

/// What is unpacked, as it is read: tells of progress, and ends when it should.
struct Watched<'a, R> {
    input: R,
    options: &'a RepairFileOptions<'a>,
    stop: Stop<'a>,
    /// An error of the input, which is told from those of the output.
    failed: Option<std::io::Error>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.stop.check()?;
        match self.input.read(buffer) {
            Ok(count) => {
                if let Some(progress) = self.options.progress {
                    progress(count as u64);
                }
                Ok(count)
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}
