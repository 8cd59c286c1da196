//! The power goes at every write and every sync: what was synced is there.
#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use tvmux::cast::Header;
use tvmux::record::{CastFile, PAGE, Recorder, Storage, find_tail};

/// A file that forgets what was not synced, in the ways that file systems do:
/// of the pages written since, any may be on the disk and any may not; pages
/// that are not are as they were, or zeros where the file was not so long.
#[derive(Clone, Default)]
struct SimulatedFile(Arc<Mutex<Simulated>>);

#[derive(Default)]
struct Simulated {
    on_disk: Vec<u8>,
    in_memory: Vec<u8>,
    /// How many operations are left before the power goes.
    operations: usize,
    /// The largest number of bytes that one write takes.
    largest_write: usize,
}

impl SimulatedFile {
    fn operation<T>(&self, act: impl FnOnce(&mut Simulated) -> T) -> io::Result<T> {
        let mut file = self.0.lock().unwrap();
        if file.operations == 0 {
            return Err(io::Error::other("the power is gone"));
        }
        file.operations -= 1;
        Ok(act(&mut file))
    }

    /// What is on the disk after the power has gone.
    fn after_cut(&self, rng: &mut Rng) -> Vec<u8> {
        let file = self.0.lock().unwrap();
        let (old, new) = (&file.on_disk, &file.in_memory);
        let (short, long) = (old.len().min(new.len()), old.len().max(new.len()));
        // The length is its own piece of data, written when it pleases.
        let length = [old.len(), new.len(), rng.usize(short..=long)][rng.usize(..3)];
        let mut disk = vec![0; length];
        for (start, page) in (0..).step_by(PAGE).zip(disk.chunks_mut(PAGE)) {
            let unchanged =
                old.get(start..start + page.len()) == new.get(start..start + page.len());
            let source = if unchanged || rng.bool() { new } else { old };
            let there = source.get(start..).unwrap_or_default();
            let count = there.len().min(page.len());
            page[..count].copy_from_slice(&there[..count]);
        }
        disk
    }
}

impl Storage for SimulatedFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.operation(|file| {
            let count = bytes.len().min(file.largest_write);
            let offset = offset as usize;
            let end = (offset + count).max(file.in_memory.len());
            file.in_memory.resize(end, 0);
            file.in_memory[offset..offset + count].copy_from_slice(&bytes[..count]);
            count
        })
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.operation(|file| file.in_memory.resize(length as usize, 0))
    }

    fn sync(&self) -> io::Result<()> {
        self.operation(|file| file.on_disk = file.in_memory.clone())
    }

    fn is_linked(&self) -> io::Result<bool> {
        Ok(true)
    }
}

/// Records until the power goes; gives how many bytes were synced by then.
/// `false`: it went on to the end.
fn record(file: &SimulatedFile, rng: &mut Rng) -> (usize, bool) {
    let header = Header {
        width: 80,
        height: 24,
        ..Header::default()
    };
    let mut recorder = Recorder::new(&header, 1 << 24);
    // The daemon makes the file with its first lines in it, and synced.
    let first = recorder.take(Vec::new());
    {
        let mut file = file.0.lock().unwrap();
        file.on_disk = first.clone();
        file.in_memory = first.clone();
    }
    let mut cast = CastFile::new(file.clone(), first.len() as u64);
    let mut synced = first.len();
    let text: String = ('!'..'~').collect();
    for time in 0..60u64 {
        for _ in 0..rng.usize(1..6) {
            let output = text.repeat(rng.usize(0..30));
            recorder.output(time * 1000, output.as_bytes());
            recorder.output(time * 1000, "ä\u{1b}[m€".as_bytes());
        }
        if rng.u8(..8) == 0 {
            recorder.marker(time * 1000, "marker");
        }
        let lines = recorder.take(Vec::new());
        let appended = cast.append(&lines);
        recorder.written(appended.written);
        if appended.error.is_some() {
            return (synced, true);
        }
        if rng.u8(..4) == 0 {
            let length = cast.length();
            if cast.storage().sync().is_err() {
                return (synced, true);
            }
            synced = length as usize;
        }
    }
    (synced, false)
}

#[test]
fn what_was_synced_survives_a_cut_at_any_operation() {
    let mut crashes = 0;
    for seed in 0..4 {
        for largest_write in [usize::MAX, 10_000, 777] {
            for operations in 0.. {
                let file = SimulatedFile::default();
                {
                    let mut file = file.0.lock().unwrap();
                    file.operations = operations;
                    file.largest_write = largest_write;
                }
                let (synced, was_cut) = record(&file, &mut Rng::with_seed(seed));
                let before = file.0.lock().unwrap().on_disk.clone();
                let mut rng = Rng::with_seed(operations as u64);
                for _ in 0..6 {
                    let disk = file.after_cut(&mut rng);
                    let tail = find_tail(&mut disk.as_slice()).unwrap();
                    let kept = &disk[..tail.length as usize];
                    assert!(kept.len() >= synced, "{} of {synced} bytes", kept.len());
                    assert_eq!(kept[..synced], before[..synced]);
                    for line in kept.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                        serde_json::from_slice::<serde_json::Value>(line).unwrap();
                    }
                    crashes += 1;
                }
                if !was_cut {
                    break;
                }
            }
        }
    }
    println!("{crashes} crashes");
    assert!(crashes > 1000);
}
