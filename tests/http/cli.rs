//! `tvmux api`: the routes from the shell.

use serde_json::Value;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;

use nix::sys::signal::Signal;

use super::Api;
use super::support::tvmux::Tvmux;
use super::support::wait_for;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn resources_are_asked_and_changed() {
    let api = Api::start();
    let ok = |args: &[&str]| json(&api.tvmux.ok([&["api"], args].concat()));
    assert_eq!(ok(&["server", "info"])["status"], "running");
    assert_eq!(ok(&["sessions", "list"])[0]["name"], "main");
    let made = ok(&[
        "sessions",
        "create",
        "--name",
        "it's mine",
        "--command",
        "exec cat",
    ]);
    assert_eq!(made["name"], "it's mine");
    assert_eq!(ok(&["sessions", "get", "it's mine"]), made);
    let id = made["id"].as_str().unwrap();
    assert_eq!(ok(&["sessions", "windows", id])["windows"][0]["index"], 0);
    let pane = ok(&[
        "panes",
        "create",
        "--window-id",
        "@0",
        "--horizontal",
        "--size",
        "10",
    ]);
    assert_eq!(pane["size"]["x"], 10);
    let id = pane["id"].as_str().unwrap();
    let sent = ok(&[
        "panes",
        "send_keys",
        id,
        "--keys",
        "123",
        "--enter",
        "false",
    ]);
    assert_eq!(
        (&sent["keys"], &sent["status"]),
        (&json("\"123\""), &json("\"sent\""))
    );
    let pasted = ok(&["panes", "paste", id, "--text", "pasted", "--leave-mode"]);
    assert_eq!(pasted["status"], "pasted");
    let waited = ok(&[
        "panes",
        "wait",
        id,
        "--text",
        "pasted",
        "--timeout-ms",
        "30000",
    ]);
    assert_eq!(waited["outcome"], "text");
    let target = ["windows", "link", "@0", "--target-session", "it's mine"];
    assert_eq!(ok(&target)["status"], "linked");
    let body = [
        "windows",
        "update",
        "@0",
        "--json-body",
        r#"{"new_name": "-x"}"#,
    ];
    assert_eq!(ok(&body)["name"], "-x");
    let recording = ok(&["recordings", "create", "--window-id", "@0"]);
    let id = recording["id"].as_str().unwrap();
    ok(&["recordings", "markers", id, "--label", "-- here"]);
    assert_eq!(ok(&["recordings", "delete", id])["status"], "stopped");
    let cast = ok(&["casts", "list"])[0]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        api.tvmux
            .ok(["api", "casts", "get", &cast])
            .contains("-- here")
    );
}

#[test]
fn the_exit_code_is_the_statuss() {
    let api = Api::start();
    let code = |args: &[&str]| {
        let output = api.tvmux.run([&["api"], args].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), told)
    };
    let (exit, told) = code(&["sessions", "get", "none"]);
    assert_eq!(
        (exit, json(&told)["code"].as_str()),
        (4, Some("no_session"))
    );
    assert_eq!(code(&["sessions", "create"]).0, 2);
    assert_eq!(code(&["nothing", "list"]).0, 2);
    assert_eq!(code(&[]).0, 2);
    api.tmux.tmux(&["kill-server"]);
    super::support::wait_until("tmux has ended", || code(&["sessions", "list"]).0 == 5);

    let nobody = Tvmux::new();
    let output = nobody.run(["api", "sessions", "list"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("tvmux server start"), "{told}");
}

#[test]
fn there_is_help_for_each_field() {
    let user = Tvmux::new();
    let help = user.ok(["api", "panes", "send-keys", "--help"]);
    for word in [
        "--keys",
        "--enter",
        "--literal",
        "--socket",
        "<PANE-ID>",
        "key's name",
    ] {
        assert!(help.contains(word), "{word} is not in {help}");
    }
    let all = user.ok(["api", "--help"]);
    for resource in ["sessions", "windows", "panes", "hooks", "casts", "events"] {
        assert!(all.contains(resource), "{resource} is not in {all}");
    }
    let completed = user
        .command(["--", "tvmux", "api", "panes", "s"])
        .env("TVMUX_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "3")
        .env("_CLAP_IFS", "\n")
        .output()
        .unwrap();
    let words = String::from_utf8(completed.stdout).unwrap();
    assert!(words.lines().any(|word| word == "send-keys"), "{words}");
}

#[test]
fn a_feed_goes_on_with_the_next_server() {
    let mut api = Api::start();
    let mut child = api
        .tvmux
        .command(["api", "events", "listen"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in output.lines() {
            let _ = sender.send(line.unwrap());
        }
    });
    let wait_line = |what: &str| {
        let is_it = |line: String| line.contains(what).then_some(());
        wait_for(what, || lines.try_recv().ok().and_then(is_it));
    };
    wait_line("event: ready");
    api.tmux.tmux(&["new-window", "-d", "-n", "first"]);
    wait_line("first");
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        api.tvmux.end_server(signal);
        api.tvmux.start_server();
        // Events are missing, and it says so.
        wait_line("event: reset");
        let name = format!("after-{signal}");
        api.tmux.tmux(&["new-window", "-d", "-n", &name]);
        wait_line(&name);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
