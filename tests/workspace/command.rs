//! Running the program against a server of the test's own.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{self, TestTmux};

/// What the program did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program, shielded from the settings of whoever runs the tests.
pub fn program(home: &Path) -> Command {
    let mut command = support::shielded(env!("CARGO_BIN_EXE_tvmux"));
    command
        .env("HOME", home)
        .env("TVMUX_TMUX_COMMAND", support::program())
        .current_dir(home)
        .stdin(std::process::Stdio::null());
    command
}

pub fn ran(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// Runs a verb on the test's server.
pub fn tvmux(tmux: &TestTmux, arguments: &[&str]) -> Ran {
    let (verb, rest) = arguments.split_first().unwrap();
    let socket = tmux.socket();
    let mut command = program(tmux.folder());
    command.arg(verb).arg("-S").arg(socket).args(rest);
    ran(&mut command)
}

/// Writes a workspace into the test's folder and loads it, detached.
pub fn load(tmux: &TestTmux, workspace: &str, flags: &[&str]) -> Ran {
    let path = tmux.folder().join("workspace.yaml");
    std::fs::write(&path, workspace).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let mut arguments = vec!["load", "-d"];
    arguments.extend(flags);
    arguments.push(&path);
    tvmux(tmux, &arguments)
}

/// The same, which must succeed.
pub fn load_well(tmux: &TestTmux, workspace: &str, flags: &[&str]) -> Ran {
    let ran = load(tmux, workspace, flags);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

/// Everything of a server that a load could change.
pub fn everything(tmux: &TestTmux) -> String {
    [
        "display-message -p #{pid}",
        "list-sessions -F #{session_id}#{session_name}#{session_path}",
        "list-panes -a -F #{session_id}#{window_index}#{window_id}#{window_name}#{window_layout}#{window_flags}#{pane_id}#{pane_active}",
        "show-options -s",
        "show-options -g",
        "show-options -gw",
        "show-options -t main:",
        "show-options -w -t main:",
        "show-environment -g",
        "show-environment -t main:",
    ]
    .map(|command| tmux.tmux(&command.split(' ').collect::<Vec<_>>()))
    .join("\n--\n")
}
