//! Casts that are open: one [`Timeline`] for all who look at a cast, and few of them
//! at once. In the background each is gone through once, one after the other.

use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::catalogue::Cast;
use crate::serving::{Failure, Result};
use crate::timeline::{Timeline, TimelineError, TimelineOptions};

/// Casts that stay open at most.
const MOST: usize = 12;

#[derive(Clone)]
pub(super) struct Timelines {
    /// The one that was asked for last comes last.
    open: Arc<Mutex<Vec<Open>>>,
    /// Held by the one that is gone through.
    turn: Arc<Semaphore>,
}

struct Open {
    id: String,
    file: (PathBuf, u64, u64),
    timeline: Timeline,
    /// Set when nobody looks at it any more.
    is_closed: Arc<AtomicBool>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}

impl Timelines {
    pub(super) fn new() -> Timelines {
        Timelines {
            open: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// The timeline of a cast at `path`.
    pub(super) async fn open(&self, cast: &Cast, path: PathBuf) -> Result<Timeline> {
        let (own, id) = (self.clone(), cast.id.clone());
        let opened = tokio::task::spawn_blocking(move || own.find_or_open(id, path));
        let (timeline, new) = opened.await.map_err(Failure::internal)??;
        if let Some(is_closed) = new {
            tokio::spawn(cover(timeline.clone(), is_closed, Arc::clone(&self.turn)));
        }
        Ok(timeline)
    }

    /// With a flag that says when it is closed, where it was not open.
    fn find_or_open(
        &self,
        id: String,
        path: PathBuf,
    ) -> Result<(Timeline, Option<Arc<AtomicBool>>)> {
        let found = path.metadata().map_err(Failure::internal)?;
        let file = (path, found.dev(), found.ino());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|one| one.id == id) {
            let one = open.remove(at);
            if one.file == file {
                let timeline = one.timeline.clone();
                open.push(one);
                return Ok((timeline, None));
            }
        }
        let timeline = Timeline::open(&file.0, TimelineOptions::of_user()).map_err(unreadable)?;
        if open.len() == MOST {
            open.remove(0);
        }
        let is_closed = Arc::new(AtomicBool::new(false));
        open.push(Open {
            id,
            file,
            timeline: timeline.clone(),
            is_closed: Arc::clone(&is_closed),
        });
        Ok((timeline, Some(is_closed)))
    }
}

/// Goes through a cast, so that any moment of it is found at once from then on.
async fn cover(timeline: Timeline, is_closed: Arc<AtomicBool>, turn: Arc<Semaphore>) {
    let Ok(_turn) = turn.acquire().await else {
        return;
    };
    let covered = tokio::task::spawn_blocking(move || {
        timeline.cover(None, |_| match is_closed.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    });
    let _ = covered.await;
}

/// A cast that cannot be shown.
pub(super) fn unreadable(error: TimelineError) -> Failure {
    Failure::of(&error, (StatusCode::UNPROCESSABLE_ENTITY, "unreadable"))
}

/// Does what takes a while, on another thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(Failure::internal)?
}
