//! Disks that are full, files that may not grow, files that go away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::tvmux::{Tvmux, markers_of, output_of, parse_cast, read_cast};
use crate::support::{TestTmux, is_root, wait_for, wait_until};

/// Prints numbered lines for ever, and notes in a file how far it has come.
fn counter(progress: &Path) -> String {
    format!(
        "exec awk 'BEGIN {{ for (i = 1; ; i++) {{ printf \"line %d end\\n\", i; \
         if (i % 1000 == 0) {{ print i > \"{0}\"; close(\"{0}\") }} }} }}'",
        progress.display()
    )
}

fn progress(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// Waits until the pane's program has printed many more lines.
fn is_never_blocked(path: &Path) {
    let before = progress(path);
    wait_until("the pane's program goes on", || {
        progress(path) > before + 20_000
    });
}

/// A small file system of a test's own.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one on a folder; `None` for a user who may not.
    fn mount(folder: &Path, bytes: u64) -> Option<SmallDisk> {
        if !is_root("a small disk is mounted") {
            return None;
        }
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder)
            .output()
            .unwrap();
        assert!(
            mount.status.success(),
            "a small disk is needed: {}",
            String::from_utf8_lossy(&mount.stderr)
        );
        Some(SmallDisk(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the daemon of a test that failed may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_suspends_and_space_resumes() {
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_MAX_BUFFER_BYTES", "1048576");
    let progress = tvmux.folder().join("progress");
    let casts = tvmux.folder().join("casts");
    let Some(_disk) = SmallDisk::mount(&casts, 6 * 1024 * 1024) else {
        return;
    };
    let filler = tvmux.folder().join("casts/filler");
    fs::write(&filler, vec![0; 3 * 1024 * 1024]).unwrap();
    tvmux.start_server();
    let tmux = TestTmux::start(&counter(&progress));
    let recording = tvmux.record(&tmux, &[]);
    let cast = tvmux.cast(&recording);
    let full = tvmux.wait_recording("suspended", |recording| {
        recording["state"] == "suspended" && recording["lost_bytes"].as_u64() > Some(100_000)
    });
    assert!(
        full["reason"].as_str().unwrap().contains("no space left"),
        "{full}"
    );
    let shown = tvmux.ok(["rec", "ls"]);
    assert!(
        shown.contains("SUSPENDED") && shown.contains("no space left"),
        "{shown}"
    );
    parse_cast(&fs::read(&cast).unwrap()).unwrap();
    is_never_blocked(&progress);
    let length = fs::metadata(&cast).unwrap().len();

    fs::remove_file(&filler).unwrap();
    wait_until("the file grows again", || {
        fs::metadata(&cast).unwrap().len() > length
    });
    wait_for("a marker and a snapshot", || {
        let (_, events) = parse_cast(&fs::read(&cast).unwrap()).unwrap();
        let marker = events.iter().position(|event| event.code == 'm')?;
        let after = &events[marker + 1..];
        assert!(
            events[marker].data.contains("no space left"),
            "{:?}",
            events[marker]
        );
        let snapshot = |data: &str| data.starts_with("\u{18}\u{1b}\\");
        after
            .first()
            .filter(|event| snapshot(&event.data))
            .map(|_| ())
    });
    is_never_blocked(&progress);
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(1), "{stop:?}");
    let message = String::from_utf8(stop.stderr).unwrap();
    assert!(
        message.contains("not complete") && message.contains("bytes"),
        "{message}"
    );
    read_cast(&cast);
}

#[test]
fn a_file_that_may_not_grow_suspends_the_recording() {
    let tvmux = Tvmux::new().with("TVMUX_RECORDING_MAX_BUFFER_BYTES", "1048576");
    let progress = tvmux.folder().join("progress");
    let log = fs::File::create(tvmux.folder().join("log")).unwrap();
    // 1,024 blocks of 512 bytes: EFBIG, and a deadly signal for who does not expect it.
    let limited = "ulimit -f 1024; exec \"$0\" server run";
    let binary = env!("CARGO_BIN_EXE_tvmux");
    let mut server = tvmux
        .command(["unused"; 0])
        .into_shell(limited, binary)
        .stderr(log)
        .spawn()
        .unwrap();
    wait_until("the server listens", || {
        tvmux.run(["server", "status"]).status.success()
    });
    let tmux = TestTmux::start(&counter(&progress));
    let recording = tvmux.record(&tmux, &[]);
    let large = tvmux.wait_recording("suspended", |recording| recording["state"] == "suspended");
    assert!(
        large["reason"].as_str().unwrap().contains("largest size"),
        "{large}"
    );
    is_never_blocked(&progress);
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(1), "{stop:?}");
    let cast = tvmux.cast(&recording);
    read_cast(&cast);
    // The last page that ends with a whole line is within a page of the limit.
    let length = fs::metadata(&cast).unwrap().len();
    assert!((520_000..=524_288).contains(&length), "{length}");
    tvmux.ok(["server", "stop"]);
    server.wait().unwrap();
}

/// A command of the program as a shell script with the same environment.
trait IntoShell {
    fn into_shell(self, script: &str, argument: &str) -> Command;
}

impl IntoShell for Command {
    fn into_shell(self, script: &str, argument: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, argument]);
        for (name, value) in self.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
    }
}

#[test]
fn a_removed_cast_is_told_and_begun_anew() {
    let mut tvmux = Tvmux::new();
    tvmux.start_server();
    let tmux = TestTmux::start("");
    let recording = tvmux.record(&tmux, &[]);
    let cast = tvmux.cast(&recording);
    let folder = cast.parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    tmux.tmux(&["send-keys", "-t", "@0", "echo un''seen", "Enter"]);
    let gone = tvmux.wait_recording("suspended", |recording| recording["state"] == "suspended");
    assert!(
        gone["reason"].as_str().unwrap().contains("removed"),
        "{gone}"
    );
    fs::create_dir(&folder).unwrap();
    tvmux.wait_recording("recording again", |recording| {
        recording["state"] == "recording"
    });
    tmux.tmux(&["send-keys", "-t", "@0", "echo ba''ck", "Enter"]);
    wait_until("there is a new cast", || {
        fs::read_to_string(&cast).is_ok_and(|cast| cast.contains("back"))
    });
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(1), "{stop:?}");
    let (header, events) = read_cast(&cast);
    assert_eq!(header["version"], 2);
    assert!(markers_of(&events)[0].contains("removed"));
    // What was on the screen is in the snapshot.
    assert!(output_of(&events).contains("unseen"));
}
