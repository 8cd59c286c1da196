//! Whether the database has what the casts have.

use rusqlite::Connection;

use super::block::Block;
use crate::archive::catalogue::{Archive, ArchiveError};

/// What a look through the database found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// What SQLite says, if that is not "ok".
    pub damage: Vec<String>,
    pub blocks: u64,
    pub lines: u64,
    /// Casts that have blocks which cannot be unpacked.
    pub broken: Vec<i64>,
}

impl Archive {
    /// Checks the database and unpacks all that is in it. `watch` is asked from time
    /// to time whether to go on.
    ///
    /// # Errors
    /// When the database cannot be read at all, and when `watch` wants it to stop.
    pub fn verify(&self, watch: &mut dyn FnMut() -> bool) -> Result<Verified, ArchiveError> {
        let mut verified = Verified::default();
        let mut is_stopped = false;
        self.with(|connection| {
            verified.damage = integrity(connection)?;
            let mut select = connection
                .prepare("SELECT cast_id, count, text, lines FROM block ORDER BY cast_id")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                if !watch() {
                    is_stopped = true;
                    return Ok(());
                }
                let (cast, count): (i64, i64) = (row.get(0)?, row.get(1)?);
                let block = Block::unpack(row.get_ref(2)?.as_bytes()?, row.get_ref(3)?.as_bytes()?);
                let lines = block.and_then(|block| Ok((block.lines()?.len(), block.text)));
                verified.blocks += 1;
                let is_whole = lines.is_ok_and(|(lines, text)| {
                    let newlines = memchr::memchr_iter(b'\n', &text).count();
                    verified.lines += newlines as u64;
                    lines as i64 == count && newlines as i64 == count
                });
                if !is_whole && verified.broken.last() != Some(&cast) {
                    verified.broken.push(cast);
                }
            }
            Ok(())
        })?;
        match is_stopped {
            true => Err(ArchiveError::Stopped),
            false => Ok(verified),
        }
    }
}

fn integrity(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare("PRAGMA integrity_check(10)")?;
    let answers: rusqlite::Result<Vec<String>> = check.query_map([], |row| row.get(0))?.collect();
    Ok(answers?
        .into_iter()
        .filter(|answer| answer != "ok")
        .collect())
}
