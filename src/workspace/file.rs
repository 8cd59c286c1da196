//! Workspace files: their formats, and reading them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::{Error, Result, Source};
use super::node::{Mark, Node};
use super::{json, yaml};

/// How large a workspace file may be, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The format of a workspace file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// YAML (`.yaml`, `.yml`).
    #[default]
    Yaml,
    /// JSON (`.json`).
    Json,
}

impl Format {
    /// The format of a file by its name; `None` for any other.
    #[must_use]
    pub fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Format::Yaml),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    /// The usual end of a file's name, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Format::Yaml => "yaml",
            Format::Json => "json",
        }
    }

    /// Writes a tree in this format, ending in a newline.
    #[must_use]
    pub fn emit(self, node: &Node) -> String {
        match self {
            Format::Yaml => yaml::emit(node),
            Format::Json => json::emit(node),
        }
    }
}

/// Whether a file is a workspace by its name: YAML or JSON.
#[must_use]
pub fn is_config_file(path: &Path) -> bool {
    Format::of(path).is_some()
}

/// Reads a file into a tree.
///
/// # Errors
/// When it cannot be read, is empty, too large, no UTF-8, or not what its
/// name says (a file of another name is read as YAML).
pub fn read_file(path: &Path, source: &mut Source) -> Result<Node> {
    let fail = |error| Error::File {
        path: path.to_owned(),
        what: "cannot be read",
        source: error,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() {
        return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > LARGEST {
        return Err(source.error(Mark::default(), format!("larger than {LARGEST} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', valid).count() + 1;
        let start = memchr::memrchr(b'\n', valid).map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&valid[start..]).chars().count() + 1;
        source.error(Mark { line, column }, "this is no UTF-8 text")
    })?;
    parse(&text, Format::of(path).unwrap_or_default(), source)
}

/// Reads a text into a tree.
///
/// # Errors
/// When it is empty or not of the format.
pub fn parse(text: &str, format: Format, source: &mut Source) -> Result<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree = match format {
        Format::Yaml => yaml::parse(text, source)?,
        Format::Json if text.trim().is_empty() => None,
        Format::Json => json::parse(text, source)?,
    };
    tree.filter(|tree| !tree.is_null())
        .ok_or_else(|| Error::EmptyConfig {
            path: source.path().to_owned(),
        })
}
