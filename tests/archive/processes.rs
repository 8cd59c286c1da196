//! More than one process, and processes that are killed.

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use tvmux::archive::{
    Archive, Condition, Entry, Filter, Indexed, LinePart, Pattern, PatternOptions, SearchOptions,
};

use crate::casts::mixed;
use crate::support::tvmux::Tvmux;
use crate::support::{TestTmux, wait_until};
use crate::{found, listed, write};

fn fill(user: &Tvmux, casts: u64) {
    for seed in 0..casts {
        write(user, &format!("{seed}.cast"), &mixed(seed, 300_000));
    }
}

/// All lines that are known, with their times.
fn all_lines(user: &Tvmux) -> Vec<(String, String, String)> {
    let mut all: Vec<_> = found(user, &["-E", "."])
        .iter()
        .map(|hit| {
            let name = Path::new(hit["cast"].as_str().unwrap())
                .file_name()
                .unwrap();
            let name = name.to_string_lossy().into_owned();
            (
                name,
                hit["time"].to_string(),
                hit["line"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_is_written_while_a_cast_is_read_is_still_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let casts = [folder.path().join("casts")];
    std::fs::create_dir(&casts[0]).unwrap();
    let path = casts[0].join("a.cast");
    std::fs::write(&path, mixed(1, 100_000).bytes()).unwrap();
    let (mut reading, mut looking) = (
        Archive::open(folder.path()).unwrap(),
        Archive::open(folder.path()).unwrap(),
    );
    let running = HashSet::from([path.canonicalize().unwrap()]);
    reading.look(&casts, &running, true).unwrap();
    let entry = reading.due().unwrap().remove(0);
    let lock = reading.lock_for_update().unwrap();
    let mut has_grown = false;
    let mut watch = |_| {
        if std::mem::replace(&mut has_grown, true) {
            return ControlFlow::Continue(());
        }
        // It ends, with one more line, as another process finds out.
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        writeln!(file, "[1000000.0, \"o\", \"needle\\r\\n\"]").unwrap();
        looking.look(&casts, &HashSet::new(), true).unwrap();
        ControlFlow::Continue(())
    };
    reading.index(&lock, &[&entry], &mut watch).unwrap();
    let due = reading.due().unwrap();
    assert_eq!(due.len(), 1, "there is more to be read");
    assert_eq!(due[0].state, Condition::Finished);
}

/// An archive that knows some casts, of which nothing was read.
fn unread(folder: &Path, casts: u64) -> Archive {
    let below = [folder.join("casts")];
    std::fs::create_dir(&below[0]).unwrap();
    for seed in 0..casts {
        let path = below[0].join(format!("{seed}.cast"));
        std::fs::write(path, mixed(seed, 100_000).bytes()).unwrap();
    }
    let mut archive = Archive::open(folder).unwrap();
    archive.look(&below, &HashSet::new(), true).unwrap();
    archive
}

/// Reads all that is due, in one call; gives what became of each.
fn read_due(archive: &mut Archive, watch: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Vec<Indexed> {
    let lock = archive.lock_for_update().unwrap();
    let due = archive.due().unwrap();
    let due: Vec<&Entry> = due.iter().collect();
    archive.index(&lock, &due, watch).unwrap()
}

/// Each line that a cast showed, with when it was first and last there.
type Lines = Vec<(Vec<u8>, u64, u64)>;

/// What the casts showed, by their names.
fn shown(archive: &Archive) -> BTreeMap<String, Lines> {
    let casts = archive.entries(&Filter::default()).unwrap();
    let of = |cast: &Entry| {
        let mut lines = Lines::new();
        let mut printed = archive.printed(cast.id).unwrap();
        let mut take = |part: Option<LinePart<'_>>| {
            lines.extend(part.map(|part| (part.text.to_vec(), part.first, part.until)));
            true
        };
        printed.each(&mut take).unwrap();
        (cast.name(), lines)
    };
    casts.iter().map(of).collect()
}

#[test]
fn casts_that_are_read_at_once_give_what_they_give_one_by_one() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [mut one_by_one, mut at_once] = folders.each_ref().map(|to| unread(to.path(), 6));
    let mut goes_on = |_| ControlFlow::Continue(());
    let lock = one_by_one.lock_for_update().unwrap();
    for cast in one_by_one.due().unwrap() {
        one_by_one.index(&lock, &[&cast], &mut goes_on).unwrap();
    }
    let mut bytes = 0;
    let became = read_due(&mut at_once, &mut |read| {
        bytes += read;
        ControlFlow::Continue(())
    });
    let told = became.iter().map(|became| match became {
        Indexed::Read(bytes) => *bytes,
        other => panic!("{other:?}"),
    });
    assert_eq!(told.sum::<u64>(), bytes);
    let expected = shown(&one_by_one);
    assert!(expected.len() == 6 && expected.values().all(|lines| lines.len() > 100));
    assert_eq!(shown(&at_once), expected);
}

#[test]
fn a_reading_of_many_that_is_stopped_is_gone_on_with() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [mut stopped, mut whole] = folders.each_ref().map(|to| unread(to.path(), 12));
    let became = read_due(&mut stopped, &mut |_| ControlFlow::Break(()));
    // As many as there are threads, and as wait for the writing, may have been read.
    let left = became.iter().filter(|became| **became == Indexed::Stopped);
    assert!(left.count() >= 3, "{became:?}");
    let mut goes_on = |_| ControlFlow::Continue(());
    read_due(&mut stopped, &mut goes_on);
    read_due(&mut whole, &mut goes_on);
    assert!(stopped.due().unwrap().is_empty());
    assert_eq!(shown(&stopped), shown(&whole));
}

#[test]
fn casts_that_are_forgotten_while_they_are_read_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut reading = unread(folder.path(), 5);
    let mut other = Archive::open(folder.path()).unwrap();
    let became = read_due(&mut reading, &mut |_| {
        other.forget_all().unwrap();
        ControlFlow::Continue(())
    });
    assert_eq!(became, [Indexed::Unreadable; 5]);
    assert_eq!(reading.status().unwrap().casts, 0);
    assert_eq!(reading.verify(&mut || true).unwrap().blocks, 0);
}

#[test]
fn a_search_sees_the_archive_as_it_is_at_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let casts = [folder.path().join("casts")];
    std::fs::create_dir(&casts[0]).unwrap();
    for name in ["a.cast", "b.cast"] {
        let cast = "{\"version\":2,\"width\":80,\"height\":24}\n[1.0, \"o\", \"needle\\r\\n\"]\n";
        std::fs::write(casts[0].join(name), cast).unwrap();
    }
    let (mut reading, mut other) = (
        Archive::open(folder.path()).unwrap(),
        Archive::open(folder.path()).unwrap(),
    );
    reading.look(&casts, &HashSet::new(), true).unwrap();
    let lock = reading.lock_for_update().unwrap();
    for entry in reading.due().unwrap() {
        reading
            .index(&lock, &[&entry], &mut |_| ControlFlow::Continue(()))
            .unwrap();
    }
    let pattern = Pattern::new("needle", PatternOptions::default()).unwrap();
    let entries = reading.entries(&Filter::default()).unwrap();
    let mut hits = Vec::new();
    let mut take = |at: usize, _| {
        hits.push(at);
        other.forget_all().unwrap();
        ControlFlow::Continue(())
    };
    let options = SearchOptions::default();
    reading
        .search(&pattern, &entries, &options, &mut take)
        .unwrap();
    assert_eq!(hits, [0, 1]);
}

