//! Disks that are full, read-only, slow, failing; files that go away.

use std::time::Duration;

use proptest::prelude::*;

use crate::simulated::{BOUND, Latency, Recording, SYNC, SimulatedDisk};

#[derive(Clone, Debug)]
enum Happening {
    Print(usize),
    Pass(u64),
    /// The file may become this much longer.
    Space(usize),
    Free,
    ReadOnly(bool),
    FailSyncs(bool),
    Remove,
    Slow(u64, u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1usize..30_000).prop_map(Happening::Print),
        6 => (0u64..1500).prop_map(Happening::Pass),
        1 => (0usize..50_000).prop_map(Happening::Space),
        2 => Just(Happening::Free),
        1 => any::<bool>().prop_map(Happening::ReadOnly),
        1 => any::<bool>().prop_map(Happening::FailSyncs),
        1 => Just(Happening::Remove),
        1 => (0u64..3000, 0u64..3000).prop_map(|(write, sync)| Happening::Slow(write, sync)),
    ]
}

impl Happening {
    /// Makes it happen; returns how many bytes the pane has printed.
    fn apply(self, recording: &mut Recording) -> usize {
        let disk = recording.disk.clone();
        match self {
            Happening::Print(size) => {
                recording.print("x".repeat(size).as_bytes());
                return size;
            }
            Happening::Pass(millis) => recording.pass(Duration::from_millis(millis)),
            Happening::Space(more) => {
                let length = disk.lengths().0;
                disk.lock().space = Some(length + more);
            }
            Happening::Free => disk.lock().space = None,
            Happening::ReadOnly(is_so) => disk.lock().is_read_only = is_so,
            Happening::FailSyncs(is_so) => disk.lock().fails_syncs = is_so,
            Happening::Remove => disk.lock().named = None,
            Happening::Slow(write, sync) => {
                recording.latency = Latency {
                    write: Duration::from_millis(write),
                    sync: Duration::from_millis(sync),
                };
            }
        }
        0
    }
}

/// The file is whole lines; gives how many bytes of output are in them.
fn output_in(bytes: &[u8]) -> usize {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let events = text.lines().skip(1);
    events
        .filter_map(|line| {
            let (_, code, data): (f64, char, String) = serde_json::from_str(line).unwrap();
            (code == 'o').then(|| data.bytes().filter(|byte| *byte == b'x').count())
        })
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_happens_nothing_is_lost_unsaid(
        happenings in proptest::collection::vec(happening(), 1..80),
        tick in (0u64..1_000_000).prop_map(Duration::from_micros),
    ) {
        let disk = SimulatedDisk::default();
        let mut recording = Recording::start(disk.clone(), BOUND, tick, Latency::default());
        let (mut sent, mut removed) = (0, false);
        for happening in happenings {
            removed |= matches!(happening, Happening::Remove);
            sent += happening.apply(&mut recording);
            recording.end_overflow();
            // Markers and snapshots may stand beside a full buffer.
            prop_assert!(recording.recorder.in_memory() <= BOUND + 1000);
            output_in(&disk.bytes());
        }
        // All is well again: everything that waits comes in, and is safe.
        {
            let mut disk = disk.lock();
            (disk.space, disk.is_read_only, disk.fails_syncs) = (None, false, false);
        }
        recording.latency = Latency::default();
        recording.print(b"x");
        sent += 1;
        for _ in 0..10 {
            recording.pass(SYNC);
            recording.end_overflow();
        }
        prop_assert_eq!(recording.sink.trouble(), None);
        prop_assert_eq!(recording.recorder.in_memory(), 0);
        let (written, safe) = disk.lengths();
        prop_assert_eq!(written, safe);
        let stats = recording.recorder.stats();
        prop_assert_eq!(stats.bytes as usize, written);
        let there = output_in(&disk.bytes());
        if removed {
            // What is lost of a removed file counts with its markup.
            prop_assert!(there + stats.lost_bytes as usize >= sent);
        } else {
            prop_assert_eq!(there + stats.lost_bytes as usize, sent);
        }
        prop_assert!(stats.gaps > 0 || stats.lost_bytes == 0);
        recording.close();
        let (written, safe) = disk.lengths();
        prop_assert_eq!(written, safe);
    }

    #[test]
    fn an_end_in_trouble_comes_to_an_end(
        happenings in proptest::collection::vec(happening(), 1..40),
    ) {
        let disk = SimulatedDisk::default();
        let mut recording =
            Recording::start(disk.clone(), BOUND, Duration::ZERO, Latency::default());
        let mut sent = 0;
        for happening in happenings {
            sent += happening.apply(&mut recording);
        }
        recording.close();
        prop_assert!(recording.is_closed);
        let unwritten = recording.sink.unwritten(&recording.recorder) as usize;
        let there = output_in(&disk.bytes());
        let lost = recording.recorder.stats().lost_bytes as usize;
        prop_assert!(there + lost + unwritten >= sent, "{there} {lost} {unwritten} {sent}");
    }
}

