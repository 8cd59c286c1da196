//! The verbs around workspace files.

pub(super) mod ask;
mod files;
mod freeze;
mod list;
mod load;
mod output;
mod progress;
mod record;
mod target;

use crate::workspace::Warning;

pub use files::Workspaces;
pub use freeze::Freeze;
pub use load::Load;

/// Prints warnings on standard error.
fn warn(warnings: Vec<Warning>) {
    let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
    for warning in warnings {
        anstream::eprintln!("{yellow}warning:{yellow:#} {warning}");
    }
}
