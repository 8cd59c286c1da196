//! A second line reaches the program that the first one has started.

use std::path::Path;

use crate::command::load_well;
use crate::support::{TestTmux, is_root, wait_until};

/// Loads one pane for each list of lines, with this shell; gives the folder that
/// the lines write to as `$OUT`.
fn type_into(tmux: &TestTmux, shell: &str, lists: &[&[&str]]) {
    let out = tmux.folder().display();
    let mut text = format!(
        "session_name: lines\nenvironment: {{OUT: '{out}'}}\noptions: {{default-command: {shell}}}\nwindows:\n- panes:\n"
    );
    for lines in lists {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| line.replace("OUT", &out.to_string()))
            .collect();
        text += &format!(
            "  - shell_command: {}\n",
            serde_json::to_string(&lines).unwrap()
        );
    }
    load_well(tmux, &text, &["--ready-timeout", "30"]);
}

fn expect(folder: &Path, name: &str, text: &str) {
    let read = || std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    wait_until(name, || read() == text);
}

fn every_line_is_read(shell: &str) {
    let tmux = TestTmux::start("");
    type_into(
        &tmux,
        shell,
        &[
            &["dash", "echo inner > OUT/dash"],
            &["cat > OUT/cat", "one", "two"],
            &["head -1 > OUT/head", "first", "echo after > OUT/after"],
            &["sh -c 'read x; echo \"$x\" > OUT/read'", "answer"],
            &["sed -u 's/^/> /' > OUT/block\nl1\nl2"],
            &["dash", "sh", "cat > OUT/deep", "x"],
            &["true", "false", "echo third > OUT/third"],
        ],
    );
    for (name, text) in [
        ("dash", "inner\n"),
        ("cat", "one\ntwo\n"),
        ("head", "first\n"),
        ("after", "after\n"),
        ("read", "answer\n"),
        ("block", "> l1\n> l2\n"),
        ("deep", "x\n"),
        ("third", "third\n"),
    ] {
        // A leading blank is typed with each line.
        let read = || std::fs::read_to_string(tmux.folder().join(name)).unwrap_or_default();
        wait_until(&format!("{name} by {shell}"), || {
            read().replace("> ", ">").replace(' ', "") == text.replace("> ", ">")
        });
    }
}

#[test]
fn bash_takes_each_line() {
    every_line_is_read("'bash --norc'");
}

#[test]
fn zsh_takes_each_line() {
    every_line_is_read("zsh -f");
}

#[test]
fn fish_takes_each_line() {
    every_line_is_read("fish --no-config");
}

#[test]
fn dash_takes_each_line() {
    every_line_is_read("dash");
}

#[test]
fn the_shells_own_read_gets_its_line() {
    let tmux = TestTmux::start("");
    type_into(
        &tmux,
        "bash --norc",
        &[&["read x; echo \"got $x\" > OUT/own", "v"]],
    );
    expect(tmux.folder(), "own", "got v\n");
}

#[test]
fn another_users_shell_gets_its_line() {
    if !is_root("su asks for no password") {
        return;
    }
    let tmux = TestTmux::start("");
    type_into(
        &tmux,
        "bash --norc",
        &[&["su root -s /bin/dash", "echo in > OUT/su"]],
    );
    expect(tmux.folder(), "su", "in\n");
}

#[test]
fn a_synchronized_window_takes_line_after_line_in_every_pane() {
    let tmux = TestTmux::start("");
    let out = tmux.folder().display();
    let text = format!(
        "session_name: lines\noptions: {{default-command: bash --norc}}\nwindows:\n\
         - synchronize: before\n  panes:\n  - [\"cat >> {out}/both-$TMUX_PANE\", 'l1']\n  - [l2, l3]\n"
    );
    load_well(&tmux, &text, &["--ready-timeout", "30"]);
    let panes = tmux.tmux(&["list-panes", "-t", "lines:", "-F", "#{pane_id}"]);
    for pane in panes.lines() {
        let read = || {
            std::fs::read_to_string(tmux.folder().join(format!("both-{pane}"))).unwrap_or_default()
        };
        wait_until("all lines", || {
            let mut lines: Vec<String> = read().split_whitespace().map(str::to_owned).collect();
            lines.sort();
            lines == ["l1", "l2", "l3"]
        });
    }
}

/// A command that runs for long and reads nothing holds up its pane's next line
/// a little, once, and no other pane.
#[test]
fn a_long_command_does_not_hold_a_load_up() {
    let tmux = TestTmux::start("");
    let mut lines = vec!["sleep 1000"];
    lines.extend(["true"; 200]);
    type_into(&tmux, "bash --norc", &[&lines, &["echo done > OUT/other"]]);
    expect(tmux.folder(), "other", "done\n");
    // It did not wait for the sleep to end, nor after each of the lines for a
    // minute in all: the time limit of the tests would be over.
    assert_eq!(tmux.ask("lines:.0", "#{pane_current_command}"), "sleep");
}
