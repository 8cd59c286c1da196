//! Where the terminal is once a load is done: attached, or switched.
//!
//! The terminal is a pane of a second server.

use std::path::PathBuf;

use crate::support::{self, TestTmux, wait_until};

/// The program's command line in a pane, with a home of its own.
fn in_pane(home: &TestTmux, environment: &str, arguments: &str) -> String {
    format!(
        "env {environment} HOME={home} SHELL=/bin/sh TVMUX_TMUX_COMMAND={tmux} {own} load {arguments}",
        home = home.folder().display(),
        tmux = support::program().display(),
        own = env!("CARGO_BIN_EXE_tvmux"),
    )
}

fn file(tmux: &TestTmux, name: &str) -> PathBuf {
    let path = tmux.folder().join(format!("{name}.yaml"));
    let text =
        format!("session_name: {name}\nwindows: [{{window_name: w, panes: [null, null]}}]\n");
    std::fs::write(&path, text).unwrap();
    path
}

/// The sessions that clients show.
fn shown(tmux: &TestTmux) -> String {
    tmux.tmux(&[
        "list-clients",
        "-F",
        "#{client_session} #{client_width}x#{client_height}",
    ])
}

#[test]
fn outside_tmux_a_load_attaches() {
    let inner = TestTmux::start("");
    let outer = TestTmux::sized("", 111, 33);
    let line = in_pane(
        &outer,
        "-u TMUX -u TMUX_PANE",
        &format!(
            "-S {} {}",
            inner.socket().display(),
            file(&outer, "shown").display()
        ),
    );
    outer.tmux(&["send-keys", "-t", "main:", "-l", "--", &line]);
    outer.tmux(&["send-keys", "-t", "main:", "Enter"]);
    wait_until("the session to be attached", || {
        shown(&inner) == "shown 111x33"
    });
    // It has the size of the terminal from the start: status line and borders off.
    assert_eq!(
        inner.ask("shown:", "#{window_width}x#{window_height}"),
        "111x32"
    );
    inner.tmux(&["detach-client", "-s", "shown"]);
    wait_until("the client to leave", || shown(&inner).is_empty());
}

#[test]
fn inside_tmux_a_load_switches_and_detached_it_does_not() {
    let inner = TestTmux::start("");
    let attach = format!(
        "env -u TMUX -u TMUX_PANE {} -u -S {} attach-session -t main",
        support::program().display(),
        inner.socket().display()
    );
    let _outer = TestTmux::start(&attach);
    wait_until("a client", || shown(&inner).starts_with("main "));
    let load = |flags: &str, name: &str| {
        let line = in_pane(
            &inner,
            "",
            &format!("{flags} {}", file(&inner, name).display()),
        );
        let line = format!(
            "{line}; {} wait-for -S loaded",
            support::program().display()
        );
        inner.tmux(&["send-keys", "-t", "main:", "-l", "--", &line]);
        inner.tmux(&["send-keys", "-t", "main:", "Enter"]);
        inner.tmux(&["wait-for", "loaded"]);
    };
    load("-d", "behind");
    assert!(shown(&inner).starts_with("main "), "{}", shown(&inner));
    assert!(inner.try_tmux(&["has-session", "-t", "=behind"]).is_ok());
    load("-y", "front");
    assert!(shown(&inner).starts_with("front "), "{}", shown(&inner));
    // A session that is there already is switched to, too.
    inner.tmux(&[
        "switch-client",
        "-c",
        &inner.tmux(&["list-clients", "-F", "#{client_name}"]),
        "-t",
        "main:",
    ]);
    load("-y", "behind");
    assert!(shown(&inner).starts_with("behind "), "{}", shown(&inner));
}
