//! Pauses: not a byte of what is printed meanwhile is anywhere.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::tvmux::{Tvmux, markers_of, output_of, parse_cast, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

/// What must be nowhere, in two parts for whoever types it.
pub const SECRET: [&str; 2] = ["hu", "sh-4711-0815"];

pub fn contains(text: &[u8], word: &str) -> bool {
    memchr::memmem::find(text, word.as_bytes()).is_some()
}

/// The files below a folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => all.extend(files_in(&entry.path())),
            Ok(kind) if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    all
}

/// Whether a process's memory holds a text.
fn remembers(pid: u32, word: &str) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    maps.lines().any(|line| {
        let mut parts = line.split([' ', '-']);
        let mut number = || u64::from_str_radix(parts.next().unwrap(), 16).unwrap();
        let (start, end) = (number(), number());
        let is_readable = parts.next().is_some_and(|rights| rights.starts_with('r'));
        let mut bytes = Vec::new();
        if is_readable && memory.seek(SeekFrom::Start(start)).is_ok() {
            // Some of the kernel's own cannot be read.
            let _ = (&mut memory).take(end - start).read_to_end(&mut bytes);
        }
        contains(&bytes, word)
    })
}

/// The secret is in no file of the user's, nor in the daemon's memory.
#[track_caller]
pub fn assert_unknown(tvmux: &Tvmux) {
    let secret = SECRET.concat();
    let kept = tvmux.folders().kept().map(files_in_owned);
    let files = files_in(tvmux.folder());
    assert!(!files.is_empty());
    for file in files.into_iter().chain(kept.into_iter().flatten()) {
        let text = fs::read(&file).unwrap_or_default();
        assert!(!contains(&text, &secret), "{}", file.display());
    }
    let pid = tvmux.server_pid().unwrap();
    assert!(!remembers(pid, &secret), "the daemon knows it");
    // What is looked for would be found.
    assert!(remembers(pid, tvmux.folder().to_str().unwrap()));
}

/// A window that is recorded: its tmux server, the user, the recording's id, its cast.
fn recorded_window(mut tvmux: Tvmux) -> (TestTmux, Tvmux, String, PathBuf) {
    let tmux = TestTmux::start("");
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let cast = tvmux.cast(&recording);
    let id = recording["id"].as_str().unwrap().to_owned();
    (tmux, tvmux, id, cast)
}

fn files_in_owned(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    files_in(folder.as_ref())
}

pub fn state(tvmux: &Tvmux) -> Value {
    tvmux.recordings()[0]["state"].clone()
}

pub fn typed(tmux: &TestTmux, line: &str) {
    tmux.tmux(&["send-keys", "-t", "main:", line, "Enter"]);
}

#[track_caller]
pub fn wait_shown(tmux: &TestTmux, word: &str) {
    wait_until(word, || {
        tmux.tmux(&["capture-pane", "-p", "-t", "main:"])
            .contains(word)
    });
}

pub fn print_secret(tmux: &TestTmux) {
    let [one, two] = SECRET;
    typed(tmux, &format!("printf '%s\\n' '{one}''{two}'"));
    wait_shown(tmux, &SECRET.concat());
    typed(tmux, "clear; printf 'wi''ped\\n'");
    wait_shown(tmux, "wiped");
}

/// Waits until something is recorded.
#[track_caller]
pub fn wait_recorded(cast: &Path, word: &str) {
    wait_until(word, || recorded(cast).contains(word));
}

/// How many pipe processes the tmux server has.
fn pipe_processes(tmux: &TestTmux) -> usize {
    let pid = tmux.ask("main:", "#{pid}");
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let is_relay = |child: &&str| {
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        contains(&line, "pipe-relay") || contains(&line, "cat")
    };
    children.split_whitespace().filter(is_relay).count()
}

