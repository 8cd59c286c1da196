//! The plain bytes of a cast and of the parts that follow it, as one, at any place.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::chain;
use crate::packed::{Plain, fill};

/// A cast that any place of can be read. Where its recording goes on in others, those
/// are found as they come.
pub(super) struct Parts {
    all: Mutex<Vec<Part>>,
    /// Whether others may follow.
    is_chain: bool,
}

#[derive(Clone)]
struct Part {
    plain: Arc<Plain>,
    path: Option<PathBuf>,
    /// Where it begins.
    start: u64,
}

impl Parts {
    /// One file, and no more than that.
    pub(super) fn alone(plain: Plain) -> Parts {
        Parts::new(plain, None, false)
    }

    /// The file at `path`, and those that follow it.
    pub(super) fn chain(plain: Plain, path: &Path) -> Parts {
        Parts::new(plain, Some(path.to_owned()), true)
    }

    fn new(plain: Plain, path: Option<PathBuf>, is_chain: bool) -> Parts {
        let first = Part {
            plain: Arc::new(plain),
            path,
            start: 0,
        };
        Parts {
            all: Mutex::new(vec![first]),
            is_chain,
        }
    }

    /// The part with the byte at `offset`, or the last one, and whether another follows.
    fn at(&self, offset: u64) -> (Part, bool) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = all.partition_point(|part| part.start <= offset);
        (all[behind - 1].clone(), behind < all.len())
    }

    /// Takes in the parts that have come since.
    fn look(&self) -> io::Result<()> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        while self.is_chain
            && let Some(Part { plain, path, start }) = all.last()
            && let Some(next) = path.as_deref().and_then(chain::next)
            // One that can only be read from its start is none here.
            && let Ok(Ok(opened)) = File::open(&next).and_then(Plain::of)
        {
            let part = Part {
                start: start + plain.length()?,
                plain: Arc::new(opened),
                path: Some(next),
            };
            all.push(part);
        }
        Ok(())
    }

    /// Bytes that are there at present.
    pub(super) fn length(&self) -> io::Result<u64> {
        self.look()?;
        let (last, _) = self.at(u64::MAX);
        Ok(last.start + last.plain.length()?)
    }

    /// When the last of them was written.
    pub(super) fn modified(&self) -> io::Result<SystemTime> {
        self.at(u64::MAX).0.plain.file().metadata()?.modified()
    }

    /// Where each begins and ends.
    pub(super) fn extents(&self) -> io::Result<Vec<(u64, u64)>> {
        let end = self.length()?;
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = all.iter().map(|part| part.start);
        let ends = starts.clone().skip(1).chain([end]);
        Ok(starts.zip(ends).collect())
    }

    /// As [`Plain::read_at`].
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (part, is_followed) = self.at(offset);
        let count = part.plain.read_at(buffer, offset - part.start)?;
        if count > 0 || buffer.is_empty() || is_followed || !self.is_chain {
            return Ok(count);
        }
        self.look()?;
        let (part, _) = self.at(offset);
        part.plain.read_at(buffer, offset - part.start)
    }

    /// As [`Plain::read_exact_at`].
    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        fill(buffer, offset, |buffer, offset| {
            self.read_at(buffer, offset)
        })
    }
}
