//! A saved state and the rest give the same as all at once.

use fastrand::Rng;
use tvmux::cast::{Code, EventReader, Strictness};
use tvmux::screen::{Rules, Screen};

use super::oracle::{Case, Step};
use super::{cases, random};

/// Feeds a case, and at the byte `cut` of its bytes goes through a saved state.
fn run(case: &Case, rules: Rules, cut: Option<usize>) -> Screen {
    let mut screen = Screen::new(case.columns, case.rows, rules);
    let mut seen = 0;
    for step in &case.steps {
        match step {
            Step::Resize(columns, rows) => screen.resize(*columns, *rows),
            Step::Bytes(bytes) => {
                // Cut in both runs: where a read ends may matter.
                let inside = cut.and_then(|cut| cut.checked_sub(seen));
                let (before, after) = bytes.split_at(inside.unwrap_or(0).min(bytes.len()));
                screen.feed(before);
                screen.feed(after);
                seen += bytes.len();
            }
        }
    }
    screen
}

fn run_saved(case: &Case, rules: Rules, cut: usize) -> Screen {
    let mut screen = Screen::new(case.columns, case.rows, rules);
    let mut seen = 0;
    for step in &case.steps {
        match step {
            Step::Resize(columns, rows) => screen.resize(*columns, *rows),
            Step::Bytes(bytes) => {
                let inside = cut.checked_sub(seen);
                let (before, after) = bytes.split_at(inside.unwrap_or(0).min(bytes.len()));
                screen.feed(before);
                if inside.is_some_and(|inside| inside <= bytes.len()) {
                    screen = Screen::restore(&screen.save()).unwrap();
                }
                screen.feed(after);
                seen += bytes.len();
            }
        }
    }
    screen
}

fn bytes(case: &Case) -> usize {
    let of = |step: &Step| match step {
        Step::Bytes(bytes) => bytes.len(),
        Step::Resize(..) => 0,
    };
    case.steps.iter().map(of).sum()
}

fn check(case: &Case, rules: Rules, cut: usize) {
    let straight = run(case, rules, Some(cut)).save();
    let saved = run_saved(case, rules, cut).save();
    assert!(straight == saved, "{case} cut at {cut}");
}

#[test]
fn a_state_saved_at_any_byte_of_a_written_case_is_complete() {
    for case in cases::written() {
        for cut in 0..=bytes(&case) {
            check(&case, Rules::TMUX_3_3, cut);
        }
    }
}

#[test]
fn a_state_saved_at_random_places_of_random_streams_is_complete() {
    let mut random = Rng::with_seed(7);
    for seed in 0..10_000 {
        let case = random::case(seed);
        let rules = Rules::ALL[seed as usize % Rules::ALL.len()];
        check(&case, rules, random.usize(..=bytes(&case)));
    }
}

/// A number that the environment asks for, to test longer.
fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap())
}

/// Recordings of real programs: `fixtures/screen/casts`.
fn casts() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/screen/casts");
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let file = std::fs::File::open(path).unwrap();
        let mut reader = EventReader::new(file, Strictness::Strict).unwrap();
        let (columns, rows) = (reader.header().width, reader.header().height);
        let mut steps = Vec::new();
        while let Some(event) = reader.next().unwrap() {
            if event.code == Code::Output {
                steps.push(Step::Bytes(event.data.to_str().as_bytes().to_vec()));
            } else if let Some((columns, rows)) = event.size() {
                steps.push(Step::Resize(columns, rows));
            }
        }
        Case {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            columns,
            rows,
            steps,
        }
    };
    paths.iter().map(read).collect()
}

/// `TVMUX_SAVED_STEP=1` saves at every byte.
#[test]
fn a_recording_that_goes_through_a_saved_state_at_every_byte_shows_the_same() {
    let step = setting("TVMUX_SAVED_STEP", 199);
    let casts = casts();
    assert_eq!(casts.len(), 10);
    for case in casts {
        let new = || Screen::new(case.columns, case.rows, Rules::TMUX_3_3);
        let (mut straight, mut saved) = (new(), new());
        let mut until_save = 0;
        for part in &case.steps {
            let bytes = match part {
                Step::Resize(columns, rows) => {
                    straight.resize(*columns, *rows);
                    saved.resize(*columns, *rows);
                    continue;
                }
                Step::Bytes(bytes) => bytes,
            };
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(step - until_save));
                straight.feed(now);
                saved.feed(now);
                rest = later;
                until_save += now.len();
                if until_save == step {
                    until_save = 0;
                    let state = saved.save();
                    assert!(straight.save() == state, "{}", case.name);
                    saved = Screen::restore(&state).unwrap();
                }
            }
        }
        assert!(straight.save() == saved.save(), "{}", case.name);
    }
}

/// `TVMUX_SAVED_POINTS` says how many.
#[test]
fn the_rest_of_a_recording_after_a_saved_state_shows_the_same() {
    let mut random = Rng::with_seed(9);
    let casts = casts();
    for point in 0..setting("TVMUX_SAVED_POINTS", 60) {
        let case = &casts[point % casts.len()];
        let rules = Rules::ALL[point % Rules::ALL.len()];
        check(case, rules, random.usize(..=bytes(case)));
    }
}

#[test]
fn damaged_states_are_refused_or_give_a_screen() {
    let mut random = Rng::with_seed(8);
    for seed in 0..2000 {
        let case = random::case(seed);
        let mut state = run(&case, Rules::TMUX_3_7, None).save();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..state.len());
            match random.u8(..3) {
                0 => state[at] ^= 1 << random.u8(..8),
                1 => state.truncate(at.max(1)),
                _ => state[at] = random.u8(..),
            }
        }
        if let Ok(mut screen) = Screen::restore(&state) {
            screen.feed(b"\x1b[?1049l\x1b[5;5Hx\r\n\n\n\n\n\x1b[L\x1b[P\x1b[@");
            screen.resize(7, 3);
            screen.resize(90, 40);
            screen.take_scrolled();
        }
    }
}
