//! A pane that floods, with and without ten who watch it: what that costs the daemon
//! that records and the process that serves them.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::json;

use super::process::{self, Usage};
use super::report::{Sample, Table, number};
use super::server::{Visitor, Web};
use super::support::playback::open_raw;
use super::support::tvmux::{Tvmux, output_of, read_cast};
use super::support::{TestTmux, wait_until};
use super::{PAINTED, browser};

/// Pairs of floods: without viewers, with ten.
const ROUNDS: usize = 6;
const VIEWERS: usize = 10;

/// Lines that a flood prints.
const LINES: usize = 400_000;

/// How often the page draws, and how long it is busy at once, in milliseconds.
const MEASURE: &str = "
    window.draws = 0;
    window.longest = 0;
    let before = performance.now();
    const tick = (now) => {
      longest = Math.max(longest, now - before);
      before = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    new MutationObserver(() => { draws += 1; }).observe(document.querySelector('.screen'), { childList: true, subtree: true, characterData: true });";

/// A flood: seconds that it took, and what was used meanwhile.
struct Flood {
    wall: f64,
    daemon: f64,
    web: f64,
}

struct Scene {
    tmux: TestTmux,
    tty: File,
    daemon: u32,
    web: u32,
    /// The number of the last line that was printed.
    last: usize,
    cast: std::path::PathBuf,
}

impl Scene {
    /// Prints numbered lines, until all of them are in the cast.
    fn flood(&mut self, lines: usize) -> Flood {
        let usage = || (Usage::of(self.daemon), Usage::of(self.web));
        let (daemon, web) = usage();
        let start = Instant::now();
        let mut tty = BufWriter::with_capacity(16 << 10, &self.tty);
        for number in self.last + 1..=self.last + lines {
            write!(
                tty,
                "line {number:09} of a flood that somebody may watch\r\n"
            )
            .unwrap();
        }
        tty.flush().unwrap();
        drop(tty);
        self.last += lines;
        let end = format!("line {:09} ", self.last);
        wait_until("the flood is recorded", || ends_with(&self.cast, &end));
        let wall = start.elapsed().as_secs_f64();
        let (daemon_now, web_now) = usage();
        Flood {
            wall,
            daemon: daemon_now.since(daemon).cpu,
            web: web_now.since(web).cpu,
        }
    }
}

/// Whether the output in the last 64 KiB of a cast has this in it; two events may share
/// it.
fn ends_with(path: &Path, text: &str) -> bool {
    let mut file = File::open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length.saturating_sub(64 << 10)))
        .unwrap();
    let mut end = Vec::new();
    file.read_to_end(&mut end).unwrap();
    let events = end.split(|byte| *byte == b'\n').skip(1);
    let events = events.filter_map(|line| serde_json::from_slice(line).ok());
    let output: String = events
        .map(|(_, _, data): (f64, char, String)| data)
        .collect();
    output.contains(text)
}

/// Counts the frames of ten viewers while `flood` goes on; gives frames a second of
/// each.
fn watched(visitor: &Visitor<'_>, id: &str, scene: &mut Scene) -> (Flood, Vec<f64>) {
    let is_over = Arc::new(AtomicBool::new(false));
    let viewers: Vec<_> = (0..VIEWERS)
        .map(|_| {
            let events = visitor.follow(&format!("api/casts/{id}/live?rate=30"));
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let frames = events.filter(|line| line == "event: rows" || line == "event: screen");
                frames
                    .take_while(|_| !is_over.load(Ordering::Relaxed))
                    .count()
            })
        })
        .collect();
    let start = Instant::now();
    let flood = scene.flood(LINES);
    let wall = start.elapsed().as_secs_f64();
    is_over.store(true, Ordering::Relaxed);
    // So that each of them wakes up once more.
    scene.flood(1);
    let counts = viewers.into_iter().map(|viewer| viewer.join().unwrap());
    (flood, counts.map(|count| count as f64 / wall).collect())
}

