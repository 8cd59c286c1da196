//! What is done for a recording that has ended, and from time to time for those that
//! run, so that whoever looks at a cast or searches in it need not wait: each by a
//! process of its own and of low priority.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::process::Command;

use super::Context;
use crate::cast::Micros;
use crate::chain::part_path;
use crate::clock::monotonic_micros;
use crate::config::Config;
use crate::daemon::helper::of_archive;

/// Casts that are shorter are gone through in a moment, in bytes.
const WORTH: u64 = 4 << 20;

/// Starts what is worth it for a cast of `bytes` bytes: `tvmux keyframes`, and `tvmux
/// archive update`, which asks whether the recording is still running: not before it
/// is told to have ended.
pub(in crate::daemon) fn follow_up(config: &Config, cast: &Path, bytes: u64) {
    if bytes >= WORTH {
        // Those of all parts are kept as one.
        let first = part_path(cast, 1);
        start(Command::new("/proc/self/exe").arg("keyframes").arg(first));
    }
    if config.archive.auto_update {
        start_update(config);
    }
}

/// Says when what running recordings have written is read into the archive: by
/// one update for all of them, some time after something was written first.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Updates {
    /// On the machine's clock; 0 while nothing was written since the last one.
    due: AtomicU64,
}

impl Updates {
    /// Whether it is time, now that something was written.
    fn is_due(&self, now: Micros, interval: Micros) -> bool {
        let next = |due: u64| match due {
            0 => Some(now + interval),
            due if due <= now => Some(0),
            _ => None,
        };
        let before = self
            .due
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        before.is_ok_and(|due| due > 0)
    }
}

impl Context {
    /// Starts `tvmux archive update` if it is time. Called when something was written,
    /// so that a pane in which nothing happens wakes nobody.
    pub(in crate::daemon) fn on_written(&self) {
        let archive = &self.config.archive;
        let interval = archive.update_interval_ms * 1000;
        if archive.auto_update && self.updates.is_due(monotonic_micros(), interval) {
            start_update(&self.config);
        }
    }
}

fn start_update(config: &Config) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_come_some_time_after_the_first_write_and_one_for_all() {
        let updates = Updates::default();
        let at = |times: &[Micros]| -> Vec<Micros> {
            let times = times.iter().copied();
            times.filter(|now| updates.is_due(*now, 100)).collect()
        };
        assert_eq!(at(&[10, 20, 109]), [0; 0]);
        // Two recordings write in the same moment.
        assert_eq!(at(&[110, 110]), [110]);
        // The second one has started to count again.
        assert_eq!(at(&[150, 209, 210]), [210]);
        // Nothing was written for long: what came is left to grow.
        assert_eq!(at(&[9000, 9050, 9100, 9101]), [9100]);
    }
}
