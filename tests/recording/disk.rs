//! Disks that are full, files that may not grow, files that go away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tvmux::api::MarkerCreate;
use tvmux::client::{Client, Error};

use crate::faults::{FailingWrites, Frozen, Mounted, counter, is_never_blocked, run};
use crate::support::tvmux::{
    CastEvent, Tvmux, markers_of, output_of, parse_cast, read_cast, recorded,
};
use crate::support::{TestTmux, wait_for, wait_until};

/// A recording of a pane that prints without end.
struct Flood {
    /// Unmounted before the folder is removed that it is in.
    _disk: Option<Mounted>,
    tvmux: Tvmux,
    daemon: u32,
    /// Keeps the pane.
    _tmux: TestTmux,
    progress: PathBuf,
    cast: PathBuf,
}

impl Flood {
    /// Starts it, `disk` mounted for it; at most 1 MiB waits in memory.
    fn start(tvmux: Tvmux, disk: Option<Mounted>) -> Flood {
        let mut tvmux = tvmux.with("TVMUX_RECORDING_MAX_BUFFER_BYTES", "1048576");
        let progress = tvmux.folder().join("progress");
        let daemon = tvmux.start_server();
        let tmux = TestTmux::start(&counter(&progress));
        let recording = tvmux.record(&tmux, &[]);
        let cast = tvmux.cast(&recording);
        Flood {
            _disk: disk,
            tvmux,
            daemon,
            _tmux: tmux,
            progress,
            cast,
        }
    }

    fn length(&self) -> u64 {
        fs::metadata(&self.cast).unwrap().len()
    }

    /// Holds the recording to what README promises of a file that takes
    /// nothing, from the moment that there is `trouble`, which ends when that is
    /// dropped: how `rec ls` says so, and the marker.
    fn suspends_and_resumes<T>(&self, trouble: T, reason: &str, marker: &str) {
        let tvmux = &self.tvmux;
        let suspended = |recording: &Value| {
            recording["state"] == "suspended"
                && recording["lost_bytes"].as_u64() > Some(100_000)
                // On a busy machine another one may come first.
                && recording["reason"].as_str().is_some_and(|told| told.contains(reason))
        };
        tvmux.wait_recording(reason, suspended);
        let shown = tvmux.ok(["rec", "ls"]);
        assert!(
            shown.contains("SUSPENDED") && shown.contains(reason),
            "{shown}"
        );
        let whole = fs::read(&self.cast).unwrap();
        parse_cast(&whole).unwrap();
        is_never_blocked(&self.progress);
        assert_eq!(self.length(), whole.len() as u64);

        drop(trouble);
        wait_until("the file grows again", || {
            self.length() > whole.len() as u64
        });
        wait_for("a marker and a snapshot", || {
            let events = self.events_from(whole.len());
            let is_it = |event: &CastEvent| event.code == 'm' && event.data.contains(marker);
            let gap = events.iter().position(is_it)?;
            let next = events.get(gap + 1)?;
            assert!(next.data.starts_with("\u{18}\u{1b}\\"), "{next:?}");
            Some(())
        });
        tvmux.wait_recording("recording again", |recording| {
            recording["state"] == "recording" && recording["reason"].is_null()
        });
        is_never_blocked(&self.progress);
    }

    /// The events behind `offset`, where a line ends.
    fn events_from(&self, offset: usize) -> Vec<CastEvent> {
        let mut lines = b"{\"version\":2,\"width\":80,\"height\":24}\n".to_vec();
        lines.extend_from_slice(&fs::read(&self.cast).unwrap()[offset..]);
        parse_cast(&lines).unwrap().1
    }

    /// Stops, which says that something is missing.
    fn stop(self) {
        let stop = self.tvmux.run(["rec", "stop"]);
        assert_eq!(stop.status.code(), Some(1), "{stop:?}");
        let message = String::from_utf8(stop.stderr).unwrap();
        assert!(
            message.contains("not complete") && message.contains("bytes"),
            "{message}"
        );
        read_cast(&self.cast);
    }
}

/// A file that is in the way.
struct Filler(PathBuf);

