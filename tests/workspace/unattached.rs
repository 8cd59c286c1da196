//! Sessions that no client shows: options that would end them, and their size.

use crate::command::{load, load_well, program, ran};
use crate::support::{self, TestTmux, wait_until};

fn client_of(tmux: &TestTmux, session: &str, columns: u16, rows: u16) -> TestTmux {
    // In 3.2 the terminal gets its size a moment later.
    let attach = format!(
        "until [ \"$(stty size)\" = '{rows} {columns}' ]; do sleep 0.05; done; \
         exec env -u TMUX -u TMUX_PANE {} -u -S {} attach-session -t '{session}'",
        support::program().display(),
        tmux.socket().display()
    );
    let client = TestTmux::sized(&attach, columns, rows);
    wait_until("a client", || {
        tmux.tmux(&["list-clients", "-F", "#{client_session}"])
            .contains(session)
    });
    client
}

fn option(tmux: &TestTmux, session: &str) -> String {
    tmux.tmux(&[
        "show-options",
        "-t",
        &format!("{session}:"),
        "destroy-unattached",
    ])
}

/// A server that ends what no client shows, which one client keeps alive.
fn destroying(value: &str) -> Option<(TestTmux, TestTmux)> {
    let tmux = TestTmux::start("");
    let client = client_of(&tmux, "main", 80, 24);
    // `keep-group` and `keep-last` came with 3.4.
    tmux.try_tmux(&["set-option", "-g", "destroy-unattached", value])
        .ok()?;
    Some((tmux, client))
}

#[test]
fn a_detached_session_is_held_until_a_client_shows_it() {
    for value in ["on", "keep-group"] {
        let Some((tmux, _client)) = destroying(value) else {
            println!("skipped: this tmux has no destroy-unattached {value}");
            continue;
        };
        let ran = load_well(
            &tmux,
            "session_name: held\nwindows: [{panes: [null, null]}]\n",
            &[],
        );
        assert!(
            ran.stderr.contains("kept until a client shows it"),
            "{}",
            ran.stderr
        );
        assert_eq!(tmux.ask("held:", "#{window_panes}"), "2");
        assert_eq!(option(&tmux, "held"), "destroy-unattached off");
        let client = client_of(&tmux, "held", 90, 30);
        wait_until("the option to hold again", || {
            option(&tmux, "held").is_empty()
        });
        assert!(!tmux.hooks().contains("2000"), "{}", tmux.hooks());
        drop(client);
        wait_until("the session to end with its client", || {
            tmux.try_tmux(&["has-session", "-t", "=held"]).is_err()
        });
    }
}

#[test]
fn what_waits_for_a_client_goes_with_its_session() {
    let Some((tmux, _client)) = destroying("on") else {
        return;
    };
    let before = tmux.hooks();
    load_well(
        &tmux,
        "session_name: held\nwindows: [{layout: main-vertical, panes: [null, null, null]}]\n",
        &[],
    );
    assert!(tmux.hooks().contains("[2000"), "{}", tmux.hooks());
    tmux.kill_session("held");
    wait_until("nothing waits any more", || tmux.hooks() == before);
}

/// Ends a server at the end of a test that did not come so far.
struct Ends(tvmux::tmux::Server);

impl Drop for Ends {
    fn drop(&mut self) {
        let kill = tvmux::tmux::Batch::of(["kill-server"]);
        let _ = self.0.run_blocking(&kill);
    }
}

