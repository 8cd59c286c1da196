//! What freezing finds in panes: it builds the same again, or is said to be
//! left out.

use tvmux::shell::Shell;

use crate::command::{Ran, load_well, tvmux};
use crate::support::{self, TestTmux, wait_for, wait_until};

fn freeze(tmux: &TestTmux, flags: &[&str]) -> Ran {
    let mut arguments = vec!["freeze"];
    arguments.extend(flags);
    let ran = tvmux(tmux, &arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

/// The command line of what is in front in a pane, with its NULs.
fn foreground(tmux: &TestTmux, target: &str) -> Option<Vec<u8>> {
    let pid = tmux.ask(target, "#{pane_pid}");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let group = stat.rsplit_once(')')?.1.split_whitespace().nth(5)?;
    std::fs::read(format!("/proc/{group}/cmdline")).ok()
}

/// A program in the test's folder.
fn executable(tmux: &TestTmux, name: &str, text: &str) -> String {
    let path = tmux.folder().join(name);
    std::fs::write(&path, text).unwrap();
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    path.to_str().unwrap().to_owned()
}

fn arguments_come_back(shell: &str) {
    let tmux = TestTmux::start("");
    let pwned = tmux.folder().join("pwned");
    let typed = format!("\u{3}  touch {}\r", pwned.display());
    let words: Vec<&[u8]> = vec![
        b"sh",
        b"-c",
        b"sleep 1000; :",
        b"name",
        b"!x",
        b"!!",
        b"{a,b}",
        b"a\tb",
        b"\x1b[A",
        b"\r",
        typed.as_bytes(),
        b"\x04",
        b"\x15",
        b"it's \"x\" \\ `id` $(id)",
        b"$HOME ${HOME} $x",
        b"~",
        b"=ls",
        b"*",
        b"caf\xc3\xa9",
        b"caf\xe9",
        b"a\nb",
        b"",
    ];
    let line = Shell::Posix.join(&words).unwrap();
    let start = executable(&tmux, "start", &format!("#!/bin/sh\nexec {line}\n"));
    load_well(
        &tmux,
        &format!(
            "session_name: cold\noptions: {{default-command: 'exec {shell}'}}\nwindows: [{{window_name: w, panes: [{start}]}}]\n"
        ),
        &[],
    );
    let mut expected = words.join(&b'\0');
    expected.push(0);
    let runs = |what: &str| {
        wait_until(what, || {
            foreground(&tmux, "cold:").as_deref() == Some(&expected[..])
        });
    };
    runs("the program");
    let frozen = freeze(&tmux, &["cold"]);
    assert_eq!(frozen.stderr, "");
    let text = &frozen.stdout;
    assert!(
        !text.contains("\\x")
            && !text.contains("\\e")
            && !text.contains("\\r")
            && !text.contains("\\t"),
        "{text}"
    );
    tmux.tmux(&["kill-session", "-t", "=cold"]);
    load_well(&tmux, text, &[]);
    runs("the same program again");
    assert!(!pwned.exists(), "{text}");
}

#[test]
fn bash_gets_the_same_arguments() {
    arguments_come_back("bash --norc");
}

#[test]
fn zsh_gets_the_same_arguments() {
    arguments_come_back("zsh -f");
}

#[test]
fn fish_gets_the_same_arguments() {
    arguments_come_back("fish --no-config");
}

#[test]
fn dash_gets_the_same_arguments() {
    arguments_come_back("dash");
}

#[test]
fn what_cannot_be_typed_is_left_out_and_said() {
    let tmux = TestTmux::start("");
    // A shell by name that is none that is known well.
    std::os::unix::fs::symlink("/bin/bash", tmux.folder().join("tcsh")).unwrap();
    let start = executable(
        &tmux,
        "start",
        "#!/bin/sh\nexec sh -c 'sleep 1000; :' 'it'\\''s !x'\n",
    );
    load_well(
        &tmux,
        &format!(
            "session_name: cold\noptions: {{default-command: 'exec {}/tcsh --norc'}}\nwindows: [{{window_name: w, panes: [{start}]}}]\n",
            tmux.folder().display()
        ),
        &[],
    );
    wait_until("the program", || {
        foreground(&tmux, "cold:").is_some_and(|line| line.starts_with(b"sh\0"))
    });
    let frozen = freeze(&tmux, &["cold"]);
    assert!(!frozen.stdout.contains("1000"), "{}", frozen.stdout);
    assert!(
        frozen.stderr.contains("pane 1 of window `w`") && frozen.stderr.contains("is left out"),
        "{}",
        frozen.stderr
    );
}

#[test]
fn a_title_that_a_program_gives_itself_is_no_command() {
    if std::process::Command::new("perl")
        .arg("-v")
        .output()
        .is_err()
    {
        println!("skipped: there is no perl");
        return;
    }
    let tmux = TestTmux::start("");
    let titles = ["npm run dev", "postgres writer process"];
    load_well(
        &tmux,
        "session_name: cold\noptions: {default-command: 'exec bash --norc'}\nwindows:\n- window_name: w\n  panes:\n\
         \x20 - perl -e '$''0 = q(npm run dev); sleep 1000'\n  - perl -e '$''0 = q(postgres writer process); sleep 1000'\n",
        &[],
    );
    for (pane, title) in titles.iter().enumerate() {
        let target = format!("cold:.{pane}");
        wait_until(title, || {
            foreground(&tmux, &target).is_some_and(|line| line.starts_with(title.as_bytes()))
        });
    }
    let frozen = freeze(&tmux, &["cold"]);
    for title in titles {
        assert!(!frozen.stdout.contains(title), "{}", frozen.stdout);
        assert!(
            frozen.stderr.contains(&format!("calls itself `{title}`")),
            "{}",
            frozen.stderr
        );
    }
}

#[test]
fn a_folder_that_was_removed_is_said() {
    let tmux = TestTmux::start("");
    let folder = tmux.folder().join("g");
    std::fs::create_dir(&folder).unwrap();
    load_well(
        &tmux,
        &format!(
            "session_name: cold\nwindows: [{{window_name: w, start_directory: {}, panes: [null]}}]\n",
            folder.display()
        ),
        &[],
    );
    wait_until("the pane's folder", || {
        tmux.ask("cold:", "#{pane_current_path}").ends_with("/g")
    });
    std::fs::remove_dir(&folder).unwrap();
    let frozen = freeze(&tmux, &["cold"]);
    assert!(!frozen.stdout.contains("deleted"), "{}", frozen.stdout);
    assert!(
        frozen.stderr.contains("/g, was removed"),
        "{}",
        frozen.stderr
    );
}

#[test]
fn the_freeze_itself_is_not_frozen() {
    let tmux = TestTmux::start("");
    let out = tmux.folder().join("out.yaml");
    let line = format!(
        "env HOME={} TVMUX_TMUX_COMMAND={} {} freeze -o {}",
        tmux.folder().display(),
        support::program().display(),
        env!("CARGO_BIN_EXE_tvmux"),
        out.display()
    );
    tmux.tmux(&["send-keys", "-t", "main:", "-l", "--", &line]);
    tmux.tmux(&["send-keys", "-t", "main:", "Enter"]);
    let text = wait_for("the file", || {
        std::fs::read_to_string(&out)
            .ok()
            .filter(|text| text.contains("windows"))
    });
    assert!(!text.contains("freeze"), "{text}");
}

#[test]
fn a_recorded_window_asks_for_a_recording() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["set-option", "-w", "-t", "main:", "@tvmux_recording", "1"]);
    let frozen = freeze(&tmux, &["main"]);
    assert!(frozen.stdout.contains("record: true"), "{}", frozen.stdout);
    assert!(!frozen.stdout.contains("@tvmux"), "{}", frozen.stdout);
}

