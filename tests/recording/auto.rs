//! Windows that are recorded by rules.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::tvmux::{Tvmux, read_cast, recorded};
use crate::support::{TestTmux, wait_for, wait_until};

/// A program that stays.
const STAYS: &str = "exec sleep 1000";

/// A user with these rules, whose default tmux server is in a folder of their own.
pub fn user(rules: &str) -> Tvmux {
    let tvmux = Tvmux::new();
    let folder = tvmux.folder().to_owned();
    let tvmux = tvmux.with("TMUX_TMPDIR", folder);
    write_rules(&tvmux, rules);
    tvmux
}

/// Writes the rules into the user's configuration.
pub fn write_rules(tvmux: &Tvmux, rules: &str) {
    let file = tvmux.folder().join("config/tvmux/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, rules).unwrap();
}

/// The socket of the user's default tmux server.
pub fn default_socket(tvmux: &Tvmux) -> PathBuf {
    let folder = format!("tmux-{}", nix::unistd::getuid());
    tvmux.folder().join(folder).join("default")
}

/// Records by the rules on this tmux server too.
#[track_caller]
pub fn turn_on(tvmux: &Tvmux, tmux: &TestTmux) {
    let socket = tmux.socket();
    let said = tvmux.ok(["auto", "on", "--json", "-S", socket.to_str().unwrap()]);
    let said: Value = serde_json::from_str(&said).unwrap();
    // It is known at once whether a server is there.
    let servers = said["servers"].as_array().unwrap();
    let is_it = |server: &&Value| server["socket"] == socket.to_str().unwrap();
    assert_eq!(servers.iter().find(is_it).unwrap()["live"], true, "{said}");
}

fn status(tvmux: &Tvmux) -> Value {
    let said = tvmux.run(["auto", "status", "--json"]);
    serde_json::from_slice(&said.stdout).unwrap()
}

/// Makes a window in the background; gives its id.
pub fn new_window(tmux: &TestTmux, session: &str, name: &str, command: &str) -> String {
    let target = format!("={session}:");
    let id = ["-P", "-F", "#{window_id}"];
    let mut args = vec!["new-window", "-d", "-t", &target, "-n", name];
    args.extend(id);
    args.push(command);
    tmux.tmux(&args)
}

/// Waits until a window is recorded; gives the recording.
fn wait_for_window(tvmux: &Tvmux, window: &str) -> Value {
    tvmux.wait_recording(&format!("{window} is recorded"), |recording| {
        recording["window_id"] == window
    })
}

/// What is recorded now, once all that was done has been seen: a window that fits is
/// made and waited for.
fn recorded_windows(tvmux: &Tvmux, tmux: &TestTmux, session: &str) -> Vec<String> {
    let last = new_window(tmux, session, "last", STAYS);
    wait_for_window(tvmux, &last);
    let mut windows: Vec<String> = tvmux
        .recordings()
        .iter()
        .map(|recording| recording["window_id"].as_str().unwrap().to_owned())
        .filter(|window| *window != last)
        .collect();
    windows.sort();
    tmux.tmux(&["kill-window", "-t", &last]);
    wait_until("it is gone", || {
        let all = tvmux.recordings();
        all.iter()
            .all(|recording| recording["window_id"] != last.as_str())
    });
    windows
}

#[test]
fn windows_are_recorded_as_the_rules_say() {
    let tmux = TestTmux::start("");
    let tvmux = user(
        "[[auto]]\nwindow = 'secret*'\nrecord = false\n\
         [[auto]]\nsession = 'wo*'\ntitle = 'by rule'\nidle_time_limit = 2\nfollow = false\n\
         [[auto]]\nwindow = '{log,db}'\n",
    );
    tmux.tmux(&["new-session", "-d", "-s", "work", "-n", "there", STAYS]);
    turn_on(&tvmux, &tmux);
    let there = wait_for_window(&tvmux, "@1");
    assert_eq!(there["title"], "by rule");
    let (header, _) = read_cast(&tvmux.cast(&there));
    assert_eq!(header["idle_time_limit"], 2.0);

    // New windows and sessions, and none that does not fit.
    let one = new_window(&tmux, "work", "one", STAYS);
    let secret = new_window(&tmux, "work", "secrets", STAYS);
    let log = new_window(&tmux, "main", "log", STAYS);
    let other = new_window(&tmux, "main", "other", STAYS);
    tmux.tmux(&["new-session", "-d", "-s", "world", "-n", "x", STAYS]);
    let world = tmux.ask("world:", "#{window_id}");
    let fitting = ["@1".to_owned(), one.clone(), log, world];
    assert_eq!(recorded_windows(&tvmux, &tmux, "work"), fitting);

    // One that comes to fit begins then, and goes on when it fits no more.
    tmux.tmux(&["rename-window", "-t", &other, "db"]);
    wait_for_window(&tvmux, &other);
    tmux.tmux(&["rename-window", "-t", &other, "another"]);
    tmux.tmux(&["rename-window", "-t", &one, "secret"]);
    tmux.tmux(&["rename-session", "-t", "main", "working"]);
    wait_for_window(&tvmux, "@0");
    let all = recorded_windows(&tvmux, &tmux, "working");
    assert!(all.contains(&other) && all.contains(&one), "{all:?}");
    assert!(!all.contains(&secret), "{all:?}");

    // Its recording ends with it.
    let cast = tvmux.cast(&wait_for_window(&tvmux, &one));
    tmux.tmux(&["kill-window", "-t", &one]);
    wait_until("it has ended", || {
        let running = tvmux.recordings();
        running
            .iter()
            .all(|recording| recording["window_id"] != one.as_str())
    });
    read_cast(&cast);
}

#[test]
fn a_window_is_recorded_from_its_first_line() {
    let tmux = TestTmux::start("");
    let tvmux = user("[[auto]]\nwindow = 'fast*'\n");
    turn_on(&tvmux, &tmux);
    // Far more than the screen holds, before anybody can look.
    let print = "i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo \"line $i end\"; done; exec cat";
    let window = new_window(&tmux, "main", "fast", print);
    let recording = wait_for_window(&tvmux, &window);
    let cast = tvmux.cast(&recording);
    wait_until("all is in the cast", || {
        recorded(&cast).contains("line 1500 end")
    });
    let text = recorded(&cast);
    let has = |number: u32| text.contains(&format!("line {number} end"));
    let missing: Vec<u32> = (1..=1500).filter(|number| !has(*number)).collect();
    assert_eq!(missing, [0; 0]);
    let text = tvmux.ok(["cat", cast.to_str().unwrap()]);
    assert!(text.contains("line 1 end"), "{text}");

    // What a window has printed before it came to fit is not.
    let print = "i=0; while [ $i -lt 90 ]; do i=$((i+1)); echo \"line $i end\"; done; exec cat";
    let window = new_window(&tmux, "main", "later", print);
    wait_until("it has printed", || {
        tmux.tmux(&["capture-pane", "-p", "-t", &window])
            .contains("line 90 end")
    });
    // It counts as new for a moment.
    let made = Instant::now();
    wait_until("it is not new", || made.elapsed() > Duration::from_secs(1));
    tmux.tmux(&["rename-window", "-t", &window, "faster"]);
    let cast = tvmux.cast(&wait_for_window(&tvmux, &window));
    wait_until("its screen is there", || {
        recorded(&cast).contains("line 90 end")
    });
    assert!(!recorded(&cast).contains("line 60 end"));
}

#[test]
fn turning_rules_on_says_how_many_windows_are_recorded() {
    let tmux = TestTmux::start(STAYS);
    new_window(&tmux, "main", "one", STAYS);
    new_window(&tmux, "main", "two", STAYS);
    let tvmux = user("[[auto]]\nwindow = '*o*'\n");
    let socket = tmux.socket();
    let socket = socket.to_str().unwrap();
    let said = tvmux.ok(["auto", "on", "-S", socket]);
    let recorded = format!("{socket}: 2 windows recorded");
    assert!(said.lines().any(|line| line == recorded), "{said}");
}

#[test]
fn a_tmux_server_that_comes_later_is_noticed() {
    let tvmux = user("[[auto]]\n");
    let socket = default_socket(&tvmux);
    let said = tvmux.ok(["auto", "on"]);
    let waited_for = format!("{}: waited for", socket.display());
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        ["on, 1 rule", &waited_for]
    );
    for _ in 0..2 {
        let waiting = wait_for("it is waited for", || {
            let auto = status(&tvmux);
            (auto["servers"][0]["live"] == false).then_some(auto)
        });
        assert_eq!(waiting["servers"][0]["socket"], socket.to_str().unwrap());
        let tmux = TestTmux::start_at(socket.clone(), "echo fi''rst; exec cat");
        let recording = wait_for_window(&tvmux, "@0");
        let cast = tvmux.cast(&recording);
        wait_until("its output is there", || recorded(&cast).contains("first"));
        drop(tmux);
        wait_until("its recording has ended", || tvmux.recordings().is_empty());
    }
    // Somebody follows rules: the daemon stays.
    assert!(tvmux.run(["server", "status"]).status.success());
    tvmux.ok(["auto", "off"]);
    wait_until("nothing keeps the daemon", || {
        !tvmux.run(["server", "status"]).status.success()
    });
}

