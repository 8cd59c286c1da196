//! A daemon that dies comes back by itself, and nothing is missing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tvmux::record::RecallPlan;

use crate::loss::{COUNTER, numbers, stretches};
use crate::support::tvmux::{
    CastEvent, Tvmux, markers_of, output_of, parse_cast, read_cast, recorded,
};
use crate::support::{TestTmux, shielded, skipped, wait_for, wait_until};

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

/// What is printed from now on is recorded.
fn goes_on(tmux: &TestTmux, cast: &Path) {
    tmux.tmux(&["send-keys", "-t", "@0", "echo af''ter", "Enter"]);
    wait_until("the cast goes on", || recorded(cast).contains("after"));
}

/// The cast has one marker, with `why` in it; gives its events.
fn has_one_gap(cast: &Path, why: &str) -> Vec<CastEvent> {
    let (_, events) = read_cast(cast);
    let markers = markers_of(&events);
    assert!(
        markers.len() == 1 && markers[0].contains(why),
        "{markers:?}"
    );
    events
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
        thread::sleep(Duration::from_millis(fastrand::u64(0..4000) / 4));
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
fn what_comes_while_no_daemon_is_there_has_the_times_at_which_it_came() {
    let tmux = TestTmux::start(CLOCK);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let printed = || {
        let screen = tmux.tmux(&["capture-pane", "-p", "-t", "@0"]);
        let numbers = numbers(&screen.replace('\n', "\r\n"));
        numbers.last().copied().unwrap_or(0)
    };
    let wait_for_lines = |more: u64| {
        let some = printed() + more;
        wait_until("more is printed", || printed() >= some);
    };
    let mut spans = Vec::new();
    // The second time something was held before; both times some is not read.
    for _ in 0..2 {
        let now = length(&cast);
        wait_until("the cast goes on", || length(&cast) > now);
        // As if another pipe process was starting a daemon.
        let tries = tvmux.folder().join("state/tvmux/lock.tries");
        let tries = wait_for("the lock of those who start a daemon", || {
            let file = File::options().append(true).create(true).open(&tries);
            Flock::lock(file.unwrap(), FlockArg::LockExclusiveNonblock).ok()
        });
        tvmux.signal_daemon(Signal::SIGSTOP);
        wait_for_lines(50);
        let killed = tvmux.signal_daemon(Signal::SIGKILL);
        let from = printed();
        wait_for_lines(500);
        spans.push((from, printed()));
        drop(tries);
        tvmux.wait_for_another_server(killed);
    }
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    is_contiguous(&output_of(&events)).unwrap();
    for (from, to) in spans {
        let came = events.iter().filter(|event| {
            let numbers = numbers(&event.data);
            numbers.iter().any(|number| (from..=to).contains(number))
        });
        let times: BTreeSet<u64> = came.map(|event| (event.time * 1e6) as u64).collect();
        assert!(times.len() > 10, "{from} to {to}: {times:?}");
    }
}

#[test]
fn a_daemon_that_is_killed_in_a_flood_misses_no_byte_of_it() {
    const LINES: u64 = 700_000;
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_REPAIR_ON_STOP", "false");
    let (_, cast) = record(&tmux, &tvmux);
    // All of it is less than a pipe process holds.
    let flood = format!("seq -f 'line %.0f end' 1 {LINES}");
    tmux.tmux(&["send-keys", "-t", "@0", &flood, "Enter"]);
    for _ in 0..2 {
        let some = length(&cast) + fastrand::usize(0..2_000_000);
        wait_until("output comes", || length(&cast) > some);
        let killed = tvmux.signal_daemon(Signal::SIGKILL);
        tvmux.wait_for_another_server(killed);
    }
    let last = format!("line {LINES} end");
    wait_until("all is in the cast", || {
        let bytes = fs::read(&cast).unwrap();
        memchr::memmem::rfind(&bytes, last.as_bytes()).is_some()
    });
    assert_eq!(tvmux.recordings()[0]["gaps"], 0);
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    assert_eq!(is_contiguous(&output_of(&events)), Ok(LINES as usize));
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
    goes_on(&tmux, &cast);
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(1));
    let events = has_one_gap(&cast, &format!("{lost} bytes are missing"));
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

/// Kilobytes that a process has written to, without what the loader has written of
/// its program: that depends on how it was built.
fn written(pid: u32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap();
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    let program = program.to_str().unwrap();
    let mut is_program = false;
    let mut sum = 0;
    for line in maps.lines() {
        if line
            .split(' ')
            .next()
            .is_some_and(|range| range.contains('-'))
        {
            is_program = line.ends_with(program);
        } else if let Some(kilobytes) = line.strip_prefix("Private_Dirty:")
            && !is_program
        {
            let kilobytes = kilobytes.split_whitespace().next().unwrap();
            sum += kilobytes.parse::<u64>().unwrap();
        }
    }
    sum
}

/// The process between the pane and its FIFO.
pub fn pipe_process(tvmux: &Tvmux) -> Option<u32> {
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

/// Rewrites the journal of the only recording as another program would have written it.
fn as_of_format(tvmux: &Tvmux, format: u32) {
    let path = wait_for("the journal", || {
        let state = fs::read_dir(tvmux.folder().join("state/tvmux")).unwrap();
        let mut paths = state.map(|entry| entry.unwrap().path());
        paths.find(|path| path.to_string_lossy().ends_with(".journal.json"))
    });
    let mut journal: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    journal["format"] = format.into();
    if format == 1 {
        journal.as_object_mut().unwrap().remove("carried");
    }
    fs::write(path, journal.to_string()).unwrap();
}

#[test]
fn a_restart_reads_an_older_journal_and_leaves_a_newer_one_to_its_program() {
    let tmux = TestTmux::start(CLOCK);
    let mut tvmux = Tvmux::new();
    let (recording, cast) = record(&tmux, &tvmux);
    as_of_format(&tvmux, 1);
    tvmux.ok(["server", "restart"]);
    tvmux.wait_recording("it goes on", |now| now["carried"] == 1);
    as_of_format(&tvmux, 99);
    tvmux.signal_daemon(Signal::SIGKILL);
    wait_until("another daemon leaves it alone", || {
        tvmux
            .log()
            .contains("its format is 99, that of a newer tvmux")
    });
    // The newer program comes, with the format that this one knows.
    as_of_format(&tvmux, 2);
    let _ = tvmux.run(["server", "restart"]);
    let now = tvmux.wait_recording("it goes on", |now| now["state"] == "recording");
    assert_eq!(now["id"], recording["id"]);
    let before = length(&cast);
    wait_until("output comes", || length(&cast) > before);
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    is_contiguous(&output_of(&events)).unwrap();
}

#[test]
fn a_command_is_carried_over_like_a_pane() {
    let mut tvmux = Tvmux::new();
    let end = tvmux.folder().join("end");
    let script = format!(
        "$|=1; for ($i = 1; !-e \"{}\"; $i++) {{ printf \"line %d end\\n\", $i; \
         select(undef, undef, undef, 0.001) }}",
        end.display()
    );
    let args = ["rec", "-q", "--headless", "--", "perl", "-e", &script];
    let mut command = tvmux.command(args).spawn().unwrap();
    let recording = tvmux.wait_recording("it is recorded", |_| true);
    let cast = tvmux.cast(&recording);
    for round in 0..kills() {
        let some = length(&cast) + fastrand::usize(0..60_000);
        wait_until("output comes", || length(&cast) > some);
        if round % 4 == 3 {
            tvmux.ok(["server", "restart"]);
        } else {
            // Its client starts another one.
            let killed = tvmux.signal_daemon(Signal::SIGKILL);
            tvmux.wait_for_another_server(killed);
        }
        let carried = u64::from(round) + 1;
        let now = tvmux.wait_recording("it goes on", |now| now["carried"] == carried);
        assert_eq!(now["id"], recording["id"]);
        assert_eq!(now["cast_path"], recording["cast_path"]);
        let now = length(&cast);
        wait_until("in the same file", || length(&cast) > now);
    }
    fs::write(&end, "").unwrap();
    let status = command.wait().unwrap();
    assert_eq!(status.code(), Some(0), "nothing is missing");
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    assert!(events.is_sorted_by_key(|event| event.time));
    let lines = is_contiguous(&output_of(&events)).unwrap();
    println!("{} ends of the daemon, {lines} lines of a command", kills());
    let kept = tvmux.folders().kept().unwrap();
    assert_eq!(fs::read_dir(kept).map_or(0, Iterator::count), 0);
}

#[test]
fn a_suspended_machine_goes_on_where_it_stood() {
    let tmux = TestTmux::start(CLOCK);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    let daemon = tvmux.server_pid().unwrap();
    for _ in 0..3 {
        let some = length(&cast) + fastrand::usize(0..30_000);
        wait_until("output comes", || length(&cast) > some);
        // All at once, as far as that can be had, and in another order each time.
        let mut all = [daemon, pipe, tmux.pid()];
        fastrand::shuffle(&mut all);
        for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
            for pid in all {
                kill(Pid::from_raw(pid as i32), signal).unwrap();
            }
            thread::sleep(Duration::from_millis(300));
        }
        let now = length(&cast);
        wait_until("the cast goes on", || length(&cast) > now);
    }
    assert_eq!(tvmux.signal_daemon(Signal::SIGCONT), daemon);
    assert_eq!(tvmux.recordings()[0]["gaps"], 0);
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    is_contiguous(&output_of(&events)).unwrap();
}

#[test]
fn a_clock_that_was_set_back_turns_no_time_back() {
    let tmux = TestTmux::start(CLOCK);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    // As if the recording had begun an hour from now, by the clock of today.
    let journal = fs::read_dir(tvmux.folders().state()).unwrap().flatten();
    let mut journal = journal
        .map(|file| file.path())
        .filter(|path| path.to_string_lossy().ends_with(".journal.json"));
    let journal = journal.next().unwrap();
    let set_back = || {
        let mut content: Value = serde_json::from_slice(&fs::read(&journal).unwrap()).unwrap();
        let started = content["started_micros"].as_u64().unwrap();
        content["started_micros"] = (started + 3_600_000_000).into();
        fs::write(&journal, content.to_string()).unwrap();
    };
    for is_kept in [true, false] {
        let some = length(&cast);
        wait_until("output comes", || length(&cast) > some);
        tvmux.signal_daemon(Signal::SIGSTOP);
        set_back();
        if !is_kept {
            fs::remove_dir_all(tvmux.folders().kept().unwrap()).unwrap();
        }
        let killed = tvmux.signal_daemon(Signal::SIGKILL);
        tvmux.wait_for_another_server(killed);
        let now = length(&cast);
        wait_until("the cast goes on", || length(&cast) > now);
    }
    // What was not kept is missing, and that is said.
    assert_eq!(tvmux.recordings()[0]["gaps"], 1);
    assert_eq!(tvmux.run(["rec", "stop"]).status.code(), Some(1));
    let (_, events) = read_cast(&cast);
    assert!(events.is_sorted_by_key(|event| event.time));
    let last = events.last().unwrap().time;
    assert!(last < 600.0, "{last} s");
}

#[test]
fn a_pipe_process_has_little_memory_of_its_own() {
    let tmux = TestTmux::start(CLOCK);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let some = length(&cast) + 20_000;
    wait_until("output comes", || length(&cast) > some);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    let before = written(pipe);
    // Also when it has held something, and has handed it on.
    let killed = tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.wait_for_another_server(killed);
    let some = length(&cast) + 20_000;
    wait_until("the cast goes on", || length(&cast) > some);
    let after = written(pipe);
    println!("{before} kB of its own, {after} kB behind a daemon's end");
    assert!(before < 500, "{before} kB");
    assert!(after < 500, "{after} kB");
}

#[test]
fn a_supervisor_is_told_and_given_the_first_turn() {
    let tmux = TestTmux::start(CLOCK);
    let tvmux = Tvmux::new();
    let path = tvmux.folder().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    // What daemons have told, read as it comes: the socket holds ten messages. From
    // the third daemon on nobody reads it.
    let patience = Duration::from_millis(20);
    socket.set_read_timeout(Some(patience)).unwrap();
    let told = Arc::new(Mutex::new(Some(Vec::new())));
    let reader = thread::spawn({
        let told = Arc::clone(&told);
        move || {
            let mut buffer = [0; 100];
            loop {
                let count = socket.recv(&mut buffer);
                let mut told = told.lock().unwrap();
                let Some(told) = &mut *told else {
                    return socket;
                };
                if let Ok(count) = count {
                    told.push(String::from_utf8_lossy(&buffer[..count]).trim().to_owned());
                }
            }
        }
    });
    let is_told = |what: &str| {
        let told = told.lock().unwrap();
        told.iter().flatten().any(|told| told == what)
    };
    let supervised = || {
        // As systemd does: only the process that is supervised feeds the watchdog.
        let program = env!("CARGO_BIN_EXE_tvmux");
        let run =
            format!("WATCHDOG_PID=$$ exec '{program}' server run 2>>\"$XDG_RUNTIME_DIR/../log\"");
        let mut command = shielded("/bin/sh");
        let variables = tvmux.command([""; 0]);
        let variables = variables
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        command.args(["-c", &run]).envs(variables);
        command.env("NOTIFY_SOCKET", &path);
        command.env("WATCHDOG_USEC", "200000").spawn().unwrap()
    };
    let mut first = supervised();
    wait_until("it is ready", || is_told("READY=1"));
    wait_until("its watchdog is fed", || is_told("WATCHDOG=1"));
    let (_, cast) = record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));

    // One that dies is started by its supervisor, not by the pipe process.
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = supervised();
    assert_eq!(tvmux.wait_for_another_server(first.id()), second.id());
    let now = length(&cast);
    wait_until("the cast goes on", || length(&cast) > now);

    // So is the next one that is asked for.
    let restart = tvmux.command(["server", "restart"]).spawn().unwrap();
    let status = second.wait().unwrap();
    assert_eq!(
        status.code(),
        Some(75),
        "the supervisor is to start another"
    );
    wait_until("its end is told", || is_told("STOPPING=1"));
    *told.lock().unwrap() = None;
    let _unread = reader.join().unwrap();
    let mut third = supervised();
    assert!(restart.wait_with_output().unwrap().status.success());
    assert_eq!(tvmux.server_pid(), Some(third.id()));
    tvmux.wait_recording("it goes on", |now| now["carried"] == 2);
    assert_eq!(pipe_process(&tvmux), Some(pipe));
    tvmux.ok(["server", "stop"]);
    assert_eq!(third.wait().unwrap().code(), Some(0));
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    is_contiguous(&output_of(&events)).unwrap();
}

