//! Compressed casts: `X.cast.zst`, in the zstd seekable format.
//!
//! Such a file is a row of zstd frames, each of [`FRAME`] bytes about and ending at
//! a line's end, then a table of their lengths in a frame that other programs skip:
//! any `zstd -d` gives the plain bytes back, and any byte is reached by unpacking one
//! frame ([`Plain`]). What has no such table, by other programs or torn, is read from
//! its start on ([`Unpacked`]), as what comes through a pipe. [`Salvage`] reads what
//! is left of a damaged one.
//!
//! All offsets in the crate are those of the plain bytes, so that what is known of a
//! cast stays true when it is compressed.

mod pack;
mod salvage;
mod seekable;
mod table;
mod unpacked;

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use pack::{FRAME, Packer};
pub use salvage::Salvage;
pub use seekable::Plain;
pub(crate) use seekable::fill;
pub use unpacked::{ToDamage, Unpacked};

/// What a compressed file's name ends with, behind the dot.
const SUFFIX: &str = "zst";

/// Whether a file that starts so is compressed by zstd.
#[must_use]
pub fn is_packed(start: &[u8]) -> bool {
    const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    // A frame to be skipped may come first.
    const SKIPPED: [u8; 3] = [0x2a, 0x4d, 0x18];
    start.starts_with(&FRAME)
        || start
            .first_chunk::<4>()
            .is_some_and(|[first, rest @ ..]| first & 0xf0 == 0x50 && *rest == SKIPPED)
}

/// Whether any byte of a file can be reached without unpacking all before it; not
/// when it cannot be read.
#[must_use]
pub fn is_seekable(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| Plain::of(file).is_ok_and(|plain| plain.is_ok()))
}

/// Whether a path is that of a compressed file.
#[must_use]
pub fn has_suffix(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == SUFFIX)
}

/// Whether a file of this name is a cast: `.cast`, compressed or not, and not hidden.
#[must_use]
pub fn is_cast_name(name: &OsStr) -> bool {
    let name = name.as_bytes();
    !name.starts_with(b".") && (name.ends_with(b".cast") || name.ends_with(b".cast.zst"))
}

/// The path of a cast once it is compressed.
#[must_use]
pub fn packed_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(SUFFIX);
    name.into()
}

/// The path of a compressed cast once it is plain; `None` for other paths.
#[must_use]
pub fn plain_path(path: &Path) -> Option<PathBuf> {
    has_suffix(path).then(|| path.with_extension(""))
}

/// Where a cast of that path is now: it may have been compressed since it was named,
/// or the other way round.
#[must_use]
pub fn present(path: &Path) -> PathBuf {
    let is_there = |path: &PathBuf| path.symlink_metadata().is_ok();
    let is_cast = |path: &PathBuf| path.file_name().is_some_and(is_cast_name);
    if path.symlink_metadata().is_ok() {
        return path.to_owned();
    }
    let other = match plain_path(path) {
        Some(plain) => Some(plain).filter(is_cast),
        None => Some(path.to_owned())
            .filter(is_cast)
            .map(|path| packed_path(&path)),
    };
    other.filter(is_there).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_cast_is_found_by_either_name() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("x.cast");
        let packed = packed_path(&plain);
        assert_eq!(plain_path(&packed).as_ref(), Some(&plain));
        assert_eq!(present(&plain), plain, "neither is there");
        fs::write(&packed, "").unwrap();
        assert_eq!(present(&plain), packed);
        assert_eq!(present(&packed), packed);
        fs::rename(&packed, &plain).unwrap();
        assert_eq!(present(&packed), plain);
        let other = folder.path().join("notes.zst");
        fs::write(folder.path().join("notes"), "").unwrap();
        assert_eq!(present(&other), other, "no cast");
    }

    #[test]
    fn casts_are_known_by_their_names() {
        let is_cast = |name: &str| is_cast_name(OsStr::new(name));
        assert!(
            ["x.cast", "x.cast.zst", "x.part002.cast"]
                .into_iter()
                .all(is_cast)
        );
        assert!(
            ![".x.cast", "x", "x.cast.gz", "cast", "x.zst"]
                .into_iter()
                .any(is_cast)
        );
    }

    #[test]
    fn compressed_files_are_known_by_their_start() {
        assert!(is_packed(&[0x28, 0xb5, 0x2f, 0xfd, 0]));
        assert!(is_packed(&[0x5e, 0x2a, 0x4d, 0x18]));
        for plain in [&b"{\"version\": 2}"[..], b"[1, \"o\"", b"", b"("] {
            assert!(!is_packed(plain));
        }
    }
}