#[test]
fn a_secret_between_pause_and_resume_is_nowhere() {
    let (tmux, tvmux, id, cast) = recorded_window(Tvmux::new());
    let id = id.as_str();
    typed(&tmux, "echo be''fore");
    wait_shown(&tmux, "before");
    let said = tvmux.ok(["rec", "pause", id]);
    assert_eq!(said, format!("Paused {id}\n"));

    // It is off by then, not soon.
    assert_eq!(tmux.ask("main:", "#{pane_pipe}"), "0");
    assert_eq!(pipe_processes(&tmux), 0);
    assert_eq!(state(&tvmux), "paused");
    assert!(tvmux.ok(["rec", "ls"]).contains("PAUSED"));
    wait_until("the window's mark", || {
        tmux.ask("main:", "#{@tvmux_recording}") == "paused"
    });
    print_secret(&tmux);
    assert_unknown(&tvmux);
    // Asked for twice is once.
    tvmux.ok(["rec", "pause", id]);
    tvmux.ok(["rec", "mark", "-t", id, "meanwhile"]);

    let said = tvmux.ok(["rec", "resume", "@0"]);
    assert_eq!(said, format!("Resumed {id}\n"));
    assert_eq!(tmux.ask("main:", "#{pane_pipe}"), "1");
    assert_eq!(state(&tvmux), "recording");
    typed(&tmux, "echo af''ter");
    wait_recorded(&cast, "after");
    assert_unknown(&tvmux);
    wait_until("the window's mark", || {
        tmux.ask("main:", "#{@tvmux_recording}") == "1"
    });
    tvmux.ok(["rec", "stop", id]);
    let (_, events) = read_cast(&cast);
    let output = output_of(&events);
    assert!(output.contains("before\r\n") && output.contains("after\r\n"));
    assert!(!output.contains(&SECRET.concat()));
    assert_eq!(
        markers_of(&events),
        ["tvmux: paused", "meanwhile", "tvmux: resumed"]
    );
    // Between the two nothing but what somebody has said.
    let marks = |label: &str| {
        let mut all = events.iter();
        all.position(|event| event.code == 'm' && event.data == label)
            .unwrap()
    };
    assert_eq!(marks("tvmux: resumed"), marks("tvmux: paused") + 2);
    assert!(!fs::exists(cast.with_extension("cast.bak")).unwrap());
}

#[test]
fn what_was_printed_in_a_flood_before_a_pause_is_there_and_all_that_follows_it() {
    let (tmux, tvmux, id, cast) = recorded_window(Tvmux::new());
    let id = id.as_str();
    typed(&tmux, "i=0; while :; do echo line $i; i=$((i+1)); done");
    wait_recorded(&cast, "line 2000\r");
    for _ in 0..5 {
        tvmux.ok(["rec", "pause", id]);
        let bytes = tvmux.recordings()[0]["bytes"].clone();
        // It goes on printing.
        let shown = || tmux.tmux(&["capture-pane", "-p", "-t", "main:"]);
        let before = shown();
        wait_until("the pane prints", || shown() != before);
        assert_eq!(tvmux.recordings()[0]["bytes"], bytes);
        tvmux.ok(["rec", "resume", id]);
    }
    tmux.tmux(&["send-keys", "-t", "main:", "C-c"]);
    typed(&tmux, "echo af''ter");
    wait_recorded(&cast, "after\r");
    tvmux.ok(["rec", "stop", id]);
    let (_, events) = read_cast(&cast);
    // Each part of the stream counts up without a hole.
    let mut parts: Vec<String> = vec![String::new()];
    for event in &events {
        match (event.code, event.data.as_str()) {
            ('m', "tvmux: resumed") => parts.push(String::new()),
            ('o', text) => parts.last_mut().unwrap().push_str(text),
            _ => {}
        }
    }
    assert_eq!(parts.len(), 6);
    for (number, part) in parts.iter().enumerate() {
        // From the snapshot on, whose lines end otherwise, and without the line
        // that the pause or the interrupt cuts.
        let lines = part
            .split_inclusive("\r\n")
            .filter_map(|line| line.strip_prefix("line ")?.strip_suffix("\r\n"));
        let numbers: Vec<u32> = lines.filter_map(|line| line.parse().ok()).collect();
        let whole: Vec<_> = numbers.windows(2).collect();
        let skip = if number == 0 { 0 } else { 1 };
        for pair in whole.iter().skip(skip) {
            assert_eq!(pair[0] + 1, pair[1], "part {number}");
        }
    }
}

