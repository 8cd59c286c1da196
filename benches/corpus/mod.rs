//! Terminal output to measure with: the same bytes in each run, and such as
//! real programs print.
#![allow(dead_code, reason = "each bench uses its own part")]

use std::fmt::Write as _;

use fastrand::Rng;

/// The seed of all corpora.
pub const SEED: u64 = 0x7476_6d75_7831;

/// What a pane prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A server's log: lines of plain text.
    Plain,
    /// A compiler's errors: short runs of text between colours.
    Colour,
    /// Full-screen programs that redraw: cursor moves, colours, box drawing.
    Redraw,
    /// Wide, combining and other text beyond ASCII.
    Wide,
    /// A binary file sent to the terminal.
    Noise,
    /// A shell's echo of what is typed, with a prompt now and then.
    Keys,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] = [
        Kind::Plain,
        Kind::Colour,
        Kind::Redraw,
        Kind::Wide,
        Kind::Noise,
        Kind::Keys,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Plain => "plain",
            Kind::Colour => "colour",
            Kind::Redraw => "redraw",
            Kind::Wide => "wide",
            Kind::Noise => "noise",
            Kind::Keys => "keys",
        }
    }

    /// At least `size` bytes of it, and little more.
    pub fn bytes(self, size: usize) -> Vec<u8> {
        let mut rng = Rng::with_seed(SEED + self as u64);
        if self == Kind::Noise {
            return (0..size).map(|_| rng.u8(..)).collect();
        }
        let mut text = String::with_capacity(size + 4096);
        while text.len() < size {
            match self {
                Kind::Plain => log_line(&mut rng, &mut text),
                Kind::Colour => compiler_error(&mut rng, &mut text),
                Kind::Redraw => screen(&mut rng, &mut text),
                Kind::Wide => wide_line(&mut rng, &mut text),
                Kind::Noise => unreachable!("noise is no text"),
                Kind::Keys => command_line(&mut rng, &mut text),
            }
        }
        text.into_bytes()
    }
}

const WORDS: [&str; 24] = [
    "accepted",
    "connection",
    "from",
    "worker",
    "finished",
    "request",
    "in",
    "status",
    "retry",
    "cache",
    "miss",
    "user",
    "loaded",
    "config",
    "shard",
    "queue",
    "GET",
    "/api/v1/items",
    "timeout",
    "\"ok\"",
    "peer",
    "flush",
    "C:\\temp",
    "done",
];

fn words(rng: &mut Rng, count: usize, out: &mut String) {
    for number in 0..count {
        if number > 0 {
            out.push(' ');
        }
        out.push_str(WORDS[rng.usize(..WORDS.len())]);
    }
}

/// Writing to a `String` cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { $out.write_fmt(format_args!($($arg)*)).expect("a String takes all") };
}

fn log_line(rng: &mut Rng, out: &mut String) {
    let (minute, second, milli) = (rng.u32(..60), rng.u32(..60), rng.u32(..1000));
    let level = ["INFO ", "DEBUG", "WARN "][rng.usize(..3)];
    put!(
        out,
        "2026-03-14T09:{minute:02}:{second:02}.{milli:03}Z {level} [worker-{}] ",
        rng.u32(..16)
    );
    let count = rng.usize(4..14);
    words(rng, count, out);
    out.push_str("\r\n");
}

fn compiler_error(rng: &mut Rng, out: &mut String) {
    let (line, column) = (rng.u32(1..900), rng.u32(1..80));
    put!(
        out,
        "\x1b[0m\x1b[1m\x1b[38;5;9merror[E{:04}]\x1b[0m\x1b[0m\x1b[1m: ",
        rng.u32(..1000)
    );
    words(rng, 5, out);
    put!(
        out,
        "\x1b[0m\r\n\x1b[0m   \x1b[0m\x1b[0m\x1b[1m\x1b[38;5;12m--> \x1b[0m\x1b[0msrc/"
    );
    put!(
        out,
        "module_{}.rs:{line}:{column}\x1b[0m\r\n",
        rng.u32(..40)
    );
    put!(
        out,
        "\x1b[0m\x1b[1m\x1b[38;5;12m{line:4} |\x1b[0m \x1b[0m    let \x1b[38;5;10mvalue\x1b[0m = "
    );
    words(rng, 3, out);
    put!(
        out,
        ";\r\n     \x1b[1m\x1b[38;5;12m|\x1b[0m         \x1b[0m\x1b[1m\x1b[38;5;9m^^^^^\x1b[0m"
    );
    out.push_str(" expected `u64`, found `&str`\r\n");
}

/// Rows of an editor or a process list, drawn in place.
fn screen(rng: &mut Rng, out: &mut String) {
    out.push_str("\x1b[?25l\x1b[H");
    for row in 1..=24 {
        put!(out, "\x1b[{row};1H");
        if rng.bool() {
            let (pid, share) = (rng.u32(1..99_999), rng.f64() * 100.0);
            put!(
                out,
                "\x1b[39m{pid:>6} \x1b[36mroot    \x1b[39m 20   0 \x1b[32m{share:5.1}\x1b[39m "
            );
            let bars = rng.usize(..12);
            put!(
                out,
                "[\x1b[32m{}\x1b[90m{}\x1b[39m] ",
                "|".repeat(bars),
                " ".repeat(12 - bars)
            );
        } else {
            put!(
                out,
                "\x1b[33m{row:>3} \x1b[0m\x1b[38;5;130mfn\x1b[0m name_{}(",
                rng.u32(..99)
            );
        }
        let count = rng.usize(1..5);
        words(rng, count, out);
        out.push_str("\x1b[K");
    }
    out.push_str("\x1b[24;1H\x1b[7m│ NORMAL ── main.rs ──\x1b[m\x1b[?25h");
}

fn wide_line(rng: &mut Rng, out: &mut String) {
    const PIECES: [&str; 8] = [
        "日本語のテキスト",
        "한국어 문장",
        "e\u{301}a\u{308}o\u{302}",
        "👩‍💻 👍🏽",
        "Привет, мир",
        "naïve café",
        "表示幅",
        "│├──└",
    ];
    for _ in 0..rng.usize(2..8) {
        out.push_str(PIECES[rng.usize(..PIECES.len())]);
        out.push(' ');
    }
    out.push_str("\r\n");
}

fn command_line(rng: &mut Rng, out: &mut String) {
    out.push_str("\x1b[1;32muser@host\x1b[0m:\x1b[1;34m~/src\x1b[0m$ ");
    let count = rng.usize(1..6);
    words(rng, count, out);
    out.push_str("\x08 \x08\r\n");
}
