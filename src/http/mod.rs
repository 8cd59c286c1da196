//! The daemon's HTTP API: thin handlers, and who may come in.
//!
//! Handlers turn a request into a call of the daemon and its answer into a
//! reply; they decide nothing. Before them stand the `gate` (whose request
//! it is) and `serve` (how much of anything there may be).

mod callbacks;
mod casts;
mod docs;
mod document;
mod error;
mod events;
mod extract;
mod gate;
mod hooks;
mod info;
mod panes;
mod recordings;
mod serve;
mod sessions;
mod together;
mod token;
mod unix;
mod windows;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::Daemon;
use together::Together;

pub use document::document;
pub use gate::Gate;
pub use serve::{Listeners, serve};
pub use token::Token;

/// So many clients may listen to events at once.
const MOST_STREAMS: usize = 64;

/// What handlers work with.
#[derive(Clone)]
struct App {
    daemon: Daemon,
    gate: Arc<Gate>,
    streams: Arc<Semaphore>,
    panes: Arc<Together>,
}

impl FromRef<App> for Daemon {
    fn from_ref(app: &App) -> Daemon {
        app.daemon.clone()
    }
}

/// All routes that answer, and their part of the OpenAPI document.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(info::info))
        .routes(routes!(info::version))
        .routes(routes!(document::openapi))
        .routes(routes!(docs::docs))
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::get, sessions::update, sessions::delete))
        .routes(routes!(sessions::attach))
        .routes(routes!(sessions::detach))
        .routes(routes!(sessions::windows))
        .routes(routes!(windows::list, windows::create))
        .routes(routes!(windows::get, windows::update, windows::delete))
        .routes(routes!(windows::select))
        .routes(routes!(windows::link))
        .routes(routes!(windows::unlink))
        .routes(routes!(windows::panes))
        .routes(routes!(panes::list, panes::create))
        .routes(routes!(panes::get, panes::delete))
        .routes(routes!(panes::select))
        .routes(routes!(panes::resize))
        .routes(routes!(panes::send_keys))
        .routes(routes!(panes::capture))
        .routes(routes!(callbacks::list, callbacks::create))
        .routes(routes!(callbacks::get, callbacks::delete))
        .routes(routes!(hooks::list, hooks::create))
        .routes(routes!(
            hooks::get,
            hooks::replace,
            hooks::update,
            hooks::delete
        ))
        .routes(routes!(hooks::receive))
        .routes(routes!(recordings::list, recordings::create))
        .routes(routes!(recordings::get, recordings::stop))
        .routes(routes!(recordings::mark))
        .routes(routes!(casts::list))
        .routes(routes!(casts::get))
}

/// The route that streams. It has no end, and so stands apart in the document.
fn streams() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events::events))
}

fn router(daemon: Daemon, gate: Arc<Gate>) -> Router {
    let (router, _) = routes().merge(streams()).split_for_parts();
    router
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .with_state(App {
            daemon,
            gate,
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            panes: Arc::default(),
        })
}
