//! Compresses casts, and makes them plain again: beside, verified, synced, then in
//! the other's place.
//!
//! `X.cast` and `X.cast.zst` are two names, so that for a moment both are there, each
//! whole. A process that ends in that moment leaves both; [`Archive::sweep`] sees that they
//! are the same, and ends what was begun.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use nix::libc;
use rusqlite::params;

use super::catalogue::{Archive, ArchiveError, Entry, UpdateLock, forget, path_bytes};
use super::repair_file::{Original, RepairFileError, Stop, sync_by_stretches};
use crate::atomic_file::{AtomicFile, Durability, sync_folder};
use crate::packed::{Packer, Unpacked, is_cast_name, is_seekable, packed_path, plain_path};

/// Bytes that are read at once.
const BLOCK: usize = 256 * 1024;

/// Why a cast stays as it is.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CompressError {
    #[error(transparent)]
    File(#[from] RepairFileError),
    #[error("{} is being written", .path.display())]
    Written { path: PathBuf },
    #[error("{} is compressed already", .path.display())]
    Packed { path: PathBuf },
    #[error("{} is not compressed", .path.display())]
    Plain { path: PathBuf },
    #[error("{} has no name that ends with .cast", .path.display())]
    Name { path: PathBuf },
    #[error("{} is there already, and is another cast", .path.display())]
    Taken { path: PathBuf },
    #[error("cannot write {}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} would not be the same again: the disk or the memory is at fault", .path.display())]
    Differs { path: PathBuf },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// How a cast is compressed, or made plain.
#[derive(Clone, Copy, Default)]
pub struct CompressOptions<'a> {
    /// When this becomes true the work ends; nothing is changed then.
    pub stop: Option<&'a AtomicBool>,
    /// Is called with the number of plain bytes of each read; each is read twice.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

/// A cast that has its new form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compressed {
    pub path: PathBuf,
    /// Bytes of the file before and after.
    pub before: u64,
    pub after: u64,
}

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Packed,
    Plain,
}

/// The new file beside the old one.
struct Swap<'a> {
    original: Original<'a>,
    new: PathBuf,
}

/// Gives a cast another form. The mode, the owner and the times of the file stay.
///
/// # Errors
/// See [`CompressError`]; the cast is then as it was.
pub fn compress_file(
    path: &Path,
    form: Form,
    options: CompressOptions<'_>,
) -> Result<Compressed, CompressError> {
    Swap::prepare(path, form, options)?.finish()
}

impl Archive {
    /// Gives a cast another form. What was read of it stays known.
    ///
    /// # Errors
    /// As [`compress_file`], and when the database cannot be written.
    pub fn compress(
        &mut self,
        _: &UpdateLock,
        entry: &Entry,
        form: Form,
        options: CompressOptions<'_>,
    ) -> Result<Compressed, CompressError> {
        let swap = Swap::prepare(&entry.path, form, options)?;
        self.rename(entry.id, &swap.new, form)?;
        swap.finish()
    }

    /// Ends what killed processes have begun, as [`Looked::unfinished`](super::Looked)
    /// has it: of a cast that is there both plain and compressed, the same, the plain one
    /// goes, and what was read of it stays known; so do files without a whole name. Gives
    /// how many files are gone. What cannot be read is left alone.
    pub fn sweep(
        &mut self,
        _: &UpdateLock,
        unfinished: &[PathBuf],
        stop: Option<&AtomicBool>,
    ) -> usize {
        let options = CompressOptions {
            stop,
            progress: None,
        };
        let mut is_gone = |path: &&PathBuf| match plain_path(path) {
            // Those of other programs, which keep the plain one for a reason, have no
            // table.
            Some(plain) if path.file_name().is_some_and(is_cast_name) => {
                is_seekable(path) && self.end_swap(&plain, options).is_ok()
            }
            _ => is_leftover(path) && fs::remove_file(path).is_ok(),
        };
        unfinished.iter().filter(|path| is_gone(path)).count()
    }

    /// Ends the compression of a cast whose two forms are there.
    fn end_swap(
        &mut self,
        plain: &Path,
        options: CompressOptions<'_>,
    ) -> Result<Compressed, CompressError> {
        let swap = Swap::prepare(plain, Form::Packed, options)?;
        let known = self.entry(&swap.original.path)?;
        if let Some(entry) = known {
            self.rename(entry.id, &swap.new, Form::Packed)?;
        }
        swap.finish()
    }

