//! `tvmux play` on a real terminal: a pane of a private tmux.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tvmux::screen::{Screen, Which};
use tvmux::shell;
use tvmux::timeline::{Timeline, TimelineOptions};

use super::captures::{Char, FORMATS, capture};
use super::support::tvmux::Tvmux;
use super::support::{TestTmux, shielded, wait_until};

/// A command line of this user that runs the program.
fn line(tvmux: &Tvmux, args: &[&str]) -> String {
    let command = tvmux.command(args);
    let mut words = vec!["env".to_owned()];
    for (name, value) in command.get_envs() {
        // The terminal is the pane, not what the tests have.
        if name != "TERM"
            && let Some(value) = value
        {
            words.push(format!(
                "{}={}",
                name.to_string_lossy(),
                value.to_string_lossy()
            ));
        }
    }
    words.push(command.get_program().to_string_lossy().into_owned());
    words.extend(args.iter().map(|arg| (*arg).to_owned()));
    shell::join(words)
}

/// A pane with a shell in which the program is started.
struct Stage {
    tmux: TestTmux,
    tvmux: Tvmux,
}

impl Stage {
    fn new(columns: u16, rows: u16) -> Stage {
        Stage {
            tmux: TestTmux::sized("exec env PS1='$ ' sh", columns, rows),
            tvmux: Tvmux::new(),
        }
    }

