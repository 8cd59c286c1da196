//! Hooks that wake a waiting client.
//!
//! They live beside the user's own at an index of the hook's array. Their
//! command only signals a channel; a hook that is left over does no harm.

use super::{Batch, Version};

/// The place in each hook's array. High, so that it runs after the user's own
/// and is not given out by `set-hook -a`.
pub const INDEX: u32 = 9137;

/// The channel that `wait-for` waits on.
pub const CHANNEL: &str = "tvmux";

/// What may change a window's active pane, its size, or the window's being
/// there.
const EVENTS: [&str; 9] = [
    "window-pane-changed",
    "window-layout-changed",
    "window-linked",
    "window-unlinked",
    "session-closed",
    "session-created",
    "session-window-changed",
    "pane-exited",
    "pane-died",
];

/// What gives things other names. A shell may rename its window with each
/// command: these wake the client only where somebody wants to know.
const NAMES: [&str; 2] = ["session-renamed", "window-renamed"];

fn events(version: Version) -> impl Iterator<Item = &'static str> {
    let resized = version
        .has_window_resized_hook()
        .then_some("window-resized");
    EVENTS.into_iter().chain(resized)
}

/// Installs the hooks. Again does nothing, or brings back what a reloaded
/// configuration has wiped.
#[must_use]
pub fn install(version: Version) -> Batch {
    install_all(events(version))
}

/// Installs the hooks that tell of other names, too.
#[must_use]
pub fn install_names() -> Batch {
    install_all(NAMES.into_iter())
}

/// Removes the hooks, and only them.
#[must_use]
pub fn remove(version: Version) -> Batch {
    remove_all(events(version).chain(NAMES))
}

/// Removes the hooks that tell of other names.
#[must_use]
pub fn remove_names() -> Batch {
    remove_all(NAMES.into_iter())
}

fn install_all(events: impl Iterator<Item = &'static str>) -> Batch {
    let mut batch = Batch::new();
    for event in events {
        let command = format!("wait-for -S {CHANNEL}");
        batch.push(["set-hook", "-g", &format!("{event}[{INDEX}]"), &command]);
    }
    batch
}

fn remove_all(events: impl Iterator<Item = &'static str>) -> Batch {
    let mut batch = Batch::new();
    for event in events {
        batch.push(["set-hook", "-gu", &format!("{event}[{INDEX}]")]);
    }
    batch
}

/// Waits for the next event.
#[must_use]
pub fn wait() -> Batch {
    Batch::of(["wait-for", CHANNEL])
}

/// Wakes the waiting client as an event would.
#[must_use]
pub fn wake() -> Batch {
    Batch::of(["wait-for", "-S", CHANNEL])
}
