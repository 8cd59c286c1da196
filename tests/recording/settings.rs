//! Settings that change while the daemon runs.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::tvmux::{Tvmux, recorded};
use crate::support::{TestTmux, wait_until};

fn write(tvmux: &Tvmux, text: &str) -> PathBuf {
    let file = tvmux.folder().join("config/tvmux/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    file
}

/// What `config show` says the running daemon works with instead.
fn differing(tvmux: &Tvmux) -> Vec<String> {
    let shown = tvmux.ok(["config", "show"]);
    let lines: Vec<&str> = shown.lines().collect();
    let note = |pair: &[&str]| {
        let there = pair[1].strip_prefix("# (the running server works with ")?;
        let key = pair[0].split(' ').next()?;
        Some(format!("{key}: {}", there.trim_end_matches(')')))
    };
    lines.windows(2).filter_map(note).collect()
}

#[test]
fn a_reload_takes_effect_at_once() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    write(
        &tvmux,
        "[recording]\nflush_interval_ms = 60000\nsync_interval_ms = 60000\n",
    );
    let pid = tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let cast = tvmux.cast(&recording);
    let has = |text: &str| recorded(&cast).contains(text);
    let print = |text: &str| {
        let line = format!("echo {text}''x");
        tmux.tmux(&["send-keys", "-t", "@0", &line, "Enter"]);
    };
    let read = |recordings: Vec<Value>| recordings[0]["bytes"].as_u64().unwrap();
    let before = read(tvmux.recordings());
    print("first");
    wait_until("it was read", || read(tvmux.recordings()) > before);
    assert!(!has("firstx"), "it waits in memory for a minute");
    assert_eq!(differing(&tvmux), [""; 0]);

    let file = write(
        &tvmux,
        "[recording]\nflush_interval_ms = 50\n[server]\nauth = false\n",
    );
    assert_eq!(
        differing(&tvmux),
        [
            "auth: true",
            "flush_interval_ms: 60000",
            "sync_interval_ms: 60000"
        ]
    );
    let said = tvmux.ok(["server", "reload"]);
    let applied = format!(
        "In force now ({}): recording.flush_interval_ms, recording.sync_interval_ms.",
        file.display()
    );
    assert!(said.contains(&applied), "{said}");
    assert!(said.contains("started again: server.auth"), "{said}");
    assert_eq!(differing(&tvmux), ["auth: true"]);
    // The recording that runs has it too, also for what waits.
    print("second");
    wait_until("both are in the file", || has("firstx") && has("secondx"));

    // A mistake changes nothing, and is named.
    write(&tvmux, "[recording]\n\nflush_interval_ms = 0\n");
    let refused = tvmux.run(["server", "reload"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("config.toml:3: recording.flush_interval_ms"),
        "{said}"
    );

    // The signal that daemons know does the same.
    write(&tvmux, "[recording]\nflush_interval_ms = 70\n");
    assert_eq!(differing(&tvmux), ["flush_interval_ms: 50"]);
    kill(Pid::from_raw(pid as i32), Signal::SIGHUP).unwrap();
    wait_until("it was read again", || differing(&tvmux).is_empty());
    assert_eq!(tvmux.recordings().len(), 1, "it records on");
    let again: Value = serde_json::from_str(&tvmux.ok(["server", "reload", "--json"])).unwrap();
    assert_eq!(again["applied"], serde_json::json!([]));
}

#[test]
fn the_log_level_changes_and_debug_says_more() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "info");
    tvmux.start_server();
    tvmux.record(&tmux, &[]);
    tvmux.ok(["rec", "stop"]);
    let log = tvmux.log();
    assert!(log.contains("recording") && !log.contains("DEBUG"), "{log}");
    tvmux.ok(["server", "stop"]);
    tvmux.end_server(Signal::SIGTERM);

    // From the file, so that it can change.
    let mut tvmux = Tvmux::new().without("TVMUX_LOGGING_LEVEL");
    tvmux.start_server();
    write(&tvmux, "[logging]\nlevel = \"debug\"\n");
    tvmux.ok(["server", "reload"]);
    tvmux.record(&tmux, &[]);
    tvmux.ok(["rec", "stop"]);
    let log = tvmux.log();
    for said in ["DEBUG", "POST /recordings"] {
        assert!(log.contains(said), "{said}: {log}");
    }
}
