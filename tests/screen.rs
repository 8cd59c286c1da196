//! The library's screen beside a running tmux.
#![allow(clippy::unwrap_used)]

mod support;

#[path = "screen/captures.rs"]
mod captures;
#[path = "screen/cases.rs"]
mod cases;
#[path = "screen/differential.rs"]
mod differential;
#[path = "screen/features.rs"]
mod features;
#[path = "screen/oracle.rs"]
mod oracle;
#[path = "screen/picker.rs"]
mod picker;
#[path = "screen/played.rs"]
mod played;
#[path = "screen/player.rs"]
mod player;
#[path = "screen/programs.rs"]
mod programs;
#[path = "screen/random.rs"]
mod random;
#[path = "screen/saved.rs"]
mod saved;
#[path = "screen/shown.rs"]
mod shown;
#[path = "screen/widths.rs"]
mod widths;
