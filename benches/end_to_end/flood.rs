//! A pane that prints as fast as it can, and who records it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::contestant::Contestant;
use super::corpus::Kind;
use super::counted::Count;
use super::options::Options;
use super::process::{self, Usage, usage_of};
use super::report::{Sample, Table, number};
use super::support::tvmux::{Tvmux, parse_cast};
use super::support::{TestTmux, wait_for, wait_until};

/// What one round has shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    pub wall: f64,
    pub tmux: f64,
    /// Most memory of tmux, in bytes: what a slow pipe makes it keep.
    tmux_peak: u64,
    pub pipe: f64,
    pub recorder: f64,
    pub peak: u64,
    file: u64,
    events: u64,
    writes: u64,
}

/// Floods with each corpus, in alternating rounds; a table for each.
pub fn run(options: &Options) -> Vec<Table> {
    let kinds = options.scale(
        &[Kind::Logs][..],
        &[Kind::Logs, Kind::Colours, Kind::Wide],
        &Kind::ALL[..5],
    );
    let rounds = options.rounds.unwrap_or(options.scale(2, 7, 15)) as usize;
    let contestants = Contestant::all(options);
    let mut tables = Vec::new();
    for &kind in kinds {
        tables.push(compare(kind, 64 << 20, rounds, &contestants));
    }
    tables
}

/// Two gigabytes of logs.
pub fn big() -> Table {
    let few = [Contestant::Cat, Contestant::CatToFile, Contestant::this()];
    compare(Kind::Logs, 2 << 30, 1, &few)
}

fn compare(kind: Kind, size: usize, rounds: usize, contestants: &[Contestant]) -> Table {
    let mut all: Vec<Vec<Round>> = vec![Vec::new(); contestants.len()];
    for round in 0..rounds {
        for (place, contestant) in contestants.iter().enumerate() {
            eprintln!(
                "flood: {} round {}: {}",
                kind.name(),
                round + 1,
                contestant.name()
            );
            all[place].push(flood(kind, size, contestant));
        }
    }
    let median = |rounds: &[Round], of: &dyn Fn(&Round) -> f64| {
        let mut sample = Sample::default();
        rounds.iter().for_each(|round| sample.push(of(round)));
        sample
    };
    let cat = contestants
        .iter()
        .position(|contestant| matches!(contestant, Contestant::Cat));
    let cat = cat.map(|place| median(&all[place], &|round| round.wall).median());
    let mut table = Table::new(
        format!(
            "{} MB of {}, medians of {rounds} rounds",
            size >> 20,
            kind.name()
        ),
        &[
            "recorder",
            "wall s",
            "spread %",
            "wall / cat",
            "tmux CPU s",
            "tmux MB",
            "pipe CPU s",
            "recorder CPU s",
            "both % of tmux",
            "peak MB",
            "file MB",
            "events",
            "writes",
        ],
    );
    for (contestant, rounds) in contestants.iter().zip(&all) {
        let of = |of: &dyn Fn(&Round) -> f64| median(rounds, of).median();
        let walls = median(rounds, &|round| round.wall);
        let share = of(&|round| 100.0 * (round.pipe + round.recorder) / round.tmux);
        let or_null = |value: f64, places| match value > 0.0 {
            true => number(value, places),
            false => Value::Null,
        };
        table.row([
            json!(contestant.name()),
            number(walls.median(), 3),
            number(100.0 * walls.spread(), 0),
            cat.map_or(Value::Null, |cat| number(walls.median() / cat, 2)),
            number(of(&|round| round.tmux), 3),
            number(of(&|round| round.tmux_peak as f64 / 1e6), 0),
            or_null(of(&|round| round.pipe), 3),
            or_null(of(&|round| round.recorder), 3),
            or_null(share, 1),
            or_null(of(&|round| round.peak as f64 / 1e6), 1),
            or_null(of(&|round| round.file as f64 / 1e6), 1),
            or_null(of(&|round| round.events as f64), 0),
            or_null(of(&|round| round.writes as f64), 0),
        ]);
    }
    table
}

/// A pane that waits for a key and then prints `size` bytes of a corpus.
fn prepare(folder: &Path, kind: Kind, size: usize) -> PathBuf {
    let corpus = folder.join("corpus");
    let piece = kind.bytes(size.min(64 << 20));
    std::fs::write(&corpus, &piece).unwrap();
    let times = size.div_ceil(piece.len());
    let script = folder.join("flood.sh");
    let cats = vec![format!("cat {}", corpus.display()); times].join("; ");
    let socket = folder.join("tmux.sock");
    let socket = socket.display();
    std::fs::write(
        &script,
        format!("read go\n{cats}\ntmux -S {socket} wait-for -S flooded\nread end\n"),
    )
    .unwrap();
    script
}

