//! Builds a workspace on a tmux server.
//!
//! The session is made first, with a window that stands in; then everything
//! else goes to tmux in one invocation, parted only where the file asks for a
//! program of its own in between. Whatever fails, what was made is taken back
//! before the error is given.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::command::render;
use super::error::{Error, Result, Source};
use super::facts::Facts;
use super::folders::settle_folders;
use super::ground::{Ground, Size};
use super::plan::{new_session, plan};
use super::spec::{Record, Workspace};
use super::undo::Undo;
use super::work::Work;
use crate::tmux::{self, Batch, Server, SessionId, WindowId};

/// How a workspace is built.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The size of a new session's windows.
    pub size: Size,
    /// How long panes are waited for before they are typed into anyway.
    pub ready_timeout: Duration,
    /// The session to add the windows to; a new one is made otherwise.
    pub append_to: Option<SessionId>,
    /// When adding, leaves out windows whose name is there already.
    pub skip_existing: bool,
}

impl Default for BuildOptions {
    fn default() -> BuildOptions {
        BuildOptions {
            size: Size {
                columns: 80,
                rows: 24,
            },
            ready_timeout: Duration::from_secs(5),
            append_to: None,
            skip_existing: false,
        }
    }
}

/// What happens while a workspace is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// `before_script` starts.
    Script,
    /// The session is there; so many windows and panes follow.
    Session {
        /// How many windows will be made.
        windows: usize,
        /// How many panes will be made.
        panes: usize,
    },
    /// A window is there, with so many panes.
    Window {
        /// Its name, or its index.
        name: &'a str,
        /// How many panes it has.
        panes: usize,
    },
    /// A pane got all its commands.
    Pane,
}

/// Who watches a build. Every method may be left as it is.
pub trait Observer {
    /// Something was done.
    fn progress(&mut self, _progress: Progress<'_>) {}
    /// A program of the workspace printed a line.
    fn output(&mut self, _line: &str) {}
    /// Whether the build shall be broken off and taken back.
    fn interrupted(&self) -> bool {
        false
    }
}

/// An observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// A recording that a workspace asks for.
#[derive(Clone, Copy, Debug)]
pub struct RecordRequest<'a> {
    /// The server the window is on.
    pub server: &'a Server,
    /// The session.
    pub session: SessionId,
    /// The window.
    pub window: WindowId,
    /// Title and folder, as far as the file names them.
    pub record: &'a Record,
}

/// Who records windows for a workspace.
///
/// Called once a window has all its panes and before anything is typed into
/// them. An error ends the load, which is then taken back.
pub trait Recorder {
    /// Starts a recording.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start(
        &mut self,
        request: RecordRequest<'_>,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The session.
    pub session: SessionId,
    /// How many windows were made.
    pub windows: usize,
    /// How many panes were made.
    pub panes: usize,
}

/// Builds a workspace, or takes back what it did.
pub struct WorkspaceBuilder<'a> {
    server: &'a Server,
    workspace: Workspace,
    options: BuildOptions,
    source: &'a mut Source,
    observer: &'a mut dyn Observer,
    recorder: &'a mut dyn Recorder,
}

