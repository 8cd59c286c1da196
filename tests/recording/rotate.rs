//! Recordings that go on in further casts: as one, nothing is missing or there twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tvmux::chain;
use tvmux::timeline::{Timeline, TimelineOptions};

use crate::heal::pipe_process;
use crate::loss::numbers;
use crate::support::tvmux::{CastEvent, Tvmux, markers_of, output_of, read_cast};
use crate::support::{DEADLINE, TestTmux, wait_for, wait_until};

/// Bursts of numbered lines, about a megabyte a second.
const BURSTS: &str = "exec perl -e '$|=1; $b = \"\"; for ($i = 1; ; $i++) { \
                      $b .= \"line $i end\\n\"; if ($i % 500 == 0) { print $b; $b = \"\"; \
                      select(undef, undef, undef, 0.008) } }'";

fn rotating() -> Tvmux {
    Tvmux::new().with("TVMUX_RECORDING_ROTATE_SIZE", "64KiB")
}

/// Every number is there once, in order; gives how many there are.
fn contiguous(output: &str) -> usize {
    let numbers = numbers(output);
    let broken = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
    assert_eq!(broken, None, "of {} lines", numbers.len());
    numbers.len()
}

/// Waits until a recording is in its cast of this number, or a later one.
fn wait_for_part(tvmux: &Tvmux, part: u64) -> Value {
    let what = format!("part {part}");
    wait_for(&what, || {
        let all = tvmux.recordings();
        all.into_iter()
            .find(|recording| recording["part"].as_u64() >= Some(part))
    })
}

/// Whether a cast has anything at its time 0 behind the screen that it begins with: it
/// came at the very moment at which the cast before ends.
fn begins_at_once(cast: &Path) -> bool {
    let (header, events) = read_cast(cast);
    let (painted, screen) = opening(&header, &events);
    painted > screen
}

/// How many bytes a cast has at its time 0, and how many of them paint a screen.
fn opening(header: &Value, events: &[CastEvent]) -> (usize, usize) {
    let opening = events.iter().take_while(|event| event.time == 0.0);
    let painted = opening.map(|event| event.data.len()).sum();
    let screen = header["tvmux"]["screen"].as_u64().unwrap_or(0);
    (painted, screen as usize)
}

/// All casts of the chain, each a whole one that begins with a screen.
fn parts_of(tvmux: &Tvmux, first: &Path) -> Vec<PathBuf> {
    let parts = chain::from(first);
    for (at, path) in parts.iter().enumerate() {
        let (header, events) = read_cast(path);
        if at > 0 {
            let before = parts[at - 1].file_name().unwrap().to_str().unwrap();
            assert_eq!(header["tvmux"]["part"], at + 1);
            assert_eq!(header["tvmux"]["previous"], before);
            let (painted, screen) = opening(&header, &events);
            assert!(painted >= screen && screen > 0, "{painted} {screen}");
        }
        assert!(events.is_sorted_by_key(|event| event.time));
    }
    let folder = first.parent().unwrap();
    let there = fs::read_dir(folder).unwrap().flatten();
    let casts = there.filter(|entry| {
        let name = entry.file_name().into_string().unwrap();
        name.ends_with(".cast") && chain::part_path(&entry.path(), 1) == first
    });
    assert_eq!(casts.count(), parts.len(), "no part stands alone");
    tvmux.ok([
        "validate".into(),
        "-q".into(),
        parts[parts.len() - 1].clone(),
    ]);
    parts
}

fn screenshot(tvmux: &Tvmux, cast: &Path, at: &str) -> String {
    tvmux.ok(["screenshot", cast.to_str().unwrap(), "--at", at])
}

