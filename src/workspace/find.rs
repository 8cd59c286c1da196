//! Where workspace files are: the user's folder of them, and the
//! `.tmuxp.yaml` of a project.
//!
//! The folders are those of tmuxp, whose files these are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::file::is_config_file;
use super::variables::Variables;

/// A folder that may hold workspace files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchFolder {
    pub path: PathBuf,
    pub source: &'static str,
}

/// A workspace file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// Others that would have had the same name.
    pub others: Vec<PathBuf>,
}

/// The ends of names, in the order in which they are preferred.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// The folders that may hold workspace files, the first that exists counts:
/// `$TMUXP_CONFIGDIR`; `tmuxp` in `$XDG_CONFIG_HOME`, else in `~/.config`;
/// `~/.tmuxp`.
#[must_use]
pub fn folders() -> Vec<SearchFolder> {
    let variables = Variables::of_process();
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let expanded = |value: &std::ffi::OsStr| match value.to_str() {
        Some(text) => PathBuf::from(variables.expand(text)),
        None => PathBuf::from(value),
    };
    let mut all = Vec::new();
    if let Some(folder) = set("TMUXP_CONFIGDIR") {
        all.push(SearchFolder {
            path: expanded(&folder),
            source: "$TMUXP_CONFIGDIR",
        });
    }
    all.push(match set("XDG_CONFIG_HOME") {
        Some(folder) => SearchFolder {
            path: expanded(&folder).join("tmuxp"),
            source: "$XDG_CONFIG_HOME",
        },
        None => SearchFolder {
            path: variables.home().join(".config/tmuxp"),
            source: "XDG default",
        },
    });
    all.push(SearchFolder {
        path: variables.home().join(".tmuxp"),
        source: "home",
    });
    all
}

/// The folder that workspace names are looked up in: the first of
/// [`folders`] that exists, else the first.
#[must_use]
pub fn global_folder() -> PathBuf {
    let mut all = folders();
    let there = all.iter().position(|folder| folder.path.is_dir());
    all.swap_remove(there.unwrap_or(0)).path
}

/// The workspace files of a folder, in order of their names; hidden ones are
/// left out.
///
/// # Errors
/// When the folder cannot be read.
pub fn in_dir(folder: &Path) -> Result<Vec<PathBuf>> {
    listed(folder, |name| !name.starts_with('.'))
}

/// The workspace files of a project: `.tmuxp.*` in a folder, in order of
/// their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn in_cwd(folder: &Path) -> Result<Vec<PathBuf>> {
    listed(folder, |name| name.starts_with(".tmuxp"))
}

fn listed(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let fail = |source| Error::File {
        path: folder.to_owned(),
        what: "cannot be listed",
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        if is_config_file(&path) && name.is_some_and(|name| wanted(&name)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The project files from a folder up to the home folder (or the root), one a
/// folder, the nearest first.
#[must_use]
pub fn local_files(start: &Path) -> Vec<PathBuf> {
    let home = Variables::of_process().home();
    let mut found = Vec::new();
    for folder in start.ancestors() {
        found.extend(named(folder, ".tmuxp").into_iter().next());
        if folder == home {
            break;
        }
    }
    found
}

/// The files `NAME.yaml`, `.yml` and `.json` that a folder has.
fn named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let files = EXTENSIONS
        .iter()
        .map(|end| folder.join(format!("{name}.{end}")));
    files.filter(|path| path.is_file()).collect()
}

/// Finds the workspace file that is meant.
///
/// A plain name is looked up in the [`global_folder`] alone. A folder means
/// its `.tmuxp.yaml`, `.yml` or `.json`. Anything else is a path, from the
/// current folder; a file name without a folder that is not there is looked up
/// in the global folder too.
///
/// # Errors
/// [`Error::NotFound`], which says where it was looked for.
pub fn find(wanted: &str) -> Result<Found> {
    let global = global_folder();
    let path = PathBuf::from(Variables::of_process().expand(wanted));
    let not_found = |message: String| Err(Error::NotFound { message });
    let plain = !wanted.is_empty() && !wanted.contains(['/', '.']) && !wanted.starts_with('~');
    if plain {
        return match first(named(&global, wanted)) {
            Some(found) => Ok(found),
            None => not_found(format!(
                "no workspace `{wanted}` in {} (.yaml, .yml, .json)",
                global.display()
            )),
        };
    }
    if path.is_dir() || wanted.is_empty() {
        let folder = if wanted.is_empty() {
            Path::new(".")
        } else {
            path.as_path()
        };
        return match first(named(folder, ".tmuxp")) {
            Some(found) => Ok(found),
            None => not_found(format!(
                "no .tmuxp.yaml, .yml or .json in {}",
                folder.display()
            )),
        };
    }
    if path.exists() {
        return Ok(Found {
            path,
            others: Vec::new(),
        });
    }
    let in_folder = global.join(&path);
    if !wanted.contains('/') && in_folder.is_file() {
        return Ok(Found {
            path: in_folder,
            others: Vec::new(),
        });
    }
    not_found(match wanted.contains('/') {
        true => format!("{}: there is no such file", path.display()),
        false => format!("no file {wanted} here, nor in {}", global.display()),
    })
}

fn first(mut files: Vec<PathBuf>) -> Option<Found> {
    if files.is_empty() {
        return None;
    }
    let path = files.remove(0);
    Some(Found {
        path,
        others: files,
    })
}
