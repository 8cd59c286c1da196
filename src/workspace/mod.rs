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
mod context;
mod dry_run;
mod error;
mod expand;
mod file;
mod find;
mod freeze;
mod import;
mod layout;
mod missing_folders;
pub mod node;
mod observer;
mod on_attach;
mod plan;
mod process;
mod readiness;
mod refusal;
mod schema;
mod script;
mod search;
mod server_info;
mod spec;
mod splits;
mod steps;
mod typed_line;
mod typing;
mod undo;
mod variables;
mod window_plan;

pub mod json;
pub mod yaml;

pub use build::{BuildOptions, Built, WorkspaceBuilder};
pub use command::{Command, Word, render};
pub use context::{AppendTo, PlanContext, Size};
pub use error::{Error, Location, Result, Source, Warning};
pub use expand::{expand, inline, plain_switches, trickle};
pub use file::{Format, is_config_file, parse, read_file};
pub use find::{Found, SearchFolder, find, folders, global_folder, in_cwd, in_dir, local_files};
pub use freeze::{Frozen, freeze};
pub use import::{import_teamocil, import_tmuxinator, refuse_templates};
pub use layout::{Custom, Layout, LayoutError};
pub use missing_folders::replace_missing_folders;
pub use observer::{NoObserver, Observer, Progress, RecordRequest, Recorder};
pub use on_attach::OnAttach;
pub use plan::{Plan, plan};
pub use schema::{HOOKS, validate_schema};
pub use search::{
    FIELDS, ListedFile, Search, SearchOptions, abbreviate_home, describe, outline, pane_texts,
};
pub use server_info::ServerInfo;
pub use spec::{Folder, Pane, Record, Script, Setting, Synchronize, Typed, Window, Workspace};
pub use steps::run_reattach_hook;
pub use variables::Variables;
pub use window_plan::{Action, WindowPlan};