/// A chain is one cast for whoever looks at it.
fn is_one(tvmux: &Tvmux, first: &Path) {
    let parts = parts_of(tvmux, first);
    let output = tvmux.ok(["cat", first.to_str().unwrap()]);
    let joined = tvmux.folder().join("joined.cast");
    // As `cat -o joined.cast *.cast` would.
    let mut args: Vec<PathBuf> = vec!["cat".into(), "-o".into(), joined.clone()];
    args.extend(parts.iter().cloned());
    tvmux.ok(args);
    let (header, events) = read_cast(&joined);
    assert_eq!(header["tvmux"], Value::Null);
    assert_eq!(markers_of(&events), [""; 0]);
    assert!(output_of(&events) == output);
    tvmux.ok(["validate", "-q", joined.to_str().unwrap()]);

    // The parts' times follow each other.
    let lasts = parts.iter().map(|part| {
        let (_, events) = read_cast(part);
        (events.last().unwrap().time * 1e6).round() as u64
    });
    let lasts: Vec<u64> = lasts.collect();
    let timeline = Timeline::open(first, TimelineOptions::default()).unwrap();
    assert_eq!(timeline.likely_duration(), lasts.iter().sum::<u64>());
    assert_eq!(timeline.duration().unwrap(), lasts.iter().sum::<u64>());

    // What each part begins with is the screen that the one before has left.
    let one = Timeline::open(&joined, TimelineOptions::default()).unwrap();
    let screen = |timeline: &Timeline, at| tvmux::view::ansi(&timeline.at(at).unwrap());
    let mut start = 0;
    for (at, part) in parts.iter().enumerate() {
        let alone = TimelineOptions {
            alone: true,
            ..TimelineOptions::default()
        };
        let alone = Timeline::open(part, alone).unwrap();
        let end = start + lasts[at];
        if !parts.get(at + 1).is_some_and(|next| begins_at_once(next)) {
            assert_eq!(screen(&alone, lasts[at]), screen(&one, end), "part {at}");
        }
        assert_eq!(screen(&timeline, end), screen(&one, end), "part {at}");
        start = end;
    }
    assert_eq!(
        screenshot(tvmux, first, "100%"),
        screenshot(tvmux, &joined, "100%")
    );
    fs::remove_file(joined).unwrap();
}

#[test]
fn a_flood_goes_through_a_hundred_casts_and_every_line_is_there_once() {
    let tmux = TestTmux::start(BURSTS);
    let mut tvmux = rotating();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let first = tvmux.cast(&recording);
    assert_eq!(recording["part"], 1);
    for part in 1..=100 {
        wait_for_part(&tvmux, part);
    }
    let stopped: Value = serde_json::from_str(&tvmux.ok(["rec", "stop", "--json"])).unwrap();
    let last = stopped.as_array().map_or(&stopped, |all| &all[0]);
    let parts = parts_of(&tvmux, &first);
    assert!(parts.len() >= 100);
    assert!(
        last.to_string()
            .contains(parts[parts.len() - 1].to_str().unwrap()),
        "the cast that it wrote last is told: {last}"
    );
    let lines = contiguous(&tvmux.ok(["cat", first.to_str().unwrap()]));
    assert!(lines > 10_000, "{lines}");
    is_one(&tvmux, &first);
}

#[test]
fn a_daemon_that_is_killed_as_it_rotates_loses_no_line_and_no_cast() {
    let tmux = TestTmux::start(BURSTS);
    let mut tvmux = rotating().with("TVMUX_RECORDING_REPAIR_ON_STOP", "false");
    let first = tvmux.cast(&tvmux.record(&tmux, &[]));
    for round in 1..=10 {
        for part in 3 * round - 2..=3 * round {
            wait_for_part(&tvmux, part);
        }
        // At any moment of the next rotations.
        std::thread::sleep(Duration::from_micros(fastrand::u64(0..150_000)));
        let killed = tvmux.signal_daemon(Signal::SIGKILL);
        tvmux.wait_for_another_server(killed);
    }
    for part in 31..=35 {
        wait_for_part(&tvmux, part);
    }
    let recording = &tvmux.recordings()[0];
    assert_eq!(
        (&recording["carried"], &recording["gaps"]),
        (&10.into(), &0.into())
    );
    tvmux.ok(["rec", "stop"]);
    contiguous(&tvmux.ok(["cat", first.to_str().unwrap()]));
    is_one(&tvmux, &first);
}