/// A table of what is used.
pub fn run() -> Table {
    let tmux = TestTmux::sized("exec cat >/dev/null", 100, 30);
    let mut user = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "INFO");
    let daemon = user.start_server();
    let recording = user.record(&tmux, &[]);
    let cast = user.cast(&recording);
    let web = Web::start(&user, &[]);
    let visitor = web.enter();
    let id = visitor.id(&cast);
    let mut scene = Scene {
        tty: open_raw(&tmux.ask("main:", "#{pane_tty}")),
        tmux,
        daemon,
        web: web.child.id(),
        last: 0,
        cast,
    };
    scene.flood(LINES);
    let mut samples: [[Sample; 3]; 2] = Default::default();
    let (mut ratio, mut frames) = (Sample::default(), Sample::default());
    for round in 1..=ROUNDS {
        eprintln!("viewers: round {round} of {ROUNDS}");
        let alone = scene.flood(LINES);
        let (seen, counts) = watched(&visitor, &id, &mut scene);
        ratio.push(seen.daemon / alone.daemon);
        counts.into_iter().for_each(|count| frames.push(count));
        for (sample, flood) in samples.iter_mut().zip([alone, seen]) {
            sample[0].push(flood.wall);
            sample[1].push(flood.daemon);
            sample[2].push(flood.web / flood.wall);
        }
    }
    let memory = process::peak(scene.web) as f64 / 1e6;

    eprintln!("viewers: a page");
    let browser = browser(&user);
    browser.run(&format!("location.hash = '#/cast/{id}?live'"));
    browser.wait("return document.querySelector('.player')?.dataset.state === 'live'");
    browser.run(&format!("{PAINTED}{MEASURE}"));
    let page = scene.flood(2 * LINES);
    let drawn = browser.run("return draws").as_f64().unwrap() / page.wall;
    let longest = browser.run("return longest").as_f64().unwrap();

    drop(scene.tmux);
    wait_until("the recording has ended", || user.recordings().is_empty());
    let (_, events) = read_cast(&scene.cast);
    let output = output_of(&events);
    // The first follows the snapshot without a line's end between.
    let lines = output.lines().filter_map(|line| line.split_once("line "));
    let lines: Vec<usize> = lines
        .filter_map(|(_, line)| line[..9].parse().ok())
        .collect();
    let markers: Vec<_> = events.iter().filter(|event| event.code == 'm').collect();
    let differs = lines
        .iter()
        .copied()
        .zip(1..)
        .find(|(line, due)| line != due);
    assert_eq!(
        (differs, lines.len()),
        (None, scene.last),
        "lines are missing, or come twice; markers: {markers:?}"
    );

    let title = format!("{LINES} lines of a pane that floods, medians of {ROUNDS} pairs of rounds");
    let mut table = Table::new(title, &["of", "no viewer", "ten viewers", "bound"]);
    let [alone, seen] = samples;
    let names = ["wall time, s", "daemon's CPU, s", "CPU of tvmux web, cores"];
    for (place, name) in names.into_iter().enumerate() {
        let bound = if place == 2 { "1" } else { "" };
        let (alone, seen) = (alone[place].median(), seen[place].median());
        table.row([json!(name), number(alone, 2), number(seen, 2), json!(bound)]);
    }
    let mut row = |name: &str, value: f64, places: usize, bound: &str| {
        table.row([
            json!(name),
            json!(null),
            number(value, places),
            json!(bound),
        ]);
    };
    row("daemon's CPU, ratio of pairs", ratio.median(), 3, "1");
    row(
        "frames a second of a viewer, most",
        frames.largest(),
        1,
        "30",
    );
    row("frames a second of a viewer, least", frames.least(), 1, "");
    row("most memory of tvmux web, MB", memory, 1, "100");
    row("a page: draws a second", drawn, 1, "30");
    row("a page: longest time without a frame, ms", longest, 0, "");
    row("lines that are missing in the cast", 0.0, 0, "0");
    table
}
