//! Processes and their terminals, as the system shows them.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::termios::{LocalFlags, tcgetattr};

/// What `/proc/PID/stat` says that matters here.
#[derive(Clone, Copy, Debug)]
pub struct ProcStat {
    /// `R` running, `S` sleeping, …
    pub state: char,
    /// The process that has started it.
    pub parent: u32,
    /// Its process group.
    pub group: i32,
    /// The group in the foreground of its terminal.
    pub foreground: i32,
}

impl ProcStat {
    /// Reads a process; `None` when it is gone.
    #[must_use]
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
pub const GENERATIONS: usize = 4;

/// The children of a process.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let listed = listed.unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// The processes of a group among a process and those below it.
#[must_use]
pub fn group_members(root: u32, group: i32) -> Vec<u32> {
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
#[must_use]
pub fn bytes_read(pid: u32) -> Option<u64> {
    number_after(
        &fs::read_to_string(format!("/proc/{pid}/io")).ok()?,
        "rchar:",
    )
}

/// How often a process has gone to sleep by itself; `None` when it is gone.
#[must_use]
pub fn times_slept(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    number_after(&status, "voluntary_ctxt_switches:")
}

/// Programs that run a script: its name stands behind theirs.
const INTERPRETERS: [&str; 10] = [
    "sh", "bash", "dash", "zsh", "ksh", "fish", "perl", "ruby", "node", "python3",
];

/// What a process runs, its words joined by blanks and its program without a folder;
/// of a script also as that was called: `bash /usr/bin/pass show x` is `pass show x`
/// too. Empty when the process is gone.
#[must_use]
pub fn commands(pid: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    commands_in(&line)
}

fn commands_in(line: &[u8]) -> Vec<String> {
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    if line.is_empty() {
        return Vec::new();
    }
    let words = line.split(|byte| *byte == 0);
    let words: Vec<_> = words.map(String::from_utf8_lossy).collect();
    let name = |word: &str| {
        let name = Path::new(word).file_name();
        name.map_or(word.to_owned(), |name| name.to_string_lossy().into_owned())
    };
    let joined = |words: &[std::borrow::Cow<'_, str>]| {
        let rest = words[1..].iter().map(|word| format!(" {word}"));
        name(&words[0]) + &rest.collect::<String>()
    };
    let mut all = vec![joined(&words)];
    let is_script = INTERPRETERS.contains(&name(&words[0]).as_str())
        && words.get(1).is_some_and(|word| !word.starts_with('-'));
    if is_script {
        all.push(joined(&words[1..]));
    }
    all
}

/// The terminal that a process has as its standard input.
///
/// # Errors
/// When it has none, or is gone.
pub fn open_terminal(pid: u32) -> io::Result<File> {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    File::options()
        .read(true)
        .custom_flags(flags.bits())
        .open(format!("/proc/{pid}/fd/0"))
}

/// Whether a terminal hands over whole lines and does not show them: what is asked
/// for is a password then. Programs that take key by key (readline, editors) have
/// neither lines nor echo, and show themselves what is typed.
///
/// # Errors
/// When it is no terminal.
pub fn hides_lines(terminal: impl AsFd) -> io::Result<bool> {
    let flags = tcgetattr(terminal)?.local_flags;
    Ok(flags.contains(LocalFlags::ICANON) && !flags.contains(LocalFlags::ECHO))
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_with_its_program_by_name_and_a_script_by_its_own() {
        let told = |line: &str| commands_in(line.replace(' ', "\0").as_bytes());
        assert_eq!(told("/usr/bin/gpg --sign"), ["gpg --sign"]);
        let script = ["bash /usr/bin/pass show x", "pass show x"];
        assert_eq!(told("/bin/bash /usr/bin/pass show x"), script);
        assert_eq!(told("bash -c gpg"), ["bash -c gpg"]);
        assert_eq!(told("vim pass x"), ["vim pass x"]);
        assert_eq!(told(""), [""; 0]);
        let own = commands(std::process::id());
        assert!(own[0].starts_with("tvmux-"), "{own:?}");
    }

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
