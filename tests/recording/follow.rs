//! The recording goes where the user goes.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::tvmux::{Tvmux, output_of, parse_cast, read_cast, recorded};
use crate::support::{TestTmux, wait_for, wait_until};

/// A server with a recorded window.
struct Recorded {
    tmux: TestTmux,
    tvmux: Tvmux,
    recording: Value,
}

impl Recorded {
    fn start() -> Recorded {
        Recorded::of(TestTmux::start(""))
    }

    /// With the current window of `main` recorded.
    fn of(tmux: TestTmux) -> Recorded {
        let mut tvmux = Tvmux::new();
        tvmux.start_server();
        let recording = tvmux.record(&tmux, &[]);
        Recorded {
            tmux,
            tvmux,
            recording,
        }
    }

    fn id(&self) -> &str {
        self.recording["id"].as_str().unwrap()
    }

    /// The window's active pane, as tmux has it.
    fn active(&self) -> String {
        self.tmux.ask("@0", "#{pane_id}")
    }

    /// Does something and waits until the recording is where the window is.
    fn after(&self, command: &[&str]) {
        self.tmux.tmux(command);
        self.catches_up(&format!("{command:?}"));
    }

    fn catches_up(&self, what: &str) {
        let pane = self.active();
        let size = self.tmux.ask("@0", "#{pane_width}x#{pane_height}");
        self.tvmux
            .wait_recording(&format!("{what}: on {pane}"), |recording| {
                recording["active_pane"] == pane.as_str() && recording["state"] == "recording"
            });
        wait_until(&format!("{what}: only {pane} is piped"), || {
            let format = "#{?pane_pipe,#{pane_id},}";
            let listed = self.tmux.tmux(&["list-panes", "-a", "-F", format]);
            let mut piped = listed.lines().filter(|line| !line.is_empty()).peekable();
            // A linked window is listed once for each of its sessions.
            piped.peek().is_some() && piped.all(|piped| piped == pane)
        });
        // What is typed there arrives in the cast, and the size is right.
        let token = format!("t{}x", fastrand::u64(..));
        let typed = format!("echo {}''{}", &token[..3], &token[3..]);
        self.tmux.tmux(&["send-keys", "-t", &pane, &typed, "Enter"]);
        let cast = self.tvmux.cast(&self.recording);
        wait_until(&format!("{what}: {token} is in the cast"), || {
            recorded(&cast).contains(&token)
        });
        let (header, events) = read_cast(&cast);
        let start = format!("{}x{}", header["width"], header["height"]);
        let last = events.iter().rfind(|event| event.code == 'r');
        assert_eq!(
            last.map_or(start, |event| event.data.clone()),
            size,
            "{what}"
        );
    }
}

#[test]
fn the_active_pane_is_followed_by_every_means() {
    let r = Recorded::start();
    r.catches_up("at the start");
    r.after(&["split-window", "-t", "@0"]);
    r.after(&["split-window", "-h", "-t", "@0"]);
    r.after(&["select-pane", "-t", "%0"]);
    r.after(&["select-pane", "-t", "%2"]);
    r.after(&["last-pane", "-t", "@0"]);
    r.after(&["swap-pane", "-s", "%0", "-t", "%1"]);
    r.after(&["rotate-window", "-t", "@0"]);
    r.after(&["resize-pane", "-t", "%2", "-x", "30"]);
    r.after(&["resize-pane", "-Z", "-t", "%2"]);
    r.after(&["resize-pane", "-Z", "-t", "%2"]);
    r.after(&["select-layout", "-t", "@0", "even-vertical"]);
    r.after(&["resize-window", "-t", "@0", "-x", "100", "-y", "40"]);
    r.after(&["kill-pane", "-t", "@0"]);
    // The pane's program ends by itself.
    let pane = r.active();
    r.tmux.tmux(&["send-keys", "-t", &pane, "exit", "Enter"]);
    wait_until("the pane has gone", || r.active() != pane);
    r.catches_up("after an exit");
    // Panes that come from and go to other windows.
    r.tmux.tmux(&["new-window", "-d", "-t", "main:"]);
    let other = r.tmux.ask("main:{end}", "#{pane_id}");
    r.after(&["join-pane", "-s", &other, "-t", "@0"]);
    r.after(&["break-pane", "-d", "-s", &other]);
    let pane = r.active();
    r.after(&["respawn-pane", "-k", "-t", &pane, "exec sh"]);
    r.tvmux.ok(["rec", "stop", r.id()]);
    read_cast(&r.tvmux.cast(&r.recording));
}

