//! Starts and ends the daemon from outside.
//!
//! The daemon is this same program as `server run`. It is given a pipe as its
//! standard output and says there in one line that it listens, or why it does
//! not: nobody polls.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Failure, Session};
use crate::client::{self, Client};

/// What the daemon says when it listens.
pub(super) const READY: &str = "ready";

/// A log that has grown beyond this is started anew.
const LARGEST_LOG: u64 = 1024 * 1024;

/// How long the end of the daemon is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of the daemon; starts the daemon when none runs.
pub(super) async fn connect_or_start(session: &Session) -> Result<Client, Failure> {
    match Client::connect(&session.folders.socket()).await {
        Err(client::Error::NotRunning { .. }) if session.config.server.auto_start => {
            start(session, true)?;
            Ok(Client::connect(&session.folders.socket()).await?)
        }
        Err(error @ client::Error::NotRunning { .. }) => {
            Err(Failure::new(error).hint("start it with `tvmux server start`"))
        }
        other => Ok(other?),
    }
}

/// "Not running" as somebody who asks for a recording understands it, with the
/// way out.
pub(super) fn hint_start(error: client::Error) -> Failure {
    match error {
        client::Error::NotRunning { .. } => {
            Failure::new("nothing is recorded: no tvmux server is running")
                .hint("`tvmux rec` starts a recording, and the server with it")
        }
        other => Failure::new(other),
    }
}

/// Starts the daemon and returns when it listens. One that is `on_demand` ends
/// with its last recording, if the settings say so.
pub(super) fn start(session: &Session, on_demand: bool) -> Result<(), Failure> {
    session.folders.prepare()?;
    let path = session.folders.log();
    let log = open_log(&path).map_err(|error| log_failure(&path, &error))?;
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(file) = &session.config_file {
        command.arg("--config-file").arg(std::path::absolute(file)?);
    }
    command.args(["server", "run", "--background"]);
    if on_demand {
        command.arg("--on-demand");
    }
    let mut daemon = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let mut line = String::new();
    if let Some(output) = daemon.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    match line.trim_end() {
        READY => Ok(()),
        "" => {
            Err(Failure::new("the server did not start")
                .hint(format!("its log is {}", path.display())))
        }
        why => Err(Failure::new(format!("the server did not start: {why}"))),
    }
}

fn log_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write the log {}: {error}", path.display()))
}

fn open_log(path: &Path) -> io::Result<File> {
    let is_large = path.metadata().is_ok_and(|log| log.len() > LARGEST_LOG);
    File::options()
        .create(true)
        .append(!is_large)
        .write(true)
        .truncate(is_large)
        .mode(0o600)
        .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
        .open(path)
}

/// Asks the daemon to end and waits until it has. `false` when none runs.
pub(super) async fn stop(session: &Session) -> Result<bool, Failure> {
    let mut client = match Client::connect(&session.folders.socket()).await {
        Ok(client) => client,
        Err(client::Error::NotRunning { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let pid = Pid::from_raw(client.info().await.map(|info| info.pid as i32)?);
    if client.server_pid() != Some(pid.as_raw()) {
        return Err(Failure::new(format!(
            "the server says that it is process {pid}, the kernel says otherwise"
        )));
    }
    drop(client);
    kill(pid, Signal::SIGTERM)?;
    // The lock is given up by the kernel, when the process is truly gone.
    let end = Instant::now() + PATIENCE;
    let mut lock = File::open(session.folders.pid_file())?;
    while let Err((back, _)) = Flock::lock(lock, FlockArg::LockSharedNonblock) {
        lock = back;
        if Instant::now() > end {
            return Err(Failure::new(format!("the server (pid {pid}) does not end"))
                .hint(format!("its log is {}", session.folders.log().display())));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(true)
}
