//! A file whose plain bytes are read at any place.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use super::is_packed;
use super::table::Table;

/// Unpacked frames that are held: whoever goes to and fro stays within few.
const HELD: usize = 4;

/// A file that has plain bytes at any place: those that stand in it, or those that
/// are unpacked from it.
#[derive(Debug)]
pub struct Plain {
    file: File,
    packed: Option<Packed>,
}

#[derive(Debug)]
struct Packed {
    table: Table,
    /// The frames that were asked for last, the last one behind.
    held: Mutex<Vec<(usize, Arc<[u8]>)>>,
}

impl Plain {
    /// Takes a file; `None` for one that is compressed without a table of its
    /// frames: that can only be read from its start, and is given back.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(file: File) -> io::Result<Result<Plain, File>> {
        let mut start = [0; 4];
        let count = file.read_at(&mut start, 0)?;
        if !is_packed(&start[..count]) {
            return Ok(Ok(Plain { file, packed: None }));
        }
        Ok(match Table::read(&file)? {
            Some(table) => Ok(Plain {
                file,
                packed: Some(Packed {
                    table,
                    held: Mutex::default(),
                }),
            }),
            None => Err(file),
        })
    }

    /// The file, as it is.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether it is unpacked.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// Plain bytes that are there at present.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn length(&self) -> io::Result<u64> {
        match &self.packed {
            Some(packed) => Ok(packed.table.plain_length()),
            None => Ok(self.file.metadata()?.len()),
        }
    }

    /// Reads plain bytes from `offset` on; gives how many, 0 at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or a frame is damaged.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(packed) = &self.packed else {
            return self.file.read_at(buffer, offset);
        };
        let Some(at) = packed.table.frame_at(offset) else {
            return Ok(0);
        };
        let frame = packed.frame(&self.file, at)?;
        let start = (offset - packed.table.frame(at).0.1) as usize;
        let count = buffer.len().min(frame.len() - start);
        buffer[..count].copy_from_slice(&frame[start..start + count]);
        Ok(count)
    }

    /// Reads as many plain bytes as `buffer` takes.
    ///
    /// # Errors
    /// As [`Plain::read_at`], and when there are fewer.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        fill(buffer, offset, |buffer, offset| {
            self.read_at(buffer, offset)
        })
    }

    /// Its plain bytes, from the start on.
    #[must_use]
    pub fn into_reader(self) -> impl Read + Send {
        PlainReader {
            plain: self,
            offset: 0,
        }
    }
}

struct PlainReader {
    plain: Plain,
    offset: u64,
}

impl Read for PlainReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.plain.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl Packed {
    /// A frame, unpacked.
    fn frame(&self, file: &File, at: usize) -> io::Result<Arc<[u8]>> {
        let lock = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut held = lock();
            if let Some(place) = held.iter().position(|(number, _)| *number == at) {
                held[place..].rotate_left(1);
                return Ok(Arc::clone(&held[held.len() - 1].1));
            }
        }
        let frame: Arc<[u8]> = self.unpack(file, at)?.into();
        let mut held = lock();
        if held.len() >= HELD {
            held.remove(0);
        }
        held.push((at, Arc::clone(&frame)));
        Ok(frame)
    }

    fn unpack(&self, file: &File, at: usize) -> io::Result<Vec<u8>> {
        let ((start, plain), (end, plain_end)) = self.table.frame(at);
        let length = (plain_end - plain) as usize;
        let mut packed = vec![0; (end - start) as usize];
        file.read_exact_at(&mut packed, start)?;
        let frame = zstd::bulk::decompress(&packed, length);
        match frame {
            Ok(frame) if frame.len() == length => Ok(frame),
            Ok(_) | Err(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the compressed data from byte {start} on is damaged"),
            )),
        }
    }
}

/// Fills `buffer` from `offset` on by as many reads as it takes.
///
/// # Errors
/// As `read`, and when there are fewer bytes.
pub(crate) fn fill(
    mut buffer: &mut [u8],
    mut offset: u64,
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    while !buffer.is_empty() {
        match read(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
