//! The power goes at every write and every sync: what was synced is there, and
//! all that came more than a second before.

use std::time::Duration;

use fastrand::Rng;
use tvmux::record::find_tail;

use crate::simulated::{Latency, Recording, SYNC, SimulatedDisk};

/// Records until the power goes; returns whether it has. `read` is how long the
/// cast was after each output, and when.
fn record(recording: &mut Recording, rng: &mut Rng, read: &mut Vec<(tokio::time::Instant, usize)>) {
    let text: String = ('!'..'~').collect();
    read.push((recording.now, recording.recorder.stats().bytes as usize));
    // A window that prints nothing for a while.
    recording.pass(Duration::from_millis(rng.u64(..3000)));
    for _ in 0..60 {
        for _ in 0..rng.usize(1..6) {
            recording.print(text.repeat(rng.usize(0..30)).as_bytes());
            recording.print("ä\u{1b}[m€".as_bytes());
        }
        read.push((recording.now, recording.recorder.stats().bytes as usize));
        let pause = if rng.u8(..20) == 0 { 2500 } else { 100 };
        recording.pass(Duration::from_millis(rng.u64(..pause)));
        if recording.disk.lock().is_power_gone {
            return;
        }
    }
    recording.close();
}

#[test]
fn what_was_synced_survives_a_cut_at_any_operation() {
    let mut crashes = 0;
    for seed in 0..2 {
        for largest_write in [None, Some(10_000), Some(777)] {
            for operations in 0.. {
                let disk = SimulatedDisk::default();
                disk.lock().operations = Some(operations);
                disk.lock().largest_write = largest_write;
                let mut rng = Rng::with_seed(seed);
                let latency = Latency {
                    write: Duration::from_millis(rng.u64(..20)),
                    sync: Duration::from_millis(rng.u64(..100)),
                };
                let tick = Duration::from_millis(rng.u64(..1000));
                let mut recording = Recording::start(disk.clone(), 1 << 24, tick, latency);
                let mut read = Vec::new();
                record(&mut recording, &mut rng, &mut read);
                // All that came a second before the cut is safe.
                let promised = read
                    .iter()
                    .rev()
                    .find(|(at, _)| *at + SYNC <= recording.now)
                    .map_or(0, |(_, length)| *length);
                let whole = disk.bytes();
                let safe = disk.lengths().1;
                assert!(safe >= promised, "{safe} of {promised} bytes");
                let mut rng = Rng::with_seed(operations as u64);
                for _ in 0..6 {
                    crashes += 1;
                    let Some(left) = disk.after_cut(&mut rng) else {
                        assert_eq!(safe, 0, "only a name that was not synced goes");
                        continue;
                    };
                    if left.is_empty() || left[0] == 0 {
                        assert_eq!(safe, 0, "only lines that were not synced go");
                        continue;
                    }
                    let tail = find_tail(&mut left.as_slice()).unwrap();
                    let kept = &left[..tail.length as usize];
                    assert!(kept.len() >= safe, "{} of {safe} bytes", kept.len());
                    assert_eq!(kept[..safe], whole[..safe]);
                    for line in kept.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                        serde_json::from_slice::<serde_json::Value>(line).unwrap();
                    }
                }
                if !disk.lock().is_power_gone {
                    break;
                }
            }
        }
    }
    println!("{crashes} crashes");
    assert!(crashes > 1000);
}
