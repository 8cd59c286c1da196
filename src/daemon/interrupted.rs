//! What a daemon that died was recording.

use std::path::Path;

use super::{command, journal};
use crate::api;

/// What a daemon that died was recording, oldest first. Nobody records it now:
/// the caller knows that no daemon runs.
#[must_use]
pub fn interrupted(state: &Path) -> Vec<api::Recording> {
    let mut all = journal::interrupted(state);
    all.extend(command::interrupted(state));
    all.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    all
}
