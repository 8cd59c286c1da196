//! A cast as it is read from its start to its end: a file, compressed or not, or
//! standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::progress::Metered;
use super::signals::StoppableInput;
use crate::chain::{self, Joined};
use crate::packed::{Unpacked, present};

type Input = Box<dyn Read + Send>;

/// Opens a cast and the parts in which its recording goes on, as one; else as [`open`].
pub(super) fn open_chain(
    path: &Path,
    stop: Option<&'static AtomicBool>,
) -> io::Result<Unpacked<Metered<Input>>> {
    let (input, size) = chain_bytes(path, stop)?;
    Unpacked::new(Metered::new(input, size))
}

/// The same without progress.
pub(super) fn open_chain_silently(path: &Path) -> io::Result<Unpacked<Input>> {
    Unpacked::new(chain_bytes(path, None)?.0)
}

fn chain_bytes(path: &Path, stop: Option<&'static AtomicBool>) -> io::Result<(Input, Option<u64>)> {
    let path = &present(path);
    let is_file = path.metadata().is_ok_and(|found| found.is_file());
    let parts = match is_file {
        true => chain::from(path),
        false => vec![path.clone()],
    };
    if parts.len() == 1 {
        return bytes(path, stop);
    }
    let mut inputs = Vec::new();
    let mut size = Some(0);
    for part in &parts {
        let (input, length) = bytes(part, stop)?;
        let input = Unpacked::new(input)?;
        size = size.zip(length).map(|(size, length)| size + length);
        size = size.filter(|_| !input.is_packed());
        inputs.push(input);
    }
    Ok((Box::new(Joined::new(inputs)), size))
}

/// Opens a cast, `-` for standard input, and shows how far reading it has come. It
/// ends with an error once `stop` is set.
pub(super) fn open(
    path: &Path,
    stop: Option<&'static AtomicBool>,
) -> io::Result<Unpacked<Metered<Input>>> {
    let (input, size) = bytes(path, stop)?;
    Unpacked::new(Metered::new(input, size))
}

/// The bytes as they are, with their number if that is known.
fn bytes(path: &Path, stop: Option<&'static AtomicBool>) -> io::Result<(Input, Option<u64>)> {
    if path == Path::new("-") {
        let input: Input = match stop {
            Some(stop) => Box::new(StoppableInput::new(stop)?),
            None => Box::new(io::stdin()),
        };
        return Ok((input, None));
    }
    let file = File::open(present(path))?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let size = metadata.is_file().then_some(metadata.len());
    let input: Input = match stop {
        Some(stop) => Box::new(StoppableInput::of(file, stop)),
        None => Box::new(file),
    };
    Ok((input, size))
}
