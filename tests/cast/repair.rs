//! Properties of repair over damaged casts.

use proptest::prelude::*;
use tvmux::cast::{
    Amount, Edits, EventReader, FindingKind, Foreign, Reader, RepairOptions, Report, Strictness,
    Summary, ValidateOptions, repair, repair_edits, validate,
};

use super::damage::{Damage, damage};
use super::readers::read;
use super::samples;

fn repaired(cast: &[u8], threads: usize) -> (Vec<u8>, Report) {
    let mut out = Vec::new();
    let report = repair(cast, &mut out, &RepairOptions { threads }).unwrap();
    (out, report)
}

fn validated(cast: &[u8], threads: usize) -> (Summary, Vec<String>) {
    let options = ValidateOptions {
        threads,
        max_findings: usize::MAX,
        ..ValidateOptions::default()
    };
    let mut findings = Vec::new();
    let summary = validate(cast, &options, &mut |f| findings.push(format!("{f:?}"))).unwrap();
    (summary, findings)
}

/// What must hold for any input at all. Gives the repaired cast, if any.
fn check(cast: &[u8]) -> Option<(Vec<u8>, Report)> {
    let (out, report) = repaired(cast, 1);
    let text = || String::from_utf8_lossy(cast).into_owned();
    assert_eq!(report.bytes_read, cast.len() as u64, "{}", text());
    assert_eq!(report.bytes_written, out.len() as u64);
    assert_eq!(validated(cast, 1), validated(cast, 2));
    assert_eq!(repaired(cast, 2), (out.clone(), report));
    assert_eq!(report.differs, out != cast, "{}", text());
    if !report.is_recovered() {
        return None;
    }
    if let Err(why) = read(&out) {
        panic!(
            "{why}\nfrom {}\ngot {}",
            text(),
            String::from_utf8_lossy(&out)
        );
    }
    let (summary, findings) = validated(&out, 1);
    assert!(
        summary.is_valid(),
        "{findings:?}\n{}",
        String::from_utf8_lossy(&out)
    );
    let (again, second) = repaired(&out, 1);
    assert_eq!(
        String::from_utf8_lossy(&again),
        String::from_utf8_lossy(&out)
    );
    assert!(!second.differs);
    Some((out, report))
}

#[test]
fn valid_casts_stay_as_they_are() {
    let short = samples::short().into_iter().map(|cast| ("short", cast));
    for (name, cast) in samples::all().into_iter().chain(short) {
        let (out, report) = check(&cast).unwrap();
        assert_eq!(out, cast, "{name}");
        assert!(!report.differs, "{name}: {report:?}");
        assert_eq!(report.lost, Default::default());
    }
}

