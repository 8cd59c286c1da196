//! What shells tell of their commands: marks in casts, and marks of real shells.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tvmux::cast::{Code, Part};

use crate::support::tvmux::{Tvmux, recorded};
use crate::support::{TestTmux, skipped, wait_until};
use crate::{made, write};

fn commands(user: &Tvmux, args: &[&str]) -> Vec<Value> {
    let text = user.ok(["commands", "--json"].iter().chain(args));
    let mut all: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    all.reverse();
    all
}

fn texts(commands: &[Value]) -> Vec<&str> {
    commands
        .iter()
        .map(|command| command["command"].as_str().unwrap_or("-"))
        .collect()
}

/// Writes a cast that goes on with another, whose screen `painted` is.
fn write_part(user: &Tvmux, number: u32, painted: &str, events: &[(f64, &str)]) {
    let mut part = made(events);
    part.header.part = Some(Part {
        number,
        previous: "x.cast".to_owned(),
        screen: painted.len() as u64,
    });
    part.events.insert(0, (0, Code::Output, painted.to_owned()));
    write(user, &format!("x.part{number:03}.cast"), &part);
}

#[test]
fn a_command_that_runs_through_casts_of_a_recording_is_one_with_all_its_output() {
    let user = Tvmux::new();
    let prompt = "\x1b]133;A\x07$ \x1b]133;B\x07";
    let first = format!("{prompt}make\r\n\x1b]133;C\x07line 1\r\nline 2\r\nli");
    write(&user, "x.cast", &made(&[(1.0, &first), (9.0, "")]));
    let paint = "\x1b[H\x1b[2J$ make\r\nline 1\r\nline 2\r\n";
    let cut = format!("{paint}li");
    write_part(&user, 2, &cut, &[(1.0, "ne 3\r\nline 4\r\n"), (10.0, "")]);
    let whole = format!("{paint}line 3\r\nline 4\r\n");
    let end = format!("line 5\r\n\x1b]133;D;3\x07{prompt}");
    let next = "echo hi\r\n\x1b]133;C\x07hi\r\n\x1b]133;D;0\x07";
    write_part(&user, 3, &whole, &[(2.0, &end), (5.0, next)]);
    // It ends with nothing running: what the next one begins with is no command.
    write_part(&user, 4, &whole, &[(1.0, "\x1b]133;A\x07$ "), (2.0, "x")]);
    user.ok(["archive", "update"]);

    let all = commands(&user, &[]);
    assert_eq!(texts(&all), ["make", "echo hi"]);
    assert_eq!(
        (&all[0]["number"], &all[1]["number"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        (&all[0]["status"], &all[0]["duration"]),
        (&3.into(), &20.0.into())
    );
    assert_eq!(all[1]["time"], 24.0);
    assert!(
        all.iter()
            .all(|one| one["cast"].as_str().unwrap().ends_with("/x.cast"))
    );
    assert_eq!(texts(&commands(&user, &["--failed"])), ["make"]);
    let made = "line 1\nline 2\nline 3\nline 4\nline 5\n";
    assert_eq!(user.ok(["commands", "show", "x:1"]), made);
    assert_eq!(user.ok(["commands", "show", "x:2"]), "hi\n");
    let records = user.ok(["archive", "export", "-q"]);
    let records: Vec<Value> = records
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["output"], made.trim_end());
    assert_eq!(
        (&records[0]["until"], &records[1]["number"]),
        (&21.0.into(), &2.into())
    );
    // What a later cast shows is of that command, and of its time.
    let hit = &crate::found(&user, &["line 5"])[0];
    assert_eq!(
        (&hit["command"], &hit["time"]),
        (&"make".into(), &21.0.into())
    );
    let cut: Vec<Value> = crate::found(&user, &["li"]);
    let cut: Vec<_> = cut.iter().map(|hit| (&hit["line"], &hit["time"])).collect();
    assert_eq!((cut.len(), cut[2]), (5, (&"line 3".into(), &1.0.into())));
    let failed = crate::found(&user, &["--failed", "line"]);
    assert!(failed.iter().any(|hit| hit["line"] == "line 4"));
    let lines = user.ok(["archive", "export", "-q", "--lines", "--failed"]);
    assert_eq!(lines.lines().count(), 5, "{lines}");
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["line"], &last["time"]),
        (&"line 5".into(), &21.0.into())
    );
    let shown: Value = serde_json::from_str(&user.ok(["show", "--json", "x"])).unwrap();
    assert_eq!(shown["commands"].as_array().unwrap().len(), 2);
    assert_eq!(shown["parts"], 4);
}