#[test]
fn a_daemon_that_is_killed_between_the_next_cast_and_its_first_line_loses_nothing() {
    let tmux = TestTmux::start(BURSTS);
    let mut tvmux = rotating().with("TVMUX_RECORDING_REPAIR_ON_STOP", "false");
    let first = tvmux.cast(&tvmux.record(&tmux, &[]));
    let journals = tvmux.folders().state().to_owned();
    let is_named = |next: &Path| {
        let name = next.file_name().unwrap().to_str().unwrap();
        let files = fs::read_dir(&journals).unwrap().flatten();
        files
            .filter_map(|file| fs::read_to_string(file.path()).ok())
            .any(|journal| journal.contains(name))
    };
    for round in 1..=8 {
        let part = tvmux.recordings()[0]["part"].as_u64().unwrap() as u32;
        let next = chain::part_path(&first, part + 1);
        // As soon as it is there, or as the journal has its name.
        let end = Instant::now() + DEADLINE;
        while match round % 2 {
            0 => !next.exists(),
            _ => !is_named(&next),
        } {
            assert!(Instant::now() < end, "no part after {part}");
            std::hint::spin_loop();
        }
        let killed = tvmux.signal_daemon(Signal::SIGKILL);
        tvmux.wait_for_another_server(killed);
    }
    let part = tvmux.recordings()[0]["part"].as_u64().unwrap();
    wait_for_part(&tvmux, part + 3);
    assert_eq!(tvmux.recordings()[0]["gaps"], 0);
    tvmux.ok(["rec", "stop"]);
    contiguous(&tvmux.ok(["cat", first.to_str().unwrap()]));
    parts_of(&tvmux, &first);
}

/// What a power cut leaves of a recording, as far as its disk goes: no daemon, no pipe
/// process, nothing that was kept in memory.
fn cut_power(tvmux: &mut Tvmux) {
    let pipe = wait_for("a pipe process", || pipe_process(tvmux));
    tvmux.signal_daemon(Signal::SIGSTOP);
    kill(Pid::from_raw(pipe as i32), Signal::SIGKILL).unwrap();
    tvmux.signal_daemon(Signal::SIGKILL);
    fs::remove_dir_all(tvmux.folders().kept().unwrap()).unwrap();
}

