//! The widths of characters, asked of tmux.
//!
//! `TVMUX_UPDATE_FIXTURES=1` asks about every code point and writes the list of the
//! tested tmux. Otherwise blocks are compared whose widths C libraries agree on.

use std::fmt::Write as _;

use super::captures::rules;
use super::oracle::{Case, Oracle, Step, difference, ours};
use super::support::tmux_version;

const COLUMNS: u16 = 800;
const ROWS: u16 = 200;
/// Columns for each character.
const SPACE: usize = 16;

/// Prints each character twice: followed by a step back and a letter, which shows
/// its width, and as it is.
fn case(characters: &[char]) -> Case {
    let mut text = String::new();
    let per_row = usize::from(COLUMNS) / SPACE;
    for (at, c) in characters.iter().enumerate() {
        let (row, column) = (at / per_row + 1, at % per_row * SPACE + 1);
        let _ = write!(text, "\x1b[{row};{column}Hab{c}\x1b[DX");
        let _ = write!(text, "\x1b[{row};{}Hb{c}", column + 8);
        let _ = write!(text, "\x1b[{row};{}H|", column + SPACE - 1);
    }
    Case {
        name: "widths".to_owned(),
        columns: COLUMNS,
        rows: ROWS,
        steps: vec![Step::Bytes(text.into_bytes())],
    }
}

fn cases(characters: impl Iterator<Item = u32>) -> Vec<(Vec<char>, Case)> {
    let all: Vec<char> = characters.filter_map(char::from_u32).collect();
    let most = usize::from(COLUMNS) / SPACE * usize::from(ROWS);
    let parts = all.chunks(most);
    parts.map(|part| (part.to_vec(), case(part))).collect()
}

#[test]
fn characters_are_as_wide_as_in_tmux() {
    if std::env::var_os("TVMUX_UPDATE_FIXTURES").is_some() {
        update();
        return;
    }
    let stable = (0xa1..=0x17f)
        .chain(0x390..=0x3a1)
        .chain(0x2500..=0x257f)
        .chain(0x3041..=0x3096)
        .chain(0x4e00..=0x9fa5)
        .chain(0xac00..=0xd7a3)
        .chain(0xff01..=0xff5e)
        .chain(0x1f600..=0x1f64f);
    let mut oracle = Oracle::start(1);
    for (_, case) in cases(stable) {
        let tmux = oracle.run(std::slice::from_ref(&case)).remove(0).unwrap();
        if let Some(difference) = difference(&tmux, &ours(&case, rules()), rules()) {
            panic!("{difference}");
        }
    }
}

/// Writes the list of the tested tmux.
fn update() {
    let mut oracle = Oracle::start(1);
    let mut list = String::from("0 3\n20 1\n7f 3\n");
    let mut last = 3;
    // Variation selector 16 makes what it joins wide: it has no width of its own.
    for (characters, case) in cases((0x80..=0x10_ffff).filter(|code| *code != 0xfe0f)) {
        let shown = oracle.run(std::slice::from_ref(&case)).remove(0).unwrap();
        let text: Vec<String> = shown
            .rows
            .iter()
            .map(|row| row.iter().map(|(c, _)| c).collect())
            .collect();
        let parts = text.iter().flat_map(|row| row.split_terminator('|'));
        for (c, part) in characters.iter().zip(parts) {
            let width = match part {
                _ if part.starts_with("abX") => 1,
                _ if part.starts_with("ab X") => 2,
                _ if part.contains(*c) => 0,
                _ => 3,
            };
            if width != last {
                let _ = writeln!(list, "{:x} {width}", u32::from(*c));
                last = width;
            }
        }
    }
    let name = format!("{}.{}", tmux_version().major(), tmux_version().minor());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/screen/widths");
    std::fs::write(format!("{folder}/tmux-{name}.txt"), list).unwrap();
}
