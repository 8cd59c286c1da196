//! A daemon that dies comes back by itself, and nothing is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::loss::{COUNTER, numbers, stretches};
use crate::support::tvmux::{CastEvent, Tvmux, markers_of, output_of, parse_cast, read_cast};
use crate::support::{TestTmux, wait_for, wait_until};

/// A shell command that prints a thousand numbered lines a second, each with its
/// time in milliseconds.
const CLOCK: &str = "exec perl -MTime::HiRes=time -e '$|=1; for ($i = 1; ; $i++) { \
                     printf \"line %d end\\n\", $i; printf \"at %d\\n\", time*1000; \
                     select(undef, undef, undef, 0.001) }'";

/// How often something is killed; many more by hand.
fn kills() -> u32 {
    let asked = std::env::var("TVMUX_TEST_KILLS").ok();
    asked.and_then(|kills| kills.parse().ok()).unwrap_or(8)
}

/// A recorded window, by a daemon that `rec` has started.
fn record(tmux: &TestTmux, tvmux: &Tvmux) -> (Value, PathBuf) {
    let recording = tvmux.record(tmux, &[]);
    let cast = tvmux.cast(&recording);
    (recording, cast)
}

fn length(cast: &Path) -> usize {
    fs::metadata(cast).unwrap().len() as usize
}

/// The longest time that the pane has waited between two lines, in milliseconds.
fn longest_wait(output: &str) -> u64 {
    let at = |line: &str| line.strip_prefix("at ")?.parse::<u64>().ok();
    let times: Vec<u64> = output.split("\r\n").filter_map(at).collect();
    times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap()
}

/// Every number is there once.
fn is_contiguous(output: &str) -> Result<usize, String> {
    let numbers = numbers(output);
    let broken = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
    match broken {
        None => Ok(numbers.len()),
        Some(pair) => Err(format!("{} comes after {}", pair[1], pair[0])),
    }
}

fn ms(time: Duration) -> u128 {
    time.as_millis()
}

#[test]
fn a_killed_daemon_comes_back_and_every_line_is_there_once() {
    let tmux = TestTmux::start(CLOCK);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let mut away = Vec::new();
    // What has been found whole, and stays as it is.
    let mut checked = 0;
    for round in 0..kills() {
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..4000) / 4));
        let some = length(&cast) + fastrand::usize(0..100_000);
        wait_until("output comes", || length(&cast) > some);
        let killed = tvmux.signal_daemon(Signal::SIGKILL);
        let since = Instant::now();
        let bytes = fs::read(&cast).unwrap();
        let header = "{\"version\":2,\"width\":80,\"height\":24}\n".as_bytes();
        let new = [header, &bytes[checked..]].concat();
        parse_cast(&new[if checked == 0 { header.len() } else { 0 }..])
            .unwrap_or_else(|error| panic!("kill {round}: {error}"));
        wait_until("it goes on in the same file", || {
            length(&cast) > bytes.len()
        });
        away.push(since.elapsed());
        tvmux.wait_for_another_server(killed);
        let again = fs::read(&cast).unwrap();
        assert!(
            again[..bytes.len()] == bytes,
            "what was there stays as it was"
        );
        checked = bytes.len();
    }
    away.sort();
    let (median, worst) = (away[away.len() / 2], away[away.len() - 1]);
    let recording = &tvmux.recordings()[0];
    assert_eq!(recording["carried"], kills());
    assert_eq!(recording["gaps"], 0);
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    let output = output_of(&events);
    let lines = is_contiguous(&output).unwrap();
    assert!(events.is_sorted_by_key(|event| event.time));
    println!(
        "{} kills, {lines} lines; away for {} ms (median), {} ms (worst); \
         the pane waited for {} ms at most",
        kills(),
        ms(median),
        ms(worst),
        longest_wait(&output)
    );
}

