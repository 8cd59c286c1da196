//! `tvmux init tmux`: keys and a status segment, in a real client.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tvmux::tmux::Version;

use crate::support::tvmux::{Tvmux, markers_of, parse_cast};
use crate::support::{HOSTILE, TestTmux, program, wait_until};

/// A tmux server, and a client of it on another one's pane, of 80 × 24.
struct Attached {
    inner: TestTmux,
    outer: TestTmux,
    tvmux: Tvmux,
}

impl Attached {
    fn start() -> Attached {
        let inner = TestTmux::start("");
        let tvmux = Tvmux::new();
        // Whatever keys run finds this test's daemon and folders.
        for (name, value) in tvmux.command(["x"]).get_envs() {
            let value = value.map_or("", |value| value.to_str().unwrap());
            inner.tmux(&["set-environment", "-g", name.to_str().unwrap(), value]);
        }
        // What the date and the host's name are long is another matter.
        inner.tmux(&["set-option", "-g", "status-right", "END"]);
        let attach = format!(
            "exec env TMUX= {} -u -S {} attach -t main",
            program().to_str().unwrap(),
            inner.socket().display()
        );
        let outer = TestTmux::start(&attach);
        // Its own prefix stays out of the way.
        outer.tmux(&["set-option", "-g", "prefix", "None"]);
        outer.tmux(&["set-option", "-g", "status", "off"]);
        wait_until("the client is there", || {
            !inner.tmux(&["list-clients"]).is_empty()
        });
        Attached {
            inner,
            outer,
            tvmux,
        }
    }

    fn lines(&self, args: &[&str]) -> PathBuf {
        let args = ["init", "tmux"].iter().chain(args);
        let path = self.inner.folder().join("lines.conf");
        fs::write(&path, self.tvmux.ok(args)).unwrap();
        path
    }

    fn source(&self, args: &[&str]) {
        let path = self.lines(args);
        self.inner.tmux(&["source-file", path.to_str().unwrap()]);
    }

    /// Presses a key behind the prefix.
    fn press(&self, key: &str) {
        self.outer.tmux(&["send-keys", "-t", "main:", "C-b", key]);
    }

    fn shown(&self) -> String {
        self.outer.tmux(&["capture-pane", "-p", "-t", "main:"])
    }

    #[track_caller]
    fn wait_shown(&self, text: &str) {
        wait_until(text, || self.shown().contains(text));
    }

    fn state(&self) -> Value {
        let recordings = self.tvmux.recordings();
        recordings
            .first()
            .map_or(Value::Null, |recording| recording["state"].clone())
    }

    fn binding(&self, key: &str) -> Option<String> {
        let keys = self.inner.tmux(&["list-keys", "-T", "prefix"]);
        let mut lines = keys.lines().map(str::split_whitespace);
        lines.find_map(|words| {
            let mut words = words.skip_while(|word| *word != "prefix").skip(1);
            (words.next()? == key).then(|| words.collect::<Vec<_>>().join(" "))
        })
    }
}

