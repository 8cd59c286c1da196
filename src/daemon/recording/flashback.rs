//! A recording of which only the last minutes are kept: what it saves and removes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Zoned;
use tokio::sync::oneshot;

use super::super::flashback::{self, Limits, Saved, Saving};
use super::super::rotation::Writing;
use super::finish::{retitle, settle_cast};
use super::follow_up::follow_up;
use super::task::Task;
use crate::config::Config;
use crate::daemon::destination::cast_folder;
use crate::daemon::{Error, Result};
use crate::record::{DiskSink, Recorder};

/// How long after it is too old a part is removed.
const LATE: Duration = Duration::from_millis(500);

impl Task {
    /// When the present cast is left for the next one.
    pub(super) fn limits(&self) -> Limits {
        let settings = &self.context.config.recording;
        match &self.spec.flashback {
            Some(flashback) => flashback.limits(settings.flashback_bytes()),
            None => Limits::of(settings),
        }
    }

    pub(super) fn on_save(&mut self, goes_on: bool, reply: oneshot::Sender<Result<Saved>>) {
        let is_busy = self.saving.is_some() || self.is_held;
        if self.spec.flashback.is_none() || is_busy {
            let id = self.spec.id.clone();
            let _ = reply.send(Err(match is_busy {
                true => Error::Invalid {
                    message: format!("{id} is being saved already"),
                },
                false => Error::NoFlashback { id },
            }));
            return;
        }
        self.is_held = goes_on;
        self.saving = Some(Saving {
            until: self.recorder.stats().bytes,
            goes_on,
            reply,
        });
    }

    /// Goes on behind the cast to which the present one was saved; nowhere else where
    /// there is none.
    pub(super) fn on_saved(&mut self, saved: Option<PathBuf>) {
        self.is_held = false;
        if saved.is_none() {
            return;
        }
        let mut spec = self.spec.as_ref().clone();
        if let Some(flashback) = &mut spec.flashback {
            flashback.goes_on = saved;
        }
        self.spec = Arc::new(spec);
        self.note();
    }

    /// Does what is due for the ring.
    pub(super) fn turn_flashback(&mut self) {
        self.bound_present();
        let Some(flashback) = &self.spec.flashback else {
            return;
        };
        let cast = &self.spec.cast_path;
        let written = Writing::length_written(&self.recorder);
        let is_due = |saving: &mut Saving| written >= saving.until;
        if self.rotation.is_making() {
            return;
        }
        let Some(saving) = self.saving.take_if(is_due) else {
            return;
        };
        let (cast, present) = (cast.clone(), self.spec.earlier.part());
        let (kept, asked) = (flashback.length(), flashback.folder.clone());
        let (config, title) = (Arc::clone(&self.context.config), self.spec.title.clone());
        let is_whole = !saving.goes_on;
        tokio::task::spawn_blocking(move || {
            let now = Zoned::now();
            let saved = cast_folder(asked.as_deref(), &config.output, &now).and_then(|folder| {
                let name = |number| flashback::saved_name(&cast, &now, number);
                let saved = flashback::save(&cast, (present, written), kept, (&folder, name));
                saved.map_err(|source| Error::Output {
                    path: folder,
                    source,
                })
            });
            let done = saved.as_ref().ok().cloned();
            let _ = saving.reply.send(saved);
            if let Some(saved) = done {
                flashback::sync(&saved);
                if is_whole {
                    retitle_last(&saved, title);
                    follow_up(&config, &saved.casts[0], saved.bytes);
                }
            }
        });
    }

    /// A part that grows past its size, since its screen cannot be worked out as fast as
    /// lines come, takes the place of older ones; and one that alone is more than may be
    /// kept goes.
    fn bound_present(&mut self) {
        let Some(flashback) = &self.spec.flashback else {
            return;
        };
        let most = self.context.config.recording.flashback_bytes();
        let bytes = self.recorder.stats().bytes;
        let grown = flashback::parts_in(bytes, most);
        if grown <= std::mem::replace(&mut self.grown, grown) {
            return;
        }
        let (cast, kept) = (self.spec.cast_path.clone(), flashback.length());
        if let Some(room) = flashback::room(most, bytes) {
            let present = self.spec.earlier.part();
            tokio::spawn(prune(cast, present, kept, room));
        } else if !self.is_overgrown && !self.rotation.is_sealed() && self.sink.trouble().is_none()
        {
            tracing::warn!(id = self.spec.id, "output comes too fast for a flashback");
            self.is_overgrown = true;
            // The file's removal is noticed, and the recording goes on in a new one.
            tokio::task::spawn_blocking(move || std::fs::remove_file(cast));
        }
    }

    /// Removes what is too old or too much, and the part that has just been closed once
    /// it is.
    pub(super) fn prune(&self) {
        let Some(flashback) = &self.spec.flashback else {
            return;
        };
        let (cast, present) = (self.spec.cast_path.clone(), self.spec.earlier.part());
        let kept = flashback.length();
        let most = self.context.config.recording.flashback_bytes();
        let room = flashback::room(most, 0).unwrap_or_default();
        tokio::spawn(async move {
            prune(cast.clone(), present, kept, room).await;
            tokio::time::sleep(kept + LATE).await;
            prune(cast, present, kept, room).await;
        });
    }

    /// The end of a recording of which only the last minutes are kept: what was not
    /// saved goes. Gives the cast that it was to go on behind.
    pub(super) async fn end_flashback(&mut self) -> Option<PathBuf> {
        let saved = self.spec.flashback.as_ref()?.goes_on.clone();
        let (ring, behind) = (self.spec.cast_path.clone(), saved.clone());
        let ended = tokio::task::spawn_blocking(move || {
            if let Some(saved) = &behind {
                flashback::complete(&ring, saved)?;
            }
            flashback::remove_ring(&ring);
            Ok::<(), std::io::Error>(())
        });
        if let Ok(Err(error)) = ended.await {
            tracing::warn!(%error, "what was recorded last is not saved");
        }
        saved
    }
}

/// Removes what is too old of a ring, and what is more than `room` bytes beside the part
/// of number `present`.
async fn prune(cast: PathBuf, present: u32, kept: Duration, room: u64) {
    let work = move || flashback::prune(&cast, present, kept, room);
    match tokio::task::spawn_blocking(work).await {
        // The ring is gone, and its recording with it or elsewhere.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(Err(error)) => tracing::warn!(%error, "a ring is not pruned"),
        Ok(Ok(())) | Err(_) => {}
    }
}

/// The part that was copied may be of before the recording got its title.
fn retitle_last(saved: &Saved, title: Option<String>) {
    if let (Some(last), Some(title)) = (saved.casts.last(), title) {
        retitle(last, &title);
    }
}

/// Closes a part that stays in its ring.
pub(super) async fn close_ring_part(mut sink: DiskSink) {
    // All its lines are written.
    let mut nothing = Recorder::resume(0, 0, (1, 1), 0, usize::MAX);
    sink.close(&mut nothing).await;
}

/// Closes the last part of a ring, which has been saved to `saved` as a whole.
pub(super) async fn leave_ring(
    sink: DiskSink,
    config: Arc<Config>,
    title: Option<String>,
    (saved, bytes): (PathBuf, u64),
) {
    let ring = sink.path().to_owned();
    close_ring_part(sink).await;
    settle_cast(&config, &saved, title).await;
    follow_up(&config, &saved, bytes);
    let _ = tokio::task::spawn_blocking(move || flashback::remove_ring(&ring)).await;
}
