//! Ctrl-C while something long is written: it ends at once, and no half of it is left.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use super::support::tvmux::Tvmux;
use super::support::{wait_asleep, wait_until};

/// Formats of `convert`, by the end of a file's name and as an option.
const FORMATS: [(&str, &str); 7] = [
    ("json", "v1"),
    ("cast", "v2"),
    ("cast", "v3"),
    ("raw", "raw"),
    ("txt", "text"),
    ("svg", "svg"),
    ("html", "html"),
];

const HEADER: &str = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";

/// Of 12,000 more comes, in every format, than a pipe and what is gathered hold.
fn events(count: usize) -> String {
    let event = |n: usize| {
        let text = format!("{n} is {}", "shown in this line ".repeat(n % 4));
        format!("[{n}, \"o\", \"{text}\\r\\n\"]\n")
    };
    (0..count).map(event).collect()
}

fn interrupted(mut child: Child) -> Option<i32> {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let mut status = None;
    wait_until("it has ended", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap().code()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_writes_into_a_pipe_that_nobody_reads_ends() {
    let user = Tvmux::new();
    let cast = user.folder().join("a.cast");
    fs::write(&cast, HEADER.to_owned() + &events(12_000)).unwrap();
    let pipe = user.folder().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let convert = FORMATS.map(|(_, format)| ["convert", "-q", "--to", format]);
    let verbs = convert
        .iter()
        .map(|verb| &verb[..])
        .chain([&["cat"][..], &["cat", "--to", "v2"]]);
    for verb in verbs {
        let mut command = user.command(verb);
        command.arg(&cast);
        if verb[0] == "cat" && verb.len() == 1 {
            command.stdout(File::options().read(true).write(true).open(&pipe).unwrap());
        } else {
            if verb[0] == "cat" {
                command.arg("-o");
            }
            command.arg(&pipe);
        }
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut reader = File::open(&pipe).unwrap();
        // It has begun.
        reader.read_exact(&mut [0]).unwrap();
        wait_asleep(child.id());
        assert_eq!(interrupted(child), Some(130), "{verb:?}");
        drop(reader);
    }
}

#[test]
fn what_writes_a_file_leaves_none() {
    let user = Tvmux::new();
    let folder = user.folder().join("out");
    fs::create_dir(&folder).unwrap();
    let kept = folder.join("kept.cast");
    fs::write(&kept, "kept").unwrap();
    let events = events(12_000);
    for (suffix, format) in FORMATS {
        for out in [&*format!("new.{suffix}"), "kept.cast"] {
            let mut child = user
                .command(["convert", "--overwrite", "--to", format, "-"])
                .arg(folder.join(out))
                .stdin(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // It waits for more.
            let mut input = child.stdin.take().unwrap();
            input.write_all(HEADER.as_bytes()).unwrap();
            input.write_all(events.as_bytes()).unwrap();
            assert_eq!(interrupted(child), Some(130), "{format}");
            assert_eq!(names(&folder), ["kept.cast"], "{format}");
        }
    }
    assert_eq!(fs::read_to_string(kept).unwrap(), "kept");
}

/// The longest part of a picture is its drawing, when all was read.
#[test]
fn a_picture_that_is_being_drawn_leaves_none() {
    let user = Tvmux::new();
    let cast = user.folder().join("a.cast");
    fs::write(&cast, HEADER.to_owned() + &events(60_000)).unwrap();
    for format in ["svg", "html"] {
        let out = user.folder().join("out");
        let child = user
            .command(["convert", "--to", format])
            .args([&cast, &out])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        wait_until("some of it is drawn", || {
            let files = fs::read_dir(format!("/proc/{pid}/fd"))
                .into_iter()
                .flatten();
            files.flatten().any(|file| {
                let is_out = fs::read_link(file.path()).is_ok_and(|name| {
                    name.starts_with(user.folder())
                        && name.extension().is_none_or(|end| end != "cast")
                });
                is_out && fs::metadata(file.path()).is_ok_and(|found| found.len() > 0)
            })
        });
        assert_eq!(interrupted(child), Some(130), "{format}");
        assert!(!out.exists(), "{format}");
    }
}
