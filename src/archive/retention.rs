//! Which casts are compressed and which go, by the settings.
//!
//! A cast that is write-protected is kept forever: that is in the file itself, and
//! survives moving it, compressing it, and the loss of the catalogue. What is being
//! recorded, or was written lately, is left alone.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::sys::statvfs::statvfs;
use regex::Regex;

use super::catalogue::{Archive, ArchiveError, Condition, Entry, Filter, LATELY, UpdateLock};
use super::compress::is_written;
use crate::atomic_file::folder_of;
use crate::config;

/// The bits of a mode that allow writing.
const WRITABLE: u32 = 0o222;

/// The settings of the archive that say what is kept.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub compress_after: Option<Duration>,
    pub keep: Option<Duration>,
    /// Bytes of all casts at most.
    pub max_size: Option<u64>,
    /// Bytes that stay free on each file system with casts.
    pub min_free: Option<u64>,
    sessions: Option<Regex>,
    titles: Option<Regex>,
}

/// The setting by which a cast goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Age,
    Size,
    Room,
}

impl Reason {
    /// Its key in the section `[archive]`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Reason::Age => "keep",
            Reason::Size => "max_size",
            Reason::Room => "min_free",
        }
    }
}

/// A cast, and how its file is at present.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub entry: Entry,
    device: u64,
    /// Bytes of the file.
    pub bytes: u64,
    modified: SystemTime,
    /// It is kept forever.
    pub is_kept: bool,
}

/// The casts that the settings want compressed and removed.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The oldest first.
    pub compress: Vec<Candidate>,
    /// The oldest first.
    pub remove: Vec<(Candidate, Reason)>,
}

/// What became of a cast that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    Yes,
    /// It is kept, or written to, since the plan was made.
    Spared,
}

impl Rules {
    #[must_use]
    pub fn of(archive: &config::Archive) -> Rules {
        Rules {
            compress_after: archive.compress_after.0,
            keep: archive.keep.0,
            max_size: archive.max_size.0,
            min_free: archive.min_free.0,
            sessions: globs(&archive.keep_sessions),
            titles: globs(&archive.keep_titles),
        }
    }

    /// Whether there is never anything to do.
    #[must_use]
    pub fn are_off(&self) -> bool {
        self.compress_after.is_none()
            && self.keep.is_none()
            && self.max_size.is_none()
            && self.min_free.is_none()
    }

    /// The same rules with one limit alone: that of a reason, or else how old casts
    /// are compressed.
    #[must_use]
    pub fn only(&self, reason: Option<Reason>) -> Rules {
        Rules {
            compress_after: self.compress_after.filter(|_| reason.is_none()),
            keep: self.keep.filter(|_| reason == Some(Reason::Age)),
            max_size: self.max_size.filter(|_| reason == Some(Reason::Size)),
            min_free: self.min_free.filter(|_| reason == Some(Reason::Room)),
            ..self.clone()
        }
    }

    fn keeps_always(&self, entry: &Entry) -> bool {
        let fits = |globs: &Option<Regex>, text: &Option<String>| match (globs, text) {
            (Some(globs), Some(text)) => globs.is_match(text),
            _ => false,
        };
        fits(&self.sessions, &entry.session) || fits(&self.titles, &entry.title)
    }

    /// What to do with these casts. `free` are the bytes that are free on a
    /// device.
    #[must_use]
    pub fn plan(
        &self,
        mut casts: Vec<Candidate>,
        now: SystemTime,
        free: &HashMap<u64, u64>,
    ) -> Plan {
        casts.sort_by(|a, b| (a.modified, &a.entry.path).cmp(&(b.modified, &b.entry.path)));
        let age = |cast: &Candidate| now.duration_since(cast.modified).unwrap_or_default();
        let mut plan = Plan::default();
        let mut total: u64 = casts.iter().map(|cast| cast.bytes).sum();
        let mut free = free.clone();
        for cast in casts {
            let is_old = |limit: Option<Duration>| limit.is_some_and(|limit| age(&cast) > limit);
            if cast.entry.state == Condition::Running || age(&cast) < LATELY {
                continue;
            }
            let room = free.entry(cast.device).or_insert(u64::MAX);
            let reason = if cast.is_kept {
                None
            } else if is_old(self.keep) {
                Some(Reason::Age)
            } else if self.max_size.is_some_and(|most| total > most) {
                Some(Reason::Size)
            } else if self.min_free.is_some_and(|least| *room < least) {
                Some(Reason::Room)
            } else {
                None
            };
            match reason {
                Some(reason) => {
                    total -= cast.bytes;
                    *room = room.saturating_add(cast.bytes);
                    plan.remove.push((cast, reason));
                }
                None if !cast.entry.is_compressed && is_old(self.compress_after) => {
                    plan.compress.push(cast);
                }
                None => {}
            }
        }
        plan
    }
}