#[test]
fn a_full_disk_is_said_once_and_tried_each_second() {
    let disk = SimulatedDisk::default();
    let mut recording = Recording::start(disk.clone(), BOUND, Duration::ZERO, Latency::default());
    disk.lock().space = Some(disk.lengths().0);
    recording.print(b"x");
    recording.pass(Duration::from_secs(10));
    assert_eq!(recording.events, ["no space left on the disk"]);
    disk.lock().space = None;
    recording.pass(Duration::from_secs(1));
    assert_eq!(recording.events[1..], ["recovered"]);
    assert_eq!(recording.sink.trouble(), None);
}

#[test]
fn a_removed_file_is_made_once_and_the_first_lines_wait_for_it() {
    let disk = SimulatedDisk::default();
    let mut recording = Recording::start(disk.clone(), BOUND, Duration::ZERO, Latency::default());
    recording.pass(SYNC);
    let gone = disk.lengths().0 as u64;
    disk.lock().named = None;
    disk.lock().is_read_only = true;
    recording.print(b"x");
    recording.pass(Duration::from_secs(30));
    assert_eq!(recording.events, ["removed", "replaceable"]);
    // Not more with every try, and nothing of it twice.
    let lost = recording.recorder.stats().lost_bytes;
    assert!((gone + 1..gone + 100).contains(&lost), "{lost} of {gone}");
    disk.lock().is_read_only = false;
    recording.pass(Duration::from_secs(2));
    assert_eq!(recording.events[2..], ["replaced"]);
    let (written, safe) = disk.lengths();
    assert!(written > 0);
    assert_eq!(written, safe, "the new name is safe too");
    let text = String::from_utf8(disk.bytes()).unwrap();
    assert!(text.contains("\"m\", \"removed\"") && text.contains("again"));
}

#[test]
fn a_file_removed_since_its_last_write_is_found_lost_at_the_end() {
    let disk = SimulatedDisk::default();
    let mut recording = Recording::start(disk.clone(), BOUND, Duration::ZERO, Latency::default());
    recording.pass(SYNC);
    disk.lock().named = None;
    recording.close();
    let bytes = recording.recorder.stats().bytes;
    assert!(bytes > 0);
    assert_eq!(recording.sink.unwritten(&recording.recorder), bytes);
}

#[test]
fn a_sync_that_fails_is_made_again() {
    let disk = SimulatedDisk::default();
    let mut recording = Recording::start(disk.clone(), BOUND, Duration::ZERO, Latency::default());
    disk.lock().fails_syncs = true;
    recording.pass(Duration::from_millis(3500));
    assert_eq!(recording.events, ["sync failed"; 3]);
    assert_eq!(disk.lengths().1, 0);
    disk.lock().fails_syncs = false;
    recording.pass(SYNC);
    let (written, safe) = disk.lengths();
    assert_eq!(written, safe);
}
