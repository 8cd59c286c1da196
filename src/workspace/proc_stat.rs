//! Processes as `/proc` shows them.

use std::fs;

/// What `/proc/PID/stat` says that matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcStat {
    /// `R` running, `S` sleeping, …
    pub state: char,
    pub parent: u32,
    pub group: i32,
    /// The group in the foreground of its terminal.
    pub foreground: i32,
}

impl ProcStat {
    /// Reads a process; `None` when it is gone.
    pub fn of(pid: u32) -> Option<ProcStat> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it may hold anything, parentheses too.
        let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let foreground = fields.nth(2)?.parse().ok()?;
        Some(ProcStat {
            state,
            parent,
            group,
            foreground,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read() {
        let own = ProcStat::of(std::process::id()).unwrap();
        assert_eq!(own.parent, std::os::unix::process::parent_id());
        assert_eq!(own.group, nix::unistd::getpgrp().as_raw());
        assert!(ProcStat::of(u32::MAX).is_none());
    }
}
