//! The catalogue of casts: an SQLite file that any number of processes use at once.
//!
//! [`Archive::look`] compares it with what is on disk, by one walk over the folders;
//! what a cast holds is filled in by `index`. Every row can be made again from its
//! cast.

mod database;
mod entry;
mod filter;
mod look;
mod named;
mod parts;
mod walk;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

pub use entry::{Condition, Entry, Listed};
pub use filter::Filter;
pub use look::Looked;
pub use named::NameError;
pub(super) use parts::part_number;
pub use parts::{is_followed, join_parts, sort_parts};

pub(super) use database::{clear, forget};
pub(super) use entry::path_bytes;
pub(super) use look::LATELY;

use crate::folders::open_lock;
use crate::threads::beside;

/// How many [`Archive::newest_entries`] are.
const NEWEST: i64 = 300;

/// From this many on, casts are read in two halves at once.
const MANY: i64 = 1000;

/// Why the archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database does not do what it is asked.
    #[error("the archive's database {}", .path.display())]
    Database {
        path: PathBuf,
        source: rusqlite::Error,
    },
    /// It was made by a version of tvmux that came later.
    #[error("{} was made by a newer tvmux (format {found}, this one knows {known})", .path.display())]
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    /// A file or folder cannot be used.
    #[error("cannot use {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Whoever asked wants it to stop.
    #[error("stopped")]
    Stopped,
}

impl ArchiveError {
    /// Whether the database is damaged, so that it must be made again.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let ArchiveError::Database { source, .. } = self else {
            return false;
        };
        matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    }
}

/// What the catalogue holds, in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub casts: u64,
    /// Bytes of all casts.
    pub bytes: u64,
    /// Casts that were not read to their end, as they were when last looked at.
    pub due: u64,
    /// Bytes of them.
    pub due_bytes: u64,
    pub damaged: u64,
    /// Lines that can be searched.
    pub lines: u64,
    pub commands: u64,
    /// Bytes of the database's files.
    pub database: u64,
}

