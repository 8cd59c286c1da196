//! The routes: one file for each resource, and the table of them all.
//!
//! A handler turns a request into calls of the daemon or of tmux, and what they
//! give into a reply. What is wrong with a request, the extractors say.

mod app;
mod auto;
mod callbacks;
mod casts;
mod command_end;
mod docs;
mod events;
mod extract;
mod helper;
mod hooks;
mod panes;
mod recordings;
mod search;
mod server;
mod sessions;
mod settings;
mod single_flight;
mod start_directory;
mod wait;
mod windows;

use axum::Router;
use axum::routing::{MethodFilter, on};

pub(super) use app::App;

/// Writes the table of routes: the router, and for the test of the document the
/// operations that it has.
macro_rules! table {
    ($($method:ident $path:literal => $module:ident::$handler:ident;)*) => {
        pub(super) fn table() -> Router<App> {
            Router::new()
                $(.route($path, on(MethodFilter::$method, $module::$handler)))*
        }

        /// Method and path of each route.
        #[cfg(test)]
        pub(super) const TABLE: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        /// What the handlers say of themselves.
        #[cfg(test)]
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),*), components(schemas(crate::api::ErrorBody)))]
        pub(super) struct Operations;
    };
}

table! {
    GET "/" => server::info;
    GET "/version" => server::version;
    GET "/openapi.json" => docs::openapi;
    GET "/docs" => docs::page;
    GET "/settings" => settings::list;
    POST "/settings/reload" => settings::reload;
    GET "/sessions" => sessions::list;
    POST "/sessions" => sessions::create;
    GET "/sessions/{session_id}" => sessions::get;
    PATCH "/sessions/{session_id}" => sessions::update;
    DELETE "/sessions/{session_id}" => sessions::delete;
    POST "/sessions/{session_id}/attach" => sessions::attach;
    POST "/sessions/{session_id}/detach" => sessions::detach;
    GET "/sessions/{session_id}/windows" => sessions::windows;
    GET "/windows" => windows::list;
    POST "/windows" => windows::create;
    GET "/windows/{window_id}" => windows::get;
    PATCH "/windows/{window_id}" => windows::update;
    DELETE "/windows/{window_id}" => windows::delete;
    POST "/windows/{window_id}/select" => windows::select;
    POST "/windows/{window_id}/link" => windows::link;
    POST "/windows/{window_id}/unlink" => windows::unlink;
    GET "/windows/{window_id}/panes" => windows::panes;
    GET "/panes" => panes::list;
    POST "/panes" => panes::create;
    GET "/panes/{pane_id}" => panes::get;
    DELETE "/panes/{pane_id}" => panes::delete;
    POST "/panes/{pane_id}/select" => panes::select;
    POST "/panes/{pane_id}/resize" => panes::resize;
    POST "/panes/{pane_id}/send-keys" => panes::send_keys;
    POST "/panes/{pane_id}/paste" => panes::paste;
    POST "/panes/{pane_id}/wait" => wait::wait;
    GET "/panes/{pane_id}/capture" => panes::capture;
    GET "/callbacks" => callbacks::list;
    POST "/callbacks" => callbacks::create;
    GET "/callbacks/{event_id}" => callbacks::get;
    DELETE "/callbacks/{event_id}" => callbacks::delete;
    GET "/hooks" => hooks::list;
    POST "/hooks" => hooks::create;
    GET "/hooks/{hook_name}" => hooks::get;
    PUT "/hooks/{hook_name}" => hooks::replace;
    PATCH "/hooks/{hook_name}" => hooks::update;
    DELETE "/hooks/{hook_name}" => hooks::delete;
    POST "/hook" => hooks::receive;
    GET "/recordings" => recordings::list;
    POST "/recordings" => recordings::create;
    POST "/commands" => recordings::command;
    GET "/recordings/{recording_id}" => recordings::get;
    PATCH "/recordings/{recording_id}" => recordings::update;
    DELETE "/recordings/{recording_id}" => recordings::stop;
    POST "/recordings/{recording_id}/markers" => recordings::mark;
    POST "/recordings/{recording_id}/save" => recordings::save;
    GET "/auto" => auto::get;
    POST "/auto/switch" => auto::switch;
    GET "/auto/{window_id}" => auto::window;
    POST "/recordings/{recording_id}/notes" => recordings::note;
    POST "/recordings/{recording_id}/pause" => recordings::pause;
    POST "/recordings/{recording_id}/resume" => recordings::resume;
    GET "/casts" => casts::list;
    GET "/casts/{path}" => casts::get;
    GET "/search" => search::search;
    GET "/events" => events::events;
}
