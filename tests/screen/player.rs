//! The player without a terminal: keys and times in, and what it draws into a
//! screen of the library's own.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use proptest::prelude::*;
use tvmux::screen::{Colour, Rules, Screen, Style, Which};
use tvmux::timeline::{Timeline, TimelineOptions};
use tvmux::view::frame::{Action, Frame, Painter};
use tvmux::view::player::{Options, Player, Speed};

const SECOND: u64 = 1_000_000;

/// Events of a cast: seconds, code, text.
type Events<'a> = &'a [(f64, char, &'a str)];

/// A cast in a file, which may grow.
struct Cast(tempfile::NamedTempFile);

impl Cast {
    fn new((columns, rows): (u16, u16), events: Events) -> Cast {
        let mut file = tempfile::Builder::new().suffix(".cast").tempfile().unwrap();
        writeln!(
            file,
            r#"{{"version": 2, "width": {columns}, "height": {rows}, "timestamp": 1764165900, "env": {{"TERM": "xterm"}}}}"#
        )
        .unwrap();
        let mut cast = Cast(file);
        cast.grow(events);
        cast
    }

    fn grow(&mut self, events: Events) {
        let mut lines = String::new();
        for (time, code, text) in events {
            let text = serde_json::to_string(text).unwrap();
            writeln!(lines, r#"[{time}, "{code}", {text}]"#).unwrap();
        }
        let file: &mut File = self.0.as_file_mut();
        file.write_all(lines.as_bytes()).unwrap();
    }
}

/// A player with a terminal that it draws on.
struct Stage {
    player: Player,
    painter: Painter,
    terminal: Screen,
    now: Duration,
}

impl Stage {
    /// With a cast that was gone through before.
    fn new(cast: &Cast, options: Options, size: (u16, u16)) -> Stage {
        let timeline = Timeline::open(cast.0.path(), TimelineOptions::default()).unwrap();
        timeline.duration().unwrap();
        Stage::of(timeline, options, size)
    }

    fn of(timeline: Timeline, options: Options, (columns, rows): (u16, u16)) -> Stage {
        let player = Player::new(timeline, options, (columns, rows), Duration::ZERO).unwrap();
        let mut stage = Stage {
            player,
            painter: Painter::default(),
            terminal: Screen::new(columns, rows, Rules::OTHER),
            now: Duration::ZERO,
        };
        stage.pass(0.0);
        stage
    }

    fn paused(cast: &Cast, size: (u16, u16)) -> Stage {
        let mut stage = Stage::new(cast, Options::default(), size);
        stage.keys(" ");
        stage
    }

    /// Lets time pass in steps of a tenth of a second, and finishes what takes long.
    fn pass(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.now < end {
            self.now = end.min(self.now + Duration::from_millis(100));
            self.player.advance(self.now, &mut || false);
        }
        self.settle();
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            self.player.advance(self.now, &mut || false);
            if !self.player.is_busy() {
                return;
            }
        }
        panic!("something takes forever");
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        let action = self.player.on(&Event::Key(KeyEvent::new(code, modifiers)));
        self.settle();
        action
    }

    fn keys(&mut self, keys: &str) {
        for c in keys.chars() {
            let code = if c == '\n' {
                KeyCode::Enter
            } else {
                KeyCode::Char(c)
            };
            assert_eq!(self.key(code, KeyModifiers::NONE), None);
        }
    }

    fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) {
        let modifiers = KeyModifiers::NONE;
        let mouse = MouseEvent {
            kind,
            column,
            row,
            modifiers,
        };
        assert_eq!(self.player.on(&Event::Mouse(mouse)), None);
        self.settle();
    }

    /// What the terminal shows, drawn row by changed row: the same as drawn at once.
    fn rows(&mut self) -> Vec<String> {
        let frame = self.player.draw();
        let mut bytes = String::new();
        self.painter.paint(frame.clone(), &mut bytes);
        self.terminal.feed(bytes.as_bytes());
        let (columns, rows) = self.terminal.size();
        let fresh = painted(&frame, columns, rows);
        let text = |screen: &Screen, y| screen.text(Which::Shown, y);
        for y in 0..usize::from(rows) {
            assert_eq!(
                characters(&self.terminal, y),
                characters(&fresh, y),
                "row {y}"
            );
        }
        let cursor = self.terminal.cursor();
        let place = cursor.visible.then_some((cursor.column, cursor.row));
        assert_eq!(place, frame.cursor);
        (0..usize::from(rows))
            .map(|y| text(&self.terminal, y))
            .collect()
    }

    /// All rows but that of the bar, without blank ones at the end.
    fn shown(&mut self) -> String {
        let mut rows = self.rows();
        rows.pop();
        rows.join("\n").trim_end().to_owned()
    }

    fn bar(&mut self) -> String {
        self.rows().pop().unwrap()
    }

    fn seconds(&self) -> f64 {
        self.player.position() as f64 / SECOND as f64
    }
}

/// All that is not blank in a row.
fn characters(screen: &Screen, y: usize) -> Vec<(usize, String, Style)> {
    let mut all = Vec::new();
    screen.each_character(Which::Shown, y, |character| {
        let (text, style) = (character.text, character.style);
        if text != " " || style != Style::default() {
            all.push((character.column, text.to_owned(), style));
        }
    });
    all
}

fn painted(frame: &Frame, columns: u16, rows: u16) -> Screen {
    let mut bytes = String::new();
    Painter::default().paint(frame.clone(), &mut bytes);
    let mut screen = Screen::new(columns, rows, Rules::OTHER);
    screen.feed(bytes.as_bytes());
    screen
}

/// A line each second, from 0 to 100.
fn count() -> Cast {
    let texts: Vec<String> = (0..=100).map(|n| format!("line {n}\r\n")).collect();
    let events: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| (n as f64, 'o', text.as_str()))
        .collect();
    Cast::new((20, 6), &events)
}

