//! Who looks at present: without anybody the process ends after a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Counts requests that are under way.
#[derive(Clone)]
pub(super) struct Viewers(Arc<Shared>);

struct Shared {
    count: watch::Sender<usize>,
    last: Mutex<Instant>,
}

/// A request that is under way.
pub(super) struct Viewer(Arc<Shared>);

impl Viewers {
    pub(super) fn new() -> Viewers {
        Viewers(Arc::new(Shared {
            count: watch::Sender::new(0),
            last: Mutex::new(Instant::now()),
        }))
    }

    /// One more, until what is given is dropped.
    pub(super) fn enter(&self) -> Viewer {
        self.0.count.send_modify(|count| *count += 1);
        Viewer(Arc::clone(&self.0))
    }

    /// Returns when nobody has looked for that time.
    pub(super) async fn gone_for(&self, time: Duration) {
        let mut count = self.0.count.subscribe();
        loop {
            if count.wait_for(|count| *count == 0).await.is_err() {
                return;
            }
            let last = *self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
            let end = last + time;
            if end <= Instant::now() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(end) => {}
                _ = count.changed() => {}
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.count.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_comes_when_nobody_has_looked_for_so_long() {
        let viewers = Viewers::new();
        let is_over = |time| viewers.gone_for(time).now_or_never().is_some();
        assert!(is_over(Duration::ZERO));
        assert!(!is_over(Duration::from_secs(3600)));
        let viewer = viewers.enter();
        assert!(!is_over(Duration::ZERO));
        drop(viewer);
        assert!(is_over(Duration::ZERO));
    }
}
