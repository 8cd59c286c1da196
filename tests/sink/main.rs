//! A recording's file over simulated time, on a simulated disk.
#![allow(clippy::unwrap_used)]

mod bounds;
mod power_cut;
mod simulated;
mod troubles;
