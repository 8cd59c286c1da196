//! What can go wrong when tmux is asked something.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// What asking tmux gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What tmux holds, and can lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ObjectKind {
    Session,
    Window,
    Pane,
    Hook,
}

impl ObjectKind {
    /// The word for it in messages and error codes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::Session => "session",
            ObjectKind::Window => "window",
            ObjectKind::Pane => "pane",
            ObjectKind::Hook => "hook",
        }
    }
}

/// A program of one version of tmux, and a server of another.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{}` is tmux {client}, but the server at {} is tmux {server}, and they do not understand each other: \
     set `command` in [tmux] of the configuration to {}, or end that server, when nothing in it \
     is needed any more, with a tmux {server}",
    .program.display(), .socket.display(),
    .server_program.as_ref().map_or_else(|| format!("a tmux {server}"), |path| format!("\"{}\"", path.display()))
)]
pub struct VersionMismatch {
    pub program: OsString,
    /// Its version, such as `3.3a`.
    pub client: String,
    pub socket: PathBuf,
    pub server: String,
    /// The server's program, where that is still there.
    pub server_program: Option<PathBuf>,
}

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
        program: OsString,
        source: io::Error,
    },
    /// Nobody listens on the socket, or the server went away meanwhile.
    #[error("no tmux server at {}", .socket.display())]
    NoServer {
        /// The socket that was tried.
        socket: PathBuf,
    },
    /// A client has not ended in time.
    #[error("`{}` has not answered for {seconds} seconds; the tmux server at {} hangs, or is stopped",
        .program.display(), .socket.display())]
    TimedOut {
        program: OsString,
        /// The server it was to ask.
        socket: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// This program was asked to stop while a client had not ended yet.
    #[error("stopped while the tmux server at {} had not answered", .socket.display())]
    Stopped {
        /// The server that was asked.
        socket: PathBuf,
    },
    /// Program and server are of different versions, and do not understand
    /// each other.
    #[error(transparent)]
    VersionMismatch(Box<VersionMismatch>),
    /// tmux refused a command.
    #[error("tmux: {message}")]
    Refused { message: String },
    /// What a command was for is not there.
    #[error("no tmux {} `{target}`", .kind.name())]
    Missing {
        /// What kind of thing.
        kind: ObjectKind,
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
        kind: ObjectKind,
    },
    /// It cannot be done as things are on the server.
    #[error("tmux: {message}")]
    Conflict { message: String },
    /// The server is older than what is supported.
    #[error("tmux {found} is too old: {oldest} or newer is needed", oldest = super::Version::OLDEST)]
    TooOld { found: String },
    /// tmux answered something that makes no sense.
    #[error("tmux answered what was not expected: {what}")]
    Unexpected {
        /// What was wrong about the answer.
        what: String,
    },
}

impl Error {
    /// Whether a server of another version may be behind it.
    pub(super) fn may_be_a_mismatch(&self) -> bool {
        matches!(
            self,
            // A client says so of a server that it does not understand, too.
            Error::NoServer { .. }
                | Error::TimedOut { .. }
                | Error::TooOld { .. }
                | Error::Unexpected { .. }
        )
    }

    /// A [`Error::Missing`].
    pub(super) fn missing(kind: ObjectKind, target: impl std::fmt::Display) -> Error {
        Error::Missing {
            kind,
            target: target.to_string(),
        }
    }

    /// Tells what kind of refusal it is, by the beginning of tmux's message
    /// (those of 3.0 to 3.7).
    pub(super) fn refine(self) -> Error {
        let Error::Refused { message } = self else {
            return self;
        };
        // Before 3.2.
        let message = match message.strip_prefix("can't link window: ") {
            Some(cause) => cause.to_owned(),
            None => message,
        };
        for kind in [ObjectKind::Session, ObjectKind::Window, ObjectKind::Pane] {
            let start = format!("can't find {}: ", kind.name());
            if let Some(target) = message.strip_prefix(&start) {
                return Error::missing(kind, target);
            }
        }
        if let Some(kind) = invalid_name(&message) {
            return Error::InvalidName { kind };
        }
        let conflicts = [
            "duplicate session: ",
            "index in use: ",
            "same index: ",
            "no space for new pane",
            // Since 3.7.
            "size or position no space for a new pane",
            "window only linked to one session",
            "create window failed: index",
        ];
        if conflicts.iter().any(|start| message.starts_with(start)) {
            return Error::Conflict { message };
        }
        Error::Refused { message }
    }

    /// Whether tmux refused a name (since 3.7).
    #[must_use]
    pub fn is_invalid_name(&self) -> bool {
        match self {
            Error::InvalidName { .. } => true,
            Error::Refused { message } => invalid_name(message).is_some(),
            _ => false,
        }
    }

    /// Whether the server is not there (any more).
    #[must_use]
    pub fn is_no_server(&self) -> bool {
        matches!(self, Error::NoServer { .. })
    }
}

/// What has a name that tmux refuses, as its message says since 3.7. The name
/// follows, which may be blank.
fn invalid_name(message: &str) -> Option<ObjectKind> {
    let rest = message.strip_prefix("invalid ")?;
    [ObjectKind::Session, ObjectKind::Window]
        .into_iter()
        .find(|kind| {
            rest.strip_prefix(kind.name())
                .is_some_and(|rest| rest.starts_with(" name:"))
        })
}
