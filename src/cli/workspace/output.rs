//! Where a verb's result goes: standard output, or a file that is never
//! overwritten in silence.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::Failure;
use crate::atomic_file::{AtomicFile, Durability};
use crate::workspace::Format;

/// The formats of workspace files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// YAML
    Yaml,
    /// JSON
    Json,
}

/// Where to, and in which format.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Format of the result; that of the file's name otherwise, else YAML
    #[arg(short, long, value_enum)]
    format: Option<FormatArg>,
    /// File to write to, instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
}

impl OutputArgs {
    /// Writes a workspace where it is wanted.
    pub fn write(&self, workspace: &crate::workspace::node::Node) -> Result<(), Failure> {
        let format = match (self.format, &self.output) {
            (Some(FormatArg::Yaml), _) => Format::Yaml,
            (Some(FormatArg::Json), _) => Format::Json,
            (None, Some(path)) => Format::of(path).unwrap_or_default(),
            (None, None) => Format::Yaml,
        };
        let text = format.emit(workspace);
        match &self.output {
            None => Ok(io::stdout().lock().write_all(text.as_bytes())?),
            Some(path) => {
                write_file(path, &text, self.force)?;
                eprintln!("{} is written", path.display());
                Ok(())
            }
        }
    }
}

/// Writes a file as a whole, or not at all: over one that is there only with
/// `force`.
pub fn write_file(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let fail = |error: io::Error| -> Failure {
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let error = crate::workspace::Error::Exists {
                    path: path.to_owned(),
                };
                Failure::new(error).hint("--force overwrites it")
            }
            _ => Failure::new(crate::workspace::Error::File {
                path: path.to_owned(),
                what: "cannot be written",
                source: error,
            }),
        }
    };
    if !force {
        let mut new = AtomicFile::beside(path, 0o666).map_err(fail)?;
        new.file_mut().write_all(text.as_bytes()).map_err(fail)?;
        return new.publish_new(path, Durability::PowerCut).map_err(fail);
    }
    // A link stays one: what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut new = AtomicFile::beside(&path, 0o666).map_err(fail)?;
    new.file_mut().write_all(text.as_bytes()).map_err(fail)?;
    if let Ok(old) = fs::metadata(&path) {
        new.file()
            .set_permissions(old.permissions())
            .map_err(fail)?;
    }
    new.replace(&path, Durability::PowerCut).map_err(fail)?;
    Ok(())
}
