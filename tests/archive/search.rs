//! Lines that were seen are found, at their moment, once.

use fastrand::Rng;
use serde_json::Value;
use tvmux::cast::{Code, Header};

use crate::casts::Made;
use crate::support::tvmux::Tvmux;
use crate::{found, made, write};

/// What each hit says: cast without its suffix, second, line.
fn told(hits: &[Value]) -> Vec<(String, f64, String)> {
    let told = |hit: &Value| {
        let path = hit["cast"].as_str().unwrap();
        let name = path.rsplit('/').next().unwrap().trim_end_matches(".cast");
        let line = hit["line"].as_str().unwrap();
        (
            name.to_owned(),
            hit["time"].as_f64().unwrap(),
            line.to_owned(),
        )
    };
    hits.iter().map(told).collect()
}

/// How a snapshot of tvmux begins, and clears the screen.
const SNAPSHOT: &str = "\x18\x1b\\\x1b[?2026l\x1b[!p\x1b[?1049l\x1b[2;1H\x1b[J\x1b[H\x1b[2K";

#[test]
fn each_kind_of_line_is_found_once_at_its_moment() {
    let user = Tvmux::new();
    let snapshot = format!("{SNAPSHOT}paneB-needle\r\n$ ");
    let again = format!("{SNAPSHOT}pane-A-needle\r\nsecond\r\n$ ");
    let wrapped = "wrapped-needle ".to_owned() + &"0123456789".repeat(9) + "end-needle\r\n";
    let texts = [
        ("plain", vec![(1.0, "plain-needle\r\n"), (9.0, "x\r\n")]),
        (
            "colour",
            vec![(1.0, "\x1b[31mcolour\x1b[1m-nee\x1b[mdle\r\n"), (9.0, "x")],
        ),
        // Typed at a prompt that was there before.
        (
            "typed",
            vec![
                (1.0, "$ "),
                (50.0, "echo typed-"),
                (50.2, "needle"),
                (50.4, "\r\n"),
                (90.0, "x"),
            ],
        ),
        (
            "slowly",
            vec![
                (1.0, "start slowly-needle"),
                (30.0, " and its end\r\n"),
                (60.0, "x"),
            ],
        ),
        ("wrapped", vec![(2.0, &*wrapped), (9.0, "x")]),
        (
            "bar",
            vec![
                (1.0, "1% bar-needle"),
                (1.1, "\r2% bar-needle"),
                (1.2, "\r3% bar-needle\r\n"),
                (9.0, "x"),
            ],
        ),
        (
            "full",
            vec![
                (1.0, "\x1b[?1049h\x1b[Hfull-needle"),
                (4.0, "\x1b[2J\x1b[Hother"),
                (8.0, "\x1b[?1049l"),
            ],
        ),
        // Redrawn as it is, over and over.
        (
            "redrawn",
            vec![
                (1.0, "\x1b[?1049h\x1b[Hredrawn-needle"),
                (3.0, "\x1b[Hredrawn-needle"),
                (6.0, "\x1b[2J\x1b[Hredrawn-needle"),
                (9.0, "\x1b[?1049l"),
            ],
        ),
        (
            "gone",
            vec![
                (1.0, "gone-needle"),
                (5.0, "\r\x1b[2Ksomething else\r\n"),
                (9.0, "x"),
            ],
        ),
        // Two panes, back and forth.
        (
            "panes",
            vec![
                (1.0, "pane-A-needle\r\n$ "),
                (5.0, &*snapshot),
                (9.0, &*again),
                (12.0, "x\r\n"),
            ],
        ),
    ];
    for (name, events) in &texts {
        write(&user, &format!("{name}.cast"), &made(events));
    }
    let expected = [
        ("plain-needle", "plain", 1.0),
        ("colour-needle", "colour", 1.0),
        ("typed-needle", "typed", 50.2),
        ("slowly-needle", "slowly", 1.0),
        ("its end", "slowly", 30.0),
        ("wrapped-needle", "wrapped", 2.0),
        ("9end-needle", "wrapped", 2.0),
        ("bar-needle", "bar", 1.2),
        ("full-needle", "full", 1.0),
        ("redrawn-needle", "redrawn", 1.0),
        ("gone-needle", "gone", 1.0),
        ("paneB-needle", "panes", 5.0),
        ("pane-A-needle", "panes", 1.0),
    ];
    for (needle, name, time) in expected {
        let hits = told(&found(&user, &[needle]));
        assert_eq!(hits.len(), 1, "{needle}: {hits:?}");
        let (cast, at, line) = &hits[0];
        assert_eq!(cast, name);
        assert!(
            (at - time).abs() < 0.3,
            "{needle} is found at {at}, not {time}"
        );
        assert!(line.contains(needle));
    }
    assert_eq!(found(&user, &["no-such-needle"]).len(), 0);
    // The player's words.
    let words = user.ok(["search", "-q1", "full-needle"]);
    assert!(words.ends_with("full.cast --at 1\n"), "{words}");
    let screen = user.ok(["screenshot"].into_iter().chain(words.split_whitespace()));
    assert!(screen.contains("full-needle"), "{screen}");
}