#[test]
fn keys_record_mark_and_pause_and_the_status_line_says_so() {
    let tmux = Attached::start();
    tmux.source(&[]);
    tmux.press("R");
    tmux.wait_shown("Recording to ");
    assert_eq!(tmux.state(), "recording");
    let counts = tmux.inner.version() >= Version::new(3, 1);
    let with = |letter: &str| format!("{letter}{} END", if counts { "1" } else { "" });
    tmux.wait_shown(&with("R"));

    // What is typed is a text, whatever it holds.
    let labels: Vec<&str> = HOSTILE
        .iter()
        .filter_map(|text| std::str::from_utf8(text).ok())
        .filter(|text| !text.contains(['\t', '\n']))
        .collect();
    let cast = PathBuf::from(tmux.tvmux.recordings()[0]["cast_path"].as_str().unwrap());
    let marked = || {
        let (_, events) = parse_cast(&fs::read(&cast).unwrap()).unwrap();
        let labels = markers_of(&events);
        labels.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for (count, label) in labels.iter().enumerate() {
        tmux.press("M");
        tmux.wait_shown("mark:");
        tmux.outer
            .tmux(&["send-keys", "-t", "main:", "-l", "--", label]);
        tmux.outer.tmux(&["send-keys", "-t", "main:", "Enter"]);
        wait_until(label, || marked().len() > count);
    }
    // tmux itself puts what was typed in place of a `%%` in it, too.
    let is_doubled = |label: &&str| label.contains("%%");
    for (marked, label) in marked().iter().zip(&labels) {
        assert!(marked == label || is_doubled(label), "{marked} for {label}");
    }
    assert_eq!(labels.iter().filter(|label| is_doubled(label)).count(), 1);
    for folder in [tmux.inner.folder(), tmux.outer.folder()] {
        assert!(!folder.join("pwned").exists());
    }

    tmux.press("P");
    tmux.wait_shown("Paused: nothing is recorded");
    assert_eq!(tmux.state(), "paused");
    tmux.wait_shown(&with("P"));
    tmux.press("P");
    tmux.wait_shown("Recording again");
    assert_eq!(tmux.state(), "recording");
    tmux.wait_shown(&with("R"));
    tmux.press("R");
    tmux.wait_shown("Stopped: ");
    assert_eq!(tmux.state(), Value::Null);
    wait_until("the status line is as before", || {
        let shown = tmux.shown();
        shown.contains("END") && !shown.contains(&with("R"))
    });
    tmux.press("P");
    tmux.wait_shown("tvmux: this window is not recorded");
}

#[test]
fn keys_open_the_search_and_the_minute_before_in_a_popup_or_a_window() {
    let tmux = Attached::start();
    tmux.source(&[]);
    tmux.press("R");
    tmux.wait_shown("Recording to ");
    tmux.inner.tmux(&[
        "send-keys",
        "-t",
        "main:",
        "clear; echo loo''ked for",
        "Enter",
    ]);
    tmux.wait_shown("looked for");
    tmux.tvmux.ok(["archive", "update", "--quiet"]);
    let windows = || {
        tmux.inner
            .tmux(&["list-windows", "-t", "main"])
            .lines()
            .count()
    };
    let has_popups = tmux.inner.version() >= Version::new(3, 2);
    tmux.press("/");
    tmux.wait_shown("F1");
    assert_eq!(windows(), if has_popups { 1 } else { 2 });
    tmux.outer
        .tmux(&["send-keys", "-t", "main:", "-l", "looked"]);
    tmux.wait_shown("looked for");
    tmux.outer.tmux(&["send-keys", "-t", "main:", "Escape"]);
    wait_until("it is closed", || {
        windows() == 1 && !tmux.shown().contains("F1")
    });
    tmux.press("V");
    tmux.wait_shown(" 80x23 ");
    tmux.outer.tmux(&["send-keys", "-t", "main:", "q"]);
    wait_until("it is closed", || {
        windows() == 1 && !tmux.shown().contains(" 80x23 ")
    });
}

#[test]
fn a_key_saves_the_last_minutes_and_the_picker_does() {
    let tmux = Attached::start();
    tmux.source(&[]);
    tmux.press("S");
    tmux.wait_shown("tvmux: this window is not recorded");
    let socket = tmux.inner.socket();
    let which = ["-S", socket.to_str().unwrap(), "-t", "main:"];
    let start = ["rec", "--flashback", "15m"];
    tmux.tvmux.ok(start.iter().chain(&which));
    let mark = ["rec", "mark", "he''re"];
    tmux.tvmux.ok(mark);
    tmux.press("S");
    tmux.wait_shown("Saved: ");
    let casts = || -> Vec<PathBuf> {
        let all = fs::read_dir(tmux.tvmux.folder().join("casts")).unwrap();
        let all = all.flatten().map(|entry| entry.path());
        all.filter(|path| path.is_file()).collect()
    };
    assert_eq!(casts().len(), 1);
    let (_, events) = parse_cast(&fs::read(&casts()[0]).unwrap()).unwrap();
    assert_eq!(markers_of(&events), ["he''re"]);

    // By hand in the list of what runs.
    let pick = format!("{} pick running", env!("CARGO_BIN_EXE_tvmux"));
    tmux.inner.tmux(&["new-window", "-t", "main:", &pick]);
    tmux.wait_shown("Ctrl-F save");
    tmux.outer.tmux(&["send-keys", "-t", "main:", "C-f"]);
    wait_until("it is saved", || casts().len() == 2);
    tmux.wait_shown("saved ");
    tmux.outer.tmux(&["send-keys", "-t", "main:", "Escape"]);
    wait_until("it is closed", || {
        tmux.inner
            .tmux(&["list-windows", "-t", "main"])
            .lines()
            .count()
            == 1
    });
    // Where all is kept there is nothing to save.
    tmux.tvmux.ok(["rec", "save", "--continue"]);
    tmux.tvmux
        .wait_recording("all is kept", |recording| recording["flashback"].is_null());
    tmux.press("S");
    tmux.wait_shown("is kept: there is nothing to save");
}

#[test]
fn a_key_that_is_taken_is_left_alone_and_reading_twice_is_reading_once() {
    let tmux = Attached::start();
    let inner = &tmux.inner;
    inner.tmux(&["bind-key", "R", "display-message", "mine"]);
    let status = inner.tmux(&["show-options", "-g", "status-right"]);
    let length = inner.tmux(&["show-options", "-g", "status-right-length"]);
    let before = inner.tmux(&["list-keys", "-T", "prefix"]);
    tmux.source(&[]);
    let keys = inner.tmux(&["list-keys", "-T", "prefix"]);
    let first = inner.tmux(&["show-options", "-g"]);
    tmux.source(&[]);
    assert_eq!(inner.tmux(&["list-keys", "-T", "prefix"]), keys);
    assert_eq!(inner.tmux(&["show-options", "-g"]), first);
    assert_eq!(tmux.binding("R").unwrap(), "display-message mine");
    // tmux's own are no reason.
    for key in ["M", "P", "/", "V", "S"] {
        let bound = tmux.binding(key).unwrap();
        assert!(bound.contains(" tmux-key "), "{key}: {bound}");
    }
    tmux.source(&["--force"]);
    assert!(tmux.binding("R").unwrap().contains(" tmux-key record "));
    tmux.source(&["--remove"]);
    assert_eq!(inner.tmux(&["show-options", "-g", "status-right"]), status);
    assert_eq!(
        inner.tmux(&["show-options", "-g", "status-right-length"]),
        length
    );
    assert_eq!(tmux.binding("R"), None);
    // What was there before tvmux is there again.
    inner.tmux(&["bind-key", "R", "display-message", "mine"]);
    let words = |list: &str| -> Vec<String> {
        let lines = list.lines().filter(|line| !line.contains("prefix /"));
        let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.map(plain).collect()
    };
    let after = inner.tmux(&["list-keys", "-T", "prefix"]);
    assert_eq!(words(&after), words(&before));
    let has_preset = before.contains("list-keys -1N");
    assert_eq!(after.contains("list-keys -1N"), has_preset);
    // A key of the user's is not taken out.
    tmux.source(&["--remove"]);
    assert_eq!(tmux.binding("R").unwrap(), "display-message mine");
}

#[test]
fn a_configuration_with_the_lines_is_read_when_tmux_starts() {
    let tvmux = Tvmux::new();
    let folder = tvmux.folder();
    let (lines, main, socket) = (
        folder.join("lines.conf"),
        folder.join("tmux.conf"),
        folder.join("tmux.sock"),
    );
    fs::write(&lines, tvmux.ok(["init", "tmux"])).unwrap();
    fs::write(
        &main,
        format!("source-file {}\nset -g @all read\n", lines.display()),
    )
    .unwrap();
    let command = tvmux.command(["x"]);
    let variables: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    let tmux = |args: &[&str]| {
        let output = std::process::Command::new(program())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(variables.clone())
            .args(["-u", "-S", socket.to_str().unwrap(), "-f"])
            .arg(&main)
            .args(args)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    struct Kill<F: Fn()>(F);
    impl<F: Fn()> Drop for Kill<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    let _kill = Kill(|| drop(tmux(&["kill-server"])));
    tmux(&["new-session", "-d", "-s", "main", "exec cat"]);
    wait_until("all is read", || {
        tmux(&["show-options", "-gqv", "@all"]).trim() == "read"
    });
    let keys = tmux(&["list-keys", "-T", "prefix"]);
    assert_eq!(keys.matches(" tmux-key ").count(), 6, "{keys}");
    let status = tmux(&["show-options", "-gv", "status-right"]);
    assert_eq!(status.matches("@tvmux_status").count(), 1, "{status}");
}
