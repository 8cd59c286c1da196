//! Any moment is what it is when all before it is gone through.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::mpsc;

use fastrand::Rng;
use tvmux::cast::{Code, Format, Micros, Source, Strictness, TimeOptions, Writer, convert};
use tvmux::screen::{Rules, Screen, Which};
use tvmux::timeline::{Frame, Moment, Timeline, TimelineOptions};

use super::casts::{mixed, state, states};

fn open(path: &std::path::Path) -> Timeline {
    Timeline::open(path, TimelineOptions::default()).unwrap()
}

fn some_times(seed: u64, count: usize, end: Micros) -> Vec<Micros> {
    let mut rng = Rng::with_seed(seed);
    let mut times: Vec<Micros> = (0..count).map(|_| rng.u64(..=end)).collect();
    times.extend([0, end]);
    times.sort_unstable();
    times
}

#[test]
fn any_moment_is_exact_also_where_sizes_change() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..3 {
        let made = mixed(seed, 1_500_000);
        let path = made.write(folder.path(), "a.cast");
        let times = some_times(seed, 60, made.end() + 1_000_000);
        let expected = states(&made.bytes(), Rules::OTHER, &times);
        let timeline = open(&path);
        assert_eq!(timeline.duration().unwrap(), made.end());
        for (time, expected) in times.iter().zip(&expected).rev() {
            let mut screen = timeline.at(*time).unwrap();
            assert!(state(&mut screen) == *expected, "seed {seed}, {time} µs");
        }
        assert!(!timeline.resizes().is_empty() && !timeline.markers().is_empty());
    }
}

#[test]
fn every_version_and_a_pipe_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let made = mixed(5, 600_000);
    let v2 = made.bytes();
    let of = |format| {
        let mut source = Source::open(&v2[..], None, Strictness::Strict).unwrap();
        let mut writer = Writer::new(Vec::new(), format);
        convert(&mut source, &mut writer, &TimeOptions::default(), &[]).unwrap();
        writer.finish().unwrap()
    };
    let packed = zstd::encode_all(&v2[..], 1).unwrap();
    let times = some_times(5, 20, made.end());
    for (name, bytes, plain) in [
        ("v3.cast", of(Format::V3), None),
        ("v1.json", of(Format::V1), None),
        ("v2.cast.zst", packed, Some(v2.clone())),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let expected = states(plain.as_ref().unwrap_or(&bytes), Rules::OTHER, &times);
        let timeline = open(&path);
        let piped = Timeline::copy(io::Cursor::new(bytes), TimelineOptions::default()).unwrap();
        for timeline in [&timeline, &piped] {
            for (time, expected) in times.iter().zip(&expected) {
                let mut screen = timeline.at(*time).unwrap();
                assert!(state(&mut screen) == *expected, "{name}, {time} µs");
            }
        }
    }
}

#[test]
fn frames_are_the_moments_and_name_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let made = mixed(9, 400_000);
    let timeline = open(&made.write(folder.path(), "a.cast"));
    let from = made.end() / 3;
    let mut frames = timeline.frames(from, made.end(), 100_000).unwrap();
    let mut rng = Rng::with_seed(9);
    let mut last = rows(frames.screen());
    let mut previous = from;
    let mut times = Vec::new();
    while let Some(frame) = frames.next().unwrap() {
        assert!(frame.time > previous, "{} after {previous}", frame.time);
        previous = frame.time;
        times.push(frame.time);
        let now = rows(frames.screen());
        for row in 0..now.len() {
            let same = !frame.is_resized && now.get(row) == last.get(row);
            assert!(
                same || frame.changed.contains(&row),
                "row {row} at {}",
                frame.time
            );
        }
        last = now;
        if rng.u32(..40) == 0 {
            let mut at = timeline.at(frame.time).unwrap();
            let shown = frames.screen().save_with_history(0);
            let mut shown = Screen::restore(&shown).unwrap();
            assert!(state(&mut at) == state(&mut shown), "{}", frame.time);
        }
    }
    assert!(times.len() > 100, "{}", times.len());
    // Moments of 0 µs: all different times of events that show something.
    let mut all: Vec<Micros> = made
        .events
        .iter()
        .filter(|(_, code, _)| *code != Code::Input)
        .map(|(time, ..)| *time)
        .collect();
    all.dedup();
    let mut frames = timeline.all_frames(0).unwrap();
    let mut seen = Vec::new();
    while let Some(frame) = frames.next().unwrap() {
        seen.push(frame.time);
    }
    assert_eq!(seen, all);
}

fn rows(screen: &Screen) -> Vec<String> {
    let rows = 0..usize::from(screen.size().1);
    rows.map(|row| format!("{:?}", screen.runs(Which::Shown, row)))
        .collect()
}

