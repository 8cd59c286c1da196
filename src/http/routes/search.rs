//! `/search`: where something was seen.

use axum::extract::State;
use axum::response::Response;

use super::app::App;
use super::extract::Query;
use super::helper::{Arguments, answer};
use crate::api::SearchQuery;
use crate::http::error::Result;

/// Search in all that was ever on a screen.
///
/// One JSON object a line for each hit, as they are found; no line where nothing is.
/// An answer takes at most 30 seconds.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/search",
    params(SearchQuery),
    responses((status = 200, body = crate::api::SearchHit, content_type = "application/x-ndjson"))
))]
pub(super) async fn search(
    State(app): State<App>,
    Query(query): Query<SearchQuery>,
) -> Result<Response> {
    let arguments = Arguments::of_search(query);
    answer(&app, arguments, "application/x-ndjson").await
}
