//! The reader against serde_json, whatever the reads give and wherever it
//! starts.

use std::io::{self, Read};

use proptest::prelude::*;

use super::*;
use crate::cast::dribble::Dribble;
use crate::cast::event::Micros;

const V2: &str = concat!(
    "{\"version\": 2, \"width\": 100, \"height\": 30, \"title\": \"a \\\"demo\\\"\"}\n",
    "[0.1, \"o\", \"$ \"]\n",
    "[0.25,\"i\",\"l\\u001b[1m\\r\\n\"   ]\n",
    "[0.5, \"r\", \"100x30\"]\n",
    " [1, \"m\", \"größe 漢字 😀 \\\\ \\\"q\\\" \\ud83d\\ude00\"]\r\n",
    "[1.000001, \"x\", \"0\"]\n",
);
const V3: &str = concat!(
    "{\"version\": 3, \"term\": {\"cols\": 90, \"rows\": 20}}\n",
    "[0.1, \"o\", \"$ \"]\n# a comment\n[0.05, \"o\", \"\\u001b[H\"]\n[1.5, \"x\", \"0\"]\n",
);
const V1: &str = concat!(
    "{\n  \"version\": 1, \"width\": 80, \"height\": 25,\n  \"stdout\": [\n    [0.25, \"hello \"],\n",
    "    [1.0, \"w\\u00f6rld \\\"x\\\"\"], [0.25, \"漢字\"]\n  ], \"title\": \"t\"\n}\n",
);

type Owned = (Micros, char, String);

/// All events, pieces put together, and where reading can go on after each.
fn all<R: Read>(reader: &mut EventReader<R>) -> Result<Vec<(Owned, Position)>, ReadError> {
    let mut events = Vec::<(Owned, Position)>::new();
    let mut open = false;
    while let Some(event) = reader.next()? {
        let text = event.data.to_str().into_owned();
        let continues = event.continues;
        let owned = (event.time, event.code.letter(), text);
        match events.last_mut() {
            Some((last, _)) if open => {
                assert_eq!((last.0, last.1), (owned.0, owned.1));
                last.2.push_str(&owned.2);
            }
            _ => events.push((owned, reader.position())),
        }
        open = continues;
        events.last_mut().unwrap().1 = reader.position();
    }
    Ok(events)
}

fn read(cast: &[u8], strictness: Strictness) -> Result<Vec<Owned>, ReadError> {
    let mut reader = EventReader::new(cast, strictness)?;
    Ok(all(&mut reader)?
        .into_iter()
        .map(|(event, _)| event)
        .collect())
}

/// The events of lines, by way of serde_json.
fn expected(cast: &str) -> Vec<Owned> {
    let is_v3 = cast.contains("\"version\": 3");
    let mut time = 0.0;
    let events = cast.lines().skip(1).filter(|line| !line.starts_with('#'));
    events
        .map(|line| {
            let (number, code, data): (f64, char, String) = serde_json::from_str(line).unwrap();
            time = if is_v3 { time + number } else { number };
            ((time * 1e6_f64).round() as Micros, code, data)
        })
        .collect()
}

#[test]
fn every_version_is_read_whatever_a_read_gives() {
    let v1 = vec![
        (250_000, 'o', "hello ".to_owned()),
        (1_250_000, 'o', "wörld \"x\"".to_owned()),
        (1_500_000, 'o', "漢字".to_owned()),
    ];
    for (cast, events, size) in [
        (V1, v1, (80, 25)),
        (V2, expected(V2), (100, 30)),
        (V3, expected(V3), (90, 20)),
    ] {
        for count in [1, 2, 3, 7, 50, 100_000] {
            let input = Dribble(cast.as_bytes(), count);
            let mut reader = EventReader::new(input, Strictness::Strict).unwrap();
            assert_eq!((reader.header().width, reader.header().height), size);
            let read = all(&mut reader).unwrap();
            let read: Vec<Owned> = read.into_iter().map(|(event, _)| event).collect();
            assert_eq!(read, events, "{count} bytes at a time");
        }
        // Each place after an event is a place to go on from.
        let mut reader = EventReader::new(cast.as_bytes(), Strictness::Strict).unwrap();
        let places = all(&mut reader).unwrap();
        assert_eq!(places.len(), events.len());
        for (index, (_, position)) in places.iter().enumerate() {
            let rest = &cast.as_bytes()[position.offset as usize..];
            let mut reader = EventReader::resume(rest, *position, Strictness::Strict);
            let read = all(&mut reader).unwrap();
            let read: Vec<Owned> = read.into_iter().map(|(event, _)| event).collect();
            assert_eq!(read, events[index + 1..], "from event {index} on");
            assert_eq!(reader.position(), places[places.len() - 1].1);
        }
    }
}

