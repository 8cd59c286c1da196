//! System calls of a process, counted by strace: syncs are in no account of
//! the kernel's.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};

use super::process;
use super::support::wait_until;

/// A count under way. What is counted is slowed down by it.
pub struct Count {
    strace: Child,
    table: PathBuf,
    _folder: tempfile::TempDir,
}

impl Count {
    /// Counts writes and syncs of `pid` and its threads. `None` where strace is
    /// not to be had, or may not look.
    pub fn start(pid: u32) -> io::Result<Option<Count>> {
        let folder = tempfile::tempdir()?;
        let table = folder.path().join("counts");
        let strace = Command::new("strace")
            .args(["-f", "-c", "-U", "name,calls"])
            .args(["-e", "trace=write,pwrite64,writev,fsync,fdatasync"])
            .args(["-p", &pid.to_string(), "-o"])
            .arg(&table)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut strace) = strace else {
            return Ok(None);
        };
        let status = format!("/proc/{pid}/status");
        let mut is_over = false;
        wait_until("strace looks", || {
            is_over = strace.try_wait().is_ok_and(|ended| ended.is_some());
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            is_over || status.contains(&format!("TracerPid:\t{}", strace.id()))
        });
        Ok((!is_over).then_some(Count {
            strace,
            table,
            _folder: folder,
        }))
    }

    /// Ends it: calls that write into files, and calls that sync.
    pub fn finish(mut self) -> io::Result<(u64, u64)> {
        kill(process::pid(self.strace.id()), Signal::SIGINT)?;
        self.strace.wait()?;
        let (mut writes, mut syncs) = (0, 0);
        for line in std::fs::read_to_string(&self.table)?.lines() {
            let Some((name, calls)) = line.trim().split_once(' ') else {
                continue;
            };
            let calls: u64 = calls.trim().parse().unwrap_or(0);
            match name {
                // Plain writes are wake-ups of threads and talk with clients.
                "pwrite64" => writes += calls,
                "fsync" | "fdatasync" => syncs += calls,
                _ => {}
            }
        }
        Ok((writes, syncs))
    }
}
