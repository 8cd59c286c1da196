//! Builds a workspace on a tmux server.
//!
//! The session is made first, with a window that stands in; then everything
//! else goes to tmux in one invocation, parted only where the file asks for a
//! program of its own in between. Whatever fails, what was made is taken back
//! before the error is given.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::command::{Word, command, render};
use super::context::{PlanContext, Size};
use super::error::{Error, Result, Source};
use super::missing_folders::replace_missing_folders;
use super::observer::{Observer, Progress, Recorder};
use super::on_attach::OnAttach;
use super::plan::{new_session, plan};
use super::server_info::{Query, ServerInfo};
use super::spec::Workspace;
use super::steps::BuildSteps;
use super::undo::Undo;
use crate::tmux::unattached::{DESTROY_UNATTACHED, EXIT_UNATTACHED};
use crate::tmux::{self, Batch, Server, SessionId, WindowId};

/// How a workspace is built.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The size of a new session's windows; tmux chooses it when there is none.
    pub size: Option<Size>,
    /// Whether a client is going to show a new session right after the build.
    pub attaches: bool,
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
            size: None,
            attaches: false,
            ready_timeout: Duration::from_secs(5),
            append_to: None,
            skip_existing: false,
        }
    }
}

/// The session that was built, and what is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub session: SessionId,
    /// How many windows were made.
    pub windows: usize,
    /// How many panes were made.
    pub panes: usize,
    /// What waits until a client shows the session.
    pub on_attach: OnAttach,
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
        let info = ServerInfo::ask(self.server)?;
        if let Some(info) = &info {
            if self.options.append_to.is_none() && info.session(&self.workspace.name).is_some() {
                return Err(self.exists());
            }
            // Whatever can be known to be wrong is found before tmux is touched.
            plan(&self.workspace, &self.plan_context(info)?, self.source)?;
        }
        let mut undo = Undo::default();
        let (made, info) = match (self.options.append_to, info) {
            (Some(session), Some(info)) => (Made::there(session), info),
            (Some(_), None) => {
                return Err(Error::Tmux(tmux::Error::NoServer {
                    socket: self.server.socket().path().to_owned(),
                }));
            }
            (None, info) => self.new_session(info, &mut undo)?,
        };
        let server = self.server;
        self.build_in(made, &info, &mut undo)
            .inspect_err(|_| undo.run(server))
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

    /// Makes the session, and asks for the server's info if none ran before.
    fn new_session(
        &self,
        known: Option<ServerInfo>,
        undo: &mut Undo,
    ) -> Result<(Made, ServerInfo)> {
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let default_size = || known.as_ref().map(ServerInfo::default_size);
        let size = self.options.size.or_else(default_size);
        let command = new_session(&self.workspace, size, &directory);
        let mut words = render(&command, &|word| match word {
            Word::Text(text) => Some(text.clone()),
            _ => None,
        })
        .unwrap_or_default();
        let print = ["-P", "-F", "#{session_id} #{window_id}"].map(OsString::from);
        words.splice(1..1, print);
        let mut batch = Batch::of(words);
        let held = known.as_ref().is_none_or(ServerInfo::destroys_unattached);
        if held {
            // At once: tmux looks for sessions to destroy as soon as it is done
            // with these commands. The newest session is the one that is meant
            // where none is named, and a name may look like something else.
            batch.push(["set-option", DESTROY_UNATTACHED, "off"]);
        }
        let query = Query::new();
        if known.is_none() {
            batch.append(query.batch());
            let off = Batch::of(["set-option", "-s", EXIT_UNATTACHED, "off"]);
            let is_on = format!("#{{{EXIT_UNATTACHED}}}");
            batch.push(["if-shell", "-F", &is_on, &off.to_string()]);
        }
        let (answer, outcome) = self.server.run_whole_blocking(&batch);
        let end = memchr::memchr(b'\n', &answer).unwrap_or(answer.len());
        let line = String::from_utf8_lossy(&answer[..end]).into_owned();
        let ids = line.split_once(' ');
        let ids =
            ids.and_then(|(session, window)| Some((session.parse().ok()?, window.parse().ok()?)));
        undo.session = ids.map(|(session, _)| session);
        let checked = outcome.and_then(|()| {
            let info = match known {
                Some(info) => info,
                None => query.parse(answer.get(end + 1..).unwrap_or_default())?,
            };
            let (session, stand_in) = ids.ok_or_else(|| tmux::Error::Unexpected {
                what: format!("{line:?} for the ids of a new session"),
            })?;
            let made = Made {
                session,
                stand_in: Some(stand_in),
                held,
            };
            Ok((made, info))
        });
        let error = match checked {
            Ok((made, info)) if info.options.value(EXIT_UNATTACHED) != Some("on") => {
                return Ok((made, info));
            }
            Ok((made, info)) if self.options.attaches => {
                undo.restore
                    .push(["set-option", "-s", EXIT_UNATTACHED, "on"]);
                return Ok((made, info));
            }
            Ok(_) => Error::EndsUnattached {
                name: self.workspace.name.clone(),
            },
            Err(tmux::Error::Refused { message }) if message.starts_with("duplicate session") => {
                return Err(self.exists());
            }
            Err(source) => Error::Step {
                what: format!("making the session `{}`", self.workspace.name),
                source,
            },
        };
        std::mem::take(undo).run(self.server);
        Err(error)
    }

    fn build_in(&mut self, made: Made, info: &ServerInfo, undo: &mut Undo) -> Result<Built> {
        let Made {
            session,
            stand_in,
            held,
        } = made;
        let context = self.plan_context(info)?;
        let mut plan = plan(&self.workspace, &context, self.source)?;
        if held && !info.destroys_unattached() {
            // It was not known that nothing has to be held.
            let command = command!["set-option", "-u", "-t", Word::Session];
            let command = [command, command![DESTROY_UNATTACHED]].concat();
            plan.prepare.insert(0, command);
        }
        let target = self.options.append_to;
        undo.note(self.server, &self.workspace, info, target)?;
        let windows = plan.windows.len();
        let panes = plan.windows.iter().map(|window| window.keys.len()).sum();
        self.observer.progress(Progress::Session { windows, panes });
        let mut steps = BuildSteps {
            server: self.server,
            workspace: &self.workspace,
            plan: &plan,
            session,
            pid: info.pid,
            observer: self.observer,
            undo,
            windows: Vec::new(),
            panes: HashMap::new(),
            sizes: HashMap::new(),
            stand_in,
            previous: context.append_to.and_then(|session| session.current),
            closed: HashSet::new(),
        };
        steps.hook("before_workspace_builder", None)?;
        steps.before_script()?;
        let rows = steps.make()?;
        steps.record(self.recorder)?;
        steps.type_keys(rows, info.version, self.options.ready_timeout, self.source)?;
        steps.finish(self.source)?;
        steps.hook("before_script", None)?;
        Ok(Built {
            session,
            windows,
            panes,
            on_attach: steps.on_attach(),
        })
    }
}

/// A session that windows are made in.
struct Made {
    session: SessionId,
    /// The window of a new session that stands in for those of the file.
    stand_in: Option<WindowId>,
    /// Whether `destroy-unattached` was set off for it.
    held: bool,
}

impl Made {
    /// A session that was there before.
    fn there(session: SessionId) -> Made {
        Made {
            session,
            stand_in: None,
            held: false,
        }
    }
}