#[test]
fn a_line_through_several_casts_of_a_recording_is_one() {
    let user = Tvmux::new();
    write(&user, "x.cast", &made(&[(1.0, "one\r\nwait"), (9.0, "")]));
    write_part(&user, 2, "one\r\nwait", &[(3.0, "ing ."), (10.0, "")]);
    write_part(&user, 3, "one\r\nwaiting .", &[(5.0, "..")]);
    let whole = "one\r\nwaiting ...";
    // It stays as it was, and another begins as it did.
    write_part(&user, 4, whole, &[(1.0, "\r\nwait\r\nwaiter")]);
    // What it begins with is another screen.
    write_part(&user, 5, "wa", &[(2.0, "ll")]);
    user.ok(["archive", "update"]);
    let hits = crate::found(&user, &["wa"]);
    let seen = |hit: &Value| {
        (
            hit["line"].as_str().unwrap().to_owned(),
            hit["time"].as_f64(),
        )
    };
    let seen: Vec<_> = hits.iter().map(seen).collect();
    let expected = [
        ("waiting ...", 1.0),
        ("wait", 25.0),
        ("waiter", 25.0),
        ("wall", 25.0),
    ];
    let expected = expected.map(|(line, time)| (line.to_owned(), Some(time)));
    assert_eq!(seen, expected);
    assert!(hits.iter().all(|hit| hit["cast"] == hits[0]["cast"]));
    assert_eq!(hits[0]["until"], 24.0);
    let one = crate::found(&user, &["-1", "wait"]);
    assert_eq!((&one[0]["line"], one.len()), (&"waiting ...".into(), 1));
    let lines = user.ok(["archive", "export", "-q", "--lines", "--format", "text"]);
    assert_eq!(lines, "one\nwaiting ...\nwait\nwaiter\nwall\n");
}

#[test]
fn commands_have_text_folder_time_status_and_output() {
    let user = Tvmux::new();
    let events = [
        (
            1.0,
            "\x1b]7;file://box/home/me%20x\x07\x1b]133;A\x07$ \x1b]133;B\x07make all\r\n",
        ),
        (2.0, "\x1b]133;C\x07"),
        (3.0, "one\r\ntwo\r\n"),
        (
            14.5,
            "\x1b]133;D;2\x07\x1b]133;A\x07$ \x1b]133;B\x07cd /;echo hi\r\n",
        ),
        // All of it in one read, folder and all.
        (
            15.0,
            "\x1b]133;C;cmdline_url=cd%20/%3Becho%20hi\x07hi\r\n\x1b]133;D;0\x07\x1b]7;file://box/\x07\x1b]133;A\x07$ \x1b]133;B\x07",
        ),
        (16.0, "vim\r\n\x1b]133;C\x07\x1b[?1049h\x1b[Hin vim"),
        (
            20.0,
            "\x1b[?1049l\x1b]133;D;0\x07\x1b]133;A\x07$ \x1b]133;B\x07",
        ),
        (21.0, "sleep 9\r\n\x1b]133;C\x07"),
    ];
    write(&user, "2026-11-26_1405_box_main_@3_sh.cast", &made(&events));
    user.ok(["archive", "update"]);
    let all = commands(&user, &[]);
    assert_eq!(texts(&all), ["make all", "cd /;echo hi", "vim", "sleep 9"]);
    assert_eq!(all[0]["folder"], "/home/me x");
    assert_eq!(all[1]["folder"], "/home/me x", "where it was started");
    assert_eq!(all[2]["folder"], "/");
    assert_eq!(
        (all[0]["status"].as_i64(), all[0]["duration"].as_f64()),
        (Some(2), Some(12.5))
    );
    assert_eq!(all[3]["status"], Value::Null);
    assert_eq!(texts(&commands(&user, &["--failed"])), ["make all"]);
    assert_eq!(texts(&commands(&user, &["--slow"])), ["make all"]);
    assert_eq!(texts(&commands(&user, &["--slow=3"])), ["make all", "vim"]);
    assert_eq!(
        texts(&commands(&user, &["--cwd", "/home"])),
        ["make all", "cd /;echo hi"]
    );
    assert_eq!(texts(&commands(&user, &["ECHO"])), ["cd /;echo hi"]);
    assert_eq!(texts(&commands(&user, &["-n", "1"])), ["sleep 9"]);
    assert_eq!(commands(&user, &["--session", "other"]).len(), 0);
    assert_eq!(user.ok(["commands", "show", "@latest:1"]), "one\ntwo\n");
    assert_eq!(user.ok(["commands", "show", "2026-11-26:2"]), "hi\n");
    assert_eq!(user.ok(["commands", "show", "@latest:3"]), "in vim\n");
    assert_eq!(user.ok(["commands", "show", "@latest:4"]), "");
    assert_eq!(
        user.run(["commands", "show", "@latest:5"]).status.code(),
        Some(2)
    );
    assert_eq!(
        user.run(["commands", "show", "nonsense"]).status.code(),
        Some(2)
    );
    let hit = &crate::found(&user, &["two"])[0];
    assert_eq!(
        (hit["command"].as_str(), hit["status"].as_i64()),
        (Some("make all"), Some(2))
    );
    assert_eq!(crate::found(&user, &["--failed", "o"]).len(), 2);
    assert_eq!(crate::found(&user, &["--command", "echo", "hi"]).len(), 1);
    let listed = user.ok(["ls"]);
    assert!(listed.contains("sleep 9"), "{listed}");
}

