//! The casts of a recording that was rotated: one chain, told by their names.
//!
//! The parts of `X.cast` are `X.part002.cast`, `X.part003.cast` … in the same folder,
//! each plain or compressed. All but the first say in their header which they are
//! ([`Part`]): a file that only has such a name is none. A chain has one time: that
//! of a part goes on where the last event of the part before stands. The parts after
//! another, as bytes, are read as one cast ([`EventReader`]).

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::cast::{EventReader, Part, Strictness};
use crate::packed::{Unpacked, present};

const PACKED: &[u8] = b".zst";
const SUFFIX: &[u8] = b".cast";
const MARK: &[u8] = b".part";

/// A cast's file name without what says which part it is, and that number.
struct Name<'a> {
    stem: &'a [u8],
    number: u32,
    suffix: &'static [u8],
}

impl Name<'_> {
    fn of(path: &Path) -> Name<'_> {
        let path = path.as_os_str().as_bytes();
        let name = match memchr::memrchr(b'/', path) {
            Some(at) => &path[at + 1..],
            None => path,
        };
        let name = name.strip_suffix(PACKED).unwrap_or(name);
        let (stem, suffix) = match name.strip_suffix(SUFFIX) {
            Some(stem) => (stem, SUFFIX),
            None => (name, &b""[..]),
        };
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let digits = stem.iter().rev().take_while(is_digit).count();
        let (before, digits) = stem.split_at(stem.len() - digits);
        let part = before.strip_suffix(MARK).filter(|_| digits.len() >= 3);
        let number = std::str::from_utf8(digits).unwrap_or_default().parse().ok();
        match (part, number) {
            (Some(stem), Some(number)) if number > 1 => Name {
                stem,
                number,
                suffix,
            },
            _ => Name {
                stem,
                number: 1,
                suffix,
            },
        }
    }
}

/// The number of a cast in its chain by its name; 1 for those that are no part.
#[must_use]
pub fn number(cast: &Path) -> u32 {
    Name::of(cast).number
}

/// Where the part of this number of a cast's chain is, not compressed.
#[must_use]
pub fn part_path(cast: &Path, number: u32) -> PathBuf {
    let name = Name::of(cast);
    let mut file = name.stem.to_owned();
    if number > 1 {
        file.extend_from_slice(MARK);
        file.extend_from_slice(format!("{number:03}").as_bytes());
    }
    file.extend_from_slice(name.suffix);
    cast.with_file_name(OsString::from_vec(file))
}

/// Which part of a recording a cast says it is; `None` for a first one, and for what
/// cannot be read.
#[must_use]
pub fn part_of(cast: &Path) -> Option<Part> {
    let file = Unpacked::new(File::open(cast).ok()?).ok()?;
    let reader = EventReader::new(file, Strictness::Forgiving).ok()?;
    reader.header().part.clone()
}

/// The part of this number of a cast's chain, if it is there.
fn part(cast: &Path, number: u32) -> Option<PathBuf> {
    let path = present(&part_path(cast, number));
    let found = number == 1 || part_of(&path).is_some_and(|part| part.number == number);
    (found && path.is_file()).then_some(path)
}

/// The part that follows a cast, if it is there.
#[must_use]
pub fn next(cast: &Path) -> Option<PathBuf> {
    part(cast, number(cast) + 1)
}

/// A cast and the parts that follow it: those of its whole chain where it is the
/// first.
#[must_use]
pub fn from(cast: &Path) -> Vec<PathBuf> {
    std::iter::successors(Some(cast.to_owned()), |cast| next(cast)).collect()
}

/// The first cast of a chain, as far back as its parts are there.
#[must_use]
pub fn first(cast: &Path) -> PathBuf {
    let mut first = cast.to_owned();
    while number(&first) > 1 && part_of(&first).is_some() {
        match part(&first, number(&first) - 1) {
            Some(before) => first = before,
            None => break,
        }
    }
    first
}

