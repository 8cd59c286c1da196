//! The commands, as a user meets them.

use crate::support::tvmux::{Tvmux, markers_of, output_of, parse_cast, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

#[test]
fn a_window_is_recorded_from_start_to_stop() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(
        &tmux,
        &["--title", "a \"title\"", "--idle-time-limit", "2.5"],
    );
    assert_eq!(recording["state"], "recording");
    assert_eq!(recording["active_pane"], "%0");
    let again = tvmux.record(&tmux, &[]);
    assert_eq!(again["id"], recording["id"]);
    assert_eq!(tmux.ask("main:", "#{@tvmux_recording}"), "1");

    tmux.tmux(&["send-keys", "-t", "main:", "echo he''llo", "Enter"]);
    let cast = tvmux.cast(&recording);
    wait_until("the output is in the file", || {
        recorded(&cast).contains("hello")
    });
    tvmux.ok(["rec", "mark", "here", "-t", "@0"]);
    let stopped = tvmux.ok(["rec", "stop", recording["id"].as_str().unwrap()]);
    assert!(stopped.starts_with("Stopped "), "{stopped}");

    let (header, events) = read_cast(&cast);
    assert_eq!(header["width"], 80);
    assert_eq!(header["height"], 24);
    assert_eq!(header["title"], "a \"title\"");
    assert_eq!(header["idle_time_limit"], 2.5);
    assert_eq!(header["env"]["SHELL"], "/bin/sh");
    assert!(
        header["env"]["TERM"]
            .as_str()
            .is_some_and(|term| !term.is_empty())
    );
    assert_eq!(header["env"]["TERM_PROGRAM"], "tmux");
    let version = tmux.ask("main:", "#{version}");
    assert_eq!(
        header["env"]["TERM_PROGRAM_VERSION"],
        version.trim_start_matches("next-")
    );
    assert!(header["timestamp"].as_u64().unwrap() > 1_600_000_000);
    assert!(output_of(&events).contains("hello\r\n"));
    assert_eq!(markers_of(&events), ["here"]);
    assert_eq!(tmux.ask("main:", "#{@tvmux_recording}#{pane_pipe}"), "0");
    assert!(tvmux.recordings().is_empty());
    let name = cast.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.ends_with("_main_@0_first.cast"), "{name}");
}

