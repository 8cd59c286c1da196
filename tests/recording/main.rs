//! Recording, end to end: the program, a real tmux, the cast.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

// What a pane shows, beside the library's screen.
#[allow(dead_code)]
#[path = "../screen/captures.rs"]
mod captures;
#[allow(dead_code)]
#[path = "../screen/oracle.rs"]
mod oracle;

mod auto;
mod basics;
mod command;
mod daemon;
mod day;
mod disk;
mod faults;
mod flashback;
mod follow;
mod found;
mod harmless;
mod heal;
mod hostile;
mod joints;
mod keys;
mod loss;
mod pause;
mod paused;
mod playback;
mod readme;
mod rotate;
mod settings;
mod targets;
mod usage;
