//! A client's feed of events, and its share of the watch.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Daemon, Next, changes};
use crate::api::{Event, EventKind};
use crate::daemon::Result;
use crate::daemon::needs::Listener;
use crate::daemon::watcher::{Need, View};
use crate::tmux::{self, Socket};

/// A server is looked at within this time, or it is taken for gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// The events of one tmux server and of all recordings, from some moment on.
/// While there is one, the server is watched.
pub struct Feed {
    daemon: Daemon,
    socket: PathBuf,
    last: tokio::sync::watch::Receiver<u64>,
    /// The number after which it goes on.
    after: u64,
    /// What is told first: that the feed has begun, or that events are lost.
    first: Option<EventKind>,
    is_over: bool,
    _listener: Listener,
}

impl Daemon {
    /// A feed of events: from now on, or after the event of this number.
    ///
    /// # Errors
    /// When there is no such tmux server.
    pub async fn listen(&self, socket: Option<Socket>, after: Option<u64>) -> Result<Feed> {
        let tmux = self.control(socket).await?;
        let socket = tmux.server().socket().clone();
        let last = self.events().last.subscribe();
        let need = Need {
            names: true,
            looks: true,
        };
        let (watcher, listener) = self.join_watch(&tmux, need).await?;
        // Only what changes after the first look is an event.
        let mut view = watcher.view();
        let seen = view.wait_for(|view| !matches!(view, View::Unknown));
        let is_live = match tokio::time::timeout(PATIENCE, seen).await {
            Ok(Ok(view)) => matches!(*view, View::Live(_)),
            _ => false,
        };
        let socket = socket.path().to_owned();
        if !is_live {
            return Err(tmux::Error::NoServer { socket }.into());
        }
        let newest = *last.borrow();
        let (after, first) = match after {
            None => (newest, EventKind::Ready),
            Some(number) if number > newest => (newest, EventKind::Reset),
            Some(number) => match self.events().next(number) {
                Next::Lost(newest) => (newest, EventKind::Reset),
                _ => (number, EventKind::Ready),
            },
        };
        Ok(Feed {
            daemon: self.clone(),
            socket,
            last,
            after,
            first: Some(first),
            is_over: false,
            _listener: listener,
        })
    }
}

impl Feed {
    /// The next event; `None` when the daemon ends or the tmux server has.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        if let Some(kind) = self.first.take() {
            return Some(self.remark(kind));
        }
        while !self.is_over {
            self.last.mark_unchanged();
            match self.daemon.events().next(self.after) {
                Next::Event(event) => {
                    self.after = event.sequence;
                    let is_other = |socket: &PathBuf| *socket != self.socket;
                    if event.socket.as_ref().is_some_and(is_other) {
                        continue;
                    }
                    self.is_over = event.kind == EventKind::ServerGone;
                    return Some(event);
                }
                Next::Lost(newest) => {
                    self.after = newest;
                    return Some(self.remark(EventKind::Reset));
                }
                Next::Nothing => self.last.changed().await.ok()?,
                Next::Closed => return None,
            }
        }
        None
    }

    /// An event of this feed alone; a client that goes on after it misses
    /// nothing.
    fn remark(&self, kind: EventKind) -> Arc<Event> {
        Arc::new(Event {
            sequence: self.after,
            time: super::now(),
            ..changes::blank(kind)
        })
    }
}
