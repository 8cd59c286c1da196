//! What happens: in tmux, as far as it is watched, and to recordings.
//!
//! Events come from comparing one look at a server with the next, never from
//! what a hook says. The last ones are kept, so that a client whose connection
//! broke can go on after the last event that it has seen.
//!
//! Invariants: numbers only grow, also from one run of the daemon to the next;
//! what is kept is bounded in number and in bytes.

mod changes;
mod feed;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::{Daemon, Error, Result};
use crate::api::{self, Event, EventKind};
use crate::clock::unix_micros;
use crate::tmux::ServerState;

pub use feed::Feed;

/// At most this many events are kept.
const MOST: usize = 1024;

/// Most bytes of what clients have put into the history.
const MOST_BYTES: usize = 1024 * 1024;

/// The events of a daemon.
#[derive(Debug)]
pub(super) struct Events {
    kept: Mutex<Kept>,
    /// The number of the last event.
    last: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    events: VecDeque<Arc<Event>>,
    callbacks: VecDeque<(api::CallbackEventResponse, usize)>,
    callback_bytes: usize,
    /// The number of the last event that is no longer kept.
    forgotten: u64,
    is_closed: bool,
}

/// What comes after a number.
enum Next {
    Event(Arc<Event>),
    /// Some that came after it are no longer kept; go on after this one.
    Lost(u64),
    Nothing,
    /// Nothing, and nothing will come.
    Closed,
}

impl Events {
    pub(super) fn new() -> Events {
        // A later run starts higher: no daemon has an event each microsecond.
        let start = unix_micros();
        Events {
            kept: Mutex::new(Kept {
                events: VecDeque::new(),
                callbacks: VecDeque::new(),
                callback_bytes: 0,
                forgotten: start,
                is_closed: false,
            }),
            last: watch::Sender::new(start),
        }
    }

    /// Notes an event; its number and time are set here.
    pub(super) fn note(&self, event: Event) {
        let hook = hook_name(event.kind);
        self.note_as(event, hook);
    }

    /// The same; the history has it under this hook's name, or not at all.
    fn note_as(&self, event: Event, hook: Option<&str>) {
        let mut kept = self.kept();
        let event = Event {
            sequence: *self.last.borrow() + 1,
            time: now(),
            ..event
        };
        if let Some(hook) = hook {
            kept.keep_callback(callback(&event, hook), 0);
        }
        let sequence = event.sequence;
        kept.events.push_back(Arc::new(event));
        if kept.events.len() > MOST
            && let Some(oldest) = kept.events.pop_front()
        {
            kept.forgotten = oldest.sequence;
        }
        drop(kept);
        self.last.send_replace(sequence);
    }

    /// Notes what differs between two looks at a server.
    pub(super) fn compare(&self, socket: &Path, before: &ServerState, now: &ServerState) {
        if before == now {
            return;
        }
        let is_known = |window: &String| {
            let mut known = before.panes.iter();
            known.any(|pane| pane.window.to_string() == *window)
        };
        for event in changes::between(before, now) {
            let hook = match (event.kind, &event.window_id) {
                (EventKind::PaneCreated, Some(window)) if !is_known(window) => {
                    Some("after-new-window")
                }
                (kind, _) => hook_name(kind),
            };
            let event = Event {
                socket: Some(socket.to_owned()),
                ..event
            };
            self.note_as(event, hook);
        }
    }

    /// Notes that a server is gone.
    pub(super) fn gone(&self, socket: &Path) {
        self.note(Event {
            socket: Some(socket.to_owned()),
            ..changes::blank(EventKind::ServerGone)
        });
    }

    /// Notes something about a recording.
    pub(super) fn recording(&self, kind: EventKind, recording: &api::Recording) {
        self.note(Event {
            recording: Some(Box::new(recording.clone())),
            ..changes::blank(kind)
        });
    }

    pub(super) fn close(&self) {
        self.kept().is_closed = true;
        self.last.send_modify(|_| {});
    }

    fn next(&self, after: u64) -> Next {
        let kept = self.kept();
        if after < kept.forgotten {
            return Next::Lost(*self.last.borrow());
        }
        let place = kept.events.partition_point(|event| event.sequence <= after);
        match kept.events.get(place) {
            Some(event) => Next::Event(Arc::clone(event)),
            None if kept.is_closed => Next::Closed,
            None => Next::Nothing,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|error| error.into_inner())
    }
}

impl Kept {
    fn keep_callback(&mut self, callback: api::CallbackEventResponse, bytes: usize) {
        self.callbacks.push_back((callback, bytes));
        self.callback_bytes += bytes;
        while self.callbacks.len() > MOST
            || (self.callback_bytes > MOST_BYTES && self.callbacks.len() > 1)
        {
            if let Some((_, bytes)) = self.callbacks.pop_front() {
                self.callback_bytes -= bytes;
            }
        }
    }
}

impl Daemon {
    /// The history, newest first; of one tmux server, if wanted.
    #[must_use]
    pub fn callbacks(&self, socket: Option<&Path>) -> Vec<api::CallbackEventResponse> {
        let kept = self.events().kept();
        let all = kept.callbacks.iter().rev().map(|(callback, _)| callback);
        let socket = socket.map(Path::to_string_lossy);
        let wanted = |callback: &&api::CallbackEventResponse| match &socket {
            Some(socket) => callback.socket.as_deref() == Some(socket),
            None => true,
        };
        all.filter(wanted).cloned().collect()
    }

    /// One event of the history.
    ///
    /// # Errors
    /// When there is none of this id (any more).
    pub fn callback(&self, id: &str) -> Result<api::CallbackEventResponse> {
        let kept = self.events().kept();
        let mut all = kept.callbacks.iter().map(|(callback, _)| callback);
        let found = all.find(|callback| callback.id == id);
        found
            .cloned()
            .ok_or_else(|| Error::NoEvent { id: id.to_owned() })
    }

