//! What a client is told when something could not be done.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use utoipa::ToSchema;

use super::PaneInput;

/// The body of an error reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct ErrorBody {
    /// A word for programs, such as `not_found`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The same sentence: where the Python program had it.
    pub detail: String,
    /// What keeps a pane from taking input, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane: Option<PaneInput>,
}

impl ErrorBody {
    /// A body with this code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> ErrorBody {
        let message = message.into();
        ErrorBody {
            code: code.into(),
            detail: message.clone(),
            message,
            pane: None,
        }
    }
}
