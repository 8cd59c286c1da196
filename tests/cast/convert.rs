//! Converting: what is read again afterwards is what was there.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tvmux::cast::{Format, Marker, Source, Strictness, TimeOptions, Writer, convert, read_markers};

use super::readers::{Event, read};
use super::samples;

fn converted(cast: &[u8], format: Format, time: &TimeOptions, markers: &[Marker]) -> Vec<u8> {
    let mut source = Source::open(cast, None, Strictness::Strict).unwrap();
    let mut writer = Writer::new(Vec::new(), format);
    convert(&mut source, &mut writer, time, markers).unwrap();
    writer.finish().unwrap()
}

fn plainly(cast: &[u8], format: Format) -> Vec<u8> {
    converted(cast, format, &TimeOptions::default(), &[])
}

fn output_of(events: &[Event]) -> String {
    let output = events.iter().filter(|event| event.1 == "o");
    output.map(|event| event.2.as_str()).collect()
}

/// Times to the microsecond, which is what is written.
fn in_micros(events: &[Event]) -> Vec<(i64, String, String)> {
    let micros = |seconds: f64| (seconds * 1e6).round() as i64;
    let events = events.iter().cloned();
    events
        .map(|(time, code, data)| (micros(time), code, data))
        .collect()
}

#[test]
fn every_format_becomes_every_other() {
    let mut casts: Vec<_> = samples::all().into_iter().map(|(_, cast)| cast).collect();
    casts.extend(samples::short());
    casts.push(samples::long_v2(3_000));
    for cast in casts {
        let events = read(&cast).unwrap();
        for format in [Format::V2, Format::V3] {
            let new = plainly(&cast, format);
            assert_eq!(in_micros(&read(&new).unwrap()), in_micros(&events));
            assert_eq!(plainly(&new, format), new);
        }
        let raw = plainly(&cast, Format::Raw);
        let plain = plainly(&cast, Format::Output);
        assert_eq!(String::from_utf8(plain).unwrap(), output_of(&events));
        let source = Source::open(&cast[..], None, Strictness::Strict).unwrap();
        let (columns, rows) = (source.header().width, source.header().height);
        let size = format!("\x1b[8;{rows};{columns}t");
        let expected = size + &output_of(&events);
        assert_eq!(String::from_utf8(raw).unwrap(), expected);
        let v1 = plainly(&cast, Format::V1);
        let output: Vec<Event> = events.into_iter().filter(|event| event.1 == "o").collect();
        assert_eq!(in_micros(&read(&v1).unwrap()), in_micros(&output));
    }
}

#[test]
fn headers_say_the_same() {
    let v3 = plainly(&samples::v2(), Format::V3);
    let header = |cast: &[u8]| -> serde_json::Value {
        let line = cast.split(|byte| *byte == b'\n').next().unwrap();
        serde_json::from_slice(line).unwrap()
    };
    let new = header(&v3);
    assert_eq!(new["term"]["cols"], 80);
    assert_eq!(new["term"]["type"], "xterm-256color");
    assert_eq!(new["title"], "a \"demo\"");
    assert_eq!(new["timestamp"], 1_700_000_000);
    assert_eq!(new["env"]["SHELL"], "/bin/zsh");
    assert_eq!(
        header(&plainly(&v3, Format::V2)),
        header(&plainly(&samples::v2(), Format::V2))
    );
    let v2 = header(&plainly(&samples::v3(), Format::V2));
    assert_eq!((&v2["width"], &v2["height"]), (&100.into(), &40.into()));
    assert_eq!(v2["theme"]["fg"], "#ffffff");
    assert_eq!(v2["env"]["TERM"], "xterm");
    assert_eq!(v2["idle_time_limit"], 2.5);
}

#[test]
fn a_huge_event_passes_in_pieces() {
    let data = "größe \\u001b[m \\ud83d\\ude00 \\\\ \\n".repeat(50_000);
    let cast = format!(
        "{{\"version\": 2, \"width\": 80, \"height\": 24}}\n[1, \"o\", \"{data}\"]\n[2, \"o\", \"z\"]\n"
    );
    let events = read(cast.as_bytes()).unwrap();
    for format in [Format::V1, Format::V2, Format::V3] {
        let new = read(&plainly(cast.as_bytes(), format)).unwrap();
        assert!(new == events);
    }
}

#[test]
fn times_change_as_wanted_and_markers_stand_between() {
    let cast = "{\"version\": 2, \"width\": 80, \"height\": 24}\n[0.5, \"o\", \"a\"]\n\
                [10.5, \"o\", \"b\"]\n[11, \"o\", \"c\"]\n[20, \"o\", \"d\"]\n";
    let time = TimeOptions {
        speed: 2.0,
        idle: Some(2_000_000),
        until: Some(15_000_000),
    };
    let markers = read_markers("10.6 - it works\n\n0 start\n12\n90 too late\n").unwrap();
    let new = read(&converted(cast.as_bytes(), Format::V2, &time, &markers)).unwrap();
    let event = |time: f64, code: &str, data: &str| (time, code.to_owned(), data.to_owned());
    assert_eq!(
        new,
        [
            event(0.0, "m", "start"),
            event(0.25, "o", "a"),
            event(1.25, "o", "b"),
            event(1.3, "m", "it works"),
            event(1.5, "o", "c"),
            event(2.0, "m", ""),
        ]
    );
    assert_eq!(read_markers("1 a\nb c\n"), Err(2));
}

