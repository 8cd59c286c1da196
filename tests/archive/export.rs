//! `tvmux archive export`: commands and lines as data that programs read.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::tvmux::Tvmux;
use crate::support::{skipped, wait_until};
use crate::{made, write};

/// A prompt, a command of that text, and what it prints.
fn ran(at: f64, text: &str, output: &str, status: i32) -> [(f64, String); 3] {
    [
        (
            at,
            format!(
                "\x1b]7;file://box/src\x07\x1b]133;A\x07$ \x1b]133;B\x07{text}\r\n\x1b]133;C\x07"
            ),
        ),
        (at + 0.5, output.to_owned()),
        (at + 1.0, format!("\x1b]133;D;{status}\x07")),
    ]
}

/// Two casts: the older one has two commands, the newer one a third.
fn filled() -> Tvmux {
    let user = Tvmux::new();
    let older = [
        ran(1.0, "make", "one, \"two\"\r\n\r\n漢 three\r\n", 2),
        ran(10.0, "echo hi", "hi\r\n", 0),
    ];
    let newer = [ran(3.0, "ls", "a\r\nb\r\n", 0)];
    for (name, started, casts) in [
        ("2023-11-14_2213_box_work_@3_sh.cast", 0, &older[..]),
        ("2023-11-15_2213_box_main_@4_sh.cast", 86_400, &newer[..]),
    ] {
        let events: Vec<(f64, &str)> = casts
            .iter()
            .flatten()
            .map(|(time, text)| (*time, text.as_str()))
            .collect();
        let mut cast = made(&events);
        cast.header.timestamp = cast.header.timestamp.map(|start| start + started);
        write(&user, name, &cast);
    }
    user
}

fn exported(user: &Tvmux, args: &[&str]) -> String {
    user.ok(["archive", "export"].iter().chain(args))
}

fn records(user: &Tvmux, args: &[&str]) -> Vec<Value> {
    let text = exported(user, args);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn texts<'a>(records: &'a [Value], field: &str) -> Vec<&'a str> {
    let text = |record: &'a Value| record[field].as_str().unwrap_or("-");
    records.iter().map(text).collect()
}

#[test]
fn a_record_has_a_command_and_what_it_printed() {
    let user = filled();
    // What was not read so far is read first.
    let all = records(&user, &[]);
    assert_eq!(texts(&all, "command"), ["make", "echo hi", "ls"]);
    let outputs = ["one, \"two\"\n漢 three", "hi", "a\nb"];
    assert_eq!(texts(&all, "output"), outputs);
    let first = &all[0];
    for (field, expected) in [
        ("host", "box"),
        ("session", "work"),
        ("window", "@3"),
        ("folder", "/src"),
        ("start", "2023-11-14T22:13:21.000000Z"),
        ("end", "2023-11-14T22:13:22.000000Z"),
    ] {
        assert_eq!(first[field], expected, "{field}");
    }
    assert_eq!((&first["status"], &first["number"]), (&2.into(), &1.into()));
    assert_eq!(
        (&first["time"], &first["until"], &first["truncated"]),
        (&1.0.into(), &2.0.into(), &false.into())
    );
    let cast = first["cast"].as_str().unwrap();
    assert!(cast.ends_with("/casts/2023-11-14_2213_box_work_@3_sh.cast"));

    // The same filters as `commands` and `ls` have.
    for (args, expected) in [
        (&["--failed"][..], &["make"][..]),
        (&["ECHO"], &["echo hi"]),
        (&["--cwd", "/src", "--session", "main"], &["ls"]),
        (&["--cwd", "/sr"], &[]),
        (
            &["--slow=0.5", "--until", "2023-11-14"],
            &["make", "echo hi"],
        ),
        (&["--slow"], &[]),
        (&["--in", "@latest"], &["ls"]),
        (&["--window", "@3", "hi"], &["echo hi"]),
    ] {
        let found = records(&user, args);
        assert_eq!(texts(&found, "command"), expected, "{args:?}");
    }
    let cut = records(&user, &["--max-output", "6"]);
    assert_eq!(texts(&cut, "output"), ["one, \"", "hi", "a\nb"]);
    let truncated = |record: &Value| record["truncated"] == true;
    let is_cut: Vec<bool> = cut.iter().map(truncated).collect();
    assert_eq!(is_cut, [true, false, false]);
}

#[test]
fn with_lines_each_line_that_was_shown_is_a_record() {
    let user = filled();
    let all = records(&user, &["--lines"]);
    let lines = [
        "$ make",
        "one, \"two\"",
        "漢 three",
        "$ echo hi",
        "hi",
        "$ ls",
        "a",
        "b",
    ];
    let shown: Vec<&str> = texts(&all, "line")
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(shown, lines);
    let hi = all.iter().find(|record| record["line"] == "hi").unwrap();
    assert_eq!(
        (&hi["command"], &hi["status"], &hi["folder"]),
        (&"echo hi".into(), &0.into(), &"/src".into())
    );
    assert_eq!((&hi["time"], &hi["until"]), (&10.5.into(), &11.0.into()));
    assert_eq!(hi["start"], "2023-11-14T22:13:30.500000Z");
    // Of those commands alone.
    let of_failed = records(&user, &["--lines", "--failed"]);
    assert_eq!(texts(&of_failed, "line")[..1], ["one, \"two\""]);
    assert!(of_failed.iter().all(|record| record["command"] == "make"));
    let text = exported(&user, &["--lines", "--format", "text", "--in", "@latest"]);
    assert_eq!(text, "$ ls\na\nb\n");
}

