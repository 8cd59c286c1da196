//! `tvmux validate` and `tvmux repair` as a user runs them: files, exit codes,
//! backups, output.

use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use super::samples;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn tvmux(arguments: &[&str], files: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tvmux"))
        .args(arguments)
        .args(files)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn torn() -> Vec<u8> {
    let mut cast = samples::v2();
    cast.extend_from_slice(b"[3.2, \"o\", \"half a li");
    cast
}

fn glued() -> Vec<u8> {
    text(&samples::v2())
        .replacen("\"$ \"]\n", "\"$ \"]", 1)
        .into_bytes()
}

#[test]
fn validate_tells_who_takes_a_cast() {
    let folder = Folder::new();
    let good = folder.file("good.cast", &samples::v2());
    let bom = folder.file(
        "bom.cast",
        &[b"\xef\xbb\xbf".as_slice(), &samples::v2()].concat(),
    );
    assert_eq!(code(&tvmux(&["validate"], &[&good])), 0);
    assert_eq!(code(&tvmux(&["validate"], &[&bom])), 1);
    assert_eq!(code(&tvmux(&["validate", "--for", "player"], &[&bom])), 0);
    assert_eq!(code(&tvmux(&["validate", "--for", "strict"], &[&bom])), 1);
    // The worst of several wins, and all are looked at.
    let missing = folder.0.path().join("missing.cast");
    let several = tvmux(&["validate"], &[&missing, &bom, &good]);
    assert_eq!(code(&several), 2);
    assert!(text(&several.stdout).contains("good.cast: asciinema takes it"));
    assert!(text(&several.stderr).contains("missing.cast"));
    assert_eq!(code(&tvmux(&["validate"], &[folder.0.path()])), 2);
    assert_eq!(code(&tvmux(&["validate"], &[])), 2);
}

#[test]
fn validate_shows_findings_safely() {
    let folder = Folder::new();
    let cast = folder.file(
        "a.cast",
        b"{\"version\": 2, \"width\": 80, \"height\": 24}\n[0.5, \"o\", \"\x1b]0;x\x07\"]\n\n\n",
    );
    let shown = tvmux(&["validate"], &[&cast]);
    let out = text(&shown.stdout);
    assert!(
        out.contains(":2: error: raw control character in a string at byte 54 [control-character]"),
        "{out}"
    );
    assert!(
        out.bytes()
            .all(|b| b == b'\n' || (b' '..=b'~').contains(&b)),
        "{out:?}"
    );
    let quiet = tvmux(&["validate", "-q"], &[&cast]);
    assert!(quiet.stdout.is_empty() && code(&quiet) == 1);
    let few = tvmux(&["validate", "--json", "--max-findings", "1"], &[&cast]);
    let few = json(&few);
    assert_eq!(few["findings"].as_array().unwrap().len(), 1);
    assert_eq!(few["counts"]["blank-line"], 2);
    assert_eq!(few["events"]["o"], 1);
    assert_eq!(few["size"]["cols"], 80);
    assert_eq!(few["accepted"], false);
}

#[test]
fn findings_do_not_depend_on_threads() {
    let folder = Folder::new();
    let mut cast = samples::long_v2(20_000);
    for place in (1000..cast.len()).step_by(54_321) {
        cast[place] ^= 0x80;
    }
    let cast = folder.file("a.cast", &cast);
    let look = |threads| {
        let arguments = [
            "validate",
            "--json",
            "--max-findings",
            "100000",
            "--threads",
            threads,
        ];
        text(&tvmux(&arguments, &[&cast]).stdout)
    };
    assert!(look("1").contains("not-utf-8"));
    assert_eq!(look("1"), look("2"));
    assert_eq!(look("1"), look("7"));
}

#[test]
fn a_number_that_sizes_something_is_bounded() {
    let folder = Folder::new();
    let cast = folder.file("a.cast", &samples::v2());
    for verb in ["validate", "repair"] {
        for threads in ["99999999", "65", "0", "-1", "x"] {
            let output = tvmux(&[verb, &format!("--threads={threads}")], &[&cast]);
            assert_eq!(code(&output), 2, "{threads}");
            assert!(text(&output.stderr).contains("from 1 to 64"));
        }
        assert_eq!(code(&tvmux(&[verb, "--threads", "64"], &[&cast])), 0);
    }
    for limit in ["nan", "1e400", "inf", "0", "-1", "x"] {
        let limit = format!("--idle-time-limit={limit}");
        let output = tvmux(&["rec", "start", &limit], &[]);
        assert_eq!(code(&output), 2, "{limit}");
        assert!(text(&output.stderr).contains("seconds above 0"), "{limit}");
    }
}

#[test]
fn standard_input_is_read() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tvmux"))
        .args(["repair", "-", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&torn()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), text(&samples::v2()));
    assert_eq!(code(&output), 0);
}