#[test]
fn a_recording_that_grows_is_searched_as_far_as_it_is() {
    let user = Tvmux::new();
    let mut cast = made(&[]);
    let path = user.folder().join("casts/a.cast");
    let mut rng = Rng::with_seed(7);
    let mut lines = Vec::new();
    // Long enough that reading goes on where it ended.
    for _ in 0..2000 {
        let filling = format!("filling {:040}\r\n", 1);
        cast.events.push((0, Code::Output, filling));
    }
    for second in 0..12 {
        for _ in 0..rng.usize(1..20) {
            let line = format!("line-{:04}-of-{second}", lines.len());
            // At times one that is cut.
            let end = if rng.bool() { "\r\n" } else { "\x1b[0m\r\n" };
            cast.events
                .push((second * 1_000_000, Code::Output, format!("{line}{end}")));
            lines.push((line, second as f64));
        }
        std::fs::write(&path, cast.bytes()).unwrap();
        let mut hits = told(&found(&user, &["-E", "line-[0-9]+"]));
        hits.sort_by(|a, b| a.2.cmp(&b.2));
        let all: Vec<_> = hits
            .into_iter()
            .map(|(_, time, line)| (line, time))
            .collect();
        assert_eq!(all, lines, "after second {second}");
    }
}

#[test]
fn options_say_what_is_found() {
    let user = Tvmux::new();
    let cast = |title: &str, texts: &str, started: u64| {
        let mut cast = made(&[(1.0, texts), (9.0, "x")]);
        cast.header.title = Some(title.into());
        cast.header.timestamp = Some(started);
        cast
    };
    let old = cast(
        "old",
        "Alpha\r\nbeta alphabet\r\ngamma\r\n漢字 é\r\n",
        1_600_000_000,
    );
    write(&user, "2020-09-13_1226_box_main_@1_old.cast", &old);
    let new = cast("new", "alpha beta\r\ndelta\r\n", 1_700_000_000);
    write(&user, "2023-11-14_2213_box_other_@2_new.cast", &new);
    let lines = |args: &[&str]| -> Vec<String> {
        told(&found(&user, args))
            .into_iter()
            .map(|(_, _, line)| line)
            .collect()
    };
    assert_eq!(lines(&["alpha"]), ["alpha beta", "Alpha", "beta alphabet"]);
    assert_eq!(lines(&["Alpha"]), ["Alpha"]);
    assert_eq!(lines(&["-w", "alpha"]), ["alpha beta", "Alpha"]);
    assert_eq!(lines(&["-n", "1", "alpha"]), ["alpha beta"]);
    assert_eq!(
        lines(&["--until", "2021-01-01", "alpha"]),
        ["Alpha", "beta alphabet"]
    );
    assert_eq!(lines(&["--session", "other", "alpha"]), ["alpha beta"]);
    assert_eq!(
        lines(&["--in", "2020", "alpha"]),
        ["Alpha", "beta alphabet"]
    );
    assert_eq!(lines(&["-E", "^a.*a$"]), ["alpha beta", "Alpha"]);
    assert_eq!(lines(&["-E", "a{2}|^g"]), ["gamma"]);
    let best = lines(&["--by", "relevance", "alpha"]);
    assert_eq!(best, ["alpha beta", "Alpha", "beta alphabet"]);
    assert_eq!(lines(&["--by", "relevance", "-n1", "gamma"]), ["gamma"]);
    // Shorter than what is indexed, and beyond ASCII.
    assert_eq!(lines(&["字"]), ["漢字 é"]);
    assert_eq!(lines(&["É"]), [""; 0]);
    assert_eq!(lines(&["é"]), ["漢字 é"]);
    assert_eq!(lines(&["lt"]), ["delta"]);
    let hit = &found(&user, &["-C", "1", "gamma"])[0];
    assert_eq!(hit["before"][0], "beta alphabet");
    assert_eq!(hit["after"][0], "漢字 é");
    assert_eq!(
        (hit["session"].as_str(), hit["window"].as_str()),
        (Some("main"), Some("@1"))
    );
    assert_eq!(hit["started"], 1_600_000_000.0);
    let none = user.run(["search", "nowhere"]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0));
    let bad = user.run(["search", "-E", "("]);
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn needles_in_a_large_corpus_are_found_at_their_second() {
    let user = Tvmux::new();
    let mut rng = Rng::with_seed(3);
    let words = [
        "request", "cache", "worker", "socket", "flush", "commit", "漢字", "größe",
    ];
    let mut planted = Vec::new();
    for number in 0..6 {
        let mut cast = Made {
            header: Header {
                width: 100,
                height: 30,
                timestamp: Some(1_700_000_000 + number),
                ..Header::default()
            },
            events: Vec::new(),
        };
        let mut time = 0;
        for _ in 0..6000 {
            time += rng.u64(1000..200_000);
            let mut text = String::new();
            for _ in 0..rng.usize(2..14) {
                text += words[rng.usize(..words.len())];
                text.push(' ');
            }
            if rng.u32(..300) == 0 {
                let needle: String = (0..10).map(|_| rng.lowercase()).collect();
                text += &needle;
                planted.push((number, needle, time as f64 / 1e6));
            }
            if rng.u32(..400) == 0 {
                let (columns, rows) = (rng.u16(60..140), rng.u16(10..50));
                cast.events
                    .push((time, Code::Resize, format!("{columns}x{rows}")));
            }
            cast.events.push((time, Code::Output, text + "\r\n"));
        }
        write(&user, &format!("{number}.cast"), &cast);
    }
    user.ok(["archive", "update"]);
    assert!(planted.len() > 50);
    for (number, needle, time) in planted {
        let hits = told(&found(&user, &[&needle]));
        assert_eq!(hits.len(), 1, "{needle}: {hits:?}");
        assert_eq!(hits[0].0, number.to_string());
        assert!(
            (hits[0].1 - time).abs() < 0.001,
            "{needle}: {} for {time}",
            hits[0].1
        );
    }
}
