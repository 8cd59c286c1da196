//! tmux is as it was when the recording is over, and the user's own things are
//! never touched.

use nix::sys::signal::Signal;

use crate::support::tvmux::{Tvmux, markers_of, output_of, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

/// Everything of a server that a recorder could leave behind.
fn traces(tmux: &TestTmux) -> String {
    let mut all = String::new();
    for command in [
        &["show-hooks", "-g"][..],
        &["show-hooks", "-gw"],
        &["show-hooks", "-t", "main"],
        &["show-options", "-g"],
        &["show-options", "-s"],
        &["show-options", "-t", "main"],
        &["show-options", "-gw"],
        &["show-options", "-w", "-t", "@0"],
        &["show-options", "-p", "-t", "%0"],
        &["show-options", "-p", "-t", "%1"],
        &[
            "list-panes",
            "-a",
            "-F",
            "#{pane_id} #{pane_pipe} #{window_id}",
        ],
        &["list-clients"],
    ] {
        // Older versions have no hooks of windows apart, and say so.
        let answer = tmux.try_tmux(command);
        all.push_str(&format!("{command:?}\n{answer:?}\n"));
    }
    all
}

fn with_two_panes() -> TestTmux {
    let tmux = TestTmux::start("");
    tmux.tmux(&["split-window", "-t", "@0"]);
    tmux.tmux(&[
        "set-hook",
        "-g",
        "window-pane-changed",
        "set-option -g @user-saw yes",
    ]);
    tmux.tmux(&[
        "set-hook",
        "-g",
        "session-window-changed[3]",
        "set-option -g @other 1",
    ]);
    tmux
}

#[test]
fn after_a_stop_nothing_is_left() {
    let tmux = with_two_panes();
    let before = traces(&tmux);
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    assert_ne!(
        traces(&tmux),
        before,
        "the comparison sees what a recorder does"
    );
    tmux.tmux(&["select-pane", "-t", "%0"]);
    tvmux.wait_recording("on %0", |recording| recording["active_pane"] == "%0");
    assert_eq!(tmux.tmux(&["show-options", "-gv", "@user-saw"]), "yes");
    tmux.tmux(&["set-option", "-gu", "@user-saw"]);
    tmux.tmux(&["set-option", "-gu", "@other"]);
    tvmux.ok(["rec", "stop", recording["id"].as_str().unwrap()]);
    wait_until("all is as it was", || traces(&tmux) == before);
    tvmux.end_server(Signal::SIGTERM);
    assert_eq!(traces(&tmux), before);
}

#[test]
fn after_a_kill_nothing_is_left_or_missing() {
    let tmux = with_two_panes();
    let before = traces(&tmux);
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let killed = tvmux.signal_daemon(Signal::SIGKILL);
    read_cast(&tvmux.cast(&recording));
    tmux.tmux(&["send-keys", "-t", "%1", "echo mean''while", "Enter"]);
    // It goes on by itself.
    tvmux.wait_for_another_server(killed);
    tvmux.wait_recording("it goes on", |recording| recording["active_pane"] == "%1");
    assert_eq!(tmux.ask("@0", "#{@tvmux_recording}"), "1");
    tmux.tmux(&["send-keys", "-t", "%1", "echo af''ter", "Enter"]);
    let cast = tvmux.cast(&recording);
    wait_until("the cast goes on", || recorded(&cast).contains("after"));
    tvmux.ok(["rec", "stop"]);
    wait_until("all is as it was", || traces(&tmux) == before);
    let (_, events) = read_cast(&cast);
    assert_eq!(markers_of(&events), [""; 0]);
    assert!(output_of(&events).contains("meanwhile\r\n"));
}

#[test]
fn after_a_kill_a_closed_window_is_cleaned_up_too() {
    let tmux = with_two_panes();
    tmux.tmux(&["new-window", "-d", "-t", "main:", "-n", "spare"]);
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let killed = tvmux.signal_daemon(Signal::SIGKILL);
    tmux.tmux(&["kill-window", "-t", "@0"]);
    wait_until("another daemon has come, or has been", || {
        tvmux.log().contains("finished") || tvmux.server_pid().is_some_and(|pid| pid != killed)
    });
    wait_until("the recording is over", || tvmux.recordings().is_empty());
    wait_until("the hooks are gone", || {
        !tmux.tmux(&["show-hooks", "-g"]).contains("tvmux")
    });
    read_cast(&tvmux.cast(&recording));
}

#[test]
fn a_users_pipe_is_never_cut() {
    let tmux = with_two_panes();
    let log = tmux.folder().join("user.log");
    let logger = format!("cat >> {}", log.display());
    tmux.tmux(&["pipe-pane", "-t", "%0", &logger]);
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    // A start on a pane that is piped is refused, and says why.
    tmux.tmux(&["select-pane", "-t", "%0"]);
    let socket = tmux.socket();
    let start = ["rec", "start", "-S", socket.to_str().unwrap(), "-t", "@0"];
    let refused = tvmux.run(start);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(
        message.contains("%0 is piped by another program"),
        "{message}"
    );
    // On a switch to it only the screen is recorded.
    tmux.tmux(&["select-pane", "-t", "%1"]);
    let recording = tvmux.record(&tmux, &[]);
    tmux.tmux(&["send-keys", "-t", "%0", "echo in''visible", "Enter"]);
    wait_until("the logger has it", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("invisible"))
    });
    tmux.tmux(&["select-pane", "-t", "%0"]);
    let blind = tvmux.wait_recording("blind", |recording| recording["state"] == "blind");
    assert!(blind["reason"].as_str().unwrap().contains("%0"), "{blind}");
    let cast = tvmux.cast(&recording);
    wait_until("the snapshot shows it", || {
        recorded(&cast).contains("invisible")
    });
    // The user starts another pipe on a pane of ours: it stays, too.
    tmux.tmux(&["select-pane", "-t", "%1"]);
    tvmux.wait_recording("back", |recording| recording["state"] == "recording");
    let second = tmux.folder().join("second.log");
    tmux.tmux(&[
        "pipe-pane",
        "-t",
        "%1",
        &format!("cat >> {}", second.display()),
    ]);
    tvmux.wait_recording("blind again", |recording| recording["state"] == "blind");
    tmux.tmux(&["send-keys", "-t", "%1", "echo st''ays", "Enter"]);
    wait_until("the second logger has it", || {
        std::fs::read_to_string(&second).is_ok_and(|log| log.contains("stays"))
    });
    // When the user's ends, the recording sees again.
    tmux.tmux(&["pipe-pane", "-t", "%1"]);
    tvmux.wait_recording("sees again", |recording| recording["state"] == "recording");
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(1), "it was blind for a while");
    assert_eq!(
        tmux.ask("%0", "#{pane_pipe}"),
        "1",
        "the first logger still runs"
    );
    let (_, events) = read_cast(&cast);
    assert!(
        markers_of(&events)
            .iter()
            .any(|label| label.contains("blind"))
    );
}
