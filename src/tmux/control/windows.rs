//! Windows.

use std::path::PathBuf;

use super::{Control, Target};
use crate::tmux::name::{escape_format, needs_renaming};
use crate::tmux::{Batch, Error, Fields, ObjectKind, Result, Server, SessionId, Version, WindowId};

/// A window, as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub id: WindowId,
    /// Its name, as it was given.
    pub name: String,
    /// How many panes it has.
    pub panes: u32,
    pub size: (u16, u16),
    /// How its panes are laid out, as tmux writes it.
    pub layout: String,
    /// Where it is; the sessions that it is linked to.
    pub links: Vec<WindowLink>,
}

/// A window's place in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowLink {
    pub session: SessionId,
    /// The session's name, as it was given.
    pub session_name: String,
    /// The window's index there.
    pub index: u32,
    /// Whether it is the session's current window.
    pub is_current: bool,
}

/// What a new window gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWindow {
    /// Its session; the one used last without.
    pub session: Option<SessionId>,
    /// Its name; tmux names it without.
    pub name: Option<String>,
    /// Where its pane starts.
    pub start_directory: Option<PathBuf>,
    /// What runs in its pane; a shell command.
    pub command: Option<String>,
}

fn fields(version: Version) -> Fields {
    Fields::new(version)
        .plain([
            "window_id",
            "window_panes",
            "window_width",
            "window_height",
            "window_layout",
            "session_id",
            "window_index",
            "window_active",
        ])
        .text(["window_name", "session_name"])
}