#[test]
fn an_event_over_several_lines_becomes_one() {
    let header = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";
    let last = "[0.5, \"o\", \"z\"]\n";
    for (broken, whole) in [
        ("[0.1, \"o\", \"a\"\n]\n", "[0.1, \"o\", \"a\"]\n"),
        ("[0.1, \"o\", \"a\"\n\n \n]\n", "[0.1, \"o\", \"a\"]\n"),
        (
            "[0.1, \"o\", \"a\nb\n\nc\"]\n",
            "[0.1, \"o\", \"a\\nb\\n\\nc\"]\n",
        ),
        // The quote at the end of the line is part of the text.
        (
            "[0.1, \"o\", \"a\\\"\n]\"]\n",
            "[0.1, \"o\", \"a\\\"\\n]\"]\n",
        ),
        (
            "[0.1, \"o\", \"a\n[0.2, \"o\", \"b\"]\n",
            "[0.1, \"o\", \"a\"]\n[0.2, \"o\", \"b\"]\n",
        ),
        // Only the bracket is gone, before a line and on one.
        (
            "[0.1, \"o\", \"a\"\n[0.2, \"o\", \"b\"[0.3, \"o\", \"c\"]\n",
            "[0.1, \"o\", \"a\"]\n[0.2, \"o\", \"b\"]\n[0.3, \"o\", \"c\"]\n",
        ),
        ("[0.1,\n\"o\", \"a\"]\n", "[0.1, \"o\", \"a\"]\n"),
        (
            "[\n  0.1,\n  \"o\",\n  \"a\"\n]\n[\n  0.2,\n  \"m\",\n  \"\"\n]\n",
            "[0.1, \"o\", \"a\"]\n[0.2, \"m\", \"\"]\n",
        ),
        // One of the lines is gone.
        (
            "[\n  0.1,\n  \"o\",\n  \"a\"\n[\n  0.2,\n  \"o\",\n  \"b\"\n]\n",
            "[0.1, \"o\", \"a\"]\n[0.2, \"o\", \"b\"]\n",
        ),
        (
            "[\n[\n  0.2,\n  \"o\",\n  \"b\"\n]\n",
            "[0.2, \"o\", \"b\"]\n",
        ),
    ] {
        let (out, report) = check(format!("{header}{broken}{last}").as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("{header}{whole}{last}")
        );
        assert_eq!(report.lost.events, 0, "{broken}");
        let (out, _) = check(format!("{header}{broken}").as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{header}{whole}"));
    }
}

#[test]
fn a_pretty_printed_cast_is_repaired() {
    let mut pretty = String::new();
    let lines = text_of(&samples::v2());
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        pretty += &serde_json::to_string_pretty(&value).unwrap();
        pretty.push('\n');
    }
    let (out, report) = check(pretty.as_bytes()).unwrap();
    assert_eq!(read(&out).unwrap(), read(lines.as_bytes()).unwrap());
    assert_eq!(report.saved.events, 11);
    assert_eq!(report.lost, Amount::default());
}

/// Where times are intervals, what comes after a lost event stays when it was.
#[test]
fn a_lost_event_takes_its_time() {
    let times = |cast: &str| {
        let (out, report) = check(cast.as_bytes()).unwrap();
        let events = read(&out).unwrap();
        let times: Vec<(f64, String)> = events.into_iter().map(|e| (e.0, e.2)).collect();
        (times, report.lost.events)
    };
    let header = "{\"version\": 3, \"term\": {\"cols\": 80, \"rows\": 24}}\n";
    let lines = [
        "[1, \"o\", \"a\"]",
        "[5, \"r\", \"big\"]",
        "[1, \"o\", \"b\"]",
        "[7.0]",
        "[2, \"x\", \"bad\"]",
        "[1, \"o\", \"c\"]",
    ];
    let expected = [(1.0, "a".into()), (7.0, "b".into()), (17.0, "c".into())];
    let cast = format!("{header}{}\n", lines.join("\n"));
    assert_eq!(times(&cast), (expected.to_vec(), 3));
    // Also glued to one line, and in an object that is no event.
    let cast = format!("{header}{}\n", lines.join(" "));
    assert_eq!(times(&cast).0, expected);
    let cast = cast.replace("[7.0]", "{\"time\": 7, \"data\": 1}");
    assert_eq!(times(&cast).0, expected);
    let v1 = "{\"version\": 1, \"width\": 80, \"height\": 24,\n\"stdout\": [[1, \"a\"], \
              [5, {}], [1, \"b\"], [7.0], [2, null], [1, \"c\"]]}\n";
    assert_eq!(times(v1), (expected.to_vec(), 3));
    // Absolute times need no help.
    let cast = cast.replace(header, "{\"version\": 2, \"width\": 80, \"height\": 24}\n");
    assert_eq!(times(&cast).0[1], (1.0, "b".into()));
}

