//! Names, titles and folders come back as they were given.

use tvmux::tmux::Fields;

use crate::command::{load, load_well, tvmux};
use crate::support::TestTmux;

const NAMES: [&str; 12] = [
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
        let more = text.replacen("session_name: ", "session_name: x", 1);
        load_well(&tmux, &more, &["-a", "-t", &id, "--skip-existing"]);
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
