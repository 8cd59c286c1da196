//! Controls a tmux server: sessions, windows, panes and hooks, one by one.
//!
//! Invariants: things are addressed by id; a name that goes in comes back as
//! it was; nothing but a `command` field is ever run.

mod hooks;
mod input;
mod keys;
mod panes;
mod sessions;
mod windows;

use super::{Batch, Error, PaneId, Result, Server, SessionId, Version, WindowId};

pub use hooks::{HOOK_INDEX, HookEntry};
pub use input::{Input, Screen};
pub use keys::typing;
pub use panes::{Capture, NewPane, Pane, SplitSize, SplitTarget};
pub use sessions::{NewSession, Session, create_session, kill_session};
pub use windows::{NewWindow, Window, WindowLink, display_name, resolve_id};

/// A server whose version is known.
#[derive(Clone, Debug)]
pub struct Control {
    server: Server,
    version: Version,
}

impl Control {
    /// Controls a server of this version.
    #[must_use]
    pub fn new(server: Server, version: Version) -> Control {
        Control { server, version }
    }

    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    async fn run(&self, batch: &Batch) -> Result<Vec<u8>> {
        self.server.run(batch).await.map_err(Error::refine)
    }

    /// Runs what only reads.
    async fn ask(&self, batch: &Batch) -> Result<Vec<u8>> {
        let answer = self.server.ask(self.version, batch).await;
        answer.map_err(Error::refine)
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
