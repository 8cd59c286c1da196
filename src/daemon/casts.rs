//! Saved casts, for clients.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{Daemon, Error, Result};
use crate::chain;
use crate::packed::{Plain, Unpacked, is_cast_name, present};

impl Daemon {
    /// The plain bytes of a cast, as many as there are now. Its path is below the output
    /// folder, or is a whole one below any folder with casts, and stays there when
    /// links are followed.
    ///
    /// # Errors
    /// When there is none.
    pub async fn cast(&self, path: &str) -> Result<CastFile> {
        let config = self.config();
        let missing = || Error::NoCast {
            path: path.to_owned(),
        };
        let wanted = PathBuf::from(path);
        let goes_down = |part| matches!(part, Component::Normal(_) | Component::RootDir);
        let is_below = wanted.components().all(goes_down);
        if !is_below || !wanted.file_name().is_some_and(is_cast_name) || path.contains('\0') {
            return Err(missing());
        }
        let opened = tokio::task::spawn_blocking(move || -> io::Result<CastFile> {
            let mut folders = vec![config.output.directory()];
            if wanted.is_absolute() {
                folders = config.cast_folders();
            }
            let real = present(&folders[0].join(&wanted)).canonicalize()?;
            let is_in = |folder: &PathBuf| {
                let folder = folder.canonicalize();
                folder.is_ok_and(|folder| real.starts_with(folder))
            };
            if !folders.iter().any(is_in) || !real.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            match real.to_str().filter(|_| chain::next(&real).is_some()) {
                Some(first) => Ok(CastFile::First(first.to_owned())),
                None => CastBytes::open(&real).map(CastFile::One),
            }
        });
        let opened = opened.await.expect("opening a file does not panic");
        opened.map_err(|_| missing())
    }
}

/// A cast that a client asks for.
#[derive(Debug)]
pub enum CastFile {
    One(CastBytes),
    /// One whose recording goes on in further casts: its path.
    First(String),
}

/// The plain bytes of a cast, compressed or not.
pub struct CastBytes {
    /// Reading may wait for the disk.
    pub input: Box<dyn Read + Send>,
    /// How many there are; not known of what other programs have compressed.
    pub length: Option<u64>,
}

impl CastBytes {
    fn open(path: &Path) -> io::Result<CastBytes> {
        Ok(match Plain::of(File::open(path)?)? {
            Ok(plain) => {
                let length = plain.length()?;
                CastBytes {
                    input: Box::new(plain.into_reader().take(length)),
                    length: Some(length),
                }
            }
            Err(file) => CastBytes {
                input: Box::new(Unpacked::new(file)?),
                length: None,
            },
        })
    }
}

impl std::fmt::Debug for CastBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CastBytes")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
