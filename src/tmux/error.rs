//! What can go wrong when tmux is asked something.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// What asking tmux gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A tmux command could not be run, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tmux program is not there.
    #[error("`{}` was not found; install tmux, or name it in the configuration (`[tmux] command`)", .program.display())]
    ProgramMissing {
        /// The program that was looked for.
        program: OsString,
    },
    /// The tmux program could not be started or spoken to.
    #[error("running `{}` failed", .program.display())]
    Io {
        /// The program.
        program: OsString,
        /// Why.
        source: io::Error,
    },
    /// Nobody listens on the socket, or the server went away meanwhile.
    #[error("no tmux server at {}", .socket.display())]
    NoServer {
        /// The socket that was tried.
        socket: PathBuf,
    },
    /// tmux refused a command.
    #[error("tmux: {message}")]
    Refused {
        /// tmux's own message.
        message: String,
    },
    /// What a command was for is not there.
    #[error("no tmux {} `{target}`", .kind.name())]
    Missing {
        /// What kind of thing.
        kind: super::control::Kind,
        /// What was asked for.
        target: String,
    },
    /// The server has no such names.
    #[error(
        "this tmux server takes no {} name with control characters in it, \
         nor with characters that it does not know", .kind.name()
    )]
    InvalidName {
        /// What was to have the name.
        kind: super::control::Kind,
    },
    /// It cannot be done as things are on the server.
    #[error("tmux: {message}")]
    Conflict {
        /// tmux's own message.
        message: String,
    },
    /// The server is older than what is supported.
    #[error("tmux {found} is too old: {oldest} or newer is needed", oldest = super::Version::OLDEST)]
    TooOld {
        /// The server's version.
        found: String,
    },
    /// tmux answered something that makes no sense.
    #[error("tmux answered what was not expected: {what}")]
    Unexpected {
        /// What was wrong about the answer.
        what: String,
    },
}

impl Error {
    /// Whether the server is not there (any more).
    #[must_use]
    pub fn is_no_server(&self) -> bool {
        matches!(self, Error::NoServer { .. })
    }
}
