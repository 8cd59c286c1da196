//! Names, titles and folders come back as they were given.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use tvmux::tmux::{Batch, Fields};

use crate::command::{load, load_well, tvmux};
use crate::support::{TestTmux, wait_until};

const NAMES: [&str; 13] = [
    "app.v2",
    r"C:\temp",
    r"C:\new\$NOT_SET",
    r"back\\slash",
    r"\",
    "a b",
    "tab\there",
    "#{pid} #(touch pwned) #S ##[x] #[y] %H",
    "it's \"quoted\"",
    "line\nbreak",
    "é漢😀",
    "\u{1b}[31m",
    "$NOT_SET",
];

fn read(tmux: &TestTmux, target: &str, variable: &str) -> String {
    let fields = Fields::new(tmux.version()).text([variable]);
    let answer = tmux.ask(target, fields.format()) + "\n";
    fields.parse(answer.as_bytes()).unwrap()[0].text()
}

/// The session beside the test's own.
fn loaded(tmux: &TestTmux) -> String {
    let ids = tmux.tmux(&["list-sessions", "-F", "#{session_id}"]);
    format!("{}:", ids.lines().find(|id| *id != "$0").unwrap())
}

fn quoted(name: &str) -> String {
    serde_json::to_string(name).unwrap()
}

#[test]
fn names_are_loaded_and_frozen_as_they_are() {
    let tmux = TestTmux::start("");
    for name in NAMES.into_iter().filter(|name| tmux.takes_name(name)) {
        let text = format!(
            "session_name: {}\nwindows:\n- window_name: {}\n  panes:\n  - shell: exec cat\n    title: {}\n",
            quoted(&name.replace(|c: char| matches!(c, ':' | '.') || c.is_control(), "")),
            quoted(name),
            quoted(&name.replace(|c: char| c.is_control(), "")),
        );
        load_well(&tmux, &text, &[]);
        let id = loaded(&tmux);
        assert_eq!(read(&tmux, &id, "window_name"), name, "{name:?}");

        // Its window is there already, whatever it is called.
        load_well(&tmux, &text, &["-a", "-t", &id, "--skip-existing"]);
        assert_eq!(tmux.ask(&id, "#{session_windows}"), "1", "{name:?}");
        // And so is the session.
        let again = load(&tmux, &text, &[]);
        assert!(
            again.stderr.contains("running already"),
            "{name:?}: {}",
            again.stderr
        );

        let frozen = tvmux(&tmux, &["freeze", id.trim_end_matches(':')]);
        assert_eq!(frozen.code, Some(0), "{name:?}: {}", frozen.stderr);
        tmux.tmux(&["kill-session", "-t", &id]);
        load_well(&tmux, &frozen.stdout, &[]);
        let id = loaded(&tmux);
        assert_eq!(read(&tmux, &id, "window_name"), name, "{name:?} frozen");
        let again = tvmux(&tmux, &["freeze", id.trim_end_matches(':')]);
        assert_eq!(again.stdout, frozen.stdout, "{name:?} frozen twice");
        tmux.tmux(&["kill-session", "-t", &id]);
    }
    assert!(!tmux.folder().join("pwned").exists());
}

#[test]
fn a_name_that_tmux_refuses_is_named_where_it_stands() {
    let tmux = TestTmux::start("");
    for name in NAMES.into_iter().filter(|name| !tmux.takes_name(name)) {
        let text = format!(
            "session_name: s\nwindows:\n- window_name: good\n- window_name: {}\n",
            quoted(name)
        );
        let ran = load(&tmux, &text, &[]);
        assert_eq!(ran.code, Some(1), "{name:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("workspace.yaml:4:3:"),
            "{name:?}: {}",
            ran.stderr
        );
        assert_eq!(
            tmux.tmux(&["list-sessions", "-F", "#{session_name}"]),
            "main"
        );
    }
}

#[test]
fn a_folder_that_is_not_utf_8_is_left_out_and_named() {
    let tmux = TestTmux::start("");
    let folder = tmux.folder().join(OsStr::from_bytes(b"bad\xe9dir"));
    std::fs::create_dir(&folder).unwrap();
    let new = ["new-window", "-d", "-n", "odd", "-t", "main:", "-c"].map(OsStr::new);
    let rest = [folder.as_os_str(), OsStr::new("exec cat")];
    let new = Batch::of(new.into_iter().chain(rest));
    tmux.server().run_blocking(&new).unwrap();
    wait_until("the pane's folder is known", || {
        tmux.server()
            .run_blocking(&Batch::of([
                "list-panes",
                "-t",
                "main:odd",
                "-F",
                "#{pane_current_path}",
            ]))
            .is_ok_and(|path| path.windows(3).any(|part| part == b"bad"))
    });
    let frozen = tvmux(&tmux, &["freeze", "main"]);
    assert_eq!(frozen.code, Some(0), "{}", frozen.stderr);
    assert!(
        frozen.stdout.contains("window_name: odd"),
        "{}",
        frozen.stdout
    );
    // 3.4 and 3.5 print such a byte as an escape, which is no other name's.
    if !frozen.stdout.contains("\\351") {
        assert!(frozen.stderr.contains("is not UTF-8"), "{}", frozen.stderr);
        assert!(!frozen.stdout.contains("bad"), "{}", frozen.stdout);
    }
}
