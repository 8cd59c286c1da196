//! The written cases: one a line in `fixtures/screen/cases.tsv`: name, size, bytes.
//! In the bytes `\e` `\r` `\n` `\t` `\\` `\xHH` are bytes and `\{80x24}` is a resize.

use super::oracle::{Case, Step};

/// All written cases.
pub fn written() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/screen/cases.tsv");
    let list = std::fs::read_to_string(path).unwrap();
    list.lines()
        .filter(|line| !line.is_empty())
        .map(read)
        .collect()
}

fn size(text: &str) -> (u16, u16) {
    let (columns, rows) = text.split_once('x').unwrap();
    (columns.parse().unwrap(), rows.parse().unwrap())
}

fn read(line: &str) -> Case {
    let mut fields = line.splitn(3, '\t');
    let mut next = || fields.next().unwrap_or_else(|| panic!("{line}"));
    let (name, (columns, rows), text) = (next().to_owned(), size(next()), next());
    let mut steps = Vec::new();
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.chars().next().unwrap();
        rest = &rest[1..];
        match escape {
            'e' => bytes.push(0x1b),
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            '\\' => bytes.push(b'\\'),
            'x' => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                rest = &rest[2..];
            }
            '{' => {
                let (inside, after) = rest.split_once('}').unwrap();
                rest = after;
                steps.push(Step::Bytes(std::mem::take(&mut bytes)));
                let (columns, rows) = size(inside);
                steps.push(Step::Resize(columns, rows));
            }
            _ => panic!("{line}"),
        }
    }
    steps.push(Step::Bytes(bytes));
    Case {
        name,
        columns,
        rows,
        steps,
    }
}