    fn write(&self, name: &str, bytes: &str) -> PathBuf {
        let path = self.tmux.folder().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn type_keys(&self, keys: &[&str]) {
        self.tmux
            .tmux(&[&["send-keys", "-t", "main:"], keys].concat());
    }

    /// Types a command line; long ones are in a file, so that they take one row.
    fn type_line(&self, line: &str) {
        let script = self.write("line.sh", line);
        self.type_keys(&["-l", &format!(". {}", script.display())]);
        self.type_keys(&["Enter"]);
    }

    fn play(&self, args: &[&str]) {
        let mut all = vec!["play"];
        all.extend(args);
        self.type_line(&format!("{}; echo \"status $?\"", line(&self.tvmux, &all)));
    }

    fn rows(&self) -> Vec<Vec<Char>> {
        let height: usize = self.tmux.ask("main:", "#{pane_height}").parse().unwrap();
        let mut rows = capture(&self.tmux, "main:").unwrap().rows;
        rows.drain(..rows.len().saturating_sub(height));
        rows
    }

    fn text(&self) -> String {
        self.tmux.tmux(&["capture-pane", "-p", "-t", "main:"])
    }

    fn shows(&self, text: &str) {
        wait_until(&format!("{text:?} is shown"), || self.text().contains(text));
    }

    /// How the pane behaves, as far as tmux tells.
    fn modes(&self) -> Vec<String> {
        let formats = FORMATS.iter().chain(&["pane_in_mode", "mouse_any_flag"]);
        let apart = [
            "cursor_x",
            "cursor_y",
            "history_size",
            "alternate_saved_x",
            "alternate_saved_y",
        ];
        formats
            .filter(|name| !apart.contains(name))
            .map(|name| format!("{name}={}", self.tmux.ask("main:", &format!("#{{{name}}}"))))
            .collect()
    }

    /// The settings of the pane's terminal.
    fn settings(&self) -> String {
        let tty = self.tmux.ask("main:", "#{pane_tty}");
        let output = shielded("stty").args(["-F", &tty, "-g"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A row without blanks at its end, whatever their colours: captures of 3.3a do not
/// have those that were only erased.
fn trimmed(row: &[Char]) -> &[Char] {
    let end = row
        .iter()
        .rposition(|(c, _)| *c != ' ')
        .map_or(0, |last| last + 1);
    &row[..end]
}

/// The rows of a screen as a capture has them.
fn rows_of(screen: &Screen) -> Vec<Vec<Char>> {
    (0..usize::from(screen.size().1))
        .map(|y| {
            let runs = screen.runs(Which::Shown, y);
            let chars = runs
                .iter()
                .flat_map(|run| run.text.chars().map(|c| (c, run.style)));
            chars.collect()
        })
        .collect()
}

fn same(one: &[Vec<Char>], other: &[Vec<Char>]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| trimmed(one) == trimmed(other))
}

/// Everything that a program can leave behind, and questions that a terminal answers.
const HOSTILE: &str = "\x1b]2;changed\x07\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[?1h\x1b=\
    \x1b[?25l\x1b[?7l\x1b[4h\x1b[?6h\x1b[3;5r\x1b]4;9;rgb:00/ff/00\x07\x1b]12;rgb:11/22/33\x07\
    \x1b[3g\x1b(0\x1b[31;7m\x1b[6n\x1b[c\x1b[>c\x1b[18t\x1b]10;?\x07\x1bP$qm\x1b\\\x05";

/// A cast of some seconds, with something to see in each.
fn cast(columns: u16, rows: u16, seconds: u32) -> String {
    let mut text = format!(
        "{{\"version\": 2, \"width\": {columns}, \"height\": {rows}, \"env\": {{\"TERM\": \"screen\"}}}}\n"
    );
    for second in 0..=seconds {
        let output = match second % 4 {
            0 => format!("\x1b[3{}msecond {second}\x1b[m\r\n", second % 8),
            1 => format!("{HOSTILE}moment {second}\r\n"),
            2 => format!("\x1bc\x1b[?1049hother {second} \u{4e2d}\u{6587} e\u{301}\r\n"),
            _ => format!("\x1b[?1049l\x1b[1;38;5;200;48;2;1;2;3mback {second}\x1b[m\r\n"),
        };
        let output = serde_json::to_string(&output).unwrap();
        let _ = writeln!(text, "[{second}, \"o\", {output}]");
        if second == 6 {
            text.push_str("[6.5, \"m\", \"six\"]\n");
        }
    }
    text
}

fn screen_at(path: &Path, seconds: f64) -> Screen {
    let timeline = Timeline::open(path, TimelineOptions::default()).unwrap();
    timeline.at((seconds * 1e6) as u64).unwrap()
}

#[test]
fn a_compressed_cast_is_played_at_any_moment() {
    let stage = Stage::new(80, 21);
    let path = stage.write("a.cast", &cast(80, 20, 12));
    let packed = stage.tmux.folder().join("b.cast.zst");
    let (name, packed) = (path.to_str().unwrap(), packed.to_str().unwrap());
    stage.tvmux.ok(["convert", "-q", name, packed]);
    let is_at = |seconds: f64| {
        let expected = rows_of(&screen_at(&path, seconds));
        wait_until(&format!("the pane shows second {seconds}"), || {
            let rows = stage.rows();
            rows.len() == 21 && same(&rows[..20], &expected)
        });
    };
    stage.play(&[packed, "--at", "50%", "--speed", "0.001"]);
    is_at(6.0);
    for (key, seconds) in [("Space", 6.0), (".", 6.5), ("Home", 0.0), ("End", 12.0)] {
        stage.type_keys(&[key]);
        is_at(seconds);
    }
    stage.type_keys(&["q"]);
    stage.shows("status 0");
}

#[test]
fn a_pane_shows_what_was_recorded_and_is_left_as_it_was() {
    let stage = Stage::new(80, 21);
    let path = stage.write("a.cast", &cast(80, 20, 12));
    stage
        .tmux
        .tmux(&["select-pane", "-t", "main:", "-T", "before"]);
    let name = path.to_str().unwrap();
    // Until the shell reads.
    stage.type_line("echo ready; PS1='% '");
    stage.shows("ready\n%");
    let (modes, settings) = (stage.modes(), stage.settings());
    let is_at = |seconds: f64| {
        let expected = rows_of(&screen_at(&path, seconds));
        wait_until(&format!("the pane shows second {seconds}"), || {
            let rows = stage.rows();
            rows.len() == 21 && same(&rows[..20], &expected)
        });
    };
    for (number, end) in ["q", "C-c"].into_iter().enumerate() {
        stage.play(&[name, "--at", "50%", "--speed", "0.001"]);
        is_at(6.0);
        for (keys, seconds) in [
            (&["Space"][..], 6.0),
            (&["."], 6.5),
            (&["."], 7.0),
            (&[","], 6.5),
            (&["Home"], 0.0),
            (&["Right"], 5.0),
            (&["]"], 6.5),
            (&["g", "9", "Enter"], 9.0),
            (&["Left"], 4.0),
            (&["9"], 10.8),
            (&["End"], 12.0),
            (
                &["?", "s", "e", "c", "o", "n", "d", "Space", "4", "Enter"],
                4.0,
            ),
        ] {
            stage.type_keys(keys);
            if keys[0] == "?" {
                // What was found is marked.
                stage.shows("0:04.000");
            } else {
                is_at(seconds);
            }
        }
        stage.type_keys(&[end]);
        stage.shows("status 0\n%");
        wait_until("the pane is as it was", || stage.modes() == modes);
        assert_eq!(stage.settings(), settings);
        // What was there comes back, and nothing was typed by an answer.
        let text = stage.text();
        assert_eq!(text.matches("status 0").count(), number + 1, "{text}");
        assert!(
            text.starts_with("$ . ") || text.starts_with("ready"),
            "{text}"
        );
        assert!(!text.contains("^["), "{text}");
    }
}

#[test]
fn signals_and_job_control_give_the_terminal_back() {
    let stage = Stage::new(80, 21);
    let path = stage.write("a.cast", &cast(80, 20, 12));
    let name = path.to_str().unwrap();
    let pid_file = stage.tmux.folder().join("pid");
    stage.type_line("echo ready; PS1='% '");
    stage.shows("ready\n%");
    let (modes, settings) = (stage.modes(), stage.settings());
    let play = |after: &str| {
        let command = line(
            &stage.tvmux,
            &["play", name, "--at", "6", "--speed", "0.001"],
        );
        let _ = fs::remove_file(&pid_file);
        let inner = shell::join([
            "sh",
            "-c",
            &format!("echo $$ >{}; exec {command}", pid_file.display()),
        ]);
        stage.type_line(&format!("clear; {inner}; {after}"));
        stage.shows("other 6");
        let pid: i32 = fs::read_to_string(&pid_file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        nix::unistd::Pid::from_raw(pid)
    };
    use nix::sys::signal::{Signal, kill};
    for (signal, status) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
        (Signal::SIGINT, 130),
        (Signal::SIGQUIT, 131),
    ] {
        let pid = play("echo \"status $?\"");
        kill(pid, signal).unwrap();
        stage.shows(&format!("status {status}\n%"));
        wait_until("the pane is as it was", || stage.modes() == modes);
        assert_eq!(stage.settings(), settings, "{signal}");
    }
    // Stopped from outside as by its key, and taken up again.
    for stop in [None, Some(Signal::SIGTSTP)] {
        let pid = play("echo \"status $?\"");
        match stop {
            None => stage.type_keys(&["C-z"]),
            Some(signal) => kill(pid, signal).unwrap(),
        }
        wait_until("the shell is back", || {
            stage.modes() == modes && !stage.text().contains("other 6")
        });
        stage.type_line("echo meanwhile");
        stage.shows("meanwhile\n");
        assert_eq!(stage.settings(), settings);
        stage.type_keys(&["-l", "fg"]);
        stage.type_keys(&["Enter"]);
        stage.shows("other 6");
        stage.type_keys(&[".", "."]);
        stage.shows("back 7");
        stage.type_keys(&["q"]);
        wait_until("the pane is as it was", || stage.modes() == modes);
        stage.type_line("clear; echo over");
        stage.shows("over\n%");
        assert_eq!(stage.settings(), settings);
    }
}

#[test]
fn raw_output_leaves_nothing_behind_and_asks_nothing() {
    let stage = Stage::new(80, 21);
    let path = stage.write("a.cast", &cast(80, 20, 12));
    stage
        .tmux
        .tmux(&["select-pane", "-t", "main:", "-T", "before"]);
    stage.type_line("echo ready; PS1='% '");
    stage.shows("ready\n%");
    let (modes, settings) = (stage.modes(), stage.settings());
    for at in ["0", "six"] {
        stage.play(&[
            path.to_str().unwrap(),
            "--raw",
            "--speed",
            "max",
            "--at",
            at,
        ]);
        stage.shows("status 0\n%");
        wait_until("the pane is as it was", || stage.modes() == modes);
        assert_eq!(stage.settings(), settings);
        let text = stage.text();
        assert!(text.contains("back 11"), "{text}");
        stage.type_line("clear; echo over");
        stage.shows("over\n%");
        let text = stage.text();
        assert!(!text.contains("^[") && !text.contains(';'), "{text}");
    }
}

#[test]
fn a_pipe_is_played_with_keys_from_the_terminal() {
    let stage = Stage::new(80, 21);
    let path = stage.write("a.cast", &cast(80, 20, 12));
    let command = line(&stage.tvmux, &["play", "-", "--speed", "16"]);
    stage.type_line(&format!(
        "cat {} | {command}; echo \"status $?\"",
        path.display()
    ));
    stage.shows("second 12");
    stage.type_keys(&[","]);
    wait_until("one frame less", || !stage.text().contains("second 12"));
    stage.type_keys(&["q"]);
    stage.shows("status 0");
    // One that gives nothing is left with Ctrl-C.
    let nothing = stage.tmux.folder().join("nothing");
    nix::unistd::mkfifo(&nothing, nix::sys::stat::Mode::S_IRWXU).unwrap();
    stage.type_line(&format!(
        "clear; {command} <>{}; echo \"left $?\"",
        nothing.display()
    ));
    // Before it takes signals, Ctrl-C would end the shell's line, too.
    let shell = stage.tmux.ask("main:", "#{pane_pid}");
    wait_until("it takes signals", || {
        let children = format!("/proc/{shell}/task/{shell}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        children.split_whitespace().any(|child| {
            let status = std::fs::read_to_string(format!("/proc/{child}/status"));
            let status = status.unwrap_or_default();
            let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
            let blocked = blocked.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            status.starts_with("Name:\ttvmux\n") && blocked.is_some_and(|mask| mask & 2 != 0)
        })
    });
    stage.type_keys(&["C-c"]);
    stage.shows("left 130");
}

#[test]
fn a_recording_is_followed_and_played_as_its_window_was() {
    let window = TestTmux::sized("exec env PS1='$ ' sh", 80, 20);
    let mut stage = Stage::new(80, 21);
    stage.tvmux.start_server();
    let recording = stage.tvmux.record(&window, &[]);
    let keys = |keys: &[&str]| window.tmux(&[&["send-keys", "-t", "main:"], keys].concat());
    let shows = |text: &str| {
        wait_until(text, || {
            window
                .tmux(&["capture-pane", "-p", "-t", "main:"])
                .contains(text)
        })
    };
    stage.play(&[recording["id"].as_str().unwrap()]);
    stage.shows("●");
    keys(&["echo li''ve", "Enter"]);
    stage.shows("live\n");
    let mut scenes = Vec::new();
    let mut scene = |name: &'static str| {
        let mut rows = capture(&window, "main:").unwrap().rows;
        rows.drain(..rows.len().saturating_sub(20));
        stage
            .tvmux
            .ok(["rec", "mark", name, "-t", recording["id"].as_str().unwrap()]);
        scenes.push((name, rows));
    };
    keys(&[
        "printf '\\033[1;31mred \\033[38;5;200m\\344\\270\\255\\346\\226\\207 \\033(0lqk\\033(B e\\314\\201\\033[m\\n'; ls --color=always /",
        "Enter",
    ]);
    shows("etc");
    scene("colours");
    let text: String = (1..60).map(|n| format!("line {n}\n")).collect();
    fs::write(
        window.folder().join("text.c"),
        format!("int main(void) {{ return 0; }}\n{text}"),
    )
    .unwrap();
    keys(&[
        "vim -u NONE -N -c 'syntax on' -c 'set number' text.c",
        "Enter",
    ]);
    shows("line 15");
    scene("vim");
    keys(&["G"]);
    shows("line 59");
    scene("vim below");
    // Live, the other pane has all of it.
    stage.shows("line 59");
    keys(&[":q", "Enter"]);
    stage.type_keys(&["q"]);
    stage.shows("status 0");
    stage.tvmux.ok(["rec", "stop"]);
    let path = stage.tvmux.cast(&recording);
    for (name, rows) in scenes {
        stage.play(&[path.to_str().unwrap(), "--at", name, "--speed", "0.001"]);
        wait_until(&format!("the pane shows {name}"), || {
            let shown = stage.rows();
            shown.len() == 21 && same(&shown[..20], &rows)
        });
        stage.type_keys(&["q"]);
        wait_until("the shell is back", || stage.text().contains("status 0"));
    }
}

#[test]
fn without_a_terminal_the_way_out_is_told() {
    let tvmux = Tvmux::new();
    let path = tvmux.folder().join("a.cast");
    fs::write(&path, cast(20, 5, 2)).unwrap();
    let name = path.to_str().unwrap();
    let output = tvmux.run(["play", name]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("no terminal")
            && message.contains("tvmux cat")
            && message.contains("--raw"),
        "{message}"
    );
    let output = tvmux.run(["play", "--raw", "--speed", "max", name]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("other 2") && !text.contains("\x1b[6n"),
        "{text:?}"
    );
    for (args, said) in [
        (&["play", "no-such"][..], "no-such"),
        (&["play", name, "--speed", "0"], "0.001"),
        (&["play", name, "--at", "200%"], "100%"),
        (
            &["play", name, "--raw", "--at", "nothing like it"],
            "no marker",
        ),
    ] {
        let output = tvmux.run(args);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(said), "{args:?}: {message}");
    }
}
