//! The database's file: its tables, how it is opened, and what becomes of one that
//! is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::ArchiveError;

/// What makes each version of the tables from the one before. All is derived, so
/// that a step may also start over.
const STEPS: [&str; 7] = [
    include_str!("tables.sql"),
    READ_AGAIN,
    READ_AGAIN,
    "ALTER TABLE casts ADD COLUMN part INTEGER NOT NULL DEFAULT 1;",
    READ_AGAIN,
    READ_AGAIN,
    PROGRESS_APART,
];

/// Grams have other bits, lines that a program cleared are told, casts say which part
/// they are and which command went on in them, and the labels of markers are lines:
/// what was read is read again.
const READ_AGAIN: &str = "
    DELETE FROM marker;
    DELETE FROM command;
    DELETE FROM block;
    DELETE FROM part;
    DELETE FROM shelf;
    UPDATE casts SET is_due = 1, indexed = 0, progress = NULL, lines = 0, commands = 0;";

/// What it takes to go on is some hundred kilobytes a cast, over which whoever reads the
/// rows of the catalogue had to go.
const PROGRESS_APART: &str = "
    CREATE TABLE progress (cast_id INTEGER PRIMARY KEY, state BLOB NOT NULL);
    INSERT INTO progress SELECT id, progress FROM casts WHERE progress IS NOT NULL;
    ALTER TABLE casts DROP COLUMN progress;";

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

/// Opens another connection to a database that is open already, to read it.
pub(super) fn open_beside(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(PATIENCE)?;
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
    for table in ["marker", "command", "block", "progress"] {
        let delete = format!("DELETE FROM {table} WHERE cast_id = ?");
        connection.prepare_cached(&delete)?.execute([cast])?;
    }
    Ok(())
}

/// Takes everything out.
pub(super) fn forget_all(connection: &Connection) -> rusqlite::Result<()> {
    let all = [
        "marker", "command", "block", "part", "shelf", "progress", "casts",
    ];
    for table in all {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_an_older_version_are_brought_up_and_their_casts_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(STEPS[0]).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute_batch(
            "INSERT INTO casts (id, path, device, inode, size, modified, started, is_due, indexed,
                 progress, lines)
             VALUES (7, x'2f61', 1, 2, 3, 4, 5, 0, 3, x'00', 9);
             INSERT INTO block VALUES (1, 7, 0, 0, 1, x'00', x'00');
             INSERT INTO part VALUES (0, 10, x'00');",
        )
        .unwrap();
        drop(old);
        let connection = open(&path).unwrap();
        assert_eq!(version(&connection).unwrap(), STEPS.len() as u32);
        let number =
            |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(
            number("SELECT size FROM casts WHERE id = 7 AND path = x'2f61'"),
            3
        );
        assert_eq!(number("SELECT is_due + indexed + lines FROM casts"), 1);
        for table in ["block", "part", "progress"] {
            assert_eq!(number(&format!("SELECT count(*) FROM {table}")), 0);
        }
        drop(connection);
        // Once is enough.
        open(&path)
            .unwrap()
            .execute("UPDATE casts SET is_due = 0", [])
            .unwrap();
        let again = open(&path).unwrap();
        let due: i64 = again
            .query_row("SELECT is_due FROM casts", [], |row| row.get(0))
            .unwrap();
        assert_eq!(due, 0);
    }

    #[test]
    fn how_to_go_on_with_casts_stays_when_it_is_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.db");
        let old = Connection::open(&path).unwrap();
        STEPS[..6]
            .iter()
            .for_each(|step| old.execute_batch(step).unwrap());
        old.pragma_update(None, "user_version", 6).unwrap();
        old.execute_batch(
            "INSERT INTO casts (id, path, device, inode, size, modified, started, progress, lines)
             VALUES (7, x'2f61', 1, 2, 3, 4, 5, x'0102', 9), (8, x'2f62', 1, 3, 3, 4, 5, NULL, 1);",
        )
        .unwrap();
        drop(old);
        let connection = open(&path).unwrap();
        let mut select = connection
            .prepare("SELECT id, lines, state FROM casts LEFT JOIN progress ON cast_id = id")
            .unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let rows: Vec<(i64, i64, Option<Vec<u8>>)> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows, [(7, 9, Some(vec![1, 2])), (8, 1, None)]);
    }

    #[test]
    fn tables_of_a_newer_version_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.db");
        drop(open(&path).unwrap());
        let newer = STEPS.len() as u32 + 1;
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "user_version", newer)
            .unwrap();
        connection
            .execute_batch("CREATE TABLE later (a); INSERT INTO later VALUES (1)")
            .unwrap();
        drop(connection);
        let error = super::super::Archive::open(folder.path()).unwrap_err();
        assert!(!error.is_damage());
        assert_eq!(
            error.to_string(),
            format!(
                "{} was made by a newer tvmux (format {newer}, this one knows {})",
                path.display(),
                STEPS.len()
            )
        );
        let connection = Connection::open(&path).unwrap();
        let kept: i64 = connection
            .query_row("SELECT a FROM later", [], |row| row.get(0))
            .unwrap();
        assert_eq!((kept, version(&connection).unwrap()), (1, newer));
    }
}