#[test]
fn standard_input_becomes_a_file_when_there_is_something_to_save() {
    let folder = Folder::new();
    let out = folder.0.path().join("out.cast");
    let repair = |arguments: &[&str], input: &[u8]| {
        let input = folder.file("input", input);
        let output = Command::new(env!("CARGO_BIN_EXE_tvmux"))
            .args(["repair", "--json", "-"])
            .args(arguments)
            .stdin(File::open(&input).unwrap())
            .output()
            .unwrap();
        fs::remove_file(&input).unwrap();
        output
    };
    let out_name = out.to_str().unwrap();
    let noise = repair(&["-o", out_name], b"no cast\n");
    assert_eq!(code(&noise), 1);
    assert!(text(&noise.stderr).contains("out.cast is not written"));
    assert!(folder.names().is_empty());
    let dry = repair(&["--dry-run"], &torn());
    assert_eq!((code(&dry), &json(&dry)["lost"]["events"]), (0, &1.into()));
    assert_eq!(code(&repair(&["-o", out_name], &torn())), 0);
    assert_eq!(fs::read(&out).unwrap(), samples::v2());
    let nowhere = repair(&[], &torn());
    assert_eq!(code(&nowhere), 2);
    assert!(text(&nowhere.stderr).contains("--output"));
}

#[test]
fn what_is_no_cast_is_named_and_left() {
    let folder = Folder::new();
    let page = b"<html><script>\n{\"version\": 2, \"width\": 80, \"height\": 24}\n</script>\n";
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00";
    for (bytes, name) in [(&page[..], "a web page"), (gzip, "gzip data")] {
        let path = folder.file("a.cast", bytes);
        let output = tvmux(&["validate"], &[&path]);
        assert_eq!(code(&output), 1);
        assert!(text(&output.stdout).contains(&format!("this is {name}, not a cast")));
        let output = tvmux(&["repair"], &[&path]);
        assert_eq!(code(&output), 1);
        assert!(text(&output.stderr).contains(&format!("this is {name}, not a cast")));
        assert_eq!(fs::read(&path).unwrap(), bytes);
        // To standard output nothing is written either.
        let output = tvmux(&["repair", "-o", "-"], &[&path]);
        assert_eq!((code(&output), output.stdout.len()), (1, 0));
    }
    let noise = folder.file("noise.cast", b"no cast\n");
    let output = tvmux(&["repair", "-o", "-"], &[&noise]);
    assert_eq!((code(&output), output.stdout.len()), (1, 0));
    let wide: Vec<u8> = text(&samples::v2())
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wide = folder.file("wide.cast", &wide);
    assert_eq!(code(&tvmux(&["repair", "--no-backup"], &[&wide])), 0);
    assert_eq!(fs::read(&wide).unwrap(), samples::v2());
}

#[test]
fn who_else_takes_a_cast_is_told() {
    let folder = Folder::new();
    for (cast, asciinema_2, agg) in [
        (samples::v1(), 0, 1),
        (samples::v2(), 0, 0),
        (samples::v3(), 1, 1),
    ] {
        let cast = folder.file("a.cast", &cast);
        assert_eq!(
            code(&tvmux(&["validate", "--for", "asciinema2"], &[&cast])),
            asciinema_2
        );
        assert_eq!(code(&tvmux(&["validate", "--for", "agg"], &[&cast])), agg);
    }
}

#[test]
fn json_tells_of_files_that_cannot_be_read() {
    let folder = Folder::new();
    let good = folder.file("good.cast", &samples::v2());
    let missing = folder.0.path().join("missing.cast");
    for verb in ["validate", "repair"] {
        let output = tvmux(&[verb, "--json"], &[&missing, &good]);
        assert_eq!(code(&output), 2);
        let out = text(&output.stdout);
        let lines: Vec<Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{out}");
        assert!(lines[0]["error"].as_str().unwrap().contains("No such file"));
        assert_eq!(lines[1]["version"], 2);
    }
}

#[test]
fn a_valid_cast_is_not_touched() {
    let folder = Folder::new();
    let cast = folder.file("a.cast", &samples::v2());
    let before = fs::metadata(&cast).unwrap();
    assert_eq!(code(&tvmux(&["repair"], &[&cast])), 0);
    let after = fs::metadata(&cast).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec(), before.ctime_nsec()),
        (after.ino(), after.mtime_nsec(), after.ctime_nsec())
    );
    assert_eq!(folder.names(), ["a.cast"]);
}

#[test]
fn the_original_is_kept_and_so_are_mode_and_times() {
    let folder = Folder::new();
    let cast = folder.file("a.cast", &glued());
    folder.file("a.cast.backup", b"somebody's own");
    fs::set_permissions(&cast, Permissions::from_mode(0o640)).unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let times = FileTimes::new()
        .set_modified(long_ago)
        .set_accessed(long_ago);
    File::options()
        .write(true)
        .open(&cast)
        .unwrap()
        .set_times(times)
        .unwrap();
    let output = tvmux(&["repair", "--json"], &[&cast]);
    let report = json(&output);
    assert_eq!(code(&output), 0);
    assert_eq!(report["change"], "rewritten");
    assert_eq!(report["saved"]["events"], 2);
    assert!(
        report["backup"]
            .as_str()
            .unwrap()
            .ends_with("a.cast.backup.1")
    );
    assert_eq!(fs::read(&cast).unwrap(), samples::v2());
    assert_eq!(
        folder.names(),
        ["a.cast", "a.cast.backup", "a.cast.backup.1"]
    );
    let backup = folder.0.path().join("a.cast.backup.1");
    assert_eq!(fs::read(&backup).unwrap(), glued());
    for path in [&cast, &backup] {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o640);
        assert_eq!(metadata.modified().unwrap(), long_ago);
    }
    // Again there is nothing to do.
    let again = json(&tvmux(&["repair", "--json"], &[&cast]));
    assert_eq!(
        (&again["differs"], &again["change"]),
        (&false.into(), &"none".into())
    );
}