fn frame(seconds: u32, micros: u32, data: &[u8]) -> Vec<u8> {
    let head = [seconds, micros, data.len() as u32].map(u32::to_le_bytes);
    [&head.concat(), data].concat()
}

#[test]
fn a_ttyrec_becomes_a_cast() {
    let ttyrec = [
        frame(1_600_000_000, 250_000, b"\x1b[8;30;100tone\r\n"),
        frame(1_600_000_001, 0, b"gr\xc3"),
        frame(1_600_000_001, 500_000, b"\xb6\xc3\x9fe\xff"),
        // A clock that was set back.
        frame(1_600_000_000, 0, b"end\xe2\x82"),
    ]
    .concat();
    let cast = plainly(&ttyrec, Format::V2);
    let text = String::from_utf8(cast.clone()).unwrap();
    assert!(text.contains("\"width\":100,\"height\":30,\"timestamp\":1600000000"));
    let events = read(&cast).unwrap();
    let times: Vec<f64> = events.iter().map(|event| event.0).collect();
    assert_eq!(times, [0.0, 0.75, 1.25, 1.25, 1.25]);
    assert_eq!(
        output_of(&events),
        "\x1b[8;30;100tone\r\ngröße\u{fffd}end\u{fffd}"
    );
    // A torn last frame is read as far as it goes.
    let torn = plainly(&ttyrec[..ttyrec.len() - 3], Format::Raw);
    assert!(torn.ends_with(b"en"));
}

fn from_typescript(typescript: &[u8], timing: &str) -> Vec<u8> {
    let timing: Box<dyn Read> = Box::new(timing.as_bytes());
    let mut source = Source::open(typescript, Some(timing), Strictness::Strict).unwrap();
    let mut writer = Writer::new(Vec::new(), Format::V2);
    convert(&mut source, &mut writer, &TimeOptions::default(), &[]).unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_typescript_becomes_a_cast() {
    let typescript = b"Script started on 2026-11-26 21:06:46+00:00 [TERM=\"xterm\" TTY=\"/dev/pts/0\" COLUMNS=\"100\" LINES=\"30\"]\n\
                       hi\r\nh\xc3\xb6\r\n\nScript done on 2026-11-26 21:06:46+00:00 [COMMAND_EXIT_CODE=\"0\"]\n";
    let cast = from_typescript(typescript, "0.5 4\n1.25 2\n0.25 3\n");
    let text = String::from_utf8(cast.clone()).unwrap();
    assert!(text.starts_with(
        "{\"version\":2,\"width\":100,\"height\":30,\"timestamp\":1795727206,\"env\":{\"TERM\":\"xterm\"}}\n"
    ), "{text}");
    let event = |time: f64, code: &str, data: &str| (time, code.to_owned(), data.to_owned());
    assert_eq!(
        read(&cast).unwrap(),
        [
            event(0.5, "o", "hi\r\n"),
            event(1.75, "o", "h"),
            event(2.0, "o", "ö\r\n")
        ]
    );
    // The newer timing, with input in the same file, a new size and the status.
    let timing = "H 0.000000 COLUMNS 90\nH 0.000000 LINES 20\nH 0.000000 COMMAND vi\n\
                  H 0.000000 OUTPUT_LOG io\nH 0.000000 INPUT_LOG io\nO 0.5 1\nI 0.25 1\n\
                  S 0.25 SIGWINCH ROWS=40 COLS=120\nO 1 2\nH 0.000000 EXIT_CODE 3\n";
    let cast = from_typescript(b"Script started on x\nahbc\n", timing);
    assert_eq!(
        read(&cast).unwrap(),
        [
            event(0.5, "o", "a"),
            event(0.75, "i", "h"),
            event(1.0, "r", "120x40"),
            event(2.0, "o", "bc"),
            event(2.0, "x", "3"),
        ]
    );
    assert!(
        String::from_utf8(cast)
            .unwrap()
            .contains("\"width\":90,\"height\":20,\"command\":\"vi\"")
    );
    // Without its own file what was typed is left out, but not its time.
    let timing = timing.replace("H 0.000000 INPUT_LOG io\n", "");
    let cast = from_typescript(b"Script started on x\nabc\n", &timing);
    assert_eq!(output_of(&read(&cast).unwrap()), "abc");
    assert_eq!(read(&cast).unwrap()[2].0, 2.0);
}

fn tvmux(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tvmux"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn what_script_has_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let script = Command::new("script")
        .args([
            "-q",
            "-c",
            "printf 'hi\\n'; printf 'gr\\303\\266\\303\\237e\\n'",
        ])
        .args(["--log-out", "out", "--log-timing", "timing"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(script.success());
    let without = tvmux(&["convert", "out", "demo.cast"], folder.path());
    assert_eq!(without.status.code(), Some(2));
    assert!(
        String::from_utf8(without.stderr)
            .unwrap()
            .contains("--timing")
    );
    let done = tvmux(
        &["convert", "out", "demo.cast", "--timing", "timing"],
        folder.path(),
    );
    assert!(done.status.success(), "{done:?}");
    let cast = fs::read(folder.path().join("demo.cast")).unwrap();
    assert_eq!(output_of(&read(&cast).unwrap()), "hi\r\ngröße\r\n");
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let names = || {
        let mut names: Vec<String> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    fs::write(path.join("a.cast"), samples::v2()).unwrap();
    fs::write(path.join("torn.cast"), &samples::v2()[..400]).unwrap();
    let broken = tvmux(&["convert", "torn.cast", "new.cast"], path);
    assert_eq!(broken.status.code(), Some(1));
    assert!(
        String::from_utf8(broken.stderr)
            .unwrap()
            .contains("tvmux repair torn.cast")
    );
    assert_eq!(names(), ["a.cast", "torn.cast"]);
    let done = tvmux(
        &["convert", "a.cast", "v3.cast", "--to", "v3", "--json"],
        path,
    );
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&report["events"], &report["format"]),
        (&11.into(), &"v3".into())
    );
    let before = fs::read(path.join("v3.cast")).unwrap();
    let again = tvmux(&["convert", "a.cast", "v3.cast"], path);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        String::from_utf8(again.stderr)
            .unwrap()
            .contains("--overwrite")
    );
    assert_eq!(fs::read(path.join("v3.cast")).unwrap(), before);
    assert!(
        tvmux(&["convert", "a.cast", "v3.cast", "--overwrite"], path)
            .status
            .success()
    );
    assert_ne!(fs::read(path.join("v3.cast")).unwrap(), before);
    let unknown = tvmux(&["convert", "a.cast", "a.pdf"], path);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("--to"));
    for bad in ["--speed=0", "--speed=nan", "--idle=-1", "--until=x"] {
        let output = tvmux(&["convert", "a.cast", "x.cast", bad], path);
        assert_eq!(output.status.code(), Some(2), "{bad}");
    }
    assert_eq!(names(), ["a.cast", "torn.cast", "v3.cast"]);
}