/// Of a header that is no JSON, what is whole stays and the rest is counted.
#[test]
fn a_damaged_header_keeps_what_is_whole() {
    let rest =
        "\"title\": \"a title\", \"timestamp\": 1700000000, \"env\": {\"TERM\": \"xterm\"}}\n";
    let events = "[0.1, \"o\", \"a\"]\n";
    for (start, lost) in [
        // A stray quote in a name, a missing comma, a missing brace, junk.
        ("{\"version\": 2, \"wid\"th\": 100, \"height\": 30, ", true),
        ("{\"version\": 2 \"width\": 100, \"height\": 30 ", false),
        ("\"version\": 2, \"width\": 100, \"height\": 30, ", false),
        ("x{\"version\": 2, \"width\": 100, \"height\": 30, ", true),
        (
            "{\"version\": 2, \"width\": 100, \"height\": 30, \"command\": \"ls\"x, ",
            true,
        ),
        (
            "{\"version\": 2, \"width\": 100, \"height\": 30, \"command\": \"ls, ",
            true,
        ),
        (
            "{\"version\": 2, \"width\": 100, \"height\": 30, \"idle_time_limit\": NaN, ",
            true,
        ),
        (
            "{\"version\": 2, \"width\": 100, \"height\": 30, \"theme\": {\"fg\": -Infinity}, ",
            true,
        ),
    ] {
        let cast = [start, rest, events].concat();
        let before = validated(cast.as_bytes(), 1).0;
        assert!(!before.is_valid(), "{start}");
        assert!(!before.accepted_by(Reader::Asciinema), "{start}");
        let (out, report) = check(cast.as_bytes()).unwrap();
        let first = text_of(&out).lines().next().unwrap().to_owned();
        let header: serde_json::Value = serde_json::from_str(&first).unwrap();
        assert_eq!(header["title"], "a title", "{start}");
        assert_eq!(header["timestamp"], 1_700_000_000, "{start}");
        assert_eq!(header["env"]["TERM"], "xterm", "{start}");
        assert_eq!(header["height"], 30, "{start}");
        assert_eq!(report.lost.bytes > 0, lost, "{start}: {report:?}");
        assert_eq!(report.lost.events, 0);
    }
    let nan = "{\"version\": 1, \"width\": 80, \"height\": 24, \"duration\": NaN,\n\"stdout\": [[1, \"a\"]]}\n";
    let (before, findings) = validated(nan.as_bytes(), 1);
    assert_eq!(
        before.findings.of(FindingKind::HeaderNotANumber),
        1,
        "{findings:?}"
    );
    check(nan.as_bytes()).unwrap();
}

/// Wide characters are narrowed; what is no cast at all is left.
#[test]
fn what_is_not_utf_8_is_recovered_and_what_is_no_cast_is_named() {
    let text = text_of(&samples::v2());
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let four: Vec<u8> = text
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    for wide in [little, big, four] {
        let (out, report) = repaired(&wide, 1);
        assert_eq!(text_of(&out), text);
        assert!(report.differs && report.is_recovered());
        assert_eq!(report.bytes_read, wide.len() as u64);
        let summary = validated(&wide, 1).0;
        assert_eq!(summary.findings.of(FindingKind::WideText), 1);
        assert!(!summary.is_valid() && !summary.accepted_by(Reader::Player));
    }
    let page = "<!DOCTYPE html>\n<script>\n{\"version\": 2, \"width\": 80, \"height\": 24}\n\
                [1, \"o\", \"a\"]\n</script>\n";
    let typescript = "Script started on 2026-01-01\n{\"version\": 2}\n";
    for (bytes, name) in [(page, "a web page"), (typescript, "a typescript of script")] {
        let (_, report) = repaired(bytes.as_bytes(), 1);
        assert!(!report.is_recovered());
        assert_eq!(report.foreign.map(Foreign::name).as_deref(), Some(name));
        assert_eq!(report.bytes_read, bytes.len() as u64);
        let summary = validated(bytes.as_bytes(), 1).0;
        assert_eq!(summary.findings.of(FindingKind::NotACast), 1);
        assert!(!summary.is_valid());
        assert_eq!(summary.bytes, bytes.len() as u64);
    }
}