impl Drop for Filler {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

#[test]
fn a_marker_that_would_not_fit_into_memory_is_refused() {
    const BOUND: usize = 1 << 20;
    let mut tvmux = Tvmux::new().with("TVMUX_RECORDING_MAX_BUFFER_BYTES", BOUND.to_string());
    tvmux.start_server();
    let tmux = TestTmux::start("");
    let recording = tvmux.record(&tmux, &[]);
    let folder = tvmux.folder().join("casts");
    fs::remove_dir_all(&folder).unwrap();
    // A file in its place: no new cast can be made.
    fs::write(&folder, "").unwrap();
    // Seen when there is something to write.
    tmux.tmux(&["send-keys", "-t", "@0", "echo x", "Enter"]);
    tvmux.wait_recording("suspended", |recording| recording["state"] == "suspended");
    let marked = tvmux.run(["rec", "mark", "-t", "@0", "waits"]);
    assert!(marked.status.success(), "{marked:?}");
    let said = String::from_utf8(marked.stderr).unwrap();
    assert!(said.contains("is written once it does"), "{said}");
    let id = recording["id"].as_str().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let label = "x".repeat(256);
    let refused = runtime.block_on(async {
        let mut client = Client::connect(&tvmux.socket()).await.unwrap();
        let marker = MarkerCreate { label, ago: None };
        for marks in 0.. {
            if let Err(error) = client.mark(id, &marker).await {
                return error;
            }
            // What waited goes once, when another file is first tried.
            assert!(marks * 256 < 2 * BOUND, "{marks} markers wait in memory");
        }
        unreachable!()
    });
    let said = refused.to_string();
    assert!(
        said.contains("takes no marker now") && said.contains("was removed"),
        "{said}"
    );
    let Error::Refused { status, body } = refused else {
        panic!("{refused}");
    };
    assert_eq!((status, body.code.as_str()), (503, "no_room"));
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    tvmux.wait_recording("it goes on", |recording| recording["state"] == "recording");
    tvmux.ok(["rec", "mark", "-t", "@0", "fits"]);
    tvmux.run(["rec", "stop"]);
    let (_, events) = read_cast(&tvmux.cast(&recording));
    assert_eq!(markers_of(&events).last(), Some(&"fits"));
}

#[test]
fn a_full_disk_suspends_and_space_resumes() {
    let tvmux = Tvmux::new();
    let casts = tvmux.folder().join("casts");
    let Some(disk) = Mounted::small(&casts, 6 * 1024 * 1024) else {
        return;
    };
    let filler = casts.join("filler");
    fs::write(&filler, vec![0; 3 * 1024 * 1024]).unwrap();
    let flood = Flood::start(tvmux, Some(disk));
    let full = "no space left";
    flood.suspends_and_resumes(Filler(filler), full, full);
    flood.stop();
}

/// A limit on what a folder takes.
struct Quota(PathBuf);

impl Quota {
    fn limit(folder: &Path, most: &str) -> Quota {
        run("btrfs", &["qgroup", "limit", most], folder);
        Quota(folder.to_owned())
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        run("btrfs", &["qgroup", "limit", "none"], &self.0);
    }
}

#[test]
fn a_used_up_quota_suspends_and_a_larger_one_resumes() {
    let tvmux = Tvmux::new();
    let casts = tvmux.folder().join("casts");
    let image = tvmux.folder().join("image");
    let Some(disk) = Mounted::image(&casts, &image, &["mkfs.btrfs", "-q"]) else {
        return;
    };
    run("btrfs", &["quota", "enable"], &casts);
    let quota = Quota::limit(&casts, "4M");
    let flood = Flood::start(tvmux, Some(disk));
    let used_up = "the disk quota is used up";
    flood.suspends_and_resumes(quota, used_up, used_up);
    flood.stop();
}

#[test]
fn what_the_system_refuses_suspends_for_as_long() {
    let flood = Flood::start(Tvmux::new(), None);
    for (error, reason) in [
        ("EROFS", "the file system is read-only"),
        ("EDQUOT", "the disk quota is used up"),
        // One that has no words of ours.
        ("EIO", "Input/output error"),
    ] {
        let Some(failing) = FailingWrites::start(flood.daemon, error) else {
            return;
        };
        flood.suspends_and_resumes(failing, reason, reason);
    }
    flood.stop();
}

#[test]
fn a_disk_that_hangs_suspends_and_holds_up_nobody() {
    let tvmux = Tvmux::new();
    let casts = tvmux.folder().join("casts");
    let image = tvmux.folder().join("image");
    let Some(disk) = Mounted::image(&casts, &image, &["mkfs.ext4", "-q"]) else {
        return;
    };
    let flood = Flood::start(tvmux, Some(disk));
    flood.suspends_and_resumes(
        Frozen::freeze(&casts),
        "output comes faster than it can be written",
        "output came faster than it could be written",
    );
    flood.stop();
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
fn a_removed_cast_is_told_and_begun_again() {
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
    wait_until("there is a new cast", || recorded(&cast).contains("back"));
    let stop = tvmux.run(["rec", "stop"]);
    assert_eq!(stop.status.code(), Some(1), "{stop:?}");
    let (header, events) = read_cast(&cast);
    assert_eq!(header["version"], 2);
    assert!(markers_of(&events)[0].contains("removed"));
    // What was on the screen is in the snapshot.
    assert!(output_of(&events).contains("unseen"));
}
