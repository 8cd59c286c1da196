//! What a new user meets: mistakes, slips, one meaning for each flag, and TAB.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::TestTmux;
use crate::support::tvmux::Tvmux;

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_mistake_in_the_file_does_not_keep_a_recording_from_being_ended() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    // One that does not end by itself with its last recording.
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let file = tvmux.folder().join("config/tvmux/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[server]\nprt = 1\n").unwrap();
    let new = tvmux.run(["rec", "-t", "main:"]);
    assert_eq!(new.status.code(), Some(2), "{new:?}");
    for verb in [
        &["rec", "ls"][..],
        &["server", "status"],
        &["rec", "mark", "-t", "@0"],
        &["api", "recordings", "list"],
        &["rec", "stop"],
        &["server", "stop"],
        &["config", "defaults"],
    ] {
        let output = tvmux.run(verb);
        assert!(output.status.success(), "{verb:?}: {output:?}");
        let said = stderr(&output);
        assert!(
            said.contains("config.toml:2: server.prt"),
            "{verb:?}: {said}"
        );
    }
    assert!(tvmux.cast(&recording).exists());
}

#[test]
fn what_a_running_recording_cannot_take_is_named() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    let recording = tvmux.record(&tmux, &["--title", "first"]);
    let socket = tmux.socket();
    let again = |more: &[&str]| {
        let args = ["rec", "-t", "main:", "-S", socket.to_str().unwrap()];
        tvmux.run(args.iter().chain(more))
    };
    assert!(again(&[]).status.success());
    assert!(
        again(&["--title", "first"]).status.success(),
        "it has that title"
    );
    let output = again(&["--title", "new", "-o", "/tmp", "--no-follow"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr(&output);
    for named in [
        "--title",
        "--output",
        "--no-follow",
        "rec stop tmux.sock.main:@0",
    ] {
        assert!(said.contains(named), "{said}");
    }
    // Named twice, by its id and by its window: it ends once.
    let id = recording["id"].as_str().unwrap();
    let output = tvmux.run(["rec", "stop", id, id, "@0"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn quiet_and_json_mean_the_same_everywhere() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let socket = tmux.socket();
    let socket = socket.to_str().unwrap();
    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let start = ["rec", "start", "-t", "main:", "-S", socket];
    assert_eq!(tvmux.ok(start.iter().chain(&["-q"])), "tmux.sock.main:@0\n");
    assert_eq!(
        json(tvmux.ok(start.iter().chain(&["--json"])))["id"],
        "tmux.sock.main:@0"
    );
    assert_eq!(tvmux.ok(["rec", "ls", "-q"]), "tmux.sock.main:@0\n");
    assert_eq!(
        json(tvmux.ok(["rec", "ls", "--json"]))[0]["id"],
        "tmux.sock.main:@0"
    );
    assert_eq!(
        tvmux.ok(["rec", "mark", "-t", "@0", "-q", "x"]),
        "tmux.sock.main:@0\n"
    );
    let marked = json(tvmux.ok(["rec", "mark", "-t", "@0", "--json", "x"]));
    assert_eq!(marked["id"], "tmux.sock.main:@0");
    assert_eq!(tvmux.ok(["rec", "stop", "-q"]), "tmux.sock.main:@0\n");
    assert_eq!(tvmux.ok(["rec", "stop", "-q"]), "");
    assert_eq!(
        json(tvmux.ok(["rec", "stop", "--json"])),
        Value::Array(Vec::new())
    );
    assert_eq!(
        json(tvmux.ok(["config", "show", "--json"]))["server"]["port"],
        0
    );
    let keys = tvmux.ok(["config", "show", "-q"]);
    assert!(keys.lines().any(|key| key == "server.port"), "{keys}");
}

#[test]
fn slips_get_a_tip() {
    let tvmux = Tvmux::new();
    for (line, tip) in [
        ("stop", "tvmux rec stop"),
        ("status", "tvmux server status"),
        ("rec list", "tvmux rec ls"),
        ("rec make test", "tvmux rec -- make test"),
    ] {
        let output = tvmux.run(line.split(' '));
        assert_eq!(output.status.code(), Some(2), "{line}: {output:?}");
        let said = stderr(&output);
        assert!(said.contains(tip), "{line}: {said}");
    }
    let empty = tvmux.run(["rec", "-t", ""]);
    assert_eq!(empty.status.code(), Some(2), "{empty:?}");
    assert!(!stderr(&empty).contains("window_id"), "{}", stderr(&empty));
}

#[test]
fn numbers_that_are_none_are_refused() {
    let tvmux = Tvmux::new();
    for number in ["nan", "1e400", "inf", "0", "-1"] {
        let limit = format!("--idle-time-limit={number}");
        let output = tvmux.run(["rec", "-t", "x:", &limit]);
        assert_eq!(output.status.code(), Some(2), "{number}: {output:?}");
    }
}

#[test]
fn a_runtime_folder_with_a_long_name_is_not_used() {
    let tmux = TestTmux::start("");
    let long = tmux.folder().join("x".repeat(100));
    fs::create_dir(&long).unwrap();
    let tvmux = Tvmux::new();
    let short = format!("/tmp/tvmux-{}", nix::unistd::getuid());
    // Without a daemon there, so that no user's own is met.
    let status = tvmux
        .command(["server", "status"])
        .env("XDG_RUNTIME_DIR", &long)
        .output()
        .unwrap();
    assert!(!stderr(&status).contains("SUN_LEN"), "{status:?}");
    assert!(
        !stderr(&status).contains("path must be shorter"),
        "{status:?}"
    );
    assert!(!long.join("tvmux").exists(), "{short} is used");
}

#[test]
fn a_folder_whose_name_is_not_utf_8_is_named() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    let folder = tvmux.folder().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&folder).unwrap();
    let output = tvmux
        .command(["rec", "-t", "main:", "-o", ".", "-S"])
        .arg(tmux.socket())
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("not UTF-8"), "{output:?}");
}

