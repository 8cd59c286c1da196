//! Many recordings at once: idle, lightly used, all of them flooding; and a
//! long time of typing in one.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;

use super::corpus::Kind;
use super::counted::Count;
use super::options::Options;
use super::process::{self, Usage};
use super::report::{Table, number};
use super::support::tvmux::{Tvmux, parse_cast};
use super::support::{TestTmux, wait_until};

/// A tmux with windows besides the first, and a daemon that records
/// them.
pub struct Many {
    tmux: TestTmux,
    tvmux: Tvmux,
    daemon: u32,
    windows: Vec<String>,
}

impl Many {
    fn start(count: usize, command: &str) -> Many {
        let tvmux = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "WARNING");
        Many::of(tvmux, count, command)
    }

    /// The same with a tvmux that is given.
    pub fn of(mut tvmux: Tvmux, count: usize, command: &str) -> Many {
        let tmux = TestTmux::start("");
        let daemon = tvmux.start_server();
        let mut windows = Vec::new();
        let socket = tmux.socket();
        for _ in 0..count {
            let window = [
                "new-window",
                "-d",
                "-P",
                "-F",
                "#{window_id}",
                "-t",
                "main:",
            ];
            let window = tmux.tmux(&[&window[..], &[command]].concat());
            tvmux.ok([
                "rec",
                "start",
                "-S",
                socket.to_str().unwrap(),
                "-t",
                &window,
            ]);
            windows.push(window);
        }
        Many {
            tmux,
            tvmux,
            daemon,
            windows,
        }
    }

    /// The panes' terminals, to print on.
    pub fn terminals(&self) -> Vec<File> {
        let all = self
            .tmux
            .tmux(&["list-panes", "-a", "-F", "#{window_id} #{pane_tty}"]);
        let ours = all.lines().filter_map(|line| line.split_once(' '));
        ours.filter(|(window, _)| self.windows.iter().any(|ours| ours == window))
            .map(|(_, tty)| OpenOptions::new().write(true).open(tty).unwrap())
            .collect()
    }

    /// The daemon's process id.
    pub fn daemon(&self) -> u32 {
        self.daemon
    }

    /// The processes between panes and daemon.
    pub fn pipes(&self) -> Vec<u32> {
        process::pipes_of(self.tmux.pid())
    }

    /// What the daemon uses while something is done, and how many seconds that
    /// takes.
    pub fn during(&self, act: impl FnOnce()) -> (Usage, f64) {
        let (before, start) = (Usage::of(self.daemon), Instant::now());
        act();
        let used = Usage::of(self.daemon).since(before);
        (used, start.elapsed().as_secs_f64())
    }
}

/// What the daemon costs while nothing happens.
pub fn idle(options: &Options) -> Table {
    let mut table = Table::new(
        "Idle recordings",
        &[
            "recordings",
            "watched s",
            "wake-ups a second",
            "CPU ‰ of a core",
            "resident MB",
        ],
    );
    let time = Duration::from_secs(options.scale(10, 20, 60));
    for &count in options.scale(&[0, 10][..], &[0, 1, 10, 100], &[0, 1, 10, 100, 500]) {
        eprintln!("idle: {count}");
        let many = Many::start(count, "exec cat");
        // Until the start is over: synced, its threads gone.
        std::thread::sleep(Duration::from_secs(13));
        let (used, time) = many.during(|| std::thread::sleep(time));
        table.row([
            json!(count),
            number(time, 1),
            number(used.sleeps as f64 / time, 2),
            number(1000.0 * used.cpu / time, 2),
            number(process::resident(many.daemon) as f64 / 1e6, 1),
        ]);
    }
    table
}

/// Each pane prints a few characters a second.
pub fn light(options: &Options) -> Table {
    let mut table = Table::new(
        "Light output: each pane prints eight characters once a second",
        &[
            "recordings",
            "CPU % of a core",
            "wake-ups a second",
            "resident MB",
            "peak MB",
        ],
    );
    for &count in options.scale(&[10][..], &[1, 10, 100, 500], &[1, 10, 100, 500]) {
        eprintln!("light: {count}");
        let many = Many::start(count, "exec cat >/dev/null");
        let mut terminals = many.terminals();
        let before = Usage::of(many.daemon);
        let start = Instant::now();
        let rounds = options.scale(5, 10, 30);
        for round in 0..rounds {
            // Spread over the second, as people are.
            for (place, terminal) in terminals.iter_mut().enumerate() {
                terminal.write_all(b"$ typed \r").unwrap();
                let due = round as f64 + (place + 1) as f64 / count as f64;
                let early = due - start.elapsed().as_secs_f64();
                std::thread::sleep(Duration::from_secs_f64(early.max(0.0)));
            }
        }
        let time = start.elapsed().as_secs_f64();
        let used = Usage::of(many.daemon).since(before);
        table.row([
            json!(count),
            number(100.0 * used.cpu / time, 2),
            number(used.sleeps as f64 / time, 0),
            number(process::resident(many.daemon) as f64 / 1e6, 1),
            number(process::peak(many.daemon) as f64 / 1e6, 1),
        ]);
    }
    table
}

