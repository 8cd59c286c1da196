//! `FILE|ID`: a cast by its path, or by the id of a recording.

use std::fs;
use std::path::{Path, PathBuf};

use super::validate::shown;
use super::{Context, Failure, archive, background, runtime};
use crate::api::State;
use crate::archive::NameError;
use crate::chain;
use crate::client;
use crate::daemon::safe_filename;
use crate::packed::present;

/// A cast that was named: of a recording that was rotated, its first one, unless
/// another is named by its path.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// It is being written: its recording runs.
    pub(super) is_running: bool,
}

/// The cast that is meant. A file of that name comes first; otherwise it is the id, the
/// window or the tmux target of a recording that runs, or the id of one that has
/// ended, whose cast is in the output folder, or a name that the archive knows.
pub(super) fn find(context: &Context, text: &Path) -> Result<Found, Failure> {
    let is_input = text == Path::new("-");
    let there = present(text);
    if is_input || there.exists() {
        return Ok(Found {
            path: there,
            is_running: false,
        });
    }
    let found = match name_in(text) {
        Some(name) => named(context, name)?,
        None => None,
    };
    found.ok_or_else(|| {
        Failure::usage(format!(
            "there is no file {}, no recording of that id and no cast of that name",
            shown(text)
        ))
        .hint("`tvmux rec ls` lists what is recorded, `tvmux ls` all casts")
    })
}

/// Puts the path of a cast in the place of its name, for verbs that need no settings:
/// they are read only where there is no file. What names nothing stays.
pub(super) fn resolve(
    path: &mut PathBuf,
    context: impl FnOnce() -> Result<Context, Failure>,
) -> Result<(), Failure> {
    if let Some(name) = name_in(path)
        && !present(path).exists()
        && let Some(found) = named(&context()?, name)?
    {
        *path = found.path;
    }
    Ok(())
}

/// What may be a name, and no path.
fn name_in(text: &Path) -> Option<&str> {
    let name = text.to_str()?;
    (!matches!(name, "" | "-") && !name.contains('/')).then_some(name)
}

fn named(context: &Context, name: &str) -> Result<Option<Found>, Failure> {
    if let Some(found) = running(name)? {
        return Ok(Some(found));
    }
    let path = match ended(&context.config.output.directory(), name) {
        None => archived(context, name)?,
        found => found,
    };
    Ok(path.map(|path| Found {
        path: chain::first(&path),
        is_running: false,
    }))
}

/// The cast of a recording that the daemon knows.
fn running(id: &str) -> Result<Option<Found>, Failure> {
    let asked = runtime()?.block_on(async { background::client().await?.recording(id).await });
    match asked {
        Ok(recording) => Ok(Some(Found {
            path: chain::first(&recording.cast_path),
            is_running: recording.state != State::Finished,
        })),
        // One that is recorded twice is a question; one that is not may be over.
        Err(client::Error::Refused { status: 404, .. } | client::Error::NotRunning { .. }) => {
            Ok(None)
        }
        Err(error) => Err(Failure::usage(error)),
    }
}

/// The cast that the archive knows by that name.
fn archived(context: &Context, name: &str) -> Result<Option<PathBuf>, Failure> {
    let named = archive::with_archive(|archive| {
        archive::look(context, archive, false)?;
        Ok(archive.named(name))
    });
    match named {
        Ok(Ok(entry)) => Ok(Some(entry.path)),
        Ok(Err(error @ (NameError::Ambiguous { .. } | NameError::None { .. }))) => {
            Err(Failure::usage(error))
        }
        // Where there is no archive, no name is known.
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

/// The newest cast of an ended recording of that id, `@3` or `main:@3`, by the names
/// that the daemon gives: `DATE_TIME_HOST_SESSION_@3_WINDOW.cast`.
fn ended(folder: &Path, id: &str) -> Option<PathBuf> {
    let (session, window) = id.rsplit_once(':').unwrap_or(("", id));
    let number = window.strip_prefix('@')?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let session = session
        .rsplit_once('.')
        .map_or(session, |(_, session)| session);
    let part = match session {
        "" => format!("_{window}_"),
        session => format!("_{}_{window}_", safe_filename(session)),
    };
    let months = fs::read_dir(folder).ok()?.flatten();
    let casts = months.flat_map(|month| fs::read_dir(month.path()).into_iter().flatten());
    casts
        .flatten()
        .map(|cast| cast.path())
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| {
                let name = name.trim_end_matches(".zst");
                name.contains(&part) && name.ends_with(".cast")
            })
        })
        .max_by_key(|path| path.metadata().and_then(|found| found.modified()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_recording_is_found_by_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let month = folder.path().join("2026-11");
        fs::create_dir(&month).unwrap();
        let names = [
            "2026-11-01_1000_host_main_@3_vim.cast",
            "2026-11-02_1000_host_other_@33_vim.cast",
        ];
        for name in names {
            fs::write(month.join(name), "").unwrap();
        }
        let found = |id| ended(folder.path(), id).map(|path| shown(&path));
        assert!(found("main:@3").is_some_and(|path| path.ends_with(names[0])));
        assert!(found("@33").is_some_and(|path| path.ends_with(names[1])));
        assert_eq!(found("other:@3"), None);
        assert_eq!(found("@"), None);
        assert_eq!(found("vim"), None);
    }
}
