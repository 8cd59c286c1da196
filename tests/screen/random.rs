//! Random streams from a weighted grammar, the same for the same seed.

use fastrand::Rng;

use super::oracle::{Case, Step};

/// A case of this seed.
pub fn case(seed: u64) -> Case {
    let mut random = Rng::with_seed(seed);
    let small = random.u8(..3) > 0;
    let (columns, rows) = if small { (10, 5) } else { (80, 24) };
    let mut steps = Vec::new();
    let resizes = if random.u8(..4) == 0 {
        random.usize(1..4)
    } else {
        0
    };
    for part in 0..=resizes {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(1..40) {
            piece(&mut random, &mut bytes, (columns, rows));
        }
        steps.push(Step::Bytes(bytes));
        if part < resizes {
            let columns = random.u16(2..if small { 20 } else { 120 });
            let rows = random.u16(2..if small { 10 } else { 40 });
            steps.push(Step::Resize(columns, rows));
        }
    }
    Case {
        name: format!("seed {seed}"),
        columns,
        rows,
        steps,
    }
}

const WIDE: &[&str] = &["漢", "字", "界", "ｗ", "한", "😀", "🚀"];
const NARROW: &[&str] = &["é", "ß", "ж", "│", "─", "▒", "→", "€"];
const JOINING: &[&str] = &[
    "\u{301}",
    "\u{308}",
    "\u{20dd}",
    "\u{200b}",
    "\u{200d}",
    "\u{fe0f}",
    "\u{1f3fb}",
];

/// Appends one piece of a stream.
pub fn piece(random: &mut Rng, out: &mut Vec<u8>, (columns, rows): (u16, u16)) {
    let small = |random: &mut Rng| match random.u8(..10) {
        0 => String::new(),
        1 => "0".to_owned(),
        2 => random.u16(..300).to_string(),
        _ => random.u16(1..=columns.max(rows) + 1).to_string(),
    };
    let text: String = match random.u32(..100) {
        0..=24 => (0..random.usize(1..usize::from(columns) + 4))
            .map(|_| char::from(random.u8(b' '..=b'~')))
            .collect(),
        25..=29 => (0..random.usize(1..6))
            .map(|_| *pick(random, WIDE))
            .collect(),
        30..=32 => (0..random.usize(1..4))
            .map(|_| *pick(random, NARROW))
            .collect(),
        33..=35 => pick(random, JOINING).to_string(),
        36..=43 => "\r\n".to_owned(),
        44..=45 => "\n".to_owned(),
        46 => "\r".to_owned(),
        47..=48 => "\x08".to_owned(),
        49..=50 => "\t".to_owned(),
        51..=58 => sgr(random),
        59..=63 => format!("\x1b[{};{}H", small(random), small(random)),
        64..=70 => {
            let last = *pick(
                random,
                &["A", "B", "C", "D", "E", "F", "G", "d", "`", "Z", "b"],
            );
            format!("\x1b[{}{last}", small(random))
        }
        71..=77 => {
            let last = *pick(random, &["@", "P", "X", "L", "M", "S", "T"]);
            format!("\x1b[{}{last}", small(random))
        }
        78..=80 => format!("\x1b[{}K", random.u8(..3)),
        81..=82 => format!("\x1b[{}J", random.u8(..4)),
        83..=84 => format!("\x1b[{};{}r", small(random), small(random)),
        85 => "\x1b[r".to_owned(),
        86..=88 => (*pick(
            random,
            &[
                "\x1b7", "\x1b8", "\x1bD", "\x1bE", "\x1bM", "\x1bH", "\x1b[s", "\x1b[u",
            ],
        ))
        .to_owned(),
        89..=90 => (*pick(
            random,
            &["\x1b(0", "\x1b(B", "\x1b)0", "\x1b)B", "\x0e", "\x0f"],
        ))
        .to_owned(),
        91..=93 => {
            let mode = *pick(
                random,
                &[
                    "4", "?6", "?7", "?25", "?1", "?12", "?1000", "?1002", "?1006", "?2004", "?3",
                ],
            );
            format!("\x1b[{mode}{}", pick(random, &["h", "l"]))
        }
        94..=95 => {
            let mode = *pick(random, &["47", "1047", "1049"]);
            format!("\x1b[?{mode}{}", pick(random, &["h", "l"]))
        }
        96 => (*pick(
            random,
            &["\x1b[g", "\x1b[3g", "\x1b=", "\x1b>", "\x1b#8", "\x1bc"],
        ))
        .to_owned(),
        97 => (*pick(
            random,
            &[
                "\x1b]2;title\x07",
                "\x1b]0;\x1b\\",
                "\x1bPq#0\x1b\\",
                "\x1b_x\x1b\\",
                "\x1b[22;2t",
                "\x1b[23t",
                "\x1b]8;;http://x\x07",
                "\x1b]8;;\x07",
            ],
        ))
        .to_owned(),
        98 => {
            out.extend((0..random.usize(1..6)).map(|_| random.u8(..)));
            return;
        }
        _ => {
            let cut = format!("\x1b[{}", random.u8(..));
            cut[..random.usize(1..=cut.len())].to_owned()
        }
    };
    out.extend_from_slice(text.as_bytes());
}

fn pick<'a, T>(random: &mut Rng, from: &'a [T]) -> &'a T {
    &from[random.usize(..from.len())]
}

fn sgr(random: &mut Rng) -> String {
    let parts: Vec<String> = (0..random.usize(1..4))
        .map(|_| match random.u8(..10) {
            0 => String::new(),
            1 => format!("38;5;{}", random.u8(..)),
            2 => format!("48;2;{};{};{}", random.u8(..), random.u8(..), random.u8(..)),
            3 => format!("4{}", random.u8(..8)),
            4 => format!("3{}", random.u8(..8)),
            5 => (*pick(
                random,
                &["4:0", "4:2", "4:3", "58:5:9", "38:2::1:2:3", "48:5:200"],
            ))
            .to_owned(),
            _ => random.u8(..110).to_string(),
        })
        .collect();
    format!("\x1b[{}m", parts.join(";"))
}
