//! The way of a byte, part by part: the pipe process, the recorder's
//! allocations, and a recording's file over simulated time on a simulated disk.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod allocations;
mod bounds;
mod power_cut;
mod relay;
mod simulated;
mod troubles;