#[test]
fn a_command_is_recorded_outside_tmux() {
    let tvmux = Tvmux::new();
    let script = "printf 'one\\n'; printf '\\033[31mtwo\\033[0m\\n'; exit 7";
    let output = tvmux.run(["rec", "--", "sh", "-c", script]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let path = said.lines().next().unwrap();
    let path = &path[path.find('/').unwrap()..];
    let (header, events) = read_cast(path.as_ref());
    let output = output_of(&events);
    assert!(
        output.contains("one\r\n\u{1b}[31mtwo\u{1b}[0m\r\n"),
        "{output:?}"
    );
    assert!(header["command"].as_str().unwrap().starts_with("sh -c "));
    wait_until("the server has ended with its only recording", || {
        !tvmux.run(["server", "status"]).status.success()
    });
}

#[test]
fn a_command_that_a_signal_ended_says_so() {
    let tvmux = Tvmux::new();
    let output = tvmux.run(["rec", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(output.status.code(), Some(128 + 15), "{output:?}");
    // Words are passed on as they are, a shell sees none of them.
    let words = [
        "rec",
        "--",
        "printf",
        "%s|",
        "a b",
        "$HOME",
        "#{pane_id}",
        ";",
        "x;",
    ];
    let output = tvmux.run(words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let casts: Vec<_> = std::fs::read_dir(tvmux.folder().join("casts"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let literal = |bytes: &Vec<u8>| {
        let (_, events) = parse_cast(bytes).unwrap();
        output_of(&events).contains("a b|$HOME|#{pane_id}|;|x;|")
    };
    assert!(casts.iter().any(literal));
}

#[test]
fn the_server_starts_on_demand_and_stops() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    assert_eq!(tvmux.run(["server", "status"]).status.code(), Some(1));
    let recording = tvmux.record(&tmux, &[]);
    let status = tvmux.ok(["server", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["recorders"], 1);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    let quiet = tvmux.ok(["rec", "ls", "-q"]);
    assert_eq!(quiet.trim_end(), recording["id"].as_str().unwrap());
    let version = tvmux.ok(["--version"]);
    assert!(version.contains("server "), "{version}");
    // Stopping the server finishes what runs.
    tvmux.ok(["server", "stop"]);
    read_cast(&tvmux.cast(&recording));
    assert_eq!(tmux.ask("main:", "#{pane_pipe}"), "0");
    assert_eq!(tvmux.ok(["rec", "ls", "--json"]).trim(), "[]");
}

#[test]
fn a_start_right_after_a_stop_is_recorded() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    for round in 0..20 {
        // By the server that is about to end with its last recording, or by
        // the one after it.
        let recording = tvmux.record(&tmux, &[]);
        let listed = tvmux.ok(["rec", "ls", "-q"]);
        let id = recording["id"].as_str().unwrap();
        assert_eq!(listed.trim_end(), id, "round {round}");
        tvmux.ok(["rec", "stop"]);
    }
}

#[test]
fn a_second_server_is_refused() {
    let mut tvmux = Tvmux::new();
    let pid = tvmux.start_server();
    let second = tvmux.run(["server", "run"]);
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains(&format!("pid {pid}")), "{message}");
    assert!(tvmux.run(["server", "status"]).status.success());
}

#[test]
fn errors_name_the_thing_and_the_way_out() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let socket = tmux.socket();
    let socket = socket.to_str().unwrap();
    let fails = |args: &[&str], code: i32, needles: &[&str]| {
        let output = tvmux.run(args);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {message}");
        for needle in needles {
            assert!(message.contains(needle), "{args:?}: {message}");
        }
        assert!(!message.contains("panicked"), "{message}");
    };
    fails(
        &["rec"],
        2,
        &["not inside tmux", "-t TARGET", "rec -- COMMAND"],
    );
    fails(
        &["rec", "start", "-S", socket, "-t", "nope:"],
        1,
        &["nope:", "list-windows"],
    );
    fails(&["rec", "start", "-S", socket, "-t", "@99"], 1, &["@99"]);
    fails(
        &["rec", "start", "-S", "/nowhere", "-t", "@0"],
        1,
        &["no tmux server at /nowhere"],
    );
    fails(&["rec", "stop", "main:@9"], 1, &["main:@9", "rec ls"]);
    fails(&["rec", "mark", "x"], 1, &["nothing is recorded"]);
    let file = tvmux.folder().join("a-file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    fails(
        &["rec", "start", "-S", socket, "-t", "@0", "-o", file],
        1,
        &[file, "overwritten"],
    );
    assert_eq!(
        tmux.ask("main:", "#{pane_pipe}#{@tvmux_pipe}#{@tvmux_recording}"),
        "0"
    );
    fails(&["rec", "--frobnicate"], 2, &["--frobnicate"]);
    let config = tvmux.folder().join("bad.toml");
    std::fs::write(&config, "[server]\nprt = 1\n").unwrap();
    let config = config.to_str().unwrap();
    fails(
        &["--config-file", config, "rec"],
        2,
        &["bad.toml:2", "server.prt"],
    );
}

#[test]
fn a_missing_tmux_is_named() {
    let tvmux = Tvmux::new().with("TVMUX_TMUX_COMMAND", "tmux-that-is-not-there");
    let tmux = TestTmux::start("");
    let socket = tmux.socket();
    let output = tvmux.run(["rec", "-t", "main:", "-S", socket.to_str().unwrap()]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        message.contains("`tmux-that-is-not-there` was not found"),
        "{message}"
    );
}

#[test]
fn settings_are_shown() {
    let tvmux = Tvmux::new().with("TVMUX_RECORDING_FLUSH_INTERVAL_MS", "50");
    let shown = tvmux.ok(["config", "show"]);
    assert!(shown.contains("flush_interval_ms = 50"), "{shown}");
    let defaults = tvmux.ok(["config", "defaults", "--format", "env"]);
    assert!(
        defaults.contains("TVMUX_RECORDING_FLUSH_INTERVAL_MS=100"),
        "{defaults}"
    );
    let completions = tvmux.ok(["completions", "bash"]);
    assert!(completions.contains("tvmux"));
}

#[test]
fn marks_notes_and_titles_stand_at_their_moments_and_are_found() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &["--title", "first"]);
    let (id, cast) = (recording["id"].as_str().unwrap(), tvmux.cast(&recording));
    let started = std::time::Instant::now();
    tmux.tmux(&["send-keys", "-t", "main:", "echo he''llo", "Enter"]);
    wait_until("the output is in the file", || {
        recorded(&cast).contains("hello")
    });
    // What is given is a text, whatever it holds.
    let hostile = "it's \"so\"; #(touch pwned) $(touch pwned) é";
    let said = tvmux.ok(["rec", "note", hostile]);
    assert!(said.starts_with(&format!("Noted in {id} at ")), "{said}");
    tvmux.ok(["rec", "title", "release \u{1f600} day", "-t", id]);
    wait_until("half a second has passed", || {
        started.elapsed().as_millis() > 500
    });
    tvmux.ok(["rec", "mark", "--at", "-0.4s", "it broke"]);
    // There is nothing before the start.
    tvmux.ok(["rec", "mark", "--at", "-1h", "long ago"]);
    for wrong in ["30s", "-x", "50%"] {
        let refused = tvmux.run(["rec", "mark", "--at", wrong, "x"]);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    }
    let labels = [
        "note: it's \"so\"; #(touch pwned) $(touch pwned) é",
        "tvmux: title: release \u{1f600} day",
        "it broke (tvmux: 0.4 s before)",
    ];
    wait_until("all are in the file", || {
        recorded(&cast).contains("long ago")
    });
    let (_, events) = parse_cast(&std::fs::read(&cast).unwrap()).unwrap();
    let markers = markers_of(&events);
    assert_eq!(markers[..3], labels);
    assert!(markers[3].starts_with("long ago (tvmux: "), "{markers:?}");

    // While it runs the catalogue has the title of the marker …
    let listed = || {
        tvmux.ok(["archive", "update", "--quiet"]);
        let listed: serde_json::Value = serde_json::from_str(&tvmux.ok(["ls", "--json"])).unwrap();
        listed[0]["title"].clone()
    };
    assert_eq!(listed(), "release \u{1f600} day");
    let found = |what: &str| -> Vec<serde_json::Value> {
        let text = tvmux.ok(["search", "--json", what]);
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    assert_eq!(found("note: it's \"so\"").len(), 1);
    let written = events.iter().find(|event| event.data == labels[2]).unwrap();
    let hit = &found("it broke")[0];
    assert_eq!(hit["line"], "it broke");
    let moment = hit["time"].as_f64().unwrap();
    assert!((written.time - 0.4 - moment).abs() < 0.001, "{moment}");
    assert_eq!(found("long ago")[0]["time"], 0.0);
    // … and the header in the end. The player goes to the moment that a marker names.
    tvmux.ok(["rec", "stop"]);
    let (header, _) = read_cast(&cast);
    assert_eq!(header["title"], "release \u{1f600} day");
    assert_eq!(listed(), "release \u{1f600} day");
    let at = |moment: &str| tvmux.ok(["screenshot", cast.to_str().unwrap(), "--at", moment]);
    assert!(at("it broke").contains("hello"));
    assert!(!at("long ago").contains("hello"));
    assert!(!std::path::Path::new("pwned").exists());
}
