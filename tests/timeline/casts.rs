//! Casts to look at, and what they show, told without a timeline.

use std::io::Write;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use tvmux::cast::{Code, EventReader, Header, Micros, Strictness, encode_event};
use tvmux::screen::{Rules, Screen};

pub struct Made {
    pub header: Header,
    pub events: Vec<(Micros, Code, String)>,
}

impl Made {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.header.encode(&mut bytes);
        for (time, code, text) in &self.events {
            encode_event(*time, *code, text, &mut bytes);
        }
        bytes
    }

    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }

    pub fn end(&self) -> Micros {
        self.events.last().unwrap().0
    }
}

/// A cast of about `output` bytes of what shells and editors print, with sizes
/// that change on the normal and on the alternate screen.
pub fn mixed(seed: u64, output: usize) -> Made {
    let mut rng = Rng::with_seed(seed);
    let mut events = Vec::new();
    let (mut time, mut printed) = (0, 0);
    let mut is_alternate = false;
    while printed < output {
        time += match rng.u32(..200) {
            0 => 70_000_000,
            1..=30 => 0,
            _ => rng.u64(..40_000),
        };
        let n = rng.u32(..1000);
        match rng.u32(..400) {
            0 => {
                let size = format!("{}x{}", rng.u32(20..100), rng.u32(5..40));
                events.push((time, Code::Resize, size));
                continue;
            }
            1 => {
                events.push((time, Code::Marker, format!("mark {n}")));
                continue;
            }
            2 => {
                events.push((time, Code::Input, "x".to_owned()));
                continue;
            }
            _ => {}
        }
        let text = match rng.u32(..40) {
            0 if !is_alternate => {
                is_alternate = true;
                "\x1b[?1049h\x1b[H\x1b[2J".to_owned()
            }
            0 | 1 if is_alternate => {
                is_alternate = false;
                "\x1b[?1049l".to_owned()
            }
            2 => format!("\x1b[{};{}Hhere\x1b[K", rng.u32(1..30), rng.u32(1..90)),
            3 => "\x1b]133;A\x1b\\$ \x1b]133;B\x1b\\make\r\n\x1b]133;C\x1b\\".to_owned(),
            4 => format!("\x1b]133;D;{}\x1b\\", rng.u32(..2)),
            5 => format!("漢字 e\u{301} {n}"),
            6 => "\x1b[3;9r\x1b[9;1H\n\n\x1b[r".to_owned(),
            // A sequence that two events share.
            7 => "\x1b[38;5;".to_owned(),
            8 => "200mcut\x1b[m".to_owned(),
            _ => format!(
                "line {n} \x1b[1;3{}mcoloured {}\x1b[m text\r\n",
                n % 8,
                "-".repeat(n as usize % 90)
            ),
        };
        printed += text.len();
        events.push((time, Code::Output, text));
    }
    Made {
        header: Header {
            width: 80,
            height: 24,
            timestamp: Some(1_764_165_600),
            ..Header::default()
        },
        events,
    }
}

/// The states at `times`, which are in order, by going through the cast once.
pub fn states(cast: &[u8], rules: Rules, times: &[Micros]) -> Vec<Vec<u8>> {
    let mut reader = EventReader::new(cast, Strictness::Forgiving).unwrap();
    let (width, height) = (reader.header().width, reader.header().height);
    let mut screen = Screen::new(width, height, rules);
    let mut states = Vec::new();
    let mut times = times.iter().peekable();
    while let Some(event) = reader.next().unwrap() {
        while times.next_if(|time| **time < event.time).is_some() {
            states.push(state(&mut screen));
        }
        if event.code == Code::Output {
            screen.feed(event.data.to_str().as_bytes());
        } else if let Some((columns, rows)) = event.size() {
            screen.resize(columns, rows);
        }
    }
    times.for_each(|_| states.push(state(&mut screen)));
    states
}

/// All that is on a screen, and all that decides what comes next, but for the history.
pub fn state(screen: &mut Screen) -> Vec<u8> {
    screen.take_marks();
    screen.save_with_history(0)
}

/// Appends to a file.
pub fn append(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::File::options().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// A cast of 40 × 6 of what is printed at these seconds.
#[allow(dead_code, reason = "the timeline's own tests need none")]
pub fn made(events: &[(f64, &str)]) -> Made {
    let event =
        |(time, text): &(f64, &str)| ((time * 1e6) as u64, Code::Output, (*text).to_owned());
    Made {
        header: Header {
            width: 40,
            height: 6,
            timestamp: Some(1_700_000_000),
            ..Header::default()
        },
        events: events.iter().map(event).collect(),
    }
}
