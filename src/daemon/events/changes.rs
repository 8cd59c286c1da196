//! What differs between two looks at a tmux server. Pure.

use std::collections::BTreeMap;

use crate::api::{Event, EventKind};
use crate::tmux::{PaneId, PaneState, ServerState, SessionId, WindowId};

/// An event that says nothing but its kind.
pub(super) fn blank(kind: EventKind) -> Event {
    Event {
        sequence: 0,
        time: 0.0,
        kind,
        socket: None,
        session_id: None,
        session: None,
        window_id: None,
        window_index: None,
        window: None,
        pane_id: None,
        pane_index: None,
        pane_pid: None,
        size: None,
        recording: None,
    }
}

/// A server's things, each with a pane that tells of it.
struct Things<'a> {
    /// With a pane of the current window.
    sessions: BTreeMap<SessionId, &'a PaneState>,
    places: BTreeMap<(SessionId, WindowId), &'a PaneState>,
    /// With the active pane.
    windows: BTreeMap<WindowId, &'a PaneState>,
    panes: BTreeMap<PaneId, &'a PaneState>,
}

impl<'a> Things<'a> {
    fn of(state: &'a ServerState) -> Things<'a> {
        let mut things = Things {
            sessions: BTreeMap::new(),
            places: BTreeMap::new(),
            windows: BTreeMap::new(),
            panes: BTreeMap::new(),
        };
        for pane in &state.panes {
            let session = things.sessions.entry(pane.session).or_insert(pane);
            if pane.is_current_window {
                *session = pane;
            }
            let place = (pane.session, pane.window);
            things.places.entry(place).or_insert(pane);
            let window = things.windows.entry(pane.window).or_insert(pane);
            if pane.is_active {
                *window = pane;
            }
            things.panes.entry(pane.pane).or_insert(pane);
        }
        things
    }
}

/// The events that lead from one state to the next: what has come first, from
/// the outside in; what is gone last, from the inside out.
pub(super) fn between(before: &ServerState, now: &ServerState) -> Vec<Event> {
    let (old, new) = (Things::of(before), Things::of(now));
    let mut events = Vec::new();
    for (id, state) in &new.sessions {
        match old.sessions.get(id) {
            None => events.push(session(EventKind::SessionCreated, state)),
            Some(was) => {
                if was.session_name != state.session_name {
                    events.push(session(EventKind::SessionRenamed, state));
                }
            }
        }
    }
    for (place, state) in &new.places {
        if !old.places.contains_key(place) {
            events.push(window(EventKind::WindowLinked, state));
        }
    }
    for (id, state) in &new.windows {
        let Some(was) = old.windows.get(id) else {
            continue;
        };
        if was.window_name != state.window_name {
            events.push(window(EventKind::WindowRenamed, state));
        }
    }
    for (id, state) in &new.panes {
        let Some(was) = old.panes.get(id) else {
            events.push(pane(EventKind::PaneCreated, state));
            continue;
        };
        let changes = [
            (was.pid != state.pid, EventKind::PaneRespawned),
            (was.size != state.size, EventKind::PaneResized),
            (!was.is_dead && state.is_dead, EventKind::PaneDied),
        ];
        for (_, kind) in changes.into_iter().filter(|(happened, _)| *happened) {
            events.push(pane(kind, state));
        }
    }
    for (id, state) in &new.windows {
        if old
            .windows
            .get(id)
            .is_some_and(|was| was.pane != state.pane)
        {
            events.push(pane(EventKind::WindowPaneChanged, state));
        }
    }
    for (id, state) in &new.sessions {
        if old
            .sessions
            .get(id)
            .is_some_and(|was| was.window != state.window)
        {
            events.push(window(EventKind::SessionWindowChanged, state));
        }
    }
    for (id, state) in &old.panes {
        if !new.panes.contains_key(id) {
            events.push(pane(EventKind::PaneClosed, state));
        }
    }
    for (place, state) in &old.places {
        if !new.places.contains_key(place) {
            events.push(window(EventKind::WindowUnlinked, state));
        }
    }
    for (id, state) in &old.sessions {
        if !new.sessions.contains_key(id) {
            events.push(session(EventKind::SessionClosed, state));
        }
    }
    events
}

fn session(kind: EventKind, state: &PaneState) -> Event {
    Event {
        session_id: Some(state.session.to_string()),
        session: Some(state.session_name.clone()),
        ..blank(kind)
    }
}

fn window(kind: EventKind, state: &PaneState) -> Event {
    Event {
        window_id: Some(state.window.to_string()),
        window_index: Some(state.window_index),
        window: Some(state.window_name.clone()),
        ..session(kind, state)
    }
}

fn pane(kind: EventKind, state: &PaneState) -> Event {
    Event {
        pane_id: Some(state.pane.to_string()),
        pane_index: Some(state.pane_index),
        pane_pid: Some(state.pid),
        size: Some(state.size.into()),
        ..window(kind, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tmux::ServerIdentity;

    /// A state from rows of `session window pane pid size active current dead
    /// session-name window-name`.
    fn state(rows: &[&str]) -> ServerState {
        let pane = |row: &&str| {
            let f: Vec<&str> = row.split(' ').collect();
            let number = |i: usize| f[i].parse::<u32>().unwrap();
            let (width, height) = f[4].split_once('x').unwrap();
            PaneState {
                session: SessionId(number(0)),
                window: WindowId(number(1)),
                pane: PaneId(number(2)),
                pid: number(3),
                size: (width.parse().unwrap(), height.parse().unwrap()),
                is_active: f[5] == "1",
                is_current_window: f[6] == "1",
                is_piped: false,
                is_dead: f[7] == "1",
                has_status: false,
                window_index: 0,
                pane_index: 0,
                session_name: f[8].to_owned(),
                window_name: f[9].to_owned(),
            }
        };
        ServerState {
            identity: ServerIdentity {
                pid: 1,
                start_time: 2,
            },
            panes: rows.iter().map(pane).collect(),
            missing_hooks: 0,
        }
    }

    fn kinds(before: &[&str], now: &[&str]) -> Vec<String> {
        let events = between(&state(before), &state(now));
        let show = |event: Event| {
            let of = event.pane_id.or(event.window_id).or(event.session_id);
            format!("{} {}", event.kind.name(), of.unwrap_or_default())
        };
        events.into_iter().map(show).collect()
    }

    const BASE: &str = "0 0 0 7 80x24 1 1 0 main sh";

    #[test]
    fn equal_states_differ_in_nothing() {
        assert!(kinds(&[BASE], &[BASE]).is_empty());
    }

    #[test]
    fn a_split_and_its_end() {
        let split = ["0 0 0 7 80x12 0 1 0 main sh", "0 0 1 8 80x11 1 1 0 main sh"];
        let made = [
            "pane-resized %0",
            "pane-created %1",
            "window-pane-changed %1",
        ];
        assert_eq!(kinds(&[BASE], &split), made);
        let gone = [
            "pane-resized %0",
            "window-pane-changed %0",
            "pane-closed %1",
        ];
        assert_eq!(kinds(&split, &[BASE]), gone);
    }

    #[test]
    fn sessions_and_windows_come_and_go() {
        let more = [
            "0 0 0 7 80x24 1 0 0 main sh",
            "0 1 1 8 80x24 1 1 0 main vim",
            "1 0 0 7 80x24 1 1 0 work sh",
        ];
        let come = [
            "session-created $1",
            "window-linked @1",
            "window-linked @0",
            "pane-created %1",
            "session-window-changed @1",
        ];
        assert_eq!(kinds(&[BASE], &more), come);
        let gone = [
            "session-window-changed @0",
            "pane-closed %1",
            "window-unlinked @1",
            "window-unlinked @0",
            "session-closed $1",
        ];
        assert_eq!(kinds(&more, &[BASE]), gone);
    }

    #[test]
    fn names_and_processes_change() {
        let now = ["0 0 0 9 80x24 1 1 1 other vim"];
        let changes = [
            "session-renamed $0",
            "window-renamed @0",
            "pane-respawned %0",
            "pane-died %0",
        ];
        assert_eq!(kinds(&[BASE], &now), changes);
    }
}
