//! Recordings of which only the last minutes are kept.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::Value;
use tvmux::chain;
use tvmux::timeline::{Timeline, TimelineOptions};

use crate::auto::{new_window, turn_on, user};
use crate::loss::numbers;
use crate::support::tvmux::{Tvmux, read_cast};
use crate::support::{TestTmux, wait_for, wait_until};

/// Numbered lines, some two thousand a second.
const LINES: &str = "exec perl -e '$|=1; $b = \"\"; for ($i = 1; ; $i++) { \
                     $b .= \"line $i end\\n\"; if ($i % 40 == 0) { print $b; $b = \"\"; \
                     select(undef, undef, undef, 0.02) } }'";

/// The same, ten times as many.
const MANY: &str = "exec perl -e '$|=1; $b = \"\"; for ($i = 1; ; $i++) { \
                    $b .= \"line $i end\\n\"; if ($i % 400 == 0) { print $b; $b = \"\"; \
                    select(undef, undef, undef, 0.02) } }'";

/// Every number is there once, in order; gives the first and the last.
fn contiguous(output: &str) -> (u64, u64) {
    let numbers = numbers(output);
    let broken = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
    assert_eq!(broken, None, "of {} lines", numbers.len());
    (numbers[0], numbers[numbers.len() - 1])
}

/// The window's recording, once it is in its cast of this number.
fn wait_for_part(tvmux: &Tvmux, part: u64) -> Value {
    wait_for(&format!("part {part}"), || {
        let all = tvmux.recordings();
        all.into_iter()
            .find(|recording| recording["part"].as_u64() >= Some(part))
    })
}

fn save(tvmux: &Tvmux, more: &[&str]) -> Value {
    let mut args = vec!["rec", "save", "--json"];
    args.extend(more);
    serde_json::from_str(&tvmux.ok(args)).unwrap()
}

fn first_cast(saved: &Value) -> PathBuf {
    PathBuf::from(saved["cast_path"].as_str().unwrap())
}

/// The number of the last line that tmux shows.
fn last_shown(tmux: &TestTmux) -> u64 {
    let screen = tmux.tmux(&["capture-pane", "-p", "-t", "@0"]);
    let number = |line: &str| {
        line.strip_prefix("line ")?
            .strip_suffix(" end")?
            .parse()
            .ok()
    };
    screen.lines().filter_map(number).next_back().unwrap()
}

fn rings(tvmux: &Tvmux) -> PathBuf {
    tvmux.folder().join("casts/.flashback")
}

/// Bytes of all files in a folder's folders.
fn bytes_below(folder: &Path) -> u64 {
    let rings = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = rings.flat_map(|ring| fs::read_dir(ring.path()).into_iter().flatten().flatten());
    files
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}

fn listed(tvmux: &Tvmux) -> Vec<Value> {
    tvmux.ok(["archive", "update", "--quiet"]);
    serde_json::from_str(&tvmux.ok(["ls", "--json"])).unwrap()
}

#[test]
fn the_last_seconds_are_kept_and_saved_when_asked_for() {
    let tmux = TestTmux::start(LINES);
    let tvmux = Tvmux::new();
    let recording = tvmux.record(&tmux, &["--flashback", "4s"]);
    assert_eq!(recording["flashback"], 4);
    assert!(tvmux.cast(&recording).starts_with(rings(&tvmux)));
    wait_for_part(&tvmux, 14);
    assert_eq!(listed(&tvmux), [] as [Value; 0], "nothing is a cast yet");

    let shown = last_shown(&tmux);
    let saved = save(&tvmux, &[]);
    let first = first_cast(&saved);
    assert!(first.starts_with(tvmux.folder().join("casts")), "{saved}");
    let parts = chain::from(&first);
    assert_eq!(saved["parts"], parts.len());
    let (oldest, newest) = contiguous(&tvmux.ok(["cat", first.to_str().unwrap()]));
    assert!(
        oldest > 40 && newest >= shown,
        "{oldest} to {newest}, {shown} was shown"
    );
    let timeline = Timeline::open(&first, TimelineOptions::default()).unwrap();
    let duration = timeline.duration().unwrap();
    assert!(duration >= 3_500_000, "{duration} µs");
    // Its first screen is a whole one.
    let screen = tvmux.ok(["screenshot", first.to_str().unwrap(), "--at", "0"]);
    assert!(
        screen.lines().filter(|line| line.contains("line ")).count() >= 20,
        "{screen}"
    );
    let all = listed(&tvmux);
    assert_eq!(all.len(), 1, "{all:?}");

    // It goes on as before, and may be saved again.
    wait_for_part(&tvmux, 18);
    let again = first_cast(&save(&tvmux, &["@0"]));
    assert_ne!(again, first);
    let (oldest, _) = contiguous(&tvmux.ok(["cat", again.to_str().unwrap()]));
    assert!(oldest <= newest, "both have what is in both");
    tvmux.ok(["rec", "stop"]);
    assert!(!rings(&tvmux).exists(), "what was not saved is gone");
    assert_eq!(listed(&tvmux).len(), 2);
    for part in parts {
        read_cast(&part);
    }
}