#[test]
fn what_was_stopped_by_hand_is_not_begun_again() {
    let tmux = TestTmux::start(STAYS);
    let mut tvmux = user("[[auto]]\nwindow = 'first'\n[[auto]]\nwindow = 'last'\n");
    turn_on(&tvmux, &tmux);
    wait_for_window(&tvmux, "@0");
    tvmux.ok(["rec", "stop", "@0"]);
    let none: [&str; 0] = [];
    assert_eq!(recorded_windows(&tvmux, &tmux, "main"), none);
    let auto = status(&tvmux);
    let stopped = auto["servers"].as_array().unwrap().iter();
    let stopped: Vec<&Value> = stopped
        .flat_map(|server| server["stopped"].as_array().unwrap())
        .collect();
    assert_eq!(stopped, ["@0"]);

    // Nor by a rule that comes, or by the next daemon.
    write_rules(&tvmux, "[[auto]]\n");
    tvmux.ok(["server", "reload"]);
    assert_eq!(recorded_windows(&tvmux, &tmux, "main"), none);
    let last = new_window(&tmux, "main", "stays", STAYS);
    wait_for_window(&tvmux, &last);
    let before = tvmux.signal_daemon(Signal::SIGKILL);
    tvmux.wait_for_another_server(before);
    assert_eq!(recorded_windows(&tvmux, &tmux, "main"), [last.as_str()]);

    // Who wants one again has it.
    let socket = tmux.socket();
    tvmux.ok(["rec", "start", "-t", "@0", "-S", socket.to_str().unwrap()]);
    assert_eq!(recorded_windows(&tvmux, &tmux, "main"), ["@0", &last]);
    assert_eq!(
        status(&tvmux)["servers"][0]["stopped"],
        serde_json::json!([])
    );
}

