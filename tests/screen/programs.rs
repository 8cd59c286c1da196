//! Real programs: their pane, and the library's screen fed with what they printed.
//!
//! A screen is compared again and again until both are the same or the deadline is
//! over: programs print when they like.

use std::time::Instant;

use tvmux::screen::Screen;

use super::captures::rules;
use super::oracle::{Pane, difference, shown};
use super::support::DEADLINE;

/// A pane whose program's output is written to a file from its first byte on.
struct Watched {
    pane: Pane,
    size: (u16, u16),
    screens: usize,
}

impl Watched {
    fn start(program: &str, size: (u16, u16)) -> Watched {
        let pane = Pane::start(program, size);
        Watched {
            pane,
            size,
            screens: 0,
        }
    }

    /// Types keys, waits for a text and compares.
    fn step(&mut self, keys: &[&str], text: &str) {
        let end = Instant::now() + DEADLINE;
        self.pane.type_keys(keys);
        loop {
            let tmux = self.pane.shown();
            let there = tmux.text().contains(text);
            let mut screen = Screen::new(self.size.0, self.size.1, rules());
            screen.feed(&self.pane.output());
            let difference = difference(&tmux, &shown(&screen), rules());
            if there && difference.is_none() {
                break;
            }
            assert!(
                Instant::now() < end,
                "{keys:?}: `{text}` is there: {there}\n{}",
                difference.unwrap_or_default()
            );
        }
        self.screens += 1;
    }
}

const SIZES: [(u16, u16); 2] = [(80, 24), (100, 30)];

/// Whether a program can be run; says so if not.
fn is_there(program: &str) -> bool {
    let found = std::process::Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

#[test]
fn shells_and_their_commands_look_as_in_tmux() {
    for size in SIZES {
        for shell in ["sh", "bash --norc", "zsh -f", "fish -N"] {
            if !is_there(shell.split(' ').next().unwrap()) {
                continue;
            }
            let mut watched = Watched::start(shell, size);
            watched.step(&[], "");
            for (at, command) in [
                "ls -la --color=always /etc",
                "seq 1 70",
                "for i in 1 2 3 4 5 6 7 8 9; do printf '\\r[%-9s] %s0%%' '#########' $i; done",
                "git --no-pager log --color=always -p -3 --stat",
                "printf '\\033[1;31mred\\033[0m \\033[4:3mcurly\\033[0m 漢字 e\\314\\201\\n'",
                "cat /etc/passwd",
                "clear",
            ]
            .iter()
            .enumerate()
            {
                if shell.starts_with("fish") && command.starts_with("for") {
                    continue;
                }
                let command = format!("{command}; expr {at} + 4000");
                let answer = format!("{}", at + 4000);
                watched.step(&[&command, "Enter"], &answer);
            }
            assert!(watched.screens >= 7);
        }
    }
}

#[test]
fn an_editor_looks_as_in_tmux() {
    if !is_there("vim") {
        return;
    }
    for size in SIZES {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let program = format!("vim -u NONE -N -i NONE -R {file}");
        let mut watched = Watched::start(&program, size);
        watched.step(&[], "[package]");
        watched.step(&[":syntax on", "Enter"], "[package]");
        watched.step(&[":set number", "Enter"], " 1 ");
        watched.step(&["C-f"], "=");
        watched.step(&["C-b"], "[package]");
        watched.step(&[":vsplit", "Enter"], "RO");
        watched.step(&["C-d"], "=");
        watched.step(&["/version", "Enter"], "version");
        watched.step(&[":set list hlsearch", "Enter"], "$");
        watched.step(&["G"], "=");
        watched.step(&["5", "C-y"], "=");
        watched.step(&["C-w", "w"], "=");
        watched.step(&["C-w", "o"], "=");
        watched.step(&["g", "g"], "[package]");
        watched.step(&[":echo 'all' . ' done'", "Enter"], "all done");
    }
}

#[test]
fn a_pager_looks_as_in_tmux() {
    if !is_there("less") {
        return;
    }
    for size in SIZES {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");
        let mut watched = Watched::start(&format!("less {file}"), size);
        watched.step(&[], "version");
        watched.step(&["Space"], "name");
        watched.step(&["j"], "name");
        watched.step(&["k", "k"], "name");
        watched.step(&["/checksum", "Enter"], "checksum");
        watched.step(&["n"], "checksum");
        watched.step(&["G"], "END");
        watched.step(&["g"], "version");
        watched.step(&["h"], "SUMMARY");
    }
}

#[test]
fn lists_of_processes_look_as_in_tmux() {
    for size in SIZES {
        for (program, text) in [("top -d 3", "PID"), ("htop -d 30", "PID")] {
            if !is_there(program.split(' ').next().unwrap()) {
                continue;
            }
            let mut watched = Watched::start(program, size);
            watched.step(&[], text);
            watched.step(&["M"], text);
            watched.step(&["P"], text);
        }
    }
}

#[test]
fn a_manual_looks_as_in_tmux() {
    if !is_there("man") || !is_there("less") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("demo.1");
    let text: String = (1..60)
        .map(|n| format!(".TP\n\\fBoption{n}\\fR\nWhat \\fIoption {n}\\fR does.\n"))
        .collect();
    let head = ".TH DEMO 1\n.SH NAME\ndemo \\- a page\n.SH OPTIONS\n";
    std::fs::write(&page, head.to_owned() + &text).unwrap();
    for size in SIZES {
        let program = format!(
            "exec env PAGER=less MANPAGER=less man -l {}",
            page.display()
        );
        let mut watched = Watched::start(&program, size);
        watched.step(&[], "option1");
        watched.step(&["Space"], "option");
        watched.step(&["/option40", "Enter"], "option40");
        watched.step(&["k"], "option");
        watched.step(&["G"], "option59");
        watched.step(&["g"], "NAME");
    }
}

/// The shell command of a tmux whose server ends with this.
struct Inner(String);

impl Drop for Inner {
    fn drop(&mut self) {
        let kill = format!("{} kill-server", self.0);
        let _ = std::process::Command::new("sh")
            .args(["-c", &kill])
            .status();
    }
}

#[test]
fn a_tmux_in_tmux_looks_as_in_tmux() {
    let program = super::support::program();
    for size in SIZES {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("inner");
        let inner = Inner(format!("{} -S {}", program.display(), socket.display()));
        let command = format!(
            "exec env -u TMUX LANG=C.UTF-8 {} -f /dev/null new-session -s inner \
             'exec env PS1=% sh' \\; set status-right done",
            inner.0
        );
        let mut watched = Watched::start(&command, size);
        watched.step(&[], "[inner]");
        watched.step(&["ls -la /", "Enter"], "tmp");
        watched.step(&["C-b", "%"], "\u{2502}");
        watched.step(&["seq 1 90", "Enter"], "90");
        watched.step(&["C-b", "\""], "\u{2500}");
        watched.step(&["C-b", "z"], "Z");
        watched.step(&["C-b", "z"], "\u{2500}");
        watched.step(&["C-b", "["], "[0/");
        watched.step(&["q"], "\u{2500}");
    }
}