/// What is typed last.
const END: &str = "echo the-very-end";

/// Types lines into a real shell that is recorded; gives its commands. `INIT` in `rc`
/// stands for the lines that `tvmux init` prints, which are at its end without.
fn typed(shell: &str, rc: &str, lines: &[&str]) -> Option<Vec<Value>> {
    if Command::new(shell).arg("--version").output().is_err() {
        skipped(shell, "what it tells of its commands");
        return None;
    }
    let user = Tvmux::new();
    let folder = user.folder().join("home");
    fs::create_dir_all(folder.join("fish")).unwrap();
    let init = user.ok(["init", shell]);
    fs::write(folder.join("init"), &init).unwrap();
    let home = folder.to_str().unwrap();
    // Twice is as once.
    let init = format!("\n. {home}/init\n. {home}/init\n");
    let source = match rc.contains("INIT") {
        true => rc.replace("INIT", &init),
        false => format!("{rc}{init}"),
    };
    let start = match shell {
        "bash" => {
            fs::write(folder.join("rc"), format!("PS1='$ '\n{source}")).unwrap();
            format!("HOME={home} exec bash --noprofile --rcfile {home}/rc -i")
        }
        "zsh" => {
            fs::write(folder.join(".zshrc"), format!("PS1='$ '\n{source}")).unwrap();
            format!("HOME={home} ZDOTDIR={home} exec zsh -d -i")
        }
        _ => {
            let config =
                format!("function fish_prompt; echo '$ '; end\nset fish_greeting\n{source}");
            fs::write(folder.join("fish/config.fish"), config).unwrap();
            format!("HOME={home} XDG_CONFIG_HOME={home} exec fish -i")
        }
    };
    let tmux = TestTmux::start("cat");
    let recording = user.record(&tmux, &[]);
    let cast = user.cast(&recording);
    tmux.tmux(&["respawn-pane", "-k", "-t", "main:", &start]);
    let screen = || tmux.tmux(&["capture-pane", "-p", "-t", "main:"]);
    let prompts = || recorded(&cast).matches("133;A").count();
    let keys = |keys: &[&str]| {
        tmux.tmux(&[&["send-keys", "-t", "main:"], keys].concat());
    };
    // Keys that come before a shell, or what it runs, takes them may be lost: then once
    // more.
    let until = |what, press: &dyn Fn(), is_so: &dyn Fn() -> bool| {
        wait_until(what, || {
            press();
            let end = Instant::now() + Duration::from_secs(2);
            while !is_so() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(5));
            }
            is_so()
        });
    };
    // A prompt that is made after all hooks has the mark from the second time on.
    until("the shell is ready", &|| keys(&["Enter"]), &|| {
        prompts() > 0
    });
    for line in lines.iter().chain(&[END]) {
        let before = prompts();
        let typed = line.trim_end_matches("^C");
        let type_it = || {
            keys(&["C-u"]);
            keys(&["-l", typed]);
        };
        until("it is typed", &type_it, &|| {
            let screen = screen();
            screen
                .trim_end()
                .lines()
                .last()
                .is_some_and(|last| last.contains(typed))
        });
        keys(&[if typed == *line { "Enter" } else { "C-c" }]);
        if line.contains("sleep") {
            wait_until("it sleeps", || {
                screen().lines().any(|line| line == "asleep")
            });
            let interrupt = || keys(&["C-c"]);
            until("it ends", &interrupt, &|| prompts() > before);
        }
        wait_until("the next prompt", || {
            // fish tells of none after Ctrl-C. Keys that come before it has drawn it
            // are dropped.
            let is_drawn = |screen: &str| screen.trim_end().ends_with('$');
            let is_given_up = line.ends_with("^C") && {
                let screen = screen();
                screen.contains("^C") && is_drawn(&screen)
            };
            prompts() > before || screen().ends_with('>') || is_given_up
        });
    }
    // What is not read yet is read first.
    user.ok(["rec", "stop"]);
    let mut all = commands(&user, &[]);
    assert_eq!(all.pop().unwrap()["command"], END);
    Some(all)
}

