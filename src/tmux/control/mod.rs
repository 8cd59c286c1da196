//! Controls a tmux server: sessions, windows, panes and hooks, one by one.
//!
//! Invariants: things are addressed by id; a name that goes in comes back as
//! it was; nothing but a `command` field is ever run.

mod hooks;
mod keys;
mod panes;
mod sessions;
mod windows;

use super::{Batch, Error, PaneId, Result, Server, SessionId, Version, WindowId};

pub use hooks::{HOOK_INDEX, HookEntry};
pub use keys::typing;
pub use panes::{Capture, Direction, NewPane, Pane, SplitSize, SplitTarget};
pub use sessions::{NewSession, Session, create_session};
pub use windows::{Layout, NewWindow, Window, WindowLink, display_name, resolve_id};

/// A server whose version is known.
#[derive(Clone, Debug)]
pub struct Control {
    server: Server,
    version: Version,
}

/// Something that is not on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A session.
    Session,
    /// A window.
    Window,
    /// A pane.
    Pane,
    /// A hook.
    Hook,
}

impl Kind {
    /// The kind's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Session => "session",
            Kind::Window => "window",
            Kind::Pane => "pane",
            Kind::Hook => "hook",
        }
    }
}

impl Control {
    /// Controls a server of this version.
    #[must_use]
    pub fn new(server: Server, version: Version) -> Control {
        Control { server, version }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    async fn run(&self, batch: &Batch) -> Result<Vec<u8>> {
        self.server.run(batch).await.map_err(refine)
    }

    /// Runs what only reads.
    async fn ask(&self, batch: &Batch) -> Result<Vec<u8>> {
        let answer = self.server.ask(self.version, batch).await;
        answer.map_err(refine)
    }

    /// Runs one command and gives the line that it printed.
    async fn line(&self, batch: &Batch) -> Result<String> {
        line(self.run(batch).await?)
    }
}

fn line(answer: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(answer).map_err(|error| Error::Unexpected {
        what: format!("bytes that are no UTF-8: {error}"),
    })?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// Tells what kind of refusal it is, by the beginning of tmux's message (those
/// of 3.0 to 3.7).
pub(super) fn refine(error: Error) -> Error {
    let Error::Refused { message } = error else {
        return error;
    };
    // Before 3.2.
    let message = match message.strip_prefix("can't link window: ") {
        Some(cause) => cause.to_owned(),
        None => message,
    };
    for kind in [Kind::Session, Kind::Window, Kind::Pane] {
        let start = format!("can't find {}: ", kind.name());
        if let Some(target) = message.strip_prefix(&start) {
            let target = target.to_owned();
            return Error::Missing { kind, target };
        }
    }
    for kind in [Kind::Session, Kind::Window] {
        // Since 3.7. The name follows, which may be blank.
        let start = format!("invalid {} name:", kind.name());
        if message.starts_with(&start) {
            return Error::InvalidName { kind };
        }
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

fn missing(kind: Kind, target: impl std::fmt::Display) -> Error {
    Error::Missing {
        kind,
        target: target.to_string(),
    }
}

/// An id as the target of a command.
trait Target {
    fn target(self) -> String;
}

impl Target for SessionId {
    fn target(self) -> String {
        // The colon keeps tmux from looking for a window of this name.
        format!("{self}:")
    }
}

impl Target for WindowId {
    fn target(self) -> String {
        self.to_string()
    }
}

impl Target for PaneId {
    fn target(self) -> String {
        self.to_string()
    }
}
