//! Folders that are not there: tmux would start a shell somewhere else in
//! silence.

use std::path::{Path, PathBuf};

use super::error::Source;
use super::spec::{Folder, Workspace};
use super::variables::Variables;

/// Replaces each start folder that is missing by the session's, or the home
/// folder, and warns of it.
pub fn replace_missing_folders(workspace: &mut Workspace, source: &mut Source) {
    let home = Variables::of_process().home();
    let session = workspace
        .start_directory
        .as_ref()
        .map(|folder| folder.path.clone());
    let session = session.filter(|path| path.is_dir());
    let instead = session.unwrap_or(home);
    let mut settle = |folder: &mut Option<Folder>| {
        let Some(folder) = folder else { return };
        if folder.path.is_dir() {
            return;
        }
        source.warn(
            folder.mark,
            format!(
                "the folder {} {}; {} is used",
                folder.path.display(),
                why(&folder.path),
                instead.display()
            ),
        );
        folder.path = PathBuf::clone(&instead);
    };
    settle(&mut workspace.start_directory);
    for pane in workspace
        .windows
        .iter_mut()
        .flat_map(|window| &mut window.panes)
    {
        settle(&mut pane.start_directory);
    }
}

fn why(path: &Path) -> &'static str {
    if path.exists() {
        "is no folder"
    } else {
        "does not exist"
    }
}