#[test]
fn a_cast_is_played_at_its_pace_or_another() {
    let cast = count();
    let mut stage = Stage::new(&cast, Options::default(), (40, 8));
    assert_eq!(
        stage
            .shown()
            .lines()
            .next()
            .unwrap()
            .trim_end_matches(['│', ' ']),
        "line 0"
    );
    stage.pass(2.0);
    assert_eq!(stage.seconds(), 2.0);
    assert!(stage.shown().contains("line 2"));
    stage.keys("+++");
    assert!(stage.bar().contains("4x"), "{}", stage.bar());
    stage.pass(2.0);
    assert_eq!(stage.seconds(), 10.0);
    stage.keys(" ");
    stage.pass(5.0);
    assert_eq!(stage.seconds(), 10.0);
    stage.keys("= ");
    stage.pass(1.0);
    assert_eq!(stage.seconds(), 11.0);
    stage.key(KeyCode::End, KeyModifiers::NONE);
    stage.pass(1.0);
    assert!(stage.player.is_at_end());
    assert!(stage.shown().contains("line 100"));
    assert!(
        stage.bar().starts_with("■ 1:40.000/1:40"),
        "{}",
        stage.bar()
    );
    // Once more, from the start.
    stage.keys(" ");
    assert_eq!(stage.seconds(), 0.0);
    stage.pass(1.0);
    assert_eq!(stage.seconds(), 1.0);

    let options = Options {
        speed: Speed::Max,
        ..Options::default()
    };
    let mut stage = Stage::new(&cast, options, (40, 8));
    stage.pass(0.1);
    assert!(stage.player.is_at_end());
    assert_eq!(stage.player.wait(), Some(Duration::from_millis(100)));
}

