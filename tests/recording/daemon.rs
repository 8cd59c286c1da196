//! The daemon's own life: its start and end on demand, what it costs idle, and
//! what holds it up.

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::faults::FailingWrites;
use crate::support::tvmux::{Tvmux, markers_of, output_of, read_cast, recorded};
use crate::support::{TestTmux, wait_for, wait_until};

#[test]
fn two_starts_at_the_same_moment_share_one_daemon() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["new-window", "-d", "-t", "main:"]);
    let socket = tmux.socket();
    let tvmux = Tvmux::new();
    for round in 0..5 {
        let start = |window| {
            let args = ["rec", "start", "-S", socket.to_str().unwrap(), "-t", window];
            let mut command = tvmux.command(args);
            command.stdout(std::process::Stdio::piped());
            command.stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        };
        let both = [start("@0"), start("@1")];
        for start in both {
            let output = start.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {output:?}");
        }
        assert_eq!(tvmux.recordings().len(), 2, "round {round}");
        tvmux.ok(["server", "stop"]);
    }
}

#[test]
fn a_daemon_whose_first_recording_is_refused_ends() {
    let tmux = TestTmux::start("");
    let socket = tmux.socket();
    let tvmux = Tvmux::new();
    let args = [
        "rec",
        "start",
        "-S",
        socket.to_str().unwrap(),
        "-t",
        "nope:",
    ];
    let refused = tvmux.run(args);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let log = tvmux.log();
    assert!(log.contains("listening"), "it has been started: {log}");
    wait_until("the daemon has ended", || {
        tvmux.run(["server", "status"]).status.code() == Some(1)
    });
}

#[test]
fn a_swept_folder_of_pipes_is_made_again() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["split-window", "-t", "@0"]);
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    fs::remove_dir_all(pipes(&tvmux)).unwrap();
    tmux.tmux(&["select-pane", "-t", "%0"]);
    tvmux.wait_recording("on %0", |recording| recording["active_pane"] == "%0");
    tmux.tmux(&["send-keys", "-t", "%0", "echo sw''ept", "Enter"]);
    let cast = tvmux.cast(&recording);
    wait_until("the other pane's output is in the cast", || {
        recorded(&cast).contains("swept")
    });
    // Nothing is missing.
    tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
}

#[test]
fn a_daemon_whose_folders_are_gone_ends_when_asked() {
    let tmux = TestTmux::start("");
    for records in ["nothing", "a window", "a command", "both"] {
        let mut tvmux = Tvmux::new();
        tvmux.start_server();
        if ["a window", "both"].contains(&records) {
            tvmux.record(&tmux, &[]);
        }
        let command = ["a command", "both"].contains(&records).then(|| {
            let args = ["rec", "-q", "--", "sh", "-c", "echo up; cat"];
            let mut command = tvmux.command(args);
            let command = command.stdin(std::process::Stdio::piped());
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        });
        let expected = usize::from(records != "nothing") + usize::from(records == "both");
        wait_until(records, || tvmux.recordings().len() == expected);
        for folder in ["run", "state", "casts"] {
            fs::remove_dir_all(tvmux.folder().join(folder)).unwrap();
        }
        tmux.tmux(&["send-keys", "-t", "@0", "echo un''seen", "Enter"]);
        tvmux.end_server(Signal::SIGTERM);
        if let Some(mut command) = command {
            // The end of its input is the command's end.
            drop(command.stdin.take());
            command.wait().unwrap();
        }
    }
}

#[test]
fn a_second_signal_ends_a_daemon_that_waits_for_a_disk() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    let daemon = tvmux.start_server();
    tvmux.record(&tmux, &[]);
    let Some(hanging) = FailingWrites::hang(daemon) else {
        return;
    };
    tmux.tmux(&["send-keys", "-t", "@0", "echo un''written", "Enter"]);
    tvmux.signal_server(Signal::SIGTERM);
    wait_until("it ends", || tvmux.log().contains("ending"));
    tvmux.signal_server(Signal::SIGTERM);
    // As long as strace holds the thread that writes, nobody can wait for the rest.
    wait_until("it has ended", || {
        let stat = fs::read_to_string(format!("/proc/{daemon}/stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    });
    drop(hanging);
    tvmux.end_server(Signal::SIGTERM);
    assert!(tvmux.log().contains("not waiting for the end"));
}

#[test]
fn no_client_is_attached_while_recording() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["split-window", "-t", "@0"]);
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    for pane in ["%0", "%1"] {
        tmux.tmux(&["select-pane", "-t", pane]);
        tvmux.wait_recording(pane, |recording| recording["active_pane"] == pane);
        assert_eq!(tmux.tmux(&["list-clients"]), "");
        assert_eq!(tmux.ask("main:", "#{session_attached}"), "0");
    }
    tvmux.ok(["rec", "stop", recording["id"].as_str().unwrap()]);
}

/// How often the threads of a process have gone to sleep so far: once for each
/// time that something woke them.
fn sleeps(pid: u32) -> u64 {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        // A thread may end meanwhile.
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        total += line.map_or(0, |count| count.trim().parse::<u64>().unwrap());
    }
    total
}

