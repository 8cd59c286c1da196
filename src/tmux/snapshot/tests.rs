//! Golden answers: what is read from them, and what is painted.

use insta::assert_snapshot;

use super::super::Batch;
use super::*;

/// An answer of the sections given, each printed as tmux does.
fn answer(sections: &[&str]) -> (Separator, Vec<u8>) {
    let separator = Separator::random();
    let mut batch = Batch::new();
    separator.end(&mut batch);
    let end = batch.commands()[0][2].to_str().unwrap();
    let parts = sections.iter().map(|text| format!("{text}\n{end}\n"));
    let answer = parts.collect::<String>().into_bytes();
    (separator, answer)
}

fn read(text: &str, (separator, answer): &(Separator, Vec<u8>)) -> Result<Snapshot> {
    Ok(Snapshot::parse(version(text), separator, answer)?.0)
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// What is painted behind the reset, readable.
fn painted(snapshot: &Snapshot) -> String {
    let mut out = Vec::new();
    snapshot.paint(&mut out);
    let text = String::from_utf8(out).unwrap();
    let (_, text) = text.split_once("\x1b[H\x1b[2K").unwrap();
    text.replace('\x1b', "␛")
        .replace('\x0e', "␎")
        .replace('\x0f', "␏")
}

const STATE_3_3: &str = "10\t3\t4\t1\t0\t4294967295\t4294967295\t0\t2\t1\t0\t0\t1\t0\t0\t0\t0\t0\t0\t0\t8\t7\t0\tdefault\tdefault\tdefault\tdefault";

#[test]
fn a_plain_screen() {
    let shown = "one\ntwo \x1b[31mred\n\x1b[39m";
    let joined = "one\ntwo red\n";
    let (separator, mut bytes) = answer(&[
        STATE_3_3, "a title", "", "100\t99", "", shown, "", "", joined, STATE_3_3,
    ]);
    bytes.extend_from_slice(b"more\n");
    let (snapshot, rest) = Snapshot::parse(version("3.3a"), &separator, &bytes).unwrap();
    assert_eq!(rest, b"more\n");
    assert!(!snapshot.is_torn());
    assert_eq!((snapshot.columns(), snapshot.rows()), (10, 3));
    assert_snapshot!(painted(&snapshot), @"␛[1Hone␛[2Htwo ␛[0;31mred␛[0m␛]2;a title␛\\␛]7;␛\\␛[2;5H␛[?25h");
}

#[test]
fn everything_at_once() {
    let state = "10\t3\t10\t2\t1\t3\t1\t1\t2\t0\t1\t0\t0\t1\t1\t0\t1\t0\t0\t1\t0,4\t7\t0\t#010203\tdefault\tdefault\tdefault\tExt 1\tbar\t1\t0\t#ff0000\t1\t1";
    let shown = "\x1b[1m\x1b[38;5;9m0123456789\nab\x1b[5:3;4:3m\x1b[58;5;3mc\n\x1b[0m\x1b[44m\x0elqqk\x0f      ";
    let written = "0123456789\nabc\nlqqk";
    let joined = "0123456789abc\nlqqk";
    let bytes = answer(&[
        state,
        "t\\\\t",
        "file://h/p",
        "100\t90",
        "\x1b[3",
        shown,
        written,
        "old",
        "old",
        "old",
        joined,
        state,
    ]);
    let snapshot = read("3.7", &bytes).unwrap();
    assert!(!snapshot.is_torn());
    assert_snapshot!(painted(&snapshot), @r"␛[1Hold␛[2;4H␛[?1049h␛[2;1H␛[J␛[H␛[2K␛[1H␛[0;1;38;5;9m0123456789ab␛[0;1;53;4;38;5;9m␛[4:3m␛[58:5:3mc␛[3H␎␛[0;44mlqqk␏␛[6X␛[6C␛[0m␛]2;t\t␛\␛]7;file://h/p␛\␛]10;rgb:01/02/03␛\␛[?1002h␛[>4;1m␛[?1006h␛[?1h␛=␛[?2004h␛[5 q␛]12;rgb:ff/00/00␛\␛[2;3r␛[3;10H␛[0;44m ␛[0m␛[?7l␛[4h␛[?2026h␛[3");
}

#[test]
fn captures_that_disagree_are_torn() {
    for (shown, joined) in [
        ("a\nb\nc", "a\nb\nd"),
        ("a\nb", "a\nb"),
        ("a\nb\nc", "a\nb\nc\nd"),
    ] {
        let bytes = answer(&[
            STATE_3_3, "", "", "1\t1", "", shown, "", "", joined, STATE_3_3,
        ]);
        let snapshot = read("3.3", &bytes).unwrap();
        assert!(snapshot.is_torn(), "{shown:?} {joined:?}");
    }
    let moved = STATE_3_3.replacen("\t4\t1\t", "\t5\t1\t", 1);
    let bytes = answer(&[
        STATE_3_3, "", "", "1\t1", "", "a\n\n", "", "", "a\n\n", &moved,
    ]);
    let snapshot = read("3.3", &bytes).unwrap();
    assert!(snapshot.is_torn());
}

#[test]
fn nonsense_is_an_error() {
    for bytes in [
        answer(&[]),
        answer(&["1\t2"]),
        answer(&["", "", "", "", "", "", "", "", "", ""]),
        answer(&["x"; 10]),
    ] {
        assert!(read("3.3", &bytes).is_err());
    }
}

#[test]
fn a_query_asks_what_the_version_has() {
    let separator = Separator::random();
    let commands = |text| query(version(text), "%7".parse().unwrap(), &separator).to_string();
    assert!(!commands("3.0a").contains("-peN"));
    assert!(commands("3.3a").contains("capture-pane -peN -t '%7'"));
    assert!(!commands("3.3a").contains("cursor_shape"));
    assert!(commands("3.4").contains("capture-pane -pNT"));
    assert!(commands("3.7").contains("bracket_paste_flag"));
}
