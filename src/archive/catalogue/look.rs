//! Brings the catalogue's list in line with what is on disk: new casts get a row
//! with what their header says, those that changed are due to be read, those that
//! are gone are forgotten.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use foldhash::fast::RandomState;
use rusqlite::{Connection, params};

use super::entry::{Condition, Entry, Named, path_bytes};
use super::filter::Filter;
use super::walk::{Found, Paths, all_files};
use super::{Archive, ArchiveError, database};
use crate::cast::{EventReader, Header, Strictness};
use crate::clock::unix_micros;
use crate::packed::{self, Unpacked, is_cast_name};
use crate::threads::beside;
use crate::timeline::{Timeline, TimelineOptions};

/// What was written so lately may grow, whoever writes it.
pub(in crate::archive) const LATELY: Duration = Duration::from_secs(15 * 60);

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    pub new: usize,
    pub changed: usize,
    pub gone: usize,
    /// Folders that are there and cannot be read: their casts stay as they were.
    pub unreadable: Vec<PathBuf>,
    /// What a process that was killed may have left, for [`Archive::sweep`]: compressed
    /// casts beside plain ones, and hidden files. Only where all sizes were asked for.
    pub unfinished: Vec<PathBuf>,
}

/// What a folder holds.
struct Walked {
    folder: PathBuf,
    /// The casts below it, or why it cannot be read.
    casts: io::Result<Paths>,
    hidden: Vec<PathBuf>,
}

/// What has to be written of it.
#[derive(Default)]
struct Changes {
    new: Vec<(Found, bool)>,
    changed: Vec<(i64, Found)>,
    turned: Vec<(i64, bool)>,
    gone: Vec<i64>,
    unreadable: Vec<PathBuf>,
    unfinished: Vec<PathBuf>,
}

impl Archive {
    /// Compares the catalogue with the casts below `folders`. `running` are those
    /// that are being recorded; all others are finished. With `all_sizes` each file
    /// is asked how long it is; else only new ones, those that run, and those that
    /// were written lately, by whomever.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn look(
        &mut self,
        folders: &[PathBuf],
        running: &HashSet<PathBuf>,
        all_sizes: bool,
    ) -> Result<Looked, ArchiveError> {
        let (walked, entries) = beside(|| walk(folders), || self.all_entries());
        let changes = compare(&entries?, walked, running, all_sizes);
        self.apply(changes)
    }

    /// The same as [`Archive::look`] without all sizes, and all casts, the newest first:
    /// quicker than one after the other.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn look_and_list(
        &mut self,
        folders: &[PathBuf],
        running: &HashSet<PathBuf>,
    ) -> Result<(Looked, Vec<Entry>), ArchiveError> {
        let (walked, entries) = beside(|| walk(folders), || self.all_entries());
        let entries = entries?;
        let changes = compare(&entries, walked, running, false);
        let is_same = changes.is_none();
        let looked = self.apply(changes)?;
        let entries = match is_same {
            true => Filter::default().of(entries),
            false => self.entries(&Filter::default())?,
        };
        Ok((looked, entries))
    }

    fn apply(&mut self, changes: Changes) -> Result<Looked, ArchiveError> {
        let is_none = changes.is_none();
        let Changes {
            new,
            changed,
            turned,
            gone,
            unreadable,
            unfinished,
        } = changes;
        let looked = Looked {
            new: new.len(),
            changed: changed.len(),
            gone: gone.len(),
            unreadable,
            unfinished,
        };
        if is_none {
            return Ok(looked);
        }
        self.change(|connection| {
            for id in &gone {
                database::forget(connection, *id)?;
            }
            for (found, runs) in &new {
                insert(connection, found, *runs)?;
            }
            for (id, found) in &changed {
                let (device, inode, size, modified) = columns(found);
                connection
                    .prepare_cached(
                        "UPDATE casts SET device = ?, inode = ?, size = ?, modified = ?, is_due = 1
                         WHERE id = ?",
                    )?
                    .execute(params![device, inode, size, modified, id])?;
            }
            for (id, runs) in &turned {
                // What ended is read once more: to say what `validate` finds.
                connection
                    .prepare_cached("UPDATE casts SET condition = ?, is_due = 1 WHERE id = ?")?
                    .execute(params![condition(*runs).number(), id])?;
            }
            Ok(())
        })?;
        Ok(looked)
    }
}

impl Changes {
    fn is_none(&self) -> bool {
        self.new.is_empty()
            && self.changed.is_empty()
            && self.turned.is_empty()
            && self.gone.is_empty()
    }
}