#[test]
fn text_has_each_line_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let cast = "{\"version\": 2, \"width\": 20, \"height\": 5}\n\
                [1, \"o\", \"one\\r\\na line that is longer than a row\\r\\n\"]\n\
                [61, \"o\", \"[#  ] 33%\\r[###] 99%\\r\\n\"]\n\
                [3661.5, \"o\", \"\\u001b[?1049h\\u001b[Hmenu\"]\n\
                [3670, \"o\", \"\\u001b[?1049l\"]\n\
                [3671, \"r\", \"30x6\"]\n\
                [3672, \"o\", \"end\\tx  \\r\\n\\r\\n\"]\n";
    fs::write(path.join("a.cast"), cast).unwrap();
    let text = |arguments: &[&str]| {
        let output = tvmux(&[&["convert", "a.cast", "-"], arguments].concat(), path);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(
        text(&["--to", "text"]),
        "menu\none\na line that is longer than a row\n[###] 99%\nend     x\n"
    );
    assert_eq!(
        text(&["--to", "txt", "--timestamps"]),
        "[1:01:01] menu\n[0:00:01] one\n[0:00:01] a line that is longer than a row\n\
         [0:01:01] [###] 99%\n[1:01:12] end     x\n"
    );
    let wrong = tvmux(&["convert", "a.cast", "b.raw", "--timestamps"], path);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn cat_gives_output_and_joins_casts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("a.cast"), samples::v2()).unwrap();
    fs::write(path.join("b.cast"), samples::v3()).unwrap();
    let [a, b] = [samples::v2(), samples::v3()].map(|cast| read(&cast).unwrap());
    let raw = tvmux(&["cat", "a.cast", "b.cast"], path);
    let expected = output_of(&a) + &output_of(&b);
    assert_eq!(String::from_utf8(raw.stdout).unwrap(), expected);
    assert!(
        tvmux(&["cat", "a.cast", "b.cast", "-o", "ab.cast"], path)
            .status
            .success()
    );
    let joined = read(&fs::read(path.join("ab.cast")).unwrap()).unwrap();
    let last = a[a.len() - 1].0;
    // The size changes where the second one starts.
    assert_eq!(joined[a.len()], (last, "r".to_owned(), "100x40".to_owned()));
    let mut expected = a.clone();
    expected.push(joined[a.len()].clone());
    expected.extend(
        b.into_iter()
            .map(|(time, code, data)| (last + time, code, data)),
    );
    assert_eq!(in_micros(&joined), in_micros(&expected));
    // Whoever reads may stop.
    fs::write(path.join("long.cast"), samples::long_v2(50_000)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tvmux"))
        .args(["cat", "long.cast"])
        .current_dir(path)
        .stdout(Stdio::piped())
        .stderr(File::create(path.join("errors")).unwrap())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(path.join("errors")).unwrap(), "");
}