#[test]
fn a_flood_of_which_nobody_reads_is_held_up_to_the_bound() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_REPAIR_ON_STOP", "false");
    let (_, cast) = record(&tmux, &tvmux);
    let flood = |name: &str| {
        let done = tmux.folder().join(name);
        let flood = format!("seq -f 'line %.0f {name}' 1 700000; >{}", done.display());
        tmux.tmux(&["send-keys", "-t", "@0", &flood, "Enter"]);
        wait_until("the program has ended", || done.exists());
    };
    let is_recorded = |name: &str| {
        let last = format!("line 700000 {name}");
        let bytes = fs::read(&cast).unwrap();
        memchr::memmem::rfind(&bytes, last.as_bytes()).is_some()
    };
    // tmux has its history then, and all that it ever needs.
    flood("first");
    wait_until("all is in the cast", || is_recorded("first"));
    let before = memory(tmux.pid());
    tvmux.signal_daemon(Signal::SIGSTOP);
    // Neither the pane waits nor tmux.
    flood("end");
    assert_eq!(tmux.ask("@0", "#{window_id}"), "@0");
    let grown = memory(tmux.pid()).saturating_sub(before);
    tvmux.signal_daemon(Signal::SIGCONT);
    wait_until("all is in the cast", || is_recorded("end"));
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    assert_eq!(is_contiguous(&output_of(&events)), Ok(700_000));
    println!("tmux has grown by {grown} kB");
    assert!(grown < 4000, "{grown} kB wait in tmux");
}

#[test]
fn beyond_the_bound_a_flood_is_dropped_counted_and_marked() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new()
        .with("TVMUX_RECORDING_REPAIR_ON_STOP", "false")
        .with("TVMUX_RECORDING_MAX_HELD_BYTES", "1048576");
    let (_, cast) = record(&tmux, &tvmux);
    let done = tmux.folder().join("done");
    let flood = format!("seq -f 'line %.0f end' 1 700000; touch {}", done.display());
    tvmux.signal_daemon(Signal::SIGSTOP);
    tmux.tmux(&["send-keys", "-t", "@0", &flood, "Enter"]);
    wait_until("the program has ended", || done.exists());
    tvmux.signal_daemon(Signal::SIGCONT);
    let recording = tvmux.wait_recording("the gap is marked", |now| now["gaps"] == 1);
    let lost = recording["lost_bytes"].as_u64().unwrap();
    tmux.tmux(&["send-keys", "-t", "@0", "echo af''ter", "Enter"]);
    wait_until("the cast goes on", || {
        fs::read_to_string(&cast).is_ok_and(|cast| cast.contains("after"))
    });
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(1));
    let (_, events) = read_cast(&cast);
    let markers = markers_of(&events);
    assert!(
        markers.len() == 1 && markers[0].contains(&format!("{lost} bytes are missing")),
        "{markers:?}"
    );
    let stretches = stretches(&events);
    assert_eq!(stretches.len(), 2, "a snapshot ends the gap");
    let held = is_contiguous(&stretches[0].1).unwrap();
    // A line has 12 to 17 bytes with its end.
    let all = (1..=700_000u64).map(|number| number.to_string().len() + 11);
    let kept = stretches[0].1.len();
    let all: usize = all.sum();
    assert!(kept + lost as usize >= all, "{kept} + {lost} of {all}");
    assert!(kept > 1 << 20, "{held} lines are there up to the bound");
}

/// Kilobytes of a process's own memory.
fn memory(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number.unwrap().parse::<u64>().unwrap()
    };
    field("Private_Dirty:") + field("Private_Clean:")
}

/// The process between the pane and its FIFO.
fn pipe_process(tvmux: &Tvmux) -> Option<u32> {
    let pipes = tvmux.folder().join("run/tvmux/pipes");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let is_writer = |process: &fs::DirEntry| {
        fs::read_link(process.path().join("fd/1")).is_ok_and(|output| output.starts_with(&pipes))
    };
    let mut pids = processes
        .filter(is_writer)
        .filter_map(|process| process.file_name().to_str()?.parse().ok());
    pids.next()
}

