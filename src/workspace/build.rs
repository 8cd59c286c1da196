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
use super::context::{PlanContext, Size};
use super::error::{Error, Result, Source};
use super::missing_folders::replace_missing_folders;
use super::observer::{Observer, Progress, Recorder};
use super::plan::{new_session, plan};
use super::server_info::{Query, ServerInfo};
use super::spec::Workspace;
use super::steps::BuildSteps;
use super::undo::Undo;
use crate::tmux::{self, Batch, Server, SessionId};

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
        replace_missing_folders(&mut self.workspace, self.source);
        let mut info = ServerInfo::ask(self.server)?;
        if let Some(info) = &info {
            if self.options.append_to.is_none() && info.session(&self.workspace.name).is_some() {
                return Err(self.exists());
            }
            // Whatever can be known to be wrong is found before tmux is touched.
            plan(&self.workspace, &self.plan_context(info)?, self.source)?;
        }
        let mut undo = Undo::default();
        let session = match self.options.append_to {
            Some(session) => session,
            None => self.new_session(&mut info, &mut undo)?,
        };
        let Some(info) = info else {
            return Err(Error::Tmux(tmux::Error::NoServer {
                socket: self.server.socket().path().to_owned(),
            }));
        };
        let server = self.server;
        match self.build_in(session, &info, &mut undo) {
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

    fn plan_context(&self, info: &ServerInfo) -> Result<PlanContext> {
        match self.options.append_to {
            Some(session) => info.plan_context_in(self.server, session, self.options.skip_existing),
            None => Ok(info.plan_context(self.options.size)),
        }
    }

    /// Makes the session, and asks for the info if no server ran before.
    fn new_session(&mut self, info: &mut Option<ServerInfo>, undo: &mut Undo) -> Result<SessionId> {
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let command = new_session(&self.workspace, self.options.size, &directory);
        let mut words = render(&command, &|_| String::new());
        words.splice(1..1, ["-P", "-F", "#{session_id}"].map(OsString::from));
        let mut batch = Batch::of(words);
        let query = Query::new();
        if info.is_none() {
            batch.append(query.batch());
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
            if info.is_none() {
                *info = Some(query.parse(answer.get(end + 1..).unwrap_or_default())?);
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

    fn build_in(
        &mut self,
        session: SessionId,
        info: &ServerInfo,
        undo: &mut Undo,
    ) -> Result<Built> {
        let context = self.plan_context(info)?;
        let plan = plan(&self.workspace, &context, self.source)?;
        let target = self.options.append_to;
        undo.note(self.server, &self.workspace, info, target)?;
        let windows = plan.windows.len();
        let panes = plan.windows.iter().map(|window| window.keys.len()).sum();
        self.observer.progress(Progress::Session { windows, panes });
        let mut work = BuildSteps {
            server: self.server,
            workspace: &self.workspace,
            plan: &plan,
            session,
            pid: info.pid,
            observer: self.observer,
            undo,
            windows: Vec::new(),
            panes: HashMap::new(),
        };
        work.hook("before_workspace_builder", None)?;
        work.before_script()?;
        let rows = work.make()?;
        work.record(self.recorder)?;
        work.type_keys(rows, info.version, self.options.ready_timeout, self.source)?;
        work.finish(self.source)?;
        work.hook("before_script", None)?;
        Ok(Built {
            session,
            windows,
            panes,
        })
    }
}
