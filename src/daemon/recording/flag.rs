//! The mark that a recorded window has for status lines.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use super::status::Condition;
use crate::api::State;
use crate::tmux::{Server, WindowId, pipe};

/// How long the end of a recording waits for a mark that is on its way.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the window's mark is, and what is under way about it.
pub(super) struct Flag {
    told: &'static str,
    /// Ends once tmux has taken it.
    telling: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Default for Flag {
    /// As every recording begins.
    fn default() -> Flag {
        Flag {
            told: pipe::RECORDED,
            telling: None,
        }
    }
}

impl Flag {
    /// Brings the mark up to date, one tmux call after the other: the last one says
    /// how it is.
    pub(super) fn tell(&mut self, condition: &Condition, server: &Server, window: WindowId) {
        let flag = match condition.state() {
            State::Recording => pipe::RECORDED,
            other => other.name(),
        };
        if flag == self.told || self.telling.is_some() {
            return;
        }
        self.told = flag;
        let (server, batch) = (server.clone(), pipe::flag_window(window, Some(flag)));
        self.telling = Some(Box::pin(async move {
            // Fails when the window is gone.
            let _ = server.run(&batch).await;
        }));
    }

    /// Returns once the mark that is on its way is there. Cancel safe.
    pub(super) async fn told(&mut self) {
        match &mut self.telling {
            Some(telling) => telling.await,
            None => return pending().await,
        }
        self.telling = None;
    }

    /// Takes the mark away.
    pub(super) async fn remove(&mut self, server: &Server, window: WindowId) {
        if let Some(telling) = self.telling.take() {
            let _ = tokio::time::timeout(PATIENCE, telling).await;
        }
        // Fails when the window is gone.
        let _ = server.run(&pipe::flag_window(window, None)).await;
    }
}
