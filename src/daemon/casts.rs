//! Saved casts, for clients: what is below the output folder.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{Daemon, Error, Result};
use crate::api;
use crate::clock::unix_time;

/// Folders within folders are looked through so deep: the date's, and a few of
/// the user's own.
const DEEPEST: usize = 8;

impl Daemon {
    /// All casts below the output folder, by path.
    ///
    /// # Errors
    /// When the folder cannot be read; one that is not there is empty.
    pub async fn casts(&self) -> Result<Vec<api::Cast>> {
        let folder = self.config().output.directory();
        let active: HashSet<PathBuf> = self
            .recordings()
            .into_iter()
            .map(|recording| recording.cast_path)
            .collect();
        let path = folder.clone();
        let listed = tokio::task::spawn_blocking(move || {
            let mut casts = Vec::new();
            match look(&folder, &folder, &active, 0, &mut casts) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
            casts.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(casts)
        });
        let listed = listed.await.expect("reading folders does not panic");
        listed.map_err(|source| Error::Output { path, source })
    }

    /// A cast, open for reading, and its length now. Its path is below the
    /// output folder, and stays below it when links are followed.
    ///
    /// # Errors
    /// When there is none.
    pub async fn cast(&self, path: &str) -> Result<(File, u64)> {
        let folder = self.config().output.directory();
        let missing = || Error::NoCast {
            path: path.to_owned(),
        };
        let wanted = PathBuf::from(path);
        let is_below = wanted
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_below || !is_cast(&wanted) || path.contains('\0') {
            return Err(missing());
        }
        let opened = tokio::task::spawn_blocking(move || -> io::Result<(File, u64)> {
            let real = folder.join(&wanted).canonicalize()?;
            if !real.starts_with(folder.canonicalize()?) || !real.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            let file = File::open(real)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        });
        let opened = opened.await.expect("opening a file does not panic");
        opened.map_err(|_| missing())
    }
}

fn is_cast(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "cast")
}

fn look(
    base: &Path,
    folder: &Path,
    active: &HashSet<PathBuf>,
    depth: usize,
    casts: &mut Vec<api::Cast>,
) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEEPEST {
            // One that may not be read is as if it were empty.
            let _ = look(base, &path, active, depth + 1, casts);
        }
        if !kind.is_file() || !is_cast(&path) {
            continue;
        }
        let (Ok(found), Ok(below)) = (entry.metadata(), path.strip_prefix(base)) else {
            continue;
        };
        let Some(below) = below.to_str() else {
            // It could not be asked for.
            continue;
        };
        casts.push(api::Cast {
            path: below.to_owned(),
            bytes: found.len(),
            modified: found.modified().map_or(0.0, unix_time),
            active: active.contains(&path),
        });
    }
    Ok(())
}