/// A window that runs `command`; gives its pane.
fn window(tmux: &TestTmux, command: &str) -> String {
    let new = ["new-window", "-P", "-F", "#{pane_id}", "-t", "main:"];
    tmux.tmux(&[&new[..], &[command]].concat())
}

/// One round: a pane prints `size` bytes of a corpus.
pub fn flood(kind: Kind, size: usize, contestant: &Contestant) -> Round {
    let tmux = TestTmux::start("");
    let script = prepare(tmux.folder(), kind, size);
    let cast = tmux.folder().join("other.cast");
    let script = script.display();
    let command = match contestant {
        Contestant::Asciinema { program, .. } => format!(
            "exec {} rec -q -c 'sh {script}' {}",
            program.display(),
            cast.display()
        ),
        _ => format!("exec sh {script}"),
    };
    let pane = window(&tmux, &command);
    match contestant {
        Contestant::Nothing => go(&tmux, &pane, || (Vec::new(), Vec::new())).0,
        Contestant::Cat => {
            tmux.tmux(&["pipe-pane", "-t", &pane, "exec cat >/dev/null"]);
            go(&tmux, &pane, || (pipes(&tmux), Vec::new())).0
        }
        Contestant::CatToFile => {
            let file = tmux.folder().join("file");
            let command = format!("exec cat >{}", file.display());
            tmux.tmux(&["pipe-pane", "-t", &pane, &command]);
            let mut round = go(&tmux, &pane, || (pipes(&tmux), Vec::new())).0;
            round.file = std::fs::metadata(&file).unwrap().len();
            round
        }
        Contestant::Tvmux { program } => tvmux(program, &tmux, &pane, kind, size),
        Contestant::Asciinema { .. } => {
            let (mut round, recorders) = go(&tmux, &pane, || {
                let process: u32 = tmux.ask(&pane, "#{pane_pid}").parse().unwrap();
                wait_until("asciinema runs the program", || {
                    process::family(process).len() > 1
                });
                let mut family = process::family(process);
                // The program that is recorded is no part of the recorder.
                family.retain(|pid| is_named(*pid, "asciinema"));
                (Vec::new(), family)
            });
            round.peak = recorders.iter().map(|pid| process::peak(*pid)).sum();
            let text = std::fs::read(&cast).unwrap_or_default();
            round.file = text.len() as u64;
            round.events = memchr::memchr_iter(b'\n', &text).count() as u64;
            // Without its terminal it would go on and wait for its program.
            tmux.tmux(&["send-keys", "-t", &pane, "Enter"]);
            wait_until("asciinema has ended", || {
                let panes = tmux.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]);
                panes.lines().all(|one| one != pane)
            });
            round
        }
        Contestant::PythonTvmux { program } => python_tvmux(&tmux, &pane, program),
    }
}

fn is_named(pid: u32, name: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
}

/// The pipe processes, once they run what they shall run.
fn pipes(tmux: &TestTmux) -> Vec<u32> {
    wait_for("the pipe runs", || {
        let pipes = process::pipes_of(tmux.pid());
        // A shell either becomes its command or waits for it.
        let runs = |pid: &u32| !is_named(*pid, "sh") || process::family(*pid).len() > 1;
        let is_ready = !pipes.is_empty() && pipes.iter().all(runs);
        is_ready.then(|| pipes.iter().flat_map(|pid| process::family(*pid)).collect())
    })
}

/// Lets the pane print, and measures; `who` gives pipes and recorders.
fn go(
    tmux: &TestTmux,
    pane: &str,
    who: impl FnOnce() -> (Vec<u32>, Vec<u32>),
) -> (Round, Vec<u32>) {
    let (pipes, recorders) = who();
    let before = (
        Usage::of(tmux.pid()),
        usage_of(&pipes),
        usage_of(&recorders),
    );
    let start = Instant::now();
    tmux.tmux(&["send-keys", "-t", pane, "Enter"]);
    // A signal that comes before is remembered.
    tmux.tmux(&["wait-for", "flooded"]);
    let wall = start.elapsed().as_secs_f64();
    settle(|| usage_of(&pipes).cpu + usage_of(&recorders).cpu);
    let recorder = usage_of(&recorders).since(before.2);
    let round = Round {
        wall,
        tmux: Usage::of(tmux.pid()).since(before.0).cpu,
        tmux_peak: process::peak(tmux.pid()),
        pipe: usage_of(&pipes).since(before.1).cpu,
        recorder: recorder.cpu,
        writes: recorder.writes,
        ..Round::default()
    };
    (round, recorders)
}

