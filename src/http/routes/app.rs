//! What the handlers share.

use std::sync::Arc;

use axum::extract::FromRef;
use tokio::sync::Semaphore;

use super::hooks::Notes;
use super::single_flight::SingleFlight;
use crate::daemon::Daemon;
use crate::http::access::Access;

/// At most 64 clients listen to events at once.
const MAX_STREAMS: usize = 64;

/// At most 64 clients wait for panes at once.
const MAX_WAITS: usize = 64;

/// At most 4 processes look at the archive for clients at once.
const MAX_HELPERS: usize = 4;

#[derive(Clone)]
pub(in crate::http) struct App {
    pub(super) daemon: Daemon,
    pub(super) access: Arc<Access>,
    pub(super) streams: Arc<Semaphore>,
    pub(super) waits: Arc<Semaphore>,
    pub(super) helpers: Arc<Semaphore>,
    /// Listings of all panes.
    pub(super) panes: Arc<SingleFlight>,
    pub(super) hooks: Arc<Notes>,
}

impl App {
    pub(in crate::http) fn new(daemon: Daemon, access: Arc<Access>) -> App {
        App {
            daemon,
            access,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            waits: Arc::new(Semaphore::new(MAX_WAITS)),
            helpers: Arc::new(Semaphore::new(MAX_HELPERS)),
            panes: Arc::default(),
            hooks: Arc::default(),
        }
    }
}

impl FromRef<App> for Daemon {
    fn from_ref(app: &App) -> Daemon {
        app.daemon.clone()
    }
}

impl FromRef<App> for Arc<Notes> {
    fn from_ref(app: &App) -> Arc<Notes> {
        Arc::clone(&app.hooks)
    }
}
