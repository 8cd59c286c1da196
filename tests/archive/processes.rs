//! More than one process, and processes that are killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use crate::casts::mixed;
use crate::support::tvmux::Tvmux;
use crate::support::{TestTmux, wait_until};
use crate::{found, listed, write};

fn fill(user: &Tvmux, casts: u64) {
    for seed in 0..casts {
        write(user, &format!("{seed}.cast"), &mixed(seed, 300_000));
    }
}

/// All lines that are known, with their times.
fn all_lines(user: &Tvmux) -> Vec<(String, String, String)> {
    let mut all: Vec<_> = found(user, &["-E", "."])
        .iter()
        .map(|hit| {
            let name = Path::new(hit["cast"].as_str().unwrap())
                .file_name()
                .unwrap();
            let name = name.to_string_lossy().into_owned();
            (
                name,
                hit["time"].to_string(),
                hit["line"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn several_updates_at_once_read_each_cast_once() {
    let (user, other) = (Tvmux::new(), Tvmux::new());
    fill(&user, 4);
    fill(&other, 4);
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            user.command(["archive", "update"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    // Whoever only looks need not wait for them.
    assert_eq!(listed(&user, &[]).len(), 4);
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    other.ok(["archive", "update"]);
    let lines = all_lines(&other);
    assert!(lines.len() > 1000, "{}", lines.len());
    assert_eq!(all_lines(&user), lines);
    assert!(user.ok(["archive", "verify"]).contains("all is well"));
}

#[test]
fn updates_that_are_killed_lose_and_double_nothing() {
    let (user, other) = (Tvmux::new(), Tvmux::new());
    fill(&user, 3);
    fill(&other, 3);
    let mut rng = Rng::with_seed(11);
    for round in 0..12 {
        let mut child = user.command(["archive", "update", "-q"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(rng.u64(5..250)));
        match round % 3 {
            0 => nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(child.id() as i32),
                nix::sys::signal::Signal::SIGINT,
            )
            .unwrap(),
            _ => child.kill().unwrap(),
        }
        child.wait().unwrap();
        let casts: Vec<Value> = listed(&user, &[]);
        assert_eq!(casts.len(), 3, "after kill {round}");
    }
    user.ok(["archive", "update"]);
    other.ok(["archive", "update"]);
    assert_eq!(all_lines(&user), all_lines(&other));
    assert!(user.ok(["archive", "verify"]).contains("all is well"));
}

#[test]
fn a_recording_is_found_while_it_runs_and_read_by_itself_when_it_ends() {
    let user = Tvmux::new().with("TVMUX_ARCHIVE_AUTO_UPDATE", "true");
    let tmux = TestTmux::start("");
    let recording = user.record(&tmux, &[]);
    tmux.tmux(&["send-keys", "-t", "main:", "echo live-$((40+2))", "Enter"]);
    wait_until("it is found while it is recorded", || {
        found(&user, &["live-42"]).len() == 1
    });
    let running = listed(&user, &["--running"]);
    assert_eq!(running.len(), 1);
    assert_eq!(running[0]["cast"], recording["cast_path"]);
    let refused = user.run(["rm", "--yes", "@latest"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("being recorded"));
    user.ok(["rec", "stop"]);
    wait_until("the server has had it read", || {
        let entry = listed(&user, &[]).remove(0);
        entry["state"] == "finished" && entry["due"] == false
    });
    assert_eq!(found(&user, &["live-42"]).len(), 1);
}

#[test]
fn what_a_recording_writes_is_read_while_it_runs() {
    let user = Tvmux::new()
        .with("TVMUX_ARCHIVE_AUTO_UPDATE", "true")
        .with("TVMUX_ARCHIVE_UPDATE_INTERVAL_MS", "1000");
    let tmux = TestTmux::start("");
    user.record(&tmux, &[]);
    // `ls` reads nothing itself.
    wait_until("the server has had it read", || {
        tmux.tmux(&["send-keys", "-t", "main:", "echo again", "Enter"]);
        let casts = listed(&user, &[]);
        casts[0]["state"] == "running" && casts[0]["indexed"].as_u64() > Some(0)
    });
    user.ok(["rec", "stop"]);
}
