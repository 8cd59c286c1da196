//! Drives tmux: ids, running commands, queries, snapshots, pipes, hooks,
//! layouts. Knows no recording.
//!
//! Invariants:
//! - Every command goes to a server named by its socket (`-S`) and runs with
//!   `-u`, so that no locale changes what comes back.
//! - Things are addressed by id (`$1`, `@2`, `%3`), never by name: names may
//!   hold anything, and tmux matches them by prefix and pattern. What a user
//!   names is resolved once, by [`resolve`].
//! - Commands joined in one [`Batch`] run with no pane output parsed between
//!   them.
//! - What differs between tmux versions is asked of [`Version`], and nowhere
//!   else.

mod batch;
pub mod control;
mod error;
mod fields;
pub mod hooks;
mod ids;
mod mismatch;
mod name;
mod options;
pub mod pipe;
mod process;
mod separator;
mod server;
pub mod snapshot;
mod state;
mod target;
pub mod unattached;
mod version;
mod wire;

pub use batch::Batch;
pub use control::Control;
pub use error::{Error, ObjectKind, Result, VersionMismatch};
pub use fields::{Fields, Row};
pub use ids::{IdError, PaneId, SessionId, WindowId};
pub use name::{escape_format, escape_path, needs_renaming, read_printed};
pub use options::{OptionNames, arguments, settings};
pub use process::stop_on;
pub use separator::Separator;
pub use server::{Server, Socket};
pub use snapshot::{Snapshot, begins_with_snapshot};
pub use state::{PaneState, ServerIdentity, ServerState, StateQuery};
pub use target::{Resolved, resolve, resolve_blocking};
pub use version::{Version, VersionError};
