//! A day in a few seconds: windows come, go and move under rules, daemons die, and
//! every line that was to be recorded is.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::Signal;

use crate::auto::{default_socket, new_window, turn_on, user, write_rules};
use crate::support::tvmux::{Tvmux, recorded};
use crate::support::{TestTmux, wait_until};

const RULES: &str = "[[auto]]\nwindow = 'private*'\nrecord = false\n\
                     [[auto]]\nsession = 'work*'\n\
                     [[auto]]\nwindow = 'wanted*'\n";

/// Lines that each program prints in about three seconds.
const LINES: u32 = 250;

/// A shell command that prints numbered lines with a tag of its own.
fn prints(tag: &str) -> String {
    format!(
        "exec perl -e '$|=1; for $i (1..{LINES}) {{ print \"{tag} line $i end\\n\"; \
         select(undef, undef, undef, 0.012) }} sleep 1000'"
    )
}

/// The numbers of the lines with a tag in all casts.
fn recorded_lines(tvmux: &Tvmux, tag: &str) -> BTreeSet<u32> {
    let mut lines = BTreeSet::new();
    let start = format!("{tag} line ");
    for cast in fs::read_dir(tvmux.folder().join("casts")).unwrap() {
        let text = recorded(&cast.unwrap().path());
        for (at, _) in text.match_indices(&start) {
            let rest = &text[at + start.len()..];
            // A line may be in the midst of being written.
            lines.extend(
                rest.split_once(" end")
                    .and_then(|(number, _)| number.parse::<u32>().ok()),
            );
        }
    }
    lines
}

/// The number of the last line that tmux shows in a window.
fn last_shown(tmux: &TestTmux, window: &str) -> u32 {
    let screen = tmux.tmux(&["capture-pane", "-p", "-t", window]);
    let mut lines = screen.lines().rev();
    let number = |line: &str| line.split(' ').nth(2)?.parse().ok();
    lines.find_map(number).unwrap_or(0)
}

fn wait_for_line(tmux: &TestTmux, window: &str, number: u32) {
    wait_until("it has printed so far", || {
        last_shown(tmux, window) >= number
    });
}