#[test]
fn offsets_are_those_of_the_file() {
    for cast in [V1, V2, V3] {
        let mut reader = EventReader::new(cast.as_bytes(), Strictness::Strict).unwrap();
        while let Some(event) = reader.next().unwrap() {
            let rest = &cast[event.offset as usize..];
            assert!(rest.trim_start().starts_with('['), "{rest}");
            let raw = std::str::from_utf8(event.data.raw()).unwrap();
            assert!(rest.lines().next().unwrap().contains(raw));
        }
    }
}

#[test]
fn a_huge_event_comes_in_pieces_and_takes_no_more_memory() {
    let unit = "x\u{e9}漢😀\\u001b[m\\ud83d\\ude00\\\\\\n";
    let text: String = serde_json::from_str(&format!("\"{unit}\"")).unwrap();
    for times in [20_000, 200_000] {
        let data = unit.repeat(times);
        for (cast, time, before) in [
            (
                format!(
                    "{{\"version\": 2, \"width\": 80, \"height\": 24}}\n[1, \"o\", \"a\"]\n\
                     [2.5, \"o\", \"{data}\"]\n[3, \"o\", \"z\"]\n"
                ),
                2_500_000,
                1_000_000,
            ),
            (
                format!(
                    "{{\"version\": 3, \"term\": {{\"cols\": 80, \"rows\": 24}}}}\n\
                     [1, \"o\", \"a\"]\n[2.5, \"o\", \"{data}\"]\n[3, \"o\", \"z\"]\n"
                ),
                3_500_000,
                1_000_000,
            ),
            (
                format!(
                    "{{\"version\": 1, \"width\": 80, \"height\": 24, \"stdout\": [[1, \"a\"], \
                     [2.5, \"{data}\"], [3, \"z\"]]\n}}\n"
                ),
                3_500_000,
                1_000_000,
            ),
        ] {
            let mut reader = EventReader::new(cast.as_bytes(), Strictness::Strict).unwrap();
            let mut most = 0;
            let mut positions = Vec::new();
            while let Some(event) = reader.next().unwrap() {
                most = most.max(event.data.raw().len());
                let continues = event.continues;
                positions.push(reader.position());
                if continues {
                    // Reading can only go on before the event.
                    assert_eq!(reader.position().time, before);
                }
            }
            assert!(most <= BLOCK + 16, "{most}");
            assert!(positions.len() > 3);
            let mut reader = EventReader::new(cast.as_bytes(), Strictness::Strict).unwrap();
            let events = all(&mut reader).unwrap();
            assert_eq!(events.len(), 3);
            assert_eq!((events[1].0.0, events[1].0.1), (time, 'o'));
            assert!(events[1].0.2 == text.repeat(times));
            assert_eq!(events[2].0.2, "z");
            // From a place inside the event everything is read again.
            let inside = positions[2];
            let rest = &cast.as_bytes()[inside.offset as usize..];
            let mut reader = EventReader::resume(rest, inside, Strictness::Strict);
            let again = all(&mut reader).unwrap();
            assert_eq!(again.len(), 2);
            assert!(again[0].0 == events[1].0 && again[1].0 == events[2].0);
        }
    }
}

