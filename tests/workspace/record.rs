//! `record` in a workspace, with a real daemon.

use std::path::{Path, PathBuf};

use crate::command::{program, ran};
use crate::support::tvmux::{read_cast, recorded};
use crate::support::{TestTmux, wait_for, wait_until};

/// Runs the program with folders of the test's own for the daemon.
fn with_daemon(tmux: &TestTmux, arguments: &[&str]) -> crate::command::Ran {
    let at = |name: &str| tmux.folder().join(name);
    ran(program(tmux.folder())
        .env("XDG_RUNTIME_DIR", at("run"))
        .env("XDG_STATE_HOME", at("state"))
        .args(arguments))
}

fn casts(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            all.extend(casts(&path));
        } else if path.extension().is_some_and(|end| end == "cast") {
            all.push(path);
        }
    }
    all
}

#[test]
fn windows_are_recorded_from_their_first_command() {
    let tmux = TestTmux::start("");
    let run = tmux.folder().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let text = "session_name: filmed\nrecord: {title: of $HOME, directory: ./casts}\nwindows:\n\
                - {window_name: a, panes: [echo the-first-$((40 + 2))]}\n\
                - {window_name: b, record: false}\n\
                - {window_name: c, record: true, panes: [echo other]}\n";
    let path = tmux.folder().join("w.yaml");
    std::fs::write(&path, text).unwrap();
    let socket = tmux.socket();
    let arguments = [
        "load",
        "-d",
        "-S",
        socket.to_str().unwrap(),
        path.to_str().unwrap(),
    ];
    let loaded = with_daemon(&tmux, &arguments);
    let listed = with_daemon(&tmux, &["rec", "ls", "--json"]);
    wait_until("the first command in a cast", || {
        casts(&tmux.folder().join("casts"))
            .iter()
            .any(|cast| recorded(cast).contains("the-first-42"))
    });
    let stopped = with_daemon(&tmux, &["server", "stop"]);
    assert_eq!(loaded.code, Some(0), "{}", loaded.stderr);
    assert_eq!(
        loaded.stderr.matches("recording ").count(),
        2,
        "{}",
        loaded.stderr
    );
    let recordings: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(recordings.as_array().unwrap().len(), 2, "{recordings}");
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    let cast = casts(&tmux.folder().join("casts")).pop().unwrap();
    let title = format!("of {}", tmux.folder().display());
    let (header, _) = read_cast(&cast);
    assert!(
        header["title"].as_str().unwrap().contains(&title),
        "{header}"
    );
    // The other window's goes where casts usually go.
    let usual = wait_for("the other cast", || {
        casts(&tmux.folder().join("Videos")).pop()
    });
    read_cast(&usual);
}
