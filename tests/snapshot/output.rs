//! Random terminal output: text and sequences as programs send them, cut
//! anywhere.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

/// Puts a tmux pane back to its start, whatever it was sent before.
pub const RESET: &[u8] =
    b"\x18\x1b\\\x1b[?1049l\x1bc\x1b]7;\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\
    \x1b[?1004;1005;1006;2004l\x1b[0 q\x1b[3g\x1b[9G\x1bH\x1b[17G\x1bH\x1b[H";

/// Bytes for a terminal, shown readably when a test fails.
#[derive(Clone)]
pub struct Output(pub Vec<u8>);

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// Output of any kind for a screen of `size`, cut after any byte. Not
/// `bright`: without the backgrounds 100 to 107.
pub fn of_any_kind(size: (u16, u16), bright: bool) -> impl Strategy<Value = Output> {
    let part = prop_oneof![
        6 => text(),
        2 => wide_text(),
        5 => movement(size),
        2 => row_erasure(),
        3 => cell_erasure(),
        5 => pen(bright),
        3 => modes(),
        1 => insertion(),
        2 => alternate(),
        2 => region(size),
        2 => strings(),
        1 => shifts(),
        1 => (1..8u8).prop_map(|n| format!("\x1b[{n}b")),
    ];
    (tab_stops(size), pieces_up_to(30, part), 0..4usize).prop_map(|(tabs, output, cut)| {
        let mut bytes = tabs.into_bytes();
        bytes.extend(output.0);
        bytes.truncate(bytes.len().saturating_sub(cut));
        Output(bytes)
    })
}

/// Output that leaves no state that tmux cannot tell: no pen, no saved
/// cursor, no character sets, no repetition. Where there are wide characters,
/// none is overwritten: some versions then keep half of it.
pub fn readable(size: (u16, u16)) -> impl Strategy<Value = Output> {
    let wide = prop_oneof![
        8 => wide_text(),
        3 => select(vec!["\r\n", "\x1b[2K", "\x1b[2J"]).prop_map(str::to_owned),
        2 => modes(),
        2 => strings(),
        1 => alternate_with_cursor(),
    ];
    let narrow = prop_oneof![
        8 => text(),
        5 => movement(size),
        4 => cell_erasure(),
        2 => row_erasure(),
        3 => modes(),
        1 => insertion(),
        2 => region(size),
        2 => strings(),
        1 => alternate_with_cursor(),
    ];
    prop_oneof![pieces_up_to(50, wide), pieces_up_to(50, narrow)]
}

/// The cursor that leaving the alternate screen brings back is known only
/// while that is shown.
fn alternate_with_cursor() -> impl Strategy<Value = String> {
    select(vec!["\x1b[?1049h", "\x1b[?1049h\x1b[?1049l"]).prop_map(str::to_owned)
}

fn insertion() -> impl Strategy<Value = String> {
    select(vec!["\x1b[4h", "\x1b[4l"]).prop_map(str::to_owned)
}

fn pieces_up_to(most: usize, part: impl Strategy<Value = String>) -> impl Strategy<Value = Output> {
    prop::collection::vec(part, 0..most).prop_map(|parts| Output(parts.concat().into_bytes()))
}

/// Other tab stops, set before there is text: newer tmux keeps tabs as such,
/// and tells their width by the stops alone.
fn tab_stops((columns, _): (u16, u16)) -> impl Strategy<Value = String> {
    let stop = prop_oneof![
        3 => (1..=columns).prop_map(|x| format!("\x1b[{x}G\x1bH")),
        1 => Just("\x1b[3g".to_owned()),
        1 => Just("\x1b[9G\x1b[g".to_owned()),
    ];
    prop::collection::vec(stop, 0..3).prop_map(|stops| stops.concat() + "\r")
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{1,30}",
        2 => "[ -~]{18,50}",
        1 => "(e\u{301}|o\u{308}|x){1,5}",
        1 => "[a-z─│┌ÄÖÜé]{1,12}",
        2 => select(vec!["\r\n", "\n", "\r", "\x08", "\t", "\t\t", "\x07", "\r\n\r\n"])
            .prop_map(str::to_owned),
    ]
}

fn wide_text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-z 日本語한é]{1,12}",
        1 => "(日\u{302}|x){1,5}",
        1 => select(vec!["😀", "🚀🚀"]).prop_map(str::to_owned),
    ]
}

fn movement((columns, rows): (u16, u16)) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (1..=rows, 1..=columns).prop_map(|(y, x)| format!("\x1b[{y};{x}H")),
        1 => (1..=rows).prop_map(move |y| format!("\x1b[{y};{columns}H")),
        2 => (0..9u8, select(vec!['A', 'B', 'C', 'D', 'E', 'F', 'G', 'd', 'Z', 'I']))
            .prop_map(|(n, c)| format!("\x1b[{n}{c}")),
        1 => select(vec!["\x1bD", "\x1bM", "\x1bE"]).prop_map(str::to_owned),
    ]
}

