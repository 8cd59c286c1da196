//! `tvmux screenshot` as a user runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use super::casts::mixed;
use super::support::tvmux::Tvmux;

/// A small cast with all that a picture has to show.
const CAST: &str = r#"{"version": 2, "width": 32, "height": 6, "timestamp": 1764165600, "title": "a <day>", "env": {"TERM": "tmux-256color"}}
[0.5, "o", "\u001b]2;<script>alert(1)</script> & \"q\"\u0007$ \u001b[1;32mmake\u001b[m \u001b[4:3mall\u001b[m\r\n"]
[1, "m", "<started>"]
[2, "o", "\u001b[38;2;255;128;0mwarm\u001b[m \u001b[7mback\u001b[m \u001b[2;3mdim\u001b[m <b>&amp;\r\n"]
[3, "o", "漢字 ▁▄█▛ e\u0301 \u001b]8;;https://example.org/?a=1&b=\u0022x\u001b\\page\u001b]8;;\u001b\\ \u001b]8;;javascript:alert(1)\u001b\\none\u001b]8;;\u001b\\\r\n"]
[10, "m", "deploy"]
[20, "o", "\u001b[44mdone"]
[3600, "o", "\u001b[m\u001b[6 q\u001b[2;1H"]
"#;

fn run(user: &Tvmux, args: &[&str]) -> Output {
    user.command(["screenshot"])
        .args(args)
        .env("TZ", "UTC")
        .output()
        .unwrap()
}

fn ok(user: &Tvmux, args: &[&str]) -> String {
    let output = run(user, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(user: &Tvmux, args: &[&str]) -> String {
    let output = run(user, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn user() -> (Tvmux, String) {
    let user = Tvmux::new();
    let path = user.folder().join("a.cast");
    fs::write(&path, CAST).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (user, path)
}

#[test]
fn each_format_shows_the_screen() {
    let (user, cast) = user();
    insta::assert_snapshot!("text", ok(&user, &[&cast]));
    insta::assert_snapshot!(
        "ansi",
        ok(&user, &[&cast, "--format", "ansi"]).replace('\x1b', "␛")
    );
    for format in ["html", "svg", "json"] {
        let shown = ok(&user, &[&cast, "--at", "20", "--format", format]);
        insta::assert_snapshot!(format, shown);
    }
}

#[test]
fn pictures_hold_nothing_that_acts() {
    let (user, cast) = user();
    for format in ["html", "svg"] {
        let shown = ok(&user, &[&cast, "--format", format]);
        assert!(
            !shown.contains("<script") && !shown.contains("javascript:"),
            "{shown}"
        );
        assert!(
            shown.contains("https://example.org/?a=1&amp;b=&quot;x"),
            "{shown}"
        );
        assert!(
            !shown.contains("<b>") && shown.contains("&lt;b&gt;"),
            "{shown}"
        );
        for address in ["src=", "url(", "@import", "<link", "xlink"] {
            assert!(!shown.contains(address), "{format}: {address}");
        }
    }
}

#[test]
fn json_tells_all() {
    let (user, cast) = user();
    let shown = ok(&user, &[&cast, "--at", "deploy", "--format", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["columns"], &shown["rows"]), (&32.into(), &6.into()));
    assert_eq!(shown["time"], 10.0);
    assert_eq!(shown["cursor"]["row"], 3);
    let lines = shown["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 6);
    let run = &lines[1]["runs"][0];
    assert_eq!(
        (&run["text"], &run["fg"]),
        (&"warm".into(), &"#ff8000".into())
    );
    assert_eq!(
        lines[0]["runs"][1]["attributes"],
        serde_json::json!(["bold"])
    );
}

#[test]
fn time_is_said_in_many_ways() {
    let (user, cast) = user();
    let last_line = |at: &str| {
        let text = ok(&user, &[&cast, "--at", at]);
        text.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(last_line("0.6"), "$ make all");
    // 2025-11-26 14:00:00 UTC is the start.
    for at in [
        "2",
        "2s",
        "0:00:02",
        "-3598s",
        "2025-11-26 14:00:02",
        "0.06%",
    ] {
        assert_eq!(last_line(at), "warm back dim <b>&amp;", "{at}");
    }
    for at in ["1m", "50%", "-1", "14:05", "2025-11-26T14:05", "1:00"] {
        assert_eq!(last_line(at), "done", "{at}");
    }
    for (at, why) in [
        ("2h", "ends at 1:00:00"),
        (
            "2025-11-27 14:05",
            "goes from 2025-11-26 14:00:00 to 2025-11-26 15:00:00",
        ),
        ("nowhere", "\"deploy\""),
        ("101%", "0% to 100%"),
        ("", "a time is wanted"),
    ] {
        let said = refused(&user, &[&cast, "--at", at]);
        assert!(said.contains(why), "{at}: {said}");
    }
}

#[test]
fn a_picture_is_written_whole_or_not_at_all() {
    let (user, cast) = user();
    let out = user.folder().join("a.svg");
    let name = out.to_str().unwrap();
    assert_eq!(ok(&user, &[&cast, "-o", name]), "");
    assert!(fs::read_to_string(&out).unwrap().ends_with("</svg>\n"));
    assert!(refused(&user, &[&cast, "-o", name]).contains("--overwrite"));
    ok(&user, &[&cast, "-o", name, "--overwrite"]);
    for missing in ["/dev/null/x", "none.cast", "main:@3"] {
        assert!(refused(&user, &[missing]).contains("error:"));
    }
    assert!(refused(&user, &[user.folder().to_str().unwrap()]).contains("directory"));
    assert!(refused(&user, &["/bin/sh"]).contains("ELF"));
}

#[test]
fn standard_input_is_taken() {
    let (user, _) = user();
    let mut command = user.command(["screenshot", "-", "--at", "50%"]);
    let cast = fs::File::open(user.folder().join("a.cast")).unwrap();
    let from_file = command.stdin(cast).output().unwrap();
    assert!(from_file.status.success(), "{from_file:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), CAST.as_bytes()).unwrap();
    let from_pipe = child.wait_with_output().unwrap();
    assert_eq!(from_pipe.stdout, from_file.stdout);
    assert!(
        String::from_utf8(from_pipe.stdout)
            .unwrap()
            .contains("done")
    );
}

#[test]
fn long_casts_leave_something_in_the_cache_folder() {
    let user = Tvmux::new();
    let made = mixed(31, 1_200_000);
    let path = made.write(user.folder(), "long.cast");
    let path = path.to_str().unwrap();
    let first = ok(&user, &[path, "--at", "50%"]);
    let folder = user.folder().join(".cache/tvmux");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(fs::read_dir(folder.join("timeline")).unwrap().count(), 1);
    assert_eq!(ok(&user, &[path, "--at", "50%"]), first);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(ok(&user, &[path, "--at", "50%"]), first);
}
