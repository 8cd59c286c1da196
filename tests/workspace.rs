//! Workspaces against a real tmux: loading, freezing, importing, and files
//! that are wrong.
#![allow(clippy::unwrap_used)]

mod support;

#[path = "workspace/attach.rs"]
mod attach;
#[path = "workspace/bad.rs"]
mod bad;
#[path = "workspace/command.rs"]
mod command;
#[path = "workspace/files.rs"]
mod files;
#[path = "workspace/freeze.rs"]
mod freeze;
#[path = "workspace/frozen.rs"]
mod frozen;
#[path = "workspace/ids.rs"]
mod ids;
#[path = "workspace/lines.rs"]
mod lines;
#[path = "workspace/load.rs"]
mod load;
#[path = "workspace/names.rs"]
mod names;
#[path = "workspace/record.rs"]
mod record;
#[path = "workspace/same.rs"]
mod same;
#[path = "workspace/state.rs"]
mod state;
#[path = "workspace/typed.rs"]
mod typed;
#[path = "workspace/unattached.rs"]
mod unattached;
