//! Loading: what tmuxp does not do, or does wrong.

use std::path::Path;

use crate::command::{everything, load, load_well, program, ran, tvmux};
use crate::support::{self, TestTmux, wait_until};

fn panes(tmux: &TestTmux, target: &str, format: &str) -> Vec<String> {
    let answer = tmux.tmux(&["list-panes", "-s", "-t", target, "-F", format]);
    answer.lines().map(str::to_owned).collect()
}

fn windows(tmux: &TestTmux, target: &str, format: &str) -> Vec<String> {
    let answer = tmux.tmux(&["list-windows", "-t", target, "-F", format]);
    answer.lines().map(str::to_owned).collect()
}

#[test]
fn own_keys_do_what_they_say() {
    let tmux = TestTmux::start("");
    let out = tmux.folder().join("out");
    let out = out.display();
    load_well(
        &tmux,
        &format!(
            "session_name: keys\nwindows:\n\
             - window_name: titles\n  zoom: true\n  panes: [{{title: 'one #{{pid}}'}}, {{title: two, focus: true}}, blank]\n\
             - window_name: zoomed-pane\n  panes: [x, {{zoom: true}}, x]\n\
             - window_name: before\n  synchronize: before\n  panes: [echo both >> {out}-before, null]\n\
             - window_name: after\n  synchronize: after\n  panes: [echo one >> {out}-after, null]\n\
             - window_name: plain\n  options: {{synchronize-panes: on}}\n  panes: [echo one >> {out}-plain, null]\n\
             - window_name: filters\n  shell_command_after: [echo last >> {out}-filters]\n  clear: true\n  panes: [echo first >> {out}-filters]\n"
        ),
        &[],
    );
    assert_eq!(
        panes(
            &tmux,
            "keys:",
            "#{window_name}.#{pane_active}#{window_zoomed_flag} #{pane_title}"
        )[..3],
        [
            "titles.01 one #{pid}".to_owned(),
            "titles.11 two".into(),
            format!("titles.01 {}", tmux.ask("keys:", "#{host}"))
        ]
    );
    assert_eq!(
        windows(&tmux, "keys:", "#{window_zoomed_flag}#{synchronize-panes}")[..5],
        ["10", "10", "01", "01", "01"]
    );
    let read = |name: &str| std::fs::read_to_string(format!("{out}-{name}")).unwrap_or_default();
    wait_until("synchronized commands", || read("before") == "both\nboth\n");
    for (name, text) in [
        ("after", "one\n"),
        ("plain", "one\n"),
        ("filters", "first\nlast\n"),
    ] {
        wait_until(name, || read(name).len() >= text.len());
        assert_eq!(read(name), text, "{name}");
    }
    wait_until("the screen to be cleared", || {
        !tmux
            .tmux(&["capture-pane", "-p", "-t", "keys:filters"])
            .contains("first")
    });
}

#[test]
fn panes_that_do_not_fit_are_tiled() {
    let tmux = TestTmux::start("");
    let panes_of = |n: usize| format!("[{}]", vec!["null"; n].join(", "));
    load_well(
        &tmux,
        &format!(
            "session_name: many\nwindows:\n- panes: {}\n- layout: main-horizontal\n  panes: {}\n",
            panes_of(40),
            panes_of(18)
        ),
        &[],
    );
    assert_eq!(windows(&tmux, "many:", "#{window_panes}"), ["40", "18"]);
}

#[test]
fn window_options_of_the_session_go_to_every_window() {
    let tmux = TestTmux::start("");
    load_well(
        &tmux,
        "session_name: options\noptions: {mode-keys: vi, status: off}\nwindows: [{}, {}, {options: {mode-keys: emacs}}]\n",
        &[],
    );
    assert_eq!(
        windows(&tmux, "options:", "#{mode-keys}"),
        ["vi", "vi", "emacs"]
    );
    assert_eq!(
        tmux.tmux(&["show-options", "-v", "-t", "options:", "status"]),
        "off"
    );
    assert_eq!(tmux.tmux(&["show-options", "-gwv", "mode-keys"]), "emacs");
}

