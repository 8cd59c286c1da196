//! Casts to search in: builds, logs, an editor, a monitor, wide text, floods of
//! noise, with words planted that stand nowhere else.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use tvmux::cast::{Code, Header, encode_event};

use crate::corpus::{Kind, Numbers};

/// Rows of the screen.
const HEIGHT: u16 = 40;

/// Bytes of each cast, about.
const CAST: u64 = 25_000_000;

/// Ends what noise may have begun, and goes to a new line of the normal screen.
const SANE: &str = "\x18\x1b\\\x1b[?1049l\x1b[?47l\x1b[r\x1b[4l\x1b(B\x0f\x1b[m\x1b[39;1H\r\n";

/// A word that was planted, and the second of its cast.
pub struct Planted {
    pub word: String,
    pub cast: usize,
    pub second: f64,
}

/// Fills a folder with casts of `bytes` bytes in all; gives what was planted, and how
/// many casts there are.
pub fn fill(folder: &Path, bytes: u64) -> io::Result<(Vec<Planted>, usize)> {
    fs::create_dir_all(folder)?;
    let mut numbers = Numbers::new(15);
    let mut planted = Vec::new();
    let mut written = 0;
    let mut cast = 0;
    while written < bytes {
        let path = folder.join(format!("2026-01-01_{cast:04}_box_main_@{cast}_sh.cast"));
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        written += write_one(&mut out, cast, CAST.min(bytes), &mut numbers, &mut planted)?;
        out.flush()?;
        cast += 1;
    }
    Ok((planted, cast))
}

/// Many casts of a few lines each.
pub fn fill_small(folder: &Path, count: usize) -> io::Result<()> {
    for at in 0..count {
        let day = folder.join(format!("{:03}", at % 100));
        fs::create_dir_all(&day)?;
        let mut line = Vec::new();
        header(at).encode(&mut line);
        encode_event(1_000_000, Code::Output, "hello\r\n", &mut line);
        let mut file =
            File::create(day.join(format!("2026-01-01_{at:05}_box_main_@{at}_sh.cast")))?;
        file.write_all(&line)?;
        // As of an archive that has grown for years.
        let started = header(at).timestamp.map(Duration::from_secs);
        file.set_modified(UNIX_EPOCH + started.unwrap_or_default())?;
    }
    Ok(())
}

fn header(at: usize) -> Header {
    Header {
        width: 120,
        height: HEIGHT,
        timestamp: Some(1_760_000_000 + 3600 * at as u64),
        title: Some("work".into()),
        ..Header::default()
    }
}

fn write_one(
    out: &mut impl Write,
    cast: usize,
    bytes: u64,
    numbers: &mut Numbers,
    planted: &mut Vec<Planted>,
) -> io::Result<u64> {
    let mut line = Vec::new();
    header(cast).encode(&mut line);
    out.write_all(&line)?;
    let mut written = line.len() as u64;
    let mut time = 0;
    let mut raw = Vec::new();
    let kinds = [
        Kind::Logs,
        Kind::Colours,
        Kind::Wide,
        Kind::Redraws,
        Kind::Keys,
        Kind::Noise,
    ];
    while written < bytes {
        // A while of one kind of work.
        let kind = match numbers.below(20) {
            0 => kinds[5],
            n => kinds[n % 5],
        };
        let is_full = kind == Kind::Redraws;
        let mut events = Vec::new();
        if numbers.below(4) == 0 {
            let letter = |_| (b'a' + numbers.below(26) as u8) as char;
            let word: String = (0..12).map(letter).collect();
            events.push(format!("{SANE}{word} was here\r\n"));
            // Nothing is typed over it, which would be another line with the word.
            events.push("\r\n".repeat(usize::from(HEIGHT)));
            planted.push(Planted {
                word,
                cast,
                second: f64::NAN,
            });
        }
        let opening = match is_full {
            true => "\x1b[?1049h\x1b[2J",
            false => SANE,
        };
        events.push(opening.to_owned());
        for _ in 0..100 + numbers.below(2000) {
            raw.clear();
            for _ in 0..1 + numbers.below(6) {
                kind.piece(numbers, &mut raw);
            }
            events.push(String::from_utf8_lossy(&raw).into_owned());
        }
        for event in events {
            time += 1000 + numbers.next() % 200_000;
            line.clear();
            encode_event(time, Code::Output, &event, &mut line);
            if let Some(new) = planted.last_mut().filter(|new| event.contains(&new.word)) {
                new.second = time as f64 / 1e6;
                // Long enough to be read.
                time += 2_000_000;
            }
            out.write_all(&line)?;
            written += line.len() as u64;
        }
    }
    Ok(written)
}
