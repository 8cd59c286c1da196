//! Recordings that ended in the last hour.
//!
//! They are kept in a file of the state folder, a line of JSON each, since a
//! daemon that was started on demand ends with its last recording: `tvmux rec
//! ls` reads it then by itself.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::api;
use crate::atomic_file::{self, Durability};
use crate::clock::unix_seconds;
use crate::folders::open_to_append;

/// How long they are kept, in seconds.
const KEPT: u64 = 3600;

/// A file larger than this is written again without those that are too old, in
/// bytes.
const LARGEST: u64 = 1 << 20;

/// Most that are kept when the file is written again.
const MOST: usize = 500;

fn path(state: &Path) -> PathBuf {
    state.join("ended.jsonl")
}

/// Notes that a recording has ended.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn note(state: &Path, recording: &api::Recording) -> io::Result<()> {
    let path = path(state);
    let mut line = serde_json::to_vec(recording)?;
    line.push(b'\n');
    let mut file = open_to_append(&path)?;
    // At once: a reader sees the line or does not.
    file.write_all(&line)?;
    if file.metadata()?.len() > LARGEST {
        tidy(state)?;
    }
    Ok(())
}

/// Writes the file again without those that are too old.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn tidy(state: &Path) -> io::Result<()> {
    if !path(state).exists() {
        return Ok(());
    }
    let kept = recently_ended(state);
    let mut text = Vec::new();
    for recording in &kept[kept.len().saturating_sub(MOST)..] {
        serde_json::to_writer(&mut text, recording)?;
        text.push(b'\n');
    }
    atomic_file::replace(&path(state), 0o600, &text, Durability::Kill)
}

/// The recordings that ended in the last hour, by daemons of this state folder,
/// in that order. Lines that cannot be read are left out.
#[must_use]
pub fn recently_ended(state: &Path) -> Vec<api::Recording> {
    let text = fs::read(path(state)).unwrap_or_default();
    let oldest = unix_seconds().saturating_sub(KEPT);
    let lines = text.split(|byte| *byte == b'\n');
    let read = |line| serde_json::from_slice::<api::Recording>(line).ok();
    lines
        .filter_map(read)
        .filter(|recording| recording.ended.is_some_and(|ended| ended >= oldest))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(id: &str, ended: u64) -> api::Recording {
        api::Recording {
            id: id.to_owned(),
            session_id: "main".to_owned(),
            window_id: "@1".to_owned(),
            window_name: None,
            active: false,
            cast_path: "/casts/x.cast".into(),
            part: 1,
            active_pane: None,
            state: api::State::Finished,
            reason: None,
            title: None,
            socket: "/tmp/tmux".into(),
            started: 1,
            ended: Some(ended),
            duration: 1.0,
            bytes: 1,
            events: 1,
            gaps: 0,
            lost_bytes: 0,
            carried: 0,
            flashback: None,
            paused_until: None,
        }
    }

    #[test]
    fn what_ended_is_kept_for_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        assert!(recently_ended(state).is_empty());
        let now = unix_seconds();
        for (id, ended) in [("old", now - KEPT - 10), ("a", now - 60), ("b", now)] {
            note(state, &recording(id, ended)).unwrap();
        }
        // As a daemon that lost its power leaves it.
        let mut file = open_to_append(&path(state)).unwrap();
        file.write_all(b"{\"id\": \"torn").unwrap();
        let ids = || -> Vec<String> {
            let all = recently_ended(state).into_iter();
            all.map(|recording| recording.id).collect()
        };
        assert_eq!(ids(), ["a", "b"]);
        tidy(state).unwrap();
        assert_eq!(ids(), ["a", "b"]);
        let text = fs::read_to_string(path(state)).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}
