//! `validate` and `repair` on large files, beside `wc -l`, `cp` and, where it is
//! installed, asciinema. All figures are ratios of times taken in one run, with
//! the files in the page cache; the best of several rounds counts.
//!
//! ```text
//! cargo bench --bench cast_files
//! ```
//!
//! `CAST_BENCH_MB` sets the size of the files (1000), `CAST_BENCH_DIR` the folder
//! for them, and `ASCIINEMA` the asciinema program.

use std::env;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod corpus;

use corpus::{Kind, write_cast};
use tvmux::cast::{EventReader, Strictness, TextBuffer, ValidateOptions, validate};

/// How often each thing is measured.
const ROUNDS: usize = 5;

struct Files {
    folder: tempfile::TempDir,
    size: u64,
    asciinema: Option<PathBuf>,
}

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let megabytes = env::var("CAST_BENCH_MB")
        .ok()
        .and_then(|mb| mb.parse().ok());
    let parent = env::var_os("CAST_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
    let asciinema =
        env::var_os("ASCIINEMA").map_or_else(|| PathBuf::from("asciinema"), PathBuf::from);
    let there = Command::new(&asciinema)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"asciinema 3"));
    let files = Files {
        folder: tempfile::tempdir_in(parent).expect("a folder for the files"),
        size: megabytes.unwrap_or(1000) * 1_000_000,
        asciinema: there.then_some(asciinema),
    };
    println!(
        "{:<34} {:>9} {:>9} {:>9} {:>12}",
        "validate", "seconds", "GB/s", "wc -l", "asciinema"
    );
    files.validate("plain logs, 4 KB events", &[Kind::Logs], 4096);
    files.validate("colour-heavy output, 4 KB events", &[Kind::Colours], 4096);
    files.validate("editor redraws, 4 KB events", &[Kind::Redraws], 4096);
    files.validate("wide characters, 4 KB events", &[Kind::Wide], 4096);
    files.validate("binary noise, 4 KB events", &[Kind::Noise], 4096);
    files.validate(
        "all of them, 50 B to escape",
        &[Kind::Redraws, Kind::Noise, Kind::Colours],
        50,
    );
    files.validate("plain logs, 50 B events", &[Kind::Logs], 50);
    files.read();
    files.threads();
    files.repair();
}

impl Files {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn cast(&self, kinds: &[Kind], event: usize) -> PathBuf {
        let path = self.path("a.cast");
        let file = File::create(&path).expect("room for a cast");
        write_cast(&file, kinds, event, self.size).expect("room for a cast");
        // Nothing may be written back while others are measured.
        file.sync_all().expect("a disk that works");
        path
    }

    fn validate(&self, name: &str, kinds: &[Kind], event: usize) {
        let path = self.cast(kinds, event);
        let tvmux = best(|| time(tvmux(&["validate", "-q"], &path), 0));
        let wc = best(|| time(command("wc", &["-l"], &path), 0));
        let asciinema = self.asciinema.as_ref().map(|asciinema| {
            let arguments = ["convert", "-f", "raw", "--overwrite"];
            best_of(2, || {
                let mut command = Command::new(asciinema);
                command.args(arguments).arg(&path).arg("/dev/null");
                time(command, 0)
            })
        });
        let ratio = |other: Duration| other.as_secs_f64() / tvmux.as_secs_f64();
        println!(
            "{name:<34} {:>9.3} {:>9.2} {:>8.2}x {:>12}",
            tvmux.as_secs_f64(),
            self.size as f64 / 1e9 / tvmux.as_secs_f64(),
            1.0 / ratio(wc),
            asciinema.map_or("not there".to_owned(), |time| format!(
                "{:.1}x faster",
                ratio(time)
            )),
        );
    }

    /// One thread beside two, which must find the same.
    fn threads(&self) {
        let path = self.cast(&[Kind::Logs, Kind::Colours, Kind::Redraws], 4096);
        let mut file = File::options().write(true).open(&path).expect("the cast");
        for place in 1..100 {
            file.seek(SeekFrom::Start(self.size / 100 * place))
                .expect("the cast is that long");
            file.write_all(&[0xff; 10]).expect("room");
        }
        file.sync_all().expect("a disk that works");
        let arguments = |threads| ["validate", "--json", "--threads", threads];
        let find = |threads| {
            let mut validate = tvmux(&arguments(threads), &path);
            validate.stdout(Stdio::piped());
            validate.output().expect("the program starts").stdout
        };
        assert!(find("1") == find("2"), "findings depend on threads");
        let [one, two] =
            ["1", "2"].map(|threads| best(|| time(tvmux(&arguments(threads), &path), 1)));
        println!(
            "\nvalidate of 99 damages, --threads 1: {:.3} s, --threads 2: {:.3} s, {:.2}x faster, the same findings",
            one.as_secs_f64(),
            two.as_secs_f64(),
            one.as_secs_f64() / two.as_secs_f64()
        );
    }