#[test]
fn killed_pipe_processes_and_daemons_leave_marked_gaps_and_nothing_twice() {
    let tmux = TestTmux::start(CLOCK);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let mut cut = 0;
    for _ in 0..kills() {
        let some = length(&cast) + fastrand::usize(0..60_000);
        wait_until("output comes", || length(&cast) > some);
        let pipe = fastrand::bool();
        let daemon = !pipe || fastrand::bool();
        let pipe = if pipe { pipe_process(&tvmux) } else { None };
        let killed = daemon.then(|| tvmux.signal_daemon(Signal::SIGKILL));
        if let Some(pipe) = pipe {
            // It may be gone by now.
            cut += u32::from(kill(Pid::from_raw(pipe as i32), Signal::SIGKILL).is_ok());
        }
        match (pipe, killed) {
            (None, Some(killed)) => drop(tvmux.wait_for_another_server(killed)),
            // Nobody is left to call it.
            (Some(_), Some(_)) => {
                tvmux.run(["server", "start"]);
            }
            _ => {}
        }
        wait_until("a pipe process", || pipe_process(&tvmux).is_some());
        let now = length(&cast);
        wait_until("the cast goes on", || length(&cast) > now);
    }
    let gaps = tvmux.recordings()[0]["gaps"].as_u64().unwrap();
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(i32::from(gaps > 0)));
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events).len() as u64, gaps);
    let stretches = stretches(&events);
    let mut last = 0;
    for (_, output) in &stretches {
        is_contiguous(output).unwrap();
        let numbers = numbers(output);
        if let (Some(first), Some(end)) = (numbers.first(), numbers.last()) {
            assert!(*first > last, "{first} is there twice, after {last}");
            last = *end;
        }
    }
    // Each snapshot but the first is there for a gap.
    let story = || -> Vec<String> {
        let is_told = |event: &&CastEvent| event.code == 'm' || event.data.starts_with('\u{18}');
        let tell = |event: &CastEvent| format!("{} {:?}", event.time, event.data);
        events.iter().filter(is_told).map(tell).collect()
    };
    assert!(stretches.len() as u64 <= gaps + 1, "{:#?}", story());
    assert!(gaps <= u64::from(cut), "{gaps} gaps of {cut} cuts");
    println!("{} kills, {cut} of pipe processes; {gaps} gaps", kills());
}

#[test]
fn a_restart_under_a_flood_loses_no_byte() {
    let tmux = TestTmux::start(COUNTER);
    let tvmux = Tvmux::new().with("TVMUX_RECORDING_REPAIR_ON_STOP", "false");
    let (recording, cast) = record(&tmux, &tvmux);
    let restarts = kills() / 4;
    for _ in 0..restarts {
        let before = tvmux.server_pid().unwrap();
        let some = length(&cast);
        wait_until("output comes", || length(&cast) > some);
        tvmux.ok(["server", "restart"]);
        assert_ne!(tvmux.server_pid(), Some(before));
        let now = tvmux.wait_recording("it goes on", |_| true);
        assert_eq!(now["id"], recording["id"]);
        assert_eq!(now["cast_path"], recording["cast_path"]);
    }
    let after = length(&cast);
    wait_until("output comes", || length(&cast) > after);
    assert_eq!(tvmux.recordings()[0]["carried"], restarts);
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    let lines = is_contiguous(&output_of(&events)).unwrap();
    println!("{restarts} restarts, {lines} lines");
}

#[test]
fn a_daemon_that_was_stopped_does_not_come_back() {
    let tmux = TestTmux::start(CLOCK);
    let tvmux = Tvmux::new();
    record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    tvmux.ok(["server", "stop"]);
    wait_until("the pipe process has ended", || {
        kill(Pid::from_raw(pipe as i32), None).is_err()
    });
    assert_eq!(tvmux.server_pid(), None);
    assert_eq!(tmux.ask("@0", "#{pane_pipe}"), "0");
}

#[test]
fn the_last_words_of_a_pane_wait_for_the_next_daemon() {
    let tmux = TestTmux::start("");
    tmux.tmux(&[
        "new-window",
        "-t",
        "main:",
        "-n",
        "last",
        "read go; seq 1 20000",
    ]);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let killed = tvmux.signal_daemon(Signal::SIGKILL);
    tmux.tmux(&["send-keys", "-t", "main:last", "go", "Enter"]);
    wait_until("the last words are in the cast", || {
        fs::read_to_string(&cast).is_ok_and(|cast| cast.contains("20000\\r\\n"))
    });
    wait_until("the recording is over", || tvmux.recordings().is_empty());
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    let output = output_of(&events);
    let start = output.find("go\r\n").unwrap() + 4;
    let mut expected = 0;
    for line in output[start..].split_terminator("\r\n") {
        expected += 1;
        assert_eq!(line.parse(), Ok(expected), "{killed}");
    }
    assert_eq!(expected, 20_000);
}

