//! One timer for everything that a recording waits for.

use std::future::pending;
use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is set again only when its time changes: setting one wakes the
/// runtime, once for each event of a busy pane.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Waits until `due`, forever without. Cancel safe.
    pub(in crate::daemon) async fn at(&mut self, due: Option<Instant>) {
        let Some(due) = due else {
            return pending().await;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.await
    }
}
