//! The server's settings on the wire.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
#[cfg(test)]
use utoipa::ToSchema;

/// `GET /settings`: what the server works with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Settings {
    /// Keys and values, by section.
    #[cfg_attr(test, schema(value_type = Object))]
    pub settings: Map<String, Value>,
}

/// `POST /settings/reload`: what has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct SettingsReloaded {
    /// The file that was read, if there is one.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    pub file: Option<PathBuf>,
    /// The settings (`section.key`) that have changed, and are in force.
    pub applied: Vec<String>,
    /// The settings that have changed, and are in force once the server is
    /// started again.
    pub after_restart: Vec<String>,
    /// What is worth telling: keys without effect, variables that look mistyped.
    pub warnings: Vec<String>,
}