#[test]
fn a_paused_recording_is_paused_still_when_the_daemon_was_killed() {
    let (tmux, mut tvmux, id, cast) = recorded_window(Tvmux::new());
    let id = id.as_str();
    typed(&tmux, "echo be''fore");
    wait_shown(&tmux, "before");
    tvmux.ok(["rec", "pause", "--for", "1h", id]);
    let until = tvmux.recordings()[0]["paused_until"].as_u64();
    tvmux.signal_daemon(Signal::SIGKILL);
    print_secret(&tmux);
    tvmux.ok(["server", "start"]);
    assert_eq!(state(&tvmux), "paused");
    assert_eq!(tvmux.recordings()[0]["paused_until"].as_u64(), until);
    assert_unknown(&tvmux);
    // And once more: nobody calls it back, but who wants to go on.
    tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.ok(["rec", "resume", id]);
    typed(&tmux, "echo af''ter");
    wait_recorded(&cast, "after");
    assert_unknown(&tvmux);
    tvmux.ok(["rec", "stop", id]);
    let (_, events) = read_cast(&cast);
    let output = output_of(&events);
    assert!(output.contains("before\r\n") && output.contains("after\r\n"));
    assert_eq!(markers_of(&events), ["tvmux: paused", "tvmux: resumed"]);
}

#[test]
fn a_pause_ends_by_itself_and_with_the_pane_that_is_active_then() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let cast = tvmux.cast(&recording);
    tvmux.ok(["rec", "pause", "--for", "1s"]);
    tmux.tmux(&["split-window", "-t", "main:", "exec cat"]);
    let recording = tvmux.wait_recording("it goes on", |recording| {
        recording["state"] == "recording" && recording["active_pane"] == "%1"
    });
    assert_eq!(recording["paused_until"], Value::Null);
    typed(&tmux, "in the other pane");
    wait_recorded(&cast, "in the other pane");
    // A recording that ends while it is paused is whole.
    tvmux.ok(["rec", "pause"]);
    tmux.tmux(&["kill-pane", "-t", "%1"]);
    tmux.tmux(&["kill-window", "-t", "main:"]);
    wait_until("it ends with its window", || tvmux.recordings().is_empty());
    let (_, events) = read_cast(&cast);
    let paused = ["tvmux: paused", "tvmux: resumed", "tvmux: paused"];
    assert_eq!(markers_of(&events), paused);
    assert_eq!(events.last().unwrap().data, "tvmux: paused");
}

