//! Hooks that wake a waiting client.
//!
//! They live beside the user's own at an index of the hook's array. Their
//! command only signals a channel; a hook that is left over does no harm.
//!
//! A configuration that is read again may wipe them (`set-hook -g name …`
//! replaces the whole array), and some options change a pane's size without any
//! event. So there are two more hooks, behind the commands that set hooks and
//! options; from 3.2 on they signal only where one of ours is gone or the option
//! is one of panes. `set-window-option` has no such hook.

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

/// What may wipe hooks, or change sizes without an event.
const SETTINGS: [&str; 2] = ["after-set-option", "after-set-hook"];

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
    let mut batch = install_all(events(version));
    // Last, or they would be run by the commands before.
    for event in SETTINGS {
        batch.push(["set-hook", "-g", &place(event), &on_setting(version)]);
    }
    batch
}

/// Installs the hooks that tell of other names, too.
#[must_use]
pub fn install_names() -> Batch {
    install_all(NAMES.into_iter())
}

/// Removes the hooks, and only them.
#[must_use]
pub fn remove(version: Version) -> Batch {
    let settings = SETTINGS.into_iter().rev();
    remove_all(settings.chain(events(version)).chain(NAMES))
}

/// A format that gives a digit for each hook that is missing, or hidden by one of
/// the same name that belongs to a session or window alone.
#[must_use]
pub fn missing(version: Version) -> String {
    let is_missing = |event| format!("#{{?{},,1}}", place(event));
    events(version).chain(SETTINGS).map(is_missing).collect()
}

/// Where in tmux's arrays a hook of ours is.
fn place(event: &str) -> String {
    format!("{event}[{INDEX}]")
}

/// What is run behind a command that sets a hook or an option.
fn on_setting(version: Version) -> String {
    let signal = wake().to_string();
    // Before, `if-shell` would run hooks of its own, and a hook does not know its
    // command's arguments.
    if !version.has_hook_arguments() {
        return signal;
    }
    // A number: 0 is no.
    let is_of_panes = "#{m:pane-*,#{hook_argument_0}}";
    let condition = missing(version) + is_of_panes;
    Batch::of(["if-shell", "-F", &condition, &signal]).to_string()
}

/// Removes the hooks that tell of other names.
#[must_use]
pub fn remove_names() -> Batch {
    remove_all(NAMES.into_iter())
}

fn install_all(events: impl Iterator<Item = &'static str>) -> Batch {
    let mut batch = Batch::new();
    for event in events {
        batch.push(["set-hook", "-g", &place(event), &wake().to_string()]);
    }
    batch
}

fn remove_all(events: impl Iterator<Item = &'static str>) -> Batch {
    let mut batch = Batch::new();
    for event in events {
        batch.push(["set-hook", "-gu", &place(event)]);
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
