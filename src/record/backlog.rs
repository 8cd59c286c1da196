//! What a relay holds while nobody reads: bytes in order, up to a bound.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use nix::unistd::{read, write};

const CHUNK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Backlog {
    chunks: VecDeque<Chunk>,
    length: usize,
    bound: usize,
}

#[derive(Debug)]
struct Chunk {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gathered {
    /// Bytes that wait in addition.
    Kept(usize),
    /// Bytes that found no room.
    Dropped(usize),
    /// The input has ended.
    Ended,
}

impl Backlog {
    /// An empty one that takes `bound` bytes.
    pub(super) fn new(bound: usize) -> Backlog {
        Backlog {
            chunks: VecDeque::new(),
            length: 0,
            bound,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes what one read gives, which must not have to wait.
    pub(super) fn gather(&mut self, input: impl AsFd) -> nix::Result<Gathered> {
        let room = self.bound - self.length;
        if room == 0 {
            return drop_some(input);
        }
        if self.chunks.back().is_none_or(|last| last.end == CHUNK) {
            self.chunks.push_back(Chunk {
                bytes: vec![0; CHUNK].into(),
                start: 0,
                end: 0,
            });
        }
        let last = self.chunks.back_mut().expect("there is one with room");
        let most = room.min(CHUNK - last.end);
        let count = read(input, &mut last.bytes[last.end..last.end + most])?;
        last.end += count;
        self.length += count;
        Ok(match count {
            0 => Gathered::Ended,
            count => Gathered::Kept(count),
        })
    }

    /// Writes some, the oldest first; returns how much.
    pub(super) fn hand_on(&mut self, output: impl AsFd) -> nix::Result<usize> {
        let Some(first) = self.chunks.front_mut() else {
            return Ok(0);
        };
        let count = write(output, &first.bytes[first.start..first.end])?;
        first.start += count;
        self.length -= count;
        if first.start == first.end {
            self.chunks.pop_front();
        }
        if self.length == 0 {
            // One that was not filled goes too.
            self.chunks = VecDeque::new();
        }
        Ok(count)
    }
}

/// Reads some and keeps nothing of it.
pub(super) fn drop_some(input: impl AsFd) -> nix::Result<Gathered> {
    Ok(match read(input, &mut [0; CHUNK])? {
        0 => Gathered::Ended,
        count => Gathered::Dropped(count),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_oldest_bytes_stay_and_come_out_in_order() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut backlog = Backlog::new(100_000);
        let sent: Vec<u8> = (0..150_000u32).map(|number| number as u8).collect();
        let mut dropped = 0;
        for piece in sent.chunks(1000) {
            ours.write_all(piece).unwrap();
            let mut left = piece.len();
            while left > 0 {
                match backlog.gather(&theirs).unwrap() {
                    Gathered::Kept(count) => left -= count,
                    Gathered::Dropped(count) => {
                        left -= count;
                        dropped += count;
                    }
                    Gathered::Ended => panic!("it has not"),
                }
            }
        }
        assert_eq!((backlog.len(), dropped), (100_000, 50_000));
        let (writer, mut reader) = UnixStream::pair().unwrap();
        let mut received = vec![0; 100_000];
        let mut done = 0;
        while done < received.len() {
            if !backlog.is_empty() {
                backlog.hand_on(&writer).unwrap();
            }
            done += reader.read(&mut received[done..]).unwrap();
        }
        assert!(backlog.is_empty());
        assert!(received == sent[..100_000]);
        drop(ours);
        assert_eq!(backlog.gather(&theirs).unwrap(), Gathered::Ended);
    }
}