#[test]
fn the_window_may_move_be_linked_and_renamed() {
    let r = Recorded::start();
    r.tmux.tmux(&["new-session", "-d", "-s", "other"]);
    r.after(&["link-window", "-s", "@0", "-t", "other:7"]);
    r.after(&["rename-window", "-t", "@0", "odd | name #{x}"]);
    r.after(&["rename-session", "-t", "main", "renamed"]);
    r.after(&["unlink-window", "-t", "renamed:0"]);
    r.after(&["move-window", "-s", "@0", "-t", "other:9"]);
    r.after(&["split-window", "-t", "@0"]);
    assert_eq!(r.tvmux.recordings().len(), 1);
    // By its window id and by what tmux calls it now.
    r.tvmux.ok(["rec", "mark", "-t", "@0"]);
    r.tvmux.ok(["rec", "stop", "other:9"]);
    assert!(r.tvmux.recordings().is_empty());
}

#[test]
fn a_window_that_closes_ends_its_recording() {
    let r = Recorded::start();
    wait_until("there are hooks", || r.tmux.hooks().contains("tvmux"));
    r.tmux.tmux(&["new-window", "-d", "-t", "main:"]);
    r.tmux
        .tmux(&["send-keys", "-t", "@0", "echo last words; exit", "Enter"]);
    wait_until("the recording has ended", || {
        r.tvmux.recordings().is_empty()
    });
    let (_, events) = read_cast(&r.tvmux.cast(&r.recording));
    assert!(output_of(&events).contains("last words\r\n"));
    wait_until("the hooks are gone", || !r.tmux.hooks().contains("tvmux"));
}

#[test]
fn a_server_that_goes_ends_its_recordings() {
    let r = Recorded::start();
    let second = TestTmux::start("");
    let other = r.tvmux.record(&second, &[]);
    assert_eq!(r.tvmux.recordings().len(), 2);
    assert_ne!(other["id"], r.recording["id"]);
    r.tmux.tmux(&["kill-server"]);
    wait_until("one recording is left", || {
        let left = r.tvmux.recordings();
        left.len() == 1 && left[0]["socket"] == other["socket"]
    });
    read_cast(&r.tvmux.cast(&r.recording));
    second.tmux(&["send-keys", "-t", "@0", "echo st''ill", "Enter"]);
    let cast = r.tvmux.cast(&other);
    wait_until("the other goes on", || recorded(&cast).contains("still"));
}

#[test]
fn a_dead_pane_is_shown_and_comes_back() {
    let r = Recorded::start();
    r.tmux
        .tmux(&["set-option", "-w", "-t", "@0", "remain-on-exit", "on"]);
    r.tmux.tmux(&["send-keys", "-t", "@0", "exit 5", "Enter"]);
    let cast = r.tvmux.cast(&r.recording);
    wait_until("the cast shows that the pane is dead", || {
        let (_, events) = read_cast(&cast);
        output_of(&events).contains("Pane is dead")
    });
    r.after(&["respawn-pane", "-t", "%0", "exec sh"]);
    r.tvmux.ok(["rec", "stop"]);
}

