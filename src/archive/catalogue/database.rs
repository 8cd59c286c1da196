//! The database's file: its tables, how it is opened, and what becomes of one that
//! is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::ArchiveError;

/// What makes each version of the tables from the one before. All is derived, so
/// that a step may also begin anew.
const STEPS: [&str; 1] = [include_str!("tables.sql")];

/// How long a process waits for the writing of another.
const PATIENCE: Duration = Duration::from_secs(20);

/// Casts, their bytes; those that are due, their bytes; the damaged; lines, commands.
pub(super) const FIGURES: &str = "
    SELECT count(*), coalesce(sum(size), 0),
        coalesce(sum(is_due), 0), coalesce(sum(is_due * (size - min(size, indexed))), 0),
        coalesce(sum(condition = ?1), 0), coalesce(sum(lines), 0), coalesce(sum(commands), 0)
    FROM casts";

/// Opens the database, and brings its tables up to date.
pub(super) fn open(path: &Path) -> Result<Connection, ArchiveError> {
    let failed = |source| ArchiveError::Database {
        path: path.to_owned(),
        source,
    };
    let known = STEPS.len() as u32;
    let mut connection = Connection::open(path).map_err(failed)?;
    let version = prepare(&connection).map_err(failed)?;
    if version > known {
        return Err(ArchiveError::Newer {
            path: path.to_owned(),
            found: version,
            known,
        });
    }
    if version < known {
        bring_up(&mut connection).map_err(failed)?;
    }
    Ok(connection)
}

/// Sets what each connection has of its own; gives the version of the tables.
fn prepare(connection: &Connection) -> rusqlite::Result<u32> {
    connection.busy_timeout(PATIENCE)?;
    let version = version(connection)?;
    if version == 0 {
        // Only as long as there is no table.
        connection.execute_batch("PRAGMA page_size = 8192")?;
    }
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA wal_autocheckpoint = 8192;
         PRAGMA cache_size = -8192;",
    )?;
    Ok(version)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn bring_up(connection: &mut Connection) -> rusqlite::Result<()> {
    let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have done it meanwhile.
    let from = version(&change)? as usize;
    for step in STEPS.iter().skip(from) {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", STEPS.len() as u32)?;
    change.commit()
}

/// Gives the database another name, and gives that.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, ArchiveError> {
    let failed = |source| ArchiveError::Io {
        path: path.to_owned(),
        source,
    };
    let named = |number: u32| path.with_extension(format!("db.damaged-{number}"));
    let aside = (1..)
        .map(named)
        .find(|name| !name.exists())
        .unwrap_or_else(|| named(0));
    fs::rename(path, &aside).map_err(failed)?;
    for end in ["db-wal", "db-shm"] {
        // Nothing may be taken from them into the new one.
        let _ = fs::remove_file(path.with_extension(end));
    }
    Ok(aside)
}

/// Takes a cast out.
pub(in crate::archive) fn forget(connection: &Connection, cast: i64) -> rusqlite::Result<()> {
    clear(connection, cast)?;
    connection
        .prepare_cached("DELETE FROM casts WHERE id = ?")?
        .execute([cast])?;
    Ok(())
}

/// Takes out what was read of a cast.
pub(in crate::archive) fn clear(connection: &Connection, cast: i64) -> rusqlite::Result<()> {
    for table in ["marker", "command", "block"] {
        let delete = format!("DELETE FROM {table} WHERE cast_id = ?");
        connection.prepare_cached(&delete)?.execute([cast])?;
    }
    Ok(())
}

/// Takes everything out.
pub(super) fn forget_all(connection: &Connection) -> rusqlite::Result<()> {
    for table in ["marker", "command", "block", "part", "shelf", "casts"] {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    Ok(())
}