#[test]
fn a_strict_reader_ends_where_asciinema_does() {
    let header = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";
    let good = "[1, \"o\", \"a\"]\n";
    for (bad, kind) in [
        ("[0.5, \"o\", \"b\"]\n", FindingKind::TimeBackward),
        ("[2, \"o\", \"b", FindingKind::Torn),
        ("[2, \"o\", \"\\ud83d\"]\n", FindingKind::LoneSurrogate),
        ("[2, \"o\", \"b\", 1]\n", FindingKind::Arity),
        ("[NaN, \"o\", \"b\"]\n", FindingKind::TimeNotANumber),
        (
            "{\"version\": 2, \"width\": 80, \"height\": 24}\n",
            FindingKind::SecondHeader,
        ),
        ("\0\0\0\n", FindingKind::NulLine),
        ("# c\n", FindingKind::CommentInV2),
        ("[2, \"r\", \"80\"]\n", FindingKind::BadResize),
    ] {
        let cast = [header, good, bad].concat();
        let mut reader = EventReader::new(cast.as_bytes(), Strictness::Strict).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().time, 1_000_000);
        match reader.next() {
            Err(ReadError::Invalid { kind: found, .. }) => assert_eq!(found, kind, "{bad}"),
            other => panic!("{bad}: {other:?}"),
        }
        // What a forgiving one makes of it goes on after it.
        let cast = [header, good, bad, "\n[3, \"o\", \"c\"]\n"].concat();
        let events = read(cast.as_bytes(), Strictness::Forgiving).unwrap();
        assert_eq!(events.first().unwrap(), &(1_000_000, 'o', "a".to_owned()));
        let (time, _, text) = events.last().unwrap();
        assert_eq!(text, "c");
        assert!(events.is_sorted_by_key(|event| event.0));
        let after = if kind == FindingKind::SecondHeader {
            4_000_000
        } else {
            3_000_000
        };
        assert_eq!(*time, after, "{bad}");
    }
    for bad in ["", "\x7fELF", "{\"a\": 1}\n", "<html>\n"] {
        for strictness in [Strictness::Strict, Strictness::Forgiving] {
            assert!(
                EventReader::new(bad.as_bytes(), strictness).is_err(),
                "{bad}"
            );
        }
    }
}

#[test]
fn a_file_that_grows_is_followed() {
    struct Growing<'a>(&'a [u8], std::rc::Rc<std::cell::Cell<usize>>);
    impl Read for Growing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.get().min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            self.1.set(self.1.get() - count);
            Ok(count)
        }
    }
    for cast in [V2, V3, V1] {
        let events = match cast {
            V1 => read(cast.as_bytes(), Strictness::Forgiving).unwrap(),
            lines => expected(lines),
        };
        let there = std::rc::Rc::new(std::cell::Cell::new(cast.find("\n[").unwrap_or(120) + 1));
        let input = Growing(cast.as_bytes(), there.clone());
        let mut reader = EventReader::new(input, Strictness::Forgiving).unwrap();
        let mut read = Vec::new();
        let mut text = String::new();
        for _ in 0..cast.len() {
            while let Some(event) = reader.next().unwrap() {
                text.push_str(&event.data.to_str());
                if !event.continues {
                    let text = std::mem::take(&mut text);
                    read.push((event.time, event.code.letter(), text));
                }
            }
            there.set(there.get() + 1);
        }
        assert_eq!(read, events);
    }
}

#[test]
fn an_open_last_line_says_so() {
    let cast = V2.trim_end();
    let mut reader = EventReader::new(cast.as_bytes(), Strictness::Forgiving).unwrap();
    let events = all(&mut reader).unwrap();
    assert_eq!(events.len(), 5);
    assert!(reader.is_line_open());
    let mut reader = EventReader::new(V2.as_bytes(), Strictness::Forgiving).unwrap();
    all(&mut reader).unwrap();
    assert!(!reader.is_line_open());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn damage_never_stops_a_forgiving_reader(
        cast in prop::sample::select(vec![V1, V2, V3]),
        at in 0.0f64..1.0,
        new in prop::collection::vec(any::<u8>(), 0..6),
        gone in 0usize..20,
        count in 1usize..200,
    ) {
        let mut bytes = cast.as_bytes().to_vec();
        let start = (bytes.len() as f64 * at) as usize;
        let end = (start + gone).min(bytes.len());
        bytes.splice(start..end, new);
        if let Ok(mut reader) = EventReader::new(Dribble(&bytes, count), Strictness::Forgiving) {
            let events = all(&mut reader).unwrap();
            prop_assert!(events.is_sorted_by_key(|((time, ..), _)| *time));
        }
        if let Ok(mut reader) = EventReader::new(Dribble(&bytes, count), Strictness::Strict) {
            let _ = all(&mut reader);
        }
    }
}