#[test]
fn titles_for_tmux_are_told_to_who_asks_for_the_player() {
    let header = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";
    let cast = format!(
        "{header}[1, \"o\", \"a\\u001bkone\\u001b\\\\\"]\n[2, \"o\", \"\\\\u001bk\"]\n\
         [3, \"r\", \"80x24\"]\n[4, \"o\", \"\\u001Bktwo\"]\n"
    );
    for (reader, titles) in [(Reader::Player, 2), (Reader::Asciinema, 0)] {
        let options = ValidateOptions {
            reader,
            ..ValidateOptions::default()
        };
        let mut lines = Vec::new();
        let summary = validate(cast.as_bytes(), &options, &mut |f| lines.push(f.line)).unwrap();
        assert_eq!(summary.findings.of(FindingKind::TitleSequence), titles);
        assert!(summary.accepted_by(reader) && summary.is_valid());
        assert_eq!(lines, if titles > 0 { vec![2, 5] } else { vec![] });
    }
}

/// A v1 event of any length passes part by part.
#[test]
fn a_huge_v1_event_is_repaired() {
    let unit = "größe \\u001b[m \\ud83d\\ude00 \\\\ \\n";
    let data = unit.repeat(60_000);
    let cast = |event: &str, end: &str| {
        format!(
            "{{\"version\": 1, \"width\": 80, \"height\": 24, \"stdout\": [\n[1, \"a\"],\n\
             {event}{end}"
        )
    };
    let good = cast(&format!("[2.5, \"{data}\"]"), ",\n[1, \"z\"]\n]}\n");
    let (out, report) = check(good.as_bytes()).unwrap();
    assert!(out == good.as_bytes() && !report.differs);
    assert_eq!(
        (report.kept.events, report.kept.bytes > 2_000_000),
        (3, true)
    );
    let events = read(&out).unwrap();
    // Damage in its middle, a bad delay, a lost one before it, and its end torn.
    let mut bytes = good.clone().into_bytes();
    bytes[1_500_000] = 0xff;
    let (out, report) = check(&bytes).unwrap();
    assert_eq!((report.kept.events, report.saved.events), (2, 1));
    let repaired = read(&out).unwrap();
    assert!(repaired.len() == 3 && repaired[1].2.len() > 1_000_000);
    assert_eq!(repaired[2], events[2]);
    let delayed = cast(
        &format!("[4],\n[\"2.5\", \"x\"],\n[2.5, \"{data}\"]"),
        ",\n[1, \"z\"]\n]}\n",
    );
    let times: Vec<f64> = read(&check(delayed.as_bytes()).unwrap().0)
        .unwrap()
        .iter()
        .map(|e| e.0)
        .collect();
    assert_eq!(times, [1.0, 7.5, 10.0, 11.0]);
    let torn = cast(&format!("[2.5, \"{data}"), "");
    let (out, report) = check(torn.as_bytes()).unwrap();
    assert_eq!(report.saved.events, 1);
    assert!(read(&out).unwrap()[1].2 == events[1].2);
}

#[test]
fn a_wrong_version_is_corrected() {
    let events = "[0.1, \"o\", \"a\"]\n[0.2, \"o\", \"b\"]\n";
    let good = format!("{{\"version\": 2, \"width\": 80, \"height\": 24}}\n{events}");
    for junk in ["", "noise\n", "\n"] {
        let broken = format!("{junk}{{\"version\": 1, \"width\": 80, \"height\": 24}}\n{events}");
        let (out, report) = check(broken.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), good);
        assert_eq!(report.kept.events, 2);
    }
    let key = text_of(&samples::short()[0]).replace("\"stdout\"", "\"\\\"stdout\"");
    let (out, _) = check(key.as_bytes()).unwrap();
    assert_eq!(read(&out).unwrap().len(), 2);
}

fn text_of(cast: &[u8]) -> String {
    String::from_utf8(cast.to_vec()).unwrap()
}