#[test]
fn missing_folders_are_named_and_replaced() {
    let tmux = TestTmux::start("");
    let ran = load_well(
        &tmux,
        "session_name: folders\nstart_directory: /usr\nwindows:\n- start_directory: /no/such/folder\n- {}\n",
        &[],
    );
    assert!(
        ran.stderr
            .contains(":4:20: the folder /no/such/folder does not exist; /usr is used"),
        "{}",
        ran.stderr
    );
    let pids = panes(&tmux, "folders:", "#{pane_pid}");
    assert_eq!(pids.len(), 2);
    for pid in pids {
        let folder = format!("/proc/{pid}/cwd");
        wait_until("the pane is in the folder", || {
            std::fs::read_link(&folder).is_ok_and(|folder| folder == Path::new("/usr"))
        });
    }
}

#[test]
fn names_are_literal() {
    let tmux = TestTmux::start("");
    load_well(
        &tmux,
        "session_name: 's #{pid} ##[x] #[y] ###z'\nwindows: [{window_name: 'w #{pid} #(date) ##'}, {window_name: 007}]\n",
        &[],
    );
    assert_eq!(
        tmux.tmux(&["list-sessions", "-F", "#{session_name}"]),
        "main\ns #{pid} ##[x] #[y] ###z"
    );
    assert_eq!(
        windows(&tmux, "=s #{pid} ##[x] #[y] ###z:", "#{window_name}"),
        ["w #{pid} #(date) ##", "007"]
    );
}

#[test]
fn odd_session_names_are_found_by_their_id() {
    let tmux = TestTmux::start("");
    for name in [
        "$1", "@1", "%0", "=eq", "-d", "a\\b", "main ", "!", "{last}", "~",
    ] {
        let text = format!(
            "session_name: {}\nwindows: [{{panes: [a, b]}}, {{focus: true}}]\n",
            serde_json::to_string(name).unwrap()
        );
        // `~` alone is the home folder, in names too: not a name tmux takes.
        let ran = load(&tmux, &text, &[]);
        if name == "~" {
            assert!(
                ran.code == Some(1)
                    || tmux
                        .tmux(&["list-sessions", "-F", "#{session_name}"])
                        .contains('/'),
                "{}",
                ran.stderr
            );
            continue;
        }
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let again = load_well(&tmux, &text, &[]);
        assert!(
            again.stderr.contains("is running already"),
            "{name}: {}",
            again.stderr
        );
    }
    assert_eq!(tmux.ask("main", "#{session_windows}"), "1");
}

#[test]
fn an_existing_session_is_left_alone() {
    let tmux = TestTmux::start("");
    let before = everything(&tmux);
    let ran = load(
        &tmux,
        "session_name: main\noptions: {status: off}\nwindows: [{}, {}]\n",
        &[],
    );
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.stderr.contains("session `main` is running already"),
        "{}",
        ran.stderr
    );
    assert_eq!(everything(&tmux), before);
}

#[test]
fn windows_are_appended_to_a_named_session() {
    let tmux = TestTmux::start("");
    let text = "session_name: other\nenvironment: {T_X: y}\nwindows:\n- window_name: first\n- window_name: second\n  panes: [a, b]\n";
    load_well(&tmux, text, &["-a", "-t", "main", "--skip-existing"]);
    assert_eq!(
        windows(
            &tmux,
            "main:",
            "#{window_index} #{window_name} #{window_active}"
        ),
        ["0 first 1", "1 second 0"]
    );
    assert!(
        tmux.tmux(&["show-environment", "-t", "main:"])
            .contains("T_X=y")
    );
    load_well(&tmux, text, &["-a", "-t", "main"]);
    assert_eq!(
        windows(&tmux, "main:", "#{window_name}"),
        ["first", "second", "first", "second"]
    );
    assert!(tmux.try_tmux(&["has-session", "-t", "=other"]).is_err());
}

