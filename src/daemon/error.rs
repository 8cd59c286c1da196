//! Why the daemon did not do what it was asked. Knows no HTTP.

use std::io;
use std::path::PathBuf;

use crate::{config, tmux};

/// Why the daemon did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no recording of this id.
    #[error("no recording `{id}`; `tvmux rec ls` lists those that run")]
    NoRecording {
        /// What was asked for.
        id: String,
    },
    #[error("`{id}` may be any of {}", .matches.join(", "))]
    Ambiguous {
        /// What was asked for.
        id: String,
        /// The ids that fit.
        matches: Vec<String>,
    },
    /// There is no such window.
    #[error("no tmux window `{target}`: {message}")]
    NoWindow {
        /// What was asked for.
        target: String,
        message: String,
    },
    /// Another program has the pane's pipe.
    #[error(
        "pane {pane} is piped by another program already (tmux pipe-pane), and tmux allows one pipe; \
         end it with `tmux pipe-pane -t {pane}` and try again"
    )]
    PaneBusy { pane: String },
    /// tmux could not be asked or refused.
    #[error(transparent)]
    Tmux(#[from] tmux::Error),
    /// A cast cannot be made.
    #[error("cannot record to {}", .path.display())]
    Output {
        /// The file or folder.
        path: PathBuf,
        source: io::Error,
    },
    /// The capture could not be started.
    #[error("cannot capture the pane: {message}")]
    Capture { message: String },
    /// What waits for the disk fills the memory that a recording may take.
    #[error(
        "{id} takes no marker now: nothing can be written{}, and the memory for what waits is full",
        .reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"))
    )]
    NoRoom {
        id: String,
        /// Why the file takes nothing.
        reason: Option<String>,
    },
    /// No tmux server has ever been where one was looked for.
    #[error("there is no tmux server at {}", .socket.display())]
    NoSocket {
        /// The socket that was named.
        socket: PathBuf,
    },
    /// All of the recording is kept.
    #[error("all of {id} is kept: there is nothing to save")]
    NoFlashback { id: String },
    /// There is no such cast.
    #[error("no cast `{path}` in the folders with casts")]
    NoCast {
        /// What was asked for.
        path: String,
    },
    /// There is no such event.
    #[error("no event `{id}` in the history")]
    NoEvent {
        /// What was asked for.
        id: String,
    },
    /// A request makes no sense.
    #[error("{message}")]
    Invalid { message: String },
    /// The settings do not fit; those before are in force.
    #[error("the settings were not read again")]
    Settings(#[source] config::Error),
    /// The daemon is about to end.
    #[error("the server is shutting down; try again in a moment")]
    ShuttingDown,
}

/// What asking the daemon gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;