    /// A cast has another name and form, and is the same.
    fn rename(&mut self, cast: i64, path: &Path, form: Form) -> Result<(), ArchiveError> {
        let found = path.metadata().map_err(|source| ArchiveError::Io {
            path: path.to_owned(),
            source,
        })?;
        self.change(|connection| {
            let mut select = connection.prepare_cached("SELECT id FROM casts WHERE path = ?")?;
            let mut rows = select.query([path_bytes(path)])?;
            while let Some(row) = rows.next()? {
                forget(connection, row.get(0)?)?;
            }
            connection
                .prepare_cached(
                    "UPDATE casts SET path = ?1, device = ?2, inode = ?3, size = ?4, modified = ?5,
                         is_compressed = ?6, indexed = (1 - is_due) * ?4
                     WHERE id = ?7",
                )?
                .execute(params![
                    path_bytes(path),
                    found.dev() as i64,
                    found.ino() as i64,
                    found.size() as i64,
                    found.mtime() * 1_000_000 + found.mtime_nsec() / 1000,
                    form == Form::Packed,
                    cast
                ])?;
            connection.execute("DELETE FROM progress WHERE cast_id = ?", [cast])?;
            Ok(())
        })
    }
}

impl<'a> Swap<'a> {
    /// Makes the new file, and gives it its name.
    fn prepare(
        path: &Path,
        form: Form,
        options: CompressOptions<'a>,
    ) -> Result<Swap<'a>, CompressError> {
        let stop = Stop(options.stop);
        let made = Swap::try_prepare(path, form, options, stop);
        made.map_err(|error| match stop.is_set() {
            true => RepairFileError::Stopped.into(),
            false => error,
        })
    }

    fn try_prepare(
        path: &Path,
        form: Form,
        options: CompressOptions<'a>,
        stop: Stop<'a>,
    ) -> Result<Swap<'a>, CompressError> {
        let original = Original::open(path, stop)?;
        let path = original.path.clone();
        let reading = |source| RepairFileError::Read {
            path: path.clone(),
            source,
        };
        let new = match (form, original.is_packed().map_err(reading)?) {
            (Form::Packed, true) => return Err(CompressError::Packed { path }),
            (Form::Plain, false) => return Err(CompressError::Plain { path }),
            (Form::Packed, false) => packed_path(&path),
            (Form::Plain, true) => plain_path(&path).unwrap_or_default(),
        };
        let plain = if form == Form::Packed { &path } else { &new };
        if plain.extension().is_none_or(|end| end != "cast") {
            return Err(CompressError::Name { path });
        }
        if is_written(&original.file) {
            return Err(CompressError::Written { path });
        }
        let writing = |source| CompressError::Write {
            path: new.clone(),
            source,
        };
        if new.symlink_metadata().is_ok() {
            // By a process that was killed, or by someone else.
            return match is_same(&path, &new, options, stop).map_err(reading)? {
                true => Ok(Swap { original, new }),
                false => Err(CompressError::Taken { path: new }),
            };
        }
        let temporary = AtomicFile::beside(&new, 0o600).map_err(writing)?;
        write(&original.file, &temporary, form, options, stop).map_err(writing)?;
        let mut whole = Unpacked::new(FromStart::of(&original.file)).map_err(reading)?;
        let mut back = Unpacked::new(FromStart::of(temporary.file())).map_err(writing)?;
        if !have_same_bytes(&mut whole, &mut back, options, stop).map_err(writing)? {
            return Err(CompressError::Differs { path: new });
        }
        original
            .copy_metadata_to(temporary.file())
            .map_err(writing)?;
        sync_by_stretches(temporary.file(), stop).map_err(writing)?;
        original.check_unchanged()?;
        if is_written(&original.file) {
            return Err(CompressError::Written { path });
        }
        temporary
            .publish_new(&new, Durability::PowerCut)
            .map_err(writing)?;
        Ok(Swap { original, new })
    }

    /// Removes the old file.
    fn finish(self) -> Result<Compressed, CompressError> {
        if let Err(error) = self.original.check_unchanged() {
            // It has grown in between: it stays, and the new one is not the same.
            let _ = fs::remove_file(&self.new);
            return Err(error.into());
        }
        let path = &self.original.path;
        let after = self.new.metadata().map(|found| found.len());
        let removed = fs::remove_file(path).and_then(|()| sync_folder(path));
        let after = removed.and(after).map_err(|source| CompressError::Write {
            path: path.clone(),
            source,
        })?;
        Ok(Compressed {
            path: self.new,
            before: self.original.length,
            after,
        })
    }
}

