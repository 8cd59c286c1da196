//! Search beside brute force: a terminal over every event, and a look at every state;
//! and the labels of markers.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tvmux::cast::Code;
use tvmux::screen::{Rules, Screen, Which};

use crate::casts::{Made, mixed};
use crate::support::tvmux::Tvmux;
use crate::{found, write};

const SECOND: u64 = 1_000_000;

/// What was on the screen.
struct Truth {
    /// Every line of every state, soft wraps joined, and every row.
    ever: HashSet<String>,
    /// Rows that did not change for a second, and when each stood so first.
    stood: HashMap<String, u64>,
    /// Lines that scrolled off.
    scrolled: Vec<String>,
}

/// Characters that must have stood beside each other, of a line that is higher than
/// the screen, or was while the screen had another width.
const BESIDE: usize = 16;

impl Truth {
    fn has_shown(&self, line: &str) -> bool {
        if self.ever.contains(line) {
            return true;
        }
        let chars: Vec<char> = line.chars().collect();
        chars.len() > 80
            && chars.chunks(BESIDE).all(|part| {
                let part: String = part.iter().collect();
                self.ever.iter().any(|text| text.contains(part.trim()))
            })
    }
}

fn lines_of(screen: &Screen) -> Vec<String> {
    let rows = usize::from(screen.size().1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for y in 0..rows {
        let text = screen.text(Which::Shown, y);
        lines.push(text.clone());
        line += &text;
        if !screen.is_wrapped(Which::Shown, y) {
            lines.push(std::mem::take(&mut line));
        }
    }
    lines.push(line);
    lines
}

fn truth(cast: &Made) -> Truth {
    let (columns, rows) = (cast.header.width, cast.header.height);
    let mut screen = Screen::with_history(columns, rows, Rules::OTHER, 4096);
    let mut truth = Truth {
        ever: HashSet::new(),
        stood: HashMap::new(),
        scrolled: Vec::new(),
    };
    let mut since: Vec<(String, u64)> = Vec::new();
    let mut was_alternate = false;
    for (time, code, text) in
        cast.events
            .iter()
            .chain([&(cast.end() + 5 * SECOND, Code::Output, String::new())])
    {
        for (text, from) in &since {
            if time - from >= SECOND {
                truth.stood.entry(text.clone()).or_insert(*from);
            }
        }
        match code {
            Code::Output => screen.feed(text.as_bytes()),
            Code::Resize => {
                let (columns, rows) = text.split_once('x').unwrap();
                screen.resize(columns.parse().unwrap(), rows.parse().unwrap());
            }
            // Found as if it had stood there.
            Code::Marker => drop(truth.ever.insert(text.clone())),
            _ => {}
        }
        let scrolled = screen.take_scrolled().into_iter().map(|line| line.text);
        truth.scrolled.extend(scrolled);
        truth.ever.extend(lines_of(&screen));
        let rows = usize::from(screen.size().1);
        let is_alternate = screen.is_alternate();
        if is_alternate != was_alternate || *code == Code::Resize {
            since.clear();
        }
        was_alternate = is_alternate;
        since.resize(rows, (String::new(), *time));
        for (y, row) in since.iter_mut().enumerate() {
            let text = screen.text(Which::Shown, y);
            if row.0 != text {
                *row = (text, *time);
            }
        }
    }
    truth.ever.extend(truth.scrolled.iter().cloned());
    truth
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

#[test]
fn what_stood_on_a_screen_is_found_and_nothing_else() {
    let user = Tvmux::new();
    let mut truths = Vec::new();
    for seed in 0..6 {
        let mut cast = mixed(seed, 60_000);
        cast.header.env.clear();
        write(&user, &format!("{seed}.cast"), &cast);
        truths.push(truth(&cast));
    }
    let hits = found(&user, &["-E", "."]);
    let (mut looked, mut missing) = (0, Vec::new());
    for (seed, truth) in truths.iter().enumerate() {
        let name = format!("/{seed}.cast");
        let is_of = |hit: &&Value| hit["cast"].as_str().unwrap().ends_with(&name);
        let lines: Vec<&str> = hits
            .iter()
            .filter(is_of)
            .map(|hit| hit["line"].as_str().unwrap())
            .collect();
        for line in &lines {
            assert!(
                truth.has_shown(line),
                "{seed}: never on the screen: {line:?}"
            );
        }
        let all = lines.join("\n");
        for line in truth.scrolled.iter().filter(|line| !line.is_empty()) {
            looked += 1;
            if !all.contains(line.as_str()) {
                missing.push(line.clone());
            }
        }
        // Where letters are the same, it may be a redraw, which counts once.
        let mut alike: HashMap<String, HashSet<&str>> = HashMap::new();
        for line in &truth.ever {
            alike.entry(letters(line)).or_default().insert(line);
        }
        for text in truth.stood.keys().filter(|text| !letters(text).is_empty()) {
            let is_alone = alike[&letters(text)].len() == 1;
            if is_alone {
                looked += 1;
                if !all.contains(text.as_str()) {
                    missing.push(text.clone());
                }
            }
        }
    }
    assert!(looked > 1000, "{looked}");
    assert!(
        missing.is_empty(),
        "{} of {looked} are missing: {missing:#?}",
        missing.len()
    );
}
