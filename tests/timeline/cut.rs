//! `tvmux convert` of a part of a cast, and to pictures that move.

use std::fs;
use std::path::Path;
use std::process::Output;

use tvmux::cast::{Code, EventReader, Micros, Strictness};
use tvmux::screen::{Rules, Screen, Which};
use tvmux::timeline::{Timeline, TimelineOptions};

use super::casts::mixed;
use super::support::tvmux::Tvmux;

fn convert(user: &Tvmux, args: &[&str]) -> Output {
    let mut command = user.command(["convert", "--overwrite"]);
    command
        .args(args)
        .env("TZ", "UTC")
        .current_dir(user.folder());
    command.output().unwrap()
}

fn ok(user: &Tvmux, args: &[&str]) {
    let output = convert(user, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// What a screen shows, the alternate one and the normal one behind it.
fn rows(screen: &Screen) -> Vec<String> {
    let of = |which| {
        let rows = (0..).take_while(move |row| screen.has_row(which, *row));
        rows.map(move |row| format!("{:?}", screen.runs(which, row)))
    };
    of(Which::Shown).chain(of(Which::Normal)).collect()
}

/// Times of a cast's events, and its screen after each of some of them.
fn played(bytes: &[u8]) -> (Vec<Micros>, Vec<(Micros, Vec<String>)>) {
    let mut reader = EventReader::new(bytes, Strictness::Strict).unwrap();
    let header = reader.header().clone();
    let mut screen = Screen::new(header.width, header.height, Rules::OTHER);
    let (mut times, mut seen) = (Vec::new(), Vec::new());
    while let Some(event) = reader.next().unwrap() {
        if event.code == Code::Output {
            screen.feed(event.data.to_str().as_bytes());
        } else if let Some((columns, rows)) = event.size() {
            screen.resize(columns, rows);
        }
        times.push(event.time);
        if times.len() % 40 == 1 {
            seen.push((event.time, rows(&screen)));
        }
    }
    (times, seen)
}

#[test]
fn a_part_opens_with_the_screen_of_its_start() {
    let user = Tvmux::new();
    let made = mixed(41, 200_000);
    let path = made.write(user.folder(), "a.cast");
    let timeline = Timeline::open(&path, TimelineOptions::default()).unwrap();
    let resizes = timeline.duration().map(|_| timeline.resizes()).unwrap();
    for part in [3, 5, 7] {
        // Until the next change of size: what scrolled off before is not in the part.
        let from = made.end() / 10 * part;
        let next = resizes.iter().find(|resize| resize.time > from);
        let until = next.map_or(made.end(), |resize| resize.time - 1);
        let of = |time: Micros| format!("{}.{:06}", time / 1_000_000, time % 1_000_000);
        ok(
            &user,
            &[
                "a.cast",
                "part.cast",
                "--from",
                &of(from),
                "--until",
                &of(until),
            ],
        );
        let part = fs::read(user.folder().join("part.cast")).unwrap();
        let (times, seen) = played(&part);
        assert_eq!(times[0], 0);
        assert!(*times.last().unwrap() <= until - from);
        // The opening, and where several events have one time all of them.
        assert_eq!(
            seen[0].1,
            rows(&timeline.cut(from).unwrap().0),
            "the opening"
        );
        let last = seen
            .iter()
            .rev()
            .find(|(time, _)| !times.contains(&(time + 1)));
        let (time, last) = last.unwrap();
        if times.iter().filter(|other| *other == time).count() == 1 {
            assert_eq!(*last, rows(&timeline.at(from + time).unwrap()), "{time}");
        }
    }
}

#[test]
fn parts_are_said_as_moments() {
    let user = Tvmux::new();
    let cast = concat!(
        "{\"version\": 2, \"width\": 20, \"height\": 3, \"timestamp\": 1764165600}\n",
        "[1, \"o\", \"one\"]\n[10, \"m\", \"here\"]\n[20, \"o\", \" two\"]\n",
        "[30, \"r\", \"30x5\"]\n[3600, \"o\", \" three\"]\n",
    );
    fs::write(user.folder().join("a.cast"), cast).unwrap();
    ok(
        &user,
        &["a.cast", "b.cast", "--from", "here", "--until", "50%"],
    );
    let text = fs::read_to_string(user.folder().join("b.cast")).unwrap();
    let expected = concat!(
        "{\"version\":2,\"width\":20,\"height\":3,\"timestamp\":1764165610}\n",
        "[0.000000, \"o\", \"\\u001b[1;1H\\u001b[0mone\\u001b[1;4H\\u001b[0m\"]\n",
        "[10.000000, \"o\", \" two\"]\n[20.000000, \"r\", \"30x5\"]\n",
    );
    assert_eq!(text, expected);
    ok(
        &user,
        &[
            "a.cast", "b.cast", "--from", "-10s", "--idle", "1", "--to", "v3",
        ],
    );
    let text = fs::read_to_string(user.folder().join("b.cast")).unwrap();
    assert!(
        text.contains("\"cols\":30") && text.ends_with("[1.000000, \"o\", \" three\"]\n"),
        "{text}"
    );
    for (args, why) in [
        (["--from=2h", "--speed=1"], "after the end"),
        (["--from=30", "--until=10"], "after --until"),
        (["--from=nowhere", "--speed=1"], "\"here\""),
    ] {
        let output = convert(&user, &["a.cast", "c.cast", args[0], args[1]]);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(why), "{args:?}: {said}");
        assert!(!user.folder().join("c.cast").exists());
    }
}

const MOVING: &str = concat!(
    "{\"version\": 2, \"width\": 20, \"height\": 3, \"title\": \"<demo>\"}\n",
    "[1, \"o\", \"$ \"]\n[2, \"o\", \"ls\\r\\n\"]\n[2.5, \"m\", \"</ol><script>\"]\n",
    "[3, \"o\", \"a\\u001b[31mb\\u001b[m\\r\\n\"]\n[63, \"o\", \"\\u001b[2Jend\"]\n",
);

#[test]
fn a_moving_picture_shows_each_state_of_a_row_in_its_time() {
    let user = Tvmux::new();
    fs::write(user.folder().join("a.cast"), MOVING).unwrap();
    ok(&user, &["a.cast", "a.svg", "--idle", "2"]);
    let picture = fs::read_to_string(user.folder().join("a.svg")).unwrap();
    insta::assert_snapshot!("moving", picture);
    // 1 s, 1 s, 1 s and 2 s of a minute; then the last screen stays for 2 s.
    assert!(picture.contains("dur=\"7s\""), "{picture}");
    assert!(!picture.contains("<script") && picture.contains("<title>&lt;demo&gt;</title>"));
    ok(
        &user,
        &["a.cast", "fast.svg", "--idle", "2", "--speed", "2"],
    );
    let fast = fs::read_to_string(user.folder().join("fast.svg")).unwrap();
    assert!(fast.contains("dur=\"4.5s\""), "{fast}");
}

#[test]
fn a_page_plays_the_picture_and_lists_the_markers() {
    let user = Tvmux::new();
    fs::write(user.folder().join("a.cast"), MOVING).unwrap();
    ok(&user, &["a.cast", "a.html", "--from", "2", "--idle", "1"]);
    let page = fs::read_to_string(user.folder().join("a.html")).unwrap();
    assert_eq!(page.matches("<script>").count(), 1, "its own alone: {page}");
    assert!(
        page.contains("data-time=\"0.5\">&lt;/ol&gt;&lt;script&gt;</button>"),
        "{page}"
    );
    for address in ["src=", "url(", "@import", "<link", "href="] {
        assert!(!page.contains(address), "{address}");
    }
    assert!(page.contains("<svg") && page.ends_with("</html>\n"));
}

#[test]
fn a_cropped_recording_shows_the_first_columns_and_rows() {
    let user = Tvmux::new();
    let made = mixed(43, 100_000);
    let path = made.write(user.folder(), "a.cast");
    let (columns, rows) = (30, 9);
    let path = path.to_str().unwrap();
    ok(&user, &["--cols", "30", "--rows", "9", path, "b.cast"]);
    let whole = played(&fs::read(path).unwrap()).1;
    let part = fs::read(user.folder().join("b.cast")).unwrap();
    let mut reader = EventReader::new(&part[..], Strictness::Strict).unwrap();
    let mut screen = Screen::new(reader.header().width, reader.header().height, Rules::OTHER);
    let mut texts = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        if event.code == Code::Output {
            screen.feed(event.data.to_str().as_bytes());
        } else if let Some((columns, rows)) = event.size() {
            screen.resize(columns, rows);
        }
        let size = screen.size();
        assert!(size.0 <= columns && size.1 <= rows, "{size:?}");
        texts.push((event.time, cropped_text(&screen, columns, rows)));
    }
    // The last event of each time counts: a resize becomes two.
    let mut compared = 0;
    let timeline = Timeline::open(Path::new(path), TimelineOptions::default()).unwrap();
    for (time, _) in whole {
        let screen = timeline.at(time).unwrap();
        let expected = cropped_text(&screen, columns, rows);
        let known = texts.iter().rev().find(|(at, _)| *at == time).unwrap();
        assert_eq!(known.1, expected, "at {time}");
        compared += 1;
    }
    assert!(compared > 10, "{compared}");

    ok(&user, &["--cols", "30", "--rows", "9", path, "b.svg"]);
    let picture = fs::read_to_string(user.folder().join("b.svg")).unwrap();
    assert!(picture.len() > 1000);
    let text = convert(&user, &["--cols", "30", path, "b.txt"]);
    assert_eq!(text.status.code(), Some(2));
}

/// Characters with their styles in the first columns and rows.
fn cropped_text(screen: &Screen, columns: u16, rows: u16) -> Vec<String> {
    let of_row = |row| {
        let mut text = String::new();
        screen.each_character(Which::Shown, row, |character| {
            if character.column + character.width <= usize::from(columns) {
                text += &format!("{}{:?}", character.text, character.style);
            }
        });
        let blank = format!(" {:?}", tvmux::screen::Style::default());
        while text.ends_with(&blank) {
            text.truncate(text.len() - blank.len());
        }
        text
    };
    (0..usize::from(rows.min(screen.size().1)))
        .map(of_row)
        .collect()
}