#[test]
fn a_long_line_is_one_record_and_cut_where_it_is_too_long() {
    let user = Tvmux::new();
    let long = "0123456789".repeat(30_000);
    write(&user, "a.cast", &made(&[(1.0, &long), (2.0, "\r\nend")]));
    let all = records(&user, &["--lines"]);
    assert_eq!(texts(&all, "line"), [&*long, "end"]);
    let cut = records(&user, &["--lines", "--max-output", "70000"]);
    assert_eq!(texts(&cut, "line"), [&long[..70_000], "end"]);
    assert_eq!(cut[0]["truncated"], true);
}

#[test]
fn the_format_is_that_of_the_name_and_files_are_whole() {
    let user = filled();
    let path = |name: &str| user.folder().join(name);
    let out = |name: &str| path(name).to_str().unwrap().to_owned();
    let said = exported(&user, &["-o", &out("all.csv")]);
    assert!(said.ends_with("all.csv: 3 commands of 2 casts\n"), "{said}");
    let csv = fs::read_to_string(path("all.csv")).unwrap();
    assert!(csv.starts_with("host,session,window,folder,command,output,status,"));
    assert!(csv.contains("\"one, \"\"two\"\"\n漢 three\",2,"), "{csv}");
    // A table without rows has its columns.
    let none = exported(&user, &["--format", "csv", "nothing"]);
    assert_eq!(none, format!("{}\n", csv.lines().next().unwrap()));

    exported(&user, &["-q", "-o", &out("all.jsonl.zst")]);
    let packed = fs::read(path("all.jsonl.zst")).unwrap();
    let text = zstd::decode_all(&packed[..]).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), exported(&user, &[]));
    let piped = user.run(["archive", "export", "--zstd", "--format", "csv"]);
    assert_eq!(zstd::decode_all(&piped.stdout[..]).unwrap(), csv.as_bytes());

    let text = exported(&user, &["--format", "text", "--failed"]);
    assert!(text.starts_with("# 2023-11-14T22:13:21.000000Z /src, status 2, 1.0 s ("));
    assert!(
        text.ends_with("$ make\none, \"two\"\n漢 three\n\n"),
        "{text}"
    );
    let again = user.run(["archive", "export", "-o", &out("all.csv")]);
    assert_eq!(again.status.code(), Some(2));
    let unknown = user.run(["archive", "export", "-o", &out("all.parquet")]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(!path("all.parquet").exists());
}

#[test]
fn what_a_cast_says_does_nothing_to_a_terminal() {
    let user = Tvmux::new();
    let events = [
        (
            1.0,
            "\x1b]133;A\x07$ \x1b]133;B\x07x\r\n\x1b]133;C;cmdline_url=%1b%5b2J%9b\x07\u{9b}31m",
        ),
        (2.0, "\r\n\x1b]133;D;0\x07"),
    ];
    write(&user, "a.cast", &made(&events));
    for format in ["text", "jsonl"] {
        let text = exported(&user, &["--format", format]);
        assert!(!text.contains('\x1b'), "{format}: {text:?}");
    }
    assert!(!exported(&user, &["--format", "text"]).contains('\u{9b}'));
}

#[test]
fn an_export_that_is_interrupted_leaves_nothing() {
    let user = Tvmux::new();
    let lines: String = (0..3000).map(|n| format!("line {n}\r\n")).collect();
    for name in 0..4 {
        write(&user, &format!("{name}.cast"), &made(&[(1.0, &lines)]));
    }
    user.ok(["archive", "update"]);
    let pipe = user.folder().join("pipe.jsonl");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut child = user
        .command(["archive", "export", "--lines", "-o"])
        .arg(&pipe)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Nobody reads on, so that it waits.
    let reader = fs::File::open(&pipe).unwrap();
    crate::support::wait_asleep(child.id());
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let mut status = None;
    wait_until("it has ended", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(130));
    drop(reader);
}

/// DuckDB and pandas read it without being told what is in it.
#[test]
fn programs_read_it_without_a_schema() {
    let has_pandas = Command::new("python3")
        .args(["-c", "import pandas, duckdb"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_pandas {
        return skipped("pandas and duckdb", "reading exported data with them");
    }
    let user = filled();
    for name in ["all.jsonl", "all.csv", "all.jsonl.zst", "lines.csv"] {
        let lines: &[&str] = if name == "lines.csv" {
            &["--lines"]
        } else {
            &[]
        };
        let out = user.folder().join(name);
        let out = out.to_str().unwrap();
        exported(&user, &[&["-q", "-o", out], lines].concat());
    }
    let output = Command::new("python3")
        .args(["-c", include_str!("read_export.py")])
        .current_dir(user.folder())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