#[test]
fn nothing_that_was_kept_stays_behind() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    record(&tmux, &tvmux);
    let kept = tvmux.folders().kept().unwrap();
    let files = |folder: &Path| fs::read_dir(folder).map_or(0, Iterator::count);
    assert!(files(&kept) > 0);
    for file in fs::read_dir(&kept).unwrap().flatten() {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
    }
    tvmux.ok(["server", "stop"]);
    assert_eq!(files(&kept), 0);
    assert_eq!(files(&tvmux.folder().join("run/tvmux/pipes")), 0);
}

#[test]
fn a_pipe_process_that_is_stopped_holds_up_no_stop_and_loses_nothing() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    kill(Pid::from_raw(pipe as i32), Signal::SIGSTOP).unwrap();
    tmux.tmux(&["send-keys", "-t", "@0", "echo wh''ile", "Enter"]);
    wait_until("the pane shows it", || {
        tmux.tmux(&["capture-pane", "-p", "-t", "@0"])
            .contains("while")
    });
    let start = Instant::now();
    tvmux.ok(["rec", "stop"]);
    // The rest of a pipe is waited for for 5 seconds.
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    let (_, events) = read_cast(&cast);
    assert!(output_of(&events).contains("while\r\n"));
    assert_eq!(markers_of(&events), [""; 0]);
}

#[test]
fn a_pipe_process_that_is_killed_is_replaced_and_the_gap_marked() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    kill(Pid::from_raw(pipe as i32), Signal::SIGKILL).unwrap();
    wait_until("another one", || {
        pipe_process(&tvmux).is_some_and(|another| another != pipe)
    });
    tvmux.wait_recording("the gap is marked", |now| now["gaps"] == 1);
    tmux.tmux(&["send-keys", "-t", "@0", "echo af''ter", "Enter"]);
    wait_until("the cast goes on", || {
        fs::read_to_string(&cast).is_ok_and(|cast| cast.contains("after"))
    });
    assert_eq!(tvmux.run(["rec", "stop"]).status.code(), Some(1));
    let (_, events) = read_cast(&cast);
    let markers = markers_of(&events);
    assert!(
        markers.len() == 1 && markers[0].contains("cut off"),
        "{markers:?}"
    );
}

#[test]
fn a_daemon_and_a_pipe_process_that_are_killed_together_leave_a_gap_also_in_silence() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    // As `pkill -9 tvmux` does: tmux does not see it before the pane prints.
    tvmux.signal_daemon(Signal::SIGSTOP);
    kill(Pid::from_raw(pipe as i32), Signal::SIGKILL).unwrap();
    tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.ok(["server", "start"]);
    wait_until("another pipe process", || {
        pipe_process(&tvmux).is_some_and(|another| another != pipe)
    });
    tvmux.wait_recording("it goes on", |now| now["state"] == "recording");
    tmux.tmux(&["send-keys", "-t", "@0", "echo af''ter", "Enter"]);
    wait_until("the cast goes on", || {
        fs::read_to_string(&cast).is_ok_and(|cast| cast.contains("after"))
    });
    assert_eq!(tvmux.run(["rec", "stop"]).status.code(), Some(1));
    let (_, events) = read_cast(&cast);
    let markers = markers_of(&events);
    assert!(
        markers.len() == 1 && markers[0].contains("interrupted"),
        "{markers:?}"
    );
}

#[test]
fn a_swept_runtime_folder_is_made_anew_by_the_next_daemon() {
    let tmux = TestTmux::start(CLOCK);
    let tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let daemon = tvmux.server_pid().unwrap();
    fs::remove_dir_all(tvmux.folder().join("run/tvmux")).unwrap();
    let now = length(&cast);
    wait_until("it goes on without", || length(&cast) > now);
    kill(Pid::from_raw(daemon as i32), Signal::SIGKILL).unwrap();
    tvmux.wait_for_another_server(daemon);
    let now = length(&cast);
    wait_until("the cast goes on", || length(&cast) > now);
    let gaps = tvmux.recordings()[0]["gaps"].as_u64().unwrap();
    assert_eq!(tvmux.run(["rec", "stop"]).status.code(), Some(1));
    let (_, events) = read_cast(&cast);
    assert_eq!(
        markers_of(&events).len() as u64,
        gaps,
        "what is missing is marked"
    );
}