/// Waits for a second in which the process is woken at most `most` times.
fn has_calm_second(pid: u32, most: u64) {
    wait_until(&format!("a second with at most {most} wake-ups"), || {
        let before = sleeps(pid);
        std::thread::sleep(Duration::from_secs(1));
        sleeps(pid).saturating_sub(before) <= most
    });
}

#[test]
fn nothing_wakes_an_idle_daemon() {
    let tmux = TestTmux::start("exec cat");
    let mut tvmux = Tvmux::new();
    let pid = tvmux.start_server();
    has_calm_second(pid, 0);
    // Nor while nothing is printed, but for a slow look.
    tvmux.record(&tmux, &[]);
    has_calm_second(pid, 0);
    // Nor over hooks that seem to be missing, since others hide them.
    for hook in ["session-window-changed", "after-set-hook"] {
        tmux.tmux(&["set-hook", "-t", "main", hook, "set-option -g @seen 1"]);
    }
    tmux.tmux(&["set-option", "-g", "@other", "1"]);
    has_calm_second(pid, 0);
    tvmux.ok(["rec", "stop"]);
    has_calm_second(pid, 0);
}

fn pipes(tvmux: &Tvmux) -> PathBuf {
    tvmux.folder().join("run/tvmux/pipes")
}

/// The FIFOs that there are.
fn fifos(tvmux: &Tvmux) -> Vec<PathBuf> {
    let entries = fs::read_dir(pipes(tvmux)).unwrap().flatten();
    let is_fifo = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_fifo());
    entries.filter(is_fifo).map(|entry| entry.path()).collect()
}

/// Brings a recording to wait for an old pipe that does not run dry, as somebody
/// has it open; gives that end and the FIFO's path. (A pipe process that is stopped
/// would be woken.)
fn wait_for_an_old_pipe(tmux: &TestTmux, tvmux: &Tvmux, width: u16) -> (File, PathBuf) {
    let old = wait_for("one pipe", || {
        let fifos = fifos(tvmux);
        (fifos.len() == 1).then(|| fifos[0].clone())
    });
    let held = File::options().write(true).open(&old).unwrap();
    tmux.tmux(&["resize-window", "-t", "@0", "-x", &width.to_string()]);
    wait_until("another pipe", || fifos(tvmux).len() == 2);
    (held, old)
}

#[test]
fn a_mark_does_not_wait_for_an_old_pipe() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    tvmux.record(&tmux, &[]);
    // On a very busy machine the old pipe may be given up before the mark comes.
    let answers_meanwhile = |width| {
        let (_held, old) = wait_for_an_old_pipe(&tmux, &tvmux, width);
        tvmux.ok(["rec", "mark", "here"]);
        old.exists()
    };
    assert!([90, 100, 110, 120].into_iter().any(answers_meanwhile));
}

#[test]
fn a_stop_does_not_wait_for_an_old_pipe() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    tmux.tmux(&["send-keys", "-t", "@0", "echo be''fore", "Enter"]);
    let cast = tvmux.cast(&recording);
    wait_until("the output is in the cast", || {
        recorded(&cast).contains("before")
    });
    let is_quick = |width| {
        if tvmux.recordings().is_empty() {
            tvmux.record(&tmux, &[]);
        }
        let _held = wait_for_an_old_pipe(&tmux, &tvmux, width);
        let start = Instant::now();
        tvmux.ok(["rec", "stop"]);
        // Without a stop an old pipe is waited for for 5 seconds.
        start.elapsed() < Duration::from_secs(2)
    };
    assert!([90, 100, 110].into_iter().any(is_quick));
    let (_, events) = read_cast(&cast);
    assert!(output_of(&events).contains("before\r\n"));
}
