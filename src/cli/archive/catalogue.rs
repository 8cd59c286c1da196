//! The catalogue as verbs use it: opened, in line with the disk, made again where
//! it is damaged.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::State;
use crate::archive::{Archive, ArchiveError, Entry, Indexed, NameError, UpdateLock};
use crate::cli::progress::Progress;
use crate::cli::table::printable;
use crate::cli::{Context, Failure, background, runtime, warn};
use crate::folders;

/// Opens the user's catalogue.
pub(in crate::cli) fn open() -> Result<Archive, Failure> {
    let folder = folders::data()?;
    Archive::open(&folder).map_err(|error| match error {
        error @ ArchiveError::Newer { .. } => {
            Failure::new(error).hint("use that version, or remove the file: it is made again")
        }
        error => error.into(),
    })
}

/// Does some work with the catalogue; one that turns out to be damaged is set aside,
/// and the work done again with what is made anew.
pub(in crate::cli) fn with_archive<T>(
    mut work: impl FnMut(&mut Archive) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let result = open().and_then(|mut archive| work(&mut archive));
    let is_damage = |failure: &Failure| {
        failure
            .error::<ArchiveError>()
            .is_some_and(ArchiveError::is_damage)
    };
    match result {
        Err(failure) if is_damage(&failure) => {
            if let Some(aside) = Archive::set_aside(&folders::data()?)? {
                warn(&format!(
                    "the archive's database is damaged; it is {} now, and is made again",
                    printable(&aside.to_string_lossy())
                ));
            }
            work(&mut open()?)
        }
        other => other,
    }
}

/// Brings the list of casts in line with the disk. With `all_sizes` each file is
/// asked how long it is.
pub(in crate::cli) fn look(
    context: &Context,
    archive: &mut Archive,
    all_sizes: bool,
) -> Result<(), Failure> {
    let folders = context.config.cast_folders();
    let looked = archive.look(&folders, &running(), all_sizes)?;
    for folder in looked.unreadable {
        warn(&format!(
            "the folder {} cannot be read",
            printable(&folder.to_string_lossy())
        ));
    }
    Ok(())
}

/// Reads what is new in a cast, until `stop` is set; gives how many bytes that were,
/// too.
pub(in crate::cli) fn read_new(
    archive: &mut Archive,
    lock: &UpdateLock,
    cast: &Entry,
    progress: &mut Progress,
    stop: &AtomicBool,
) -> Result<(Indexed, u64), ArchiveError> {
    let mut bytes = 0;
    let indexed = archive.index(lock, cast, &mut |read| {
        bytes += read;
        progress.advance(read);
        match stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    Ok((indexed, bytes))
}

/// The casts that the daemon writes at present.
fn running() -> HashSet<PathBuf> {
    let asked = async { background::client().await.ok()?.recordings().await.ok() };
    let recordings = runtime().ok().and_then(|runtime| runtime.block_on(asked));
    recordings
        .into_iter()
        .flatten()
        .filter(|recording| recording.state != State::Finished)
        .filter_map(|recording| recording.cast_path.canonicalize().ok())
        .collect()
}

/// The cast that a name means.
pub(in crate::cli) fn named(archive: &Archive, name: &str) -> Result<Entry, Failure> {
    archive.named(name).map_err(|error| match error {
        NameError::Archive(error) => error.into(),
        error @ NameError::Outside { .. } => {
            Failure::usage(error).hint("archive.directories in the configuration adds folders")
        }
        error => Failure::usage(error).hint("`tvmux ls` lists the casts that are known"),
    })
}
