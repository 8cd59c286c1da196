//! Reads a cast, or what was added to it since the last time.
//!
//! What was read is written in large steps, each of which leaves a whole: a process
//! that ends in between has lost what it read since the last one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::SystemTime;

use super::batch::Target;
use super::outlet::{Closed, Indexed, Outlet};
use super::pack::Packing;
use super::scan::Scan;
use super::write::Writer;
use crate::archive::catalogue::{Condition, Entry, LATELY};
use crate::cast::{ReadError, Reader, Severity, ValidateOptions, validate};
use crate::packed::{ToDamage, Unpacked};
use crate::screen::{put_part, take_part};

/// Bytes of a cast between two looks at whether to stop.
const STEP: u64 = 1 << 20;

/// Casts that are shorter are read again, unless they are known to run.
const WORTH: u64 = 64 << 10;

/// What stood before the place where reading goes on must be the same, in bytes.
const COMPARED: usize = 4096;

/// Who saved the state of a scan.
const VERSION: &[u8] = env!("CARGO_PKG_VERSION").as_bytes();

/// Why a cast was not read to its end.
pub(super) enum Trouble {
    /// It cannot be read.
    Cast(String),
    /// Nobody takes any more of it.
    Closed,
}

impl From<Closed> for Trouble {
    fn from(Closed: Closed) -> Trouble {
        Trouble::Closed
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Cast(error.to_string())
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Trouble {
        Trouble::Cast(crate::wording::chain(&error))
    }
}

/// The state of a scan, its place in the cast, and what stood there before it.
struct Saved {
    offset: u64,
    before: Vec<u8>,
    scan: Vec<u8>,
}

/// Reads what was not read of a cast, and gives it to `outlet`: a batch whenever `much`
/// bytes of text have come together, and the last one when all was read.
pub(super) fn read(
    entry: &Entry,
    outlet: &mut Outlet<'_>,
    packing: &mut Packing,
    much: usize,
) -> Result<(), Trouble> {
    let file = File::open(&entry.path)?;
    let found = file.metadata()?;
    let is_late = |time: SystemTime| time.elapsed().is_ok_and(|age| age < LATELY);
    let runs = entry.state == Condition::Running;
    let is_late = found.len() > WORTH && is_late(found.modified()?);
    let may_grow = !entry.is_compressed && (runs || is_late);
    let target = Target {
        cast: entry.id,
        file: (found.dev(), found.ino(), found.size()),
        modified: found.mtime() * 1_000_000 + found.mtime_nsec() / 1000,
        seen: entry.file,
        condition: entry.state,
    };
    let kept = match entry.indexed {
        0 => None,
        _ => outlet.progress(entry.id, (found.dev(), found.ino()))?,
    };
    let kept = kept.and_then(Saved::unpack);
    let resumed = kept.and_then(|saved| saved.resume(&file));
    let mut writer = Writer::new(target, packing);
    let mut scan = match resumed {
        Some(scan) => {
            writer.goes_on(scan.figures(), scan.commands());
            scan
        }
        None => {
            (&file).seek(SeekFrom::Start(0))?;
            let (scan, header) = Scan::new(Input::whole(&file)?)?;
            writer.begins(header);
            scan
        }
    };
    let mut read = scan.offset();
    loop {
        let more = scan.step(STEP, &mut |line, command| writer.add(line, command))?;
        let now = scan.offset();
        let is_stopped = outlet.advance(now.saturating_sub(read)).is_break();
        read = now;
        writer.check()?;
        if is_stopped || writer.waiting() >= much {
            let progress = Saved::of(&scan, &entry.path)?.pack()?;
            let batch = writer.batch(&scan, Some(progress))?;
            outlet.write(batch, is_stopped.then_some(Indexed::Stopped))?;
        }
        if is_stopped {
            return Ok(());
        }
        if !more {
            break;
        }
    }
    let progress = match may_grow {
        true => Some(Saved::of(&scan, &entry.path)?.pack()?),
        false => None,
    };
    if may_grow {
        writer.close_block()?;
        writer.rest_begins();
    }
    scan.give_rest(&mut |line, command| writer.add(line, command));
    let is_suspect = scan.is_suspect() || scan.input().is_damaged();
    let finding = match is_suspect && !runs {
        true => finding(&entry.path)?,
        false => None,
    };
    writer.check()?;
    let batch = writer.last_batch(&scan, progress, finding)?;
    outlet.write(batch, Some(Indexed::Read(read)))?;
    Ok(())
}

/// What a cast is read from.
enum Input<'a> {
    /// All of it.
    Whole(ToDamage<&'a File>),
    /// The rest of one that is not compressed.
    Rest(&'a File),
}

impl Input<'_> {
    fn whole(file: &File) -> io::Result<Input<'_>> {
        Ok(Input::Whole(ToDamage::new(Unpacked::new(file)?)))
    }

    fn is_damaged(&self) -> bool {
        matches!(self, Input::Whole(input) if input.is_damaged())
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Whole(input) => input.read(buffer),
            Input::Rest(file) => file.read(buffer),
        }
    }
}

/// What `validate` says of a cast that is damaged.
fn finding(path: &Path) -> io::Result<Option<String>> {
    let options = ValidateOptions {
        max_findings: 200,
        ..ValidateOptions::default()
    };
    let mut first = None;
    let input = Unpacked::new(File::open(path)?)?;
    let mut take = |finding: &crate::cast::Finding| {
        if finding.severity == Severity::Error && first.is_none() {
            first = Some(format!("line {}: {}", finding.line, finding.kind.message()));
        }
    };
    let summary = match validate(input, &options, &mut take) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Ok(Some(error.to_string()));
        }
        summary => summary?,
    };
    let errors = summary.findings.total(Reader::Asciinema, Severity::Error);
    Ok(match (errors, first) {
        (0, _) => None,
        (1, Some(first)) => Some(first),
        (errors, Some(first)) => Some(format!("{first}, and {} more", errors - 1)),
        (errors, None) => Some(format!("{errors} errors")),
    })
}

impl Saved {
    fn of<R: Read>(scan: &Scan<R>, path: &Path) -> io::Result<Saved> {
        Ok(Saved {
            offset: scan.offset(),
            before: before(&File::open(path)?, scan.offset())?,
            scan: scan.save(),
        })
    }

    fn pack(&self) -> io::Result<Vec<u8>> {
        let offset = self.offset.to_le_bytes();
        let mut bytes = Vec::new();
        for part in [VERSION, &offset, &self.before, &self.scan] {
            put_part(&mut bytes, part);
        }
        zstd::stream::encode_all(&bytes[..], 1)
    }

    /// `None` for what another version has saved.
    fn unpack(packed: Vec<u8>) -> Option<Saved> {
        let bytes = zstd::stream::decode_all(&packed[..]).ok()?;
        let mut rest = &bytes[..];
        let mut part = || take_part(&mut rest);
        if part()? != VERSION {
            return None;
        }
        Some(Saved {
            offset: u64::from_le_bytes(part()?.try_into().ok()?),
            before: part()?.to_owned(),
            scan: part()?.to_owned(),
        })
    }

    /// Goes on, if the cast is the same up to there.
    fn resume(self, mut file: &File) -> Option<Scan<Input<'_>>> {
        if before(file, self.offset).ok()? != self.before {
            return None;
        }
        file.seek(SeekFrom::Start(self.offset)).ok()?;
        Scan::resume(Input::Rest(file), &self.scan)
    }
}

/// The bytes before a place.
fn before(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let length = offset.min(COMPARED as u64);
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, offset - length)?;
    Ok(bytes)
}
