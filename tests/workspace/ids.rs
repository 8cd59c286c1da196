//! Windows and panes are addressed by their ids: whatever closes, moves or is
//! renamed while a session is built, no other window is touched.

use crate::command::{load, load_well};
use crate::support::{TestTmux, wait_until};

fn windows(tmux: &TestTmux, target: &str, format: &str) -> Vec<String> {
    let answer = tmux.tmux(&["list-windows", "-t", target, "-F", format]);
    answer.lines().map(str::to_owned).collect()
}

/// The server's program, as a shell in a pane runs it.
fn program() -> String {
    crate::support::program().to_string_lossy().into_owned()
}

#[test]
fn a_window_that_closes_moves_no_other() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["set-option", "-g", "renumber-windows", "on"]);
    load_well(
        &tmux,
        "session_name: closes\nwindows:\n- {window_name: a, window_shell: 'true'}\n\
         - {window_name: b, panes: [null, null], options_after: {'@mine': b}}\n\
         - {window_name: c, focus: true, options_after: {'@mine': c}}\n",
        &[],
    );
    wait_until("the first window to close", || {
        windows(&tmux, "closes:", "#{window_name} #{@mine} #{window_active}") == ["b b 0", "c c 1"]
    });
}

/// What a pane types into tmux itself while the rest is still built: the pane of
/// the first window waits after it, so that it has happened before the end.
fn typed_by_a_pane(command: &str) -> (TestTmux, String) {
    let tmux = TestTmux::start("");
    tmux.tmux(&["set-option", "-g", "renumber-windows", "on"]);
    let text = format!(
        "session_name: typed\nwindows:\n\
         - {{window_name: a, focus: true, panes: [null, {{shell_command: [{{cmd: '{} {command}', sleep_after: 0.5}}]}}]}}\n\
         - {{window_name: b, options_after: {{'@mine': b}}}}\n\
         - {{window_name: c, synchronize: after, panes: [null, null]}}\n",
        program()
    );
    let ran = load(&tmux, &text, &[]);
    assert_eq!(ran.code, Some(0), "{command}: {}", ran.stderr);
    (tmux, ran.stderr)
}

#[test]
fn what_panes_do_with_tmux_meets_their_own_window() {
    // Where synchronize-panes is on for the whole window.
    let others = ["b b 0", "c  1"];
    let seen = |tmux: &TestTmux| {
        windows(
            tmux,
            "typed:",
            "#{window_name} #{@mine} #{synchronize-panes}",
        )
    };
    for (command, first) in [
        ("kill-window", None),
        ("rename-window renamed", Some("renamed  0")),
        ("set-option -w @mine here", Some("a here 0")),
        ("split-window", Some("a  0")),
        ("kill-pane", Some("a  0")),
        ("swap-window -t :+1 -d", Some("a  0")),
        ("move-window -t :7", Some("a  0")),
        ("break-pane -d", Some("a  0")),
    ] {
        let (tmux, said) = typed_by_a_pane(command);
        let expected = match command {
            "kill-window" => 3,
            "kill-pane" => 4,
            "split-window" => 6,
            _ => 5,
        };
        let count = || {
            windows(&tmux, "typed:", "#{window_panes}")
                .iter()
                .map(|n| n.parse::<usize>().unwrap())
                .sum::<usize>()
        };
        wait_until(command, || {
            let all = seen(&tmux);
            let others = others
                .iter()
                .all(|line| all.iter().any(|seen| seen == line));
            let own = all.iter().find(|line| line.starts_with(['a', 'r']));
            others && own.map(String::as_str) == first && count() == expected
        });
        assert_eq!(
            tmux.ask("main:", "#{window_name} #{session_windows}"),
            "first 1",
            "{command}"
        );
        assert!(!said.contains("error"), "{command}: {said}");
    }
}

#[test]
fn windows_that_are_added_touch_none_that_is_there() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["set-option", "-g", "renumber-windows", "on"]);
    tmux.tmux(&["new-window", "-d", "-t", "main:", "-n", "second"]);
    let before = windows(
        &tmux,
        "main:",
        "#{window_id} #{window_name} #{window_active} #{window_panes} #{synchronize-panes}",
    );
    let text = format!(
        "session_name: x\nwindows:\n\
         - {{window_name: gone, window_shell: 'true'}}\n\
         - {{window_name: kills, panes: [{{shell_command: [{{cmd: '{} kill-window', sleep_after: 0.5}}]}}]}}\n\
         - {{window_name: last, synchronize: after, panes: [null, null]}}\n",
        program()
    );
    load_well(&tmux, &text, &["-a", "-t", "main"]);
    wait_until("two windows to close", || {
        windows(&tmux, "main:", "#{window_name}").len() == 3
    });
    let after = windows(
        &tmux,
        "main:",
        "#{window_id} #{window_name} #{window_active} #{window_panes} #{synchronize-panes}",
    );
    assert_eq!(after[..2], before);
    assert!(after[2].ends_with(" last 0 2 1"), "{after:?}");
}

#[test]
fn that_all_windows_close_is_an_error_and_leaves_nothing() {
    let tmux = TestTmux::start("");
    let ran = load(
        &tmux,
        "session_name: none\nwindows: [{window_shell: 'true'}, {panes: [{shell_command: [exit], sleep_after: 1}]}]\n",
        &[],
    );
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("every window of `none` closed by itself"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        tmux.tmux(&["list-sessions", "-F", "#{session_name}"]),
        "main"
    );
}
