//! The end of a cast that a recorder has left behind.
//!
//! A recorder writes whole lines in order, so a kill can only leave less. A
//! power cut may leave what was not synced as zeros or not at all: the cast is
//! good up to the first line that is no event, and ends there.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;

use crate::cast::{Code, EventReader, Micros, ReadError, Strictness};

/// What events of no cast can be read behind.
const HEADER: &[u8] = b"{\"version\":2,\"width\":80,\"height\":24}\n";

/// Where a cast can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Bytes of the header and all events.
    pub length: u64,
    /// Time of the last event.
    pub last: Micros,
    /// The terminal's size in the end: columns, rows.
    pub size: (u16, u16),
    /// How many events there are.
    pub events: u64,
}

/// Cuts a cast behind its last good event and says where it can go on.
///
/// # Errors
/// When the file cannot be read or cut, or has no header.
pub fn cut_tail(mut file: &File) -> io::Result<Tail> {
    file.rewind()?;
    let tail = find_tail(file)?;
    if file.metadata()?.len() > tail.length {
        file.set_len(tail.length)?;
        file.sync_all()?;
    }
    Ok(tail)
}

/// Reads a v2 cast up to its last good event.
///
/// # Errors
/// When it cannot be read or has no header.
pub fn find_tail(cast: impl Read) -> io::Result<Tail> {
    let mut reader = match EventReader::new(cast, Strictness::Strict) {
        Ok(reader) if reader.version() == 2 => reader,
        Err(ReadError::Io { source }) => return Err(source),
        Ok(_) | Err(_) => {
            let message = "the cast has no header";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    };
    let header = reader.header();
    let mut tail = Tail {
        length: reader.position().offset,
        last: 0,
        size: (header.width, header.height),
        events: 0,
    };
    loop {
        let (time, size) = match reader.next() {
            Ok(Some(event)) if event.continues => continue,
            Ok(Some(event)) => (event.time, event.size()),
            Err(ReadError::Io { source }) => return Err(source),
            Ok(None) | Err(_) => return Ok(tail),
        };
        if reader.is_line_open() {
            return Ok(tail);
        }
        tail.length = reader.position().offset;
        tail.last = time;
        tail.size = size.unwrap_or(tail.size);
        tail.events += 1;
    }
}

/// The output in the last `most` bytes of a cast, which has `length` and ends
/// with a line.
///
/// # Errors
/// When it cannot be read.
pub fn last_output(cast: &File, length: u64, most: usize) -> io::Result<Vec<u8>> {
    let start = length.saturating_sub(most as u64);
    let mut bytes = vec![0; (length - start) as usize];
    cast.read_exact_at(&mut bytes, start)?;
    let mut output = Vec::new();
    // Behind the line that is cut, or the header.
    let Some(first) = memchr::memchr(b'\n', &bytes) else {
        return Ok(output);
    };
    let events = HEADER.chain(&bytes[first + 1..]);
    let Ok(mut reader) = EventReader::new(events, Strictness::Strict) else {
        return Ok(output);
    };
    while let Ok(Some(event)) = reader.next() {
        if event.code == Code::Output {
            output.extend_from_slice(event.data.to_str().as_bytes());
        }
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const CAST: &str = "{\"version\":2,\"width\":80,\"height\":24}\n[0.5, \"o\", \"a\\nb\"]\n\
                        [1.000001, \"r\", \"100x30\"]\n[2.25, \"o\", \"c\"]\n";

    #[test]
    fn every_cut_ends_at_a_line() {
        let ends: Vec<u64> = CAST
            .match_indices('\n')
            .map(|(newline, _)| newline as u64 + 1)
            .collect();
        for cut in ends[0] as usize..=CAST.len() {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&CAST.as_bytes()[..cut]).unwrap();
            let tail = cut_tail(&file).unwrap();
            let whole = ends.iter().rfind(|end| **end <= cut as u64).unwrap();
            assert_eq!(tail.length, *whole);
            assert_eq!(file.metadata().unwrap().len(), *whole);
        }
    }

    #[test]
    fn zeros_are_cut() {
        let mut cast = CAST.as_bytes().to_vec();
        cast.extend_from_slice(&[0; 5000]);
        cast.extend_from_slice(b"[3.0, \"o\", \"behind\"]\n");
        let tail = find_tail(cast.as_slice()).unwrap();
        assert_eq!(
            tail,
            Tail {
                length: CAST.len() as u64,
                last: 2_250_000,
                size: (100, 30),
                events: 3
            }
        );
    }

    #[test]
    fn the_last_output_is_that_of_whole_events() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(CAST.as_bytes()).unwrap();
        let last = |most| {
            let output = last_output(&file, CAST.len() as u64, most).unwrap();
            String::from_utf8(output).unwrap()
        };
        assert_eq!(last(1000), "a\nbc");
        assert_eq!(last(60), "c");
        assert_eq!(last(10), "");
    }

    #[test]
    fn without_a_header_there_is_nothing_to_go_on_with() {
        assert!(find_tail(&b""[..]).is_err());
        assert!(find_tail(&CAST.as_bytes()[..10]).is_err());
    }
}
