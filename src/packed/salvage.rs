//! What is left of a compressed file that is damaged.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use zstd::stream::read::Decoder;

use super::table::Table;

/// Bytes that are looked through at once for the start of a frame.
const SEARCHED: usize = 256 * 1024;

/// Bytes that are unpacked at once: where a whole frame fits, zstd gives all of it or
/// nothing.
const AT_ONCE: usize = 16 * 1024;

/// How each frame starts.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

type FrameReader<'a> = Decoder<'static, BufReader<FileFrom<'a>>>;

/// Reads every whole frame of a compressed file, and of those that are damaged as
/// much as can be unpacked. What is torn ends with a newline, so that it does not
/// run into what follows.
pub struct Salvage<'a> {
    file: &'a File,
    length: u64,
    table: Option<Table>,
    /// Where the frame that is being read starts in the file.
    start: u64,
    frame: Option<FrameReader<'a>>,
    /// The last byte that was given.
    last: u8,
    damaged: u64,
}

impl<'a> Salvage<'a> {
    /// Starts at the first byte of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(file: &'a File) -> io::Result<Salvage<'a>> {
        Ok(Salvage {
            file,
            length: file.metadata()?.len(),
            table: Table::read(file)?,
            start: 0,
            frame: None,
            last: b'\n',
            damaged: 0,
        })
    }

    /// Places so far at which something is damaged, or missing.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Reads on in the frame, or begins the next; 0 behind the last.
    fn read_frame(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.start < self.length {
            let damaged = self.damaged;
            let frame = match &mut self.frame {
                Some(frame) => frame,
                None => {
                    let input = FileFrom {
                        file: self.file,
                        offset: self.start,
                    };
                    self.frame.insert(Decoder::new(input)?.single_frame())
                }
            };
            match frame.read(buffer) {
                Ok(0) => {
                    // Its checksum may not have been looked at.
                    let checked = frame.finish_frame();
                    let rest = frame.get_ref();
                    let end = rest.get_ref().offset - rest.buffer().len() as u64;
                    let is_whole = checked.is_ok() && end > self.start;
                    self.next_frame(is_whole.then_some(end))?;
                }
                Ok(count) => {
                    self.last = buffer[count - 1];
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error().is_some() => return Err(error),
                Err(_) => self.next_frame(None)?,
            }
            let is_torn = self.damaged > damaged && self.last != b'\n';
            if is_torn && self.start < self.length {
                buffer[0] = b'\n';
                self.last = b'\n';
                return Ok(1);
            }
        }
        Ok(0)
    }

    /// Goes to the frame behind this one, which ended at `end`, or is damaged.
    fn next_frame(&mut self, end: Option<u64>) -> io::Result<()> {
        self.frame = None;
        if let Some(end) = end {
            self.start = end;
            return Ok(());
        }
        self.damaged += 1;
        let known = self.table.as_ref();
        let next = match known.and_then(|table| table.start_from(self.start + 1)) {
            Some(start) => Some(start),
            None => self.search(self.start + 1)?,
        };
        self.start = next.unwrap_or(self.length);
        Ok(())
    }

    /// Where a frame may start, from `offset` on.
    fn search(&self, mut offset: u64) -> io::Result<Option<u64>> {
        let mut block = vec![0; SEARCHED];
        loop {
            let count = self.file.read_at(&mut block, offset)?;
            if let Some(at) = memchr::memmem::find(&block[..count], &MAGIC) {
                return Ok(Some(offset + at as u64));
            }
            if count < MAGIC.len() {
                return Ok(None);
            }
            offset += (count - MAGIC.len() + 1) as u64;
        }
    }
}

impl Read for Salvage<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(AT_ONCE);
        match most {
            0 => Ok(0),
            most => self.read_frame(&mut buffer[..most]),
        }
    }
}

impl fmt::Debug for Salvage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Salvage")
            .field("start", &self.start)
            .field("damaged", &self.damaged)
            .finish_non_exhaustive()
    }
}

/// The bytes of a file from a place on.
struct FileFrom<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for FileFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
