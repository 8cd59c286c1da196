//! The bytes of a cast, wherever they come from.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use super::TimelineError;
use super::parts::Parts;
use crate::cast::foreign;
use crate::packed::{Plain, Unpacked, present};

/// Bytes of a pipe that are waited for at most before it is looked at: as much as
/// a reader takes for the opening of a cast.
const OPENING: u64 = 256 * 1024;

/// A cast that any place of can be read: a file, or a copy of what comes only once.
#[derive(Clone)]
pub(super) struct Source {
    shared: Arc<Shared>,
}

struct Shared {
    file: Parts,
    /// A file's name; a copy has none.
    path: Option<PathBuf>,
    copy: Option<CopyState>,
}

/// How far a copy has come.
#[derive(Default)]
struct CopyState {
    length: AtomicU64,
    has_ended: AtomicBool,
    /// Why it ended too soon.
    error: Mutex<Option<io::Error>>,
    /// The opening is there.
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.shared.path).finish()
    }
}

impl Source {
    /// Opens a file, compressed or not. One that can only be read from its start on
    /// is copied to a temporary file while it comes. The parts that follow it belong to
    /// it, unless it is `alone`.
    pub(super) fn open(path: &Path, alone: bool) -> Result<Source, TimelineError> {
        let failed = |source| TimelineError::Open {
            path: path.to_owned(),
            source,
        };
        let path = &present(path);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return Source::copy(file, Some(path));
        }
        let file = match Plain::of(file).map_err(failed)? {
            Ok(file) => file,
            Err(file) => return Source::copy(file, Some(path)),
        };
        let mut start = [0; 64];
        let count = file.read_at(&mut start, 0).map_err(failed)?;
        if let Some(foreign) = foreign(&start[..count]) {
            return Err(TimelineError::Foreign {
                path: path.to_owned(),
                foreign,
            });
        }
        let file = match alone {
            true => Parts::alone(file),
            false => Parts::chain(file, path),
        };
        Ok(Source {
            shared: Arc::new(Shared {
                file,
                path: Some(path.to_owned()),
                copy: None,
            }),
        })
    }

    /// Copies what comes from `input`, unpacked, to a file without a name, in a thread
    /// of its own. Returns when the opening of a cast is there.
    pub(super) fn copy(
        input: impl Read + Send + 'static,
        path: Option<&Path>,
    ) -> Result<Source, TimelineError> {
        let failed = |source| TimelineError::Open {
            path: path.unwrap_or(Path::new("-")).to_owned(),
            source,
        };
        let file = tempfile::tempfile().map_err(failed)?;
        let output = file.try_clone().map_err(failed)?;
        let file = Plain::of(file).map_err(failed)?;
        let file = file.map_err(|_| failed(io::ErrorKind::InvalidData.into()))?;
        let shared = Arc::new(Shared {
            file: Parts::alone(file),
            path: None,
            copy: Some(CopyState::default()),
        });
        let of_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("copy".to_owned())
            .spawn(move || of_thread.fill(input, output))
            .map_err(failed)?;
        shared.wait_for_opening();
        shared.take_error().map_err(failed)?;
        Ok(Source { shared })
    }

    /// The name of the file; a copy has none.
    pub(super) fn path(&self) -> Option<&Path> {
        self.shared.path.as_deref()
    }

    pub(super) fn file(&self) -> &Parts {
        &self.shared.file
    }

    /// Bytes that are there at present.
    pub(super) fn length(&self) -> io::Result<u64> {
        match &self.shared.copy {
            Some(copy) => Ok(copy.length.load(Ordering::Acquire)),
            None => self.shared.file.length(),
        }
    }

    /// Whether no more can come: known of a copy alone.
    pub(super) fn has_ended(&self) -> bool {
        let copy = self.shared.copy.as_ref();
        copy.is_some_and(|copy| copy.has_ended.load(Ordering::Acquire))
    }

    /// Whether more comes, sooner or later.
    pub(super) fn is_coming(&self) -> bool {
        self.shared.copy.is_some() && !self.has_ended()
    }

    /// The bytes from `offset` on.
    pub(super) fn bytes_from(&self, offset: u64) -> Bytes {
        Bytes {
            shared: Arc::clone(&self.shared),
            offset,
        }
    }
}

impl Shared {
    /// Copies until `input` ends.
    fn fill(&self, input: impl Read, mut output: File) {
        let Some(copy) = &self.copy else {
            return;
        };
        let mut input = match Unpacked::new(input) {
            Ok(input) => input,
            Err(error) => {
                copy.set_error(error);
                copy.has_ended.store(true, Ordering::Release);
                copy.set_open();
                return;
            }
        };
        let mut buffer = vec![0; 128 * 1024];
        let mut opening = Vec::new();
        loop {
            let count = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    copy.set_error(error);
                    break;
                }
            };
            if let Err(error) = output.write_all(&buffer[..count]) {
                copy.set_error(error);
                break;
            }
            let length = copy.length.fetch_add(count as u64, Ordering::AcqRel) + count as u64;
            if opening.capacity() > 0 || length == count as u64 {
                opening.extend_from_slice(&buffer[..count]);
                if is_opening(&opening) {
                    opening = Vec::new();
                    copy.set_open();
                }
            }
        }
        copy.has_ended.store(true, Ordering::Release);
        copy.set_open();
    }

    fn wait_for_opening(&self) {
        let Some(copy) = &self.copy else {
            return;
        };
        let open = copy.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(copy.opened.wait_while(open, |open| !*open));
    }

    fn take_error(&self) -> io::Result<()> {
        let Some(copy) = &self.copy else {
            return Ok(());
        };
        let error = copy.error.lock().unwrap_or_else(PoisonError::into_inner);
        match &*error {
            Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Ok(()),
        }
    }
}

impl CopyState {
    fn set_open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    fn set_error(&self, error: io::Error) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// Whether a reader can tell from this what cast it is: a first line that is whole.
fn is_opening(start: &[u8]) -> bool {
    let line = memchr::memchr(b'\n', start).map(|end| &start[..end]);
    let whole = |line| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    start.len() as u64 >= OPENING || line.is_some_and(whole)
}

/// The bytes of a source from a place on.
#[derive(Clone)]
pub(super) struct Bytes {
    shared: Arc<Shared>,
    offset: u64,
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bytes").field(&self.offset).finish()
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.shared.file.read_at(buffer, self.offset)?;
        if count == 0 {
            self.shared.take_error()?;
        }
        self.offset += count as u64;
        Ok(count)
    }
}