#[test]
fn a_failed_append_takes_back_what_it_did() {
    let tmux = TestTmux::start("");
    tmux.tmux(&["set-environment", "-t", "main:", "KEPT", "as it was"]);
    tmux.tmux(&[
        "set-option",
        "-t",
        "main:",
        "status-left",
        "it's \"mine\" $x",
    ]);
    tmux.tmux(&["set-option", "-g", "update-environment[3]", "X Y"]);
    let before = everything(&tmux);
    for end in [
        "options_after: {remain-on-exit: maybe}",
        "options: {monitor-silence: x}",
        "window_index: 0",
    ] {
        let text = format!(
            "session_name: x\nenvironment: {{KEPT: changed, NEW: added}}\noptions: {{status-left: changed, status-right: changed}}\n\
             global_options: {{update-environment: A B, '@new': x, repeat-time: 7}}\nwindows:\n- window_name: one\n  panes: [a, b]\n- {end}\n"
        );
        let ran = load(&tmux, &text, &["-a", "-t", "main"]);
        assert_eq!(ran.code, Some(1), "{end}: {}", ran.stderr);
        assert_eq!(everything(&tmux), before, "{end}");
    }
}

#[test]
fn a_failing_script_stops_the_load_but_not_the_users_session() {
    let tmux = TestTmux::start("");
    let before = everything(&tmux);
    let text =
        "session_name: x\nbefore_script: sh -c 'echo one; echo two >&2; exit 7'\nwindows: [{}]\n";
    for flags in [&[][..], &["-a", "-t", "main"]] {
        let ran = load(&tmux, text, flags);
        assert_eq!(ran.code, Some(1));
        assert!(
            ran.stderr.contains("ended with exit code 7"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("two"), "{}", ran.stderr);
        assert_eq!(everything(&tmux), before);
    }
}

#[test]
fn what_a_script_leaves_running_does_not_hold_the_load() {
    let tmux = TestTmux::start("");
    let pid = tmux.folder().join("pid");
    let text = format!(
        "session_name: x\nbefore_script: sh -c 'sleep 300 & echo $! > {}'\nwindows: [{{}}]\n",
        pid.display()
    );
    load_well(&tmux, &text, &[]);
    let pid: i32 = std::fs::read_to_string(pid)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
}

#[test]
fn hooks_run_at_their_points() {
    let tmux = TestTmux::start("");
    let log = tmux.folder().join("log");
    let hook = |name: &str| {
        format!(
            "  {name}: 'echo {name} $TVMUX_SESSION ${{TVMUX_WINDOW:-none}} $({} list-panes -s -t \"=$TVMUX_SESSION:\" | wc -l) >> {}'\n",
            support::program().display(),
            log.display()
        )
    };
    let names = [
        "before_workspace_builder",
        "on_window_create",
        "after_window_finished",
        "before_script",
        "reattach",
    ];
    let hooks: String = names.map(hook).concat();
    let text = format!(
        "session_name: hooked\nhooks:\n{hooks}windows: [{{window_name: a, panes: [x, y]}}, {{window_name: b}}]\n"
    );
    load_well(&tmux, &text, &[]);
    let ids = windows(&tmux, "hooked:", "#{window_id}");
    let expected = format!(
        "before_workspace_builder hooked none 1\non_window_create hooked {a} 2\non_window_create hooked {b} 4\n\
         after_window_finished hooked {a} 3\nafter_window_finished hooked {b} 3\nbefore_script hooked none 3\n",
        a = ids[0],
        b = ids[1]
    );
    assert_eq!(std::fs::read_to_string(log).unwrap(), expected);
}

#[test]
fn python_and_unknown_keys_are_named_and_passed_over() {
    let tmux = TestTmux::start("");
    let ran = load_well(
        &tmux,
        "session_name: odd\nplugins: [a.b.C]\nx-mine: 1\nnonsense: 1\nwindows:\n- windowname: w\n  panes:\n  - shellcommand: ls\n  - {shell_command: {cmd: ls, entr: false}}\n",
        &[],
    );
    for part in [
        ":2:10: `plugins` (a.b.C) are Python",
        ":4:1: unknown key `nonsense` in a session is ignored",
        ":6:3: unknown key `windowname` in a window is ignored; did you mean `window_name`?",
        ":8:5: unknown key `shellcommand` in a pane is ignored; did you mean `shell_command`?",
        "unknown key `entr` in a command is ignored; did you mean `enter`?",
    ] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("x-mine"), "{}", ran.stderr);
}

