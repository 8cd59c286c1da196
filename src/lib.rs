//! tvmux: a flight recorder for tmux.
//!
//! # The floors
//! Imports go down only.
//!
//! | floor | module | purpose |
//! |---|---|---|
//! | 4 | `cli` | the command line |
//! | 3 | `http` | handlers over the daemon, who may come in |
//! | 2 | `daemon`, `client` | who owns the recordings, and who asks for them |
//! | 1 | [`archive`], `record`, `workspace` | casts on disk; from FIFO to cast; from file to session |
//! | 0 | [`cast`], [`tmux`], `config`, `api` | the format, the multiplexer, the settings, the wire types |
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod archive;
pub mod atomic_file;
pub mod cast;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod folders;
pub mod http;
pub mod record;
pub mod shell;
pub mod tmux;
pub mod wording;
pub mod workspace;
