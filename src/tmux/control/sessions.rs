//! Sessions.

use std::path::PathBuf;

use super::{Control, Target, line};
use crate::tmux::name::{escape_format, needs_renaming};
use crate::tmux::unattached;
use crate::tmux::{Batch, Error, Fields, ObjectKind, Result, Server, SessionId, Version};

/// A session, as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    /// Its name, as it was given.
    pub name: String,
    /// When it was made: seconds since the Unix epoch.
    pub created: u64,
    /// How many clients are attached to it.
    pub clients: u32,
    /// How many windows it has.
    pub windows: u32,
    /// Columns and rows of its current window.
    pub size: (u16, u16),
}

/// What a new session gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSession {
    pub name: String,
    /// The name of its first window; tmux names it without.
    pub window_name: Option<String>,
    /// Where its first pane starts.
    pub start_directory: Option<PathBuf>,
    /// What runs in its first pane; a shell command.
    pub command: Option<String>,
}

fn fields(version: Version) -> Fields {
    Fields::new(version)
        .plain([
            "session_id",
            "session_created",
            "session_attached",
            "session_windows",
            "window_width",
            "window_height",
        ])
        .text(["session_name"])
}

/// Makes a session, and the server when none runs. Gives the session's id. Where
/// `destroy-unattached` is on, it holds for the session from its first client on.
///
/// # Errors
/// [`Error::Conflict`] when there is one of this name.
pub async fn create_session(server: &Server, new: &NewSession) -> Result<SessionId> {
    let mut command = vec!["new-session".into(), "-d".into(), "-P".into()];
    command.extend(["-F".into(), "#{session_id}".into()]);
    command.extend(["-s".into(), escape_format(&new.name)]);
    if let Some(name) = &new.window_name {
        command.extend(["-n".into(), escape_format(name)]);
    }
    if let Some(folder) = &new.start_directory {
        command.extend(["-c".into(), escape_format(&folder.to_string_lossy())]);
    }
    command.push("--".to_owned());
    command.extend(new.command.clone());
    let mut batch = Batch::of(command);
    batch.append(unattached::hold_newest());
    let answer = line(server.run(&batch).await.map_err(Error::refine)?)?;
    let (id, held) = answer.split_once('\n').unwrap_or((&answer, ""));
    let id: SessionId = id.parse().map_err(|_| Error::Unexpected {
        what: format!("`{id}` as a new session's id"),
    })?;
    if !held.is_empty() {
        let release = unattached::once_shown(id, &unattached::release(id));
        server.run(&release).await.map_err(Error::refine)?;
    }
    if let Some(name) = new
        .window_name
        .as_deref()
        .filter(|name| needs_renaming(name))
    {
        let (target, name) = (id.target(), escape_format(name));
        let rename = Batch::of(["rename-window", "-t", &target, "--", &name]);
        server.run(&rename).await.map_err(Error::refine)?;
    }
    Ok(id)
}

impl Control {
    /// All sessions.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn sessions(&self) -> Result<Vec<Session>> {
        let fields = fields(self.version);
        let batch = Batch::of(["list-sessions", "-F", fields.format()]);
        let mut sessions = Vec::new();
        for mut row in fields.parse(&self.ask(&batch).await?)? {
            sessions.push(Session {
                id: row.get()?,
                created: row.get()?,
                clients: row.get()?,
                windows: row.get()?,
                size: (row.get()?, row.get()?),
                name: row.text(),
            });
        }
        Ok(sessions)
    }

    /// One session, by its id or its name. A name that looks like an id is
    /// found only if no session has that id.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn session(&self, target: &str) -> Result<Session> {
        let mut sessions = self.sessions().await?;
        let by_id = sessions.iter().position(|s| s.id.to_string() == target);
        let found = by_id.or_else(|| sessions.iter().position(|s| s.name == target));
        found
            .map(|index| sessions.swap_remove(index))
            .ok_or_else(|| Error::missing(ObjectKind::Session, target))
    }

    /// Gives a session another name.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another has it.
    pub async fn rename_session(&self, id: SessionId, name: &str) -> Result<()> {
        let name = escape_format(name);
        let target = id.target();
        let command = ["rename-session", "-t", &target, "--", &name];
        self.run(&Batch::of(command)).await.map(drop)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn kill_session(&self, id: SessionId) -> Result<()> {
        self.run(&kill_session(self.version, id)).await.map(drop)
    }

    /// Detaches all clients of a session; there may be none.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such session.
    pub async fn detach_session(&self, id: SessionId) -> Result<()> {
        let command = Batch::of(["detach-client", "-s", &id.target()]);
        match self.run(&command).await {
            // Said when the whole server has no client.
            Err(Error::Refused { message }) if message.starts_with("no current client") => Ok(()),
            other => other.map(drop),
        }
    }
}

/// Ends a session; the server lives on.
#[must_use]
pub fn kill_session(version: Version, id: SessionId) -> Batch {
    let target = id.target();
    let mut batch = Batch::new();
    if version.dies_with_zoomed_windows() {
        let unzoom = "#{W:#{?window_zoomed_flag,resize-pane -Z -t #{window_id} ; ,}}";
        batch.push(["run-shell", "-C", "-t", &target, unzoom]);
    }
    batch.push(["kill-session", "-t", &target]);
    batch
}
