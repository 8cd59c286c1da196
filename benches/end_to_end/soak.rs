//! Everything at random, for long: what is promised must hold all the while.

use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::process;
use super::report::{Table, number};
use super::support::tvmux::{CastEvent, Tvmux, parse_cast};
use super::support::{TestTmux, wait_until};

/// Prints numbered lines in bursts: some megabytes a second, with pauses.
const COUNTER: &str = "exec perl -e '$| = 1; for ($i = 1; ; $i++) { printf \"line %d end\\n\", $i; \
                       select(undef, undef, undef, 0.02) unless $i % 2000 }'";

/// How the daemon was just after it had started and come to rest.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    resident: u64,
    descriptors: usize,
}

impl Level {
    fn of(daemon: u32) -> Level {
        Level {
            resident: process::resident(daemon),
            descriptors: process::descriptors(daemon),
        }
    }
}

/// What has been done.
#[derive(Debug, Default)]
struct Done {
    switches: u32,
    resizes: u32,
    restarts: u32,
    kills: u32,
    rounds: u32,
    bytes: u64,
    gaps: u64,
}

/// Runs for so long and panics where a promise is broken.
pub fn run(time: Duration, seed: u64) -> Table {
    eprintln!("soak: seed {seed}, {} s", time.as_secs());
    let mut rng = Rng::with_seed(seed);
    let tmux = TestTmux::start(COUNTER);
    tmux.tmux(&["split-window", "-t", "@0", COUNTER]);
    let mut tvmux = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "INFO");
    let mut daemon = tvmux.start_server();
    let mut done = Done::default();
    let mut levels: Vec<Level> = Vec::new();
    let end = Instant::now() + time;
    while Instant::now() < end || done.rounds < 2 {
        let recording = tvmux.record(&tmux, &[]);
        let cast = tvmux.cast(&recording);
        let mut kills = 0;
        let slice = Instant::now() + Duration::from_secs(8).min(time);
        while Instant::now() < slice {
            match rng.u32(..20) {
                0 => {
                    let killed = tvmux.signal_daemon(Signal::SIGKILL);
                    check_prefix(&cast);
                    // It comes back by itself.
                    daemon = tvmux.wait_for_another_server(killed);
                    tvmux.wait_recording("it goes on", |recording| {
                        recording["active_pane"].is_string()
                    });
                    kills += 1;
                    levels.clear();
                }
                1..=5 => {
                    let (columns, rows) = (rng.u32(40..200), rng.u32(10..60));
                    let (columns, rows) = (columns.to_string(), rows.to_string());
                    tmux.tmux(&["resize-window", "-t", "@0", "-x", &columns, "-y", &rows]);
                    done.resizes += 1;
                }
                6 => {
                    let pane = format!("%{}", rng.u32(..2));
                    tmux.tmux(&["respawn-pane", "-k", "-t", &pane, COUNTER]);
                    done.restarts += 1;
                }
                _ => {
                    let pane = format!("%{}", rng.u32(..2));
                    tmux.tmux(&["select-pane", "-t", &pane]);
                    done.switches += 1;
                    if rng.bool() {
                        tvmux.wait_recording("the switch is followed", |recording| {
                            recording["active_pane"] == pane.as_str()
                        });
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(rng.u64(..150)));
        }
        let stop = tvmux.run(["rec", "stop", "--json"]);
        assert!(stop.status.code().is_some_and(|code| code <= 1), "{stop:?}");
        let bytes = std::fs::read(&cast).unwrap();
        let (_, events) = parse_cast(&bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        check_complete(&events, seed);
        let gaps = events.iter().filter(|event| event.code == 'm').count() as u64;
        // Only where a switch is cut short something may be missing.
        assert!(gaps <= kills, "seed {seed}: {gaps} gaps and {kills} kills");
        done.gaps += gaps;
        done.kills += kills as u32;
        done.bytes += bytes.len() as u64;
        done.rounds += 1;
        std::fs::remove_file(&cast).unwrap();
        // Threads that have nothing to do end after ten seconds.
        wait_until("the daemon is at rest", || tvmux.recordings().is_empty());
        levels.push(Level::of(daemon));
    }
    let first = levels.first().copied().unwrap_or_default();
    let last = levels.last().copied().unwrap_or_default();
    assert!(
        last.descriptors <= first.descriptors + 2,
        "seed {seed}: descriptors grow: {levels:?}"
    );
    assert!(
        last.resident < first.resident + (16 << 20),
        "seed {seed}: memory grows: {levels:?}"
    );
    let mut table = Table::new(
        format!(
            "Soak of {} s, seed {seed}: all casts valid and complete",
            time.as_secs()
        ),
        &["what", "count"],
    );
    let mut row = |what: &str, count: Value| table.row([json!(what), count]);
    row("recordings", json!(done.rounds));
    row("MB of casts", number(done.bytes as f64 / 1e6, 0));
    row("switches", json!(done.switches));
    row("resizes", json!(done.resizes));
    row("programs restarted", json!(done.restarts));
    row("daemons killed", json!(done.kills));
    row("gaps marked", json!(done.gaps));
    row(
        "resident MB, after the first",
        number(first.resident as f64 / 1e6, 1),
    );
    row(
        "resident MB, after the last",
        number(last.resident as f64 / 1e6, 1),
    );
    row("descriptors, after the first", json!(first.descriptors));
    row("descriptors, after the last", json!(last.descriptors));
    table
}

/// What a killed daemon leaves is whole.
fn check_prefix(cast: &Path) {
    let bytes = std::fs::read(cast).unwrap();
    if let Err(error) = parse_cast(&bytes) {
        panic!("{} after a kill: {error}", cast.display());
    }
}

/// Between two snapshots no line is missing and none is there twice.
fn check_complete(events: &[CastEvent], seed: u64) {
    let mut output = String::new();
    let mut painted_at = None;
    for event in events.iter().filter(|event| event.code == 'o') {
        // How the painting of every snapshot begins.
        if event.data.starts_with("\u{18}\u{1b}\\") {
            painted_at = Some(event.time);
            check_contiguous(&output, seed);
            output.clear();
        }
        // One that goes on in the next page has the same time there.
        if painted_at != Some(event.time) {
            output.push_str(&event.data);
        }
    }
    check_contiguous(&output, seed);
}

fn check_contiguous(output: &str, seed: u64) {
    let numbers: Vec<u64> = output
        .split("\r\n")
        .filter_map(|line| {
            line.strip_prefix("line ")?
                .strip_suffix(" end")?
                .parse()
                .ok()
        })
        .collect();
    for pair in numbers.windows(2) {
        // A program that was started again counts from 1, whose line may be
        // glued to what was left of one; its snapshot comes a moment later.
        let is_next = pair[0] + 1 == pair[1] || pair[1] <= 2;
        assert!(is_next, "seed {seed}: {} follows {}", pair[1], pair[0]);
    }
}
