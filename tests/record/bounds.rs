//! The README's bounds, each exactly: 100 ms, one second, the memory.

use std::time::Duration;

use proptest::prelude::*;

use crate::simulated::{FLUSH, Latency, Recording, SYNC, SimulatedDisk};

fn millis(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn output_is_in_the_file_within_100_ms_and_safe_within_a_second(
        tick in (0u64..1_000_000).prop_map(Duration::from_micros),
        // The disk's own time is within the bounds up to these.
        write in millis(0..=20),
        sync in millis(0..=100),
        output in proptest::collection::vec((0u64..300_000, 1usize..40_000), 0..60),
    ) {
        let latency = Latency { write, sync };
        let disk = SimulatedDisk::default();
        let mut recording = Recording::start(disk.clone(), usize::MAX, tick, latency);
        // The first lines are output too: no more need ever come.
        let mut read = vec![(recording.now, disk.lengths().0)];
        for (pause, size) in output {
            recording.pass(Duration::from_micros(pause));
            prop_assert!(recording.print("x".repeat(size).as_bytes()));
            read.push((recording.now, recording.recorder.stats().bytes as usize));
        }
        recording.pass(SYNC);
        for (at, length) in read.into_iter().skip(1) {
            let (written, safe) = recording.reached(length);
            prop_assert!(written.unwrap() - at <= FLUSH, "{:?}", written.unwrap() - at);
            prop_assert!(safe.unwrap() - at <= SYNC, "{:?}", safe.unwrap() - at);
        }
        prop_assert!(recording.recorder.in_memory() == 0);
    }

    #[test]
    fn memory_never_exceeds_the_bound(
        bound in 1usize..200_000,
        output in proptest::collection::vec(proptest::collection::vec(0u8..128, 1..30_000), 1..40),
    ) {
        let disk = SimulatedDisk::default();
        let mut recording =
            Recording::start(disk.clone(), bound, Duration::ZERO, Latency::default());
        disk.lock().space = Some(0);
        let (mut sent, mut lost) = (0, 0);
        for bytes in output {
            sent += bytes.len();
            if !recording.print(&bytes) {
                lost += bytes.len() as u64;
            }
            prop_assert!(recording.recorder.in_memory() <= bound);
            recording.pass(Duration::from_millis(30));
        }
        prop_assert_eq!(recording.recorder.stats().lost_bytes, lost);
        prop_assert!(lost > 0 || sent < bound);
    }
}

#[test]
fn sixteen_mebibytes_wait_for_a_disk_and_no_byte_more() {
    const BOUND: usize = 16 * 1024 * 1024;
    let disk = SimulatedDisk::default();
    let mut recording = Recording::start(disk.clone(), BOUND, Duration::ZERO, Latency::default());
    disk.lock().is_read_only = true;
    let chunk = [b'x'; 65_536];
    let mut taken = 0;
    while recording.print(&chunk) {
        taken += chunk.len();
    }
    assert!(recording.recorder.in_memory() <= BOUND);
    assert!(taken > BOUND - BOUND / 50, "{taken} bytes were taken");
    // All of it is in the file once that takes it.
    disk.lock().is_read_only = false;
    recording.pass(Duration::from_secs(2));
    let there = disk.bytes().iter().filter(|byte| **byte == b'x').count();
    assert_eq!(there, taken);
}

#[test]
fn a_window_that_prints_nothing_is_safe_within_a_second() {
    for tick in [0, 1, 249, 250, 999].map(Duration::from_millis) {
        let disk = SimulatedDisk::default();
        let mut recording = Recording::start(disk.clone(), 1000, tick, Latency::default());
        recording.pass(SYNC);
        let (written, safe) = disk.lengths();
        assert_eq!(written, safe);
        assert!(written > 0);
    }
}