#[test]
fn a_server_that_ends_without_a_client_lives_until_the_load_has_attached() {
    let outer = TestTmux::sized("", 100, 30);
    let config = outer.folder().join("tmux.conf");
    std::fs::write(&config, "set -s exit-unattached on\n").unwrap();
    let path = outer.folder().join("w.yaml");
    std::fs::write(
        &path,
        "session_name: stays\nwindows: [{panes: [echo typed, null]}]\n",
    )
    .unwrap();
    let socket = outer.folder().join("other.sock");
    let other = Ends(tvmux::tmux::Server::new(
        support::program(),
        tvmux::tmux::Socket::at(&socket),
    ));
    let line = format!(
        "env -u TMUX -u TMUX_PANE HOME={home} SHELL=/bin/sh TVMUX_TMUX_COMMAND={tmux} \
         {own} load -f {config} -S {socket} {path}",
        home = outer.folder().display(),
        tmux = support::program().display(),
        own = env!("CARGO_BIN_EXE_tvmux"),
        config = config.display(),
        socket = socket.display(),
        path = path.display(),
    );
    outer.tmux(&["send-keys", "-t", "main:", "-l", "--", &line]);
    outer.tmux(&["send-keys", "-t", "main:", "Enter"]);
    let ask = |command: &[&str]| {
        let answer = other.0.run_blocking(&tvmux::tmux::Batch::of(command));
        answer.map(|answer| String::from_utf8(answer).unwrap())
    };
    wait_until("the session to be attached", || {
        ask(&["list-clients", "-F", "#{client_session}"]).is_ok_and(|shown| shown == "stays\n")
    });
    // The option holds again, and does what it says.
    wait_until("the option to hold again", || {
        ask(&["show-options", "-sv", "exit-unattached"]).is_ok_and(|value| value == "on\n")
    });
    let panes = ask(&["list-panes", "-s", "-t", "stays:", "-F", "#{pane_id}"]).unwrap();
    assert_eq!(panes.lines().count(), 2);
    ask(&["detach-client", "-s", "stays"]).unwrap();
    wait_until("the server to end with its client", || {
        ask(&["list-sessions"]).is_err_and(|error| error.is_no_server())
    });
}

#[test]
fn the_option_in_the_file_waits_for_a_client() {
    let tmux = TestTmux::start("");
    load_well(
        &tmux,
        "session_name: own\noptions: {destroy-unattached: on}\nwindows: [{}]\n",
        &[],
    );
    assert_eq!(tmux.ask("own:", "#{session_windows}"), "1");
    let client = client_of(&tmux, "own", 80, 24);
    wait_until("the option", || {
        option(&tmux, "own") == "destroy-unattached on"
    });
    drop(client);
    wait_until("the session to end with its client", || {
        tmux.try_tmux(&["has-session", "-t", "=own"]).is_err()
    });
}

#[test]
fn without_the_option_nothing_of_it_stays() {
    let tmux = TestTmux::start("");
    // Also where the server is started by the load.
    let socket = tmux.folder().join("other.sock");
    let path = tmux.folder().join("w.yaml");
    std::fs::write(&path, "session_name: plain\nwindows: [{}]\n").unwrap();
    let mut command = program(tmux.folder());
    command
        .args(["load", "-d", "-f", "/dev/null", "-S"])
        .arg(&socket)
        .arg(&path);
    let loaded = ran(&mut command);
    let other = tvmux::tmux::Server::new(support::program(), tvmux::tmux::Socket::at(&socket));
    let ask = |command: &[&str]| {
        let answer = other.run_blocking(&tvmux::tmux::Batch::of(command));
        String::from_utf8(answer.unwrap()).unwrap()
    };
    let shown = ask(&["show-options", "-t", "plain:", "destroy-unattached"]);
    let size = ask(&[
        "display-message",
        "-p",
        "-t",
        "plain:",
        "#{window_width}x#{window_height}",
    ]);
    ask(&["kill-server"]);
    assert_eq!(loaded.code, Some(0), "{}", loaded.stderr);
    assert_eq!(shown, "");
    assert_eq!(size, "80x24\n");
    let line = format!("tmux -S {} attach -t '$0'", socket.display());
    assert!(loaded.stderr.contains(&line), "{}", loaded.stderr);
}

