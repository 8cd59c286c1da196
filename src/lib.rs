//! tvmux: a flight recorder for tmux.
//!
//! # The floors
//! Imports go down only and never in circles; `tests/floors.rs` holds both
//! rules. What looks at casts (`archive`, `timeline`) never knows who records them
//! (`record`, `daemon`), nor the other way round.
//!
//! | floor | module | purpose |
//! |---|---|---|
//! | 4 | [`cli`] | the command line: one file per verb, tables, JSON, exit codes |
//! | 3 | [`http`] | the API over the daemon: listeners, who may come in, routes |
//! | 3 | [`web`] | recordings in a browser: a process of its own, which only looks |
//! | 2 | [`daemon`] | owns the recordings: what is captured and when, recovery |
//! | 2 | [`view`] | what draws a cast: the player, text, JSON, HTML, SVG |
//! | 2 | [`client`] | asks the daemon, over its Unix socket or TCP, and starts it |
//! | 1 | [`record`] | from a pane's FIFO to a cast file |
//! | 1 | [`archive`] | casts on disk: catalogue, search in what was shown, commands, file repair |
//! | 1 | [`timeline`] | a cast at any moment: keyframes, frames forwards and backwards |
//! | 1 | [`workspace`] | workspace files: parse, expand, plan, load, freeze, import |
//! | 0 | [`cast`] | the asciicast format: events, encoding, validating, repairing |
//! | 0 | [`screen`] | a terminal that shows what tmux shows: feed, rows, saved states |
//! | 0 | [`tmux`] | drives tmux: ids, queries, snapshots, pipes, hooks, versions |
//! | 0 | [`api`] | the wire types that server and client share |
//! | 0 | [`packed`] | compressed casts: their plain bytes, from the start or at any place |
//! | 0 | `serving` | what both HTTP servers share: connections, whose requests are served |
//! | 0 | [`chain`] | the casts of a recording that was rotated |
//! | 0 | [`config`], [`folders`] | the settings; sockets, pipes and journals |
//! | 0 | [`processes`] | processes and their terminals, as the system shows them |
//! | 0 | [`atomic_file`], [`clock`], [`shell`], [`threads`], [`wording`] | one way to replace a file, to tell the time, to quote, to do two things at once, to word a message |
//!
//! # The way of a byte
//! A pane prints. tmux hands a copy to the pipe process ([`record::relay`]),
//! which passes it on to a FIFO ([`record::Fifo`]). The daemon's one thread
//! reads it without waiting ([`record::Stream`], in turns of
//! [`record::Intake`]) and gives it with its time to the recorder
//! ([`record::Recorder`]), a state machine without I/O that encodes a line
//! ([`cast`]) into a reused buffer. The sink ([`record::Sink`]) says when lines
//! are written and synced, a thread of its own ([`record::Disks`]) does it, and
//! [`record::CastFile`] puts whole lines into the file. `record/mod.rs` has the
//! files in this order.
//!
//! What is recorded, and when, the daemon decides: a watcher of each tmux
//! server says what has changed, and each recording compares that with what it
//! captures and switches its pipe.
//!
//! # The way of a request
//! `tvmux rec` ([`cli`]) fills in an [`api`] type, [`client`] sends it over the
//! Unix socket (and starts the daemon where none runs). In the daemon's process
//! [`http`] accepts the connection, checks who asks, and a route reads the same
//! type, calls [`daemon`] (recordings) or [`tmux::control`] (sessions, windows,
//! panes) and sends an [`api`] type back.
//!
//! # Ten words
//! - **cast**: a file of recorded output in the asciicast format.
//! - **event**: one line of a cast: output, input, marker, resize, exit.
//! - **recording**: what a user starts and stops; it is of one window.
//! - **recorder**: the state machine that turns bytes and times into lines.
//! - **snapshot**: a pane's screen as tmux shows it, as output that paints it.
//! - **gap**: output that is known to be missing; a marker says where.
//! - **journal**: the small file from which a later daemon recovers a recording.
//! - **sink**: what takes events on the way to a file.
//! - **workspace**: a file that describes a tmux session.
//! - **finding**: one thing that `validate` has to say about a cast.
//!
//! *Session*, *window* and *pane* are always tmux's.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod archive;
pub mod atomic_file;
pub mod cast;
pub mod chain;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod folders;
pub mod http;
pub mod packed;
pub mod processes;
pub mod record;
pub mod screen;
mod serving;
pub mod shell;
pub mod threads;
pub mod timeline;
pub mod tmux;
pub mod view;
pub mod web;
pub mod wording;
pub mod workspace;
