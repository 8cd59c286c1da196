//! What a reply says was done, where there is nothing else to say.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::ToSchema;

/// Said when something is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeletedStatus {
    /// It is gone.
    Deleted,
}

/// Said when something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ActionStatus {
    /// Clients are no longer attached.
    Detached,
    /// It is the current or active one.
    Selected,
    /// It is in the other session too.
    Linked,
    /// It is in that session no more.
    Unlinked,
    /// Its size has been changed, as far as there was room.
    Resized,
    /// The keys have been typed.
    Sent,
    /// The text has been pasted.
    Pasted,
}
