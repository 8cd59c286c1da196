//! Turns edits into a new file, once one is needed.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::files::{Original, STRETCH, start_writeback};
use super::{RepairFileError, RepairFileOptions};
use crate::atomic_file::AtomicFile;
use crate::cast::Edits;

/// How much is put after the kept start before a new file is begun.
const MOST_PUT: usize = 4096;

/// A change of a file's end that is one step for the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Only this many bytes stay.
    Cut(u64),
    /// A newline is added.
    Newline,
}

/// Edits of a file. As long as its start stays as it is nothing is written.
pub(super) struct FileEdits<'a> {
    original: &'a Original<'a>,
    stage: Stage,
    dry_run: bool,
    /// Where the new file will get its name.
    target: PathBuf,
    failed: bool,
}

enum Stage {
    /// The first `kept` bytes stay; then `cut` bytes go and `put` comes.
    Start { kept: u64, cut: u64, put: Vec<u8> },
    /// A new file is being written.
    Writing(Box<BufWriter<Writing>>),
}

/// A new file being written.
pub(super) struct Writing {
    temporary: AtomicFile,
    /// Bytes that the disk was not told to begin with.
    waiting: u64,
}

impl Writing {
    pub(super) fn new(temporary: AtomicFile) -> Writing {
        Writing {
            temporary,
            waiting: 0,
        }
    }

    pub(super) fn into_temporary(self) -> AtomicFile {
        self.temporary
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.temporary.file_mut().write(bytes)?;
        self.waiting += count as u64;
        if self.waiting >= STRETCH {
            self.waiting = 0;
            start_writeback(self.temporary.file());
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> FileEdits<'a> {
    pub(super) fn new(
        original: &'a Original<'a>,
        options: &RepairFileOptions<'_>,
    ) -> Result<FileEdits<'a>, RepairFileError> {
        Ok(FileEdits {
            original,
            stage: Stage::Start {
                kept: 0,
                cut: 0,
                put: Vec::new(),
            },
            dry_run: options.dry_run,
            target: options.output.unwrap_or(&original.path).to_owned(),
            failed: false,
        })
    }

    /// Where writing failed, if it did.
    pub(super) fn failed(&self) -> Option<PathBuf> {
        self.failed.then(|| self.target.clone())
    }

    /// The change, if it is one of the file's end alone.
    pub(super) fn tail(&self) -> Option<Tail> {
        match &self.stage {
            Stage::Start { kept, cut, put } if put.is_empty() && *cut > 0 => Some(Tail::Cut(*kept)),
            Stage::Start { cut: 0, put, .. } if put == b"\n" => Some(Tail::Newline),
            _ => None,
        }
    }

    /// The new file, complete but for its name.
    pub(super) fn finish(mut self) -> io::Result<AtomicFile> {
        self.write()?;
        let Stage::Writing(writer) = self.stage else {
            return Err(io::Error::other("a dry run writes nothing"));
        };
        let writing = writer.into_inner().map_err(|error| error.into_error())?;
        let temporary = writing.into_temporary();
        self.original.copy_metadata_to(temporary.file())?;
        Ok(temporary)
    }

    /// Begins the new file, if that has not been done.
    fn write(&mut self) -> io::Result<()> {
        if let Stage::Start { kept, put, .. } = &self.stage
            && !self.dry_run
        {
            let mut temporary = AtomicFile::beside(&self.target, 0o600)?;
            self.original.copy_start(temporary.file_mut(), *kept)?;
            let mut writer = BufWriter::with_capacity(128 * 1024, Writing::new(temporary));
            writer.write_all(put)?;
            self.stage = Stage::Writing(Box::new(writer));
        }
        Ok(())
    }

    fn try_keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Stage::Start { kept, cut: 0, put } = &mut self.stage
            && put.is_empty()
        {
            *kept += bytes.len() as u64;
            return Ok(());
        }
        self.write()?;
        match &mut self.stage {
            Stage::Writing(writer) => writer.write_all(bytes),
            Stage::Start { .. } => Ok(()),
        }
    }

    fn try_put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Stage::Start { put, .. } = &mut self.stage
            && put.len() + bytes.len() <= MOST_PUT
        {
            put.extend_from_slice(bytes);
            return Ok(());
        }
        self.write()?;
        match &mut self.stage {
            Stage::Writing(writer) => writer.write_all(bytes),
            Stage::Start { .. } => Ok(()),
        }
    }
}

impl Edits for FileEdits<'_> {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        let kept = self.try_keep(bytes);
        self.failed |= kept.is_err();
        kept
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let put = self.try_put(bytes);
        self.failed |= put.is_err();
        put
    }

    fn cut(&mut self, count: u64) -> io::Result<()> {
        if let Stage::Start { cut, .. } = &mut self.stage {
            *cut += count;
        }
        Ok(())
    }
}
