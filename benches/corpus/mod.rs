//! Terminal output to measure with: the same at each run, made from a seed.
#![allow(dead_code, reason = "each bench uses its own part")]

use std::io::{self, BufWriter, Write};

use tvmux::cast::{Code, Header, encode_event};

/// The seed of what needs no other.
pub const SEED: u64 = 0x7476_6d75_7831;

/// A small deterministic source of numbers (xorshift64*).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// A source that depends on `seed` alone.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 33) as usize) % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Kinds of terminal output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Log lines without any escape.
    Logs,
    /// A compiler that colours every word.
    Colours,
    /// An editor that redraws the screen.
    Redraws,
    /// Wide and combining characters, emoji.
    Wide,
    /// A binary file shown by mistake.
    Noise,
    /// What a person types, a few bytes at a time.
    Keys,
}

impl Kind {
    /// What programs print that know of a terminal.
    pub const OF_PROGRAMS: [Kind; 5] = [
        Kind::Logs,
        Kind::Colours,
        Kind::Redraws,
        Kind::Wide,
        Kind::Keys,
    ];

    /// All kinds.
    pub const ALL: [Kind; 6] = [
        Kind::Logs,
        Kind::Colours,
        Kind::Redraws,
        Kind::Wide,
        Kind::Noise,
        Kind::Keys,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Logs => "plain logs",
            Kind::Colours => "colour-heavy output",
            Kind::Redraws => "editor redraws",
            Kind::Wide => "wide characters",
            Kind::Noise => "binary noise",
            Kind::Keys => "keystrokes",
        }
    }

    /// Appends a piece of output, a line or a few, to `out`.
    pub fn piece(self, numbers: &mut Numbers, out: &mut Vec<u8>) {
        const WORDS: &[&str] = &[
            "request", "done", "cache", "worker", "retry", "socket", "flush", "index", "commit",
            "render", "parse", "token", "queue", "signal",
        ];
        let n = numbers.next();
        let (a, b, c) = (n % 60, n / 60 % 24, n / 1440 % 100_000);
        let text = match self {
            Kind::Logs => format!(
                "2026-03-{:02} {b:02}:{a:02}:{:02}.{:03} INFO service[{c}]: {} {} took {} ms\r\n",
                n % 28 + 1,
                n % 59,
                n % 1000,
                numbers.pick(WORDS),
                numbers.pick(WORDS),
                n % 977
            ),
            Kind::Colours => format!(
                "\x1b[1m\x1b[32m   Compiling\x1b[0m {}-{} v0.{b}.{a}\r\n\x1b[1m\x1b[33mwarning\x1b[0m\x1b[1m: unused `{}`\x1b[0m\r\n \x1b[1m\x1b[94m-->\x1b[0m src/{}.rs:{c}:{a}\r\n",
                numbers.pick(WORDS),
                numbers.pick(WORDS),
                numbers.pick(WORDS),
                numbers.pick(WORDS)
            ),
            Kind::Redraws => format!(
                "\x1b[{};{}H\x1b[38;5;{}mlet {} = \x1b[38;5;{}m\"{}\"\x1b[m;\x1b[K",
                a + 1,
                b + 1,
                n % 256,
                numbers.pick(WORDS),
                c % 256,
                numbers.pick(WORDS)
            ),
            Kind::Wide => format!(
                "{} 漢字かな交じり文 e\u{301}a\u{308} 👩‍👩‍👧 größe {}\r\n",
                numbers.pick(WORDS),
                c
            ),
            Kind::Noise => {
                out.extend((0..32).map(|_| numbers.next() as u8));
                return;
            }
            Kind::Keys => {
                out.push(b'a' + (n % 26) as u8);
                if n.is_multiple_of(17) {
                    out.extend_from_slice(b"\x1b[A");
                }
                return;
            }
        };
        out.extend_from_slice(text.as_bytes());
    }

    /// At least `size` bytes of output, and little more, of a fixed seed.
    pub fn bytes(self, size: usize) -> Vec<u8> {
        self.output(SEED, size)
    }

    /// About `bytes` of output.
    pub fn output(self, seed: u64, bytes: usize) -> Vec<u8> {
        let mut numbers = Numbers::new(seed);
        let mut out = Vec::with_capacity(bytes + 256);
        while out.len() < bytes {
            self.piece(&mut numbers, &mut out);
        }
        out
    }
}

/// Writes a v2 cast of about `size` bytes whose events have about `event` bytes
/// in the file, of output of these kinds in turn.
pub fn write_cast(out: impl Write, kinds: &[Kind], event: usize, size: u64) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut line = Vec::new();
    let header = Header {
        width: 120,
        height: 60,
        timestamp: Some(1_700_000_000),
        ..Header::default()
    };
    header.encode(&mut line);
    let mut written = line.len() as u64;
    out.write_all(&line)?;
    // A few hundred different events, in a random order, are enough that no
    // branch can be learnt by heart, and quick to make.
    let mut numbers = Numbers::new(7);
    let mut texts = Vec::new();
    for i in 0..512 {
        let kind = kinds[i % kinds.len()];
        let mut raw = Vec::new();
        let mut encoded = Vec::new();
        while encoded.len() < event.saturating_sub(18) {
            kind.piece(&mut numbers, &mut raw);
            encoded.clear();
            tvmux::cast::escape_into(&String::from_utf8_lossy(&raw), &mut encoded);
        }
        let mut text = String::from_utf8_lossy(&raw).into_owned();
        while encoded.len() > event.saturating_sub(16) && text.pop().is_some() {
            encoded.clear();
            tvmux::cast::escape_into(&text, &mut encoded);
        }
        texts.push(text);
    }
    let mut time = 0;
    while written < size {
        time += 1 + numbers.next() % 20_000;
        line.clear();
        let text = &texts[numbers.below(texts.len())];
        encode_event(time, Code::Output, text, &mut line);
        out.write_all(&line)?;
        written += line.len() as u64;
    }
    out.flush()
}