#[test]
fn the_unit_supervises_this_program() {
    let tvmux = Tvmux::new();
    let unit = tvmux.ok(["server", "unit"]);
    let program = env!("CARGO_BIN_EXE_tvmux");
    assert!(unit.contains(&format!("\nExecStart=\"{program}\" server run\n")));
    for line in ["Type=notify", "WatchdogSec=30", "KillMode=process"] {
        assert!(unit.lines().any(|found| found == line), "{line}: {unit}");
    }
    let file = tvmux.folder().join("tvmux.service");
    fs::write(&file, unit).unwrap();
    let verify = ["--user", "--man=no", "verify"];
    let mut analyze = shielded("systemd-analyze");
    analyze.args(verify).arg(file);
    let verified = analyze.env("XDG_RUNTIME_DIR", tvmux.folder()).output();
    match verified {
        Err(_) => skipped("systemd-analyze", "whether systemd takes the unit"),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!said.contains("tvmux.service"), "{said}");
        }
    }
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
        // tmux itself drops what it has not handed on yet as a pane ends.
        "read go; seq 1 20000; sleep 0.5",
    ]);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let plan = RecallPlan::read(tvmux.folders().runtime()).unwrap();
    let nobody_calls = wait_for("no pipe process calls", || plan.hold_calls());
    let killed = tvmux.signal_daemon(Signal::SIGKILL);
    tmux.tmux(&["send-keys", "-t", "main:last", "go", "Enter"]);
    wait_until("the pane has ended", || {
        !tmux
            .tmux(&["list-windows", "-F", "#{window_name}"])
            .contains("last")
    });
    drop(nobody_calls);
    wait_until("the last words are in the cast", || {
        recorded(&cast).contains("20000\r\n")
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
fn a_window_that_goes_while_the_fifo_seems_to_be_read_calls_the_next_daemon() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["new-window", "-d", "-t", "main:"]);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    // As a process does that the daemon was starting as it died.
    let mut pipes = fs::read_dir(tvmux.folders().pipes()).unwrap().flatten();
    let fifo = wait_for("the FIFO", || {
        pipes.find(|pipe| pipe.file_type().unwrap().is_fifo())
    });
    let reader = fs::File::options()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(fifo.path())
        .unwrap();
    tvmux.signal_daemon(Signal::SIGKILL);
    tmux.tmux(&["kill-window", "-t", "@0"]);
    wait_until("the recording is over", || tvmux.log().contains("finished"));
    drop(reader);
    read_cast(&cast);
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
fn a_pipe_process_that_is_stopped_is_woken() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    kill(Pid::from_raw(pipe as i32), Signal::SIGSTOP).unwrap();
    tmux.tmux(&["send-keys", "-t", "@0", "echo wh''ile", "Enter"]);
    wait_until("it is recorded all the same", || {
        recorded(&cast).contains("while")
    });
    assert_eq!(pipe_process(&tvmux), Some(pipe));
    tvmux.ok(["rec", "stop"]);
    assert!(tvmux.log().contains("a pipe process was stopped"));
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
    goes_on(&tmux, &cast);
    assert_eq!(tvmux.run(["rec", "stop"]).status.code(), Some(1));
    has_one_gap(&cast, "cut off");
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
    goes_on(&tmux, &cast);
    assert_eq!(tvmux.run(["rec", "stop"]).status.code(), Some(1));
    has_one_gap(&cast, "interrupted");
}

