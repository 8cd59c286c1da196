//! Sees what is not to be recorded by the settings: commands, and passwords.
//!
//! Nothing tells when a program starts or hides what is typed. A pane in which that
//! happens prints something, though: it is looked at before its output is read, and
//! once more a moment after that. While it is paused there is no output to go by, and
//! the pane is looked at again and again, the seldomer the longer it takes.

use std::time::Duration;

use tokio::time::Instant;

use crate::config;
use crate::processes::{ProcStat, commands, group_members, hides_lines, open_terminal};

/// Least time between two looks for output that comes.
const EVERY: Duration = Duration::from_millis(25);

/// When it is looked once more after output: the command that was typed has begun.
const AFTER: Duration = Duration::from_millis(100);

/// How often it is looked while that is paused: at first, and in the end.
const SOON: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_millis(500);

/// When a terminal was and will be looked at.
#[derive(Debug, Default)]
pub struct Lookout {
    last: Option<Instant>,
    due: Option<Instant>,
    /// Since when there is something.
    since: Option<Instant>,
    /// Whether what is there may be recorded, since somebody said so.
    pub is_allowed: bool,
}

impl Lookout {
    /// When it looks though nothing happens.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it looks before output is read.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now >= last + EVERY)
    }

    /// Output was read.
    pub fn on_output(&mut self, now: Instant) {
        self.due.get_or_insert(now + AFTER);
    }

    /// It was looked, and whether there is something.
    pub fn looked(&mut self, now: Instant, is_there: bool) {
        self.last = Some(now);
        self.since = is_there.then(|| self.since.unwrap_or(now));
        self.due = self.since.map(|since| {
            let again = (now - since) / 8;
            now + again.clamp(SOON, LATE)
        });
    }
}

/// Whether the settings keep anything out of recordings.
#[must_use]
pub fn is_withholding(settings: &config::Recording) -> bool {
    settings.pause_on_no_echo || !settings.pause_on.is_empty()
}

/// Why nothing of a terminal may be recorded at present, by the settings: of the
/// processes at and below `root` those of the foreground `group` count; `hides` says
/// whether the line that is typed is hidden. Names patterns and not commands: those
/// may hold the secret.
pub fn withheld(
    settings: &config::Recording,
    (root, group): (u32, i32),
    hides: impl FnOnce() -> bool,
) -> Option<String> {
    let running = match settings.pause_on.is_empty() {
        true => Vec::new(),
        false => group_members(root, group),
    };
    let mut running = running.into_iter().flat_map(commands);
    if let Some(pattern) = running.find_map(|command| {
        let pattern = settings.pause_on.find(&command);
        pattern.map(str::to_owned)
    }) {
        return Some(format!("`{pattern}` runs"));
    }
    let hides = settings.pause_on_no_echo && hides();
    hides.then(|| "what is typed is hidden".to_owned())
}

/// The same of a pane, where tmux has started `process` in it.
pub(super) fn withheld_in(settings: &config::Recording, process: u32) -> Option<String> {
    let group = ProcStat::of(process)?.foreground;
    withheld(settings, (process, group), || {
        open_terminal(process).is_ok_and(|terminal| hides_lines(terminal).unwrap_or(false))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_once_after_output_and_again_and_again_while_there_is_something() {
        let mut lookout = Lookout::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(lookout.is_due(start) && lookout.due().is_none());
        lookout.on_output(start);
        lookout.on_output(at(50));
        assert_eq!(lookout.due(), Some(at(100)));
        lookout.looked(at(100), false);
        assert_eq!(lookout.due(), None, "an idle pane is left alone");
        assert!(!lookout.is_due(at(110)) && lookout.is_due(at(125)));
        lookout.looked(at(200), true);
        assert_eq!(lookout.due(), Some(at(250)));
        lookout.looked(at(1000), true);
        assert_eq!(lookout.due(), Some(at(1100)));
        lookout.looked(at(60_000), true);
        assert_eq!(lookout.due(), Some(at(60_500)));
        lookout.looked(at(60_500), false);
        assert_eq!(lookout.due(), None);
    }
}
