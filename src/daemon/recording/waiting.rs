//! Who waits for a pause to begin or to end.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::unix_micros;

/// Who waits for a pause, or for its end.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) for_pause: Vec<oneshot::Sender<bool>>,
    pub(super) for_end: Vec<oneshot::Sender<bool>>,
    /// What panes print whose pipes are let go, until that is over.
    pub(super) leaving: Vec<JoinHandle<()>>,
}

impl Waiting {
    /// Notes that a pipe is being let go.
    pub(super) fn add_leaving(&mut self, leaving: JoinHandle<()>) {
        self.leaving.retain(|leaving| !leaving.is_finished());
        self.leaving.push(leaving);
    }
}

/// How long it is until a pause ends by itself, by the wall clock.
pub(in crate::daemon) fn time_until(seconds: u64) -> Duration {
    Duration::from_micros((seconds * 1_000_000).saturating_sub(unix_micros()))
}
