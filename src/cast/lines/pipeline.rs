//! Works on the blocks of a stream with several threads, in order.
//!
//! Whoever is free takes the next block: reading is under a lock, working is
//! not, and what came of it is handed to the caller's own thread in the order
//! of the stream. A fixed number of buffers goes round, so memory is constant
//! and a slow block holds the others back.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::blocks::{BlockPlace, Blocks};

/// Gives each block that is left in `blocks` to `work` on one of `threads`
/// threads, then to `merge` on this one, in order. `new` makes what a thread
/// keeps from block to block.
///
/// # Errors
/// What reading or `merge` gives; blocks after that are not looked at.
pub(crate) fn run<R: Read + Send, S, T: Send>(
    mut blocks: Blocks<R>,
    threads: usize,
    new: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, BlockPlace, &[u8]) -> T + Sync,
    mut merge: impl FnMut(BlockPlace, &[u8], T) -> io::Result<()>,
) -> io::Result<()> {
    if threads <= 1 {
        let (mut state, mut block) = (new(), Vec::new());
        while let Some(place) = blocks.next(&mut block)? {
            let done = work(&mut state, place, &block);
            merge(place, &block, done)?;
        }
        return Ok(());
    }
    let (give_back, free) = channel();
    for _ in 0..threads + 2 {
        let sent = give_back.send(Vec::new());
        debug_assert!(sent.is_ok(), "the receiver is alive");
    }
    let source = Mutex::new(Source {
        blocks,
        free,
        next: 0,
    });
    thread::scope(|scope| {
        let (finished, results) = channel();
        for _ in 0..threads {
            let (finished, source, new, work) = (finished.clone(), &source, &new, &work);
            scope.spawn(move || {
                let mut state = new();
                // The caller's end is gone when merging failed: nothing to do.
                while let Some(step) = take(source) {
                    let sent = match step {
                        Ok((index, place, block)) => {
                            let done = work(&mut state, place, &block);
                            finished.send((index, Ok((place, block, done))))
                        }
                        Err((index, error)) => finished.send((index, Err(error))),
                    };
                    if sent.is_err() {
                        return;
                    }
                }
            });
        }
        drop(finished);
        // Owned here, so that a failed merge ends the workers: no buffer comes
        // back, and their results find no receiver.
        let (give_back, results) = (give_back, results);
        let mut early = BTreeMap::new();
        let mut expected = 0;
        for (index, result) in results {
            early.insert(index, result);
            while let Some(result) = early.remove(&expected) {
                let (place, block, done): (BlockPlace, Vec<u8>, T) = result?;
                merge(place, &block, done)?;
                // The workers may have ended: then nothing takes it back.
                let _ = give_back.send(block);
                expected += 1;
            }
        }
        Ok(())
    })
}

struct Source<R> {
    blocks: Blocks<R>,
    free: Receiver<Vec<u8>>,
    next: u64,
}

type Taken = Result<(u64, BlockPlace, Vec<u8>), (u64, io::Error)>;

/// The next block, with its place in the order.
fn take<R: Read>(source: &Mutex<Source<R>>) -> Option<Taken> {
    let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
    let mut block = source.free.recv().ok()?;
    let index = source.next;
    source.next += 1;
    match source.blocks.next(&mut block) {
        Ok(Some(place)) => Some(Ok((index, place, block))),
        Ok(None) => None,
        Err(error) => Some(Err((index, error))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::blocks::BLOCK;
    use super::*;

    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            self.0 -= 1;
            buffer.fill(b'\n');
            Ok(buffer.len())
        }
    }

    #[test]
    fn blocks_come_in_order_whatever_the_threads() {
        let bytes: Vec<u8> = (0..BLOCK * 9)
            .map(|i| if i % 50 == 0 { b'\n' } else { i as u8 | 64 })
            .collect();
        for threads in [1, 2, 5] {
            let mut joined = Vec::new();
            run(
                Blocks::new(&bytes[..]),
                threads,
                || (),
                |(), place, block| (place.offset, block.len()),
                |place, block, (offset, length)| {
                    assert_eq!((place.offset, block.len()), (offset, length));
                    joined.extend_from_slice(block);
                    Ok(())
                },
            )
            .unwrap();
            assert!(joined == bytes);
        }
    }

    #[test]
    fn an_error_ends_it() {
        for threads in [1, 3] {
            let mut seen = 0;
            let read = run(
                Blocks::new(Failing(20)),
                threads,
                || (),
                |(), _, _| (),
                |_, _, ()| {
                    seen += 1;
                    Ok(())
                },
            );
            assert_eq!(read.unwrap_err().to_string(), "the disk is gone");
            // Blocks that other threads hold when it ends are not handed on.
            assert!(seen <= 20, "{seen}");
            let merged = run(
                Blocks::new(Failing(20)),
                threads,
                || (),
                |(), _, _| (),
                |_, _, ()| Err(io::Error::other("full")),
            );
            assert_eq!(merged.unwrap_err().to_string(), "full");
        }
    }
}
