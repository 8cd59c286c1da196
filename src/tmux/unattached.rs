//! Sessions that no client shows, on a server whose options end them.

use super::{Batch, SessionId};

/// The option that ends a session which no client shows.
pub const DESTROY_UNATTACHED: &str = "destroy-unattached";
/// The option that ends a server which no client is attached to.
pub const EXIT_UNATTACHED: &str = "exit-unattached";

/// The index of the first hook that is left; each session and window has its
/// own, beside the user's.
const FIRST_INDEX: u32 = 20_000;

/// Whether an option with this value ends what no client shows.
#[must_use]
pub fn ends_unattached(name: &str, value: &str) -> bool {
    matches!(name, DESTROY_UNATTACHED | EXIT_UNATTACHED) && !matches!(value, "off" | "0" | "no")
}

/// Keeps the newest session where `destroy-unattached` would end it, and prints
/// `held` then. Stands right behind `new-session -d`, in the same batch: tmux
/// looks for sessions to end as soon as it is done with these commands.
#[must_use]
pub fn hold_newest() -> Batch {
    // A flag up to 3.3, one of several words since.
    let option = format!("#{{{DESTROY_UNATTACHED}}}");
    let is_on = format!("#{{&&:{option},#{{!=:{option},off}}}}");
    let mut hold = Batch::of(["set-option", DESTROY_UNATTACHED, "off"]);
    hold.push(["display-message", "-p", "held"]);
    Batch::of(["if-shell", "-F", &is_on, &hold.to_string()])
}

/// Takes the session's own `destroy-unattached` back.
#[must_use]
pub fn release(session: SessionId) -> Batch {
    Batch::of([
        "set-option",
        "-u",
        "-t",
        &format!("{session}:"),
        DESTROY_UNATTACHED,
    ])
}

/// Leaves a hook that runs `commands` once a client shows the session; it goes
/// with the session, too.
#[must_use]
pub fn once_shown(session: SessionId, commands: &Batch) -> Batch {
    let index = FIRST_INDEX + session.0;
    let shown = format!("client-session-changed[{index}]");
    let is_shown = format!("#{{==:#{{session_id}},{session}}}");
    let closed = format!("session-closed[{index}]");
    let is_closed = format!("#{{==:#{{hook_session}},{session}}}");
    until((&shown, &is_shown), commands, (&closed, &is_closed))
}

/// Adds two hooks, an event and a condition each: `commands` are run at the first,
/// and both go at whichever comes first.
fn until(first: (&str, &str), commands: &Batch, end: (&str, &str)) -> Batch {
    let mut all = Batch::of(["set-hook", "-gu", end.0]);
    all.append(commands.clone());
    let mut batch = once(first.0, first.1, &all);
    let forget = Batch::of(["set-hook", "-gu", first.0]);
    batch.append(once(end.0, end.1, &forget));
    batch
}

/// Adds a global hook that runs `commands` the first time that a condition
/// holds, and removes itself. One of the session or the window would keep the
/// user's own from running.
pub(crate) fn once(event: &str, condition: &str, commands: &Batch) -> Batch {
    let mut all = Batch::of(["set-hook", "-gu", event]);
    all.append(commands.clone());
    let mut hook = Batch::new();
    hook.push([
        "if-shell".into(),
        "-F".into(),
        condition.into(),
        all.to_command_string(),
    ]);
    let mut batch = Batch::new();
    batch.push([
        "set-hook".into(),
        "-g".into(),
        event.into(),
        hook.to_command_string(),
    ]);
    batch
}

/// Leaves a hook that gives a window its layout again the first time that it has
/// another size than `columns` × `rows`; it goes with the window, too.
#[must_use]
pub fn lay_again(window: super::WindowId, layout: &str, columns: u32, rows: u32) -> Batch {
    let is_it = format!("#{{==:#{{hook_window}},{window}}}");
    let size = "#{window_width}x#{window_height}";
    let is_resized = format!("#{{!=:{size},{columns}x{rows}}}");
    let index = FIRST_INDEX + window.0;
    let changed = format!("window-layout-changed[{index}]");
    let has_changed = format!("#{{&&:{is_it},{is_resized}}}");
    let again = Batch::of(["select-layout", "-t", &window.to_string(), layout]);
    let closed = format!("window-unlinked[{index}]");
    until((&changed, &has_changed), &again, (&closed, &is_it))
}
