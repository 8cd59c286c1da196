//! This tvmux beside another build of it: each in turn does the same things,
//! round after round. A ratio is of one round.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use super::contestant::Contestant;
use super::corpus::{Kind, write_cast};
use super::flood;
use super::latency::User;
use super::many::Many;
use super::options::Options;
use super::process;
use super::report::{Sample, Table, number};
use super::support::tvmux::Tvmux;
use super::support::{DEADLINE, TestTmux, shielded, wait_until};

/// How large the casts are that are validated and repaired, in bytes.
const CAST: u64 = 200_000_000;

/// What one round of a part has shown: each figure's name, and the figure.
type Figures = Vec<(&'static str, f64)>;

/// Does one round with a program.
type Part = fn(&Path, &Options) -> Figures;

const PARTS: [(&str, Part); 8] = [
    ("flood", one_flood),
    ("switch", switches),
    ("typing", typing),
    ("idle", idle),
    ("validate", validate),
    ("repair", repair),
    ("load", load),
    ("api", api),
];

/// All parts that are wanted, a row for each figure.
pub fn run(options: &Options, other: &Path) -> Table {
    let rounds = options.rounds.unwrap_or(options.scale(2, 5, 9)) as usize;
    let built = Path::new(env!("CARGO_BIN_EXE_tvmux"));
    let programs = [options.program.as_deref().unwrap_or(built), other];
    let mut table = Table::new(
        format!(
            "{} beside {}, {rounds} rounds",
            programs[0].display(),
            other.display()
        ),
        &["figure", "this", "other", "this / other", "least", "most"],
    );
    for (name, part) in PARTS {
        if !options.wants(name) {
            continue;
        }
        let mut rows: Vec<(&str, [Sample; 3])> = Vec::new();
        for round in 0..rounds {
            eprintln!("{name}: round {}", round + 1);
            // Who comes first meets another machine than who comes second.
            let mut figures = [Figures::new(), Figures::new()];
            for place in [round % 2, 1 - round % 2] {
                figures[place] = part(programs[place], options);
            }
            let [ours, theirs] = figures;
            rows.resize_with(ours.len(), Default::default);
            for ((row, ours), theirs) in rows.iter_mut().zip(ours).zip(theirs) {
                row.0 = ours.0;
                row.1[0].push(ours.1);
                row.1[1].push(theirs.1);
                row.1[2].push(ours.1 / theirs.1);
            }
        }
        for (name, [ours, theirs, ratios]) in rows {
            table.row([
                json!(name),
                number(ours.median(), 3),
                number(theirs.median(), 3),
                number(ratios.median(), 2),
                number(ratios.least(), 2),
                number(ratios.largest(), 2),
            ]);
        }
    }
    table
}

fn quiet(program: &Path) -> Tvmux {
    Tvmux::of(program).with("TVMUX_LOGGING_LEVEL", "WARNING")
}

fn one_flood(program: &Path, _: &Options) -> Figures {
    let program = program.to_owned();
    let round = flood::flood(Kind::Logs, 64 << 20, &Contestant::Tvmux { program });
    vec![
        ("flood of 64 MB: wall, s", round.wall),
        ("flood: tmux, CPU s", round.tmux),
        ("flood: pipe and daemon, CPU s", round.pipe + round.recorder),
        ("flood: peak memory, MB", round.peak as f64 / 1e6),
    ]
}

/// From the key that switches panes until the daemon says that it has followed.
fn switches(program: &Path, options: &Options) -> Figures {
    let tmux = TestTmux::start("exec cat");
    tmux.tmux(&["split-window", "-t", "main:", "exec cat"]);
    let mut tvmux = quiet(program);
    tvmux.start_server();
    let recording = tvmux.record(&tmux, &[]);
    let path = format!("/recordings/{}", recording["id"].as_str().unwrap());
    let path = path.replace(':', "%3A").replace('@', "%40");
    let mut http = Http::connect(&tvmux);
    let mut user = User::attach(&tmux);
    let mut sample = Sample::default();
    for round in 0..options.scale(10, 30, 60) {
        let pane = format!("%{}", round % 2);
        // A switch that follows at once waits for the one before.
        std::thread::sleep(Duration::from_millis(150));
        let start = Instant::now();
        user.next_pane();
        loop {
            let recording: serde_json::Value = serde_json::from_str(&http.get(&path)).unwrap();
            if recording["active_pane"] == pane.as_str() {
                break;
            }
            assert!(start.elapsed() < DEADLINE, "not followed to {pane}");
        }
        sample.push(1e3 * start.elapsed().as_secs_f64());
    }
    vec![("a switch, ms", sample.median())]
}

fn typing(program: &Path, options: &Options) -> Figures {
    let many = Many::of(quiet(program), 1, "stty -opost; exec cat >/dev/null");
    let mut terminal = many.terminals().remove(0);
    let keys = options.scale(500, 3000, 10_000);
    let pipes = many.pipes();
    let before = process::usage_of(&pipes);
    let (used, _) = many.during(|| {
        for key in Kind::Logs.bytes(keys).iter().take(keys) {
            terminal.write_all(&[*key]).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let piped = process::usage_of(&pipes).since(before);
    let each = |value: f64| value / keys as f64;
    let private = pipes
        .iter()
        .map(|pipe| process::private(*pipe))
        .sum::<u64>();
    vec![
        ("typing: CPU µs a key", each(1e6 * used.cpu)),
        ("typing: wake-ups a key", each(used.sleeps as f64)),
        ("typing: pipe process, CPU µs a key", each(1e6 * piped.cpu)),
        (
            "typing: pipe process, wake-ups a key",
            each(piped.sleeps as f64),
        ),
        (
            "typing: pipe process, kB of its own",
            private as f64 / 1024.0,
        ),
    ]
}

fn idle(program: &Path, options: &Options) -> Figures {
    let count = options.scale(20, 500, 500);
    let many = Many::of(quiet(program), count, "exec cat");
    // Until the start is over: synced, its threads gone.
    std::thread::sleep(Duration::from_secs(13));
    let pipes = many.pipes();
    let before = process::usage_of(&pipes);
    let (used, time) = many.during(|| std::thread::sleep(Duration::from_secs(10)));
    let piped = process::usage_of(&pipes).since(before);
    vec![
        (
            "idle: pipe processes, wake-ups a second",
            piped.sleeps as f64 / time,
        ),
        (
            "idle recordings (500): wake-ups a second",
            used.sleeps as f64 / time,
        ),
        ("idle: CPU ‰ of a core", 1000.0 * used.cpu / time),
        (
            "idle: resident MB",
            process::resident(many.daemon()) as f64 / 1e6,
        ),
    ]
}

/// A cast of its own.
fn cast() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.cast");
    let file = File::create(&path).unwrap();
    let kinds = [Kind::Logs, Kind::Colours, Kind::Redraws];
    write_cast(&file, &kinds, 4096, CAST).unwrap();
    // Nothing may be written back while others are measured.
    file.sync_all().unwrap();
    (folder, path)
}

fn timed(mut command: Command) -> f64 {
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let time = start.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}");
    time
}

fn on_file(program: &Path, args: &[&str], path: &Path) -> f64 {
    let mut command = shielded(program);
    command.args(args).arg(path);
    timed(command)
}

fn validate(program: &Path, _: &Options) -> Figures {
    let (_folder, path) = cast();
    let once = || on_file(program, &["validate", "-q"], &path);
    vec![(
        "validate of 200 MB, s",
        (0..3).map(|_| once()).fold(f64::INFINITY, f64::min),
    )]
}

fn repair(program: &Path, _: &Options) -> Figures {
    let (_folder, path) = cast();
    let args = ["repair", "-q", "--no-backup"];
    let length = fs::metadata(&path).unwrap().len();
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"[999999.0, \"o\", \"torn").unwrap();
    file.sync_all().unwrap();
    let tail = on_file(program, &args, &path);
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    let mut file = File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(length / 2)).unwrap();
    file.write_all(&[0xff; 10]).unwrap();
    file.sync_all().unwrap();
    let middle = on_file(program, &args, &path);
    vec![
        ("repair of a torn tail, 200 MB, s", tail),
        ("repair in the middle, 200 MB, s", middle),
    ]
}

