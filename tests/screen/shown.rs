//! Lines that were shown, beside a search by brute force.

use std::collections::HashSet;

use fastrand::Rng;
use tvmux::screen::{Rules, SETTLED, Screen, Seen, Shown, ShownLine, Which};

use super::random;

const SECOND: u64 = 1_000_000;

/// All lines of what is printed at these seconds, in the end.
fn lines(parts: &[(u64, &str)], end: u64) -> Vec<ShownLine> {
    let mut shown = Shown::new(20, 5, Rules::TMUX_3_7);
    for (time, bytes) in parts {
        shown.feed(time * SECOND, bytes.as_bytes());
    }
    shown.finish(end * SECOND);
    std::iter::from_fn(|| shown.next_line()).collect()
}

/// The text of each, and where it was.
fn told(parts: &[(u64, &str)], end: u64) -> Vec<(String, Seen)> {
    let lines = lines(parts, end).into_iter();
    lines.map(|line| (line.text, line.seen)).collect()
}

fn in_text(texts: &[&str]) -> Vec<(String, Seen)> {
    let texts = texts.iter();
    texts
        .map(|text| ((*text).to_owned(), Seen::InText))
        .collect()
}

#[test]
fn lines_are_told_once_with_their_times() {
    let parts = [
        (1, "one\r\n"),
        (2, "a line that is longer than a row\r\n"),
        (3, "3\r\n4\r\n5\r\n"),
        (9, "6"),
    ];
    let lines = lines(&parts, 12);
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.text.as_str(), line.first / SECOND, line.last / SECOND))
        .collect();
    let expected = [
        ("one", 1, 3),
        ("a line that is longer than a row", 2, 12),
        ("3", 3, 12),
        ("4", 3, 12),
        ("5", 3, 12),
        ("6", 9, 12),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_below_the_alternate_screen_keeps_its_times() {
    // The lines of the normal screen, each with the second at which it was there first.
    let firsts = |parts: &[(u64, &str)]| {
        let lines = lines(parts, 12).into_iter();
        let lines = lines.filter(|line| line.seen == Seen::InText && !line.text.is_empty());
        lines
            .map(|line| format!("{} {}", line.text, line.first / SECOND))
            .collect::<Vec<_>>()
    };
    let (on, off) = ("\x1b[?1049h", "\x1b[?1049l");
    // On and off within one write.
    let flip = format!("{on}\x1b[Hpage{off}");
    let flips = flip.repeat(3);
    let parts = [(1, "one\r\ntwo\r\n"), (5, &flip), (6, &flips), (9, "three")];
    assert_eq!(firsts(&parts), ["one 1", "two 1", "three 9"]);
    // Off and on.
    let (begin, between) = (
        format!("{on}\x1b[Hpage"),
        format!("{off}two\r\n{on}\x1b[Hother"),
    );
    let parts = [
        (1, "one\r\n"),
        (2, &begin),
        (5, &between),
        (9, off),
        (10, "three"),
    ];
    assert_eq!(firsts(&parts), ["one 1", "two 5", "three 10"]);
    let scrolls = format!("{off}two\r\n3\r\n4\r\n5\r\n6\r\n{on}\x1b[Hother");
    let parts = [
        (1, "one\r\n"),
        (2, &begin),
        (5, &scrolls),
        (9, off),
        (10, "7"),
    ];
    assert_eq!(
        firsts(&parts),
        ["one 1", "two 5", "3 5", "4 5", "5 5", "6 5", "7 10"]
    );
}

#[test]
fn a_line_whose_first_row_is_blank_has_its_time() {
    let line = format!("{}word\r\n", " ".repeat(20));
    for [on, off] in [["", ""], ["\x1b[?1049h above", "\x1b[?1049l"]] {
        let parts = [(1, &*line), (3, on), (4, off), (5, "\n\n\n\n\n\nend")];
        let lines = lines(&parts, 9);
        let found = lines
            .iter()
            .find(|line| line.text.ends_with("word"))
            .unwrap();
        assert_eq!(found.time_of(found.text.len()) / SECOND, 1, "{lines:?}");
    }
}

#[test]
fn bars_and_prompts_that_are_redrawn_are_one_line() {
    let parts = [
        (1, "fetch [#   ] 25%"),
        (5, "\rfetch [##  ] 50%"),
        (9, "\r\x1b[K"),
        (9, "fetch [####] 100%\r\n"),
        (12, "$ l"),
        (15, "s"),
        (18, "\r\nfile\r\n"),
    ];
    assert_eq!(
        told(&parts, 20),
        in_text(&["fetch [####] 100%", "$ ls", "file"])
    );
}

#[test]
fn what_was_overwritten_is_told_if_it_could_be_read() {
    let parts = [
        (1, "Continue? [y/N]"),
        (4, "\r\x1b[Kflash"),
        (4, "\r\x1b[Kdone\r\n"),
    ];
    let expected = [
        ("Continue? [y/N]".to_owned(), Seen::Overwritten),
        ("done".to_owned(), Seen::InText),
    ];
    assert_eq!(told(&parts, 9), expected);
}

#[test]
fn pages_of_the_alternate_screen_are_told_row_by_row() {
    let page = |numbers: std::ops::Range<u32>| {
        let rows: Vec<String> = numbers.map(|n| format!("{n} bottles")).collect();
        format!("\x1b[H\x1b[J{}", rows.join("\r\n"))
    };
    let parts = [
        (1, "before\r\n\x1b[?1049h".to_owned()),
        (1, page(1..5)),
        (5, page(3..7)),
        // Nobody reads that.
        (9, page(50..54)),
        (9, page(5..9)),
        (14, "\x1b[?1049l".to_owned()),
        (14, "after\r\n".to_owned()),
    ];
    let parts: Vec<_> = parts
        .iter()
        .map(|(time, part)| (*time, part.as_str()))
        .collect();
    let told = told(&parts, 15);
    let alternate: Vec<&str> = told
        .iter()
        .filter(|(_, seen)| *seen == Seen::OnAlternate)
        .map(|(text, _)| text.as_str())
        .collect();
    let mut sorted = alternate.clone();
    sorted.sort_unstable();
    let all: Vec<String> = (1..9).map(|n| format!("{n} bottles")).collect();
    assert_eq!(sorted, all);
    let text: Vec<_> = told
        .into_iter()
        .filter(|(_, seen)| *seen == Seen::InText)
        .collect();
    assert_eq!(text, in_text(&["before", "after"]));
}

#[test]
fn a_clock_on_the_alternate_screen_does_not_fill_the_text() {
    let ticks = (0..1000).map(|n| (2 * n, format!("\x1b[H\x1b[?1049huptime {n:>6} s")));
    let ticks: Vec<_> = ticks.collect();
    let parts: Vec<_> = ticks
        .iter()
        .map(|(time, part)| (*time, part.as_str()))
        .collect();
    let told = told(&parts, 3000);
    assert!(told.len() <= 6, "{told:?}");
    assert_eq!(told.last().unwrap().0, "uptime    999 s");
}

#[test]
fn a_new_size_keeps_lines_and_their_times() {
    let mut shown = Shown::new(20, 5, Rules::TMUX_3_7);
    shown.feed(SECOND, b"a line that is longer than a row\r\nx\r\n");
    shown.resize(5 * SECOND, 40, 5);
    shown.feed(6 * SECOND, b"y\r\n\r\n\r\n\r\n");
    shown.resize(7 * SECOND, 10, 3);
    shown.finish(8 * SECOND);
    let lines = std::iter::from_fn(|| shown.next_line());
    let lines = lines.filter(|line| !line.text.is_empty());
    let told: Vec<_> = lines.map(|line| (line.text, line.first / SECOND)).collect();
    let expected = [("a line that is longer than a row", 1), ("x", 1), ("y", 6)];
    assert_eq!(told, expected.map(|(text, first)| (text.to_owned(), first)));
}

#[test]
fn what_clear_takes_out_of_the_history_was_on_the_screen() {
    // As ncurses' `clear` prints it, in one write with what it wipes.
    let cleared = "one\r\ntwo\r\n\x1b[H\x1b[J\x1b[3Jnext";
    let expected = in_text(&["one", "two", "next"]);
    assert_eq!(told(&[(1, cleared)], 2), expected);
    // The start of a line that goes on on the screen.
    let letters: String = ('a'..='z').cycle().take(120).collect();
    let cut = format!("{letters}\x1b[3J");
    let lines = lines(&[(1, &cut)], 2);
    let parts: Vec<_> = lines
        .iter()
        .map(|line| (line.text.as_str(), line.continues))
        .collect();
    assert_eq!(parts, [(&letters[..20], true), (&letters[20..], false)]);
}

#[test]
fn what_scrolls_off_far_in_one_write_is_told() {
    let text = "one\r\ntwo\r\nthree\r\n";
    let expected = in_text(&["one", "two", "three", "next"]);
    let is_told = |scrolls: &str| {
        // Many more rows than the history holds, which is full.
        let full = "\r\n".repeat(3000);
        let parts = [(1, full.as_str()), (1, text), (1, scrolls), (1, "next")];
        let mut told = told(&parts, 2);
        told.retain(|(text, _)| !text.is_empty());
        assert_eq!(told, expected, "{scrolls:?}");
    };
    is_told(&"\n".repeat(1024));
    is_told(&"\x1b[5S".repeat(250));
    // Into the history goes what is cleared, too.
    let cleared: Vec<String> = (0..90).map(|number| format!("a {number}")).collect();
    let printed = format!("\x1b[H{}\x1b[2J", cleared.join("\x1b[2J\x1b[5H"));
    let full = "\r\n".repeat(3000);
    let told = told(&[(1, &full), (1, &printed)], 2);
    let told: Vec<String> = told
        .into_iter()
        .map(|(text, _)| text)
        .filter(|t| !t.is_empty())
        .collect();
    assert_eq!(told, cleared);
}

#[test]
fn a_line_without_end_comes_in_parts() {
    let mut shown = Shown::new(10, 5, Rules::TMUX_3_7);
    let text: String = ('a'..='z').cycle().take(100_000).collect();
    shown.feed(0, text.as_bytes());
    shown.feed(0, b"\r\nend");
    shown.finish(1);
    let lines: Vec<_> = std::iter::from_fn(|| shown.next_line()).collect();
    let (last, parts) = lines.split_last().unwrap();
    assert_eq!(last.text, "end");
    assert!(parts.len() > 5 && parts.iter().rev().skip(1).all(|line| line.continues));
    assert!(!parts.last().unwrap().continues);
    assert_eq!(
        parts
            .iter()
            .map(|line| line.text.as_str())
            .collect::<String>(),
        text
    );
}

/// A stream without what removes lines of the history.
fn stream(random: &mut Rng, alternate: bool) -> Vec<Vec<u8>> {
    let banned: &[&[u8]] = if alternate {
        &[b"3J", b"\x1bc"]
    } else {
        &[b"3J", b"47h", b"1049h"]
    };
    let mut parts = Vec::new();
    while parts.len() < 60 {
        let mut bytes = Vec::new();
        random::piece(random, &mut bytes, (10, 5));
        let has = |needle: &&[u8]| bytes.windows(needle.len()).any(|window| window == *needle);
        // An unfinished sequence could become one of these with the next piece.
        if !banned.iter().any(has) && bytes.last() != Some(&0x1b) {
            bytes.extend(b"\x18");
            parts.push(bytes);
        }
    }
    parts
}

#[test]
fn the_text_is_all_that_scrolled_off_and_what_is_left() {
    for seed in 0..400 {
        let mut random = Rng::with_seed(seed);
        let mut shown = Shown::new(10, 5, Rules::TMUX_3_7);
        let mut whole = Screen::with_history(10, 5, Rules::TMUX_3_7, 100_000);
        let mut time = 0;
        for bytes in stream(&mut random, false) {
            time += random.u64(..SETTLED * 2);
            shown.feed(time, &bytes);
            whole.feed(&bytes);
        }
        shown.finish(time);
        let lines: Vec<ShownLine> = std::iter::from_fn(|| shown.next_line()).collect();
        let mut text: Vec<String> = Vec::new();
        let mut line = String::new();
        let history =
            (0..whole.history()).map(|y| (whole.history_runs(y), whole.is_history_wrapped(y)));
        let rows = (0..5).map(|y| {
            (
                whole.runs(Which::Shown, y),
                whole.is_wrapped(Which::Shown, y),
            )
        });
        for (runs, wrapped) in history.chain(rows) {
            line.extend(runs.iter().map(|run| run.text.as_str()));
            if !wrapped {
                text.push(std::mem::take(&mut line).trim_end_matches(' ').to_owned());
            }
        }
        text.push(line);
        let mut told: Vec<String> = lines
            .iter()
            .filter(|line| line.seen == Seen::InText)
            .map(|line| line.text.clone())
            .collect();
        for list in [&mut text, &mut told] {
            while list
                .last()
                .is_some_and(|line| line.trim_end_matches(' ').is_empty())
            {
                list.pop();
            }
        }
        // Rows that were erased with a background have blanks that nothing wrote.
        let plain = |lines: &[String]| lines.join("\n").replace(' ', "");
        assert_eq!(plain(&told), plain(&text), "seed {seed}");
        assert!(
            lines.iter().all(|line| line.first <= line.last),
            "seed {seed}"
        );
    }
}

/// Whether a piece moves rows about.
fn moves_rows(bytes: &[u8]) -> bool {
    let sequence = bytes.strip_suffix(b"\x18").unwrap_or(bytes);
    sequence.starts_with(b"\x1b")
        && sequence
            .last()
            .is_some_and(|last| b"rSTLMDE".contains(last))
}

#[test]
fn each_row_that_could_be_read_is_told() {
    for seed in 0..400 {
        let mut random = Rng::with_seed(seed);
        let mut shown = Shown::new(10, 5, Rules::TMUX_3_7);
        let mut screen = Screen::new(10, 5, Rules::TMUX_3_7);
        let mut time = 0;
        // Since when each row shows what it shows.
        let mut since: Vec<(u64, String)> = vec![(0, String::new()); 5];
        let mut look = screen.look();
        let mut readable: HashSet<String> = HashSet::new();
        for bytes in stream(&mut random, true) {
            if moves_rows(&bytes) {
                continue;
            }
            time += random.u64(..SETTLED * 2);
            for (start, text) in &since {
                if time - start >= SETTLED {
                    readable.insert(text.clone());
                }
            }
            shown.feed(time, &bytes);
            screen.feed(&bytes);
            for y in screen.changed_since(look) {
                since[y] = (time, screen.text(Which::Shown, y));
            }
            look = screen.look();
        }
        shown.finish(time);
        let told: Vec<String> = std::iter::from_fn(|| shown.next_line())
            .map(|line| line.text)
            .collect();
        let letters = |text: &str| {
            text.chars()
                .filter(|c| c.is_alphabetic())
                .collect::<String>()
        };
        let keys: HashSet<String> = told.iter().map(|text| letters(text)).collect();
        for text in readable.iter().filter(|text| !letters(text).is_empty()) {
            let is_told = told.iter().any(|told| told.contains(text.as_str()))
                || keys.iter().any(|key| key.contains(&letters(text)));
            assert!(is_told, "seed {seed}: {text:?} of {told:?}");
        }
    }
}

#[test]
fn how_the_bytes_are_cut_changes_no_line() {
    for seed in 0..200 {
        let mut random = Rng::with_seed(seed);
        let mut whole = Shown::new(10, 5, Rules::TMUX_3_7);
        let mut cut = whole.clone();
        let mut time = 0;
        for bytes in stream(&mut random, true) {
            time += random.u64(..SETTLED * 2);
            whole.feed(time, &bytes);
            bytes.iter().for_each(|byte| cut.feed(time, &[*byte]));
        }
        whole.finish(time);
        cut.finish(time);
        let all =
            |mut shown: Shown| std::iter::from_fn(move || shown.next_line()).collect::<Vec<_>>();
        let text = |lines: Vec<ShownLine>| {
            let lines = lines.into_iter().filter(|line| line.seen == Seen::InText);
            lines.collect::<Vec<_>>()
        };
        assert_eq!(text(all(whole)), text(all(cut)), "seed {seed}");
    }
}

#[test]
fn one_that_was_saved_goes_on_as_it_would_have() {
    for seed in 0..200 {
        let mut random = Rng::with_seed(seed);
        let mut one = Shown::new(10, 5, Rules::TMUX_3_7);
        let mut other = one.clone();
        let (mut time, mut lines) = (0, [Vec::new(), Vec::new()]);
        for bytes in stream(&mut random, true) {
            time += random.u64(..SETTLED * 2);
            if random.u32(..8) == 0 {
                let size = (random.u16(5..20), random.u16(3..8));
                one.resize(time, size.0, size.1);
                other.resize(time, size.0, size.1);
            }
            one.feed(time, &bytes);
            other.feed(time, &bytes);
            for (shown, lines) in [&mut one, &mut other].into_iter().zip(&mut lines) {
                lines.extend(std::iter::from_fn(|| shown.next_line()));
            }
            other = Shown::restore(&other.save()).unwrap();
        }
        for (mut shown, lines) in [one, other].into_iter().zip(&mut lines) {
            shown.finish(time);
            lines.extend(std::iter::from_fn(|| shown.next_line()));
        }
        assert_eq!(lines[0], lines[1], "seed {seed}");
    }
    assert!(Shown::restore(b"nothing of the kind").is_err());
}

#[test]
fn a_line_says_when_each_part_of_it_was_there() {
    let at = |parts: &[(u64, &str)], text: &str| {
        let lines = lines(parts, 90);
        let line = lines.iter().find(|line| line.text.contains(text));
        let line = line.unwrap_or_else(|| panic!("{text}: {lines:?}"));
        let end = line.text.find(text).unwrap() + text.len();
        line.time_of(end) / SECOND
    };
    let typed = [(1, "$ "), (5, "one"), (9, " two"), (20, "\r\n")];
    assert_eq!(at(&typed, "$"), 1);
    assert_eq!(at(&typed, "one"), 5);
    assert_eq!(at(&typed, "two"), 9);
    let repainted = [(1, "same"), (9, "\r\x1b[2Ksame"), (20, "\r\n")];
    assert_eq!(at(&repainted, "same"), 1);
    // Before an editor, and an editor in another size.
    let below = [
        (1, "one\r\n"),
        (2, "two\x1b[?1049h"),
        (30, "\x1b[?1049l"),
        (40, "\r\n\n\n\n\n\n"),
    ];
    assert_eq!([at(&below, "one"), at(&below, "two")], [1, 2]);
    let mut shown = Shown::new(20, 5, Rules::TMUX_3_7);
    shown.feed(SECOND, b"one two three\r\n\x1b[?1049h");
    shown.resize(5 * SECOND, 12, 4);
    shown.feed(9 * SECOND, b"\x1b[?1049l\r\n\n\n\n\n\n");
    let line = std::iter::from_fn(|| shown.next_line()).find(|line| line.text.contains("one"));
    let line = line.unwrap();
    assert_eq!(
        (
            line.text.as_str(),
            line.first / SECOND,
            line.time_of(13) / SECOND
        ),
        ("one two three", 1, 1)
    );
}