#[test]
fn a_pause_of_a_command_takes_nothing_from_its_terminal() {
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let (first, second) = (tvmux.folder().join("1"), tvmux.folder().join("2"));
    let [one, two] = SECRET;
    let until = |file: &Path| format!("until [ -e {} ]; do sleep 0.02; done", file.display());
    let script = format!(
        "echo before; {}; echo {one}''{two}; echo shown >&2; {}; echo after",
        until(&first),
        until(&second)
    );
    let mut child = tvmux
        .command(["rec", "-q", "--", "sh", "-c", &script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let recording = tvmux.wait_recording("it is recorded", |recording| {
        recorded(&tvmux.cast(recording)).contains("before")
    });
    let (id, cast) = (recording["id"].as_str().unwrap(), tvmux.cast(&recording));
    tvmux.ok(["rec", "pause", id]);
    assert_eq!(state(&tvmux), "paused");
    fs::write(&first, "").unwrap();
    let mut shown = Vec::new();
    let mut stdout = child.stdout.take().unwrap();
    wait_until("the secret is shown", || {
        let mut buffer = [0; 4096];
        let count = stdout.read(&mut buffer).unwrap();
        shown.extend_from_slice(&buffer[..count]);
        contains(&shown, "shown")
    });
    assert_unknown(&tvmux);
    // The daemon dies, and its heir knows.
    let killed = tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.wait_for_another_server(killed);
    tvmux.wait_recording("it is paused still", |recording| {
        recording["state"] == "paused"
    });
    tvmux.ok(["rec", "resume", id]);
    fs::write(&second, "").unwrap();
    assert!(child.wait().unwrap().success());
    let (_, events) = parse_cast(&fs::read(&cast).unwrap()).unwrap();
    let output = output_of(&events);
    assert!(
        output.contains("before\r\n") && output.contains("after\r\n"),
        "{output}"
    );
    assert!(!output.contains(&SECRET.concat()));
    let markers = markers_of(&events);
    assert_eq!(markers.first(), Some(&"tvmux: paused"));
    assert_eq!(markers.last(), Some(&"tvmux: resumed"));
    assert!(
        !markers.iter().any(|marker| marker.contains("gap")),
        "{markers:?}"
    );
}

/// A program that waits for a file, shows the secret, waits for another and cleans up.
pub fn keeper(tvmux: &Tvmux) -> [PathBuf; 3] {
    let at = |name: &str| tvmux.folder().join(name);
    let (program, first, second) = (at("keeper"), at("1"), at("2"));
    let [one, two] = SECRET;
    let until = |file: &Path| format!("until [ -e {} ]; do sleep 0.02; done\n", file.display());
    let script = format!(
        "#!/bin/sh\n{}echo {one}''{two}\n{}clear\n",
        until(&first),
        until(&second)
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    [program, first, second]
}

#[test]
fn commands_that_the_settings_name_are_not_recorded() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_PAUSE_ON", "other|keeper s*");
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let cast = tvmux.cast(&recording);
    let [program, first, second] = keeper(&tvmux);
    // Another one of its name is.
    typed(&tmux, "echo keeper show");
    wait_recorded(&cast, "\nkeeper show\r\n");
    typed(&tmux, &format!("{} show", program.display()));
    let paused = tvmux.wait_recording("it is paused", |recording| recording["state"] == "paused");
    assert_eq!(paused["reason"], "`keeper s*` runs");
    fs::write(&first, "").unwrap();
    wait_shown(&tmux, &SECRET.concat());
    assert_unknown(&tvmux);
    // Also where the daemon that has seen it is killed.
    tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.ok(["server", "start"]);
    assert_eq!(state(&tvmux), "paused");
    assert_unknown(&tvmux);
    fs::write(&second, "").unwrap();
    tvmux.wait_recording("it goes on", |recording| recording["state"] == "recording");
    typed(&tmux, "echo af''ter");
    wait_recorded(&cast, "after\r\n");
    assert_unknown(&tvmux);
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(
        markers_of(&events),
        ["tvmux: paused: `keeper s*` runs", "tvmux: resumed"]
    );
}

#[test]
fn a_password_prompt_is_not_recorded_where_the_settings_say_so_unless_somebody_does() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_PAUSE_ON_NO_ECHO", "true");
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let (id, cast) = (recording["id"].as_str().unwrap(), tvmux.cast(&recording));
    let ask = "sh -c 'stty -echo; printf Pass''word:; read word; stty echo; echo do''ne'";
    typed(&tmux, ask);
    let paused = tvmux.wait_recording("it is paused", |recording| recording["state"] == "paused");
    assert_eq!(paused["reason"], "what is typed is hidden");
    typed(&tmux, &SECRET.concat());
    tvmux.wait_recording("it goes on", |recording| recording["state"] == "recording");
    wait_recorded(&cast, "done");
    assert_unknown(&tvmux);
    // A program that takes key by key has no line to hide: editors are recorded.
    typed(
        &tmux,
        "sh -c 'stty -echo -icanon; echo ra''w; read word; stty sane'",
    );
    wait_recorded(&cast, "raw\r\n");
    assert_eq!(state(&tvmux), "recording");
    typed(&tmux, "");
    // Whoever wants a prompt in the cast says so while it is there.
    typed(&tmux, "clear");
    typed(&tmux, ask);
    tvmux.wait_recording("it is paused", |recording| recording["state"] == "paused");
    tvmux.ok(["rec", "resume", id]);
    assert_eq!(state(&tvmux), "recording");
    typed(&tmux, "x");
    wait_shown(&tmux, "done");
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    let hidden = "tvmux: paused: what is typed is hidden";
    let markers = markers_of(&events);
    let wanted = [hidden, "tvmux: resumed", hidden, "tvmux: resumed"];
    assert_eq!(markers, wanted);
}
