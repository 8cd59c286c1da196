//! Where a verb writes a cast or a picture to.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::Failure;
use super::signals::StoppableOutput;
use super::validate::shown;
use crate::atomic_file::{AtomicFile, Durability};
use crate::packed::{Packer, has_suffix};

/// Where a recording is written to.
pub(super) enum Output {
    /// A pipe, a terminal, a device: written to as it comes.
    Stream(StoppableOutput),
    /// A file that gets its name in the end; whether another may have it.
    File(AtomicFile, bool),
    /// Either, compressed.
    Packed(Box<Packer<Output>>),
}

impl Output {
    /// Opens it; writing to what is no file of its own fails soon after `stop` is set.
    pub(super) fn open(
        path: &Path,
        overwrite: bool,
        stop: &'static AtomicBool,
    ) -> Result<Output, Failure> {
        if path == Path::new("-") {
            return Ok(Output::Stream(StoppableOutput::new(stop)?));
        }
        let cannot = |error| Failure::usage(format!("cannot write {}: {error}", shown(path)));
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(cannot(io::ErrorKind::IsADirectory.into()));
            }
            Ok(there) if !there.is_file() => {
                let file = File::options().write(true).open(path).map_err(cannot)?;
                return Ok(Output::Stream(StoppableOutput::of(file, stop)));
            }
            Ok(_) if !overwrite => {
                return Err(Failure::usage(format!("{} is there already", shown(path)))
                    .hint("replace it with --overwrite"));
            }
            _ => {}
        }
        let file = AtomicFile::beside(path, 0o666).map_err(cannot)?;
        Ok(Output::File(file, overwrite))
    }

    /// The same; what a name that ends with `.zst` stands for is compressed, so that any
    /// place in it is reached at once.
    pub(super) fn open_by_name(
        path: &Path,
        overwrite: bool,
        stop: &'static AtomicBool,
    ) -> Result<Output, Failure> {
        let output = Output::open(path, overwrite, stop)?;
        Ok(match has_suffix(path) {
            true => Output::Packed(Box::new(Packer::new(output)?)),
            false => output,
        })
    }

    pub(super) fn publish(self, path: &Path) -> io::Result<()> {
        match self {
            Output::Packed(packer) => packer.finish()?.publish(path),
            Output::Stream(_) => Ok(()),
            Output::File(file, true) => file.replace(path, Durability::Kill).map(drop),
            Output::File(file, false) => file.publish_new(path, Durability::Kill),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Stream(stream) => stream.write(bytes),
            Output::File(file, _) => file.file_mut().write(bytes),
            Output::Packed(packer) => packer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Stream(stream) => stream.flush(),
            Output::File(..) => Ok(()),
            Output::Packed(packer) => packer.flush(),
        }
    }
}