#[test]
fn backwards_is_forwards_reversed() {
    let folder = tempfile::tempdir().unwrap();
    let made = mixed(11, 600_000);
    let timeline = open(&made.write(folder.path(), "a.cast"));
    let (from, until) = (made.end() / 20 * 9, made.end() / 20 * 11);
    let mut forwards = Vec::new();
    let mut frames = timeline.frames(from, until, 0).unwrap();
    while let Some(frame) = frames.next().unwrap() {
        forwards.push(frame.time);
    }
    let mut back = timeline.frames_back(until + 1, from + 1, 0).unwrap();
    let mut last = rows(back.screen());
    let mut backwards = Vec::new();
    let mut rng = Rng::with_seed(11);
    while let Some(Frame {
        time,
        changed,
        is_resized,
        ..
    }) = back.next().unwrap()
    {
        backwards.push(time);
        let now = rows(back.screen());
        if !is_resized {
            let differ: Vec<usize> = (0..now.len())
                .filter(|row| now[*row] != last[*row])
                .collect();
            assert_eq!(changed, differ, "at {time}");
        }
        last = now;
        if rng.u32(..50) == 0 {
            assert_eq!(rows(&timeline.at(time).unwrap()), last, "at {time}");
        }
    }
    backwards.reverse();
    assert!(
        forwards == backwards,
        "{} and {}",
        forwards.len(),
        backwards.len()
    );
}

#[test]
fn markers_commands_pauses_and_activity_are_known() {
    let cast = concat!(
        "{\"version\": 2, \"width\": 40, \"height\": 5}\n",
        "[1, \"o\", \"\\u001b]133;A\\u001b\\\\$ \\u001b]133;B\\u001b\\\\\"]\n",
        "[2, \"o\", \"false\"]\n",
        "[3, \"o\", \"\\r\\n\\u001b]133;C\\u001b\\\\\"]\n",
        "[10, \"m\", \"half way\"]\n",
        "[13, \"o\", \"\\u001b]133;D;1\\u001b\\\\\"]\n",
        "[13.5, \"r\", \"50x10\"]\n",
    );
    let timeline = Timeline::copy(cast.as_bytes(), TimelineOptions::default()).unwrap();
    assert_eq!(timeline.duration().unwrap(), 13_500_000);
    let markers = timeline.markers();
    assert_eq!(
        (markers[0].time, markers[0].label.as_str()),
        (10_000_000, "half way")
    );
    let commands = timeline.commands();
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0].text.as_deref(), Some("false"));
    assert_eq!(
        (commands[0].start, commands[0].end),
        (3_000_000, Some(13_000_000))
    );
    assert!(commands[0].has_failed());
    let resize = timeline.resizes()[0];
    assert_eq!(
        (resize.time, resize.columns, resize.rows),
        (13_500_000, 50, 10)
    );
    assert!(timeline.pauses().contains(&(3_000_000, 10_000_000)));
    assert_eq!(timeline.folding(2_000_000).folded(13_500_000), 7_500_000);
    let activity = timeline.activity().strip(13_500_000, 14);
    assert!(
        activity[1] > 0 && activity[5] == 0 && activity[13] > 0,
        "{activity:?}"
    );
}

#[test]
fn moments_are_looked_up() {
    let cast = concat!(
        "{\"version\": 2, \"width\": 40, \"height\": 5}\n",
        "[1, \"o\", \"a\"]\n[20, \"m\", \"Deploy\"]\n[30, \"m\", \"deploy done\"]\n",
        "[100, \"o\", \"b\"]\n",
    );
    let timeline = Timeline::copy(cast.as_bytes(), TimelineOptions::default()).unwrap();
    let find = |text: &str| {
        let moment: Moment = text.parse().unwrap();
        moment.find(&timeline).map_err(|error| error.to_string())
    };
    for (text, seconds) in [
        ("90", 90),
        ("50%", 50),
        ("-10s", 90),
        ("-1000", 0),
        // Without a start there is no time of day.
        ("1:30", 90),
        ("Deploy", 20),
        ("DEPLOY", 20),
        ("deploy d", 30),
    ] {
        assert_eq!(find(text), Ok(seconds * 1_000_000), "{text}");
    }
    assert!(find("dep").unwrap_err().contains("several"));
    let unknown = find("nothing").unwrap_err();
    assert!(unknown.contains("\"Deploy\""), "{unknown}");
    assert!(find("2026-11-26 14:05").unwrap_err().contains("recorded"));
}

/// Gives what a test sends, one piece for each read.
struct Pieces(mpsc::Receiver<Vec<u8>>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Ok(piece) = self.0.recv() else {
            return Ok(0);
        };
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

#[test]
fn a_pipe_is_shown_while_it_comes() {
    let (sender, receiver) = mpsc::channel();
    let send = |text: &str| sender.send(text.as_bytes().to_vec()).unwrap();
    send("{\"version\": 3, \"term\": ");
    send("{\"cols\": 20, \"rows\": 3}}\n[1, \"o\", \"on");
    let timeline = Timeline::copy(Pieces(receiver), TimelineOptions::default()).unwrap();
    assert_eq!(timeline.header().width, 20);
    let mut frames = timeline.all_frames(0).unwrap();
    assert_eq!(frames.next().unwrap(), None);
    send("e\"]\n");
    let frame = super::support::wait_for("the first event", || frames.next().unwrap());
    assert_eq!((frame.time, frame.changed), (1_000_000, vec![0]));
    assert_eq!(frames.screen().text(Which::Shown, 0), "one");
    send("[1, \"o\", \" two\"]\n");
    drop(sender);
    // Waits for the end.
    assert_eq!(timeline.duration().unwrap(), 2_000_000);
    let watched = timeline.cover(None, |_| ControlFlow::Continue(())).unwrap();
    assert!(watched.is_whole);
    assert_eq!(
        timeline.at(2_000_000).unwrap().text(Which::Shown, 0),
        "one two"
    );
}
