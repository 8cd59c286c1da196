//! What the handlers share.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::catalogue::{Cast, Catalogue};
use super::doors::Doors;
use super::live::Lives;
use super::settings::Settings;
use super::timelines::Timelines;
pub(super) use super::timelines::blocking;
use super::viewers::Viewers;
use crate::serving::{Ending, Failure, Result};
use crate::timeline::Timeline;

/// At most 4 processes search for viewers at once.
const MAX_SEARCHES: usize = 4;

/// At most 64 replies that go on for long at once.
const MAX_STREAMS: usize = 64;

#[derive(Clone)]
pub(super) struct App(Arc<Parts>);

pub(super) struct Parts {
    pub doors: Doors,
    pub catalogue: Catalogue,
    pub timelines: Timelines,
    pub lives: Lives,
    pub viewers: Viewers,
    pub settings: Settings,
    pub searches: Arc<Semaphore>,
    pub streams: Arc<Semaphore>,
    /// Long replies end with the process.
    pub ending: Ending,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub(super) fn new(doors: Doors, settings: Settings, ending: Ending) -> App {
        App(Arc::new(Parts {
            doors,
            catalogue: Catalogue::new(&settings),
            timelines: Timelines::new(),
            lives: Lives::new(),
            viewers: Viewers::new(),
            settings,
            searches: Arc::new(Semaphore::new(MAX_SEARCHES)),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            ending,
        }))
    }

    /// Room for a reply that goes on for long.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        place.map_err(|_| {
            Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_streams",
                "too many viewers watch at present",
            )
        })
    }

    /// The cast with that id, open; what is listed of it may have changed since.
    pub(super) async fn open(&self, id: &str) -> Result<(Cast, Timeline)> {
        let (cast, file) = self.catalogue.known(id).await?;
        let timeline = self.timelines.open(&cast, file).await?;
        Ok((cast, timeline))
    }

    /// The cast with that id, as it is now, open.
    pub(super) async fn open_now(&self, id: &str) -> Result<(Cast, Timeline)> {
        let cast = self.catalogue.cast(id).await?;
        let (_, timeline) = self.open(id).await?;
        Ok((cast, timeline))
    }
}
