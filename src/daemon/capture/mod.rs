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
//! A recording that is paused captures nothing, and goes the way of a stop to get
//! there: lull, turning off, drying; or at once, where what is on its way must not
//! be read. [`Input::Resume`] leads back by Attach.
//!
//! Whether the cast is whole is a state of its own ([`Continuity`]): what is
//! missing is marked before the snapshot that ends the gap.
//!
//! Invariants: there is at most one stream; it starts with a snapshot; a gap has
//! a marker before the snapshot that ends it; a stop ends in bounded time,
//! whoever does not answer; nothing comes after [`Action::Finish`]; while it is
//! paused there is no stream, nor a snapshot.

mod inputs;
mod machine;
mod pause;
mod states;
mod stop;
mod switch;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod transitions;

pub(super) use inputs::{Action, Attached, Drained, End, Input, Life, Pipe, Shown, UnreadOutput};
pub(super) use machine::Capture;