#[test]
fn keys_go_to_any_moment() {
    let mut stage = Stage::paused(&count(), (80, 8));
    stage.keys("5");
    assert_eq!(stage.seconds(), 50.0);
    let (none, shift) = (KeyModifiers::NONE, KeyModifiers::SHIFT);
    for (code, modifiers, seconds) in [
        (KeyCode::Right, none, 55.0),
        (KeyCode::Left, none, 50.0),
        (KeyCode::Right, shift, 100.0),
        (KeyCode::Left, shift, 40.0),
        (KeyCode::Left, shift, 0.0),
        (KeyCode::End, none, 100.0),
        (KeyCode::Home, none, 0.0),
    ] {
        stage.key(code, modifiers);
        assert_eq!(stage.seconds(), seconds, "{code:?}");
        let last = format!("line {}", seconds as u64);
        assert!(stage.shown().contains(&last));
        assert!(
            !stage
                .shown()
                .contains(&format!("line {}", seconds as u64 + 1))
        );
    }
    for (typed, seconds) in [
        ("g90\n", 90.0),
        ("g1:30\n", 90.0),
        ("g25%\n", 25.0),
        ("g-10s\n", 90.0),
        ("g0\n", 0.0),
    ] {
        stage.keys(typed);
        assert_eq!(stage.seconds(), seconds, "{typed}");
    }
    stage.keys("gno such marker\n");
    assert!(stage.bar().contains("no marker"), "{}", stage.bar());
    stage.keys("g90");
    stage.key(KeyCode::Esc, none);
    assert_eq!(stage.seconds(), 0.0);
}

#[test]
fn frames_are_gone_through_one_by_one() {
    let cast = Cast::new(
        (20, 4),
        &[
            (0.5, 'o', "a"),
            (0.5, 'o', "b"),
            (0.7, 'i', "x"),
            (1.0, 'o', "c"),
            (9.0, 'o', "d"),
        ],
    );
    let mut stage = Stage::paused(&cast, (20, 5));
    let mut after = |keys: &str| {
        stage.keys(keys);
        stage.shown().lines().next().unwrap_or_default().to_owned()
    };
    let all = [".", ".", ".", ".", ",", ",", ",", ","].map(&mut after);
    assert_eq!(all, ["ab", "abc", "abcd", "abcd", "abc", "ab", "", ""]);
}

#[test]
fn markers_and_commands_are_jumped_to() {
    let cast = Cast::new(
        (30, 4),
        &[
            (1.0, 'o', "\x1b]133;A\x07$ \x1b]133;B\x07"),
            (2.0, 'o', "ls\r\n\x1b]133;C\x07"),
            (
                3.0,
                'o',
                "file\r\n\x1b]133;D;0\x07\x1b]133;A\x07$ \x1b]133;B\x07",
            ),
            (4.0, 'm', "first"),
            (5.0, 'o', "false\r\n\x1b]133;C\x07"),
            (6.0, 'o', "\x1b]133;D;1\x07\x1b]133;A\x07$ \x1b]133;B\x07"),
            (7.0, 'm', "second"),
            (10.0, 'o', "end"),
        ],
    );
    let mut stage = Stage::paused(&cast, (80, 5));
    for (key, seconds, said) in [
        ("]", 4.0, "first"),
        ("]", 7.0, "second"),
        ("]", 7.0, "no marker after this"),
        ("[", 4.0, "first"),
        ("[", 4.0, "no marker before this"),
        ("}", 5.0, "$ false"),
        ("{", 2.0, "$ ls"),
        ("f", 6.0, "exit status 1: false"),
        ("f", 6.0, "no failed command after this"),
        ("F", 6.0, "no failed command before this"),
    ] {
        stage.keys(key);
        assert_eq!(stage.seconds(), seconds, "{key}");
        assert!(stage.bar().contains(said), "{key}: {}", stage.bar());
    }
    stage.keys("gsecond\n");
    assert_eq!(stage.seconds(), 7.0);
    // While it plays, one step back is to the marker before.
    stage.keys(" ");
    stage.pass(0.5);
    stage.keys("[");
    assert_eq!(stage.seconds(), 4.0);
    let mut stage = Stage::new(
        &cast,
        Options {
            pauses_on_markers: true,
            ..Options::default()
        },
        (80, 5),
    );
    stage.pass(20.0);
    assert_eq!(stage.seconds(), 4.0);
    assert!(stage.player.is_paused());
    stage.keys(" ");
    stage.pass(20.0);
    assert_eq!(stage.seconds(), 7.0);
}