#[test]
fn one_pane_can_be_stayed_on() {
    let tmux = TestTmux::start("");
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &["--no-follow"]);
    tmux.tmux(&["split-window", "-t", "@0"]);
    tmux.tmux(&["send-keys", "-t", "%1", "echo els''ewhere", "Enter"]);
    // The split has made the pane smaller: that is the sign that it was seen.
    let size = tmux.ask("%0", "#{pane_width}x#{pane_height}");
    let cast = tvmux.cast(&recording);
    wait_until("the resize is in the cast", || {
        recorded(&cast).contains(&size)
    });
    tmux.tmux(&["break-pane", "-d", "-s", "%0", "-n", "new"]);
    tmux.tmux(&["send-keys", "-t", "%0", "echo he''re", "Enter"]);
    wait_until("the pane is followed into its new window", || {
        recorded(&cast).contains("here")
    });
    tmux.tmux(&["kill-pane", "-t", "%0"]);
    wait_until("the recording has ended", || tvmux.recordings().is_empty());
    let (_, events) = read_cast(&cast);
    assert!(!output_of(&events).contains("elsewhere"));
}

#[test]
fn panes_move_between_two_recorded_windows() {
    let r = Recorded::start();
    r.tmux.tmux(&["new-window", "-d", "-t", "main:"]);
    let socket = r.tmux.socket();
    let socket = socket.to_str().unwrap();
    let second = r
        .tvmux
        .ok(["rec", "start", "--json", "-S", socket, "-t", "@1"]);
    let second: Value = serde_json::from_str(&second).unwrap();
    r.tmux.tmux(&["split-window", "-t", "@0"]);
    let casts = [r.tvmux.cast(&r.recording), r.tvmux.cast(&second)];
    for round in 0..4 {
        let (from, to) = if round % 2 == 0 {
            ("@0", "@1")
        } else {
            ("@1", "@0")
        };
        let pane = r.tmux.ask(from, "#{pane_id}");
        r.tmux.tmux(&["join-pane", "-s", &pane, "-t", to]);
        for (window, cast) in ["@0", "@1"].iter().zip(&casts) {
            let pane = r.tmux.ask(window, "#{pane_id}");
            r.tvmux
                .wait_recording(&format!("round {round}: {window} on {pane}"), |recording| {
                    recording["window_id"] == *window
                        && recording["active_pane"] == pane.as_str()
                        && recording["state"] == "recording"
                });
            let token = format!("r{round}w{}", &window[1..]);
            let typed = format!("echo {}''{}", &token[..2], &token[2..]);
            r.tmux.tmux(&["send-keys", "-t", &pane, &typed, "Enter"]);
            wait_until(&format!("{token} is in the cast of {window}"), || {
                recorded(cast).contains(&token)
            });
        }
    }
    r.tvmux.ok(["rec", "stop"]);
    for cast in &casts {
        let (_, events) = read_cast(cast);
        assert!(
            events.iter().all(|event| event.code != 'm'),
            "no gaps: {cast:?}"
        );
    }
}

/// How long rounds of a change may take that is seen at once. A look comes every
/// 10 s anyway, and would need longer for all of them.
const AT_ONCE: Duration = Duration::from_secs(15);
const ROUNDS: u32 = 5;

/// Two panes that print nothing, recorded.
fn silent() -> Recorded {
    let tmux = TestTmux::start("exec cat");
    tmux.tmux(&["split-window", "-t", "@0", "exec cat"]);
    Recorded::of(tmux)
}

