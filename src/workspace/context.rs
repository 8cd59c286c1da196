//! What a plan must know of the server, the session and the terminal.

use std::path::PathBuf;

use crate::tmux::{OptionNames, Version, WindowId};

/// What a plan rests on.
#[derive(Clone, Debug)]
pub struct PlanContext {
    pub version: Version,
    /// The size of the windows; tmux chooses it when there is none.
    pub size: Option<Size>,
    /// The size of windows that tmux chooses: `default-size`.
    pub default_size: Size,
    /// The index that windows are counted from.
    pub base_index: u32,
    /// The index that panes are counted from.
    pub pane_base_index: u32,
    /// Whether pane borders hold text, which takes a row.
    pub borders: bool,
    /// Whether panes are synchronized unless told otherwise.
    pub synchronized: bool,
    /// The names of the server's options.
    pub options: OptionNames,
    /// The session that windows are added to; a new one is made otherwise.
    pub append_to: Option<AppendTo>,
    /// The folder that a relative one is below.
    pub current_directory: PathBuf,
}

/// A size in columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: u32,
    pub rows: u32,
}

/// A session that windows are added to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppendTo {
    /// The indices that its windows have.
    pub taken: Vec<u32>,
    /// The names of its windows.
    pub names: Vec<String>,
    pub current: Option<WindowId>,
    /// Whether windows whose name is there already are left out.
    pub skip_existing: bool,
}

impl Size {
    /// Reads `80x24`, as tmux writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Size> {
        let (columns, rows) = text.split_once('x')?;
        Some(Size {
            columns: columns.parse().ok().filter(|n| *n > 0)?,
            rows: rows.parse().ok().filter(|n| *n > 0)?,
        })
    }
}
