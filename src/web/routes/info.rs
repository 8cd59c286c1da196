//! `api/info`: what this server is, and `api/openapi.json`: what it takes.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde::Serialize;

use crate::web::app::App;
use crate::web::doors::Rights;

/// What this server is, and what may be done with it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct WebInfo {
    version: &'static str,
    /// Whether recordings may be started, marked and stopped.
    control: bool,
    /// The first segment of all paths.
    base: String,
    /// The folders whose casts are shown.
    archive_folders: Vec<String>,
}

/// Get what this server is.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/info",
    responses((status = 200, body = WebInfo))
))]
pub(super) async fn info(State(app): State<App>, headers: HeaderMap) -> Json<WebInfo> {
    let folders = app.catalogue.folders().iter();
    Json(WebInfo {
        version: env!("CARGO_PKG_VERSION"),
        control: app.doors.rights(&headers) == Some(Rights::Control),
        base: app.doors.base().to_owned(),
        archive_folders: folders
            .map(|folder| folder.to_string_lossy().into_owned())
            .collect(),
    })
}

/// The document: a test builds it from the handlers and compares.
const DOCUMENT: &str = include_str!("../../../fixtures/api/web.json");

/// The OpenAPI document.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/openapi.json",
    responses((status = 200, body = Object, content_type = "application/json"))
))]
pub(super) async fn openapi() -> impl IntoResponse {
    let headers = [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_TYPE, "application/json"),
    ];
    (headers, DOCUMENT)
}
