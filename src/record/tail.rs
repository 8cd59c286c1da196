//! The end of a cast that a recorder has left behind.
//!
//! A recorder writes whole lines in order, so a kill can only leave less. A
//! power cut may leave what was not synced as zeros or not at all: the cast is
//! good up to the first line that is no event, and ends there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};

use serde::Deserialize;

use crate::cast::Micros;

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

#[derive(Deserialize)]
struct HeaderSize {
    width: u16,
    height: u16,
}

/// Cuts a cast behind its last good event and says where it can go on.
///
/// # Errors
/// When the file cannot be read or cut, or has no header.
pub fn cut_tail(mut file: &File) -> io::Result<Tail> {
    file.rewind()?;
    let tail = find_tail(&mut BufReader::with_capacity(256 * 1024, file))?;
    if file.metadata()?.len() > tail.length {
        file.set_len(tail.length)?;
        file.sync_all()?;
    }
    Ok(tail)
}

/// Reads a cast up to its last good event.
///
/// # Errors
/// When it cannot be read or has no header.
pub fn find_tail(cast: &mut impl BufRead) -> io::Result<Tail> {
    let mut line = Vec::new();
    cast.read_until(b'\n', &mut line)?;
    let header: HeaderSize = serde_json::from_slice(&line)
        .ok()
        .filter(|_| line.ends_with(b"\n"))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the cast has no header"))?;
    let mut tail = Tail {
        length: line.len() as u64,
        last: 0,
        size: (header.width, header.height),
        events: 0,
    };
    loop {
        line.clear();
        cast.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(tail);
        }
        let Ok((time, code, data)) =
            serde_json::from_slice::<(f64, char, std::borrow::Cow<'_, str>)>(&line)
        else {
            return Ok(tail);
        };
        if code == 'r'
            && let Some((columns, rows)) = data.split_once('x')
            && let (Ok(columns), Ok(rows)) = (columns.parse(), rows.parse())
        {
            tail.size = (columns, rows);
        }
        // A cast with a time that no clock gives goes on from the one before.
        if time.is_finite() && time >= 0.0 {
            tail.last = tail.last.max((time * 1e6).round() as Micros);
        }
        tail.length += line.len() as u64;
        tail.events += 1;
    }
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
        let tail = find_tail(&mut cast.as_slice()).unwrap();
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
    fn without_a_header_there_is_nothing_to_go_on_with() {
        assert!(find_tail(&mut &b""[..]).is_err());
        assert!(find_tail(&mut &CAST.as_bytes()[..10]).is_err());
    }
}