/// Erases, moves and inserts whole rows.
fn row_erasure() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => select(vec!["\x1b[2K", "\x1b[2J", "\x1b#8"]).prop_map(str::to_owned),
        2 => (1..8u8, select(vec!['L', 'M', 'S', 'T'])).prop_map(|(n, c)| format!("\x1b[{n}{c}")),
    ]
}

/// Erases, moves and inserts single cells.
fn cell_erasure() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (0..2u8, select(vec!['J', 'K'])).prop_map(|(n, c)| format!("\x1b[{n}{c}")),
        4 => (1..8u8, select(vec!['X', '@', 'P'])).prop_map(|(n, c)| format!("\x1b[{n}{c}")),
    ]
}

fn pen(bright: bool) -> impl Strategy<Value = String> {
    let mut colours = vec![30, 31, 37, 40, 44, 47, 90, 97];
    if bright {
        colours.extend([100, 107]);
    }
    let code = prop_oneof![
        4 => select(vec![
            "0", "1", "2", "3", "4", "5", "7", "8", "9", "22", "23", "24", "27", "39", "49",
            "53", "55", "59", "4:2", "4:3", "4:4", "4:5", "4:0", "58:5:9", "58:2::1:2:3",
        ]).prop_map(str::to_owned),
        2 => select(colours).prop_map(|n: u8| n.to_string()),
        1 => (any::<bool>(), any::<u8>()).prop_map(|(b, n)| format!("{};5;{n}", 38 + u8::from(b) * 10)),
        1 => (any::<bool>(), any::<[u8; 3]>())
            .prop_map(|(b, [x, y, z])| format!("{};2;{x};{y};{z}", 38 + u8::from(b) * 10)),
    ];
    let link = "8;(id=[a-z])?;(http://[a-z]{1,5})?".prop_map(|link| format!("\x1b]{link}\x1b\\"));
    let codes = prop::collection::vec(code, 0..4);
    prop_oneof![
        6 => codes.prop_map(|codes| format!("\x1b[{}m", codes.join(";"))),
        1 => link,
    ]
}

fn modes() -> impl Strategy<Value = String> {
    let private = select(vec![
        "1", "7", "12", "25", "1000", "1002", "1003", "1005", "1006", "1004", "2004",
    ]);
    prop_oneof![
        6 => (private, any::<bool>()).prop_map(|(mode, on)| {
            format!("\x1b[?{mode}{}", if on { 'h' } else { 'l' })
        }),
        1 => select(vec!["\x1b=", "\x1b>", "\x1b[34l", "\x1b[34h"])
            .prop_map(str::to_owned),
        1 => (0..7u8).prop_map(|n| format!("\x1b[{n} q")),
    ]
}

fn alternate() -> impl Strategy<Value = String> {
    let mode = select(vec!["47", "1047", "1049"]);
    (mode, select(vec!['h', 'l'])).prop_map(|(mode, set)| format!("\x1b[?{mode}{set}"))
}

fn region((_, rows): (u16, u16)) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => (1..rows, 1..rows).prop_map(move |(a, b)| {
            format!("\x1b[{};{}r", a.min(b), (a.max(b) + 1).min(rows))
        }),
        1 => Just("\x1b[r".to_owned()),
        1 => any::<bool>().prop_map(|on| format!("\x1b[?6{}", if on { 'h' } else { 'l' })),
    ]
}

fn strings() -> impl Strategy<Value = String> {
    let end = select(vec!["\x07", "\x1b\\"]);
    let body = prop_oneof![
        2 => "[02];[ -~é日]{0,10}",
        1 => "7;file://host/[a-z]{0,6}",
        1 => "1[012];#[0-9a-f]{6}",
        1 => "8888;[a-z]{0,5}",
    ];
    prop_oneof![
        4 => (body, end).prop_map(|(body, end)| format!("\x1b]{body}{end}")),
        1 => "[a-z]{0,5}".prop_map(|text| format!("\x1bPq{text}\x1b\\")),
        1 => "[a-z]{0,5}".prop_map(|text| format!("\x1b_{text}\x1b\\")),
    ]
}

fn shifts() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => select(vec![
            "\x0e", "\x0f", "\x1b)0", "\x1b)B", "\x1b(B", "\x1b7", "\x1b8",
        ]).prop_map(str::to_owned),
        2 => "[a-z]{1,12}".prop_map(|text| format!("\x1b(0{text}\x1b(B")),
    ]
}
