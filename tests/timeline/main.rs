//! A cast at any moment: the library's timeline, and the verbs that show it.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod casts;
mod cut;
mod interrupted;
mod kept;
mod moments;
mod screenshot;
