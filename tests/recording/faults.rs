//! File systems that fail on demand, and a pane that notices nothing of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{is_root, skipped, wait_until};

/// A shell command that prints numbered lines forever, and notes in a file how
/// far it has come. No faster than a busy machine records: at most 3 MB a second.
pub fn counter(progress: &Path) -> String {
    format!(
        "exec perl -e 'for ($i = 1; ; $i++) {{ print \"line $i end\\n\"; if ($i % 1000 == 0) {{ \
         open(F, \">\", \"{}\"); print F $i; close(F); select(undef, undef, undef, 0.005) }} }}'",
        progress.display()
    )
}

fn progress(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// Waits until the pane's program has printed many more lines.
pub fn is_never_blocked(path: &Path) {
    let before = progress(path);
    wait_until("the pane's program goes on", || {
        progress(path) > before + 20_000
    });
}

/// Runs a program, which must succeed.
pub fn run(program: &str, args: &[&str], path: &Path) {
    let output = Command::new(program).args(args).arg(path).output().unwrap();
    assert_success(program, &output);
}

fn assert_success(program: &str, output: &Output) {
    assert!(output.status.success(), "{program}: {output:?}");
}

/// A file system of a test's own, unmounted with it.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts a small disk in memory; `None` for a user who may not.
    pub fn small(folder: &Path, bytes: u64) -> Option<Mounted> {
        if !is_root("a small disk is mounted") {
            return None;
        }
        let size = format!("size={bytes}");
        Some(Mounted::mount(
            folder,
            &["-t", "tmpfs", "-o", &size, "tmpfs"],
        ))
    }

    /// Makes a file system with `mkfs` (a program and its arguments) in the file
    /// `image`, which takes only the room that is used, and mounts it. `None`
    /// for a user who may not, and where that program is missing.
    pub fn image(folder: &Path, image: &Path, mkfs: &[&str]) -> Option<Mounted> {
        if !is_root(&format!("a disk of {} is mounted", mkfs[0])) {
            return None;
        }
        fs::File::create(image).unwrap().set_len(4 << 30).unwrap();
        let made = Command::new(mkfs[0]).args(&mkfs[1..]).arg(image).output();
        let Ok(made) = made else {
            skipped(mkfs[0], "a disk of it is mounted");
            return None;
        };
        assert_success(mkfs[0], &made);
        let image = image.to_str().unwrap();
        Some(Mounted::mount(folder, &["-o", "loop,noatime", image]))
    }

    fn mount(folder: &Path, args: &[&str]) -> Mounted {
        run("mount", args, folder);
        Mounted(folder.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: the daemon of a test that failed may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A mounted file system on which every write waits until this is dropped.
pub struct Frozen(PathBuf);

impl Frozen {
    pub fn freeze(folder: &Path) -> Frozen {
        run("fsfreeze", &["--freeze"], folder);
        Frozen(folder.to_owned())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = Command::new("fsfreeze")
            .arg("--unfreeze")
            .arg(&self.0)
            .status();
    }
}

/// A process whose writes into files fail until this is dropped. (No file
/// system can be made read-only while a file on it is open for writing, but by
/// damage that takes an unmount to undo.)
pub struct FailingWrites(Child);

impl FailingWrites {
    /// Lets the system answer with `error`, as `EROFS`. `None` where strace is
    /// missing or may not look.
    pub fn start(pid: u32, error: &str) -> Option<FailingWrites> {
        FailingWrites::inject(pid, &format!("error={error}"))
    }

    /// Lets the system not answer.
    pub fn hang(pid: u32) -> Option<FailingWrites> {
        FailingWrites::inject(pid, "delay_enter=3600s")
    }

    fn inject(pid: u32, what: &str) -> Option<FailingWrites> {
        let strace = Command::new("strace")
            .args(["-f", "-e", "trace=pwrite64", "-e"])
            .arg(format!("inject=pwrite64:{what}"))
            .args(["-o", "/dev/null", "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut strace) = strace else {
            skipped("strace", "writes of the daemon fail");
            return None;
        };
        let tracer = format!("TracerPid:\t{}", strace.id());
        let mut is_over = false;
        wait_until("strace looks", || {
            is_over = strace.try_wait().unwrap().is_some();
            is_over || are_all_traced(pid, &tracer)
        });
        if is_over {
            let output = strace.wait_with_output().unwrap();
            let why = String::from_utf8_lossy(&output.stderr);
            let takes = format!("the right to trace ({})", why.trim());
            skipped(&takes, "writes of the daemon fail");
            return None;
        }
        Some(FailingWrites(strace))
    }
}

fn are_all_traced(pid: u32, tracer: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().all(|thread| {
        let status = fs::read_to_string(thread.path().join("status"));
        // A thread may end meanwhile.
        status.is_ok_and(|status| status.contains(tracer))
    })
}

impl Drop for FailingWrites {
    fn drop(&mut self) {
        // Lets go of the process, which goes on.
        let _ = kill(Pid::from_raw(self.0.id() as i32), Signal::SIGINT);
        // Of one that is ending at this moment strace does not let go by itself.
        let end = Instant::now() + Duration::from_secs(2);
        while self.0.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() > end {
                let _ = self.0.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