#[test]
fn windows_that_close_by_themselves_do_not_fail_the_load() {
    let tmux = TestTmux::start("");
    let ran = load_well(
        &tmux,
        "session_name: gone\nwindows:\n- {window_name: brief, window_shell: 'true', focus: true}\n- {window_name: lasting, panes: ['true', {shell: 'true'}]}\n",
        &[],
    );
    let _ = ran;
    wait_until("the brief window to close", || {
        windows(&tmux, "gone:", "#{window_name}") == ["lasting"]
    });
}

#[test]
fn an_interrupted_load_leaves_nothing() {
    let tmux = TestTmux::start("");
    let before = everything(&tmux);
    let path = tmux.folder().join("w.yaml");
    std::fs::write(&path, "session_name: long\nglobal_options: {repeat-time: 5}\nwindows:\n- panes: [{sleep_before: 600, shell_command: ls}]\n").unwrap();
    let load = |program_of_tmux: &std::ffi::OsStr, is_due: &dyn Fn() -> bool| {
        let mut child = program(tmux.folder())
            .env("TVMUX_TMUX_COMMAND", program_of_tmux)
            .args(["load", "-d", "-S"])
            .arg(tmux.socket())
            .arg(&path)
            .spawn()
            .unwrap();
        wait_until("the session to be built", is_due);
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert_eq!(everything(&tmux), before);
    };
    load(&support::program(), &|| {
        tmux.try_tmux(&["list-panes", "-t", "=long:0"]).is_ok()
    });
    // While a client that has made the session has not told it yet.
    let slow = tmux.folder().join("slow");
    let made = tmux.folder().join("made");
    let script = format!(
        "#!/bin/sh\n{} \"$@\"\nstatus=$?\ncase $* in *new-session*) : >{}; sleep 0.2; esac\nexit $status\n",
        support::program().to_string_lossy(),
        made.display()
    );
    std::fs::write(&slow, script).unwrap();
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&slow, all).unwrap();
    load(slow.as_os_str(), &|| made.exists());
}

#[test]
fn a_hanging_load_ends_by_signal() {
    for signal in [
        nix::sys::signal::Signal::SIGTERM,
        nix::sys::signal::Signal::SIGINT,
    ] {
        let folder = tempfile::tempdir().unwrap();
        // A tmux that waits for a server which does not understand it.
        let hanging = folder.path().join("tmux");
        let started = folder.path().join("started");
        let script = format!("#!/bin/sh\n: > {}\nexec sleep 1000\n", started.display());
        std::fs::write(&hanging, script).unwrap();
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&hanging, all).unwrap();
        let path = folder.path().join("w.yaml");
        std::fs::write(&path, "session_name: x\nwindows:\n- panes: [ls]\n").unwrap();
        let child = program(folder.path())
            .env("TVMUX_TMUX_COMMAND", &hanging)
            .args(["load", "-d", "-S"])
            .arg(folder.path().join("socket"))
            .arg(&path)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("tmux hangs", || started.exists());
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        nix::sys::signal::kill(pid, signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        // Not that it was waited for to the limit.
        assert!(said.contains("stopped while the tmux server"), "{said}");
    }
}

