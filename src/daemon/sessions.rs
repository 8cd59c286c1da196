//! Sessions, for clients.

use std::path::PathBuf;

use super::{Daemon, Error, Result};
use crate::api;
use crate::config::expand_home;
use crate::shell;
use crate::tmux::control::{NewSession, Session};
use crate::tmux::{Control, Socket, control};

/// All sessions.
///
/// # Errors
/// When tmux cannot be asked.
pub async fn list(tmux: &Control) -> Result<Vec<api::Session>> {
    let sessions = tmux.sessions().await?;
    Ok(sessions.into_iter().map(shown).collect())
}

/// One session, by name or id.
///
/// # Errors
/// When there is none.
pub async fn get(tmux: &Control, target: &str) -> Result<api::Session> {
    Ok(shown(tmux.session(target).await?))
}

impl Daemon {
    /// Makes a session. The tmux server that the daemon serves is started for
    /// it when it does not run; any other has to run.
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn create_session(
        &self,
        socket: Option<Socket>,
        new: &api::SessionCreate,
    ) -> Result<api::Session> {
        let server = match socket {
            Some(socket) => self.control(Some(socket)).await?.server().clone(),
            None => self.home(),
        };
        let folder = start_directory(&new.start_directory).await?;
        let wanted = NewSession {
            name: new.name.clone(),
            window_name: Some(new.window_name.clone()),
            start_directory: Some(folder.unwrap_or_else(|| expand_home("~"))),
            command: new.command.clone(),
        };
        let id = control::create_session(&server, &wanted).await?;
        let tmux = self.control(Some(server.socket().clone())).await?;
        get(&tmux, &id.to_string()).await
    }
}

/// Renames a session.
///
/// # Errors
/// When there is none, or the name is taken.
pub async fn update(
    tmux: &Control,
    target: &str,
    change: &api::SessionUpdate,
) -> Result<api::Session> {
    let session = tmux.session(target).await?;
    match &change.new_name {
        Some(name) if *name != session.name => {
            tmux.rename_session(session.id, name).await?;
            get(tmux, &session.id.to_string()).await
        }
        _ => Ok(shown(session)),
    }
}

/// Ends a session.
///
/// # Errors
/// When there is none.
pub async fn delete(tmux: &Control, target: &str) -> Result<api::SessionDeleted> {
    let session = tmux.session(target).await?;
    tmux.kill_session(session.id).await?;
    Ok(api::SessionDeleted {
        status: api::DeletedStatus::Deleted,
        session: session.name,
        id: session.id.to_string(),
    })
}

/// How to attach to a session.
///
/// # Errors
/// When there is none.
pub async fn attach(tmux: &Control, target: &str) -> Result<api::AttachCommand> {
    let session = tmux.session(target).await?;
    let socket = tmux.server().socket();
    let mut argv = vec!["tmux".to_owned()];
    if *socket != Socket::default_server() {
        let path = socket.path().to_string_lossy().into_owned();
        argv.extend(["-S".to_owned(), path]);
    }
    argv.extend(["attach-session".to_owned(), "-t".to_owned()]);
    argv.push(session.id.to_string());
    Ok(api::AttachCommand {
        command: shell::join(&argv),
        argv,
        note: "run this command in your terminal to attach".into(),
    })
}

/// Detaches all clients of a session.
///
/// # Errors
/// When there is none.
pub async fn detach(tmux: &Control, target: &str) -> Result<api::SessionAction> {
    let session = tmux.session(target).await?;
    tmux.detach_session(session.id).await?;
    Ok(api::SessionAction {
        status: api::ActionStatus::Detached,
        session: session.name,
        id: session.id.to_string(),
    })
}

/// A session's windows, by index.
///
/// # Errors
/// When there is none.
pub async fn windows(tmux: &Control, target: &str) -> Result<api::SessionWindows> {
    let session = tmux.session(target).await?;
    let places = tmux.session_windows(session.id).await?;
    let windows = places
        .into_iter()
        .map(|(link, window)| api::WindowReference {
            window_id: window.id.to_string(),
            index: link.index,
            name: window.name,
            active: link.is_current,
        });
    Ok(api::SessionWindows {
        session: session.name,
        windows: windows.collect(),
    })
}

fn shown(session: Session) -> api::Session {
    api::Session {
        name: session.name,
        id: session.id.to_string(),
        created: session.created,
        attached: session.clients > 0,
        size: session.size.into(),
        windows: session.windows,
        clients: session.clients,
    }
}

/// The folder that is meant; `.` is the home folder. (tmux would silently take
/// another one when it is not there.)
pub(super) async fn start_directory(wanted: &Option<String>) -> Result<Option<PathBuf>> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    if wanted == "." {
        return Ok(Some(expand_home("~")));
    }
    let path = PathBuf::from(wanted);
    match tokio::fs::metadata(&path).await {
        Ok(found) if found.is_dir() => Ok(Some(path)),
        _ => Err(Error::NoFolder { path }),
    }
}