impl Walked {
    fn of(folder: PathBuf) -> Walked {
        let (mut casts, mut hidden) = (Paths::default(), Vec::new());
        let walked = all_files(&folder, &mut |folder, name| {
            if is_cast_name(name) {
                casts.push(folder, name);
            } else if name.as_bytes().starts_with(b".") {
                hidden.push(folder.join(name));
            }
        });
        Walked {
            folder,
            casts: walked.map(|()| casts),
            hidden,
        }
    }
}

fn compare(
    entries: &[Entry],
    walked: Vec<Walked>,
    running: &HashSet<PathBuf>,
    all_sizes: bool,
) -> Changes {
    let late = unix_micros() as i64 - LATELY.as_micros() as i64;
    let mut changes = Changes::default();
    let mut away: Vec<PathBuf> = Vec::new();
    // A path takes longer to look up than a text.
    let mut known: HashMap<&OsStr, &Entry, RandomState> = entries
        .iter()
        .map(|entry| (entry.path.as_os_str(), entry))
        .collect();
    for Walked {
        folder,
        casts,
        hidden,
    } in walked
    {
        let casts = match casts {
            Ok(casts) => casts,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    changes.unreadable.push(folder.clone());
                }
                away.push(folder);
                continue;
            }
        };
        if all_sizes {
            let there: HashSet<&Path> = casts.iter().collect();
            let is_pair = |path: &&Path| {
                packed::plain_path(path).is_some_and(|plain| there.contains(&*plain))
            };
            let pairs = casts.iter().filter(is_pair).map(Path::to_owned);
            changes.unfinished.extend(pairs.chain(hidden));
        }
        for path in casts.iter() {
            let runs = !running.is_empty() && running.contains(path);
            let Some(old) = known.remove(path.as_os_str()) else {
                let found = Found::at(path).map(|found| (found, runs));
                changes.new.extend(found);
                continue;
            };
            let was_running = old.state == Condition::Running;
            if all_sizes || runs || was_running || old.file.3 > late {
                // One that has just gone is forgotten the next time.
                let Some(found) = Found::at(path) else {
                    continue;
                };
                if columns(&found) != old.file {
                    changes.changed.push((old.id, found));
                }
            }
            if runs != was_running {
                changes.turned.push((old.id, runs));
            }
        }
    }
    // A disk that is not there has taken no cast away.
    let is_away = |path: &OsStr| {
        away.iter()
            .any(|folder| Path::new(path).starts_with(folder))
    };
    let gone = known.iter().filter(|(path, _)| !is_away(path));
    changes.gone = gone.map(|(_, entry)| entry.id).collect();
    changes
}

fn walk(folders: &[PathBuf]) -> Vec<Walked> {
    apart(folders).into_iter().map(Walked::of).collect()
}

/// The folders by their real paths, without those that are inside of others.
fn apart(folders: &[PathBuf]) -> Vec<PathBuf> {
    let real = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let mut all: Vec<PathBuf> = folders.iter().map(real).collect();
    all.sort();
    all.dedup_by(|folder, before| folder.starts_with(before));
    all
}

fn condition(runs: bool) -> Condition {
    match runs {
        true => Condition::Running,
        false => Condition::Finished,
    }
}

fn columns(found: &Found) -> (i64, i64, i64, i64) {
    (
        found.device as i64,
        found.inode as i64,
        found.size as i64,
        found.modified,
    )
}

/// Adds a cast, with what its first and last bytes say.
fn insert(connection: &Connection, found: &Found, runs: bool) -> rusqlite::Result<()> {
    let path = &found.path;
    let is_compressed = packed::has_suffix(path);
    let header = header(path);
    let alone = TimelineOptions {
        alone: true,
        ..TimelineOptions::default()
    };
    let duration = match packed::is_seekable(path) {
        // It would have to be unpacked.
        false => 0,
        true => Timeline::open(path, alone).map_or(0, |timeline| timeline.likely_duration()),
    };
    let named = Named::read(path);
    let (device, inode, size, modified) = columns(found);
    let started = header.timestamp.map(|seconds| seconds as i64 * 1_000_000);
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO casts (path, device, inode, size, modified, condition,
                 is_compressed, host, session, window, title, program, started, duration,
                 columns, rows, part)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            path_bytes(path),
            device,
            inode,
            size,
            modified,
            condition(runs).number(),
            is_compressed,
            named.host,
            named.session,
            named.window,
            header.title,
            header.command,
            started.unwrap_or(modified - duration as i64),
            duration as i64,
            header.width,
            header.height,
            header.part.map_or(1, |part| part.number),
        ])?;
    Ok(())
}

fn header(path: &Path) -> Header {
    let read = || {
        let input = Unpacked::new(File::open(path).ok()?).ok()?;
        let reader = EventReader::new(input, Strictness::Forgiving).ok()?;
        Some(reader.header().clone())
    };
    read().unwrap_or_default()
}