    /// Reading all events beside validating them, both by one thread.
    fn read(&self) {
        println!(
            "\n{:<34} {:>12} {:>12}",
            "reading, beside validate", "events", "and their text"
        );
        for (name, kinds, event) in [
            ("plain logs, 4 KB events", Kind::Logs, 4096),
            ("colour-heavy output, 4 KB events", Kind::Colours, 4096),
            ("editor redraws, 4 KB events", Kind::Redraws, 4096),
            ("wide characters, 4 KB events", Kind::Wide, 4096),
            ("plain logs, 50 B events", Kind::Logs, 50),
        ] {
            let path = self.cast(&[kinds], event);
            let open = || File::open(&path).expect("the cast");
            let validated = best(|| {
                let start = Instant::now();
                let options = ValidateOptions::default();
                let summary = validate(open(), &options, &mut |_| {}).expect("a disk that works");
                assert!(summary.is_valid());
                start.elapsed()
            });
            let read = best(|| read_all(open(), false));
            let decoded = best(|| read_all(open(), true));
            let ratio = |time: Duration| time.as_secs_f64() / validated.as_secs_f64();
            println!(
                "{name:<34} {:>11.2}x {:>13.2}x",
                ratio(read),
                ratio(decoded)
            );
        }
    }

    fn repair(&self) {
        let path = self.cast(&[Kind::Logs, Kind::Colours, Kind::Redraws], 4096);
        let length = fs::metadata(&path).expect("the cast").len();
        let validate = best(|| time(tvmux(&["validate", "-q"], &path), 0));
        let tail = best(|| {
            let mut file = File::options().append(true).open(&path).expect("the cast");
            file.write_all(b"[999999.0, \"o\", \"torn").expect("room");
            file.sync_all().expect("a disk that works");
            time(tvmux(&["repair", "-q", "--no-backup"], &path), 0)
        });
        assert_eq!(fs::metadata(&path).expect("the cast").len(), length);
        println!(
            "\nrepair --no-backup of a torn tail: {:.3} s, {:.2}x validate",
            tail.as_secs_f64(),
            tail.as_secs_f64() / validate.as_secs_f64()
        );
        let copy = self.path("copy.cast");
        let cp = best_of(3, || {
            let _ = fs::remove_file(&copy);
            settle(&path);
            let mut cp = command("cp", &[], &path);
            cp.arg(&copy);
            time(cp, 0) + time(command("sync", &[], &copy), 0)
        });
        let _ = fs::remove_file(&copy);
        let middle = best_of(3, || {
            let mut file = File::options().write(true).open(&path).expect("the cast");
            file.seek(SeekFrom::Start(length / 2))
                .expect("the cast is that long");
            file.write_all(&[0xff; 10]).expect("room");
            file.sync_all().expect("a disk that works");
            settle(&path);
            time(tvmux(&["repair", "-q", "--no-backup"], &path), 0)
        });
        println!(
            "repair --no-backup in the middle: {:.3} s, {:.2}x cp and sync of the copy ({:.3} s)",
            middle.as_secs_f64(),
            middle.as_secs_f64() / cp.as_secs_f64(),
            cp.as_secs_f64()
        );
    }
}

/// The time that reading all events takes, with or without decoding their text.
fn read_all(file: File, decode: bool) -> Duration {
    let start = Instant::now();
    let mut reader = EventReader::new(file, Strictness::Strict).expect("a cast");
    let mut text = TextBuffer::default();
    let mut length = 0;
    while let Some(event) = reader.next().expect("a valid cast") {
        length += if decode {
            event.data.decode(&mut text).len()
        } else {
            event.data.raw().len()
        };
    }
    assert!(length > 0);
    start.elapsed()
}

fn tvmux(arguments: &[&str], path: &Path) -> Command {
    command(env!("CARGO_BIN_EXE_tvmux"), arguments, path)
}

fn command(program: &str, arguments: &[&str], path: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(path).stdout(Stdio::null());
    command
}

/// The time a command takes; it must end with that code.
fn time(mut command: Command, code: i32) -> Duration {
    let start = Instant::now();
    let status = command.status().expect("the program starts");
    let time = start.elapsed();
    assert_eq!(status.code(), Some(code), "{command:?}");
    time
}

fn best(measure: impl FnMut() -> Duration) -> Duration {
    best_of(ROUNDS, measure)
}

fn best_of(rounds: usize, mut measure: impl FnMut() -> Duration) -> Duration {
    (0..rounds).map(|_| measure()).min().unwrap_or_default()
}

/// Waits until what was written before is on disk.
fn settle(path: &Path) {
    let folder = path.parent().expect("the cast is in a folder");
    let _ = Command::new("sync").arg("-f").arg(folder).status();
}