#[test]
fn ticks_stand_where_markers_and_failures_are() {
    let cast = Cast::new(
        (20, 4),
        &[
            (5.0, 'm', ""),
            (7.4, 'o', "\x1b]133;C\x07\x1b]133;D;3\x07"),
            (10.0, 'o', "end"),
        ],
    );
    let mut stage = Stage::paused(&cast, (60, 5));
    let bar = stage.bar();
    let progress: String = bar.chars().skip_while(|c| *c != '█').collect();
    let ticks: Vec<usize> = progress
        .chars()
        .enumerate()
        .filter(|(_, c)| *c == '┃')
        .map(|(at, _)| at)
        .collect();
    let last = progress.chars().count() - 1;
    assert_eq!(ticks, [last * 5 / 10, last * 74 / 100], "{bar}");
}

#[test]
fn everything_that_was_ever_shown_is_found() {
    let cast = Cast::new(
        (30, 3),
        &[
            (1.0, 'o', "an apple\r\n"),
            (2.0, 'o', "\x1b[2J\x1b[H"),
            (3.0, 'o', "1\r\n2\r\n3\r\n4\r\n"),
            (4.0, 'o', "Apple pie"),
            (5.0, 'o', "\x1b[?1049h\x1b[Happ\x1b[1;4Hle"),
            (6.0, 'o', "\x1b[?1049l"),
            (7.0, 'o', "\r\n5\r\n6\r\n7\r\n"),
            (900.0, 'o', "the end"),
        ],
    );
    let mut stage = Stage::paused(&cast, (80, 4));
    let none = KeyModifiers::NONE;
    for (keys, seconds) in [
        ("/apple\n", 1.0),
        ("n", 4.0),
        ("n", 5.0),
        // The normal screen comes back, and with it what it had.
        ("n", 6.0),
        ("N", 5.0),
        ("N", 4.0),
        ("N", 1.0),
        ("N", 1.0),
        ("/Apple\n", 4.0),
        ("?an apple\n", 1.0),
        ("/\x12a.*e$\n", 4.0),
    ] {
        for c in keys.chars() {
            match c {
                '\x12' => drop(stage.key(KeyCode::Char('r'), KeyModifiers::CONTROL)),
                c => stage.keys(&c.to_string()),
            }
        }
        assert_eq!(stage.seconds(), seconds, "{keys:?}: {}", stage.bar());
    }
    stage.key(KeyCode::End, none);
    stage.keys("?4\n");
    assert_eq!(stage.seconds(), 6.0);
    stage.keys("/nothing like it\n");
    assert!(stage.bar().contains("not found"), "{}", stage.bar());
    stage.keys("/a(\n");
    assert!(stage.bar().contains("unclosed"), "{}", stage.bar());
}