#[test]
fn a_power_cut_within_a_rotation_costs_no_more_than_the_disk_lacks() {
    // What came to the disk last: the next cast, or the journal that names it.
    for has_cast in [true, false] {
        let tmux = TestTmux::start("");
        let mut tvmux = rotating();
        let first = tvmux.cast(&tvmux.record(&tmux, &[]));
        let state = fs::read_dir(tvmux.folder().join("state/tvmux")).unwrap();
        let mut state = state.map(|entry| entry.unwrap().path());
        let is_journal = |path: &PathBuf| path.to_string_lossy().ends_with(".journal.json");
        let journal = state.find(is_journal).unwrap();
        let print = |tvmux: &Tvmux, from: u32, to: u32| {
            let line = format!("seq -f 'line %.0f end' {from} {to}");
            tmux.tmux(&["send-keys", "-t", "@0", &line, "Enter"]);
            let last = format!("line {to} end");
            wait_until(&line, || {
                let output = tvmux.run(["cat", first.to_str().unwrap()]).stdout;
                String::from_utf8_lossy(&output).contains(&last)
            });
        };
        print(&tvmux, 1, 8000);
        wait_for_part(&tvmux, 2);
        let older = fs::read(&journal).unwrap();
        print(&tvmux, 8001, 16_000);
        wait_for_part(&tvmux, 3);
        let parts = chain::from(&first);
        let newest = &parts[parts.len() - 1];
        cut_power(&mut tvmux);
        match has_cast {
            true => fs::write(&journal, older).unwrap(),
            false => fs::remove_file(newest).unwrap(),
        }
        let output = || {
            let output = tvmux.ok(["cat", first.to_str().unwrap()]);
            // What it ends with is no whole line.
            numbers(&output[..output.rfind("\r\n").unwrap()])
        };
        let mut expected = BTreeSet::from_iter(output());
        tvmux.ok(["server", "start"]);
        let now = tvmux.wait_recording("it goes on with a gap", |now| now["gaps"] == 1);
        let part = now["part"].as_u64().unwrap() as usize;
        // One in which nothing but its screen was may be taken back.
        assert!(part + 1 >= parts.len(), "{now}");
        print(&tvmux, 16_001, 24_000);
        let stopped = tvmux.run(["rec", "stop", "--json"]);
        assert_eq!(stopped.status.code(), Some(1), "there is a gap");
        let stopped: Value = serde_json::from_slice(&stopped.stdout).unwrap();
        let stopped = stopped.as_array().map_or(&stopped, |all| &all[0]);
        let parts = parts_of(&tvmux, &first);
        let size = |part: &PathBuf| part.metadata().unwrap().len();
        assert_eq!(stopped["bytes"], parts.iter().map(size).sum::<u64>());
        // Those of the screen are there once more for each snapshot.
        expected.extend(16_001..=24_000);
        let there = BTreeSet::from_iter(output());
        let missing: Vec<_> = expected.difference(&there).collect();
        let other: Vec<_> = there.difference(&expected).collect();
        assert!(
            missing.is_empty() && other.is_empty(),
            "{missing:?} {other:?}"
        );
    }
}

#[test]
fn a_command_goes_through_many_casts_and_killed_daemons() {
    let mut tvmux = rotating().with("TVMUX_TMUX_COMMAND", "tmux-that-is-not-there");
    let go_on = tvmux.folder().join("go-on");
    let flood = format!(
        "i=0; while [ $i -lt 400 ]; do seq -f 'line %.0f end' $((i*100)) $((i*100+99)); \
         i=$((i+1)); sleep 0.01; done; until test -e {}; do sleep 0.05; done; echo line over end",
        go_on.display()
    );
    let mut child = tvmux
        .command(["rec", "--headless", "--", "sh", "-c", &flood])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = tvmux.cast(&wait_for_part(&tvmux, 1));
    let first = chain::part_path(&first, 1);
    for part in [2, 4] {
        wait_for_part(&tvmux, part);
        std::thread::sleep(Duration::from_micros(fastrand::u64(0..150_000)));
        let killed = tvmux.signal_daemon(Signal::SIGKILL);
        tvmux.wait_for_another_server(killed);
    }
    wait_for_part(&tvmux, 5);
    fs::write(go_on, "").unwrap();
    wait_until("the command has ended", || {
        child.try_wait().unwrap().is_some()
    });
    assert!(child.wait().unwrap().success());
    let output = tvmux.ok(["cat", first.to_str().unwrap()]);
    assert_eq!(contiguous(&output), 40_000);
    is_one(&tvmux, &first);
}

#[test]
fn programs_on_the_alternate_screen_and_new_sizes_go_from_cast_to_cast() {
    // Modes, a scroll region and colours are there before each.
    let paint = "printf '\\033[?1049h\\033[2;20r\\033[5;5H\\0337\\033[1;32m\\033[?7l'; \
                 i=0; while :; do i=$((i+1)); printf '\\033[6;1Hrow %d of \\0338saved %d\\033[20;1H\\n%s' \
                 $i $i 漢字; seq -s ' ' 1 400 | cut -c -70; done";
    let tmux = TestTmux::start(paint);
    let mut tvmux = rotating();
    tvmux.start_server();
    let first = tvmux.cast(&tvmux.record(&tmux, &[]));
    for part in 2..12 {
        wait_for_part(&tvmux, part);
        tmux.resize("@0", 60 + part as u16, 24);
    }
    tvmux.ok(["rec", "stop"]);
    is_one(&tvmux, &first);
}

