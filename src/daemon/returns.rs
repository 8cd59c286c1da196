//! How often a daemon went on where the one before had ended.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, Zoned};

use crate::atomic_file::{self, Durability};
use crate::clock::unix_seconds;

/// Lines that are kept.
const MOST: usize = 1000;

fn path(state: &Path) -> PathBuf {
    state.join("returns")
}

/// When it was: seconds since the Unix epoch.
fn read(state: &Path) -> Vec<i64> {
    let text = fs::read_to_string(path(state)).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Notes that it happens now. That it cannot be noted is no reason to fail.
pub(super) fn note(state: &Path) {
    let mut all = read(state);
    all.push(i64::try_from(unix_seconds()).unwrap_or(i64::MAX));
    let last = &all[all.len().saturating_sub(MOST)..];
    let text: String = last.iter().map(|second| format!("{second}\n")).collect();
    if let Err(error) = atomic_file::replace(&path(state), 0o600, text.as_bytes(), Durability::Kill)
    {
        tracing::warn!(%error, "it cannot be noted that the server has come back");
    }
}

/// How often it has happened since midnight.
pub(super) fn today(state: &Path) -> u64 {
    count_on(&Zoned::now(), &read(state))
}

fn count_on(day: &Zoned, seconds: &[i64]) -> u64 {
    let is_same = |second: &&i64| {
        let at = Timestamp::from_second(**second).map(|at| at.to_zoned(day.time_zone().clone()));
        at.is_ok_and(|at| at.date() == day.date())
    };
    seconds.iter().filter(is_same).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn only_those_of_the_day_count() {
        let noon = Timestamp::from_second(86_400 * 100 + 43_200).unwrap();
        let noon = noon.to_zoned(TimeZone::UTC);
        let day = 86_400 * 100;
        assert_eq!(
            count_on(&noon, &[day - 1, day, day + 86_399, day + 86_400]),
            2
        );
    }

    #[test]
    fn what_is_noted_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(today(folder.path()), 0);
        note(folder.path());
        note(folder.path());
        assert!(today(folder.path()) <= 2);
        assert_eq!(read(folder.path()).len(), 2);
    }
}