impl Control {
    /// All windows, each once, with the places where it is.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn windows(&self) -> Result<Vec<Window>> {
        let fields = fields(self.version);
        self.list_windows(&fields, &["list-windows", "-a", "-F", fields.format()])
            .await
    }

    /// The windows of a session, each with its place in it, by index. One that
    /// is linked there twice is there twice.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such session.
    pub async fn session_windows(&self, session: SessionId) -> Result<Vec<(WindowLink, Window)>> {
        let fields = fields(self.version);
        let target = session.target();
        let command = ["list-windows", "-t", &target, "-F", fields.format()];
        let windows = self.list_windows(&fields, &command).await?;
        let mut places: Vec<(WindowLink, Window)> = windows
            .into_iter()
            .flat_map(|window| {
                let places = window.links.clone().into_iter();
                places.map(move |place| (place, window.clone()))
            })
            .collect();
        places.sort_by_key(|(place, _)| place.index);
        Ok(places)
    }

    async fn list_windows(&self, fields: &Fields, command: &[&str]) -> Result<Vec<Window>> {
        let answer = self.ask(&Batch::of(command)).await?;
        let mut windows: Vec<Window> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for mut row in fields.parse(&answer)? {
            let mut window = Window {
                id: row.get()?,
                panes: row.get()?,
                size: (row.get()?, row.get()?),
                layout: row.text(),
                links: Vec::new(),
                name: String::new(),
            };
            let mut link = WindowLink {
                session: row.get()?,
                index: row.get()?,
                is_current: row.flag(),
                session_name: String::new(),
            };
            window.name = row.text();
            link.session_name = row.text();
            let place = *places.entry(window.id).or_insert_with(|| {
                windows.push(window);
                windows.len() - 1
            });
            windows[place].links.push(link);
        }
        Ok(windows)
    }

    /// One window.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn window(&self, id: WindowId) -> Result<Window> {
        let windows = self.windows().await?;
        let found = windows.into_iter().find(|window| window.id == id);
        found.ok_or_else(|| Error::missing(ObjectKind::Window, id))
    }

    /// A session, by id or name, and its window that is named by id, index or
    /// name.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn find_window(&self, session: &str, window: &str) -> Result<(SessionId, WindowId)> {
        let session = self.session(session).await?.id;
        let windows = self.session_windows(session).await?;
        let by = |is_meant: &dyn Fn(&WindowLink, &Window) -> bool| {
            let mut windows = windows.iter();
            windows.find(|(link, found)| is_meant(link, found))
        };
        let found = by(&|_, found| found.id.to_string() == window)
            .or_else(|| by(&|link, _| link.index.to_string() == window))
            .or_else(|| by(&|_, found| found.name == window));
        match found {
            Some((_, found)) => Ok((session, found.id)),
            None => Err(Error::missing(ObjectKind::Window, window)),
        }
    }

    /// Makes a window, without making it current.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such session.
    pub async fn create_window(&self, new: &NewWindow) -> Result<Window> {
        let mut command: Vec<String> = ["new-window", "-d", "-P", "-F", "#{window_id}"]
            .map(str::to_owned)
            .to_vec();
        if let Some(session) = new.session {
            command.extend(["-t".into(), session.target()]);
        }
        if let Some(name) = &new.name {
            command.extend(["-n".into(), escape_format(name)]);
        }
        if let Some(folder) = &new.start_directory {
            command.extend(["-c".into(), escape_format(&folder.to_string_lossy())]);
        }
        command.push("--".to_owned());
        command.extend(new.command.clone());
        let id = self.line(&Batch::of(command)).await?;
        let id = id.parse().map_err(|_| Error::Unexpected {
            what: format!("`{id}` as a new window's id"),
        })?;
        if let Some(name) = new.name.as_deref().filter(|name| needs_renaming(name)) {
            self.rename_window(id, name).await?;
        }
        self.window(id).await
    }

    /// Gives a window another name, which it keeps.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn rename_window(&self, id: WindowId, name: &str) -> Result<()> {
        let name = escape_format(name);
        let target = id.target();
        let command = ["rename-window", "-t", &target, "--", &name];
        self.run(&Batch::of(command)).await.map(drop)
    }

    /// Lays out a window's panes by the name of one of tmux's layouts, or as
    /// tmux writes a layout.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such window.
    pub async fn lay_out_window(&self, id: WindowId, layout: &str) -> Result<()> {
        let target = id.target();
        let command = ["select-layout", "-t", &target, layout];
        self.run(&Batch::of(command)).await.map(drop)
    }

    /// Ends a window, wherever it is linked.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn kill_window(&self, id: WindowId) -> Result<()> {
        let command = Batch::of(["kill-window", "-t", &id.target()]);
        self.run(&command).await.map(drop)
    }

    /// Makes a window its session's current one.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub async fn select_window(&self, id: WindowId) -> Result<()> {
        let command = Batch::of(["select-window", "-t", &id.target()]);
        self.run(&command).await.map(drop)
    }

    /// Links a window to another session, at an index or the first free one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the index is taken.
    pub async fn link_window(
        &self,
        id: WindowId,
        session: SessionId,
        index: Option<u32>,
    ) -> Result<()> {
        let mut target = session.target();
        if let Some(index) = index {
            target.push_str(&index.to_string());
        }
        let source = id.target();
        let command = ["link-window", "-s", &source, "-t", &target];
        self.run(&Batch::of(command)).await.map(drop)
    }

    /// Takes a window out of a session; without one, out of that which tmux
    /// finds first.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is in no other.
    pub async fn unlink_window(&self, id: WindowId, session: Option<SessionId>) -> Result<()> {
        let target = match session {
            Some(session) => format!("{session}:{id}"),
            None => id.target(),
        };
        let command = Batch::of(["unlink-window", "-t", &target]);
        self.run(&command).await.map(drop)
    }
}

/// The id of a session's window that is named by id, index or name.
///
/// # Errors
/// [`Error::Missing`] when there is none.
pub async fn resolve_id(server: &Server, session: &str, window: &str) -> Result<WindowId> {
    let control = Control::new(server.clone(), server.version().await?);
    Ok(control.find_window(session, window).await?.1)
}

/// What people call a window: its name, or its id when that is empty.
///
/// # Errors
/// [`Error::Missing`] when there is no such window.
pub async fn display_name(server: &Server, window: WindowId) -> Result<String> {
    let control = Control::new(server.clone(), server.version().await?);
    let name = control.window(window).await?.name;
    Ok(if name.is_empty() {
        window.to_string()
    } else {
        name
    })
}