#[test]
fn a_search_goes_on_in_steps_and_can_be_ended() {
    let mut stage = Stage::paused(&count(), (80, 8));
    stage.key(KeyCode::End, KeyModifiers::NONE);
    for c in "?line 3\n".chars() {
        let code = if c == '\n' {
            KeyCode::Enter
        } else {
            KeyCode::Char(c)
        };
        stage
            .player
            .on(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }
    let mut steps = 0;
    while stage.player.is_busy() {
        stage.player.advance(stage.now, &mut || true);
        assert!(stage.player.wait().is_some());
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
    assert_eq!(stage.seconds(), 39.0);
    stage.player.on(&Event::Key(KeyCode::Char('n').into()));
    stage.player.advance(stage.now, &mut || true);
    assert!(stage.player.is_busy());
    stage.player.on(&Event::Key(KeyCode::Esc.into()));
    assert!(!stage.player.is_busy());
    assert_eq!(stage.seconds(), 39.0);
}

#[test]
fn pauses_are_folded_on_request() {
    let events = &[
        (0.0, 'o', "a"),
        (100.0, 'o', "b"),
        (101.0, 'o', "c"),
        (103.0, 'o', "d"),
    ];
    let cast = Cast::new((20, 4), events);
    let mut stage = Stage::new(
        &cast,
        Options {
            idle: Some(SECOND),
            ..Options::default()
        },
        (80, 5),
    );
    stage.pass(0.5);
    assert_eq!(stage.seconds(), 50.0);
    stage.pass(0.5);
    assert_eq!(stage.seconds(), 100.0);
    stage.pass(1.5);
    assert_eq!(stage.seconds(), 102.0);
    stage.keys("i");
    stage.pass(0.5);
    assert_eq!(stage.seconds(), 102.5);
    assert!(stage.bar().contains("pauses as recorded"));
}

#[test]
fn the_end_is_a_start_again_or_goes_on() {
    let cast = Cast::new((20, 4), &[(0.0, 'o', "a"), (1.0, 'o', "b")]);
    let mut stage = Stage::new(
        &cast,
        Options {
            is_looped: true,
            ..Options::default()
        },
        (80, 5),
    );
    stage.pass(5.5);
    assert!(stage.seconds() < 1.0 && !stage.player.is_at_end());

    let mut cast = Cast::new((20, 4), &[(0.0, 'o', "a"), (1.0, 'o', "b")]);
    let mut stage = Stage::new(
        &cast,
        Options {
            follows: true,
            ..Options::default()
        },
        (80, 5),
    );
    assert_eq!((stage.seconds(), stage.player.is_at_end()), (1.0, true));
    assert!(stage.bar().starts_with('●'), "{}", stage.bar());
    cast.grow(&[(600.0, 'o', "c"), (601.0, 'm', "late")]);
    stage.pass(0.1);
    assert_eq!(stage.seconds(), 601.0);
    assert!(stage.shown().starts_with("abc"), "{}", stage.shown());
    // Paused, it stays; from its end on it is live again.
    stage.keys(" ");
    cast.grow(&[(602.0, 'o', "d")]);
    stage.pass(2.0);
    assert!(stage.shown().starts_with("abc") && !stage.shown().contains('d'));
    stage.key(KeyCode::End, KeyModifiers::NONE);
    assert!(stage.shown().starts_with("abcd"));
    cast.grow(&[(700.0, 'o', "e")]);
    stage.pass(0.1);
    assert!(stage.shown().starts_with("abcde"));
}

#[test]
fn a_large_screen_is_cropped_around_its_cursor_and_moved_over() {
    let wide: String = (0..12).map(|n| format!("{n:_<10}")).collect();
    let rows: String = (0..30)
        .map(|n| format!("\x1b[{};1Hrow {n:02}", n + 1))
        .collect();
    let start = format!("\x1b[1;1H{wide}\x1b[1;1H");
    let cast = Cast::new(
        (120, 30),
        &[
            (0.0, 'o', &rows),
            (0.0, 'o', &start),
            (1.0, 'o', "\x1b[30;1H"),
            (2.0, 'o', "\x1b[1;115H"),
            (3.0, 'o', "\x1b[1;1H\u{4e2d}\u{6587}"),
        ],
    );
    let mut stage = Stage::paused(&cast, (40, 11));
    // Without the border: nothing is smaller than its place.
    assert!(stage.shown().starts_with("0_________1_________"));
    stage.keys(".");
    assert!(stage.shown().starts_with("row 20") && stage.shown().ends_with("row 29"));
    stage.keys(".");
    assert!(stage.shown().contains("11________"), "{}", stage.shown());
    stage.keys(".");
    assert!(stage.shown().starts_with("\u{4e2d}\u{6587}"));
    let alt = KeyModifiers::ALT;
    for _ in 0..2 {
        stage.key(KeyCode::Right, alt);
    }
    stage.key(KeyCode::Down, KeyModifiers::NONE);
    // Row 1, behind the end of its text.
    assert_eq!(stage.rows()[0], "");
    stage.keys("c");
    assert!(stage.shown().starts_with("\u{4e2d}\u{6587}"));
    stage.mouse(MouseEventKind::ScrollRight, 1, 1);
    assert!(stage.rows()[0].starts_with("__1___"), "{}", stage.rows()[0]);
}

#[test]
fn wide_characters_are_cut_at_both_edges() {
    let text = "\u{4e2d}".repeat(30);
    let cast = Cast::new((60, 2), &[(0.0, 'o', &text), (1.0, 'o', "\x1b[2;1H")]);
    for columns in [9_u16, 10, 11] {
        let mut stage = Stage::paused(&cast, (columns, 3));
        stage.keys(".");
        let whole = usize::from(columns) / 2;
        assert_eq!(stage.rows()[0], "\u{4e2d}".repeat(whole));
    }
    let text = format!("x{}", "\u{4e2d}".repeat(29));
    let cast = Cast::new((60, 2), &[(0.0, 'o', &text), (1.0, 'o', "\x1b[2;1H")]);
    let mut stage = Stage::paused(&cast, (10, 3));
    stage.keys(".");
    stage.key(KeyCode::Right, KeyModifiers::ALT);
    assert_eq!(stage.rows()[0], format!(" {}", "\u{4e2d}".repeat(4)));
}

#[test]
fn sizes_are_true() {
    let cast = Cast::new(
        (10, 3),
        &[
            (0.0, 'o', "abc"),
            (1.0, 'r', "14x2"),
            (2.0, 'o', "d"),
            (3.0, 'r', "90x20"),
            (4.0, 'o', "\x1b[20;90HX"),
        ],
    );
    let mut stage = Stage::paused(&cast, (20, 6));
    assert_eq!(
        stage.shown(),
        "abc       │\n          │\n          │\n──────────┘"
    );
    stage.keys("..");
    assert_eq!(
        stage.shown(),
        "abcd          │\n              │\n──────────────┘"
    );
    stage.keys("..");
    assert!(stage.rows().concat().contains('X'));
    stage.keys("b");
    assert_eq!(stage.rows().len(), 6);
    stage.player.resize((200, 50));
    stage.terminal.resize(200, 50);
    stage.painter.forget();
    assert!(stage.shown().contains("X│"));
}

#[test]
fn the_bar_takes_clicks_and_drags() {
    let mut stage = Stage::paused(&count(), (80, 8));
    let start = stage.bar().chars().position(|c| c == '█').unwrap() as u16;
    let (left, last) = (MouseButton::Left, 7);
    stage.mouse(MouseEventKind::Down(left), 79, last);
    assert_eq!(stage.seconds(), 100.0);
    stage.mouse(MouseEventKind::Drag(left), start, 0);
    assert_eq!(stage.seconds(), 0.0);
    stage.mouse(MouseEventKind::Up(left), start, 0);
    stage.mouse(MouseEventKind::Drag(left), 79, last);
    assert_eq!(stage.seconds(), 0.0);
    // Elsewhere a click does nothing.
    stage.mouse(MouseEventKind::Down(left), 79, 3);
    stage.mouse(MouseEventKind::Drag(left), 79, last);
    assert_eq!(stage.seconds(), 0.0);
    stage.mouse(MouseEventKind::ScrollDown, 40, last);
    assert_eq!(stage.seconds(), 5.0);
    // What is said there for a while is no reason to take none.
    stage.keys("i");
    assert!(stage.bar().contains("pauses"), "{}", stage.bar());
    stage.mouse(MouseEventKind::Down(left), 79, last);
    assert_eq!(stage.seconds(), 100.0);
    assert!(!stage.bar().contains("pauses"), "{}", stage.bar());
}

#[test]
fn help_shows_in_place_and_text_is_copied() {
    let mut stage = Stage::paused(&count(), (80, 30));
    stage.keys("h");
    assert!(stage.shown().contains("search on, back"));
    stage.keys("h");
    assert!(stage.shown().starts_with("line 0"));
    let action = stage.key(KeyCode::Char('y'), KeyModifiers::NONE);
    assert_eq!(action, Some(Action::Copy("line 0\n".to_owned())));
    let control = KeyModifiers::CONTROL;
    assert_eq!(
        stage.key(KeyCode::Char('z'), control),
        Some(Action::Suspend)
    );
    assert_eq!(stage.key(KeyCode::Char('l'), control), Some(Action::Redraw));
    assert_eq!(stage.key(KeyCode::Char('c'), control), Some(Action::Quit));
    assert_eq!(
        stage.key(KeyCode::Char('q'), KeyModifiers::NONE),
        Some(Action::Quit)
    );
}

#[test]
fn finds_are_seen_and_colours_are_those_of_the_cast() {
    let cast = Cast::new(
        (30, 3),
        &[(
            0.0,
            'o',
            "\x1b[31ma\x1b[38;5;200mb\x1b[48;2;1;2;3mc\x1b[0;1;3;4:3;58:2::9:8:7md\x1b[0m\r\n\x1b]4;5;rgb:12/34/56\x07\x1b[35me find me",
        )],
    );
    let mut stage = Stage::paused(&cast, (40, 5));
    stage.rows();
    let recorded = stage.player.screen().runs(Which::Shown, 0);
    let drawn = stage.terminal.runs(Which::Shown, 0);
    for (run, drawn) in recorded.iter().zip(&drawn) {
        assert_eq!((&run.text, run.style), (&drawn.text, drawn.style));
    }
    let palette = stage.terminal.runs(Which::Shown, 1)[0].style.fg;
    assert_eq!(palette, Colour::Rgb(0x12, 0x34, 0x56));
    stage.keys(" ");
    stage.keys("?find\n");
    stage.rows();
    let marked = stage.terminal.runs(Which::Shown, 1);
    assert!(
        marked
            .iter()
            .any(|run| run.text == "find" && run.style.bg == Colour::Basic(3)),
        "{marked:?}"
    );
}

/// Things that a user may do.
fn input() -> impl Strategy<Value = Event> {
    let modifiers = prop::sample::select(vec![
        KeyModifiers::NONE,
        KeyModifiers::SHIFT,
        KeyModifiers::CONTROL,
        KeyModifiers::ALT,
    ]);
    let codes: Vec<KeyCode> = " 0123456789,.[]{}fF+-=il/?nNgybhc\tqzx\u{4e2d}"
        .chars()
        .map(KeyCode::Char)
        .chain([
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Backspace,
            KeyCode::Tab,
        ])
        .collect();
    let key = (prop::sample::select(codes), modifiers.clone())
        .prop_map(|(code, modifiers)| Event::Key(KeyEvent::new(code, modifiers)));
    let left = MouseButton::Left;
    let kinds = prop::sample::select(vec![
        MouseEventKind::Down(left),
        MouseEventKind::Drag(left),
        MouseEventKind::Up(left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::Moved,
    ]);
    let mouse =
        (kinds, modifiers, 0..60_u16, 0..20_u16).prop_map(|(kind, modifiers, column, row)| {
            Event::Mouse(MouseEvent {
                kind,
                column,
                row,
                modifiers,
            })
        });
    let resize = (1..60_u16, 1..20_u16).prop_map(|(columns, rows)| Event::Resize(columns, rows));
    let paste = "[a-z0-9%\n]{0,5}".prop_map(Event::Paste);
    prop_oneof![8 => key, 2 => mouse, 1 => resize, 1 => paste]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_typed_the_player_goes_on(
        inputs in prop::collection::vec((input(), 0..3000_u64), 0..60),
        size in (1..60_u16, 1..20_u16),
        speed in prop::sample::select(vec![Speed::Times(0.001), Speed::Times(1.0), Speed::Times(1e6), Speed::Max]),
        (is_looped, follows, is_known) in any::<(bool, bool, bool)>(),
    ) {
        let cast = Cast::new((30, 8), &[
            (0.5, 'o', "line \u{4e2d}\u{6587} e\u{301}\r\n"),
            (1.0, 'm', "marker"),
            (2.0, 'o', "\x1b]133;C\x07x\x1b]133;D;1\x07\r\n"),
            (2.5, 'r', "50x20"),
            (3.0, 'o', "\x1b[?1049h\x1b[20;50H\u{1f600}"),
            (9.0, 'r', "5x2"),
            (90.0, 'o', "\x1b[?1049lend"),
        ]);
        let options = Options { speed, is_looped, follows: follows && !is_looped, ..Options::default() };
        let timeline = Timeline::open(cast.0.path(), TimelineOptions::default()).unwrap();
        if is_known {
            timeline.duration().unwrap();
        }
        let mut stage = Stage::of(timeline, options, size);
        for (input, millis) in inputs {
            if let Event::Resize(columns, rows) = input {
                stage.terminal.resize(columns, rows);
                stage.painter.forget();
            }
            stage.player.on(&input);
            stage.now += Duration::from_millis(millis);
            let mut steps = 0;
            stage.player.advance(stage.now, &mut || { steps += 1; steps > 3 });
            prop_assert!(stage.player.position() <= stage.player.end());
            prop_assert!(stage.player.end() <= 90 * SECOND);
            stage.rows();
            stage.player.wait();
        }
    }
}
