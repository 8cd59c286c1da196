//! The daemon is found wherever it listens, and what is recorded, or was, is
//! never told to be nothing.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::tvmux::{Tvmux, markers_of, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What another login of the same user says: without a runtime folder, as cron
/// and `su -` have it, or with one of its own.
fn elsewhere(tvmux: &Tvmux, runtime: Option<&Path>, args: &[&str]) -> Output {
    let mut command = tvmux.command(args);
    match runtime {
        Some(runtime) => command.env("XDG_RUNTIME_DIR", runtime),
        None => command.env_remove("XDG_RUNTIME_DIR"),
    };
    command.output().unwrap()
}

#[test]
fn another_login_reaches_the_daemon() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    tvmux.record(&tmux, &[]);
    let other = tvmux.folder().join("other");
    fs::create_dir(&other).unwrap();
    tmux.tmux(&["new-window", "-d", "-t", "main:"]);
    let socket = tmux.socket();
    let socket = socket.to_str().unwrap();
    for (runtime, window) in [(None, "@1"), (Some(other.as_path()), "@0")] {
        let said = |args: &[&str]| {
            let output = elsewhere(&tvmux, runtime, args);
            assert!(output.status.success(), "{args:?}: {output:?}");
            stdout(&output)
        };
        assert!(said(&["rec", "ls", "-q"]).contains("tmux.sock.main:@0\n"));
        assert!(said(&["server", "status"]).starts_with("running"));
        assert!(said(&["--version"]).contains("pid"));
        said(&["rec", "-t", window, "-S", socket]);
        said(&["rec", "mark", "-t", window, "from there"]);
        said(&["rec", "-q", "--", "true"]);
        said(&["api", "recordings", "list"]);
    }
    assert_eq!(tvmux.recordings().len(), 2, "one daemon has both");
    let stopped = elsewhere(&tvmux, None, &["rec", "stop", "@1"]);
    assert!(stopped.status.success(), "{stopped:?}");
    let ended = elsewhere(&tvmux, Some(&other), &["server", "stop"]);
    assert_eq!(stdout(&ended), "The server has ended.\n");
    assert_eq!(tvmux.run(["server", "status"]).status.code(), Some(1));
    assert!(!other.join("tvmux").exists(), "nothing was made there");
}

#[test]
fn a_swept_runtime_folder_is_made_again() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    let recording = tvmux.record(&tmux, &[]);
    let runtime = tvmux.folder().join("run/tvmux");
    for swept in [runtime.join("server.sock"), runtime.clone()] {
        match swept.is_dir() {
            true => fs::remove_dir_all(&swept).unwrap(),
            false => fs::remove_file(&swept).unwrap(),
        }
        assert_eq!(tvmux.recordings().len(), 1, "{}", swept.display());
        let socket = fs::metadata(tvmux.socket()).unwrap();
        assert!(socket.file_type().is_socket());
    }
    tvmux.ok(["rec", "mark", "-t", "@0", "reached"]);
    fs::remove_dir_all(&runtime).unwrap();
    tvmux.ok(["rec", "stop"]);
    read_cast(&tvmux.cast(&recording));
    wait_until("the daemon has ended with its last recording", || {
        tvmux.run(["server", "status"]).status.code() == Some(1)
    });
}

/// A process that holds a user's lock and answers nothing.
struct Holder(Child);

impl Holder {
    /// The lock says `text`, in which `$$` is the process's id.
    fn start(tvmux: &Tvmux, text: &str) -> Holder {
        let state = tvmux.folder().join("state/tvmux");
        Command::new("mkdir")
            .args(["-m", "700", "-p"])
            .arg(&state)
            .status()
            .unwrap();
        let lock = state.join("lock");
        let script = format!(
            "printf '%s\\n' {text} > {}; exec sleep 1000",
            lock.display()
        );
        let child = Command::new("flock")
            .arg("--no-fork")
            .arg(&lock)
            .args(["sh", "-c", &script])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the lock is held", || {
            fs::read_to_string(&lock).is_ok_and(|text| text.ends_with('\n'))
        });
        Holder(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id() as i32), Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

const ASKING: [&[&str]; 6] = [
    &["rec", "ls"],
    &["rec", "stop"],
    &["rec", "mark", "x"],
    &["rec", "--", "true"],
    &["server", "status"],
    &["--version"],
];

#[test]
fn a_daemon_that_cannot_be_reached_is_named() {
    let tvmux = Tvmux::new();
    // One of an older version says nothing but its process id.
    let mut holder = Holder::start(&tvmux, "$$");
    let pid = holder.pid();
    for args in ASKING {
        let output = tvmux.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        let said = stderr(&output);
        for named in [
            format!("pid {pid}"),
            format!("kill {pid}"),
            "server.sock".into(),
        ] {
            assert!(said.contains(&named), "{args:?}: {said}");
        }
        assert!(!stdout(&output).contains("Nothing"), "{args:?}: {output:?}");
        assert!(holder.0.try_wait().unwrap().is_none(), "it is left alone");
    }
    // The lock says whom to end.
    let stopped = tvmux.run(["server", "stop"]);
    // The shell that waited for it is this test.
    holder.0.wait().unwrap();
    assert_eq!(stdout(&stopped), "The server has ended.\n", "{stopped:?}");
}

#[test]
fn a_daemon_elsewhere_is_left_alone() {
    let tvmux = Tvmux::new();
    let mut holder = Holder::start(&tvmux, "1 /run/tvmux");
    for args in ASKING.into_iter().chain([&["server", "stop"][..]]) {
        let output = tvmux.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        assert!(stderr(&output).contains("another container"), "{output:?}");
    }
    assert!(holder.0.try_wait().unwrap().is_none());
}