#[test]
fn a_cast_of_a_certain_age_is_followed_by_another_where_anything_comes() {
    let tmux = TestTmux::start("cat");
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_ROTATE_EVERY", "1s");
    tvmux.start_server();
    let first = tvmux.cast(&tvmux.record(&tmux, &[]));
    for (round, word) in ["one", "two", "three"].into_iter().enumerate() {
        wait_until("the cast is old enough", || {
            let part = &chain::from(&first)[round];
            let written = part.metadata().unwrap().modified().unwrap();
            written.elapsed().unwrap_or_default() > Duration::from_millis(1100)
        });
        tmux.tmux(&["send-keys", "-t", "@0", word, "Enter"]);
        wait_for_part(&tvmux, round as u64 + 2);
    }
    tvmux.ok(["rec", "stop"]);
    assert_eq!(parts_of(&tvmux, &first).len(), 4);
    is_one(&tvmux, &first);
}

#[test]
fn what_a_later_cast_shows_is_found_and_played_at_its_moment() {
    let tmux = TestTmux::start("");
    let mut tvmux = rotating();
    tvmux.start_server();
    let first = tvmux.cast(&tvmux.record(&tmux, &["--title", "a chain"]));
    tmux.tmux(&["send-keys", "-t", "@0", "seq 1 40000", "Enter"]);
    wait_for_part(&tvmux, 2);
    tmux.tmux(&["send-keys", "-t", "@0", "clear; echo nee''dle", "Enter"]);
    wait_until("the needle is recorded", || {
        tvmux
            .ok(["cat", first.to_str().unwrap()])
            .contains("needle\r\n")
    });
    tvmux.ok(["rec", "stop"]);
    let parts = parts_of(&tvmux, &first);

    let hits = tvmux.ok(["search", "--json", "needle"]);
    let hits: Vec<Value> = hits
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let hits: Vec<&Value> = hits.iter().filter(|hit| hit["line"] == "needle").collect();
    assert_eq!(hits.len(), 1, "{hits:?}");
    assert_eq!(hits[0]["cast"], first.to_str().unwrap());
    let time = hits[0]["time"].as_f64().unwrap();
    let at = |time: f64| screenshot(&tvmux, &first, &format!("{time}"));
    assert!(at(time).contains("needle"), "{}", at(time));
    assert!(!at(time - 0.001).lines().any(|line| line == "needle"));
    // A line on the screen as a cast ends is told once.
    for number in [1, 20_000, 39_999] {
        let found = tvmux.ok(["search", "--word", "--json", &number.to_string()]);
        let lines = found.lines().filter(|line| {
            let hit: Value = serde_json::from_str(line).unwrap();
            hit["line"] == number.to_string().as_str()
        });
        assert_eq!(lines.count(), 1, "{number}: {found}");
    }

    let listed: Value = serde_json::from_str(&tvmux.ok(["ls", "--json"])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["cast"], first.to_str().unwrap());
    assert_eq!(listed[0]["parts"], parts.len());
    let bytes: u64 = parts
        .iter()
        .map(|part| part.metadata().unwrap().len())
        .sum();
    assert_eq!(listed[0]["bytes"], bytes);
    assert!(tvmux.ok(["show", "@latest"]).contains("Parts"));

    // Compressed parts are parts.
    let output = tvmux.ok(["cat", first.to_str().unwrap()]);
    tvmux.ok(["archive", "compress", parts[1].to_str().unwrap()]);
    assert!(!parts[1].exists());
    assert!(tvmux.ok(["cat", first.to_str().unwrap()]) == output);
    assert!(at(time).contains("needle"));

    tvmux.ok(["rm", "--yes", "@latest"]);
    assert_eq!(chain::from(&first).len(), 1);
    assert!(parts.iter().all(|part| !part.exists()));
}
