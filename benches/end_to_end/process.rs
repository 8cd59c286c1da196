//! What the kernel says of a process.

use std::fs;
use std::path::Path;

use nix::unistd::Pid;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Time on a processor, in seconds.
    pub cpu: f64,
    /// How often one of its threads went to sleep of its own accord: each is a
    /// wake-up later.
    pub sleeps: u64,
    /// Calls that write, of any kind.
    pub writes: u64,
}

impl Usage {
    /// What `pid` has used; nothing when it is gone.
    pub fn of(pid: u32) -> Usage {
        let mut usage = Usage::default();
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
            return usage;
        };
        for thread in threads.flatten() {
            let path = thread.path();
            // Nanoseconds, where clock ticks would be too coarse.
            usage.cpu += field(&path.join("schedstat"), 0) as f64 / 1e9;
            usage.sleeps += status(&path.join("status"), "voluntary_ctxt_switches:");
        }
        usage.writes = status(Path::new(&format!("/proc/{pid}/io")), "syscw:");
        usage
    }

    /// What has been used since `before`. A thread that has ended takes its
    /// share with it.
    pub fn since(self, before: Usage) -> Usage {
        Usage {
            cpu: (self.cpu - before.cpu).max(0.0),
            sleeps: self.sleeps.saturating_sub(before.sleeps),
            writes: self.writes.saturating_sub(before.writes),
        }
    }
}

fn field(path: &Path, number: usize) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let field = text.split_whitespace().nth(number);
    field.and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn status(path: &Path, key: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Resident memory, in bytes.
pub fn resident(pid: u32) -> u64 {
    status(Path::new(&format!("/proc/{pid}/status")), "VmRSS:") * 1024
}

/// Memory that no other process shares and that it has written, in bytes.
pub fn private(pid: u32) -> u64 {
    status(
        Path::new(&format!("/proc/{pid}/smaps_rollup")),
        "Private_Dirty:",
    ) * 1024
}

/// Most resident memory so far, in bytes.
pub fn peak(pid: u32) -> u64 {
    status(Path::new(&format!("/proc/{pid}/status")), "VmHWM:") * 1024
}

/// How many descriptors are open.
pub fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// All processes that `is_wanted` says yes to, given the folder in `/proc`.
fn processes(is_wanted: impl Fn(&Path) -> bool) -> Vec<u32> {
    let Ok(all) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    all.flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| is_wanted(Path::new(&format!("/proc/{pid}"))))
        .collect()
}

fn parent(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name in brackets may hold anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// The children of `pid` that read a socket: the pipes of a tmux server.
pub fn pipes_of(pid: u32) -> Vec<u32> {
    processes(|process| {
        parent(process) == Some(pid)
            && fs::read_link(process.join("fd/0"))
                .is_ok_and(|input| input.to_string_lossy().starts_with("socket:"))
    })
}

/// `pid` and all that it has started.
pub fn family(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent_pid = found[next];
        found.extend(processes(|process| parent(process) == Some(parent_pid)));
        next += 1;
    }
    found
}

/// The sum over processes.
pub fn usage_of(pids: &[u32]) -> Usage {
    pids.iter().fold(Usage::default(), |sum, pid| {
        let usage = Usage::of(*pid);
        Usage {
            cpu: sum.cpu + usage.cpu,
            sleeps: sum.sleeps + usage.sleeps,
            writes: sum.writes + usage.writes,
        }
    })
}

/// A process id for signals.
pub fn pid(pid: u32) -> Pid {
    Pid::from_raw(pid as i32)
}

/// The processes with this in their environment.
pub fn with_environment(entry: &str) -> Vec<u32> {
    processes(|process| {
        fs::read(process.join("environ")).is_ok_and(|all| {
            all.split(|byte| *byte == 0)
                .any(|one| one == entry.as_bytes())
        })
    })
}