    /// Puts an event of a client's into the history.
    pub fn create_callback(&self, event: api::CallbackEvent) -> api::CallbackEventResponse {
        let events = self.events();
        let mut kept = events.kept();
        let mut sequence = 0;
        // Nobody is woken: it is not part of the feed.
        events.last.send_if_modified(|last| {
            *last += 1;
            sequence = *last;
            false
        });
        let bytes = serde_json::to_vec(&event).map_or(MOST_BYTES, |text| text.len());
        let noted = api::CallbackEventResponse {
            id: sequence.to_string(),
            time: now(),
            socket: None,
            hook_name: event.hook_name,
            pane_id: event.pane_id,
            session_name: event.session_name,
            window_id: event.window_id,
            window_index: event.window_index,
            pane_index: event.pane_index,
            pane_pid: event.pane_pid,
            extra: event.extra,
        };
        kept.keep_callback(noted.clone(), bytes);
        noted
    }

    /// Takes an event out of the history.
    ///
    /// # Errors
    /// When there is none of this id (any more).
    pub fn delete_callback(&self, id: &str) -> Result<api::CallbackDeleted> {
        let mut kept = self.events().kept();
        let place = kept.callbacks.iter().position(|(noted, _)| noted.id == id);
        let removed = place.and_then(|place| kept.callbacks.remove(place));
        let Some((_, bytes)) = removed else {
            return Err(Error::NoEvent { id: id.to_owned() });
        };
        kept.callback_bytes -= bytes;
        Ok(api::CallbackDeleted {
            status: api::DeletedStatus::Deleted,
            event_id: id.to_owned(),
        })
    }

    /// Takes a hook's word that something has happened, and looks.
    #[must_use]
    pub fn receive_hook(&self) -> api::HookReceived {
        let registry = self.registry();
        for watcher in registry.watchers.values() {
            watcher.look();
        }
        api::HookReceived {
            status: api::HookStatus::Ok,
            action: if registry.watchers.is_empty() {
                api::HookAction::None
            } else {
                api::HookAction::Look
            },
        }
    }

    pub(super) fn events(&self) -> &Events {
        &self.shared.events
    }
}

/// The name of tmux's hook for an event; none for what does not happen there.
fn hook_name(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::Ready
        | EventKind::Reset
        | EventKind::RecordingStarted
        | EventKind::RecordingChanged
        | EventKind::RecordingStopped => return None,
        EventKind::PaneCreated => "after-split-window",
        EventKind::PaneResized => "window-layout-changed",
        EventKind::PaneClosed => "pane-exited",
        other => other.name(),
    })
}

/// An event of tmux, as the history has it.
fn callback(event: &Event, hook_name: &str) -> api::CallbackEventResponse {
    api::CallbackEventResponse {
        id: event.sequence.to_string(),
        time: event.time,
        socket: event
            .socket
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned()),
        hook_name: hook_name.to_owned(),
        pane_id: event.pane_id.clone(),
        session_name: event.session.clone(),
        window_id: event.window_id.clone(),
        window_index: event.window_index.map(|index| index.to_string()),
        pane_index: event.pane_index.map(|index| index.to_string()),
        pane_pid: event.pane_pid,
        extra: serde_json::Map::new(),
    }
}

/// Seconds since the Unix epoch, to the microsecond.
fn now() -> f64 {
    unix_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(events: &Events, mut after: u64) -> Vec<u64> {
        let mut all = Vec::new();
        while let Next::Event(event) = events.next(after) {
            after = event.sequence;
            all.push(after);
        }
        all
    }

    #[test]
    fn what_was_seen_does_not_come_again() {
        let events = Events::new();
        let start = *events.last.borrow();
        for _ in 0..3 {
            events.note(changes::blank(EventKind::ServerGone));
        }
        assert_eq!(numbers(&events, start), [start + 1, start + 2, start + 3]);
        assert_eq!(numbers(&events, start + 2), [start + 3]);
        assert!(matches!(events.next(start + 3), Next::Nothing));
        events.close();
        assert!(matches!(events.next(start + 3), Next::Closed));
    }

    #[test]
    fn what_is_lost_is_told() {
        let events = Events::new();
        let start = *events.last.borrow();
        for _ in 0..=MOST {
            events.note(changes::blank(EventKind::ServerGone));
        }
        let last = start + MOST as u64 + 1;
        assert!(matches!(events.next(start), Next::Lost(after) if after == last));
        assert_eq!(numbers(&events, start + 1).len(), MOST);
        assert_eq!(events.kept().callbacks.len(), MOST);
    }

    #[test]
    fn the_history_is_bounded_in_bytes() {
        let daemon = Daemon::new(
            crate::config::Config::default(),
            crate::folders::Folders::at("/nowhere", "/nowhere"),
        );
        for text in ["a", "b", "c"] {
            daemon.create_callback(api::CallbackEvent {
                hook_name: text.into(),
                extra: serde_json::Map::from_iter([(text.into(), "x".repeat(400_000).into())]),
                ..api::CallbackEvent::default()
            });
        }
        let kept = daemon.callbacks(None);
        let names: Vec<_> = kept.iter().map(|noted| noted.hook_name.as_str()).collect();
        assert_eq!(names, ["c", "b"]);
        assert_eq!(daemon.callback(&kept[0].id).unwrap(), kept[0]);
        daemon.delete_callback(&kept[0].id).unwrap();
        assert!(daemon.delete_callback(&kept[0].id).is_err());
    }
}