/// What a shell says, with `tvmux` in its path.
fn shell(tvmux: &Tvmux, program: &str, args: &[&str]) -> Option<String> {
    let ours = tvmux.command::<&str>([]);
    let mut command = Command::new(program);
    command.env_clear().envs(
        ours.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_tvmux"))
        .parent()
        .unwrap();
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", folder.display()));
    let output = command.args(args).output().ok()?;
    assert!(output.status.success(), "{program}: {output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn shells_complete() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    tvmux.record(&tmux, &[]);
    assert!(tvmux.ok(["completions", "bash"]).len() < 50_000);
    let bash = |words: &str, current: &str| {
        let script = format!(
            "source <(tvmux completions bash); COMP_WORDS=({words}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9; \
             _clap_complete_tvmux tvmux '{current}' x; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        shell(&tvmux, "bash", &["--norc", "-c", &script]).expect("bash is there")
    };
    assert!(bash("tvmux rec st", "st").contains("stop"));
    assert!(
        bash("tvmux rec stop ''", "").contains("tmux.sock.main:@0"),
        "ids, asked for at that moment"
    );
    let files = bash("tvmux completions ''", "");
    assert!(
        files.contains("fish") && !files.contains("Cargo"),
        "no files: {files}"
    );
    assert!(bash("tvmux api panes send", "send").contains("send-keys"));
    // Those that are installed.
    let line = "tvmux completions fish | source; complete -C 'tvmux rec stop '";
    if let Some(said) = shell(&tvmux, "fish", &["--no-config", "-c", line]) {
        assert!(said.contains("tmux.sock.main:@0"), "{said}");
    }
    let line = "compdef() { }; _describe() { print -l -- ${(P)3} }; \
                source <(tvmux completions zsh); words=(tvmux rec st); CURRENT=3; \
                _clap_dynamic_completer_tvmux";
    if let Some(said) = shell(&tvmux, "zsh", &["-f", "-c", line]) {
        assert!(said.contains("stop"), "{said}");
    }
}