#[test]
fn what_is_lost_is_said() {
    let tmux = TestTmux::start("");
    tmux.tmux(&[
        "set-hook",
        "-t",
        "main:",
        "alert-bell",
        "display-message bell",
    ]);
    tmux.tmux(&["set-option", "-w", "-t", "main:", "remain-on-exit", "on"]);
    tmux.tmux(&["split-window", "-t", "main:", "true"]);
    wait_until("the pane to be dead", || {
        tmux.ask("main:.1", "#{pane_dead}") == "1"
    });
    tmux.tmux(&["split-window", "-t", "main:.0", "exec bash --norc"]);
    tmux.tmux(&["send-keys", "-t", "main:.1", "dash", "Enter"]);
    wait_until("the inner shell", || {
        tmux.ask("main:.1", "#{pane_current_command}") == "dash"
    });
    let frozen = freeze(&tmux, &["main"]);
    for part in [
        "the session: hook alert-bell[0]",
        "pane 3 of window `first`: its program, which has ended, is left out",
        "pane 2 of window `first`: the shell `dash` in its shell, is left out",
    ] {
        assert!(frozen.stderr.contains(part), "{part}\n{}", frozen.stderr);
    }
}

#[test]
fn odd_names_come_back_as_they_are() {
    let tmux = TestTmux::start("");
    let names: Vec<&str> = ["C:\\temp", "a\\\\b", "#{pid} ##", "a\tb", "é 漢"]
        .into_iter()
        .filter(|name| tmux.takes_name(name))
        .collect();
    let windows: String = names
        .iter()
        .map(|name| format!("- window_name: {}\n", serde_json::to_string(name).unwrap()))
        .collect();
    load_well(
        &tmux,
        &format!("session_name: 'back\\slash'\nwindows:\n{windows}"),
        &[],
    );
    let first = freeze(&tmux, &["back\\slash"]).stdout;
    let read = |text: &str| {
        let mut source = tvmux::workspace::Source::new("x");
        let tree =
            tvmux::workspace::parse(text, tvmux::workspace::Format::Yaml, &mut source).unwrap();
        let windows = tree.get("windows").unwrap().as_list().unwrap().to_vec();
        let names = windows.iter().map(|window| {
            window
                .get("window_name")
                .unwrap()
                .as_text()
                .unwrap()
                .to_owned()
        });
        (
            tree.get("session_name")
                .unwrap()
                .as_text()
                .unwrap()
                .to_owned(),
            names.collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        read(&first),
        (
            "back\\slash".to_owned(),
            names.iter().map(|name| (*name).to_owned()).collect()
        )
    );
    // Round after round, and for what is there already.
    // Before tmux 3.2 list-sessions has no filter.
    let sessions = tmux.tmux(&["list-sessions", "-F", "#{session_id} #{session_name}"]);
    let is_other = |line: &&str| !line.ends_with(" main");
    let other = sessions.lines().find(is_other).unwrap();
    let id = other.split(' ').next().unwrap().to_owned();
    let ran = load_well(&tmux, &first, &["-a", "-t", &id, "--skip-existing"]);
    assert!(ran.stderr.contains("0 windows"), "{}", ran.stderr);
    tmux.tmux(&["kill-session", "-t", &id]);
    load_well(&tmux, &first, &[]);
    wait_until("the same file", || {
        freeze(&tmux, &["back\\slash"]).stdout == first
    });
}

/// Since 3.7 panes may float, which no layout string that can be given says.
#[test]
fn floating_panes_give_a_layout_that_loads() {
    let tmux = TestTmux::start("");
    if tmux
        .try_tmux(&["new-pane", "-t", "main:", "exec sh"])
        .is_err()
    {
        println!("skipped: this tmux has no floating panes");
        return;
    }
    let frozen = freeze(&tmux, &["main"]);
    assert!(frozen.stdout.contains("layout: tiled"), "{}", frozen.stdout);
    assert!(
        frozen.stderr.contains("the panes are tiled"),
        "{}",
        frozen.stderr
    );
    load_well(&tmux, &frozen.stdout, &["-s", "again"]);
    assert_eq!(tmux.ask("again:", "#{window_panes}"), "2");
}
