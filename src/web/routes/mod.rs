//! The routes: one file for each kind of reply, and the table of them all.

mod alis;
mod casts;
mod control;
mod frames;
mod info;
mod live;
mod moments;
mod pages;
mod search;
mod segments;

use axum::Router;
use axum::routing::{MethodFilter, get, on};

use super::app::App;
use crate::serving::{no_method, no_route};

/// Writes the table of routes below the base, and for the test of the document the
/// operations that it has.
macro_rules! table {
    ($($method:ident $path:literal => $module:ident::$handler:ident;)*) => {
        fn table() -> Router<App> {
            Router::new()
                $(.route($path, on(MethodFilter::$method, $module::$handler)))*
        }

        /// Method and path of each route.
        #[cfg(test)]
        pub(super) const TABLE: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        /// What the handlers say of themselves.
        #[cfg(test)]
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),*))]
        pub(super) struct Operations;
    };
}

table! {
    GET "/api/openapi.json" => info::openapi;
    GET "/api/info" => info::info;
    GET "/api/casts" => casts::list;
    GET "/api/casts/{id}" => casts::get;
    GET "/api/casts/{id}/activity" => casts::activity;
    GET "/api/casts/{id}/at" => moments::at;
    GET "/api/casts/{id}/thumb" => moments::thumb;
    GET "/api/casts/{id}/download" => moments::download;
    GET "/api/casts/{id}/frames" => frames::frames;
    GET "/api/casts/{id}/live" => live::live;
    GET "/api/casts/{id}/segments/{part}" => segments::part;
    GET "/api/casts/{id}/live.alis" => alis::alis;
    GET "/api/search" => search::search;
    GET "/api/windows" => control::windows;
    POST "/api/recordings" => control::start;
    POST "/api/recordings/{recording_id}/stop" => control::stop;
    POST "/api/recordings/{recording_id}/mark" => control::mark;
    POST "/api/recordings/{recording_id}/pause" => control::pause;
    POST "/api/recordings/{recording_id}/resume" => control::resume;
}

/// All routes.
pub(super) fn all(app: App) -> Router {
    let base = app.doors.base();
    let below = table()
        .route("/", get(pages::file))
        .route("/{file}", get(pages::file))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method);
    Router::new()
        .route("/ticket/{ticket}", get(pages::exchange))
        .nest(&format!("/{base}/"), below)
        .fallback(no_route)
        .with_state(app)
}
