//! Processes of this program that do for the daemon what it does not do itself.

use tokio::process::Command;

use super::Daemon;
use crate::config::Config;

impl Daemon {
    /// A process of this program that knows the daemon's casts. It ends when the
    /// result of its start is dropped.
    #[must_use]
    pub fn helper(&self, args: &[&str]) -> Command {
        let mut command = of_archive(&self.config(), args);
        command.kill_on_drop(true);
        command
    }
}

/// A process that looks at the archive: with the settings that this process works
/// with, wherever it has them from.
pub(super) fn of_archive(config: &Config, args: &[&str]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(args).envs(config.archive_variables());
    command
}
