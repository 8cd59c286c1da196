//! The cast that a name means.

use std::path::{Path, PathBuf};

use super::parts::join_parts;
use super::{Archive, ArchiveError, Entry, Filter};

/// Names that fit several casts and are told at most.
const TOLD: usize = 5;

/// Why a name means no cast.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// Nothing fits.
    #[error("the archive has no cast {name:?}")]
    Unknown { name: String },
    /// There is none at all, or none of that session.
    #[error("the archive has no cast{}", of(.session))]
    None { session: String },
    /// More than one cast's name starts so.
    #[error("{name:?} fits several casts: {}", .casts.join(", "))]
    Ambiguous { name: String, casts: Vec<String> },
    /// A file that is in none of the archive's folders.
    #[error("{} is in none of the archive's folders", .path.display())]
    Outside { path: PathBuf },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

fn of(session: &str) -> String {
    match session {
        "" => String::new(),
        session => format!(" of a session {session:?}"),
    }
}

impl Archive {
    /// The cast that is meant: by its path, its file's name with or without the
    /// suffix, the start of that where it fits only one; `@latest` is the newest,
    /// `@latest:session` that of a session. Of a recording that was rotated it is the
    /// first, unless another's path or whole name is given.
    ///
    /// # Errors
    /// When none or several fit.
    pub fn named(&self, name: &str) -> Result<Entry, NameError> {
        if let Some(rest) = name.strip_prefix("@latest")
            && (rest.is_empty() || rest.starts_with(':'))
        {
            let session = rest.trim_start_matches(':');
            let filter = Filter {
                session: Some(session.to_owned()).filter(|session| !session.is_empty()),
                ..Filter::default()
            };
            let session = session.to_owned();
            return match self.entries(&filter)?.first() {
                Some(newest) => Ok(self.first_part(newest)?.0),
                None => Err(NameError::None { session }),
            };
        }
        if let Ok(path) = Path::new(name).canonicalize() {
            return match self.entry(&path)? {
                Some(entry) => Ok(entry),
                None => Err(NameError::Outside { path }),
            };
        }
        let name = name.to_owned();
        if name.is_empty() || name.contains('/') {
            return Err(NameError::Unknown { name });
        }
        let all = self.entries(&Filter::default())?;
        let all_joined;
        let is_whole = |entry: &&Entry| {
            let own = entry.name();
            own == name || own.split(".cast").next() == Some(&name)
        };
        let starts = |entry: &&Entry| entry.name().starts_with(&name);
        let mut fitting: Vec<&Entry> = all.iter().filter(is_whole).collect();
        if fitting.is_empty() {
            all_joined = join_parts(all.iter().filter(starts).cloned().collect());
            fitting = all_joined.iter().collect();
        }
        match fitting[..] {
            [] => Err(NameError::Unknown { name }),
            [entry] => Ok(entry.clone()),
            _ => {
                let mut casts: Vec<String> = fitting.iter().map(|entry| entry.name()).collect();
                if casts.iter().all(|cast| *cast == casts[0]) {
                    casts = fitting
                        .iter()
                        .map(|entry| entry.path.display().to_string())
                        .collect();
                }
                let more = casts.len().saturating_sub(TOLD);
                casts.truncate(TOLD);
                if more > 0 {
                    casts.push(format!("and {more} more"));
                }
                Err(NameError::Ambiguous { name, casts })
            }
        }
    }
}