#[test]
fn a_torn_tail_is_cut_in_place() {
    let folder = Folder::new();
    let cast = folder.file("a.cast", &torn());
    let inode = fs::metadata(&cast).unwrap().ino();
    let output = tvmux(&["repair", "--no-backup", "--json"], &[&cast]);
    assert_eq!(json(&output)["change"], "in-place");
    assert_eq!(json(&output)["lost"]["events"], 1);
    assert_eq!(fs::metadata(&cast).unwrap().ino(), inode);
    assert_eq!(fs::read(&cast).unwrap(), samples::v2());
    let open_end = folder.file("b.cast", samples::v2().trim_ascii_end());
    let inode = fs::metadata(&open_end).unwrap().ino();
    assert_eq!(code(&tvmux(&["repair", "--no-backup"], &[&open_end])), 0);
    assert_eq!(fs::metadata(&open_end).unwrap().ino(), inode);
    assert_eq!(fs::read(&open_end).unwrap(), samples::v2());
    assert_eq!(folder.names(), ["a.cast", "b.cast"]);
}

#[test]
fn output_and_dry_run_leave_the_file() {
    let folder = Folder::new();
    let cast = folder.file("a.cast", &glued());
    assert_eq!(
        json(&tvmux(&["repair", "--dry-run", "--json"], &[&cast]))["saved"]["events"],
        2
    );
    assert_eq!(folder.names(), ["a.cast"]);
    let out = folder.0.path().join("out.cast");
    let out_name = out.to_str().unwrap();
    assert_eq!(code(&tvmux(&["repair", "-o", out_name], &[&cast])), 0);
    assert_eq!(fs::read(&out).unwrap(), samples::v2());
    assert_eq!(fs::read(&cast).unwrap(), glued());
    // Also written when nothing had to change, in place of what is there.
    let good = folder.file("good.cast", &samples::v3());
    assert_eq!(code(&tvmux(&["repair", "-o", out_name], &[&good])), 0);
    assert_eq!(fs::read(&out).unwrap(), samples::v3());
    assert_eq!(folder.names(), ["a.cast", "good.cast", "out.cast"]);
    assert_eq!(
        code(&tvmux(&["repair", "-o", out_name], &[&cast, &good])),
        2
    );
}

#[test]
fn what_cannot_be_repaired_is_left() {
    let folder = Folder::new();
    let noise = folder.file("noise.cast", b"\x7fELF\x02\x01 nothing of a cast\n\n");
    let torn = folder.file("torn.cast", &torn());
    let missing = folder.0.path().join("missing.cast");
    let output = tvmux(&["repair"], &[&noise, &torn]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("noise.cast: this is a program (ELF), not a cast"));
    assert_eq!(
        fs::read(&noise).unwrap(),
        b"\x7fELF\x02\x01 nothing of a cast\n\n"
    );
    assert_eq!(fs::read(&torn).unwrap(), samples::v2());
    let output = tvmux(&["repair"], &[&missing, &noise, folder.0.path()]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("missing.cast"));
    assert!(text(&output.stderr).contains("is not a file"));
    assert!(text(&output.stderr).contains("hint: what comes through a pipe"));
    let pipe = tvmux(&["repair"], &[Path::new("/dev/null")]);
    assert!(text(&pipe.stderr).contains("/dev/null is not a file"));
    assert_eq!(
        folder.names(),
        ["noise.cast", "torn.cast", "torn.cast.backup"]
    );
}

#[test]
fn a_symbolic_link_stays_one() {
    let folder = Folder::new();
    let cast = folder.file("a.cast", &glued());
    let link = folder.0.path().join("link.cast");
    std::os::unix::fs::symlink(&cast, &link).unwrap();
    assert_eq!(code(&tvmux(&["repair", "--no-backup"], &[&link])), 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&cast).unwrap(), samples::v2());
}

#[test]
fn a_full_disk_leaves_the_original() {
    let folder = Folder::new();
    let mut cast = samples::long_v2(20_000);
    cast[5_000] = 0xff;
    let path = folder.file("a.cast", &cast);
    // A limit on the size of files fails writes as a full disk does.
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 200; trap '' XFSZ; exec \"$0\" repair \"$1\"",
        ])
        .arg(env!("CARGO_BIN_EXE_tvmux"))
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(code(&output), 2, "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("cannot"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(fs::read(&path).unwrap(), cast);
    assert_eq!(folder.names(), ["a.cast"]);
}
