//! Any moment of a long cast: how long `tvmux screenshot --at` takes, the whole
//! process, what the keyframes take, and what making them costs beside the emulator
//! alone, in processor time of the same run.
//!
//! ```text
//! cargo bench --bench timeline
//! ```
//!
//! `TIMELINE_BENCH_MB` sets the size of the cast (1000, which is 8 hours),
//! `TIMELINE_BENCH_DIR` the folder for it.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use tvmux::cast::{Code, EventReader, Micros, Strictness};
use tvmux::screen::{Rules, Screen};
use tvmux::timeline::{Timeline, TimelineOptions};

mod corpus;

use corpus::{Kind, Numbers, SEED, write_cast};

/// Screenshots that are taken.
const MOMENTS: usize = 100;

/// Events of this length, in bytes, make 1 GB in 8 hours.
const EVENT: usize = 350;

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let megabytes = env::var("TIMELINE_BENCH_MB")
        .ok()
        .and_then(|mb| mb.parse().ok())
        .unwrap_or(1000);
    let parent = env::var_os("TIMELINE_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(parent).expect("a folder for the cast");
    let cast = folder.path().join("big.cast");
    let file = File::create(&cast).expect("a cast");
    write_cast(file, &Kind::OF_PROGRAMS, EVENT, megabytes * 1_000_000).expect("a cast is written");

    let (emulator, output) = emulate(&cast);
    let cache = folder.path().join("cache/tvmux/timeline");
    let (building, duration) = build(&cast, &cache);
    let kept: u64 = fs::read_dir(&cache)
        .expect("the cache folder")
        .map(|entry| {
            entry
                .and_then(|entry| entry.metadata())
                .map_or(0, |found| found.len())
        })
        .sum();
    let size = fs::metadata(&cast).map_or(0, |found| found.len());
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "cast: {:.0} MB, {:.2} h, {:.0} MB of output",
        megabytes(size),
        duration as f64 / 3.6e9,
        megabytes(output)
    );
    let speed = |time: Duration| megabytes(output) / time.as_secs_f64();
    println!(
        "emulator alone {:.1} MB/s; with reading and keyframes {:.1} MB/s: {:.0} %",
        speed(emulator),
        speed(building),
        100.0 * emulator.as_secs_f64() / building.as_secs_f64()
    );
    println!(
        "keyframes: {:.1} MB, {:.2} % of the cast",
        megabytes(kept),
        100.0 * kept as f64 / size as f64
    );
    let mut times = screenshots(&cast, &folder.path().join("cache"), duration);
    times.sort_unstable();
    let at =
        |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "screenshot at {MOMENTS} random moments: median {:.1} ms, 95 % {:.1} ms, slowest {:.1} ms",
        at(50),
        at(95),
        at(100)
    );
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.expect("every thread has a clock of its own").into()
}

/// Feeds all output to a screen; gives the time of that alone, and the bytes.
fn emulate(cast: &Path) -> (Duration, u64) {
    let file = File::open(cast).expect("the cast");
    let mut reader = EventReader::new(file, Strictness::Forgiving).expect("a cast");
    let (width, height) = (reader.header().width, reader.header().height);
    let mut screen = Screen::new(width, height, Rules::OTHER);
    let (mut time, mut bytes) = (Duration::ZERO, 0);
    let mut texts: Vec<String> = Vec::new();
    let mut waiting = 0;
    loop {
        let event = reader.next().expect("an event");
        let is_over = event.is_none();
        if let Some(event) = event.filter(|event| event.code == Code::Output) {
            let text = event.data.to_str().into_owned();
            waiting += text.len();
            texts.push(text);
        }
        if is_over || waiting > 1 << 20 {
            let start = cpu_time();
            texts.iter().for_each(|text| screen.feed(text.as_bytes()));
            time += cpu_time() - start;
            bytes += waiting as u64;
            waiting = 0;
            texts.clear();
        }
        if is_over {
            return (time, bytes);
        }
    }
}

/// Makes all keyframes and writes them; gives the time, and how long the cast takes.
fn build(cast: &Path, cache: &Path) -> (Duration, Micros) {
    fs::create_dir_all(cache).expect("a cache folder");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let own = cache.parent().expect("a folder has one above");
    for folder in [own, cache] {
        fs::set_permissions(folder, fs::Permissions::clone(&mode)).expect("a folder of ours");
    }
    let options = TimelineOptions {
        cache: Some(cache.to_owned()),
        ..TimelineOptions::default()
    };
    let start = cpu_time();
    let timeline = Timeline::open(cast, options).expect("a cast");
    let duration = timeline.duration().expect("all of it can be read");
    (cpu_time() - start, duration)
}

fn screenshots(cast: &Path, cache: &Path, duration: Micros) -> Vec<Duration> {
    let mut numbers = Numbers::new(SEED);
    let mut moment = || (numbers.next() % duration.max(1)) as f64 / 1e6;
    (0..MOMENTS)
        .map(|_| {
            let at = format!("{:.3}", moment());
            let start = Instant::now();
            let status = Command::new(env!("CARGO_BIN_EXE_tvmux"))
                .args(["screenshot", "--format", "ansi", "--at", &at])
                .arg(cast)
                .env("XDG_CACHE_HOME", cache)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .expect("the program starts");
            let time = start.elapsed();
            assert!(status.success(), "at {at}");
            time
        })
        .collect()
}
