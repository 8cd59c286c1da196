//! Workspaces: files that describe a tmux session, and sessions made from
//! them.
//!
//! A file is read into a tree that knows its places ([`node`]), checked
//! ([`validate_schema`]), expanded ([`expand`], [`trickle`]) and read into a
//! [`Workspace`]. [`plan()`] turns that into tmux commands without touching
//! tmux, and [`WorkspaceBuilder`] carries them out. [`freeze()`] goes the other
//! way. Works without the daemon, and knows nothing of it: who records is a
//! [`Recorder`] that the caller brings.
//!
//! Invariants:
//! - Nothing reaches tmux before the whole file has been checked.
//! - A load that fails takes back what it made, and touches nothing else.
//! - Every message about a file names its line and column.

mod build;
mod command;
mod dry_run;
mod error;
mod expand;
mod facts;
mod file;
mod find;
mod folders;
mod freeze;
mod ground;
mod import;
mod layout;
pub mod node;
mod plan;
mod process;
mod ready;
mod schema;
mod script;
mod search;
mod spec;
mod typing;
mod undo;
mod variables;
mod work;

pub mod json;
pub mod yaml;

pub use build::{
    BuildOptions, Built, Observer, Progress, RecordRequest, Recorder, Unobserved, WorkspaceBuilder,
};
pub use command::{Command, Word, literal, render};
pub use error::{Error, Place, Result, Source, Warning};
pub use expand::{expand, inline, plain_switches, trickle};
pub use facts::Facts;
pub use file::{Format, is_config_file, parse, read_file};
pub use find::{Found, Where, find, folders, global_folder, in_cwd, in_dir, local_files};
pub use folders::settle_folders;
pub use freeze::{Frozen, freeze};
pub use ground::{AppendTo, Ground, Size};
pub use import::{import_teamocil, import_tmuxinator, refuse_templates};
pub use layout::{Custom, Layout, LayoutError};
pub use plan::{Action, Plan, WindowPlan, plan};
pub use schema::{HOOKS, nearest, validate_schema};
pub use search::{FIELDS, Listed, Search, SearchOptions, describe, outline, pane_texts, short};
pub use spec::{Folder, Pane, Record, Script, Setting, Synchronize, Typed, Window, Workspace};
pub use variables::Variables;
pub use work::run_reattach_hook;
