//! What the library tells beside the screen's text: changes, lines that scrolled
//! off, links, marks of shells, folders, colours; and its bounds.

use fastrand::Rng;
use tvmux::screen::{Attributes, Colour, LARGEST, Mark, Rules, Screen, Which};

use super::random;

fn screen(columns: u16, rows: u16, bytes: &str) -> Screen {
    let mut screen = Screen::new(columns, rows, Rules::TMUX_3_7);
    screen.feed(bytes.as_bytes());
    screen
}

fn text(screen: &Screen) -> Vec<String> {
    let rows = screen.size().1;
    (0..usize::from(rows))
        .map(|y| screen.text(Which::Shown, y))
        .collect()
}

#[test]
fn changed_rows_are_told_once() {
    let mut screen = screen(10, 4, "a\r\nb");
    assert_eq!(screen.take_changed(), [0, 1, 2, 3]);
    assert!(screen.take_changed().is_empty());
    screen.feed(b"c\x1b[4;1Hd");
    assert_eq!(screen.take_changed(), [1, 3]);
    screen.feed(b"\x1b[2;3r\x1b[3;1H\n");
    assert_eq!(screen.take_changed(), [1, 2]);
    screen.feed(b"\x1b[r\x1b[4;1H\n");
    assert_eq!(screen.take_changed(), [0, 1, 2, 3]);
}

