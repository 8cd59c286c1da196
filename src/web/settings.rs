//! What the server works with.

use std::path::PathBuf;
use std::time::Duration;

use crate::api::Recording;
use crate::config::Config;

/// What the server works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The settings of the program.
    pub config: Config,
    /// The file that they are from, where it is not the usual one.
    pub config_file: Option<PathBuf>,
    /// The tmux server whose windows can be recorded.
    pub tmux_socket: PathBuf,
    /// What a daemon that died was recording: it says so of none that runs.
    pub interrupted: fn() -> Vec<Recording>,
    /// The server ends when nobody has looked for that time; `None` is never.
    pub idle_end: Option<Duration>,
}