/// Waits until a figure has not grown noticeably for a while.
fn settle(mut figure: impl FnMut() -> f64) {
    let mut last = figure();
    let mut since = Instant::now();
    wait_until("the recorder has done its work", || {
        let now = figure();
        if now > last + 0.002 {
            (last, since) = (now, Instant::now());
        }
        since.elapsed().as_millis() > 400
    });
}

fn tvmux(program: &Path, tmux: &TestTmux, pane: &str, kind: Kind, size: usize) -> Round {
    let mut tvmux = Tvmux::of(program).with("TVMUX_LOGGING_LEVEL", "INFO");
    let daemon = tvmux.start_server();
    let recording = tvmux.record(tmux, &[]);
    let (mut round, _) = go(tmux, pane, || (pipes(tmux), vec![daemon]));
    round.peak = process::peak(daemon);
    let cast = tvmux.cast(&recording);
    let stop = tvmux.run(["rec", "stop"]);
    assert!(stop.status.success(), "something is missing: {stop:?}");
    round.file = std::fs::metadata(&cast).unwrap().len();
    if size <= 64 << 20 {
        let (_, events) = parse_cast(&std::fs::read(&cast).unwrap()).unwrap();
        round.events = events.len() as u64;
        let output: usize = events.iter().map(|event| event.data.len()).sum();
        // Noise is longer as text: U+FFFD for each fault.
        assert!(
            output >= size,
            "{} of {size} bytes of {}",
            output,
            kind.name()
        );
    }
    round
}

/// The Python program, which finds its tmux in the environment.
fn python_tvmux(tmux: &TestTmux, pane: &str, program: &Path) -> Round {
    let folder = tempfile::tempdir().unwrap();
    let home = format!("HOME={}", folder.path().display());
    let bin = program.parent().unwrap_or(Path::new("/"));
    let path = std::env::var("PATH").unwrap_or_default();
    // Its folder for the runtime has the user's name.
    let user = format!("tvmux-bench-{}", std::process::id());
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let command = |args: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(args)
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env(
                "TMUX",
                format!("{},{},0", tmux.socket().display(), tmux.pid()),
            )
            .env("TMUX_PANE", pane)
            .env("TVMUX_OUTPUT_DIRECTORY", folder.path())
            .env("TVMUX_SERVER_PORT", port.to_string())
            .env("USER", &user)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let started = command(&["rec", "start"]).status();
    if !started.is_ok_and(|status| status.success()) {
        eprintln!("{} did not start a recording", program.display());
    }
    let (mut round, recorders) = go(tmux, pane, || {
        (pipes(tmux), process::with_environment(&home))
    });
    round.peak = recorders.iter().map(|pid| process::peak(*pid)).sum();
    let _ = command(&["rec", "stop"]).status();
    let _ = command(&["server", "stop"]).status();
    for pid in process::with_environment(&home) {
        let _ = nix::sys::signal::kill(process::pid(pid), nix::sys::signal::Signal::SIGTERM);
    }
    let _ = std::fs::remove_dir_all(format!("/tmp/tvmux-{user}"));
    round
}

/// Writes and syncs of a flood, counted in a round of their own.
pub fn counted() -> Option<Table> {
    let tmux = TestTmux::start("");
    let script = prepare(tmux.folder(), Kind::Logs, 64 << 20);
    let command = format!("exec sh {}", script.display());
    let pane = window(&tmux, &command);
    let mut tvmux = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "INFO");
    let daemon = tvmux.start_server();
    tvmux.record(&tmux, &[]);
    let count = Count::start(daemon).ok().flatten()?;
    let (round, _) = go(&tmux, &pane, || (pipes(&tmux), vec![daemon]));
    let (writes, syncs) = count.finish().ok()?;
    let mut table = Table::new(
        "System calls of the daemon in a flood of 64 MB, counted by strace",
        &["recorder", "wall s", "writes", "syncs", "syncs a second"],
    );
    table.row([
        json!("tvmux"),
        number(round.wall, 2),
        json!(writes),
        json!(syncs),
        number(syncs as f64 / round.wall, 2),
    ]);
    Some(table)
}