#[test]
fn hooks_that_a_configuration_wipes_are_back_at_once() {
    let r = silent();
    let config = r.tmux.folder().join("again.conf");
    let wipe = "set-hook -g window-pane-changed 'set -g @seen 1'\n\
        set -g window-layout-changed 'set -g @seen 1'\n\
        set-hook -gu session-window-changed\n";
    std::fs::write(&config, wipe).unwrap();
    let before = Instant::now();
    for round in 0..ROUNDS {
        let source = ["source-file", config.to_str().unwrap()];
        r.tmux.tmux(&source);
        let pane = format!("%{}", round % 2);
        r.tmux.tmux(&["select-pane", "-t", &pane]);
        r.tvmux.wait_recording(&format!("on {pane}"), |recording| {
            recording["active_pane"] == pane.as_str()
        });
        wait_until("the hooks are back", || {
            let hooks = r.tmux.hooks();
            [
                "window-pane-changed",
                "window-layout-changed",
                "session-window-changed",
            ]
            .iter()
            .all(|hook| hooks.contains(&format!("{hook}[9137]")))
        });
    }
    let took = before.elapsed();
    assert!(took < AT_ONCE, "{ROUNDS} rounds took {took:?}");
    // The user's own are there still.
    assert!(r.tmux.hooks().contains("@seen"));
    r.tvmux.ok(["rec", "stop"]);
    let wiped = |hooks: String| !hooks.contains("tvmux") && hooks.contains("@seen");
    wait_until("the hooks are gone", || wiped(r.tmux.hooks()));
}

#[test]
fn options_that_change_a_panes_size_are_seen_at_once() {
    let r = silent();
    let cast = r.tvmux.cast(&r.recording);
    let before = Instant::now();
    for place in ["top", "off", "bottom", "off", "top"] {
        r.tmux
            .tmux(&["set-option", "-w", "-t", "@0", "pane-border-status", place]);
        let size = r.tmux.ask("@0", "#{pane_width}x#{pane_height}");
        wait_until(&format!("{place}: {size} is recorded"), || {
            last_size(&cast) == size
        });
    }
    // The status line takes rows of a window that a client shows.
    let outer = TestTmux::sized("", 100, 40);
    let attach = format!(
        "env -u TMUX {} -u -S {} attach -t main",
        crate::support::program().display(),
        r.tmux.socket().display()
    );
    outer.tmux(&["respawn-pane", "-k", "-t", "main:", &attach]);
    wait_until("a client shows it", || {
        !r.tmux.tmux(&["list-clients"]).is_empty()
    });
    for lines in ["off", "3", "on", "2", "on"] {
        r.tmux.tmux(&["set-option", "-g", "status", lines]);
        wait_until(&format!("status {lines}"), || {
            last_size(&cast) == r.tmux.ask("@0", "#{pane_width}x#{pane_height}")
        });
    }
    let took = before.elapsed();
    assert!(took < 2 * AT_ONCE, "took {took:?}");
    r.tvmux.ok(["rec", "stop"]);
}

#[test]
fn what_no_hook_tells_is_seen_while_the_pane_prints() {
    let r = Recorded::start();
    let cast = r.tvmux.cast(&r.recording);
    r.tmux.tmux(&["split-window", "-d", "-t", "@0", "exec cat"]);
    let tmux = crate::support::program();
    let before = Instant::now();
    for place in ["top", "off", "top", "off", "top"] {
        // No hook runs behind this one.
        let typed = format!(
            "{} -S {} set-window-option -t @0 pane-border-status {place}",
            tmux.display(),
            r.tmux.socket().display()
        );
        let rows = r.tmux.ask("%0", "#{pane_height}");
        r.tmux.tmux(&["send-keys", "-t", "%0", &typed, "Enter"]);
        wait_until(place, || r.tmux.ask("%0", "#{pane_height}") != rows);
        let size = r.tmux.ask("%0", "#{pane_width}x#{pane_height}");
        wait_until(&format!("{place}: {size} is recorded"), || {
            last_size(&cast) == size
        });
    }
    let took = before.elapsed();
    assert!(took < AT_ONCE, "took {took:?}");
    r.tvmux.ok(["rec", "stop"]);
}

/// The terminal's size at the end of a cast.
fn last_size(cast: &Path) -> String {
    let (header, events) = wait_for("a cast", || parse_cast(&std::fs::read(cast).unwrap()).ok());
    let last = events.into_iter().rfind(|event| event.code == 'r');
    last.map_or_else(
        || format!("{}x{}", header["width"], header["height"]),
        |event| event.data,
    )
}
