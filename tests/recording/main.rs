//! Recording, end to end: the program, a real tmux, the cast.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod basics;
mod command;
mod daemon;
mod disk;
mod faults;
mod follow;
mod found;
mod harmless;
mod heal;
mod hostile;
mod joints;
mod loss;
mod playback;
mod readme;
mod settings;
mod targets;
mod usage;