impl<'a> WorkspaceBuilder<'a> {
    /// A builder on a server. What is odd goes to `source`.
    pub fn new(
        server: &'a Server,
        workspace: Workspace,
        options: BuildOptions,
        source: &'a mut Source,
        observer: &'a mut dyn Observer,
        recorder: &'a mut dyn Recorder,
    ) -> WorkspaceBuilder<'a> {
        WorkspaceBuilder {
            server,
            workspace,
            options,
            source,
            observer,
            recorder,
        }
    }

    /// Builds it.
    ///
    /// # Errors
    /// [`Error::SessionExists`], before anything is done; whatever else is
    /// wrong with the file, a program it names, or tmux, after what was done
    /// has been taken back.
    pub fn build(mut self) -> Result<Built> {
        settle_folders(&mut self.workspace, self.source);
        let mut facts = Facts::ask(self.server)?;
        if let Some(facts) = &facts {
            if self.options.append_to.is_none() && facts.session(&self.workspace.name).is_some() {
                return Err(self.exists());
            }
            // Whatever can be known to be wrong is found before tmux is touched.
            plan(&self.workspace, &self.ground(facts)?, self.source)?;
        }
        let mut undo = Undo::default();
        let session = match self.options.append_to {
            Some(session) => session,
            None => self.new_session(&mut facts, &mut undo)?,
        };
        let Some(facts) = facts else {
            return Err(Error::Tmux(tmux::Error::NoServer {
                socket: self.server.socket().path().to_owned(),
            }));
        };
        let server = self.server;
        match self.build_in(session, &facts, &mut undo) {
            Ok(built) => Ok(built),
            Err(error) => {
                undo.run(server);
                Err(error)
            }
        }
    }

    fn exists(&self) -> Error {
        Error::SessionExists {
            name: self.workspace.name.clone(),
        }
    }

    fn ground(&self, facts: &Facts) -> Result<Ground> {
        match self.options.append_to {
            Some(session) => facts.ground_in(self.server, session, self.options.skip_existing),
            None => Ok(facts.ground(self.options.size)),
        }
    }

    /// Makes the session, and asks for the facts if no server ran before.
    fn new_session(&mut self, facts: &mut Option<Facts>, undo: &mut Undo) -> Result<SessionId> {
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let command = new_session(&self.workspace, self.options.size, &directory);
        let mut words = render(&command, &|_| String::new());
        words.splice(1..1, ["-P", "-F", "#{session_id}"].map(OsString::from));
        let mut batch = Batch::of(words);
        if facts.is_none() {
            batch.append(Facts::query());
        }
        let (answer, outcome) = self.server.run_whole_blocking(&batch);
        let end = answer
            .iter()
            .position(|b| *b == b'\n')
            .unwrap_or(answer.len());
        let id = std::str::from_utf8(&answer[..end])
            .ok()
            .and_then(|id| id.parse().ok());
        undo.session = id;
        let checked = outcome.and_then(|()| {
            if facts.is_none() {
                *facts = Some(Facts::parse(answer.get(end + 1..).unwrap_or_default())?);
            }
            id.ok_or_else(|| tmux::Error::Unexpected {
                what: format!(
                    "{:?} for a new session's id",
                    String::from_utf8_lossy(&answer[..end])
                ),
            })
        });
        match checked {
            Ok(id) => Ok(id),
            Err(tmux::Error::Refused { message }) if message.starts_with("duplicate session") => {
                Err(self.exists())
            }
            Err(source) => {
                std::mem::take(undo).run(self.server);
                let what = format!("making the session `{}`", self.workspace.name);
                Err(Error::Step { what, source })
            }
        }
    }

    fn build_in(&mut self, session: SessionId, facts: &Facts, undo: &mut Undo) -> Result<Built> {
        let ground = self.ground(facts)?;
        let plan = plan(&self.workspace, &ground, self.source)?;
        let target = self.options.append_to;
        undo.note(self.server, &self.workspace, facts, target)?;
        let windows = plan.windows.len();
        let panes = plan.windows.iter().map(|window| window.keys.len()).sum();
        self.observer.progress(Progress::Session { windows, panes });
        let mut work = Work {
            server: self.server,
            workspace: &self.workspace,
            plan: &plan,
            session,
            pid: facts.pid,
            observer: self.observer,
            undo,
            windows: Vec::new(),
            panes: HashMap::new(),
        };
        work.hook("before_workspace_builder", None)?;
        work.before_script()?;
        let rows = work.make()?;
        work.record(self.recorder)?;
        work.type_keys(rows, facts.version, self.options.ready_timeout, self.source)?;
        work.finish(self.source)?;
        work.hook("before_script", None)?;
        Ok(Built {
            session,
            windows,
            panes,
        })
    }
}