/// Work and memory must not grow with the square of a block's lines.
#[test]
fn very_many_odd_lines_are_as_good_as_few() {
    let header = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";
    let event = "[0.1, \"o\", \"a\"]\n";
    for odd in [
        "\n",
        "[\n",
        "[0.1,\n",
        "x\"\n",
        "# c\n",
        "[0.1, \"o\", \"a\n",
    ] {
        let cast = [header, event, &odd.repeat(300_000), event].concat();
        let (out, report) = repaired(cast.as_bytes(), 1);
        assert_eq!(report.bytes_read, cast.len() as u64);
        assert!(out.starts_with([header, event].concat().as_bytes()));
        assert!(out.ends_with(event.as_bytes()));
        assert_eq!(report.kept.events, 2, "{odd}");
        assert!(validated(&out, 1).0.is_valid());
    }
}

#[test]
fn every_truncation_keeps_every_complete_event() {
    for (name, cast) in samples::all() {
        let whole = read(&cast).unwrap();
        for length in 0..cast.len() {
            let cut = &cast[..length];
            // In v1 an event is complete with its bracket, else with its line;
            // only the newline may be missing.
            let complete = if name == "v1" {
                let ends: Vec<usize> = ["\"hello \"\n    ]", "\\r\\n\"]", "漢字\"]"]
                    .iter()
                    .map(|end| find(&cast, end) + end.len())
                    .collect();
                ends.iter().filter(|end| **end <= length).count()
            } else {
                let events = cut.split(|b| *b == b'\n').skip(1);
                events
                    .filter(|line| serde_json::from_slice::<Vec<serde_json::Value>>(line).is_ok())
                    .count()
            };
            match check(cut) {
                None => assert_eq!(complete, 0, "{name} cut at {length}"),
                Some((out, _)) => {
                    let events = read(&out).unwrap();
                    let kept = if complete == 0 {
                        &events[..0]
                    } else {
                        &events[..]
                    };
                    assert_eq!(kept, &whole[..complete], "{name} cut at {length}");
                }
            }
        }
    }
}

/// A reader suspects what `validate` finds an error in, be it read at once or, of a
/// file that grows, up to `cut` and from there on; a sound cast is not suspect.
fn check_suspicion(cast: &[u8], cut: usize) {
    let is_refused = !validated(cast, 1).0.accepted_by(Reader::Asciinema);
    let drain = |reader: &mut EventReader<&[u8]>| while let Ok(Some(_)) = reader.next() {};
    let Ok(mut reader) = EventReader::new(cast, Strictness::Forgiving) else {
        return;
    };
    drain(&mut reader);
    assert!(
        reader.is_suspect() || !is_refused,
        "{:?}",
        String::from_utf8_lossy(cast)
    );
    if let Ok(mut reader) = EventReader::new(&cast[..cut], Strictness::Forgiving) {
        drain(&mut reader);
        let place = reader.position();
        let rest = &cast[place.offset as usize..];
        let mut later = EventReader::resume(rest, place, Strictness::Forgiving);
        drain(&mut later);
        let is_suspect = reader.is_suspect() || later.is_suspect();
        assert!(
            is_suspect || !is_refused,
            "{:?} {cut}",
            String::from_utf8_lossy(cast)
        );
    }
}

#[test]
fn only_what_may_be_damaged_is_suspect() {
    for (name, cast) in samples::all() {
        let mut reader = EventReader::new(&cast[..], Strictness::Forgiving).unwrap();
        while reader.next().unwrap().is_some() {}
        assert_eq!(reader.is_suspect(), reader.version() == 1, "{name}");
        check_suspicion(&cast, cast.len() / 2);
    }
    let header = "{\"version\": 2, \"width\": 80, \"height\": 24}\n";
    // Parts of a microsecond count for `validate`.
    for (times, is_suspect) in [
        (["1", "1.0"], false),
        (["1.000001", "1.000001"], false),
        (["1.0000014", "1.0000012"], true),
        (["1.0000004", "1"], true),
        (["1.0000004e0", "1"], true),
        (["2", "1"], true),
    ] {
        let event = |time: &str| format!("[{time}, \"o\", \"x\"]\n");
        let cast = [header, &event(times[0]), &event(times[1])].concat();
        let mut reader = EventReader::new(cast.as_bytes(), Strictness::Forgiving).unwrap();
        while reader.next().unwrap().is_some() {}
        assert_eq!(reader.is_suspect(), is_suspect, "{times:?}");
        check_suspicion(cast.as_bytes(), header.len() + event(times[0]).len());
    }
}