/// All panes flood at once.
pub fn flood(options: &Options) -> Table {
    let mut table = Table::new(
        "All recordings flood at once",
        &[
            "recordings",
            "MB in all",
            "wall s",
            "peak MB",
            "lost bytes",
            "valid casts",
        ],
    );
    for &count in options.scale(&[5][..], &[10, 100], &[10, 100, 500]) {
        eprintln!("flood of {count}");
        let total = options.scale(16 << 20, 128 << 20, 512 << 20);
        let size = total / count;
        let tmux_folder = tempfile::tempdir().unwrap();
        let corpus = tmux_folder.path().join("corpus");
        std::fs::write(&corpus, Kind::Colours.bytes(size)).unwrap();
        let command = format!("stty -echo; read go; cat {}; exec cat", corpus.display());
        let many = Many::start(count, &command);
        for window in &many.windows {
            let ready = || many.tmux.ask(window, "#{pane_current_command}") == "sh";
            wait_until("the pane waits", ready);
        }
        let start = Instant::now();
        for window in &many.windows {
            many.tmux.tmux(&["send-keys", "-t", window, "Enter"]);
        }
        let mut recordings = Vec::new();
        wait_until("all has been printed and written", || {
            recordings = many.tvmux.recordings();
            std::thread::sleep(Duration::from_millis(50));
            recordings.iter().all(|recording| {
                let bytes = recording["bytes"].as_u64().unwrap();
                bytes + recording["lost_bytes"].as_u64().unwrap() > size as u64
            })
        });
        let wall = start.elapsed().as_secs_f64();
        let peak = process::peak(many.daemon);
        let lost: u64 = recordings
            .iter()
            .map(|recording| recording["lost_bytes"].as_u64().unwrap())
            .sum();
        let stops = recordings
            .iter()
            .map(|recording| recording["id"].as_str().unwrap());
        many.tvmux.run(["rec", "stop"].into_iter().chain(stops));
        let valid = recordings
            .iter()
            .filter(|recording| {
                let cast = std::fs::read(many.tvmux.cast(recording)).unwrap();
                parse_cast(&cast).is_ok()
            })
            .count();
        table.row([
            json!(count),
            number((size * count) as f64 / 1e6, 0),
            number(wall, 1),
            number(peak as f64 / 1e6, 1),
            json!(lost),
            json!(valid),
        ]);
    }
    table
}

/// An hour of typing, without the pauses between the keys.
pub fn typing(options: &Options) -> Table {
    let mut table = Table::new(
        "Typing: single keystrokes, a millisecond apart",
        &[
            "keys",
            "CPU µs a key",
            "wake-ups a key",
            "writes a key",
            "syncs",
            "file bytes a key",
        ],
    );
    // Five keys a second make 18,000 in an hour.
    let keys = options.scale(2_000, 18_000, 18_000);
    eprintln!("typing: {keys} keys");
    let many = Many::start(1, "stty -opost; exec cat >/dev/null");
    let mut terminal = many.terminals().remove(0);
    let recording = many.tvmux.recordings().remove(0);
    let mut strike = |count: usize| {
        for key in Kind::Logs.bytes(count).iter().take(count) {
            terminal.write_all(&[*key]).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let bytes = |many: &Many| many.tvmux.recordings()[0]["bytes"].as_u64().unwrap();
    let size = bytes(&many);
    let before = Usage::of(many.daemon);
    strike(keys);
    let used = Usage::of(many.daemon).since(before);
    let size = bytes(&many) - size;
    let counted = Count::start(many.daemon).ok().flatten().and_then(|count| {
        strike(2000);
        count.finish().ok()
    });
    many.tvmux
        .ok(["rec", "stop", recording["id"].as_str().unwrap()]);
    let each = |value: f64| number(value / keys as f64, 3);
    table.row([
        json!(keys),
        number(1e6 * used.cpu / keys as f64, 1),
        each(used.sleeps as f64),
        counted.map_or(json!(null), |(writes, _)| number(writes as f64 / 2000.0, 4)),
        counted.map_or(json!(null), |(_, syncs)| json!(syncs)),
        number(size as f64 / keys as f64, 1),
    ]);
    table
}