#[test]
fn a_window_that_went_with_daemon_and_pipe_process_ends_its_recording_visibly() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["new-window", "-d", "-t", "main:"]);
    let mut tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let pipe = wait_for("a pipe process", || pipe_process(&tvmux));
    tvmux.signal_daemon(Signal::SIGSTOP);
    kill(Pid::from_raw(pipe as i32), Signal::SIGKILL).unwrap();
    tmux.tmux(&["kill-window", "-t", "@0"]);
    tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.ok(["server", "start"]);
    let ended = wait_for("it has ended", || {
        let all: Value = serde_json::from_str(&tvmux.ok(["rec", "ls", "--all", "--json"])).unwrap();
        let first = all.as_array()?.first()?.clone();
        (first["state"] == "finished").then_some(first)
    });
    assert_eq!(tvmux.cast(&ended), cast);
    assert_eq!(ended["gaps"], 1);
    has_one_gap(&cast, "interrupted");
}

#[test]
fn the_next_daemon_makes_a_swept_runtime_folder_again() {
    let tmux = TestTmux::start(CLOCK);
    let tvmux = Tvmux::new();
    let (_, cast) = record(&tmux, &tvmux);
    let begun = length(&cast);
    wait_until("output comes", || length(&cast) > begun);
    let daemon = tvmux.server_pid().unwrap();
    let token = fs::read(tvmux.folders().token()).unwrap();
    fs::remove_dir_all(tvmux.folder().join("run/tvmux")).unwrap();
    let now = length(&cast);
    wait_until("it goes on without", || length(&cast) > now);
    // Whoever looks for it has it made again.
    tvmux.ok(["server", "status"]);
    wait_until("the token is there again", || {
        fs::read(tvmux.folders().token()).is_ok_and(|again| again == token)
    });
    assert_eq!(tvmux.server_pid(), Some(daemon));
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