#[test]
fn a_command_is_noticed_by_the_name_that_it_gives_its_window() {
    let tmux = TestTmux::start("");
    let tvmux = user("[[auto]]\ncommand = 'cat'\n[[auto]]\nfolder = '/usr'\n");
    turn_on(&tvmux, &tmux);
    // Started as a command of the window: looked at again once it runs.
    let window = new_window(&tmux, "main", "fixed", "exec cat");
    wait_for_window(&tvmux, &window);
    let here = tmux.tmux(&[
        "new-window",
        "-d",
        "-P",
        "-F",
        "#{window_id}",
        "-t",
        "main:",
        "-c",
        "/usr/bin",
        STAYS,
    ]);
    wait_for_window(&tvmux, &here);
    assert_eq!(tvmux.recordings().len(), 2);
    tmux.tmux(&["set-option", "-w", "-t", "@0", "automatic-rename", "on"]);
    tmux.tmux(&["send-keys", "-t", "@0", "cat", "Enter"]);
    wait_for_window(&tvmux, "@0");
}

#[test]
fn the_rules_say_which_one_fits_and_why() {
    let tmux = TestTmux::start(STAYS);
    let tvmux = user(
        "[[auto]]\nsession = 'work'\n\n\
         [[auto]]\nsession = 'm*'\nwindow = 'second'\nrecord = false\n\n\
         [[auto]]\nsession = 'm*'\nfolder = '/'\n\n[[auto]]\nrecord = false\n",
    );
    let socket = tmux.socket();
    let ask = |more: &[&str]| {
        let mut args = vec!["auto", "test", "-S", socket.to_str().unwrap()];
        args.extend(more);
        tvmux.run(args)
    };
    let said = ask(&["main:first"]);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let said = String::from_utf8(said.stdout).unwrap();
    for line in [
        "@0 fits rule 3, which records it",
        "  session  main",
        "  command  sleep",
        "rule 1 (line 1, records): does not fit: session is not `work`",
        "rule 2 (line 4, does not record): does not fit: window is not `second`",
        "rule 3 (line 9, records): fits",
        "rule 4 (line 13, does not record): fits too, and comes too late",
    ] {
        assert!(said.lines().any(|found| found == line), "{line}: {said}");
    }
    tmux.tmux(&["rename-window", "-t", "@0", "second"]);
    let said = ask(&["@0", "--json"]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((&said["rule"], &said["record"]), (&2.into(), &"no".into()));
    assert_eq!(said["rules"][0]["mismatch"]["found"][0], "main");

    // The daemon says the same of its own rules.
    tvmux.ok(["server", "start"]);
    let asked = tvmux.ok([
        "api",
        "auto",
        "get",
        "@0",
        "--socket",
        socket.to_str().unwrap(),
    ]);
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert_eq!(asked, said);
    let missing = ask(&["@7"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
}

/// How often a process's main thread, which does all but to write, has gone to sleep.
fn wake_ups(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mut lines = status.lines();
    let count = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

#[test]
fn where_no_rule_fits_nothing_happens() {
    let tmux = TestTmux::start(STAYS);
    let mut tvmux = user("");
    let hooks = tmux.hooks();
    let pid = tvmux.start_server();
    // Without a rule no tmux server is touched.
    let said = tvmux.run(["auto", "on", "-S", tmux.socket().to_str().unwrap()]);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("no rule says what to record"), "{said}");
    assert_eq!(status(&tvmux)["servers"], serde_json::json!([]));
    assert_eq!(tmux.hooks(), hooks);

    // With one that fits nothing, an idle server wakes nobody.
    write_rules(&tvmux, "[[auto]]\nwindow = 'none'\n");
    tvmux.ok(["server", "reload"]);
    turn_on(&tvmux, &tmux);
    let mut last = 0;
    wait_until("the daemon has come to rest", || {
        std::thread::sleep(Duration::from_millis(300));
        let before = std::mem::replace(&mut last, wake_ups(pid));
        last == before
    });
    // Longer than a slow look takes to come.
    std::thread::sleep(Duration::from_secs(11));
    let woken = wake_ups(pid) - last;
    assert!(woken <= 1, "woken {woken} times in eleven seconds");
    assert!(tvmux.recordings().is_empty());

    // Without rules again, the server is as it was.
    write_rules(&tvmux, "");
    tvmux.ok(["server", "reload"]);
    wait_until("the hooks are gone", || tmux.hooks() == hooks);
    assert_eq!(status(&tvmux)["on"], true);
}

#[test]
fn windows_that_come_and_go_leave_nothing_behind() {
    let asked = std::env::var("TVMUX_TEST_WINDOWS").ok();
    let windows = asked.and_then(|count| count.parse().ok()).unwrap_or(150);
    let tmux = TestTmux::start(STAYS);
    let mut tvmux = user("[[auto]]\nwindow = 'w*'\n");
    let pid = tvmux.start_server();
    turn_on(&tvmux, &tmux);
    for number in 0..windows {
        let name = format!("w{number}");
        let window = new_window(&tmux, "main", &name, "echo here; exec cat");
        // Some live for a moment, some are recorded, some end by themselves.
        match number % 3 {
            0 => {}
            1 => drop(wait_for_window(&tvmux, &window)),
            _ => {
                tmux.tmux(&["send-keys", "-t", &window, "C-d"]);
                continue;
            }
        }
        tmux.tmux(&["kill-window", "-t", &window]);
    }
    wait_until("nothing is recorded", || tvmux.recordings().is_empty());
    let files = |folder: &Path| -> Vec<PathBuf> {
        let all = fs::read_dir(folder).unwrap().flatten();
        all.map(|entry| entry.path()).collect()
    };
    wait_until("no pipe is left", || {
        files(&tvmux.folders().pipes()).is_empty()
    });
    let journals = files(tvmux.folders().state());
    let is_journal = |path: &&PathBuf| path.to_string_lossy().ends_with(".journal.json");
    assert_eq!(journals.iter().find(is_journal), None);
    let children = format!("/proc/{pid}/task/{pid}/children");
    wait_until("no process is left but the one that waits for tmux", || {
        let children = fs::read_to_string(&children).unwrap();
        children.split_whitespace().count() <= 1
    });
    for cast in files(&tvmux.folder().join("casts")) {
        read_cast(&cast);
    }
}
