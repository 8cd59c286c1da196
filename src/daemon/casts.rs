//! Saved casts, for clients.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{Daemon, Error, Result};

impl Daemon {
    /// A cast, open for reading, and its length now. Its path is below the output
    /// folder, or is a whole one below any folder with casts, and stays there when
    /// links are followed.
    ///
    /// # Errors
    /// When there is none.
    pub async fn cast(&self, path: &str) -> Result<(File, u64)> {
        let config = self.config();
        let missing = || Error::NoCast {
            path: path.to_owned(),
        };
        let wanted = PathBuf::from(path);
        let goes_down = |part| matches!(part, Component::Normal(_) | Component::RootDir);
        let is_below = wanted.components().all(goes_down);
        if !is_below || !is_cast(&wanted) || path.contains('\0') {
            return Err(missing());
        }
        let opened = tokio::task::spawn_blocking(move || -> io::Result<(File, u64)> {
            let mut folders = vec![config.output.directory()];
            if wanted.is_absolute() {
                folders = config.cast_folders();
            }
            let real = folders[0].join(&wanted).canonicalize()?;
            let is_in = |folder: &PathBuf| {
                let folder = folder.canonicalize();
                folder.is_ok_and(|folder| real.starts_with(folder))
            };
            if !folders.iter().any(is_in) || !real.is_file() {
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

/// Whether a file is called as casts are: `.cast`, compressed or not.
fn is_cast(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::as_encoded_bytes);
    name.is_some_and(|name| name.ends_with(b".cast") || name.ends_with(b".cast.zst"))
}
