//! Casts: validating and repairing them, as a library and as a program.
#![allow(clippy::unwrap_used)]

#[path = "cast/convert.rs"]
mod convert;
#[path = "cast/damage.rs"]
mod damage;
#[path = "cast/memory.rs"]
mod memory;
#[path = "cast/peer.rs"]
mod peer;
#[path = "cast/program.rs"]
mod program;
#[path = "cast/readers.rs"]
mod readers;
#[path = "cast/repair.rs"]
mod repair;
#[path = "cast/repair_file.rs"]
mod repair_file;
#[path = "cast/samples.rs"]
mod samples;
#[path = "cast/verdicts.rs"]
mod verdicts;
