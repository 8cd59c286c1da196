//! The daemon from outside: whether it runs, its start and its end.
//!
//! The daemon is this same program as `server run`. It is given a pipe as its
//! standard output and says there in one line that it listens, or why it does
//! not: nobody polls.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Client, Error, Result};
use crate::folders::{self, Folders, LockState};
use crate::record::RecallPlan;

/// What the daemon says when it listens.
pub const READY: &str = "ready";

/// A log larger than this is emptied at a start, in bytes.
const LARGEST_LOG: u64 = 1024 * 1024;

/// Time allowed for a start, in milliseconds: recordings that were cut off are
/// completed first.
const START_TIME: u16 = 60_000;

/// How long a daemon may take to start, to end or to listen again, and how often
/// it is looked.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// How long the end of the daemon is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the daemon of some folders is reached, and started.
#[derive(Clone, Debug)]
pub struct Connection {
    folders: Folders,
    program: PathBuf,
    config_file: Option<PathBuf>,
}

/// Why the daemon did not start or end.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// A folder cannot be used.
    #[error(transparent)]
    Folders(#[from] folders::Error),
    /// A file or a program cannot be used.
    #[error("cannot use {}", .path.display())]
    Io {
        /// The file or program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon did not start, and says why, if it could.
    #[error("the server did not start{}{why}", if .why.is_empty() { "" } else { ": " })]
    NotStarted {
        /// Its own words; empty when it gave none.
        why: String,
        /// The log, which may say more.
        log: PathBuf,
    },
    /// What listens there is not what it says it is.
    #[error("the server says that it is process {said}, the kernel says otherwise")]
    Impostor {
        /// The process id that it told.
        said: u32,
    },
    /// The daemon does not end.
    #[error("the server (pid {pid}) does not end")]
    NotEnded {
        /// The process id of the daemon.
        pid: i32,
        /// The log, which may say more.
        log: PathBuf,
    },
    /// It could not be asked.
    #[error(transparent)]
    Client(#[from] Error),
}

impl Connection {
    /// The daemon of these folders; `program` is what is run to start it.
    #[must_use]
    pub fn new(folders: Folders, program: impl Into<PathBuf>) -> Connection {
        Connection {
            folders,
            program: program.into(),
            config_file: None,
        }
    }

    /// The same; a daemon that is started reads this configuration file.
    #[must_use]
    pub fn with_config_file(mut self, file: Option<PathBuf>) -> Connection {
        self.config_file = file;
        self
    }

    /// A client of the daemon. One that runs while its socket was swept is asked
    /// to listen again; one that is starting or ending is waited for.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when it does not run; [`Error::Unreachable`] or
    /// [`Error::Elsewhere`] when it runs, by its lock, and is not reached.
    pub async fn client(&self) -> Result<Client> {
        let end = Instant::now() + PATIENCE_TO_CONNECT;
        let mut socket = self.folders.socket();
        let mut is_called = false;
        loop {
            let not_running = match Client::connect(&socket).await {
                Err(error @ Error::NotRunning { .. }) => error,
                other => return other,
            };
            match self.folders.lock_state() {
                LockState::Free => return Err(not_running),
                LockState::Held(None) if Instant::now() > end => return Err(not_running),
                LockState::Held(None) => {}
                LockState::Held(Some(holder)) => {
                    let pid = holder.pid;
                    if !holder.is_process() {
                        // Unless it has just ended.
                        let lock = self.folders.lock();
                        return Err(match self.folders.lock_state().holder() {
                            Some(_) => Error::Elsewhere { pid, lock },
                            None => not_running,
                        });
                    }
                    // An older daemon, which says nothing of a folder, would end
                    // by the signal.
                    let Some(runtime) = holder.runtime.filter(|_| Instant::now() < end) else {
                        return Err(Error::Unreachable { pid, socket });
                    };
                    socket = Folders::at(runtime, self.folders.state()).socket();
                    if !is_called {
                        is_called = true;
                        let _ = kill(Pid::from_raw(pid), Signal::SIGHUP);
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The daemon's process id, if it runs; as the kernel knows it.
    pub async fn server_pid(&self) -> Option<i32> {
        self.client().await.ok()?.server_pid()
    }

    /// Whether the daemon runs and answers.
    pub async fn is_running(&self) -> bool {
        match self.client().await {
            Ok(mut client) => client.info().await.is_ok(),
            Err(_) => false,
        }
    }

    /// Starts the daemon and returns when it listens. One that is `on_demand`
    /// ends with its last recording, if its settings say so.
    ///
    /// # Errors
    /// When it does not start, or one runs already.
    pub fn start(&self, on_demand: bool) -> Result<(), ConnectionError> {
        self.folders.prepare()?;
        let path = self.folders.log();
        let log = open_log(&path).map_err(at(&path))?;
        let mut command = Command::new(&self.program);
        if let Some(file) = &self.config_file {
            let file = std::path::absolute(file).map_err(at(file))?;
            command.arg("--config-file").arg(file);
        }
        command.args(["server", "run", "--background"]);
        if on_demand {
            command.arg("--on-demand");
        }
        let daemon = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut daemon = daemon.map_err(at(&self.program))?;
        let mut line = String::new();
        if let Some(output) = daemon.stdout.take() {
            let ready = PollFd::new(output.as_fd(), PollFlags::POLLIN);
            if poll(&mut [ready], START_TIME) == Ok(0) {
                let pid = daemon.id() as i32;
                return Err(Error::NoAnswer { pid: Some(pid) }.into());
            }
            let read = BufReader::new(output).read_line(&mut line);
            read.map_err(at(&self.program))?;
        }
        match line.trim_end() {
            READY => Ok(()),
            why => Err(ConnectionError::NotStarted {
                why: why.to_owned(),
                log: path,
            }),
        }
    }

    /// Has the daemon leave its recordings to another one, and starts that;
    /// returns when it listens. Also where none ran: `false` then.
    ///
    /// # Errors
    /// When the one does not end, or the other not start.
    pub async fn restart(&self) -> Result<bool, ConnectionError> {
        let plan = RecallPlan::read(self.folders.runtime());
        let is_on_demand = |plan: &RecallPlan| plan.arguments.iter().any(|a| a == "--on-demand");
        let on_demand = plan.as_ref().is_some_and(is_on_demand);
        // The program of this call becomes the next one: pipe processes, which
        // would start the old one's, wait.
        let _calls = plan.as_ref().and_then(RecallPlan::hold_calls);
        let was_running = self.end(Signal::SIGUSR1).await?;
        let patience = plan.as_ref().map_or(0, |plan| plan.patience_ms);
        if !(was_running && self.comes_back(Duration::from_millis(patience)).await) {
            self.start(on_demand && was_running)?;
        }
        Ok(was_running)
    }

    /// Whether a supervisor starts the daemon again within this time.
    async fn comes_back(&self, within: Duration) -> bool {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if self.is_running().await {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    }

    /// Asks the daemon to end and waits until it has. `false` when none runs.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&self) -> Result<bool, ConnectionError> {
        self.end(Signal::SIGTERM).await
    }

    async fn end(&self, signal: Signal) -> Result<bool, ConnectionError> {
        let asked = async {
            let mut client = self.client().await?;
            Ok((client.info().await?.pid, client.server_pid()))
        };
        let pid = match asked.await {
            Ok((said, Some(pid))) if pid as u32 == said => pid,
            Ok((said, _)) => return Err(ConnectionError::Impostor { said }),
            // Perhaps it has just ended by itself.
            Err(Error::NotRunning { .. }) => return Ok(false),
            // Its process holds the lock.
            Err(Error::Unreachable { pid, .. }) => pid,
            Err(error) => return Err(error.into()),
        };
        let lock_path = self.folders.lock();
        let mut lock = File::open(&lock_path).map_err(at(&lock_path))?;
        match kill(Pid::from_raw(pid), signal) {
            // It has ended by itself meanwhile.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(at(&lock_path)(error.into())),
        }
        // The lock is given up by the kernel, when the process is truly gone.
        let end = Instant::now() + PATIENCE;
        while let Err((back, _)) = Flock::lock(lock, FlockArg::LockSharedNonblock) {
            lock = back;
            if Instant::now() > end {
                let log = self.folders.log();
                return Err(ConnectionError::NotEnded { pid, log });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(true)
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ConnectionError {
    let path = path.to_owned();
    move |source| ConnectionError::Io { path, source }
}

fn open_log(path: &Path) -> io::Result<File> {
    let is_large = path.metadata().is_ok_and(|log| log.len() > LARGEST_LOG);
    File::options()
        .create(true)
        .append(!is_large)
        .write(true)
        .truncate(is_large)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
}