#[test]
fn several_updates_at_once_read_each_cast_once() {
    let (user, other) = (Tvmux::new(), Tvmux::new());
    fill(&user, 4);
    fill(&other, 4);
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            user.command(["archive", "update"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    // Whoever only looks need not wait for them.
    assert_eq!(listed(&user, &[]).len(), 4);
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    other.ok(["archive", "update"]);
    let lines = all_lines(&other);
    assert!(lines.len() > 1000, "{}", lines.len());
    assert_eq!(all_lines(&user), lines);
    assert!(user.ok(["archive", "verify"]).contains("all is well"));
}

#[test]
fn updates_that_are_killed_lose_and_double_nothing() {
    let (user, other) = (Tvmux::new(), Tvmux::new());
    fill(&user, 3);
    fill(&other, 3);
    let mut rng = Rng::with_seed(11);
    for round in 0..12 {
        let mut child = user.command(["archive", "update", "-q"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(rng.u64(5..250)));
        match round % 3 {
            0 => nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(child.id() as i32),
                nix::sys::signal::Signal::SIGINT,
            )
            .unwrap(),
            _ => child.kill().unwrap(),
        }
        child.wait().unwrap();
        let casts: Vec<Value> = listed(&user, &[]);
        assert_eq!(casts.len(), 3, "after kill {round}");
    }
    user.ok(["archive", "update"]);
    other.ok(["archive", "update"]);
    assert_eq!(all_lines(&user), all_lines(&other));
    assert!(user.ok(["archive", "verify"]).contains("all is well"));
}

#[test]
fn a_recording_is_found_while_it_runs_and_read_by_itself_when_it_ends() {
    let user = Tvmux::new().with("TVMUX_ARCHIVE_AUTO_UPDATE", "true");
    let tmux = TestTmux::start("");
    let recording = user.record(&tmux, &[]);
    tmux.tmux(&["send-keys", "-t", "main:", "echo live-$((40+2))", "Enter"]);
    wait_until("it is found while it is recorded", || {
        found(&user, &["live-42"]).len() == 1
    });
    let running = listed(&user, &["--running"]);
    assert_eq!(running.len(), 1);
    assert_eq!(running[0]["cast"], recording["cast_path"]);
    let refused = user.run(["rm", "--yes", "@latest"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("being recorded"));
    user.ok(["rec", "stop"]);
    wait_until("the server has had it read", || {
        let entry = listed(&user, &[]).remove(0);
        entry["state"] == "finished" && entry["due"] == false
    });
    assert_eq!(found(&user, &["live-42"]).len(), 1);
}

#[test]
fn what_a_recording_writes_is_read_while_it_runs() {
    let user = Tvmux::new()
        .with("TVMUX_ARCHIVE_AUTO_UPDATE", "true")
        .with("TVMUX_ARCHIVE_UPDATE_INTERVAL_MS", "1000");
    let tmux = TestTmux::start("");
    user.record(&tmux, &[]);
    // `ls` reads nothing itself.
    wait_until("the server has had it read", || {
        tmux.tmux(&["send-keys", "-t", "main:", "echo again", "Enter"]);
        let casts = listed(&user, &[]);
        casts[0]["state"] == "running" && casts[0]["indexed"].as_u64() > Some(0)
    });
    user.ok(["rec", "stop"]);
}