#[test]
fn each_who_looks_is_told_what_changed_since() {
    let mut screen = screen(10, 4, "a\r\nb");
    let first = screen.look();
    let changed = |screen: &Screen, look| screen.changed_since(look).collect::<Vec<usize>>();
    assert!(changed(&screen, first).is_empty());
    screen.feed(b"\x1b[3;4r\x1b[4;1H\n\x1b[r");
    let second = screen.look();
    assert_eq!(changed(&screen, first), [2, 3]);
    assert!(changed(&screen, second).is_empty());
    screen.feed(b"x");
    assert_eq!(changed(&screen, first), [0, 2, 3]);
    assert_eq!(changed(&screen, second), [0]);
    let third = screen.look();
    screen.feed(b"\x1b[?1049h");
    assert_eq!(changed(&screen, third), [0, 1, 2, 3]);
    let fourth = screen.look();
    screen.resize(10, 6);
    assert_eq!(changed(&screen, fourth), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn rules_are_those_of_the_terminal_of_a_cast() {
    let rules = |pairs: &[(&str, &'static str)]| {
        Rules::of_env(|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        })
    };
    let tmux = ("TERM_PROGRAM", "tmux");
    let version = |version| rules(&[tmux, ("TERM_PROGRAM_VERSION", version)]);
    assert_eq!(version("3.3a"), Rules::TMUX_3_3);
    assert_eq!(version("2.9a"), Rules::TMUX_3_3);
    assert_eq!(version("3.4"), Rules::TMUX_3_4);
    assert_eq!(version("3.5a"), Rules::TMUX_3_5);
    assert_eq!(version("3.6b"), Rules::TMUX_3_6);
    assert_eq!(version("3.7c"), Rules::TMUX_3_7);
    assert_eq!(version("next-3.8"), Rules::TMUX_3_7);
    assert_eq!(rules(&[tmux]), Rules::TMUX_3_3);
    assert_eq!(rules(&[("TERM", "screen-256color")]), Rules::TMUX_3_3);
    assert_eq!(rules(&[("TERM", "xterm-256color")]), Rules::OTHER);
    assert_eq!(rules(&[]), Rules::OTHER);
}

#[test]
fn a_row_that_was_not_told_to_have_changed_is_the_same() {
    for seed in 0..300 {
        let mut random = Rng::with_seed(seed);
        let mut screen = Screen::new(10, 5, Rules::TMUX_3_7);
        let runs = |screen: &Screen| {
            let of = |y| format!("{:?}", screen.runs(Which::Shown, y));
            (0..5).map(of).collect::<Vec<String>>()
        };
        screen.take_changed();
        let mut before = runs(&screen);
        for _ in 0..20 {
            let mut bytes = Vec::new();
            random::piece(&mut random, &mut bytes, (10, 5));
            screen.feed(&bytes);
            let changed = screen.take_changed();
            let after = runs(&screen);
            for y in (0..5).filter(|y| !changed.contains(y)) {
                assert_eq!(
                    before[y],
                    after[y],
                    "seed {seed} row {y} {}",
                    bytes.escape_ascii()
                );
            }
            before = after;
        }
    }
}

#[test]
fn lines_that_scrolled_off_come_whole_and_once() {
    let mut screen = screen(5, 2, "one\r\ntwo four six\r\nx\r\n");
    let texts = |screen: &mut Screen| {
        let lines = screen.take_scrolled();
        lines
            .into_iter()
            .map(|line| (line.row, line.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&mut screen),
        [(0, "one".into()), (1, "two four six".into())]
    );
    assert!(texts(&mut screen).is_empty());
    screen.feed(b"\n");
    assert_eq!(texts(&mut screen), [(4, "x".into())]);
}

#[test]
fn every_line_of_a_long_output_scrolls_off_once() {
    let mut screen = Screen::with_history(20, 5, Rules::TMUX_3_3, 100);
    let mut seen = Vec::new();
    for n in 0..1000 {
        screen.feed(format!("line {n} of a longer text\r\n").as_bytes());
        seen.extend(screen.take_scrolled().into_iter().map(|line| line.text));
    }
    let expected = (0..seen.len()).map(|n| format!("line {n} of a longer text"));
    assert!(seen.len() >= 997);
    assert!(seen.iter().cloned().eq(expected));
}

#[test]
fn links_are_on_their_runs() {
    let screen = screen(20, 2, "a\x1b]8;id=x;http://a/;b\x1b\\link\x1b]8;;\x1b\\z");
    let runs = screen.runs(Which::Shown, 0);
    let told: Vec<_> = runs
        .iter()
        .map(|run| {
            (
                run.text.as_str(),
                run.link.map(|link| (&*link.id, &*link.uri)),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a", None),
            ("link", Some(("x", "http://a/;b"))),
            ("z", None)
        ]
    );
}

#[test]
fn runs_have_columns_widths_and_styles() {
    let screen = screen(20, 2, "a\x1b[1;31m漢b\x1b[m\x1b[5Cz\x1b(0q");
    let runs = screen.runs(Which::Shown, 0);
    let told: Vec<_> = runs
        .iter()
        .map(|run| (run.column, run.width, run.text.as_str()))
        .collect();
    assert_eq!(told, [(0, 1, "a"), (1, 3, "漢b"), (4, 7, "     z─")]);
    assert_eq!(runs[1].style.fg, Colour::Basic(1));
    assert_eq!(runs[1].style.attributes, Attributes::BOLD);
}

#[test]
fn shells_tell_prompts_commands_and_statuses() {
    let mut screen = screen(
        20,
        5,
        "\x1b]133;A\x07$ \x1b]133;B\x07echo a longer one\x1b]133;C\x07\r\nout\r\n\x1b]133;D;3\x07",
    );
    let marks: Vec<_> = screen
        .take_marks()
        .into_iter()
        .map(|marked| marked.mark)
        .collect();
    let command = Some("echo a longer one".to_owned());
    let expected = [
        Mark::Prompt,
        Mark::Input,
        Mark::Output { command },
        Mark::Finished { status: Some(3) },
    ];
    assert_eq!(marks, expected);
    assert!(screen.take_marks().is_empty());
}

#[test]
fn commands_that_a_shell_spells_out_are_decoded() {
    let command = |bytes: &str| {
        let marks = screen(20, 5, bytes).take_marks();
        marks.into_iter().find_map(|marked| match marked.mark {
            Mark::Output { command } => command,
            _ => None,
        })
    };
    for (bytes, expected) in [
        ("\x1b]133;C;cmdline_url=ls%20-l%3B\x07", "ls -l;"),
        ("\x1b]133;C;cmdline=ls\\ -l\x07", "ls -l"),
        (
            "\x1b]633;E;echo \\x3b \\\\;nonce\x07\x1b]633;C\x07",
            "echo ; \\",
        ),
    ] {
        assert_eq!(command(bytes).as_deref(), Some(expected), "{bytes:?}");
    }
    assert_eq!(command("\x1b]133;C\x07"), None);
}

#[test]
fn folders_come_from_each_of_their_sequences() {
    for bytes in [
        "\x1b]7;file://host/a%20b\x07",
        "\x1b]633;P;Cwd=/a b\x07",
        "\x1b]1337;CurrentDir=/a b\x07",
    ] {
        let folder = screen(20, 2, bytes).folder();
        assert_eq!(
            folder.as_deref(),
            Some(std::path::Path::new("/a b")),
            "{bytes:?}"
        );
    }
}

#[test]
fn colours_that_a_program_changes_are_known() {
    let screen = screen(
        20,
        2,
        "\x1b]4;1;#ff0000;300;#123\x07\x1b]10;rgb:ffff/00/8\x07\x1b]11;red-ish\x07",
    );
    assert_eq!(screen.palette(), [(1, Colour::Rgb(255, 0, 0))]);
    assert_eq!(
        screen.default_colours(),
        [Some(Colour::Rgb(255, 0, 136)), None, None]
    );
}

#[test]
fn other_terminals_know_more_sequences() {
    let shown = |rules| {
        let mut screen = Screen::new(20, 2, rules);
        screen.feed(b"a\x1b[2Ib\x1b[ac\x1b[4h\x1b[!pd");
        text(&screen)[0].clone()
    };
    assert_eq!(shown(Rules::TMUX_3_3), "abcd");
    assert_eq!(shown(Rules::OTHER), "a               b cd");
}

#[test]
fn any_bytes_in_any_pieces_keep_the_bounds() {
    for seed in 0..200 {
        let mut random = Rng::with_seed(seed);
        let rules = Rules::ALL[seed as usize % Rules::ALL.len()];
        let mut screen = Screen::with_history(
            random.u16(..30),
            random.u16(..12),
            rules,
            random.usize(..20),
        );
        for _ in 0..200 {
            let mut bytes = Vec::new();
            match random.u8(..4) {
                0 => bytes.extend((0..random.usize(..50)).map(|_| random.u8(..))),
                1 => {
                    bytes.extend(b"\x1b[");
                    bytes.extend((0..random.usize(..8)).map(|_| random.u8(0x20..0x7f)));
                }
                _ => random::piece(&mut random, &mut bytes, (30, 12)),
            }
            let cut = random.usize(..=bytes.len());
            screen.feed(&bytes[..cut]);
            screen.feed(&bytes[cut..]);
            if random.u8(..20) == 0 {
                screen.resize(random.u16(..40), random.u16(..16));
            }
            let (columns, rows) = screen.size();
            let cursor = screen.cursor();
            assert!(cursor.column < columns.into() && cursor.row < rows.into());
            assert!(screen.history() <= 2 * 20 + 1000);
            for y in 0..usize::from(rows) {
                let width: usize = screen
                    .runs(Which::Shown, y)
                    .iter()
                    .map(|run| run.width)
                    .sum();
                assert!(width <= columns.into());
            }
        }
    }
}

#[test]
fn styles_and_clusters_without_end_stay_bounded() {
    let mut screen = Screen::with_history(80, 24, Rules::TMUX_3_7, 100);
    let mut random = Rng::with_seed(1);
    let mut largest = 0;
    for _ in 0..300_000 {
        let [_, r, g, b] = random.u32(..).to_be_bytes();
        let mark = char::from_u32(0x300 + random.u32(..0x60)).unwrap();
        screen.feed(format!("\x1b[38;2;{r};{g};{b}mx{mark}{mark}").as_bytes());
    }
    largest = largest.max(screen.save().len());
    assert!(largest < 1 << 20, "{largest} bytes");
}

#[test]
fn sizes_without_sense_are_made_possible() {
    assert_eq!(Screen::new(0, 0, Rules::OTHER).size(), (1, 1));
    let mut screen = Screen::new(u16::MAX, u16::MAX, Rules::OTHER);
    assert_eq!(screen.size().0, LARGEST);
    screen.feed("\x1b#8漢\x1b[9999;9999H漢漢".as_bytes());
    screen.resize(1, 1);
    screen.feed("漢a\u{301}\x1b[@\x1b[P\x1b[X\x1b[L\x1b[M\t\x1b[Z".as_bytes());
    screen.resize(3, 2);
}
