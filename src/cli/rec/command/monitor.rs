//! The process between `tvmux rec` and the command: it leads the session of
//! the command's terminal.
//!
//! A command that led the session itself could not be stopped: the kernel stops
//! no process group whose members have no parent in their session. So this
//! process leads it, runs the command in the foreground of the terminal as a
//! shell would, stops when the command stops, and ends with its status. When it
//! ends, the kernel hangs the terminal up for what is left.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, setpgid, setsid, tcsetpgrp};

use crate::shell::is_missing;

/// The argument that makes the program a monitor. Not for users.
pub(super) const VERB: &str = "pty-monitor";

/// The status of a command that is not there, and of one that may not be run,
/// as POSIX has it for the shell.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Whether the process has been started as a monitor: `verb` is its first
/// argument.
pub(in crate::cli) fn is_monitor(verb: Option<&OsStr>) -> bool {
    verb.is_some_and(|verb| verb == VERB)
}

/// Runs the command that the arguments name. Standard output is the terminal.
pub(in crate::cli) fn run() -> ExitCode {
    let command: Vec<OsString> = std::env::args_os().skip(2).collect();
    let Some((program, arguments)) = command.split_first() else {
        return ExitCode::from(2);
    };
    match monitor(program, arguments) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("tvmux: {}: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}

/// The terminal that the command gets.
fn terminal() -> BorrowedFd<'static> {
    // SAFETY: descriptor 1 is open for all of this process's life.
    unsafe { BorrowedFd::borrow_raw(1) }
}

fn monitor(program: &OsStr, arguments: &[OsString]) -> io::Result<u8> {
    setsid()?;
    // `tvmux rec` takes its signals in turn; the command gets them as usual.
    SigSet::empty().thread_set_mask()?;
    // SAFETY: sets the controlling terminal of a session leader without one.
    Errno::result(unsafe { nix::libc::ioctl(1, nix::libc::TIOCSCTTY, 0) })?;
    // Giving the terminal to another group must not stop this one.
    SigSet::from(Signal::SIGTTOU).thread_block()?;
    let child = match spawn(program, arguments) {
        // No binary and no `#!`: shells run it as a script of their own.
        Err(error) if error.raw_os_error() == Some(Errno::ENOEXEC as i32) => {
            let script = std::iter::once(program.to_owned()).chain(arguments.iter().cloned());
            spawn(OsStr::new("/bin/sh"), &script.collect::<Vec<_>>())?
        }
        Err(error) => return Ok(refused(program, &error)),
        Ok(child) => child,
    };
    loop {
        match waitpid(child, Some(WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, status)) => return Ok(status as u8),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + signal as u8),
            Ok(WaitStatus::Stopped(..)) => {
                // `tvmux rec` sees it, stops too, and continues this one later.
                raise(Signal::SIGSTOP)?;
                tcsetpgrp(terminal(), child)?;
                let _ = kill(Pid::from_raw(-child.as_raw()), Signal::SIGCONT);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Starts the command as the foreground group of the terminal.
fn spawn(program: &OsStr, arguments: &[OsString]) -> io::Result<Pid> {
    let mut command = Command::new(program);
    command.args(arguments);
    // SAFETY: only calls that are allowed between fork and exec.
    unsafe {
        command.pre_exec(|| {
            setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
            let ttou = SigSet::from(Signal::SIGTTOU);
            ttou.thread_block()?;
            tcsetpgrp(terminal(), getpid())?;
            ttou.thread_unblock()?;
            Ok(())
        });
    }
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok(Pid::from_raw(pid))
}

/// Says in a shell's words why there is no command to run; gives the status.
fn refused(program: &OsStr, error: &io::Error) -> u8 {
    let is_missing = is_missing(program, error);
    let is_path = program.as_encoded_bytes().contains(&b'/');
    let (why, status) = match error.raw_os_error().map(Errno::from_raw) {
        _ if is_missing && is_path => ("No such file or directory", NOT_FOUND),
        _ if is_missing => ("command not found", NOT_FOUND),
        Some(Errno::EISDIR) => ("Is a directory", NOT_EXECUTABLE),
        Some(Errno::EACCES) if std::path::Path::new(program).is_dir() => {
            ("Is a directory", NOT_EXECUTABLE)
        }
        Some(errno) => (errno.desc(), NOT_EXECUTABLE),
        None => ("cannot be run", NOT_EXECUTABLE),
    };
    eprintln!("tvmux: {}: {why}", program.display());
    status
}
