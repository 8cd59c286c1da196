//! The damaged corpus: what `validate` says of it is what real readers did, and
//! what `repair` makes of it is what they were seen to read.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tvmux::cast::{Reader, RepairOptions, Summary, ValidateOptions, repair, validate};

/// What the readers did with a cast: whether they read it, and the number of
/// events that they found, if they say.
#[derive(Debug)]
struct Verdicts {
    asciinema: bool,
    asciinema_2: Option<u64>,
    player: Option<u64>,
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/cast")
}

fn verdicts(table: &str) -> BTreeMap<String, Verdicts> {
    let text = fs::read_to_string(fixtures().join(table)).unwrap();
    let events = |verdict: &str| verdict.strip_prefix("reads ").map(|n| n.parse().unwrap());
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let verdicts = Verdicts {
            asciinema: cells[1] == "reads",
            asciinema_2: events(cells[2]),
            player: events(cells[3]),
        };
        (cells[0].to_owned(), verdicts)
    })
    .collect()
}

fn cast(folder: &str, name: &str) -> Vec<u8> {
    fs::read(fixtures().join(folder).join(format!("{name}.cast"))).unwrap()
}

fn look(cast: &[u8], reader: Reader) -> Summary {
    let options = ValidateOptions {
        reader,
        ..ValidateOptions::default()
    };
    validate(cast, &options, &mut |_| {}).unwrap()
}

#[test]
fn validate_says_what_readers_do() {
    let all = verdicts("damaged.tsv");
    assert!(all.len() >= 80, "the corpus has {} casts", all.len());
    for (name, verdicts) in &all {
        let bytes = cast("damaged", name);
        let summary = look(&bytes, Reader::Asciinema);
        let counts = &summary.findings;
        assert_eq!(
            summary.accepted_by(Reader::Asciinema),
            verdicts.asciinema,
            "{name}: {counts:?}"
        );
        let summary = look(&bytes, Reader::Player);
        // An event that the player skips without a word is not read.
        let whole = verdicts
            .player
            .is_some_and(|events| events >= summary.events.total());
        assert_eq!(
            summary.accepted_by(Reader::Player),
            whole,
            "{name}: {counts:?}"
        );
    }
}

/// asciinema 2 stops silently at a blank line, also at one that ends the cast.
const BLANK_AT_THE_END: &str = "v2-two-blank-last";

#[test]
fn validate_says_what_asciinema_2_does() {
    for (name, verdicts) in &verdicts("damaged.tsv") {
        let summary = look(&cast("damaged", name), Reader::Asciinema2);
        let all = summary.events.total();
        let whole = verdicts.asciinema_2.is_some_and(|events| events >= all);
        let accepted = summary.accepted_by(Reader::Asciinema2);
        assert_eq!(
            accepted || name == BLANK_AT_THE_END,
            whole,
            "{name}: {:?}",
            summary.findings
        );
        let agg = look(&cast("damaged", name), Reader::Agg);
        assert_eq!(
            agg.accepted_by(Reader::Agg),
            verdicts.asciinema && agg.version == Some(2),
            "{name}"
        );
    }
}

#[test]
fn valid_is_what_all_readers_read() {
    for (name, verdicts) in &verdicts("damaged.tsv") {
        let summary = look(&cast("damaged", name), Reader::Strict);
        if summary.is_valid() {
            assert!(verdicts.asciinema, "{name}");
            assert_eq!(verdicts.player, Some(summary.events.total()), "{name}");
            if summary.version != Some(3) {
                assert_eq!(verdicts.asciinema_2, Some(summary.events.total()), "{name}");
            }
        }
    }
}

#[test]
fn repair_writes_what_readers_were_seen_to_read() {
    let repaired = verdicts("repaired.tsv");
    for name in verdicts("damaged.tsv").keys() {
        let mut out = Vec::new();
        let report = repair(
            &cast("damaged", name)[..],
            &mut out,
            &RepairOptions::default(),
        )
        .unwrap();
        let Some(verdicts) = repaired.get(name) else {
            assert!(!report.is_recovered(), "{name}");
            continue;
        };
        assert!(report.is_recovered(), "{name}");
        let golden = cast("repaired", name);
        assert_eq!(
            String::from_utf8_lossy(&out),
            String::from_utf8_lossy(&golden),
            "{name}"
        );
        let events = look(&out, Reader::Strict).events.total();
        assert!(verdicts.asciinema, "{name}");
        assert_eq!(verdicts.player, Some(events), "{name}");
        if report.version != 3 {
            assert_eq!(verdicts.asciinema_2, Some(events), "{name}");
        }
    }
}