impl Archive {
    /// All casts as their files are at present.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn candidates(&self, rules: &Rules) -> Result<Vec<Candidate>, ArchiveError> {
        let entries = self.entries(&Filter::default())?;
        let candidate = |entry: Entry| {
            let found = fs::symlink_metadata(&entry.path).ok()?;
            Some(Candidate {
                device: found.dev(),
                bytes: found.len(),
                modified: found.modified().ok()?,
                is_kept: is_protected(&found) || rules.keeps_always(&entry),
                entry,
            })
        };
        Ok(entries.into_iter().filter_map(candidate).collect())
    }

    /// What the settings want done at present.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn plan(&self, rules: &Rules) -> Result<Plan, ArchiveError> {
        let casts = self.candidates(rules)?;
        let free = free_bytes(&casts);
        Ok(rules.plan(casts, SystemTime::now(), &free))
    }

    /// Removes a cast: the file, then what is known of it.
    ///
    /// # Errors
    /// When it cannot be removed, or the database cannot be written.
    pub fn remove(
        &mut self,
        _: &UpdateLock,
        candidate: &Candidate,
    ) -> Result<Removed, ArchiveError> {
        let path = &candidate.entry.path;
        let failed = |source| ArchiveError::Io {
            path: path.clone(),
            source,
        };
        match is_same_still(candidate) {
            Ok(true) => fs::remove_file(path).map_err(failed)?,
            Ok(false) => return Ok(Removed::Spared),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        self.forget(candidate.entry.id)?;
        Ok(Removed::Yes)
    }
}

/// Whether a cast is as it was when the plan was made, and nobody writes to it.
fn is_same_still(candidate: &Candidate) -> io::Result<bool> {
    let file = File::open(&candidate.entry.path)?;
    let now = file.metadata()?;
    Ok(!is_protected(&now)
        && now.len() == candidate.bytes
        && now.modified()? == candidate.modified
        && !is_written(&file))
}

fn is_protected(found: &Metadata) -> bool {
    found.mode() & WRITABLE == 0
}

/// Whether a cast is kept forever.
///
/// # Errors
/// When the system does not say.
pub fn is_pinned(path: &Path) -> io::Result<bool> {
    Ok(is_protected(&fs::metadata(path)?))
}

/// Keeps a cast forever, or no longer; `false` when that is so already. Its file is
/// write-protected, or may be written by its owner again.
///
/// # Errors
/// As the system says.
pub fn pin(path: &Path, is_kept: bool) -> io::Result<bool> {
    let found = fs::metadata(path)?;
    if is_protected(&found) == is_kept {
        return Ok(false);
    }
    let mode = match is_kept {
        true => found.mode() & !WRITABLE,
        false => found.mode() | 0o200,
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777))?;
    Ok(true)
}

/// Bytes that are free on the file systems of these casts, by their devices.
fn free_bytes(casts: &[Candidate]) -> HashMap<u64, u64> {
    let mut folders: HashMap<u64, PathBuf> = HashMap::new();
    for cast in casts {
        let folder = folder_of(&cast.entry.path);
        folders
            .entry(cast.device)
            .or_insert_with(|| folder.to_owned());
    }
    let free = |(device, folder): (u64, PathBuf)| {
        let found = statvfs(&folder).ok()?;
        Some((device, found.blocks_available() * found.fragment_size()))
    };
    folders.into_iter().filter_map(free).collect()
}

