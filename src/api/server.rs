//! What the daemon says of itself.

use serde::{Deserialize, Serialize};

/// Whether the daemon runs: whoever gets a reply knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerStatus {
    /// It does.
    Running,
}

/// `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Always running.
    pub status: ServerStatus,
    /// The daemon's process id.
    pub pid: u32,
    /// How many recordings run.
    pub recorders: usize,
    /// The daemon's version.
    pub version: String,
}

/// `GET /version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// The daemon's version.
    pub version: String,
}