#[test]
fn a_plan_is_a_script_that_tmux_takes() {
    let tmux = TestTmux::start("");
    let path = tmux.folder().join("w.yaml");
    std::fs::write(&path, "session_name: 'it''s #1'\nwindows:\n- {window_name: \"a\\\"b;\", layout: tiled, panes: [x, y, z]}\n- {window_name: c, window_index: 9, focus: true}\n").unwrap();
    let before = everything(&tmux);
    let dry = tvmux(&tmux, &["load", "--dry-run", path.to_str().unwrap()]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert_eq!(everything(&tmux), before);
    let script = tmux.folder().join("plan.conf");
    std::fs::write(&script, &dry.stdout).unwrap();
    tmux.tmux(&["source-file", script.to_str().unwrap()]);
    let described = |session: &str| {
        windows(
            &tmux,
            session,
            "#{window_index} #{window_name} #{window_panes} #{window_active}",
        )
    };
    let planned = described("=it's #1:");
    tmux.tmux(&["kill-session", "-t", "=it's #1:"]);
    assert_eq!(
        tvmux(&tmux, &["load", "-d", path.to_str().unwrap()]).code,
        Some(0)
    );
    assert_eq!(described("=it's #1:"), planned);
}

#[test]
fn several_files_and_names_are_found() {
    let tmux = TestTmux::start("");
    let config = tmux.folder().join(".config/tmuxp");
    let project = tmux.folder().join("project");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::create_dir_all(&project).unwrap();
    let write = |path: std::path::PathBuf, name: &str| {
        std::fs::write(path, format!("session_name: {name}\nwindows: [{{}}]\n")).unwrap()
    };
    write(config.join("named.yaml"), "by-name");
    write(config.join("named.json"), "not-this");
    write(config.join("file.yml"), "by-file-name");
    write(project.join(".tmuxp.yaml"), "by-folder");
    let ran = tvmux(&tmux, &["load", "-d", "named", "file.yml", "./project"]);
    // JSON is read as JSON, but the YAML file comes first.
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("named.json is left out"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        tmux.tmux(&["list-sessions", "-F", "#{session_name}"]),
        "by-file-name\nby-folder\nby-name\nmain"
    );
    for missing in ["nothing", "nothing.yaml", "./nothing", "config"] {
        let ran = tvmux(&tmux, &["load", "-d", missing]);
        assert_eq!(ran.code, Some(1), "{missing}");
    }
}

#[test]
fn a_name_can_be_given() {
    let tmux = TestTmux::start("");
    load_well(&tmux, "windows: [{}]\n", &["-s", "given"]);
    load_well(
        &tmux,
        "session_name: 'not.this'\nwindows: [{}]\n",
        &["-s", "other"],
    );
    assert_eq!(
        tmux.tmux(&["list-sessions", "-F", "#{session_name}"]),
        "given\nmain\nother"
    );
    let ran = ran(program(tmux.folder())
        .args(["load", "-d", "--append", "-s", "x", "-S"])
        .arg(tmux.socket())
        .arg("workspace.yaml"));
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("-a -t SESSION"), "{}", ran.stderr);
}

/// Since 3.7 tmux takes no window of a name with control characters.
#[test]
fn a_name_that_tmux_refuses_is_named_where_it_stands() {
    let tmux = TestTmux::start("");
    if tmux.takes_name("a\tb") {
        println!("skipped: this tmux takes every name");
        return;
    }
    let before = everything(&tmux);
    let text = "session_name: x\nwindows:\n- window_name: fine\n- window_name: \"a\\tb\"\n";
    let ran = load(&tmux, text, &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .contains("workspace.yaml:4:3: tmux takes no window of the name"),
        "{}",
        ran.stderr
    );
    assert_eq!(everything(&tmux), before);
}