fn load(program: &Path, _: &Options) -> Figures {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.yaml");
    let mut text = "session_name: bench\nwindows:\n".to_owned();
    for window in 0..10 {
        text += &format!("- window_name: w{window}\n  layout: tiled\n  panes:\n");
        text += &"  - ': ready'\n".repeat(4);
    }
    fs::write(&file, text).unwrap();
    let tmux = TestTmux::start("");
    let mut command = shielded(program);
    command
        .args(["load", "-d", "-S"])
        .arg(tmux.socket())
        .arg(&file)
        .env("HOME", folder.path())
        .stderr(Stdio::null());
    vec![("load of 40 panes, s", timed(command))]
}

fn api(program: &Path, options: &Options) -> Figures {
    let tmux = TestTmux::start("exec cat");
    for _ in 0..20 {
        tmux.tmux(&["new-window", "-d", "-t", "main:", "exec cat"]);
    }
    let around = format!("{},{},0", tmux.socket().display(), tmux.pid());
    let mut tvmux = quiet(program).with("TMUX", around);
    tvmux.start_server();
    let mut http = Http::connect(&tvmux);
    let mut each = |path: &str, times: usize| {
        let mut sample = Sample::default();
        for _ in 0..times {
            let start = Instant::now();
            let answer = http.get(path);
            sample.push(1e3 * start.elapsed().as_secs_f64());
            assert!(answer.starts_with(['[', '{']), "{answer}");
        }
        sample.median()
    };
    let times = options.scale(50, 300, 1000);
    let figures = vec![
        ("API: GET /panes of 21, ms", each("/panes", times)),
        ("API: GET /recordings, ms", each("/recordings", times)),
    ];
    tvmux.end_server(Signal::SIGTERM);
    figures
}

/// A client of whatever version's server.
struct Http(BufReader<UnixStream>);

impl Http {
    fn connect(tvmux: &Tvmux) -> Http {
        wait_until("there is a socket", || tvmux.socket().exists());
        Http(BufReader::new(UnixStream::connect(tvmux.socket()).unwrap()))
    }

    fn get(&mut self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(("content-length", value)) = line.to_lowercase().trim().split_once(": ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }
}
