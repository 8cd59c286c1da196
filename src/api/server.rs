//! What the daemon says of itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::{IntoParams, ToSchema};

use super::check::{self, Check};

/// Whether the daemon runs: a reply says that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ServerStatus {
    /// The daemon runs.
    Running,
}

/// `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct ServerInfo {
    /// Always `running`.
    pub status: ServerStatus,
    /// The daemon's process id.
    pub pid: u32,
    /// How many recordings run.
    pub recorders: usize,
    /// The daemon's version (`0.7.0`).
    pub version: String,
    /// Where it listens on TCP.
    #[serde(default)]
    #[cfg_attr(test, schema(example = "127.0.0.1:21590"))]
    pub address: Option<String>,
    /// Why it does not listen on TCP.
    #[serde(default)]
    pub address_error: Option<String>,
    /// Whether TCP clients must show the token.
    #[serde(default)]
    pub auth: bool,
    /// When it started: seconds since the Unix epoch.
    #[serde(default)]
    pub started: u64,
    /// How often a server went on with recordings today where the one before had
    /// ended.
    #[serde(default)]
    pub returns_today: u64,
}

/// `GET /version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct VersionInfo {
    /// The daemon's version (`0.7.0`).
    pub version: String,
}

/// Which tmux server is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(IntoParams))]
#[cfg_attr(test, into_params(parameter_in = Query))]
pub struct SocketQuery {
    /// The tmux server's socket; without it the one that this server was started
    /// from, or the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, param(value_type = Option<String>, max_length = 1024, pattern = r"^/[^\x00]*$"))]
    pub socket: Option<PathBuf>,
}

impl Check for SocketQuery {
    fn check(&self) -> Result<(), String> {
        match &self.socket {
            Some(socket) => check::path("socket", socket),
            None => Ok(()),
        }
    }
}