/// Writes the new form of `old` to `new`.
fn write(
    old: &File,
    new: &AtomicFile,
    form: Form,
    options: CompressOptions<'_>,
    stop: Stop<'_>,
) -> io::Result<()> {
    let mut input = Unpacked::new(FromStart::of(old))?;
    let output = BufWriter::with_capacity(BLOCK, new.file());
    match form {
        Form::Packed => {
            let mut packer = Packer::new(output)?;
            copy(&mut input, &mut packer, options, stop)?;
            packer.finish()?;
        }
        Form::Plain => {
            let mut output = output;
            copy(&mut input, &mut output, options, stop)?;
            output.flush()?;
        }
    }
    Ok(())
}

fn copy(
    input: &mut impl Read,
    output: &mut impl Write,
    options: CompressOptions<'_>,
    stop: Stop<'_>,
) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        stop.check()?;
        match fill(input, &mut block)? {
            0 => return Ok(()),
            count => {
                output.write_all(&block[..count])?;
                tell(options, count);
            }
        }
    }
}

/// Whether both give the same bytes.
fn have_same_bytes(
    one: &mut impl Read,
    other: &mut impl Read,
    options: CompressOptions<'_>,
    stop: Stop<'_>,
) -> io::Result<bool> {
    let (mut first, mut second) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        stop.check()?;
        let count = fill(one, &mut first)?;
        if fill(other, &mut second)? != count || first[..count] != second[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
        tell(options, count);
    }
}

/// Whether two casts have the same bytes, unpacked, and were written at the same time.
fn is_same(
    one: &Path,
    other: &Path,
    options: CompressOptions<'_>,
    stop: Stop<'_>,
) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.modified()? != other.metadata()?.modified()? {
        return Ok(false);
    }
    let (mut one, mut other) = (Unpacked::new(one)?, Unpacked::new(other)?);
    match have_same_bytes(&mut one, &mut other, options, stop) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        same => same,
    }
}

fn tell(options: CompressOptions<'_>, count: usize) {
    if let Some(progress) = options.progress {
        progress(count as u64);
    }
}

/// Reads until `block` is full, or nothing more comes.
fn fill(input: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < block.len() {
        match input.read(&mut block[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// A file from its start on, whatever place it stands at.
struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl FromStart<'_> {
    fn of(file: &File) -> FromStart<'_> {
        FromStart { file, offset: 0 }
    }
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::os::unix::fs::FileExt;
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Whether a process has the file open to write to it, as far as the system tells: it
/// grants a lease for reading only where nobody writes (fcntl(2)).
pub(super) fn is_written(file: &File) -> bool {
    let lease = |kind: libc::c_int| {
        // SAFETY: the descriptor is open, and the argument is a number.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) }
    };
    if lease(libc::F_RDLCK) == 0 {
        lease(libc::F_UNLCK);
        return false;
    }
    io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN)
}

/// Whether a file is the passing name of a new cast whose process is gone:
/// `.X.cast.zst.PID.N` (see `atomic_file`), or has no name that was meant to stay and
/// is older than a day.
fn is_leftover(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let Some(rest) = name.strip_prefix('.') else {
        return false;
    };
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = rest.rsplitn(3, '.');
    let (number, pid, cast) = (parts.next(), parts.next(), parts.next());
    if let (Some(_), Some(pid), Some(cast)) =
        (number.filter(is_number), pid.filter(is_number), cast)
    {
        let is_cast = cast.ends_with(".cast") || cast.ends_with(".cast.zst");
        return is_cast && !Path::new("/proc").join(pid).exists();
    }
    let is_old = || {
        let modified = path.symlink_metadata().and_then(|found| found.modified());
        modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() > 24 * 3600))
    };
    let temporary = rest.strip_prefix("tvmux-");
    temporary.is_some_and(|end| end.len() == 6 && end.bytes().all(|b| b.is_ascii_alphanumeric()))
        && is_old()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_killed_processes_leave_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "x").unwrap();
            path
        };
        let gone = i32::MAX;
        assert!(is_leftover(&at(&format!(".x.cast.zst.{gone}.0"))));
        assert!(is_leftover(&at(&format!(".x.cast.{gone}.12"))));
        let own = std::process::id();
        for name in [
            format!(".x.cast.zst.{own}.0"),
            ".x.cast".to_owned(),
            "x.cast.1.2".to_owned(),
            ".notes.1.2".to_owned(),
            ".tvmux-abcdef".to_owned(),
        ] {
            assert!(!is_leftover(&at(&name)), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_open_for_writing_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cast");
        let writer = File::create(&path).unwrap();
        let file = File::open(&path).unwrap();
        assert!(is_written(&file));
        drop(writer);
        assert!(!is_written(&file));
        assert!(!is_written(&file), "the lease is given back");
    }
}
