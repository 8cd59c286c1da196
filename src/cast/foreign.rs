//! Files that are something else than a cast, known by how they start.

/// What a file is that is no cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Compressed by this program.
    Compressed(&'static str),
    /// Text in UTF-16 or UTF-32, which may be a cast once it is UTF-8.
    Wide(Width),
    /// Something else, called so.
    Other(&'static str),
}

/// How wide characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// UTF-16; whether the high byte comes first.
    Two(bool),
    /// UTF-32; whether the high byte comes first.
    Four(bool),
}

impl Foreign {
    /// What it is, for people: `gzip data`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Foreign::Compressed(program) => format!("{program} data"),
            Foreign::Wide(Width::Two(_)) => "UTF-16 text".to_owned(),
            Foreign::Wide(Width::Four(_)) => "UTF-32 text".to_owned(),
            Foreign::Other(name) => name.to_owned(),
        }
    }

    /// What to do with it, if something can be done.
    #[must_use]
    pub fn hint(self) -> Option<String> {
        match self {
            Foreign::Compressed(program) => Some(format!("unpack it first: {program} -d FILE")),
            Foreign::Wide(_) => Some("`tvmux repair` writes it as UTF-8".to_owned()),
            Foreign::Other("a typescript of script" | "a ttyrec recording") => {
                Some("`tvmux convert` makes a cast of it".to_owned())
            }
            Foreign::Other(_) => None,
        }
    }
}

/// Starts that no cast has.
const STARTS: &[(&[u8], Foreign)] = &[
    (b"\x1f\x8b", Foreign::Compressed("gzip")),
    (b"\x28\xb5\x2f\xfd", Foreign::Compressed("zstd")),
    (b"\xfd7zXZ\0", Foreign::Compressed("xz")),
    (b"BZh", Foreign::Compressed("bzip2")),
    (b"\x04\x22\x4d\x18", Foreign::Compressed("lz4")),
    (b"PK\x03\x04", Foreign::Other("a zip archive")),
    (b"GIF8", Foreign::Other("a GIF picture")),
    (b"\x89PNG", Foreign::Other("a PNG picture")),
    (b"\xff\xd8\xff", Foreign::Other("a JPEG picture")),
    (b"\x7fELF", Foreign::Other("a program (ELF)")),
    (b"%PDF", Foreign::Other("a PDF document")),
    (
        b"Script started on ",
        Foreign::Other("a typescript of script"),
    ),
];

/// What `start`, the first bytes of a file, shows it to be, if it is no cast.
#[must_use]
pub fn foreign(start: &[u8]) -> Option<Foreign> {
    if let Some((_, foreign)) = STARTS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(*foreign);
    }
    if let Some(width) = width(start) {
        return Some(Foreign::Wide(width));
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    let is_tag = |tag: &[u8]| {
        text.get(..tag.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(tag))
    };
    if is_tag(b"<!doctype html") || is_tag(b"<html") {
        return Some(Foreign::Other("a web page"));
    }
    if is_tag(b"<?xml") || is_tag(b"<svg") {
        return Some(Foreign::Other("XML"));
    }
    is_ttyrec(start).then_some(Foreign::Other("a ttyrec recording"))
}

/// Whether `start` is two frames of ttyrec at least, or one that is all there
/// is: seconds, microseconds and length, 32 bits each, the low byte first.
pub(crate) fn is_ttyrec(start: &[u8]) -> bool {
    let word = |at: usize| {
        let bytes = start.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let frame = |at: usize| {
        let (seconds, micros, length) = (word(at)?, word(at + 4)?, word(at + 8)?);
        (micros < 1_000_000 && length > 0 && length < 1 << 24).then_some((seconds, length))
    };
    let Some((first, length)) = frame(0) else {
        return false;
    };
    // A text that begins with these four bytes would be one from 1996 on.
    let next = 12 + length as usize;
    match frame(next) {
        Some((second, _)) => second >= first && second - first < 365 * 24 * 3600,
        None => start.len() <= next + 12,
    }
}

/// How wide the characters are of a text that starts like JSON, or with a
/// byte-order mark.
fn width(start: &[u8]) -> Option<Width> {
    let four: [u8; 4] = start.get(..4)?.try_into().ok()?;
    Some(match four {
        [0xff, 0xfe, 0, 0] | [b'{' | b'[', 0, 0, 0] => Width::Four(false),
        [0, 0, 0xfe, 0xff] | [0, 0, 0, b'{' | b'['] => Width::Four(true),
        [0xff, 0xfe, ..] | [b'{' | b'[', 0, _, 0] => Width::Two(false),
        [0xfe, 0xff, ..] | [0, b'{' | b'[', 0, _] => Width::Two(true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cast_is_named() {
        let wide = |text: &str, width: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(width).collect()
        };
        let ttyrec = [
            &1_600_000_000u32.to_le_bytes()[..],
            &5u32.to_le_bytes(),
            &2u32.to_le_bytes(),
            b"hi",
        ]
        .concat();
        for (start, name) in [
            (b"\x1f\x8b\x08".to_vec(), "gzip data"),
            (b"\x28\xb5\x2f\xfd".to_vec(), "zstd data"),
            (b"\xfd7zXZ\0\0".to_vec(), "xz data"),
            (b"\n<!DOCTYPE HTML>\n<title>".to_vec(), "a web page"),
            (
                b"Script started on 2026-01-01".to_vec(),
                "a typescript of script",
            ),
            (ttyrec.clone(), "a ttyrec recording"),
            (ttyrec.repeat(3), "a ttyrec recording"),
            (b"GIF89a".to_vec(), "a GIF picture"),
            (b"\x7fELF\x02".to_vec(), "a program (ELF)"),
            (wide("{\"version\"", u16::to_le_bytes), "UTF-16 text"),
            (
                wide("\u{feff}{\"version\"", u16::to_be_bytes),
                "UTF-16 text",
            ),
        ] {
            assert_eq!(foreign(&start).map(Foreign::name).as_deref(), Some(name));
        }
        for cast in [
            &b"{\"version\": 2}\n"[..],
            b"[1, \"o\", \"a\"]\n",
            b"\xef\xbb\xbf{",
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"",
            b"half a line\n",
        ] {
            assert_eq!(foreign(cast), None);
        }
    }
}