/// Patterns with `*` and `?`, separated by `|`; capitals do not count. A character
/// that a file's name cannot have stands in it as `_`: either fits.
fn globs(text: &str) -> Option<Regex> {
    let patterns = text
        .split('|')
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let expression = |glob: &str| {
        let part = |c: char| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c if c.is_alphanumeric() || "-._@".contains(c) => regex_syntax::escape(&c.to_string()),
            c => format!("(?:{}|_)", regex_syntax::escape(&c.to_string())),
        };
        glob.chars().map(part).collect::<String>()
    };
    let all: Vec<String> = patterns.map(expression).collect();
    if all.is_empty() {
        return None;
    }
    Regex::new(&format!("(?is)^(?:{})$", all.join("|"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 2_000_000_000;

    fn cast(name: &str, days: u64, bytes: u64) -> Candidate {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW - days * 86_400);
        Candidate {
            entry: Entry {
                path: name.into(),
                ..Entry::default()
            },
            device: 1,
            bytes,
            modified,
            is_kept: false,
        }
    }

    fn names(plan: &Plan) -> (Vec<String>, Vec<(String, &'static str)>) {
        let compress = plan.compress.iter().map(|cast| cast.entry.name());
        let remove = plan.remove.iter();
        (
            compress.collect(),
            remove
                .map(|(cast, reason)| (cast.entry.name(), reason.key()))
                .collect(),
        )
    }

    fn planned(
        rules: &Rules,
        casts: &[Candidate],
        free: u64,
    ) -> (Vec<String>, Vec<(String, &'static str)>) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        names(&rules.plan(casts.to_vec(), now, &HashMap::from([(1, free)])))
    }

    fn days(days: u64) -> Option<Duration> {
        Some(Duration::from_secs(days * 86_400))
    }

    fn of(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_oldest_go_first_and_no_more_than_must() {
        let casts = [cast("c", 1, 10), cast("a", 9, 10), cast("b", 5, 10)];
        let none = Rules::default();
        assert_eq!(planned(&none, &casts, 0), (vec![], vec![]));
        assert!(none.are_off());
        let keep = Rules {
            keep: days(6),
            compress_after: days(2),
            ..Rules::default()
        };
        let wanted = (of(&["b"]), vec![("a".to_owned(), "keep")]);
        assert_eq!(planned(&keep, &casts, 0), wanted);
        let size = Rules {
            max_size: Some(20),
            ..Rules::default()
        };
        assert_eq!(planned(&size, &casts, 0).1, [("a".to_owned(), "max_size")]);
        let room = Rules {
            min_free: Some(115),
            ..Rules::default()
        };
        let wanted = [("a".to_owned(), "min_free"), ("b".to_owned(), "min_free")];
        assert_eq!(planned(&room, &casts, 100).1, wanted);
        assert_eq!(planned(&room, &casts, 115).1, []);
    }

    #[test]
    fn running_and_kept_casts_stay_whatever_the_limits() {
        let rules = Rules {
            keep: days(1),
            max_size: Some(1),
            min_free: Some(1000),
            compress_after: days(1),
            sessions: globs("main|prod-*"),
            titles: globs("demo: ?"),
        };
        let mut casts = [
            cast("pinned", 9, 10),
            cast("running", 9, 10),
            cast("late", 0, 10),
            cast("other", 9, 10),
        ];
        casts[0].is_kept = true;
        casts[1].entry.state = Condition::Running;
        let wanted = (of(&["pinned"]), vec![("other".to_owned(), "keep")]);
        assert_eq!(planned(&rules, &casts, 0), wanted);
        let entry = |session: &str, title: &str| Entry {
            session: Some(session.to_owned()),
            title: Some(title.to_owned()),
            ..Entry::default()
        };
        for (session, title, kept) in [
            ("main", "", true),
            ("Main", "", true),
            ("main2", "", false),
            ("prod-", "", true),
            ("prod-db", "", true),
            ("x-prod-db", "", false),
            ("x", "demo: 7", true),
            ("x", "demo: 17", false),
        ] {
            assert_eq!(
                rules.keeps_always(&entry(session, title)),
                kept,
                "{session} {title}"
            );
        }
        assert!(
            globs("a b|x").unwrap().is_match("a_b"),
            "as in a file's name"
        );
        assert!(globs(" | ").is_none());
    }
}
