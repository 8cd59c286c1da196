//! Freezing, and that what was frozen builds the same again.

use crate::command::{load_well, tvmux};
use crate::support::{TestTmux, wait_until};

const WORKSPACE: &str = r#"session_name: cold
start_directory: /usr
options: {status-left: "it's \"x\" #[fg=red] $ 1", base-index: 3}
environment: {PLAIN: value, ODD: "a b\n'c'", EMPTY: ''}
windows:
- window_name: commands
  layout: main-vertical
  options: {main-pane-width: 31, "@mine": "a;b"}
  panes:
  - tail -f /dev/null
  - {shell_command: [cd /tmp, "sleep 'a b' 2>/dev/null || sleep 4321"], title: a title, focus: true}
  - sh -c 'sleep 54321; echo $''HOME'
- window_name: pipe
  window_index: 9
  focus: true
  synchronize: after
  panes: [tail -f /dev/null | grep --line-buffered 'x y', {zoom: true}]
- window_name: program
  start_directory: /tmp
  panes: [{shell: 'exec sleep 7777'}]
- panes: [null]
"#;

fn freeze(tmux: &TestTmux, flags: &[&str]) -> String {
    let mut arguments = vec!["freeze"];
    arguments.extend(flags);
    let ran = tvmux(tmux, &arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}

fn commands_run(tmux: &TestTmux) -> bool {
    let text = freeze(tmux, &["cold"]);
    ["tail -f /dev/null\n", "sleep 4321", "54321", "grep --line-buffered 'x y'"].iter().all(|part| text.contains(part))
        // A window that names itself does so with delay.
        && tmux.tmux(&["list-windows", "-t", "cold:", "-F", "#{window_name}"]).lines().any(|name| name == "sh")
}

#[test]
fn freeze_load_freeze_gives_the_same_file() {
    let tmux = TestTmux::start("");
    load_well(&tmux, WORKSPACE, &[]);
    wait_until("all commands to run", || commands_run(&tmux));
    let first = freeze(&tmux, &["cold"]);
    for part in [
        "window_index: 9",
        "main-pane-width: 31",
        "title: a title",
        "zoom: true",
        "options_after:",
        "EMPTY: \"\"",
        "shell: exec sleep 7777",
        "tail -f /dev/null | grep --line-buffered 'x y'",
        "sleep 54321; echo $''HOME",
        "start_directory: /tmp",
        "base-index: 3",
    ] {
        assert!(first.contains(part), "{part}\n{first}");
    }
    assert!(!first.contains("main:"), "{first}");
    tmux.kill_session("cold");
    load_well(&tmux, &first, &[]);
    wait_until("all commands to run again", || commands_run(&tmux));
    wait_until("the same file", || freeze(&tmux, &["cold"]) == first);
    // JSON says the same.
    let json = freeze(&tmux, &["cold", "-f", "json"]);
    let mut source = tvmux::workspace::Source::new("x");
    let read = |text: &str, format| {
        tvmux::workspace::parse(text, format, &mut tvmux::workspace::Source::new("x")).unwrap()
    };
    let yaml = read(&first, tvmux::workspace::Format::Yaml);
    let json = read(&json, tvmux::workspace::Format::Json);
    assert_eq!(
        tvmux::workspace::json::emit(&yaml),
        tvmux::workspace::json::emit(&json)
    );
    assert!(source.take_warnings().is_empty());
}

#[test]
fn a_window_alone_can_be_frozen() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["new-window", "-d", "-t", "main:", "-n", "second"]);
    let text = freeze(&tmux, &["main", "-w", "second"]);
    assert!(
        text.contains("window_name: second") && !text.contains("window_name: first"),
        "{text}"
    );
    assert_eq!(freeze(&tmux, &["-w", "1"]), text);
    for arguments in [["freeze", "nothing", "-q"], ["freeze", "main", "-wnothing"]] {
        let ran = tvmux(
            &tmux,
            &arguments[..if arguments[2] == "-q" { 2 } else { 3 }],
        );
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    }
}

#[test]
fn nothing_is_overwritten_in_silence() {
    let tmux = TestTmux::start("");
    let path = tmux.folder().join("out.json");
    let path = path.to_str().unwrap();
    freeze(&tmux, &["main", "-o", path]);
    let first = std::fs::read_to_string(path).unwrap();
    assert!(first.starts_with('{'), "{first}");
    std::fs::write(path, "mine").unwrap();
    let ran = tvmux(&tmux, &["freeze", "main", "-o", path]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
    freeze(&tmux, &["main", "-o", path, "--force"]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), first);
}
