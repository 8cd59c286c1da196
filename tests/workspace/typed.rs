//! Every command reaches its shell exactly once and in order, however long
//! the shell takes.

use std::path::{Path, PathBuf};

use crate::command::load_well;
use crate::support::{TestTmux, wait_until};

/// A program in the test's folder.
fn executable(tmux: &TestTmux, name: &str, text: &str) -> PathBuf {
    let path = tmux.folder().join(name);
    std::fs::write(&path, text).unwrap();
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    path
}

/// A shell with start files of its own that waits before its first prompt.
fn slow_shell(tmux: &TestTmux, shell: &str, seconds: &str) -> PathBuf {
    let home = tmux.folder().join(format!("home-{shell}"));
    std::fs::create_dir_all(home.join(".config/fish")).unwrap();
    let start = format!("echo a banner comes first\nsleep {seconds}\n");
    for file in [".bashrc", ".zshrc", ".dashrc", ".config/fish/config.fish"] {
        std::fs::write(home.join(file), &start).unwrap();
    }
    let home = home.display();
    executable(
        tmux,
        &format!("slow-{shell}"),
        &format!(
            "#!/bin/sh\nexport HOME='{home}' ENV='{home}/.dashrc' XDG_CONFIG_HOME='{home}/.config'\nexec {shell} -i\n"
        ),
    )
}

/// Two windows of two panes, each with ten commands that write a line.
fn workspace(tmux: &TestTmux, shell: &Path) -> String {
    let mut text = format!(
        "session_name: typed\noptions: {{default-command: {}}}\nwindows:\n",
        shell.display()
    );
    for window in 0..2 {
        text.push_str("- panes:\n");
        for pane in 0..2 {
            text.push_str("  - shell_command:\n");
            for line in 0..10 {
                let out = tmux.folder().join(format!("out-{window}-{pane}"));
                text.push_str(&format!("    - echo line-{line} >> {}\n", out.display()));
            }
        }
    }
    text
}

fn expect_each_once(tmux: &TestTmux) {
    let expected: String = (0..10).map(|line| format!("line-{line}\n")).collect();
    for name in ["out-0-0", "out-0-1", "out-1-0", "out-1-1"] {
        let read = || std::fs::read_to_string(tmux.folder().join(name)).unwrap_or_default();
        wait_until(name, || read().len() >= expected.len());
        assert_eq!(read(), expected, "{name}");
    }
}

fn typed_once(shell: &str) {
    let tmux = TestTmux::start("");
    let program = slow_shell(&tmux, shell, "1.5");
    let ran = load_well(
        &tmux,
        &workspace(&tmux, &program),
        &["--ready-timeout", "30"],
    );
    // Every shell was found to be ready before the time was up, ...
    assert!(
        !ran.stderr.contains("did not read"),
        "{shell}: {}",
        ran.stderr
    );
    expect_each_once(&tmux);
    // ... so none echoed what was typed before it drew its prompt.
    let screen = tmux.tmux(&["capture-pane", "-p", "-J", "-S", "-", "-t", "typed:0.0"]);
    let echoes = screen.matches("echo line-3 ").count();
    assert_eq!(
        echoes, 1,
        "{shell} shows a command {echoes} times:\n{screen}"
    );
}

#[test]
fn a_slow_bash_gets_each_command_once() {
    typed_once("bash");
}

#[test]
fn a_slow_zsh_gets_each_command_once() {
    typed_once("zsh");
}

#[test]
fn a_slow_fish_gets_each_command_once() {
    typed_once("fish");
}

#[test]
fn a_slow_dash_gets_each_command_once() {
    typed_once("dash");
}

/// A shell that reads its input but never shows a prompt.
#[test]
fn a_shell_without_a_prompt_gets_each_command_once() {
    let tmux = TestTmux::start("");
    let program = executable(
        &tmux,
        "silent",
        "#!/bin/sh\nsleep 0.3\nwhile IFS= read -r line; do eval \"$line\"; done\n",
    );
    let ran = load_well(
        &tmux,
        &workspace(&tmux, &program),
        &["--ready-timeout", "30"],
    );
    assert!(!ran.stderr.contains("did not read"), "{}", ran.stderr);
    expect_each_once(&tmux);
}

/// A shell that does not look at its terminal until long after the bound:
/// typed anyway, and still once.
#[test]
fn a_shell_that_is_never_ready_gets_each_command_once() {
    let tmux = TestTmux::start("");
    let gate = tmux.folder().join("gate");
    let text = format!(
        "#!/bin/sh\nwhile ! test -e '{}'; do sleep 0.05; done\nexec sh\n",
        gate.display()
    );
    let program = executable(&tmux, "never", &text);
    let ran = load_well(
        &tmux,
        &workspace(&tmux, &program),
        &["--ready-timeout", "0.3"],
    );
    assert!(
        ran.stderr.contains("did not read its terminal in time"),
        "{}",
        ran.stderr
    );
    std::fs::write(gate, "").unwrap();
    expect_each_once(&tmux);
}

#[test]
fn text_is_literal_to_the_last_character() {
    let tmux = TestTmux::start("");
    let out = tmux.folder().join("out");
    let keys = executable(
        &tmux,
        "keys",
        &format!(
            "#!/bin/sh\nstty -icanon -echo\nexec cat -u > '{}'\n",
            out.display()
        ),
    );
    let lines = [
        "echo a;",
        "echo b\\;",
        ";",
        "Enter",
        "C-c",
        "a;;",
        "\\",
        "-x",
        "--",
        "$",
        "#{pid} #(date) %H",
        "~",
        "tab\there",
        "'\"`",
        "ünï → 漢字",
    ];
    let long = "long ".repeat(5000);
    let all: Vec<&str> = lines.iter().copied().chain([long.as_str()]).collect();
    let list: String = all
        .iter()
        .map(|line| format!("  - {}\n", serde_json::to_string(line).unwrap()))
        .collect();
    let text = format!(
        "session_name: literal\nsuppress_history: false\noptions: {{default-command: {}}}\nwindows:\n- panes:\n  - shell_command:\n{}",
        keys.display(),
        list.replace("  - ", "    - ")
    );
    // `~` alone is the home folder, as everywhere.
    load_well(&tmux, &text, &[]);
    let expected: String = all
        .iter()
        .map(|line| {
            if *line == "~" {
                format!("{}\n", tmux.folder().display())
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    let read = || std::fs::read_to_string(&out).unwrap_or_default();
    wait_until("all to be typed", || read().len() >= expected.len());
    assert_eq!(read(), expected);
}

#[test]
fn pauses_concern_their_own_command() {
    let tmux = TestTmux::start("");
    let started = std::time::Instant::now();
    let text = "session_name: pauses\nwindows:\n- panes:\n  - sleep_before: 0.2\n    sleep_after: 0.2\n    \
                shell_command: [':', {cmd: ':', sleep_before: 0.2}, ':', {cmd: ':', sleep_after: 0.2}, ':', ':', ':', ':', ':']\n  \
                - sleep_before: 0.4\n    shell_command: ':'\n";
    load_well(&tmux, text, &[]);
    // One after the other within a pane, side by side between panes.
    assert!(started.elapsed() >= std::time::Duration::from_millis(800));
}
