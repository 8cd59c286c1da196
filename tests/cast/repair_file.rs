//! Repairing files while other things happen to them.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tvmux::archive::repair_file::{
    Change, RepairFileError, RepairFileOptions, repair_file, repair_stream,
};

use super::samples;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn damaged(events: usize) -> Vec<u8> {
    let mut cast = samples::long_v2(events);
    cast[5_000] = 0xff;
    cast
}

#[test]
fn a_file_that_grows_is_left_but_may_be_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.cast");
    let out = folder.path().join("out.cast");
    for output in [None, Some(&*out)] {
        fs::write(&path, damaged(5_000)).unwrap();
        let once = Once::new();
        let grow = |_| {
            once.call_once(|| {
                let mut file = File::options().append(true).open(&path).unwrap();
                file.write_all(b"[999.0, \"o\", \"new\"]\n").unwrap();
            });
        };
        let options = RepairFileOptions {
            output,
            progress: Some(&grow),
            ..RepairFileOptions::default()
        };
        let repaired = repair_file(&path, &options);
        let grown = [&damaged(5_000), &b"[999.0, \"o\", \"new\"]\n"[..]].concat();
        assert_eq!(fs::read(&path).unwrap(), grown);
        if output.is_none() {
            assert!(
                matches!(repaired, Err(RepairFileError::Busy { .. })),
                "{repaired:?}"
            );
            assert_eq!(names(folder.path()), ["a.cast"]);
        } else {
            assert_eq!(repaired.unwrap().change, Change::Rewritten);
            assert_eq!(names(folder.path()), ["a.cast", "out.cast"]);
        }
    }
}

#[test]
fn a_stream_becomes_a_file_as_a_whole_or_not_at_all() {
    struct Failing<'a>(&'a [u8]);
    impl std::io::Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer) {
                Ok(0) => Err(std::io::Error::other("the pipe is gone")),
                read => read,
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.cast");
    let options = RepairFileOptions::default();
    let cast = damaged(5_000);
    let failed = repair_stream(Failing(&cast), &out, &options).unwrap_err();
    assert!(
        matches!(failed, RepairFileError::Stream { .. }),
        "{failed:?}"
    );
    let noise = repair_stream(&b"\x7fELF nothing"[..], &out, &options).unwrap();
    assert_eq!(noise.change, Change::None);
    assert!(names(folder.path()).is_empty());
    let repaired = repair_stream(&cast[..], &out, &options).unwrap();
    assert_eq!(repaired.report.bytes_read, cast.len() as u64);
    assert_eq!(
        fs::metadata(&out).unwrap().len(),
        repaired.report.bytes_written
    );
    assert_eq!(names(folder.path()), ["out.cast"]);
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.cast");
    // It waits for the rest of its input when the signal comes.
    let mut child = Command::new(env!("CARGO_BIN_EXE_tvmux"))
        .args(["repair", "-", "-o"])
        .arg(&out)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than the pipe holds, so that it has started to read.
    input.write_all(&damaged(5_000)).unwrap();
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(input);
    assert!(names(folder.path()).is_empty());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "-: stopped; nothing was changed\n");
}

/// Whenever it is told to stop, the file and its folder are as they were.
#[test]
fn a_repair_that_is_stopped_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.cast");
    let out = folder.path().join("out.cast");
    let cast = damaged(20_000);
    fs::write(&path, &cast).unwrap();
    for output in [None, Some(&*out)] {
        let reads = Cell::new(0);
        for stop_after in 0.. {
            let stop = AtomicBool::new(false);
            let left = AtomicU32::new(stop_after);
            let progress = |_| {
                if left.load(Ordering::Relaxed) == 0 {
                    stop.store(true, Ordering::Relaxed);
                } else {
                    left.fetch_sub(1, Ordering::Relaxed);
                }
            };
            let options = RepairFileOptions {
                output,
                stop: Some(&stop),
                progress: Some(&progress),
                ..RepairFileOptions::default()
            };
            let repaired = repair_file(&path, &options);
            if !stop.load(Ordering::Relaxed) {
                // There were fewer reads.
                repaired.unwrap();
                break;
            }
            reads.set(stop_after);
            assert!(
                matches!(repaired, Err(RepairFileError::Stopped)),
                "after {stop_after} reads: {repaired:?}"
            );
            assert_eq!(names(folder.path()), ["a.cast"]);
            assert!(fs::read(&path).unwrap() == cast);
        }
        assert!(reads.get() > 3, "{}", reads.get());
        fs::write(&path, &cast).unwrap();
        for name in names(folder.path()) {
            if name != "a.cast" {
                fs::remove_file(folder.path().join(name)).unwrap();
            }
        }
    }
}
