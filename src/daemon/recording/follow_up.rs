//! What is done for a recording that has ended, so that whoever looks at its cast or
//! searches in it need not wait: each by a process of its own and of low priority.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::config::Config;
use crate::daemon::helper::of_archive;

/// Casts that are shorter are gone through in a moment, in bytes.
const WORTH: u64 = 4 << 20;

/// Starts what is worth it for a cast of so many bytes: `tvmux keyframes`, and `tvmux
/// archive update`, which asks whether the recording is still running: not before it
/// is told to have ended.
pub(in crate::daemon) fn follow_up(config: &Config, cast: &Path, bytes: u64) {
    if bytes >= WORTH {
        start(Command::new("/proc/self/exe").arg("keyframes").arg(cast));
    }
    if !config.archive.auto_update {
        return;
    }
    let args = ["archive", "update", "--low-priority", "--quiet"];
    start(&mut of_archive(config, &args));
}

/// Nobody waits for it, and nothing depends on it.
fn start(command: &mut Command) {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        tracing::info!(%error, ?command, "not started");
    }
}