/// Held by the one process that reads casts into the archive.
#[derive(Debug)]
pub struct UpdateLock(#[allow(dead_code, reason = "held, not looked at")] Flock<File>);

/// The catalogue, open.
#[derive(Debug)]
pub struct Archive {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Archive {
    /// Opens `archive.db` in `folder`; makes it where it is missing. One that is
    /// damaged is set aside, and an empty one takes its place.
    ///
    /// # Errors
    /// When it cannot be opened or made, or is of a later version.
    pub fn open(folder: &Path) -> Result<Archive, ArchiveError> {
        let path = folder.join("archive.db");
        match database::open(&path) {
            Err(error) if error.is_damage() => {
                Archive::set_aside(folder)?;
                database::open(&path)
            }
            other => other,
        }
        .map(|connection| Archive { connection, path })
    }

    /// Gives a damaged database another name; gives that, or `None` when another
    /// process has done so.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn set_aside(folder: &Path) -> Result<Option<PathBuf>, ArchiveError> {
        let path = folder.join("archive.db");
        let _lock = lock(&folder.join("archive.damage-lock"), FlockArg::LockExclusive)?;
        // Another process may have been first.
        let is_sound = database::open(&path).is_ok_and(|connection| {
            let sound: Result<String, _> =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
            sound.is_ok_and(|answer| answer == "ok")
        });
        match is_sound {
            true => Ok(None),
            false => database::set_aside(&path).map(Some),
        }
    }

    /// The database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until no other process reads casts into the archive, and holds the
    /// others off while the result lives.
    ///
    /// # Errors
    /// When a signal ends the wait, or the file cannot be locked.
    pub fn lock_for_update(&self) -> Result<UpdateLock, ArchiveError> {
        let lock = lock(&self.update_lock(), FlockArg::LockExclusive)?;
        lock.ok_or(ArchiveError::Stopped).map(UpdateLock)
    }

    /// The same without waiting: `None` while another process has it.
    ///
    /// # Errors
    /// When the file cannot be locked.
    pub fn try_lock_for_update(&self) -> Result<Option<UpdateLock>, ArchiveError> {
        let lock = lock(&self.update_lock(), FlockArg::LockExclusiveNonblock)?;
        Ok(lock.map(UpdateLock))
    }

    fn update_lock(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> ArchiveError {
        ArchiveError::Database {
            path: self.path.clone(),
            source,
        }
    }

    /// Does some reading or writing with the database.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ArchiveError> {
        work(&self.connection).map_err(|source| self.failed(source))
    }

    /// Does some writing that is there as a whole, or not at all.
    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ArchiveError> {
        let result = (|| {
            let change = self
                .connection
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let result = work(&change)?;
            change.commit()?;
            Ok(result)
        })();
        result.map_err(|source| self.failed(source))
    }

    /// The casts that `filter` lets through, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, ArchiveError> {
        Ok(filter.of(self.all_entries()?))
    }

    /// The newest casts, as many as fill a screen many times over, the newest first:
    /// quicker than all of them. Of a chain only some parts may be there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn newest_entries(&self) -> Result<Vec<Entry>, ArchiveError> {
        let mut casts = self.with(|connection| entry::select_newest(connection, NEWEST))?;
        parts::share_titles(&mut casts);
        Ok(casts)
    }

    /// All casts, in no order.
    fn all_entries(&self) -> Result<Vec<Entry>, ArchiveError> {
        let last: i64 = self.with(|connection| {
            connection.query_row("SELECT coalesce(max(id), 0) FROM casts", [], |row| {
                row.get(0)
            })
        })?;
        let middle = match last < MANY {
            true => 0,
            false => last / 2,
        };
        // To make texts of rows is what takes time.
        let path = self.path();
        let first = || match middle {
            0 => Ok(Vec::new()),
            _ => database::open_beside(path)
                .and_then(|connection| entry::select_range(&connection, 0..middle)),
        };
        let rest = || self.with(|connection| entry::select_range(connection, middle..i64::MAX));
        let (first, rest) = beside(first, rest);
        let mut casts = first.map_err(|source| self.failed(source))?;
        casts.append(&mut rest?);
        parts::share_titles(&mut casts);
        Ok(casts)
    }

    /// The cast of that path.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn entry(&self, path: &Path) -> Result<Option<Entry>, ArchiveError> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(entry::SELECT_BY_PATH)?;
            select
                .query_row([entry::path_bytes(path)], Entry::of_row)
                .optional()
        })
    }

    /// The markers of a cast: microseconds and labels.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn markers(&self, cast: i64) -> Result<Vec<(u64, String)>, ArchiveError> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT time, label FROM marker WHERE cast_id = ? ORDER BY rowid",
            )?;
            let rows = select.query_map([cast], |row| {
                Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))
            })?;
            rows.collect()
        })
    }

    /// Takes a cast out of the catalogue, and all that was read of it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget(&mut self, cast: i64) -> Result<(), ArchiveError> {
        self.change(|connection| database::forget(connection, cast))
    }

    /// Takes all casts out of the catalogue.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_all(&mut self) -> Result<(), ArchiveError> {
        self.change(database::forget_all)
    }

    /// What the catalogue holds.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn status(&self) -> Result<Status, ArchiveError> {
        let database = ["db", "db-wal"]
            .iter()
            .filter_map(|end| self.path.with_extension(end).metadata().ok())
            .map(|found| found.len())
            .sum();
        let damaged = Condition::Damaged.number();
        self.with(|connection| {
            connection.query_row(database::FIGURES, params![damaged], |row| {
                let number = |at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)? as u64);
                Ok(Status {
                    casts: number(0)?,
                    bytes: number(1)?,
                    due: number(2)?,
                    due_bytes: number(3)?,
                    damaged: number(4)?,
                    lines: number(5)?,
                    commands: number(6)?,
                    database,
                })
            })
        })
    }
}

/// Locks a file; `None` when another has it, or a signal ended the wait.
fn lock(path: &Path, how: FlockArg) -> Result<Option<Flock<File>>, ArchiveError> {
    let failed = |source| ArchiveError::Io {
        path: path.to_owned(),
        source,
    };
    match Flock::lock(open_lock(path).map_err(failed)?, how) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EINTR | Errno::EAGAIN)) => Ok(None),
        Err((_, error)) => Err(failed(error.into())),
    }
}
