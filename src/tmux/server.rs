//! A tmux server, and how commands reach it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::{Batch, Error, Result, Version, VersionMismatch, mismatch, process, wire};
use crate::shell::is_missing;

/// How long a client may take for its answer.
const LIMIT: Duration = Duration::from_secs(15);

/// … and for a batch of any length.
const LIMIT_OF_WHOLE: Duration = Duration::from_secs(120);

/// Where a tmux server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Socket(PathBuf);

impl Socket {
    /// The server at a path, as `tmux -S` takes it.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Socket {
        Socket(path.into())
    }

    /// The server of a name in the user's socket folder, as `tmux -L` takes it.
    #[must_use]
    pub fn named(name: impl AsRef<Path>) -> Socket {
        Socket(Self::folder().join(name))
    }

    /// The server that a plain `tmux` talks to: `default`, outside tmux.
    #[must_use]
    pub fn default_server() -> Socket {
        Socket::named("default")
    }

    /// The server around this process, from `$TMUX` (`path,pid,session`; the
    /// path itself may hold commas). `None` outside tmux.
    #[must_use]
    pub fn surrounding() -> Option<Socket> {
        let tmux = env::var_os("TMUX")?;
        let mut parts = tmux.as_bytes().rsplitn(3, |b| *b == b',');
        let path = parts.nth(2)?;
        (!path.is_empty()).then(|| Socket(PathBuf::from(OsStr::from_bytes(path))))
    }

    /// The folder of named sockets: `tmux-UID` in `$TMUX_TMPDIR`, else `/tmp`.
    fn folder() -> PathBuf {
        let base = env::var_os("TMUX_TMPDIR").filter(|dir| !dir.is_empty());
        let base = base.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        base.join(format!("tmux-{}", nix::unistd::getuid()))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder of named sockets, if this is one of them: tmux only makes
    /// it itself when it is not told a path.
    ///
    /// # Errors
    /// As the system says.
    pub fn prepare_folder(&self) -> io::Result<()> {
        let Some(folder) = self.0.parent() else {
            return Ok(());
        };
        if folder.file_name() != Self::folder().file_name() {
            return Ok(());
        }
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}

/// A tmux server: the program that talks to it and the socket it listens on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    program: OsString,
    socket: Socket,
    config: Option<PathBuf>,
    flags: Vec<OsString>,
    is_asked_directly: bool,
}

impl Server {
    /// The server at `socket`, spoken to with `program` (usually `tmux`).
    #[must_use]
    pub fn new(program: impl Into<OsString>, socket: Socket) -> Server {
        Server {
            program: program.into(),
            socket,
            config: None,
            flags: Vec::new(),
            is_asked_directly: false,
        }
    }

    /// The same; if a command starts the server, that one reads this file and
    /// not the user's configuration (`tmux -f`).
    #[must_use]
    pub fn with_config(mut self, file: impl Into<PathBuf>) -> Server {
        self.config = Some(file.into());
        self
    }

    /// The same, with more flags of the tmux client before every command.
    #[must_use]
    pub fn with_flags<A: Into<OsString>>(mut self, flags: impl IntoIterator<Item = A>) -> Server {
        self.flags.extend(flags.into_iter().map(Into::into));
        self
    }

    /// The same; what only reads is asked without a client process, where the
    /// server's version is known to allow it.
    #[must_use]
    pub fn with_direct_queries(mut self, wanted: bool) -> Server {
        self.is_asked_directly = wanted;
        self
    }