/// The plain bytes of casts, one after the other, from their starts to their ends.
pub struct Joined<R> {
    inputs: std::vec::IntoIter<R>,
    present: Option<R>,
}

impl<R: Read> Joined<R> {
    #[must_use]
    pub fn new(inputs: Vec<R>) -> Joined<R> {
        let mut inputs = inputs.into_iter();
        Joined {
            present: inputs.next(),
            inputs,
        }
    }
}

impl<R: Read> Read for Joined<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(input) = &mut self.present {
            match input.read(buffer)? {
                0 if !buffer.is_empty() => self.present = self.inputs.next(),
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn header(number: u32) -> String {
        match number {
            1 => "{\"version\":2,\"width\":80,\"height\":24}\n".to_owned(),
            _ => format!(
                "{{\"version\":2,\"width\":80,\"height\":24,\"tvmux\":{{\"part\":{number},\
                 \"previous\":\"x\",\"screen\":4}}}}\n[0.0, \"o\", \"ab\"]\n[0.0, \"o\", \"cd\"]\n"
            ),
        }
    }

    #[test]
    fn names_tell_parts() {
        let of = |path: &str, number| part_path(Path::new(path), number);
        assert_eq!(of("/a/x.cast", 2), Path::new("/a/x.part002.cast"));
        assert_eq!(
            of("/a/x.part002.cast", 1000),
            Path::new("/a/x.part1000.cast")
        );
        assert_eq!(of("/a/x.part002.cast.zst", 1), Path::new("/a/x.cast"));
        assert_eq!(of("/a/plain", 2), Path::new("/a/plain.part002"));
        let number = |path: &str| number(Path::new(path));
        assert_eq!(number("x.part012.cast.zst"), 12);
        for other in [
            "x.cast",
            "x.part1.cast",
            "x.part001.cast",
            "x.partial.cast",
            "",
        ] {
            assert_eq!(number(other), 1, "{other}");
        }
    }

    #[test]
    fn a_chain_goes_on_as_far_as_its_parts_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("x.cast"), header(1)).unwrap();
        assert_eq!(from(&path("x.cast")), [path("x.cast")]);
        // It only has the name.
        fs::write(path("x.part002.cast"), header(1)).unwrap();
        assert_eq!(from(&path("x.cast")), [path("x.cast")]);
        for number in [2, 3, 5] {
            fs::write(part_path(&path("x.cast"), number), header(number)).unwrap();
        }
        let parts = from(&path("x.cast"));
        assert_eq!(parts.last(), Some(&path("x.part003.cast")));
        assert_eq!(from(&parts[1]), parts[1..]);
        assert_eq!(first(&parts[2]), path("x.cast"));
        assert_eq!(first(&path("x.part005.cast")), path("x.part005.cast"));
    }

    #[test]
    fn parts_are_read_as_one_cast() {
        let one = header(1) + "[1.5, \"o\", \"one\"]\n[2.0, \"i\", \"key\"]\n";
        let two = header(2) + "[0.25, \"o\", \"two\"]\n";
        for strictness in [Strictness::Strict, Strictness::Forgiving] {
            let inputs = vec![one.as_bytes(), two.as_bytes(), two.as_bytes()];
            let mut reader = EventReader::new(Joined::new(inputs), strictness).unwrap();
            let mut found = Vec::new();
            while let Some(event) = reader.next().unwrap() {
                found.push((event.time, event.data.to_str().into_owned()));
            }
            let event = |time, text: &str| (time, text.to_owned());
            let wanted = [
                event(1_500_000, "one"),
                event(2_000_000, "key"),
                event(2_250_000, "two"),
                event(2_500_000, "two"),
            ];
            assert_eq!(found, wanted);
        }
        // By itself a part begins with its screen.
        let mut reader = EventReader::new(two.as_bytes(), Strictness::Strict).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().data.to_str(), "ab");
    }
}