#[test]
fn a_server_that_ends_without_a_client_is_named() {
    let tmux = TestTmux::start("");
    let config = tmux.folder().join("tmux.conf");
    std::fs::write(&config, "set -s exit-unattached on\n").unwrap();
    let socket = tmux.folder().join("other.sock");
    let path = tmux.folder().join("w.yaml");
    std::fs::write(&path, "session_name: ends\nwindows: [{}]\n").unwrap();
    let mut command = program(tmux.folder());
    command
        .args(["load", "-d", "-f"])
        .arg(&config)
        .arg("-S")
        .arg(&socket)
        .arg(&path);
    let loaded = ran(&mut command);
    assert_eq!(loaded.code, Some(1), "{}", loaded.stderr);
    assert!(
        loaded.stderr.contains("the option exit-unattached is on"),
        "{}",
        loaded.stderr
    );
    let other = tvmux::tmux::Server::new(support::program(), tvmux::tmux::Socket::at(&socket));
    wait_until("the server to end", || {
        let list = tvmux::tmux::Batch::of(["list-sessions"]);
        other
            .run_blocking(&list)
            .is_err_and(|error| error.is_no_server())
    });
}

#[test]
fn without_a_terminal_the_size_is_the_default_size() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["set-option", "-g", "default-size", "133x41"]);
    let size = |session: &str| tmux.ask(&format!("{session}:"), "#{window_width}x#{window_height}");
    load_well(
        &tmux,
        "session_name: global\nwindows: [{panes: [null, null]}]\n",
        &[],
    );
    assert_eq!(size("global"), "133x41");
    load_well(
        &tmux,
        "session_name: own\noptions: {default-size: 155x44}\nwindows: [{panes: [null, null]}]\n",
        &[],
    );
    assert_eq!(size("own"), "155x44");
}

#[test]
fn main_layouts_are_laid_again_for_the_first_client() {
    let tmux = TestTmux::start("");
    tmux.tmux(&[
        "set-hook",
        "-g",
        "window-layout-changed[7]",
        "set-option -g @users-own ran",
    ]);
    load_well(
        &tmux,
        "session_name: laid\nwindows:\n- {layout: main-vertical, panes: [null, null, null]}\n- {layout: main-horizontal, panes: [null, null]}\n",
        &[],
    );
    let _client = client_of(&tmux, "laid", 200, 50);
    let widths = |window: &str| {
        tmux.tmux(&[
            "list-panes",
            "-t",
            window,
            "-F",
            "#{pane_width}x#{pane_height}",
        ])
    };
    wait_until("the first window", || {
        widths("laid:0") == "80x49\n119x24\n119x24"
    });
    // The other one when it is shown.
    tmux.tmux(&["select-window", "-t", "laid:1"]);
    wait_until("the second window", || widths("laid:1") == "200x24\n200x24");
    assert!(!tmux.hooks().contains("2000"), "{}", tmux.hooks());
    assert!(
        tmux.hooks().contains("window-layout-changed[7]"),
        "{}",
        tmux.hooks()
    );
    assert_eq!(tmux.tmux(&["show-options", "-gv", "@users-own"]), "ran");
}

#[test]
fn a_name_in_the_way_is_said_with_its_line() {
    let tmux = TestTmux::start("");
    let ran = load(
        &tmux,
        "session_name: x\nwindows:\n- panes:\n  -echo x\n",
        &[],
    );
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(":4:3:"), "{}", ran.stderr);
    assert!(ran.stderr.contains("a blank after `-`"), "{}", ran.stderr);
}

#[test]
fn a_session_made_by_the_api_is_held_too() {
    let Some((tmux, _client)) = destroying("on") else {
        return;
    };
    let new = tvmux::tmux::control::NewSession {
        name: "api".to_owned(),
        ..Default::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let made = runtime.block_on(tvmux::tmux::control::create_session(tmux.server(), &new));
    let id = made.unwrap().to_string();
    assert_eq!(tmux.ask("api:", "#{session_id}"), id);
    let client = client_of(&tmux, "api", 90, 30);
    wait_until("the option to hold again", || {
        option(&tmux, "api").is_empty()
    });
    drop(client);
    wait_until("the session to end with its client", || {
        tmux.try_tmux(&["has-session", "-t", "=api"]).is_err()
    });
}
