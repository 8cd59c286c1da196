//! `rec -- COMMAND`: a terminal of its own, in the user's, and no tmux.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::tvmux::{CastEvent, Tvmux, markers_of, output_of, parse_cast, read_cast};
use crate::support::{TestTmux, wait_for, wait_until};

/// A user without tmux.
fn user() -> Tvmux {
    Tvmux::new().with("TVMUX_TMUX_COMMAND", "tmux-that-is-not-there")
}

/// All casts of a user, oldest first.
fn casts(tvmux: &Tvmux) -> Vec<PathBuf> {
    let entries = fs::read_dir(tvmux.folder().join("casts")).unwrap();
    let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn only_cast(tvmux: &Tvmux) -> PathBuf {
    let casts = casts(tvmux);
    assert_eq!(casts.len(), 1, "{casts:?}");
    casts[0].clone()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Events of a cast that is still written, if there are any.
fn events_of(tvmux: &Tvmux) -> Vec<CastEvent> {
    let Some(cast) = casts(tvmux).into_iter().next() else {
        return Vec::new();
    };
    parse_cast(&fs::read(cast).unwrap()).unwrap().1
}

fn spawn(tvmux: &Tvmux, args: &[&str]) -> Child {
    tvmux
        .command(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn it_ends_as_the_command_does() {
    let tvmux = user();
    let status = |words: &[&str]| {
        let mut args = vec!["rec", "-q", "--"];
        args.extend(words);
        let output = tvmux.run(args);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    assert_eq!(status(&["sh", "-c", "exit 7"]).0, Some(7));
    assert_eq!(status(&["sh", "-c", "kill -TERM $$"]).0, Some(128 + 15));
    assert_eq!(status(&["sh", "-c", "kill -KILL $$"]).0, Some(128 + 9));
    // What there is to say is said in the command's terminal.
    let (code, said, _) = status(&["no-such-command"]);
    assert_eq!(code, Some(127));
    assert_eq!(said, "tvmux: no-such-command: command not found\r\n");
    let (code, said, _) = status(&["./no-such-command"]);
    assert_eq!(code, Some(127));
    assert!(said.ends_with("No such file or directory\r\n"), "{said}");
    let file = tvmux.folder().join("file");
    fs::write(&file, "echo script $1; exit 4\n").unwrap();
    let (code, said, _) = status(&[file.to_str().unwrap()]);
    assert_eq!(code, Some(126));
    assert!(said.ends_with("Permission denied\r\n"), "{said}");
    let (code, said, _) = status(&["/"]);
    assert_eq!(code, Some(126));
    assert!(said.ends_with("Is a directory\r\n"), "{said}");
    // No `#!`: run by the shell, as from one.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, said, errors) = status(&[file.to_str().unwrap(), "1"]);
    assert_eq!((code, said.as_str()), (Some(4), "script 1\r\n"));
    assert_eq!(errors, "", "`-q` says nothing");
    for cast in casts(&tvmux) {
        read_cast(&cast);
    }
}

#[test]
fn it_says_where_it_records_on_standard_error_alone() {
    let tvmux = user();
    let output = tvmux.run(["rec", "--title", "the title", "--", "echo", "hello"]);
    assert_eq!(text(&output.stdout), "hello\r\n");
    let errors = text(&output.stderr);
    let cast = only_cast(&tvmux);
    assert!(errors.starts_with("Recording command:"), "{errors}");
    assert!(errors.contains(cast.to_str().unwrap()), "{errors}");
    let (header, events) = read_cast(&cast);
    assert_eq!(header["title"], "the title");
    assert_eq!(header["command"], "echo hello");
    assert_eq!(output_of(&events), "hello\r\n");
}

#[test]
fn what_cannot_be_recorded_is_not_run() {
    let tvmux = user().with("TVMUX_SERVER_AUTO_START", "false");
    let mark = tvmux.folder().join("ran");
    let output = tvmux.run(["rec", "--", "touch", mark.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("no tvmux server"));
    assert!(!mark.exists());
}

#[test]
fn a_pipe_is_read_to_its_end() {
    let tvmux = user();
    let mut child = tvmux
        .command(["rec", "-q", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let sent = lines.clone();
    let writer = std::thread::spawn(move || stdin.write_all(sent.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), lines.replace('\n', "\r\n"));
    let (_, events) = read_cast(&only_cast(&tvmux));
    assert_eq!(output_of(&events), lines.replace('\n', "\r\n"));
}

#[test]
fn the_reader_of_its_output_may_go() {
    let tvmux = user();
    let mut child = spawn(&tvmux, &["rec", "-q", "--", "yes"]);
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(128 + 1), "{status:?}");
}

#[test]
fn the_size_is_what_was_asked_for() {
    let tvmux = user();
    let ask = ["sh", "-c", "stty size </dev/tty"];
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = tvmux.command(args.iter().chain(&["--"]).chain(&ask));
        command.env_remove("COLUMNS").env_remove("LINES");
        text(
            &command
                .envs(variables.iter().copied())
                .output()
                .unwrap()
                .stdout,
        )
    };
    assert_eq!(run(&["rec", "-q", "--size", "101x31"], &[]), "31 101\r\n");
    let variables = [("COLUMNS", "90"), ("LINES", "20")];
    assert_eq!(run(&["rec", "-q"], &variables), "20 90\r\n");
    assert_eq!(run(&["rec", "-q"], &[]), "24 80\r\n");
    let (header, _) = read_cast(&casts(&tvmux)[0]);
    assert_eq!(
        (&header["width"], &header["height"]),
        (&101.into(), &31.into())
    );
    let refused = tvmux.run(["rec", "--size", "0x9", "--", "true"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn headless_it_shows_nothing_and_a_silent_command_has_a_valid_cast() {
    let tvmux = user();
    let output = tvmux.run([
        "rec",
        "--headless",
        "-q",
        "--",
        "sh",
        "-c",
        "echo unseen; cat",
    ]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "");
    let (header, events) = read_cast(&only_cast(&tvmux));
    assert_eq!(output_of(&events), "unseen\r\n");
    assert_eq!(header["env"]["SHELL"], "/bin/sh");
    let quiet = tvmux.run(["rec", "-q", "--env", "LANG,NOT_SET", "--", "true"]);
    assert!(quiet.status.success());
    for cast in casts(&tvmux) {
        assert!(cast.extension().unwrap() == "cast", "{cast:?} was damaged");
        tvmux.ok(["validate", cast.to_str().unwrap()]);
    }
}

#[test]
fn a_cast_is_gone_on_with_behind_a_marker() {
    let tvmux = user();
    tvmux.ok(["rec", "-q", "--", "echo", "one"]);
    let cast = only_cast(&tvmux);
    let before = read_cast(&cast).1.last().unwrap().time;
    let path = cast.to_str().unwrap();
    tvmux.ok([
        "rec", "-q", "--size", "90x30", "--append", path, "--", "echo", "two",
    ]);
    let (_, events) = read_cast(&only_cast(&tvmux));
    assert_eq!(output_of(&events), "one\r\ntwo\r\n");
    assert_eq!(markers_of(&events), ["tvmux: goes on"]);
    assert!(events.last().unwrap().time >= before);
    assert!(
        events
            .iter()
            .any(|event| event.code == 'r' && event.data == "90x30")
    );
    let missing = tvmux.run(["rec", "--append", "/nowhere/x.cast", "--", "true"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
}

#[test]
fn children_that_keep_the_terminal_hold_nothing_up() {
    let tvmux = user();
    let output = tvmux.run(["rec", "-q", "--", "sh", "-c", "sleep 1000 & echo $!"]);
    assert!(output.status.success());
    let pid: i32 = text(&output.stdout).trim().parse().unwrap();
    wait_until("the terminal is hung up for them", || {
        kill(Pid::from_raw(pid), None).is_err()
    });
}

#[test]
fn it_is_listed_marked_and_stopped_and_the_command_goes_on() {
    let tvmux = user();
    let go = tvmux.folder().join("go");
    let script = format!(
        "echo first; until [ -e {0} ]; do sleep 0.01; done; echo last; exit 3",
        go.display()
    );
    let child = spawn(&tvmux, &["rec", "-q", "--", "sh", "-c", &script]);
    wait_until("output comes", || {
        output_of(&events_of(&tvmux)).contains("first")
    });
    let recordings = tvmux.recordings();
    assert_eq!(recordings[0]["id"], format!("command:{}", child.id()));
    assert_eq!(recordings[0]["state"], "recording");
    assert!(tvmux.ok(["rec", "ls"]).contains("command:"));
    tvmux.ok(["rec", "mark", "here"]);
    tvmux.ok(["rec", "stop"]);
    fs::write(&go, "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(text(&output.stdout), "first\r\nlast\r\n");
    let (_, events) = read_cast(&only_cast(&tvmux));
    assert_eq!(output_of(&events), "first\r\n");
    assert_eq!(markers_of(&events), ["here"]);
}

#[test]
fn a_hangup_ends_the_command() {
    let tvmux = user();
    let child = spawn(
        &tvmux,
        &["rec", "-q", "--", "sh", "-c", "echo up; exec sleep 1000"],
    );
    wait_until("it runs", || output_of(&events_of(&tvmux)).contains("up"));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGHUP).unwrap();
    let output: Output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(128 + 1),
        "{:?}",
        output.status.signal()
    );
    read_cast(&only_cast(&tvmux));
}

#[test]
fn a_killed_daemon_stops_neither_command_nor_recording() {
    let mut tvmux = user();
    tvmux.start_server();
    let (go, end) = (tvmux.folder().join("go"), tvmux.folder().join("end"));
    let script = format!(
        "echo first; until [ -e {0} ]; do sleep 0.01; done; echo second; \
         until [ -e {1} ]; do sleep 0.01; done; echo last",
        go.display(),
        end.display()
    );
    let child = spawn(&tvmux, &["rec", "-q", "--", "sh", "-c", &script]);
    wait_until("output comes", || {
        output_of(&events_of(&tvmux)).contains("first")
    });
    tvmux.end_server(Signal::SIGKILL);
    fs::write(&go, "").unwrap();
    wait_until("another daemon goes on", || {
        output_of(&events_of(&tvmux)).contains("second")
    });
    fs::write(&end, "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), "first\r\nsecond\r\nlast\r\n");
    // Nothing is missing.
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (_, events) = read_cast(&only_cast(&tvmux));
    assert_eq!(output_of(&events), "first\r\nsecond\r\nlast\r\n");
    assert_eq!(markers_of(&events), [""; 0]);
}

#[test]
fn nothing_in_a_name_is_run() {
    let tvmux = user();
    let folder = tvmux.folder().join("#(touch pwned)$(touch pwned)");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("#(touch pwned)");
    fs::copy("/bin/true", &program).unwrap();
    let mut command = tvmux.command([Path::new("rec"), Path::new("--"), &program]);
    let output = command
        .current_dir(&folder)
        .env_remove("TERM")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!folder.join("pwned").exists());
    read_cast(&only_cast(&tvmux));
}

/// A terminal of a user who types, with a shell in it that controls jobs.
struct Terminal<'a> {
    tmux: TestTmux,
    tvmux: &'a Tvmux,
}

impl<'a> Terminal<'a> {
    fn new(tvmux: &'a Tvmux) -> Terminal<'a> {
        let tmux = TestTmux::start("exec sh -i");
        let command = tvmux.command(["rec"; 0]);
        let variables = command.get_envs().filter_map(|(name, value)| {
            let word = format!("{}={}", name.display(), value?.display());
            Some(shell_words::quote(&word).into_owned())
        });
        let variables: Vec<_> = variables.collect();
        let script = format!(
            "#!/bin/sh\nunset TMUX TMUX_PANE\nexec env {} {} \"$@\"\n",
            variables.join(" "),
            env!("CARGO_BIN_EXE_tvmux")
        );
        let path = tmux.folder().join("tvmux");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Terminal { tmux, tvmux }
    }

    fn type_line(&self, line: &str) {
        self.tmux.tmux(&["send-keys", "-t", "main:", "-l", line]);
        self.tmux.tmux(&["send-keys", "-t", "main:", "Enter"]);
    }

    fn key(&self, key: &str) {
        self.tmux.tmux(&["send-keys", "-t", "main:", key]);
    }

    fn screen(&self) -> String {
        self.tmux.tmux(&["capture-pane", "-p", "-J", "-t", "main:"])
    }

    fn wait_screen(&self, what: &str) {
        wait_for(what, || self.screen().contains(what).then_some(()));
    }

    /// Waits until the shell reads what is typed.
    fn wait_shell(&self) {
        wait_until("the shell is back", || {
            self.tmux.ask("%0", "#{pane_current_command}") == "sh"
        });
    }

    fn wait_recorded(&self, what: &str) {
        wait_for(what, || {
            output_of(&events_of(self.tvmux))
                .contains(what)
                .then_some(())
        });
    }
}

#[test]
fn a_terminal_is_left_as_it_was_and_its_size_is_followed() {
    let tvmux = user();
    let terminal = Terminal::new(&tvmux);
    terminal.type_line("stty -g > before");
    terminal.type_line("./tvmux rec -q -- sh -c 'echo be''gun; read x; stty size; exit 5'");
    terminal.wait_recorded("begun");
    terminal.tmux.resize("main:", 91, 27);
    wait_until("the new size is recorded", || {
        events_of(&tvmux)
            .iter()
            .any(|event| event.code == 'r' && event.data == "91x27")
    });
    terminal.key("Enter");
    terminal.wait_screen("27 91");
    terminal.wait_shell();
    terminal.type_line("echo status=$?; stty -g > after; echo do''ne");
    terminal.wait_screen("done");
    assert!(
        terminal.screen().contains("status=5"),
        "{}",
        terminal.screen()
    );
    let read = |name| fs::read_to_string(terminal.tmux.folder().join(name)).unwrap();
    assert_eq!(read("before"), read("after"));
    let (header, events) = read_cast(&only_cast(&tvmux));
    assert_eq!(
        (&header["width"], &header["height"]),
        (&80.into(), &24.into())
    );
    assert!(output_of(&events).contains("27 91"));
}

#[test]
fn it_stops_and_goes_on_with_the_command() {
    let tvmux = user();
    let terminal = Terminal::new(&tvmux);
    terminal.type_line(
        "./tvmux rec -q -- sh -c 'trap \"echo going\" CONT; echo be''gun; \
         while :; do sleep 0.02; done'",
    );
    terminal.wait_recorded("begun");
    terminal.key("C-z");
    // What is typed before it has stopped is the command's.
    terminal.wait_screen("Stopped");
    terminal.type_line("echo st''opped");
    terminal.wait_screen("stopped");
    terminal.type_line("fg");
    terminal.wait_recorded("going");
    terminal.key("C-c");
    terminal.wait_shell();
    terminal.type_line("echo status=$?");
    terminal.wait_screen("status=130");
    read_cast(&only_cast(&tvmux));
}

/// The keys in the only cast, once its recording has ended.
fn recorded_keys(tvmux: &Tvmux) -> String {
    wait_until("the recording has ended", || {
        !tvmux.run(["server", "status"]).status.success()
    });
    let (_, events) = read_cast(&only_cast(tvmux));
    let keys = events.iter().filter(|event| event.code == 'i');
    keys.map(|event| event.data.as_str()).collect()
}

#[test]
fn keys_are_recorded_but_for_what_is_not_echoed() {
    let tvmux = user();
    let terminal = Terminal::new(&tvmux);
    let script = "echo begun; read a; stty -echo; echo hidden; read b; stty echo; \
                  echo shown; read c; echo got $a $b $c";
    fs::write(terminal.tmux.folder().join("script"), script).unwrap();
    terminal.type_line("./tvmux rec -q --input -- sh ./script");
    terminal.wait_recorded("begun");
    terminal.type_line("first");
    terminal.wait_recorded("hidden");
    terminal.type_line("secret");
    terminal.wait_recorded("shown");
    terminal.type_line("third");
    terminal.wait_screen("got first");
    assert_eq!(recorded_keys(&tvmux), "first\rthird\r");
}

#[test]
fn keys_for_a_command_that_the_settings_name_are_kept_out() {
    let tvmux = user().with("TVMUX_RECORDING_PAUSE_ON", "keeper");
    let terminal = Terminal::new(&tvmux);
    let program = terminal.tmux.folder().join("keeper");
    fs::write(&program, "#!/bin/sh\necho asks; read b; echo thanks\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let script = "echo begun; read a; ./keeper; read c; echo got $a $c";
    fs::write(terminal.tmux.folder().join("script"), script).unwrap();
    terminal.type_line("./tvmux rec -q --input -- sh ./script");
    terminal.wait_recorded("begun");
    terminal.type_line("first");
    tvmux.wait_recording("it is paused", |recording| recording["state"] == "paused");
    terminal.wait_screen("asks");
    terminal.type_line("secret");
    terminal.wait_screen("thanks");
    tvmux.wait_recording("it goes on", |recording| recording["state"] == "recording");
    terminal.type_line("third");
    terminal.wait_screen("got first third");
    assert_eq!(recorded_keys(&tvmux), "first\rthird\r");
    let cast = fs::read_to_string(only_cast(&tvmux)).unwrap();
    assert!(
        !cast.contains("secret") && !cast.contains("thanks"),
        "{cast}"
    );
}

#[test]
fn keys_that_readline_takes_are_recorded() {
    let tvmux = user();
    let terminal = Terminal::new(&tvmux);
    // readline has made the terminal its own when its prompt is there.
    let script = "read -e -p 'first''> ' a; stty -echo; echo hid''den; read b; stty echo; \
                  read -e -p 'last''> ' c; echo got $a $b $c";
    fs::write(terminal.tmux.folder().join("script"), script).unwrap();
    terminal.type_line("./tvmux rec -q --input -- bash ./script");
    terminal.wait_recorded("first> ");
    terminal.type_line("one");
    terminal.wait_recorded("hidden");
    terminal.type_line("secret");
    terminal.wait_recorded("last> ");
    terminal.type_line("two");
    terminal.wait_screen("got one");
    assert_eq!(recorded_keys(&tvmux), "one\rtwo\r");
}
