//! A cast as the catalogue knows it.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};
use serde::Serialize;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, path, size, condition, finding, is_compressed, host, session, window, ",
            "title, program, started, duration, columns, rows, events, gaps, lost, markers, ",
            "commands, lines, last_commands, indexed, is_due, modified, ",
            "device, inode, part FROM casts ",
            $rest
        )
    };
}

/// Those with an id above one and up to another, in no order: to sort them by an index
/// would take longer.
const SELECT_RANGE: &str = select!("WHERE id > ? AND id <= ?");
/// Some of the newest, the newest first.
const SELECT_NEWEST: &str = select!("ORDER BY started DESC, id DESC LIMIT ?");
/// The cast of a path.
pub(super) const SELECT_BY_PATH: &str = select!("WHERE path = ?");

/// How a cast is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Nobody writes to it.
    #[default]
    Finished,
    /// It is being recorded.
    Running,
    /// `validate` finds errors in it.
    Damaged,
}

impl Condition {
    const ALL: [Condition; 3] = [Condition::Finished, Condition::Running, Condition::Damaged];

    pub(in crate::archive) fn number(self) -> i64 {
        self as i64
    }

    fn of_number(number: i64) -> Condition {
        let is_it = |condition: &Condition| condition.number() == number;
        let known = Condition::ALL.into_iter().find(is_it);
        known.unwrap_or(Condition::Finished)
    }

    /// Its name, as in `--json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Condition::Finished => "finished",
            Condition::Running => "running",
            Condition::Damaged => "damaged",
        }
    }
}

/// A cast as the catalogue knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    #[serde(skip)]
    pub id: i64,
    /// Device, inode, size, and when it was written in microseconds, as they were last.
    #[serde(skip)]
    pub(crate) file: (i64, i64, i64, i64),
    /// Which part of a recording its header says it is; 1 where it says nothing.
    #[serde(skip)]
    pub(crate) part: u32,
    #[serde(rename = "cast", serialize_with = "lossy")]
    pub path: PathBuf,
    pub bytes: u64,
    /// How many casts these are: more than one where a rotated recording is told as a
    /// whole.
    pub parts: u32,
    /// When it was written last: seconds since the Unix epoch.
    pub modified: f64,
    pub state: Condition,
    /// What `validate` says of one that is damaged.
    pub finding: Option<String>,
    #[serde(rename = "compressed")]
    pub is_compressed: bool,
    pub host: Option<String>,
    pub session: Option<String>,
    /// `@3`.
    pub window: Option<String>,
    pub title: Option<String>,
    /// The command that was recorded, from the header.
    pub program: Option<String>,
    /// Seconds since the Unix epoch; of a cast that does not say, when its file was
    /// written.
    pub started: f64,
    /// Seconds.
    pub duration: f64,
    pub columns: u16,
    pub rows: u16,
    pub events: u64,
    pub gaps: u64,
    pub lost_bytes: u64,
    pub markers: u64,
    pub commands: u64,
    /// Lines that can be searched.
    pub lines: u64,
    /// The texts of the last commands, the oldest first.
    pub last_commands: Vec<String>,
    /// Bytes that were read.
    pub indexed: u64,
    /// There is more to be read.
    #[serde(rename = "due")]
    pub is_due: bool,
}

/// The casts whose ids are above the start of a range and up to its end.
pub(super) fn select_range(
    connection: &Connection,
    ids: Range<i64>,
) -> rusqlite::Result<Vec<Entry>> {
    let mut select = connection.prepare_cached(SELECT_RANGE)?;
    let rows = select.query_map([ids.start, ids.end], Entry::of_row)?;
    rows.collect()
}

/// At most `most` of the newest casts, the newest first.
pub(super) fn select_newest(connection: &Connection, most: i64) -> rusqlite::Result<Vec<Entry>> {
    let mut select = connection.prepare_cached(SELECT_NEWEST)?;
    let rows = select.query_map([most], Entry::of_row)?;
    rows.collect()
}

fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl Entry {
    pub(in crate::archive) fn duration_micros(&self) -> u64 {
        (self.duration * 1e6).round() as u64
    }

    pub(super) fn of_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
        let number = |at| Ok::<u64, rusqlite::Error>(row.get::<_, i64>(at)?.max(0) as u64);
        let condition: i64 = row.get(3)?;
        let last: String = row.get(21)?;
        Ok(Entry {
            id: row.get(0)?,
            file: (row.get(25)?, row.get(26)?, row.get(2)?, row.get(24)?),
            path: OsStr::from_bytes(row.get_ref(1)?.as_bytes()?).into(),
            part: row.get(27)?,
            bytes: number(2)?,
            parts: 1,
            state: Condition::of_number(condition),
            finding: row.get(4)?,
            is_compressed: row.get(5)?,
            host: row.get(6)?,
            session: row.get(7)?,
            window: row.get(8)?,
            title: row.get(9)?,
            program: row.get(10)?,
            started: row.get::<_, i64>(11)? as f64 / 1e6,
            duration: number(12)? as f64 / 1e6,
            columns: row.get(13)?,
            rows: row.get(14)?,
            events: number(15)?,
            gaps: number(16)?,
            lost_bytes: number(17)?,
            markers: number(18)?,
            commands: number(19)?,
            lines: number(20)?,
            last_commands: last.lines().map(str::to_owned).collect(),
            indexed: number(22)?,
            is_due: row.get(23)?,
            modified: row.get::<_, i64>(24)? as f64 / 1e6,
        })
    }

    /// Bytes that were not read so far: all, where it is shorter than what was read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.bytes.checked_sub(self.indexed).unwrap_or(self.bytes)
    }

    /// Whether a command was started in it, or may run in it from the part before on.
    #[must_use]
    pub fn may_have_commands(&self) -> bool {
        self.commands > 0 || self.part > 1
    }

    #[must_use]
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// A cast as it is told to programs: `Cast` of the HTTP API.
#[derive(Debug, Serialize)]
pub struct Listed<'a> {
    path: Cow<'a, str>,
    active: bool,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl<'a> Listed<'a> {
    /// `output` is the output folder: paths below it are told from there on.
    #[must_use]
    pub fn new(entry: &'a Entry, output: &Path) -> Listed<'a> {
        let path = entry.path.strip_prefix(output).unwrap_or(&entry.path);
        Listed {
            path: path.to_string_lossy(),
            active: entry.state == Condition::Running,
            entry,
        }
    }
}

/// A path as it stands in the database.
pub(in crate::archive) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// What the name of a cast of tvmux says: host, session and window of
/// `DATE_TIME_HOST_SESSION_@3_WINDOW.cast`; of a recorded command the host alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub host: Option<String>,
    pub session: Option<String>,
    pub window: Option<String>,
}

impl Named {
    pub fn read(path: &Path) -> Named {
        Named::try_read(path).unwrap_or_default()
    }

    fn try_read(path: &Path) -> Option<Named> {
        let name = path.file_name()?.to_str()?;
        let name = name.split(".cast").next()?;
        let bytes = name.as_bytes();
        let is_date = |at: usize, form: &[u8]| {
            form.iter().enumerate().all(|(i, wanted)| match wanted {
                b'9' => bytes[at + i].is_ascii_digit(),
                other => bytes[at + i] == *other,
            })
        };
        if bytes.len() < 16 || !is_date(0, b"9999-99-99_9999_") {
            return None;
        }
        // A host's name has no `_`.
        let (host, rest) = name[16..].split_once('_')?;
        let mut named = Named {
            host: Some(host.to_owned()),
            ..Named::default()
        };
        for (at, _) in rest.match_indices("_@") {
            let (session, window) = (&rest[..at], &rest[at + 1..]);
            let window = window.split('_').next().unwrap_or(window);
            let digits = &window[1..];
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                named.session = Some(session.to_owned());
                named.window = Some(window.to_owned());
            }
        }
        Some(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_where_a_cast_is_from() {
        let named = |name: &str| Named::read(Path::new(name));
        let of = |host: &str, session: &str, window: &str| Named {
            host: Some(host.into()),
            session: Some(session.into()),
            window: Some(window.into()),
        };
        let name = "/x/2026-11-01_1000_box_my_work_@3_vim_@x.cast";
        assert_eq!(named(name), of("box", "my_work", "@3"));
        let name = "2026-11-01_1000_box_main_@12_vim_2.cast.zst";
        assert_eq!(named(name), of("box", "main", "@12"));
        let command = named("2026-11-01_1000_box_make.cast");
        assert_eq!(
            (command.host.as_deref(), command.window),
            (Some("box"), None)
        );
        assert_eq!(named("demo.cast"), Named::default());
        assert_eq!(named("2026-11-01_1000_.cast"), Named::default());
    }
}
