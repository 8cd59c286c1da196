//! Saved screens: in groups that are compressed together, on disk.
//!
//! A screen has much in common with the one before it, so that together they take
//! little. Groups are only ever added, to a file that has no name until all of a
//! cast is known.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::index::Keyframe;
use crate::atomic_file::AtomicFile;

/// Bytes of saved screens that make a group.
const GROUP: usize = 192 * 1024;

/// Bytes of a group at most; a damaged file asks for no more memory than that.
const LARGEST: usize = 1 << 30;

/// Fast, and half the size of faster ones.
const LEVEL: i32 = 3;

/// Where in a file a compressed group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extent {
    pub offset: u64,
    /// Bytes in the file.
    pub length: usize,
    /// Bytes when it is unpacked.
    pub unpacked: usize,
}

impl Extent {
    pub fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    /// Reads and unpacks it.
    ///
    /// # Errors
    /// Also when the bytes are not those that were written.
    pub fn read(&self, file: &File) -> io::Result<Vec<u8>> {
        if self.length > LARGEST || self.unpacked > LARGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut packed = vec![0; self.length];
        file.read_exact_at(&mut packed, self.offset)?;
        let unpacked = zstd::bulk::decompress(&packed, self.unpacked)?;
        if unpacked.len() == self.unpacked {
            Ok(unpacked)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

/// Compresses `bytes` with a checksum, and writes them at `offset`.
pub(super) fn write_packed(file: &File, offset: u64, bytes: &[u8]) -> io::Result<Extent> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    let packed = compressor.compress(bytes)?;
    file.write_all_at(&packed, offset)?;
    Ok(Extent {
        offset,
        length: packed.len(),
        unpacked: bytes.len(),
    })
}

/// The file that the groups are in.
#[derive(Debug)]
enum Backing {
    Nothing,
    /// A published one, which is not written to.
    Published(File),
    /// One that will be published.
    New(AtomicFile),
    /// One that never will.
    Temporary(File),
}

/// The saved screens of one cast.
#[derive(Debug)]
pub(super) struct Store {
    backing: Backing,
    groups: Vec<Extent>,
    /// The group that is being filled.
    open: Vec<u8>,
    /// The group that was unpacked last.
    recent: Option<(usize, Vec<u8>)>,
}

impl Store {
    pub fn new() -> Store {
        Store {
            backing: Backing::Nothing,
            groups: Vec::new(),
            open: Vec::new(),
            recent: None,
        }
    }

    /// One of a published file.
    pub fn published(file: File, groups: Vec<Extent>) -> Store {
        Store {
            backing: Backing::Published(file),
            groups,
            ..Store::new()
        }
    }

    pub fn groups(&self) -> &[Extent] {
        &self.groups
    }

    fn end(&self) -> u64 {
        self.groups.last().map_or(0, Extent::end)
    }

    /// Adds a state; gives its group, and where in it it starts. `cache` is the
    /// file that will be published, if there will be one.
    pub fn add(&mut self, state: &[u8], cache: Option<&Path>) -> io::Result<(usize, usize)> {
        if !self.open.is_empty() && self.open.len() + state.len() > GROUP {
            self.close_group(cache)?;
        }
        let start = self.open.len();
        self.open.extend_from_slice(state);
        Ok((self.groups.len(), start))
    }

    /// Writes the group that is being filled.
    fn close_group(&mut self, cache: Option<&Path>) -> io::Result<()> {
        let end = self.end();
        self.writable(cache)?;
        let extent = write_packed(self.file()?, end, &self.open)?;
        self.groups.push(extent);
        self.open.clear();
        Ok(())
    }

    /// The file to write to, with all groups in it.
    fn writable(&mut self, cache: Option<&Path>) -> io::Result<&File> {
        if let Backing::Nothing | Backing::Published(_) = self.backing {
            let new = cache.and_then(|path| AtomicFile::beside(path, 0o600).ok());
            let new = match new {
                Some(new) => Backing::New(new),
                None => Backing::Temporary(tempfile::tempfile()?),
            };
            let old = std::mem::replace(&mut self.backing, new);
            if let Backing::Published(old) = old {
                let copied = copy(&old, self.file()?, self.end());
                if let Err(error) = copied {
                    self.backing = Backing::Published(old);
                    return Err(error);
                }
            }
        }
        self.file()
    }

    fn file(&self) -> io::Result<&File> {
        match &self.backing {
            Backing::Nothing => Err(io::ErrorKind::NotFound.into()),
            Backing::Published(file) | Backing::Temporary(file) => Ok(file),
            Backing::New(new) => Ok(new.file()),
        }
    }

    pub fn state(&mut self, key: &Keyframe) -> io::Result<&[u8]> {
        let part = key.start..key.start.saturating_add(key.length);
        let missing = || io::Error::from(io::ErrorKind::InvalidData);
        if key.group == self.groups.len() {
            return self.open.get(part).ok_or_else(missing);
        }
        if self.recent.as_ref().is_none_or(|(at, _)| *at != key.group) {
            let extent = self.groups.get(key.group).ok_or_else(missing)?;
            self.recent = Some((key.group, extent.read(self.file()?)?));
        }
        let recent = self.recent.as_ref().and_then(|(_, bytes)| bytes.get(part));
        recent.ok_or_else(missing)
    }

    /// Whether something was added since it was published.
    pub fn is_changed(&self) -> bool {
        !self.open.is_empty() || !matches!(self.backing, Backing::Published(_))
    }

    /// Closes the last group and gives the file, and where it ends, to write what
    /// belongs to the groups; `None` when nothing can be published.
    pub fn prepare(&mut self, cache: &Path) -> io::Result<Option<(&File, u64)>> {
        if !self.open.is_empty() {
            self.close_group(Some(cache))?;
        }
        self.writable(Some(cache))?;
        let end = self.end();
        match &self.backing {
            Backing::New(new) => Ok(Some((new.file(), end))),
            _ => Ok(None),
        }
    }

    /// Gives the new file its name.
    pub fn publish(&mut self, cache: &Path) -> io::Result<()> {
        match std::mem::replace(&mut self.backing, Backing::Nothing) {
            Backing::New(new) => {
                // The file stays readable also if it gets no name.
                let file = new.file().try_clone()?;
                let published = new.replace(cache, crate::atomic_file::Durability::Kill);
                self.backing = match &published {
                    Ok(_) => Backing::Published(file),
                    Err(_) => Backing::Temporary(file),
                };
                published.map(drop)
            }
            other => {
                self.backing = other;
                Ok(())
            }
        }
    }
}

/// Copies the first `length` bytes.
fn copy(from: &File, to: &File, length: u64) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut at = 0;
    while at < length {
        let part = (length - at).min(buffer.len() as u64) as usize;
        from.read_exact_at(&mut buffer[..part], at)?;
        to.write_all_at(&buffer[..part], at)?;
        at += part as u64;
    }
    Ok(())
}