fn journals(tvmux: &Tvmux) -> Vec<PathBuf> {
    let files = fs::read_dir(tvmux.folder().join("state/tvmux")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.to_str().unwrap().ends_with(".journal.json"))
        .collect()
}

#[test]
fn what_a_dead_daemon_recorded_is_told() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    let recording = tvmux.record(&tmux, &[]);
    let journal = journals(&tvmux).remove(0);
    let left = fs::read(&journal).unwrap();
    tvmux.ok(["server", "stop"]);
    // As a daemon that is killed leaves it, and nobody comes back.
    fs::write(&journal, &left).unwrap();
    let cast = tvmux.cast(&recording);
    let cast = cast.to_str().unwrap();
    let listed = tvmux.run(["rec", "ls"]);
    assert_eq!(listed.status.code(), Some(1), "{listed:?}");
    assert!(stdout(&listed).contains("INTERRUPTED"), "{listed:?}");
    for args in [
        &["rec", "ls"][..],
        &["rec", "stop"],
        &["rec", "stop", "@0"],
        &["rec", "mark", "x"],
        &["server", "status"],
        &["server", "stop"],
    ] {
        let output = tvmux.run(args);
        let said = stderr(&output);
        for named in ["tmux.sock.main:@0", cast, "nobody records it now"] {
            assert!(said.contains(named), "{args:?}: {said}");
        }
    }
    let all = tvmux.run(["rec", "ls", "--json", "--all"]);
    let all: Vec<Value> = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all[0]["state"], "interrupted");
    tvmux.ok(["server", "start"]);
    wait_until("it goes on", || tvmux.recordings().len() == 1);
}

#[test]
fn what_has_just_ended_is_listed() {
    let tmux = TestTmux::start("");
    let tvmux = Tvmux::new();
    tmux.tmux(&["new-window", "-d", "-t", "main:", "-n", "brief", "exec sh"]);
    let socket = tmux.socket();
    let socket = socket.to_str().unwrap();
    tvmux.ok(["rec", "-t", "@1", "-S", socket, "--title", "a title"]);
    let recording = tvmux.wait_recording("it runs", |_| true);
    let listed = || tvmux.ok(["rec", "ls"]);
    assert!(listed().contains("brief"), "{}", listed());
    assert!(listed().contains("a title"), "{}", listed());
    tmux.tmux(&["rename-window", "-t", "@1", "renamed"]);
    assert!(listed().contains("renamed"), "{}", listed());
    assert_eq!(tvmux.recordings()[0]["window_name"], "renamed");
    // The daemon, started on demand, ends too.
    tmux.tmux(&["kill-window", "-t", "@1"]);
    wait_until("the daemon has ended", || {
        tvmux.run(["server", "status"]).status.code() == Some(1)
    });
    let after = listed();
    let name = tvmux.cast(&recording);
    let name = name.file_name().unwrap().to_str().unwrap();
    for named in ["Nothing is recorded.", "finished", name, "a title"] {
        assert!(after.contains(named), "{named}: {after}");
    }
    assert_eq!(tvmux.recordings().len(), 0, "programs hear what runs");
    let all = tvmux.ok(["rec", "ls", "--json", "--all"]);
    let all: Vec<Value> = serde_json::from_str(&all).unwrap();
    assert_eq!(all[0]["state"], "finished");
    assert!(all[0]["ended"].as_u64() >= all[0]["started"].as_u64());
    // So does the API of the next daemon.
    tvmux.ok(["server", "start"]);
    let by_api = tvmux.ok(["api", "recordings", "list", "--ended"]);
    let by_api: Vec<Value> = serde_json::from_str(&by_api).unwrap();
    assert_eq!(by_api[0]["id"], "tmux.sock.main:@1");
}

#[test]
fn a_command_that_went_with_its_daemon_has_a_marked_cast() {
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let mut command = tvmux.command(["rec", "-q", "--", "sh", "-c", "echo up; exec sleep 1000"]);
    let mut child = command.spawn().unwrap();
    let recording = tvmux.wait_recording("it runs", |recording| recording["events"] != 0);
    let cast = tvmux.cast(&recording);
    wait_until("its output is in the cast", || {
        recorded(&cast).contains("up")
    });
    // As when the machine loses its power: both at once.
    kill(Pid::from_raw(child.id() as i32), Signal::SIGSTOP).unwrap();
    tvmux.end_server(Signal::SIGKILL);
    let listed = tvmux.run(["rec", "ls"]);
    assert_eq!(listed.status.code(), Some(1), "{listed:?}");
    assert!(stdout(&listed).contains("INTERRUPTED"), "{listed:?}");
    assert!(
        stderr(&listed).contains(cast.to_str().unwrap()),
        "{listed:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    tvmux.start_server();
    let (_, events) = read_cast(&cast);
    let markers = markers_of(&events);
    assert_eq!(
        markers,
        ["tvmux: gap: the recorder and the command were interrupted"]
    );
    let all = tvmux.ok(["rec", "ls", "--json", "--all"]);
    let all: Vec<Value> = serde_json::from_str(&all).unwrap();
    assert_eq!(
        (all[0]["id"].clone(), all[0]["gaps"].clone()),
        (recording["id"].clone(), 1.into())
    );
    assert_eq!(all[0]["state"], "finished");
    let listed = tvmux.run(["rec", "ls"]);
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
}