fn find(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .position(|w| w == text.as_bytes())
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_damage_is_repaired(
        sample in 0usize..3,
        damages in prop::collection::vec(damage(), 1..5),
    ) {
        let mut cast = samples::all().swap_remove(sample).1;
        for damage in &damages {
            damage.apply(&mut cast);
        }
        check(&cast);
    }

    #[test]
    fn what_validate_refuses_is_suspect(
        sample in 0usize..3,
        damages in prop::collection::vec(damage(), 0..3),
        cut in 0.0f64..1.0,
    ) {
        let mut cast = samples::all().swap_remove(sample).1;
        for damage in &damages {
            damage.apply(&mut cast);
        }
        check_suspicion(&cast, (cast.len() as f64 * cut) as usize);
    }

    #[test]
    fn undamaged_lines_stay(damage in damage()) {
        // These put good lines, or whole events and headers, where they are
        // wrong: then the lines after them may have to change.
        let moves = match &damage {
            Damage::Swap(..) | Damage::Duplicate(..) | Damage::Concatenate => true,
            Damage::Insert(_, new) => new.contains(&b'[') || new.contains(&b'{'),
            _ => false,
        };
        if moves {
            return Ok(());
        }
        let mut cast = samples::long_v2(40);
        let touched = damage.apply(&mut cast);
        let Some((out, _)) = check(&cast) else { return Ok(()) };
        let out: std::collections::HashSet<&[u8]> = out.split(|b| *b == b'\n').collect();
        let torn_end = !cast.ends_with(b"\n");
        let mut start = 0;
        let mut after_damage = false;
        for line in cast.split_inclusive(|b| *b == b'\n').collect::<Vec<_>>() {
            let end = start + line.len();
            let last = end == cast.len() && torn_end;
            let outside = end < touched.start || start > touched.end;
            // Of two times that contradict each other either may be the wrong
            // one, so the line after a damaged one may get a later time.
            if outside && start > 0 && !last && !after_damage {
                prop_assert!(
                    out.contains(&line[..line.len() - 1]),
                    "{} is gone", String::from_utf8_lossy(line)
                );
            }
            after_damage = !outside;
            start = end;
        }
    }

    #[test]
    fn noise_ends_well(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn edits_are_of_the_input(damages in prop::collection::vec(damage(), 1..4)) {
        struct Replay<'a>(&'a [u8], Vec<u8>);
        impl Edits for Replay<'_> {
            fn keep(&mut self, bytes: &[u8]) -> std::io::Result<()> {
                assert_eq!(&self.0[..bytes.len()], bytes);
                self.0 = &self.0[bytes.len()..];
                self.1.extend_from_slice(bytes);
                Ok(())
            }
            fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
                self.1.extend_from_slice(bytes);
                Ok(())
            }
            fn cut(&mut self, count: u64) -> std::io::Result<()> {
                self.0 = &self.0[count as usize..];
                Ok(())
            }
        }
        let mut cast = samples::v2();
        for damage in &damages {
            damage.apply(&mut cast);
        }
        let mut replay = Replay(&cast, Vec::new());
        repair_edits(&cast[..], &RepairOptions::default(), &mut replay).unwrap();
        prop_assert_eq!(replay.0, b"");
        prop_assert_eq!(replay.1, repaired(&cast, 1).0);
    }
}
