//! Recordings of which only the last minutes are kept.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tvmux::chain;
use tvmux::timeline::{Timeline, TimelineOptions};

use crate::auto::{new_window, turn_on, user};
use crate::loss::numbers;
use crate::support::tvmux::{Tvmux, read_cast};
use crate::support::{TestTmux, wait_for, wait_until};

/// Numbered lines, some two thousand a second.
pub const LINES: &str = "exec perl -e '$|=1; $b = \"\"; for ($i = 1; ; $i++) { \
                     $b .= \"line $i end\\n\"; if ($i % 40 == 0) { print $b; $b = \"\"; \
                     select(undef, undef, undef, 0.02) } }'";

/// The same, ten times as many.
const MANY: &str = "exec perl -e '$|=1; $b = \"\"; for ($i = 1; ; $i++) { \
                    $b .= \"line $i end\\n\"; if ($i % 400 == 0) { print $b; $b = \"\"; \
                    select(undef, undef, undef, 0.02) } }'";

/// Every number is there once, in order; gives the first and the last.
pub fn contiguous(output: &str) -> (u64, u64) {
    let numbers = numbers(output);
    let broken = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
    assert_eq!(broken, None, "of {} lines", numbers.len());
    (numbers[0], numbers[numbers.len() - 1])
}

/// The window's recording, once it is in its cast of this number.
pub fn wait_for_part(tvmux: &Tvmux, part: u64) -> Value {
    wait_for(&format!("part {part}"), || {
        let all = tvmux.recordings();
        all.into_iter()
            .find(|recording| recording["part"].as_u64() >= Some(part))
    })
}

pub fn save(tvmux: &Tvmux, more: &[&str]) -> Value {
    let mut args = vec!["rec", "save", "--json"];
    args.extend(more);
    serde_json::from_str(&tvmux.ok(args)).unwrap()
}

pub fn first_cast(saved: &Value) -> PathBuf {
    PathBuf::from(saved["cast_path"].as_str().unwrap())
}

/// The number of the last line that tmux shows.
pub fn last_shown(tmux: &TestTmux) -> u64 {
    let screen = tmux.tmux(&["capture-pane", "-p", "-t", "@0"]);
    let number = |line: &str| {
        line.strip_prefix("line ")?
            .strip_suffix(" end")?
            .parse()
            .ok()
    };
    screen.lines().filter_map(number).next_back().unwrap()
}

pub fn rings(tvmux: &Tvmux) -> PathBuf {
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
    // At once: what is kept goes by the clock, however slow the machine is.
    let again = first_cast(&save(&tvmux, &["@0"]));
    let first = first_cast(&saved);
    assert_ne!(again, first);
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
    let (oldest, later) = contiguous(&tvmux.ok(["cat", again.to_str().unwrap()]));
    assert!(
        oldest <= newest && newest <= later,
        "both have what is in both"
    );
    let all = listed(&tvmux);
    assert_eq!(all.len(), 2, "{all:?}");

    // It goes on as before.
    wait_for_part(&tvmux, 18);
    let third = first_cast(&save(&tvmux, &[]));
    let (_, latest) = contiguous(&tvmux.ok(["cat", third.to_str().unwrap()]));
    assert!(latest > later);
    tvmux.ok(["rec", "stop"]);
    assert!(!rings(&tvmux).exists(), "what was not saved is gone");
    assert_eq!(listed(&tvmux).len(), 3);
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

/// The processes that work out the screen of a daemon's casts.
fn helpers(daemon: u32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children"));
    let children = children.unwrap_or_default();
    let is_helper = |child: &&str| {
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        memchr::memmem::find(&line, b"part-screen").is_some()
    };
    let helpers = children.split_whitespace().filter(is_helper);
    helpers.map(|child| child.parse().unwrap()).collect()
}

/// Whether a cast of a ring holds a text.
fn is_in_ring(tvmux: &Tvmux, text: &str) -> bool {
    let rings = fs::read_dir(rings(tvmux)).unwrap().flatten();
    let mut files = rings.flat_map(|ring| fs::read_dir(ring.path()).unwrap().flatten());
    files.any(|file| {
        let bytes = fs::read(file.path()).unwrap_or_default();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    })
}

#[test]
fn a_part_that_alone_is_more_than_is_kept_goes_and_the_gap_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let calm = folder.path().join("calm");
    // A fifth of it from then on, so that a busy machine works out the screens.
    let slower = format!("-e \"{}\" ? 0.1 : 0.02", calm.display());
    let tmux = TestTmux::start(&MANY.replace("0.02", &slower));
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_FLASHBACK_MAX_SIZE", "1MiB");
    let daemon = tvmux.start_server();
    tvmux.record(&tmux, &["--flashback", "1h"]);
    let gap = "tvmux: gap: the pane printed more than may be kept";
    let mut most = 0;
    wait_until("the part is removed, and another one begins", || {
        most = most.max(bytes_below(&rings(&tvmux)));
        let is_marked = is_in_ring(&tvmux, gap);
        // Nobody works out a screen until then: the part goes on.
        let signal = if is_marked {
            Signal::SIGCONT
        } else {
            Signal::SIGSTOP
        };
        for helper in helpers(daemon) {
            let _ = kill(Pid::from_raw(helper), signal);
        }
        is_marked
    });
    fs::write(calm, "").unwrap();
    // What was before it has made room for it.
    assert!(most <= 5 << 18, "{most} bytes");
    let part = tvmux.recordings()[0]["part"].as_u64().unwrap();
    // What was read of the cast that was removed is in nobody's way.
    wait_for_part(&tvmux, part + 1);
    let saved = save(&tvmux, &[]);
    assert_eq!(saved["recording"]["gaps"], 1, "{saved}");
    contiguous(&tvmux.ok(["cat", first_cast(&saved).to_str().unwrap()]));
    // A recording that has lost something says so in the end.
    let stopped = tvmux.run(["rec", "stop"]);
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
}

#[test]
fn what_is_saved_has_the_title_that_the_recording_was_given() {
    let tmux = TestTmux::start(LINES);
    let tvmux = Tvmux::new();
    tvmux.record(&tmux, &["--flashback", "4s", "--title", "first"]);
    let titles = || {
        let listed = listed(&tvmux).into_iter();
        let mut titles: Vec<String> = listed
            .map(|cast| cast["title"].as_str().unwrap().to_owned())
            .collect();
        titles.sort();
        titles
    };
    wait_for_part(&tvmux, 4);
    save(&tvmux, &[]);
    assert_eq!(titles(), ["first"]);
    // While it is in the ring, and once the part in which it was given is gone.
    tvmux.ok(["rec", "title", "second"]);
    let saved = first_cast(&save(&tvmux, &[]));
    assert_eq!(titles(), ["first", "second"]);
    let last = chain::from(&saved).pop().unwrap();
    wait_until("the header has it too", || {
        read_cast(&last).0["title"] == "second"
    });
    let part = tvmux.recordings()[0]["part"].as_u64().unwrap();
    wait_for_part(&tvmux, part + 10);
    let saved = first_cast(&save(&tvmux, &[]));
    let (header, events) = read_cast(&saved);
    assert_eq!(header["title"], "second");
    assert!(!events.iter().any(|event| event.data.contains("second")));
    tvmux.ok(["rec", "title", "third"]);
    save(&tvmux, &["--continue"]);
    tvmux.wait_recording("all is kept", |recording| recording["flashback"].is_null());
    tvmux.ok(["rec", "title", "fourth"]);
    tvmux.ok(["rec", "stop"]);
    assert_eq!(titles(), ["first", "fourth", "second", "second"]);
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
