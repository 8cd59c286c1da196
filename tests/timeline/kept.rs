//! What is kept of a cast for the next time.

use std::fs::{self, File, FileTimes};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use fastrand::Rng;
use tvmux::cast::Micros;
use tvmux::screen::{Rules, Which};
use tvmux::timeline::{Timeline, TimelineOptions};

use super::casts::{Made, append, mixed, state, states};
use super::support::tvmux::{Tvmux, recorded};
use super::support::{TestTmux, wait_until};

fn open(path: &Path, folder: &Path) -> Timeline {
    let options = TimelineOptions {
        cache: Some(folder.to_owned()),
        ..TimelineOptions::default()
    };
    Timeline::open(path, options).unwrap()
}

/// The file that is kept.
fn kept(folder: &Path) -> PathBuf {
    let mut all = fs::read_dir(folder).unwrap();
    let path = all.next().expect("something is kept").unwrap().path();
    assert!(all.next().is_none(), "and nothing else");
    path
}

fn check(timeline: &Timeline, made: &Made) {
    let end = made.end();
    let times: Vec<Micros> = (0..=8).map(|part| end / 8 * part).collect();
    let expected = states(&made.bytes(), Rules::OTHER, &times);
    for (time, expected) in times.iter().zip(expected) {
        let mut screen = timeline.at(*time).unwrap();
        assert!(state(&mut screen) == expected, "{time} µs");
    }
}

#[test]
fn what_is_known_is_kept_and_grows_with_the_file() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [casts, cache] = folders.each_ref().map(tempfile::TempDir::path);
    let made = mixed(21, 1_600_000);
    let bytes = made.bytes();
    let half = bytes.len() * 3 / 4;
    let path = casts.join("a.cast");
    fs::write(&path, &bytes[..half]).unwrap();
    let first = open(&path, cache);
    assert_eq!(
        first.coverage().bytes,
        first.coverage().bytes.min(1000),
        "nothing is known"
    );
    first.duration().unwrap();
    let before = fs::read(kept(cache)).unwrap();
    let mode = fs::metadata(kept(cache)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    append(&path, &bytes[half..]);
    let second = open(&path, cache);
    let covered = second.coverage().bytes as usize;
    assert!(
        covered > half - 2000 && covered <= half,
        "{covered} of {half} are known"
    );
    check(&second, &made);
    let after = fs::read(kept(cache)).unwrap();
    let same = before
        .iter()
        .zip(&after)
        .take_while(|(a, b)| a == b)
        .count();
    assert!(
        same > before.len() / 2,
        "what was there stays: {same} of {}",
        before.len()
    );
    let third = open(&path, cache);
    assert_eq!(third.coverage().bytes as usize, bytes.len());
    check(&third, &made);
    assert_eq!(third.markers().len(), second.markers().len());
    assert_eq!(third.activity(), second.activity());
    assert!(
        (after.len() as f64) < bytes.len() as f64 * 0.05,
        "{} of {}",
        after.len(),
        bytes.len()
    );
}

#[test]
fn a_changed_cast_is_noticed() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [casts, cache] = folders.each_ref().map(tempfile::TempDir::path);
    let made = mixed(22, 1_300_000);
    let path = made.write(casts, "a.cast");
    open(&path, cache).duration().unwrap();
    let known = |path: &Path| open(path, cache).coverage().bytes > 1_000_000;
    assert!(known(&path));
    // The same bytes, written again.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_times(FileTimes::new().set_modified(std::time::UNIX_EPOCH))
        .unwrap();
    assert!(!known(&path), "the time of its last change counts");
    open(&path, cache).duration().unwrap();
    assert!(known(&path));
    // Shorter, and grown again with something else.
    file.set_len(600_000).unwrap();
    assert!(!known(&path), "a shorter file is another one");
    append(&path, &made.bytes()[..1_000_000]);
    assert!(
        !known(&path),
        "a longer file that does not go on is another one"
    );
}

#[test]
fn damage_costs_time_and_nothing_else() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [casts, cache] = folders.each_ref().map(tempfile::TempDir::path);
    let made = mixed(23, 1_200_000);
    let path = made.write(casts, "a.cast");
    open(&path, cache).duration().unwrap();
    let good = fs::read(kept(cache)).unwrap();
    let target = kept(cache);
    let mut rng = Rng::with_seed(23);
    let end = made.end();
    let times = [end / 3, end];
    let expected = states(&made.bytes(), Rules::OTHER, &times);
    for round in 0..15 {
        let mut bad = good.clone();
        match round % 3 {
            0 => bad.truncate(rng.usize(..good.len())),
            1 => {
                let at = rng.usize(..good.len());
                bad[at] ^= 1 << rng.u32(..8);
            }
            _ => {
                let at = good.len() - 1 - rng.usize(..32);
                bad[at] = rng.u8(..);
            }
        }
        fs::write(&target, &bad).unwrap();
        let timeline = open(&path, cache);
        for (time, expected) in times.iter().zip(&expected) {
            let mut screen = timeline.at(*time).unwrap();
            assert!(state(&mut screen) == *expected, "round {round}, {time} µs");
        }
    }
}

#[test]
fn two_at_once_are_fine() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [casts, cache] = folders.each_ref().map(tempfile::TempDir::path);
    let made = mixed(24, 1_200_000);
    let path = made.write(casts, "a.cast");
    // Two that know nothing of each other, and one that several threads ask.
    let shared = open(&path, cache);
    thread::scope(|scope| {
        for timeline in [
            open(&path, cache),
            open(&path, cache),
            shared.clone(),
            shared.clone(),
        ] {
            let made = &made;
            scope.spawn(move || check(&timeline, made));
        }
        scope.spawn(|| shared.cover(None, |_| ControlFlow::Continue(())).unwrap());
    });
    let again = open(&path, cache);
    assert_eq!(again.coverage().bytes as usize, made.bytes().len());
    check(&again, &made);
}

#[test]
fn a_cache_that_cannot_be_written_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let made = mixed(25, 1_200_000);
    let path = made.write(folder.path(), "a.cast");
    check(&open(&path, &folder.path().join("missing")), &made);
}

#[test]
fn keyframes_are_made_ahead_when_a_recording_ends() {
    let tmux = TestTmux::start("");
    let mut user = Tvmux::new();
    user.start_server();
    let recording = user.record(&tmux, &[]);
    let cast = user.cast(&recording);
    tmux.tmux(&[
        "send-keys",
        "-t",
        "main:",
        "seq 700000; echo do''ne",
        "Enter",
    ]);
    wait_until("the output is recorded", || {
        let id = recording["id"].as_str();
        let running = user
            .recordings()
            .into_iter()
            .find(|one| one["id"].as_str() == id);
        let is_long = running.is_some_and(|one| one["bytes"].as_u64() > Some(5_000_000));
        is_long && recorded(&cast).contains("done")
    });
    user.ok(["rec", "stop"]);
    let folder = user.folder().join(".cache/tvmux/timeline");
    // It may have another name in passing.
    let is_kept = |path: PathBuf| path.extension().is_some_and(|end| end == "keyframes");
    wait_until("a process of its own has made them", || {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        files.filter(|file| is_kept(file.path())).count() == 1
    });
    let timeline = open(&cast, &folder);
    let length = fs::metadata(&cast).unwrap().len();
    assert_eq!(timeline.coverage().bytes, length);
    let text = timeline.at(timeline.duration().unwrap()).unwrap();
    assert!((0..24).any(|row| text.text(Which::Shown, row) == "done"));
}
