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

/// How many generations below a pane's process are looked at.
pub(super) const GENERATIONS: usize = 4;

/// The children of a process.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let listed = listed.unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// The processes of a group among a process and those below it.
pub(super) fn group_members(root: u32, group: i32) -> Vec<u32> {
    let mut members = Vec::new();
    let mut generation = vec![root];
    for _ in 0..=GENERATIONS {
        let is_member = |pid: &&u32| ProcStat::of(**pid).is_some_and(|stat| stat.group == group);
        members.extend(generation.iter().filter(is_member));
        generation = generation.into_iter().flat_map(children).collect();
    }
    members
}

/// How many bytes a process has read, of whatever; `None` when it is gone or
/// somebody else's.
pub(super) fn bytes_read(pid: u32) -> Option<u64> {
    number_after(
        &fs::read_to_string(format!("/proc/{pid}/io")).ok()?,
        "rchar:",
    )
}

/// How often a process has gone to sleep by itself; `None` when it is gone.
pub(super) fn times_slept(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    number_after(&status, "voluntary_ctxt_switches:")
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
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
        let before = bytes_read(std::process::id()).unwrap();
        fs::read("/proc/self/stat").unwrap();
        assert!(bytes_read(std::process::id()).unwrap() > before);
        assert!(times_slept(std::process::id()).is_some());
    }
}
