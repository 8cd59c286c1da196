//! README: `validate` and `repair` stay below 16 MB whatever the file, and `convert` takes
//! the same memory for any length.

use std::fs;
use std::io::{BufWriter, Write};
use std::process::{ChildStdin, Command, Stdio};

/// The bound in README, in kB.
const MOST: u64 = 16_000;

/// What that leaves beyond the program itself and a first look, in kB: a debug build
/// is larger.
const MOST_BESIDE: u64 = 8_000;

/// The most that a large cast may take beyond what a small one does, in kB.
const MOST_BEYOND: u64 = 2_000;

/// How much a first look, a small and a large cast have, in bytes: what is kept of one
/// would show as many times the difference that is allowed.
const SIZES: [usize; 3] = [300_000, 1_500_000, 4_500_000];

/// The most memory that the program has used, in kB, when it has read all that
/// `write` wrote.
fn peak(arguments: &[&str], write: impl FnOnce(&mut BufWriter<ChildStdin>)) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tvmux"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // All but what a pipe holds has been read when the last write returns, and
    // the program waits for more.
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    write(&mut input);
    input.flush().unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap();
    let peak = peak.parse().unwrap();
    drop(input);
    child.wait().unwrap();
    peak
}

#[test]
fn memory_is_bounded_whatever_the_cast() {
    let v2 = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";
    let v1 = "{\"version\": 1, \"width\": 80, \"height\": 24, \"stdout\": [[1, \"a\"]";
    // How the cast starts, and what comes again and again.
    let casts = [
        ("plain lines", v2, "[1, \"o\", \"some output\\u001b[m\"]\n"),
        (
            "one huge event",
            &format!("{v2}[1, \"o\", \""),
            "some output\\u001b[m",
        ),
        ("torn heads", v2, "[1,\n"),
        ("torn events", v2, "[1, \"o\", \"some output\n"),
        ("one line of noise", v2, "[{\"\\[1,"),
        ("v1", v1, ", [1, \"some output\"]"),
        (
            "one huge v1 event",
            &format!("{v1}, [1, \""),
            "some output\\u001b[m",
        ),
        ("noise without a header", "", "noise "),
    ];
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.cast");
    let out = out.to_str().unwrap();
    for (name, start, part) in casts {
        for arguments in [&["validate", "-"][..], &["repair", "-", "-o", out]] {
            check(name, arguments, start, part);
        }
    }
}

#[test]
fn converting_takes_the_same_memory_for_any_length() {
    let header = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";
    let casts = [
        (
            "lines",
            "[1, \"o\", \"some output\\u001b[1mbold\\u001b[m\\r\\n\"]\n",
        ),
        (
            "a screen drawn again and again",
            "[1, \"o\", \"\\u001b[H\\u001b[2Jtext\"]\n",
        ),
        ("a progress bar", "[1, \"o\", \"\\r\\u001b[K#####\"]\n"),
    ];
    for (name, part) in casts {
        check(
            name,
            &["convert", "-", "-", "-q", "--to", "text"],
            header,
            part,
        );
    }
    for format in ["v1", "v2", "v3", "raw"] {
        check(
            "lines",
            &["convert", "-", "-", "-q", "--to", format],
            header,
            casts[0].1,
        );
    }
}

/// Feeds `start` and then `part` again and again.
fn check(name: &str, arguments: &[&str], start: &str, part: &str) {
    let [first, small, large] = SIZES.map(|size| {
        peak(arguments, |input| {
            input.write_all(start.as_bytes()).unwrap();
            let block = part.repeat(64 * 1024 / part.len());
            for _ in 0..size / block.len() {
                input.write_all(block.as_bytes()).unwrap();
            }
        })
    });
    let most = match cfg!(debug_assertions) {
        true => first + MOST_BESIDE,
        false => MOST,
    };
    assert!(
        large < most,
        "{name}, {arguments:?}: {large} kB of {most} kB"
    );
    assert!(
        large < small + MOST_BEYOND,
        "{name}, {arguments:?}: {large} kB after {small} kB"
    );
}
