//! Which pane a recording captures, and the way from one to the next: a state
//! machine without I/O and without a clock.
//!
//! ```text
//!                another pane, size or process; something is missing
//!    ┌─────────────┐ ────────────── Attach ────────────> ┌───────────┐
//!    │  capturing  │ <── the old pane goes on without us │ switching │
//!    │             │ <────── no snapshot: try again ──── └───────────┘
//!    │ nothing yet │                                           │ the old pipe
//!    │ a stream    │          its end, or time is up           │ is off
//!    │ a dead pane │ <─────────────────────────────────── ┌────────┐
//!    │ blind       │                                      │ drying │
//!    └─────────────┘                ┌───────────────────> └────────┘
//!      │         │ window gone ─────┘                       ^    │ its end, or
//!      │ stop    │ (a stream)                               │    │ time is up
//!      v         v (none)                                   │    v
//!    ┌──────┐ no output for a moment ┌─────────────┐        │ ┌──────────┐
//!    │ lull │ ──────TurnOff────────> │ turning off │ ───────┘ │ finished │
//!    └──────┘                        └─────────────┘          └──────────┘
//! ```
//!
//! What should be captured is never deduced from events: each time the state of
//! the tmux server arrives it is compared with what is being captured, and the
//! difference is acted on.
//!
//! Whether the cast is whole is a state of its own ([`Continuity`]): what is
//! missing is marked before the snapshot that ends the gap.
//!
//! Invariants: there is at most one stream; it starts with a snapshot; a gap has
//! a marker before the snapshot that ends it; a stop ends in bounded time,
//! whoever does not answer; nothing comes after [`Action::Finish`].

mod inputs;
mod machine;
mod states;
mod stop;
mod switch;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod transitions;

pub(super) use inputs::{Action, Attached, Drained, End, Input, Life, Pipe, Shown};
pub(super) use machine::Capture;
