//! What a new user meets: mistakes, slips, one meaning for each flag, and TAB.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::tvmux::{Tvmux, output_of, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

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
    assert!(!said.contains("--title"), "it is taken: {said}");
    assert_eq!(tvmux.recordings()[0]["title"], "new");
    for named in ["--output", "--no-follow", "rec stop tmux.sock.main:@0"] {
        assert!(said.contains(named), "{said}");
    }
    // Named twice, by its id and by its window: it ends once.
    let id = recording["id"].as_str().unwrap();
    let output = tvmux.run(["rec", "stop", id, id, "@0"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_running_recording_takes_another_title() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &["--title", "first"]);
    let cast = tvmux.cast(&recording);
    tmux.tmux(&["send-keys", "-t", "@0", "echo he''re", "Enter"]);
    wait_until("the output is in the cast", || {
        recorded(&cast).contains("here\r")
    });
    let id = recording["id"].as_str().unwrap();
    tvmux.ok(["api", "recordings", "update", id, "--title", "by the API"]);
    assert_eq!(tvmux.recordings()[0]["title"], "by the API");
    // Whoever comes after a crash knows it too.
    wait_until("the journal has it", || {
        let state = fs::read_dir(tvmux.folder().join("state/tvmux")).unwrap();
        state.flatten().any(|file| {
            fs::read_to_string(file.path()).is_ok_and(|text| text.contains("by the API"))
        })
    });
    let before = read_cast(&cast);
    assert_eq!(before.0["title"], "first");
    tvmux.ok([
        "rec",
        "-t",
        "main:",
        "-S",
        tmux.socket().to_str().unwrap(),
        "--title",
        "last",
    ]);
    tvmux.ok(["rec", "stop"]);
    let (header, events) = read_cast(&cast);
    assert_eq!(header["title"], "last");
    assert_eq!(header["timestamp"], before.0["timestamp"]);
    assert!(output_of(&events).starts_with(&output_of(&before.1)));
    // A command's recording too.
    let tvmux = Tvmux::new();
    let go = tvmux.folder().join("go");
    let script = format!("until [ -e {} ]; do sleep 0.01; done", go.display());
    let mut command = tvmux.command(["rec", "-q", "--", "sh", "-c", &script]);
    let mut child = command.spawn().unwrap();
    let recording = tvmux.wait_recording("it runs", |_| true);
    let id = recording["id"].as_str().unwrap();
    tvmux.ok(["api", "recordings", "update", id, "--title", "a command"]);
    fs::write(&go, "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(read_cast(&tvmux.cast(&recording)).0["title"], "a command");
}

#[test]
fn the_output_may_be_a_file_or_a_folder() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let folder = tvmux.folder().join("out");
    let record = |output: &str| {
        let recording = tvmux.record(&tmux, &["-o", output]);
        tvmux.ok(["rec", "stop"]);
        tvmux.cast(&recording)
    };
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    // What is not there: a file by its ending, else a folder, with those above.
    assert_eq!(record(&path("a/demo.cast")), folder.join("a/demo.cast"));
    assert_eq!(record(&path("b")).parent().unwrap(), folder.join("b"));
    assert_eq!(
        record(&path("c.cast/")).parent().unwrap(),
        folder.join("c.cast")
    );
    // That is a folder now.
    assert_eq!(
        record(&path("c.cast")).parent().unwrap(),
        folder.join("c.cast")
    );
    let other = folder.join("notes");
    fs::write(&other, "mine").unwrap();
    for there in ["a/demo.cast", "notes"] {
        let content = fs::read(folder.join(there)).unwrap();
        let socket = tmux.socket();
        let start = ["rec", "-t", "main:", "-S", socket.to_str().unwrap(), "-o"];
        let there = path(there);
        for args in [&start[..], &["rec", "-o"]] {
            let output = match args.len() {
                2 => tvmux.run(args.iter().copied().chain([&there[..], "--", "true"])),
                _ => tvmux.run(args.iter().copied().chain([&there[..]])),
            };
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(
                stderr(&output).contains("no file is ever overwritten"),
                "{output:?}"
            );
        }
        assert_eq!(fs::read(&there).unwrap(), content);
    }
    let cast = path("d.cast");
    tvmux.ok(["rec", "-q", "-o", &cast, "--", "echo", "hello"]);
    assert_eq!(output_of(&read_cast(cast.as_ref()).1), "hello\r\n");
    let both = tvmux.run(["rec", "-o", "x.cast", "--append", &cast, "--", "true"]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
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
    let tvmux = Tvmux::new();
    let short = format!("/tmp/tvmux-{}", nix::unistd::getuid());
    let fits = |length: usize| {
        let folder = tvmux.folder().join("x".repeat(length));
        fs::create_dir(&folder).unwrap();
        // No daemon is started, so that no user's own is met in /tmp: what would
        // be asked says where it is looked for.
        let asked = tvmux
            .command(["rec", "mark", "x"])
            .env("XDG_RUNTIME_DIR", &folder)
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap();
        assert!(!folder.join("tvmux").exists());
        let said = tvmux
            .command(["api", "server", "info"])
            .env("XDG_RUNTIME_DIR", &folder)
            .output()
            .unwrap();
        for output in [&asked, &said] {
            let said = stderr(output);
            assert!(
                !said.contains("SUN_LEN") && !said.contains("shorter"),
                "{said}"
            );
        }
        // Somebody's daemon is there.
        if said.status.success() {
            return false;
        }
        let said = stderr(&said);
        match said.contains(&format!("{short}/server.sock")) {
            true => false,
            false => {
                assert!(said.contains(folder.to_str().unwrap()), "{said}");
                true
            }
        }
    };
    // 107 bytes are what a socket's path may have (unix(7)).
    let room = 107 - tvmux.folder().as_os_str().len() - "//tvmux/server.sock".len();
    assert!(fits(room));
    assert!(!fits(room + 1));
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
    let start = tvmux.folder().join("casts/").display().to_string();
    let casts = bash(&format!("tvmux play {start}"), &start);
    assert!(
        casts.contains("_@0_") && !casts.contains("sock.main:@0"),
        "{casts}"
    );
    assert!(bash("tvmux play ''", "").contains("tmux.sock.main:@0"));
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
