//! The catalogue as verbs use it: opened, in line with the disk, made again where
//! it is damaged.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::api::State;
use crate::archive::{
    Archive, ArchiveError, Chain, Condition, Entry, Filter, Indexed, Looked, NameError, UpdateLock,
};
use crate::cli::progress::Progress;
use crate::cli::table::printable;
use crate::cli::{Context, Failure, background, runtime, warn};
use crate::folders;
use crate::wording::counted;

/// Bytes of casts that are read before they are asked, when they were not so far.
pub(in crate::cli) const READ_FIRST: u64 = 64 << 20;

/// How long another process that reads casts is waited for, and how often it is looked
/// whether it has done so.
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(10);

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
/// and the work done again with what is made instead.
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
    warn_of_unreadable(looked);
    Ok(())
}

/// Brings the list in line with the disk, with all sizes, and ends what killed processes
/// have begun.
pub(in crate::cli) fn look_and_sweep(
    context: &Context,
    archive: &mut Archive,
    lock: &UpdateLock,
    stop: &'static AtomicBool,
) -> Result<(), Failure> {
    let folders = context.config.cast_folders();
    let looked = archive.look(&folders, &running(), true)?;
    archive.sweep(lock, &looked.unfinished, Some(stop));
    warn_of_unreadable(looked);
    Ok(())
}

/// The same without all sizes; gives all casts, the newest first.
pub(in crate::cli) fn look_and_list(
    context: &Context,
    archive: &mut Archive,
) -> Result<Vec<Entry>, Failure> {
    let folders = context.config.cast_folders();
    let (looked, entries) = archive.look_and_list(&folders, &running())?;
    warn_of_unreadable(looked);
    Ok(entries)
}

fn warn_of_unreadable(looked: Looked) {
    for folder in looked.unreadable {
        warn(&format!(
            "the folder {} cannot be read",
            printable(&folder.to_string_lossy())
        ));
    }
}

/// Reads what is new in some casts, until `stop` is set; gives what became of each, and
/// how many bytes that were.
pub(in crate::cli) fn read_new(
    archive: &mut Archive,
    lock: &UpdateLock,
    casts: &[&Entry],
    progress: &mut Progress,
    stop: &AtomicBool,
) -> Result<(Vec<Indexed>, u64), ArchiveError> {
    let mut bytes = 0;
    let became = archive.index(lock, casts, &mut |read| {
        bytes += read;
        progress.advance(read);
        match stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    Ok((became, bytes))
}

/// The casts that the daemon writes at present, and those that it goes on with once it
/// runs again.
fn running() -> HashSet<PathBuf> {
    let asked = async { background::client().await.ok()?.recordings().await.ok() };
    let recordings = runtime().ok().and_then(|runtime| runtime.block_on(asked));
    recordings
        .unwrap_or_else(background::cut_off)
        .into_iter()
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

/// The casts that fit `filter`, the newest first; of these only those that `names`
/// mean and the parts that follow them, if there are any.
fn chosen(archive: &Archive, filter: &Filter, names: &[String]) -> Result<Vec<Entry>, Failure> {
    let mut casts = archive.entries(filter)?;
    if !names.is_empty() {
        let mut meant = HashSet::new();
        for name in names {
            let parts = archive.parts(&named(archive, name)?)?;
            meant.extend(parts.iter().map(|part| part.id));
        }
        casts.retain(|cast| meant.contains(&cast.id));
    }
    Ok(casts)
}

/// The chains of `casts` that may have commands, in the order of the first of each.
pub(in crate::cli) fn chains_with_commands(
    archive: &Archive,
    casts: &[Entry],
) -> Result<Vec<Rc<Chain>>, Failure> {
    let mut known: HashSet<i64> = HashSet::new();
    let mut chains = Vec::new();
    for cast in casts.iter().filter(|cast| cast.may_have_commands()) {
        if !known.contains(&cast.id) {
            let chain = archive.chain(cast)?;
            known.extend(chain.parts().map(|part| part.id));
            chains.push(Rc::new(chain));
        }
    }
    Ok(chains)
}

/// The casts that are meant, after what is new in them was read: up to a bound,
/// those that are recorded at present first. Says what has to be left out.
pub(in crate::cli) fn chosen_and_read(
    archive: &mut Archive,
    filter: &Filter,
    names: &[String],
    most: u64,
    stop: &AtomicBool,
) -> Result<Vec<Entry>, Failure> {
    let casts = chosen(archive, filter, names)?;
    if !casts.iter().any(|cast| cast.is_due) {
        return Ok(casts);
    }
    let end = Instant::now() + PATIENCE;
    let lock = loop {
        match archive.try_lock_for_update()? {
            Some(lock) => break lock,
            None if stop.load(Ordering::Relaxed) => return Err(Failure::stopped("stopped")),
            None if Instant::now() < end => thread::sleep(AGAIN),
            None => {
                warn(
                    "casts are being read at present: what they have not given so far is not found",
                );
                return chosen(archive, filter, names);
            }
        }
    };
    // Whoever had the lock may have read them.
    let casts = chosen(archive, filter, names)?;
    read_due(archive, &lock, &casts, most, stop)?;
    chosen(archive, filter, names)
}

fn read_due(
    archive: &mut Archive,
    lock: &UpdateLock,
    casts: &[Entry],
    most: u64,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut due: Vec<&Entry> = casts.iter().filter(|cast| cast.is_due).collect();
    due.sort_by_key(|cast| (cast.state != Condition::Running, cast.unread()));
    let (mut room, before) = (most, due.len());
    due.retain(|cast| {
        let fits = cast.unread() <= room;
        room -= if fits { cast.unread() } else { 0 };
        fits
    });
    let mut progress = Progress::new(None);
    let (became, _) = read_new(archive, lock, &due, &mut progress, stop)?;
    if became.contains(&Indexed::Stopped) {
        return Err(Failure::stopped("stopped"));
    }
    drop(progress);
    let left = before - due.len();
    if left > 0 {
        let casts = counted(left as u64, "cast");
        warn(&format!(
            "{casts} were not read so far; `tvmux archive update` does it"
        ));
    }
    Ok(())
}
