//! Sees that a pane's process has ended.
//!
//! `respawn-pane` gives a pane another process and an empty screen, and neither
//! a hook nor a byte of output tells.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The end of a process, to be waited for.
#[derive(Debug)]
pub(super) struct ProcessExit {
    pid: u32,
    /// `None` where the system cannot tell: no such process, or another
    /// namespace. The slow look sees it then.
    fd: Option<AsyncFd<OwnedFd>>,
}

impl ProcessExit {
    /// Watches the process of this id.
    pub(super) fn watch(pid: u32) -> ProcessExit {
        let open = || {
            let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
            let fd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
            // SAFETY: an `OwnedFd` keeps its descriptor, and lives in the
            // `AsyncFd` until that is dropped.
            unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.ok()
        };
        ProcessExit { pid, fd: open() }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns when the process has ended, once.
    pub(super) async fn ended(&mut self) {
        match &self.fd {
            // A pidfd is readable from the end of its process on.
            Some(fd) => {
                let _ = fd.readable().await;
                self.fd = None;
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_is_seen() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = ProcessExit::watch(child.id());
        drop(child.stdin.take());
        process.ended().await;
        child.wait().unwrap();
    }
}
