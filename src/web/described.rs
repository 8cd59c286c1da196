//! Replies as the document tells of them, where handlers write them otherwise.

use utoipa::ToSchema;

use super::catalogue::RecordingDocument;
use crate::api::{Cast, SearchHit};

/// `api/casts`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub(in crate::web) struct CastList {
    /// The newest first.
    casts: Vec<ListedCast>,
}

/// A cast, as `tvmux ls --json` has it, and how it is opened.
#[derive(ToSchema)]
#[schema(as = ListedCast)]
#[allow(dead_code, reason = "only described")]
pub(in crate::web) struct ListedCast {
    /// 16 hexadecimal digits that stay the same when it is compressed.
    id: String,
    #[schema(inline)]
    #[serde(flatten)]
    cast: Cast,
    /// How its recording is, as long as it is recorded.
    recording: Option<RecordingDocument>,
}

/// A line that fits, and the cast that it is in.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described")]
pub(in crate::web) struct Hit {
    /// The cast's id.
    id: String,
    /// The cast's title, if it has one.
    title: Option<String>,
    #[serde(flatten)]
    hit: SearchHit,
}
