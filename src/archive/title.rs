//! Gives a cast another title.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use serde_json::{Map, Value};

use crate::atomic_file::{AtomicFile, Durability};

/// A first line longer than this is no header, in bytes.
const LONGEST_HEADER: u64 = 1 << 20;

/// Writes `title` into the header of a cast that nobody writes to, in place and
/// atomically; `false` when it has that title already. All other bytes stay.
///
/// # Errors
/// As the system says; `InvalidData` when the file does not begin with a header.
/// The file is then as it was.
pub fn set_title(path: &Path, title: &str) -> io::Result<bool> {
    let file = File::options()
        .read(true)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)?;
    let mode = file.metadata()?.mode() & 0o7777;
    let mut line = Vec::new();
    let mut reader = BufReader::new(file.take(LONGEST_HEADER));
    reader.read_until(b'\n', &mut line)?;
    let mut header: Map<String, Value> = serde_json::from_slice(&line)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if header.get("title").and_then(Value::as_str) == Some(title) {
        return Ok(false);
    }
    header.insert("title".to_owned(), title.into());
    let mut file = reader.into_inner().into_inner();
    file.seek(SeekFrom::Start(line.len() as u64))?;
    let mut new = AtomicFile::beside(path, mode)?;
    let mut text = serde_json::to_vec(&header)?;
    text.push(b'\n');
    new.file_mut().write_all(&text)?;
    io::copy(&mut file, new.file_mut())?;
    new.replace(path, Durability::PowerCut)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_title_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cast");
        let rest = "[0.1, \"o\", \"a\"]\n[0.2, \"o\", \"torn";
        let header = r#"{"version": 2, "width": 80, "height": 24, "x-own": [1]}"#;
        fs::write(&path, format!("{header}\n{rest}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(set_title(&path, "né \"quoted\"").unwrap());
        assert!(!set_title(&path, "né \"quoted\"").unwrap(), "it has it");
        let text = fs::read_to_string(&path).unwrap();
        let (first, others) = text.split_once('\n').unwrap();
        assert_eq!(others, rest);
        let header: Value = serde_json::from_str(first).unwrap();
        assert_eq!(header["title"], "né \"quoted\"");
        assert_eq!(header["x-own"][0], 1);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(set_title(&path, "shorter").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_cast_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "hello\n").unwrap();
        let error = set_title(&path, "x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello\n");
    }
}
