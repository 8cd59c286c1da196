//! Where a new pane starts.

use std::path::PathBuf;

use axum::http::StatusCode;

use crate::config::expand_home;
use crate::http::error::{Failure, Result};

/// The folder that a request names; `.` is the home folder. It must be there:
/// tmux would silently take another one.
pub(super) async fn start_directory(wanted: &Option<String>) -> Result<Option<PathBuf>> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    if wanted == "." {
        return Ok(Some(expand_home("~")));
    }
    let path = PathBuf::from(wanted);
    match tokio::fs::metadata(&path).await {
        Ok(found) if found.is_dir() => Ok(Some(path)),
        _ => {
            let message = format!("{} is not a folder", path.display());
            Err(Failure::new(StatusCode::NOT_FOUND, "no_folder", message))
        }
    }
}