#[test]
fn a_day_in_which_nothing_is_missed() {
    let mut tvmux = user(RULES);
    let other = TestTmux::start("exec cat");
    turn_on(&tvmux, &other);
    // The default server comes when the rules are on.
    let tmux = TestTmux::start_at(default_socket(&tvmux), "exec cat");
    let on_both = [&tmux, &other];
    for server in on_both {
        server.tmux(&["new-session", "-d", "-s", "work", "-n", "shell", "exec cat"]);
    }
    // What each tag must have: all lines, or those from the first to one.
    let mut whole: Vec<String> = Vec::new();
    let mut never: Vec<String> = Vec::new();
    let mut closed: Vec<(String, u32)> = Vec::new();
    let window = |server: &TestTmux, session: &str, name: &str, tag: &str| {
        new_window(server, session, name, &prints(tag))
    };
    // By session, by name, and not.
    for (at, server) in on_both.into_iter().enumerate() {
        for number in 0..3 {
            window(
                server,
                "work",
                &format!("w{number}"),
                &format!("work{at}x{number}"),
            );
            window(
                server,
                "main",
                &format!("wanted{number}"),
                &format!("name{at}x{number}"),
            );
            whole.push(format!("work{at}x{number}"));
            whole.push(format!("name{at}x{number}"));
        }
        window(server, "work", "private", &format!("private{at}"));
        window(server, "main", "other", &format!("other{at}"));
        never.extend([format!("private{at}"), format!("other{at}")]);
    }
    // (What is being begun in the very moment of a kill has a gap there.)
    wait_until("all that fit are recorded", || {
        tvmux.recordings().len() == 14
    });
    let daemon = tvmux.signal_daemon(Signal::SIGKILL);
    // One that comes while no daemon is there.
    window(&tmux, "work", "meanwhile", "meanwhile");
    whole.push("meanwhile".to_owned());
    tvmux.wait_for_another_server(daemon);

    // Split, then broken out: a new window.
    let split = window(&tmux, "work", "split", "split");
    tmux.tmux(&["split-window", "-d", "-t", &split, &prints("broken")]);
    let pane = tmux.ask(&format!("{split}.1"), "#{pane_id}");
    wait_for_line(&tmux, &pane, 40);
    tmux.tmux(&["break-pane", "-d", "-s", &pane, "-t", "work:"]);
    whole.extend(["split".to_owned(), "broken".to_owned()]);

    // Moved out of the session that is recorded, linked, and renamed: goes on.
    let moved = window(&tmux, "work", "moved", "moved");
    tvmux.wait_recording("it is recorded", |recording| {
        recording["window_id"] == moved.as_str() && recording["session_id"] == "work"
    });
    tmux.tmux(&["move-window", "-d", "-s", &moved, "-t", "main:"]);
    tmux.tmux(&["rename-window", "-t", &moved, "private"]);
    let linked = window(&tmux, "work", "linked", "linked");
    tmux.tmux(&["link-window", "-d", "-s", &linked, "-t", "main:"]);
    whole.extend(["moved".to_owned(), "linked".to_owned()]);

    // Closed in the midst of it.
    let gone = window(&other, "work", "gone", "gone");
    wait_for_line(&other, &gone, 60);
    let shown = last_shown(&other, &gone);
    wait_until("it is recorded up to there", || {
        recorded_lines(&tvmux, "gone").contains(&shown)
    });
    other.tmux(&["kill-window", "-t", &gone]);
    closed.push(("gone".to_owned(), shown));

    // A workspace, and another configuration.
    let file = tvmux.folder().join("day.yaml");
    let panes = format!("  panes: [{{shell_command: {:?}}}]\n", prints("loaded"));
    let text = format!("session_name: workspace\nwindows:\n- window_name: l1\n{panes}");
    fs::write(&file, text).unwrap();
    let socket = tmux.socket();
    tvmux.ok([
        "load",
        "-d",
        "-S",
        socket.to_str().unwrap(),
        file.to_str().unwrap(),
    ]);
    whole.push("loaded".to_owned());
    let late = window(&tmux, "main", "late", "late");
    wait_for_line(&tmux, &late, 30);
    write_rules(&tvmux, &format!("{RULES}[[auto]]\nwindow = 'late'\n"));
    tvmux.ok(["server", "reload"]);

    tvmux.wait_recording("it is recorded", |recording| {
        recording["window_id"] == late.as_str() && recording["session_id"] == "main"
    });
    let daemon = tvmux.signal_daemon(Signal::SIGKILL);
    window(&other, "work", "again", "again");
    whole.push("again".to_owned());
    tvmux.wait_for_another_server(daemon);

    let all: BTreeSet<u32> = (1..=LINES).collect();
    wait_until("every line is there", || {
        let mut tags = whole.iter().map(String::as_str).chain(["late"]);
        tags.all(|tag| recorded_lines(&tvmux, tag).contains(&LINES))
    });
    tvmux.ok(["auto", "off"]);
    tvmux.ok(["rec", "stop"]);
    for tag in &whole {
        let lines = recorded_lines(&tvmux, tag);
        let missing: Vec<_> = all.difference(&lines).collect();
        assert!(missing.is_empty(), "{tag}: {missing:?}");
    }
    for (tag, shown) in &closed {
        let lines = recorded_lines(&tvmux, tag);
        let last = *lines.last().unwrap();
        assert!(last >= *shown && lines.len() as u32 == last, "{tag}");
    }
    let late: Vec<u32> = recorded_lines(&tvmux, "late").into_iter().collect();
    assert_eq!(late, (late[0]..=LINES).collect::<Vec<_>>());
    for tag in &never {
        assert_eq!(recorded_lines(&tvmux, tag).len(), 0, "{tag} is recorded");
    }
    for server in on_both {
        let listed = server.tmux(&["list-panes", "-a", "-F", "#{pane_pipe}"]);
        assert!(listed.lines().all(|pipe| pipe == "0"), "{listed}");
    }
}