fn status(command: &Value) -> Option<i64> {
    command["status"].as_i64()
}

#[test]
fn bash_tells_of_its_commands() {
    // Hooks of others that set status and prompt.
    let rc = "PROMPT_COMMAND='false; PS1=\"$ \"'";
    // It keeps a command of several lines as one.
    let several = "for i in 1 2; do echo \"<$i;%>\"; done";
    let asleep = "bash -c 'echo asleep; sleep 30'";
    shell_tells_of_its_commands("bash", rc, several, asleep);
}

/// Prompts such as starship's take the place of all hooks, or of the first, call those
/// that were there with another status, and make the prompt again.
#[test]
fn hooks_that_come_later_in_bash_change_nothing() {
    for taken in ["PROMPT_COMMAND=later", "PROMPT_COMMAND=(later)"] {
        let rc = format!(
            "INIT\nEARLIER=${{PROMPT_COMMAND[*]/%/;}}\n\
             later() {{ true; eval \"$EARLIER\"; PS1='$ '; }}\n{taken}\n"
        );
        let several = "for i in 1 2; do echo \"<$i;%>\"; done";
        let asleep = "bash -c 'echo asleep; sleep 30'";
        shell_tells_of_its_commands("bash", &rc, several, asleep);
    }
}

#[test]
fn zsh_tells_of_its_commands() {
    let rc = "other() { false; PS1='$ ' }; precmd_functions=(other)";
    let several = "for i in 1 2\ndo echo \"<$i;%>\"; done";
    let asleep = "sh -c 'echo asleep; sleep 30'";
    shell_tells_of_its_commands("zsh", rc, several, asleep);
}

/// `several` is how the shell tells a command of two lines; `asleep` is ended by Ctrl-C.
fn shell_tells_of_its_commands(shell: &str, rc: &str, several: &str, asleep: &str) {
    let lines = [
        "true; false",
        "(exit 7)",
        "for i in 1 2",
        "do echo \"<$i;%>\"; done",
        "not run^C",
        "",
        "cd /tmp",
        asleep,
    ];
    let Some(all) = typed(shell, rc, &lines) else {
        return;
    };
    let expected = ["true; false", "(exit 7)", several, "cd /tmp", asleep];
    assert_eq!(texts(&all), expected);
    let statuses: Vec<_> = all.iter().map(status).collect();
    assert_eq!(statuses, [Some(1), Some(7), Some(0), Some(0), Some(130)]);
    assert_eq!(all[4]["folder"], "/tmp");
}

#[test]
fn fish_tells_of_its_commands() {
    let lines = [
        "true; false",
        "sh -c 'exit 7'",
        "not run^C",
        "cd /tmp",
        "echo '<;%>'",
    ];
    let Some(all) = typed("fish", "", &lines) else {
        return;
    };
    assert_eq!(
        texts(&all),
        ["true; false", "sh -c 'exit 7'", "cd /tmp", "echo '<;%>'"]
    );
    let statuses: Vec<_> = all.iter().map(status).collect();
    assert_eq!(statuses, [Some(1), Some(7), Some(0), Some(0)]);
    assert_eq!(all[3]["folder"], "/tmp");
}

/// VS Code's terminal has its shells read their start files first, and tells of
/// commands by itself afterwards.
#[test]
fn shells_that_vs_code_starts_tell_of_nothing_twice() {
    let user = Tvmux::new();
    let init = user.folder().join("init");
    let path = init.to_str().unwrap();
    for (shell, set, asked) in [
        (
            "bash",
            "VSCODE_SHELL_INTEGRATION=1",
            "declare -F __tvmux_done",
        ),
        ("zsh", "VSCODE_SHELL_INTEGRATION=1", "whence __tvmux_done"),
        (
            "fish",
            "set -g VSCODE_SHELL_INTEGRATION 1",
            "functions -q __tvmux_started; and echo it",
        ),
    ] {
        if Command::new(shell).arg("--version").output().is_err() {
            skipped(shell, "what it tells of its commands");
            continue;
        }
        fs::write(&init, user.ok(["init", shell])).unwrap();
        let without_start_files: &[&str] = match shell {
            "bash" => &["--norc"],
            "zsh" => &["-f"],
            _ => &["--no-config"],
        };
        for (is_vs_codes, before) in [(true, set), (false, "true")] {
            let script = format!("{before}; . {path}; {asked}");
            let output = crate::support::shielded(shell)
                .args(without_start_files)
                .args(["-i", "-c", &script])
                .env("HOME", user.folder())
                .output()
                .unwrap();
            let is_there = !output.stdout.is_empty();
            assert_eq!(is_there, !is_vs_codes, "{shell}: {output:?}");
        }
    }
}
