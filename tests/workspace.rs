//! Workspaces against a real tmux: loading, freezing, importing, and files
//! that are wrong.
#![allow(clippy::unwrap_used)]

mod support;

#[path = "workspace/bad.rs"]
mod bad;
#[path = "workspace/command.rs"]
mod command;
#[path = "workspace/same.rs"]
mod same;
#[path = "workspace/state.rs"]
mod state;