    /// A server of the same program at another socket, with no configuration.
    #[must_use]
    pub fn beside(&self, socket: Socket) -> Server {
        Server::new(&self.program, socket).with_config("/dev/null")
    }

    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// A client process for `batch`, not started yet. Standard input is
    /// empty, output and errors are the caller's to set.
    #[must_use]
    pub fn command(&self, batch: &Batch) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-u");
        if let Some(config) = &self.config {
            command.arg("-f").arg(config);
        }
        command
            .arg("-S")
            .arg(self.socket.path())
            .args(&self.flags)
            .args(batch.argv());
        // Inside tmux the surrounding pane would be the default target.
        command
            .env_remove("TMUX")
            .env_remove("TMUX_PANE")
            .stdin(Stdio::null());
        command
    }

    /// Runs `batch` and gives what it printed; blocks meanwhile.
    ///
    /// # Errors
    /// When tmux is missing, no server listens, or a command is refused.
    pub fn run_blocking(&self, batch: &Batch) -> Result<Vec<u8>> {
        let output = process::output(&mut self.command(batch), LIMIT);
        let answer = self.answer(output, LIMIT);
        answer.map_err(|error| self.explain(error))
    }

    /// Runs `batch`, however long it is; blocks meanwhile. Gives what it
    /// printed until it ended or failed, and whether it did.
    pub fn run_whole_blocking(&self, batch: &Batch) -> (Vec<u8>, Result<()>) {
        // A tmux without a command would attach.
        if batch.is_empty() {
            return (Vec::new(), Ok(()));
        }
        // What a client cannot send at once, the server reads from a file. All
        // of it stands on one line: the first that fails ends the rest.
        let script = match batch.fits_command_line() {
            true => Ok(None),
            false => batch.to_file().map(Some),
        };
        let output = script.and_then(|script| {
            let mut command = match &script {
                Some(file) => self.command(&Batch::of([
                    OsStr::new("source-file"),
                    file.path().as_os_str(),
                ])),
                None => self.command(batch),
            };
            process::output(&mut command, LIMIT_OF_WHOLE)
        });
        let (answer, outcome) = match output {
            Ok(output) if output.status.success() => return (output.stdout, Ok(())),
            Ok(output) => (output.stdout, self.refusal(&output.stderr)),
            Err(source) => (Vec::new(), self.spawn_error(source, LIMIT_OF_WHOLE)),
        };
        (answer, Err(self.explain(outcome)))
    }

    /// Runs `batch` and gives what it printed.
    ///
    /// # Errors
    /// When tmux is missing, no server listens, or a command is refused.
    pub async fn run(&self, batch: &Batch) -> Result<Vec<u8>> {
        let output = process::output_async(self.command(batch), LIMIT).await;
        match self.answer(output, LIMIT) {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.explain_async(error).await),
        }
    }

    /// Whether [`Server::ask`] needs no process.
    #[must_use]
    pub fn answers_directly(&self, version: Version) -> bool {
        self.is_asked_directly && version.has_known_messages() && self.flags.is_empty()
    }

    /// Runs `batch`, which must only read, and gives what it printed. Where the
    /// server's version allows it no process is started.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn ask(&self, version: Version, batch: &Batch) -> Result<Vec<u8>> {
        if !self.answers_directly(version) {
            return self.run(batch).await;
        }
        match wire::ask(self.socket.path(), batch).await {
            Ok(reply) if reply.status == 0 => Ok(reply.output),
            Ok(reply) => Err(self.refusal(&reply.errors)),
            Err(wire::Fault::NoServer) => Err(Error::NoServer {
                socket: self.socket.path().to_owned(),
            }),
            Err(wire::Fault::Other(error)) => {
                tracing::debug!(%error, "tmux is asked through a process");
                self.run(batch).await
            }
        }
    }

    /// The server's version.
    ///
    /// # Errors
    /// As [`Server::run`]; [`Error::TooOld`] below [`Version::OLDEST`].
    pub async fn version(&self) -> Result<Version> {
        match Self::supported(&self.run(&Self::version_query()).await?) {
            Ok(version) => Ok(version),
            Err(error) => Err(self.explain_async(error).await),
        }
    }

    /// The server's version; blocks meanwhile.
    ///
    /// # Errors
    /// As [`Server::version`].
    pub fn version_blocking(&self) -> Result<Version> {
        let version = Self::supported(&self.run_blocking(&Self::version_query())?);
        version.map_err(|error| self.explain(error))
    }

    fn version_query() -> Batch {
        Batch::of(["display-message", "-p", "#{version}"])
    }

    fn supported(answer: &[u8]) -> Result<Version> {
        let found = String::from_utf8_lossy(answer).trim().to_owned();
        match found.parse::<Version>() {
            Ok(version) if version >= Version::OLDEST => Ok(version),
            Ok(_) => Err(Error::TooOld { found }),
            // Before 3.0 `#{version}` may be empty.
            Err(_) if found.is_empty() => Err(Error::TooOld {
                found: "(unknown)".into(),
            }),
            Err(error) => Err(Error::Unexpected {
                what: error.to_string(),
            }),
        }
    }

    /// Turns a finished client into its answer or its error.
    fn answer(&self, output: io::Result<Output>, limit: Duration) -> Result<Vec<u8>> {
        let output = output.map_err(|source| self.spawn_error(source, limit))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(self.refusal(&output.stderr))
    }

    fn spawn_error(&self, source: io::Error, limit: Duration) -> Error {
        let program = self.program.clone();
        if is_missing(&program, &source) {
            return Error::ProgramMissing { program };
        }
        match source.kind() {
            io::ErrorKind::TimedOut => Error::TimedOut {
                program,
                socket: self.socket.path().to_owned(),
                seconds: limit.as_secs(),
            },
            io::ErrorKind::Interrupted => Error::Stopped {
                socket: self.socket.path().to_owned(),
            },
            _ => Error::Io { program, source },
        }
    }

    /// The cause of an error that two versions of tmux may have led to, where
    /// they have; blocks meanwhile.
    #[must_use]
    pub fn explain(&self, error: Error) -> Error {
        if !error.may_be_a_mismatch() {
            return error;
        }
        match mismatch::find(&self.program, self.socket.path()) {
            Some(found) => Error::VersionMismatch(Box::new(VersionMismatch {
                program: self.program.clone(),
                client: found.client,
                socket: self.socket.path().to_owned(),
                server: found.server,
                server_program: found.server_program,
            })),
            None => error,
        }
    }

    async fn explain_async(&self, error: Error) -> Error {
        if !error.may_be_a_mismatch() {
            return error;
        }
        let server = self.clone();
        let explained = tokio::task::spawn_blocking(move || server.explain(error)).await;
        explained.expect("comparing versions does not panic")
    }

    /// What a client that failed printed on standard error, as an error.
    fn refusal(&self, stderr: &[u8]) -> Error {
        let message = String::from_utf8_lossy(stderr).trim().to_owned();
        let gone = [
            "no server running on ",
            "error connecting to ",
            "lost server",
            "server exited",
        ];
        if message.is_empty() || gone.iter().any(|start| message.starts_with(start)) {
            return Error::NoServer {
                socket: self.socket.path().to_owned(),
            };
        }
        Error::Refused { message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let server = Server::new("tmux-that-is-not-there", Socket::at("/nowhere"));
        let error = server
            .run_blocking(&Batch::of(["list-sessions"]))
            .unwrap_err();
        assert!(matches!(error, Error::ProgramMissing { .. }), "{error:?}");
    }
}