#[test]
fn a_save_that_continues_is_a_recording_like_any_other() {
    let tmux = TestTmux::start(LINES);
    let tvmux = Tvmux::new();
    tvmux.record(&tmux, &["--flashback", "4s"]);
    wait_for_part(&tvmux, 10);
    let saved = save(&tvmux, &["--continue"]);
    let first = first_cast(&saved);
    let recording =
        tvmux.wait_recording("all is kept", |recording| recording["flashback"].is_null());
    assert_eq!(chain::first(&tvmux.cast(&recording)), first);
    let shown = last_shown(&tmux) + 2000;
    wait_until("more has come", || last_shown(&tmux) > shown);
    tvmux.ok(["rec", "stop"]);
    let (_, newest) = contiguous(&tvmux.ok(["cat", first.to_str().unwrap()]));
    assert!(newest >= shown, "{newest}");
    assert!(!rings(&tvmux).exists());
    assert_eq!(listed(&tvmux).len(), 1);
    for part in chain::from(&first) {
        read_cast(&part);
    }
}

#[test]
fn a_killed_daemon_goes_on_with_what_is_kept() {
    let tmux = TestTmux::start(LINES);
    let mut tvmux = Tvmux::new();
    tvmux.record(&tmux, &["--flashback", "6s"]);
    wait_for_part(&tvmux, 4);
    let before = tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.wait_for_another_server(before);
    wait_for_part(&tvmux, 6);
    let shown = last_shown(&tmux);
    let first = first_cast(&save(&tvmux, &[]));
    let (_, newest) = contiguous(&tvmux.ok(["cat", first.to_str().unwrap()]));
    assert!(newest >= shown);
    tvmux.ok(["rec", "stop"]);
    assert!(!rings(&tvmux).exists());
}

#[test]
fn what_is_kept_is_bounded_on_the_disk() {
    let tmux = TestTmux::start(MANY);
    let tvmux = Tvmux::new().with("TVMUX_RECORDING_FLASHBACK_MAX_SIZE", "1MiB");
    tvmux.record(&tmux, &["--flashback", "1h"]);
    let mut most = 0;
    wait_until("it has been round", || {
        most = most.max(bytes_below(&rings(&tvmux)));
        let recordings = tvmux.recordings();
        recordings[0]["bytes"].as_u64() > Some(3 << 20)
    });
    assert!(most <= 5 << 18, "{most} bytes");
    let first = first_cast(&save(&tvmux, &[]));
    contiguous(&tvmux.ok(["cat", first.to_str().unwrap()]));
}

#[test]
fn a_rule_may_keep_the_last_minutes_alone() {
    let tmux = TestTmux::start("exec cat");
    let tvmux = user("[[auto]]\nwindow = 'w*'\nrecord = 'flashback'\n[[auto]]\nwindow = 'all'\n");
    turn_on(&tvmux, &tmux);
    let window = new_window(&tmux, "main", "w", "echo he''re; exec cat");
    let recording = tvmux.wait_recording("it is kept", |recording| {
        recording["window_id"] == window.as_str()
    });
    assert_eq!(recording["flashback"], 900);
    let saved = save(&tvmux, &[&window]);
    assert!(
        tvmux
            .ok(["cat", first_cast(&saved).to_str().unwrap()])
            .contains("here")
    );
    let socket = tmux.socket();
    let said = tvmux.ok(["auto", "test", "-S", socket.to_str().unwrap(), &window]);
    assert!(
        said.contains("fits rule 1, which keeps the last minutes of it"),
        "{said}"
    );

    // All of another is kept: there is nothing to save.
    let all = new_window(&tmux, "main", "all", "exec cat");
    tvmux.wait_recording("it is recorded", |recording| {
        recording["window_id"] == all.as_str()
    });
    let refused = tvmux.run(["rec", "save", &all]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("is kept: there is nothing to save"), "{said}");
    // So it is clear which one is meant.
    assert_eq!(save(&tvmux, &[])["recording"]["window_id"], window.as_str());
    let refused = tvmux.run(["rec", "--flashback", "15m", "--", "true"]);
    assert_eq!(refused.status.code(), Some(2));
}
