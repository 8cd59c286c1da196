//! A build under way: the session is there, the rest is made, typed into and
//! finished.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::command::{Command, Word, command, render};
use super::context::Size;
use super::error::{Error, Result, Source};
use super::observer::{Observer, Progress, RecordRequest, Recorder};
use super::on_attach::{MainLayout, OnAttach};
use super::plan::Plan;
use super::script::{ScriptEnv, run_before_script, run_hook};
use super::spec::Workspace;
use super::typing::{Target, Typer};
use super::undo::Undo;
use crate::tmux::{Batch, Fields, PaneId, Server, SessionId, Version, WindowId};

/// A build under way.
pub(super) struct BuildSteps<'a> {
    pub server: &'a Server,
    pub workspace: &'a Workspace,
    pub plan: &'a Plan,
    pub session: SessionId,
    pub pid: u32,
    pub observer: &'a mut dyn Observer,
    pub undo: &'a mut Undo,
    /// The ids of the plan's windows.
    pub windows: Vec<WindowId>,
    /// The ids of the plan's panes, by window and pane.
    pub panes: HashMap<(usize, usize), PaneId>,
    /// The sizes of the plan's windows.
    pub sizes: HashMap<usize, Size>,
    /// The window that stands in, in a new session.
    pub stand_in: Option<WindowId>,
    /// The current window of a session that windows are added to.
    pub previous: Option<WindowId>,
    /// The windows that were found to have closed.
    pub closed: HashSet<WindowId>,
}

/// What programs of a workspace are told: the session by name, the file, and
/// the server, so that a plain `tmux` reaches it.
fn script_env(server: &Server, workspace: &Workspace, session: SessionId, pid: u32) -> ScriptEnv {
    let mut tmux = server.socket().path().as_os_str().to_owned();
    tmux.push(format!(",{pid},{}", session.0));
    let folder = workspace.start_directory.as_ref();
    ScriptEnv {
        folder: folder.map(|folder| folder.path.clone()),
        variables: vec![
            ("TMUX", tmux),
            ("TVMUX_SESSION", OsString::from(&workspace.name)),
            ("TVMUX_WORKSPACE", workspace.path.clone().into_os_string()),
        ],
    }
}

/// Runs the `reattach` hook of a workspace whose session runs already.
///
/// # Errors
/// When the hook fails.
pub fn run_reattach_hook(
    server: &Server,
    workspace: &Workspace,
    session: SessionId,
    server_pid: u32,
    output: &mut dyn FnMut(&str),
) -> Result<()> {
    let hook = workspace.hooks.iter().find(|(hook, _)| *hook == "reattach");
    let Some((hook, line)) = hook else {
        return Ok(());
    };
    let env = script_env(server, workspace, session, server_pid);
    run_hook(hook, line, &env, output)
}

/// A pane as tmux gives it: id, process, terminal.
pub(super) struct PaneRow {
    window: usize,
    pane: usize,
    id: PaneId,
    pid: u32,
    tty: PathBuf,
    /// The size of the window.
    size: Size,
}

impl BuildSteps<'_> {
    /// A command as tmux gets it; `None` when it is for what was never made.
    fn words(&self, command: &Command) -> Option<Vec<OsString>> {
        render(command, &|word| self.name(word))
    }

    /// How tmux knows a target: by its id. A window is named in its session
    /// where that matters: others may hold it too.
    fn name(&self, word: &Word) -> Option<String> {
        let here = |window: Option<&WindowId>| Some(format!("{}:{}", self.session, window?));
        match word {
            Word::Text(text) => Some(text.clone()),
            Word::Folder(_) => None,
            Word::Session => Some(format!("{}:", self.session)),
            Word::Index(index) => Some(format!("{}:{index}", self.session)),
            Word::StandIn => here(self.stand_in.as_ref()),
            Word::Previous => here(self.previous.as_ref()),
            Word::WindowHere(place) => here(self.windows.get(*place)),
            Word::Window(place) => self.windows.get(*place).map(WindowId::to_string),
            Word::Pane(window, pane) => self.panes.get(&(*window, *pane)).map(PaneId::to_string),
        }
    }

    fn script_env(&self, window: Option<WindowId>) -> ScriptEnv {
        let mut env = script_env(self.server, self.workspace, self.session, self.pid);
        if let Some(window) = window {
            env.variables
                .push(("TVMUX_WINDOW", window.to_string().into()));
        }
        env
    }

    /// Runs the hook of this name, if the workspace has it.
    pub fn hook(&mut self, name: &'static str, window: Option<WindowId>) -> Result<()> {
        let Some((hook, line)) = self.workspace.hooks.iter().find(|(hook, _)| *hook == name) else {
            return Ok(());
        };
        let env = self.script_env(window);
        run_hook(hook, line, &env, &mut |line| self.observer.output(line))?;
        self.stop_if_interrupted()
    }

    fn has_hook(&self, name: &str) -> bool {
        self.workspace.hooks.iter().any(|(hook, _)| *hook == name)
    }

    fn stop_if_interrupted(&self) -> Result<()> {
        match self.observer.interrupted() {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }

    /// Runs the workspace's `before_script`, if it has one.
    pub fn before_script(&mut self) -> Result<()> {
        let Some(script) = &self.workspace.before_script else {
            return self.stop_if_interrupted();
        };
        self.observer.progress(Progress::Script);
        let mut env = self.script_env(None);
        // It is a program of the user's own, started as from their shell.
        env.variables.clear();
        run_before_script(script, &env, &mut |line| self.observer.output(line))?;
        self.stop_if_interrupted()
    }

    /// Makes all windows and panes, and chooses the window that is current while
    /// keys are typed. Gives the panes.
    pub fn make(&mut self) -> Result<Vec<PaneRow>> {
        let plan = self.plan;
        let mut rest: Vec<Command> = Vec::new();
        if self.has_hook("on_window_create") {
            self.create(plan.prepare.iter())?;
            for (place, window) in plan.windows.iter().enumerate() {
                self.create([&window.create])?;
                self.run(window.options.clone())?;
                let id = self.windows.get(place).copied();
                self.hook("on_window_create", id)?;
                self.run(window.panes.clone())?;
            }
        } else {
            let windows = plan.windows.iter().map(|window| &window.create);
            self.create(plan.prepare.iter().chain(windows))?;
            for window in &plan.windows {
                rest.extend(window.options.iter().chain(&window.panes).cloned());
            }
        }
        rest.extend(plan.start.iter().cloned());
        rest.push(self.pane_query());
        let answer = self.run(rest)?;
        let rows = self.panes_in(&answer)?;
        for row in &rows {
            self.panes.insert((row.window, row.pane), row.id);
            self.sizes.insert(row.window, row.size);
        }
        for (place, window) in plan.windows.iter().enumerate() {
            let made = rows.iter().filter(|row| row.window == place).count();
            let name = self.window_name(place);
            self.observer.progress(Progress::Window {
                name: &name,
                panes: made.min(window.keys.len()),
            });
        }
        Ok(rows)
    }

    pub(super) fn window_name(&self, place: usize) -> String {
        let window = &self.plan.windows[place];
        let name = self.workspace.windows[window.number].name.clone();
        name.unwrap_or_else(|| window.index.to_string())
    }

    /// Runs commands that may make windows, and notes their ids.
    fn create<'c>(&mut self, commands: impl IntoIterator<Item = &'c Command>) -> Result<()> {
        let mut batch = Batch::new();
        for words in commands
            .into_iter()
            .filter_map(|command| self.words(command))
        {
            batch.push(words);
        }
        let (answer, outcome) = self.server.run_whole_blocking(&batch);
        for line in String::from_utf8_lossy(&answer).lines() {
            if let Ok(window) = line.parse() {
                self.windows.push(window);
                if self.undo.session.is_none() {
                    self.undo.windows.push(window);
                }
            }
        }
        outcome.map_err(|error| self.explain(error))?;
        self.stop_if_interrupted()
    }

    /// Runs commands for what is there. A window or pane that has closed by
    /// itself, or by what was typed, is no error: what was meant for it is left
    /// out.
    fn run(&mut self, commands: Vec<Command>) -> Result<Vec<u8>> {
        let mut rest: VecDeque<Vec<OsString>> = commands
            .iter()
            .filter_map(|command| self.words(command))
            .collect();
        let mut printed = Vec::new();
        while !rest.is_empty() {
            let mut batch = Batch::new();
            for words in &rest {
                batch.push(words);
            }
            let (answer, outcome) = self.server.run_whole_blocking(&batch);
            printed.extend(answer);
            let error = match outcome {
                Ok(()) => break,
                Err(error) => error,
            };
            let Some(gone) = Self::gone(&error) else {
                return Err(self.failed(error));
            };
            let is_for_it = |words: &Vec<OsString>| {
                let mut words = words.iter().filter_map(|word| word.to_str());
                words.any(|word| word == gone || word.ends_with(&format!(":{gone}")))
            };
            // tmux stops at the first that fails: those before it are done.
            let Some(failed) = rest.iter().position(is_for_it) else {
                return Err(self.failed(error));
            };
            rest.drain(..=failed);
            rest.retain(|words| !is_for_it(words));
            if let Ok(window) = gone.parse() {
                self.closed.insert(window);
            }
        }
        self.stop_if_interrupted()?;
        Ok(printed)
    }

    fn list_panes(&self) -> Result<Vec<PaneRow>> {
        let query = Batch::of(self.words(&self.pane_query()).unwrap_or_default());
        match self.server.run_blocking(&query) {
            Ok(answer) => self.panes_in(&answer),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn pane_query(&self) -> Command {
        let format = pane_fields().format().to_owned();
        command!["list-panes", "-s", "-t", Word::Session, "-F", format]
    }

    /// Reads the panes of the plan's windows.
    fn panes_in(&self, answer: &[u8]) -> Result<Vec<PaneRow>> {
        let mut counts = HashMap::new();
        let mut rows = Vec::new();
        for mut row in pane_fields().parse(answer)? {
            let window: WindowId = row.get()?;
            let Some(window) = self.windows.iter().position(|known| *known == window) else {
                continue;
            };
            let count = counts.entry(window).or_insert(0usize);
            rows.push(PaneRow {
                window,
                pane: *count,
                id: row.get()?,
                pid: row.get()?,
                tty: PathBuf::from(row.text()),
                size: Size {
                    columns: row.get()?,
                    rows: row.get()?,
                },
            });
            *count += 1;
        }
        Ok(rows)
    }

    /// Starts the recordings that the workspace asks for.
    pub fn record(&mut self, recorder: &mut dyn Recorder) -> Result<()> {
        for (place, planned) in self.plan.windows.iter().enumerate() {
            let window = &self.workspace.windows[planned.number];
            let (Some(record), Some(id)) = (&window.record, self.windows.get(place)) else {
                continue;
            };
            let request = RecordRequest {
                server: self.server,
                session: self.session,
                window: *id,
                record,
            };
            let Err(error) = recorder.start(request) else {
                continue;
            };
            // One that has closed meanwhile has nothing to be recorded.
            if self.list_panes()?.iter().any(|row| row.window == place) {
                return Err(Error::Record {
                    window: self.window_name(place),
                    source: error,
                });
            }
            self.closed.insert(*id);
        }
        Ok(())
    }

    /// Types the commands of all panes, each once its shell is ready.
    pub fn type_keys(
        &mut self,
        rows: Vec<PaneRow>,
        version: Version,
        timeout: Duration,
        source: &mut Source,
    ) -> Result<()> {
        let mut targets = Vec::new();
        for row in rows {
            let window = &self.plan.windows[row.window];
            let actions = window.keys.get(row.pane).cloned().unwrap_or_default();
            if actions.is_empty() {
                self.observer.progress(Progress::Pane);
            }
            if actions.is_empty() && !window.synchronized {
                continue;
            }
            targets.push(Target {
                pane: row.id,
                pid: row.pid,
                tty: row.tty,
                window: row.window,
                synchronized: window.synchronized,
                finished: actions.is_empty(),
                actions: actions.into(),
                ready: false,
                line: None,
                until: None,
            });
        }
        let line_timeout = timeout;
        let timeout = if self.workspace.waits {
            timeout
        } else {
            Duration::ZERO
        };
        let observer = RefCell::new(&mut *self.observer);
        let typer = Typer {
            server: self.server,
            session: self.session,
            version,
            timeout,
            line_timeout,
            done: &mut |_| observer.borrow_mut().progress(Progress::Pane),
            interrupted: &|| observer.borrow().interrupted(),
        };
        let outcome = typer.run(targets)?;
        for (panes, what) in [
            (outcome.closed, "closed before all its commands were typed"),
            (
                outcome.late,
                "did not read its terminal in time; its commands were typed anyway",
            ),
        ] {
            for pane in panes.iter().filter(|_| self.workspace.waits) {
                let place = self
                    .panes
                    .iter()
                    .find(|(_, id)| *id == pane)
                    .map(|(place, _)| *place);
                let Some((window, number)) = place else {
                    continue;
                };
                let mark = self.workspace.windows[self.plan.windows[window].number].mark;
                let name = self.window_name(window);
                source.warn(
                    mark,
                    format!("pane {} of window `{name}` {what}", number + 1),
                );
            }
        }
        Ok(())
    }

    /// Sets what comes after typing, and the current window.
    pub fn finish(&mut self, source: &mut Source) -> Result<()> {
        let plan = self.plan;
        let mut rest: Vec<Command> = Vec::new();
        for (place, window) in plan.windows.iter().enumerate() {
            if !self.has_hook("after_window_finished") {
                rest.extend(window.finish.iter().cloned());
                continue;
            }
            self.run(window.finish.clone())?;
            let id = self.windows.get(place).copied();
            if self.list_panes()?.iter().any(|row| row.window == place) {
                self.hook("after_window_finished", id)?;
            }
        }
        rest.extend(plan.finish.iter().cloned());
        self.run(rest)?;
        self.warn_of_closed(source)
    }

    /// Names the windows that were found to have closed. That all of a new
    /// session have, is an error: then nothing was built.
    fn warn_of_closed(&self, source: &mut Source) -> Result<()> {
        if self.closed.is_empty() {
            return Ok(());
        }
        for (place, id) in self.windows.iter().enumerate() {
            if self.closed.contains(id) {
                let mark = self.workspace.windows[self.plan.windows[place].number].mark;
                let name = self.window_name(place);
                source.warn(mark, format!("window `{name}` closed by itself"));
            }
        }
        if self.undo.session.is_some() {
            self.list_panes()?;
        }
        Ok(())
    }

    /// What to do once a client shows the session.
    pub fn on_attach(&self) -> OnAttach {
        let mut options = Batch::new();
        for words in self
            .plan
            .on_attach
            .iter()
            .filter_map(|command| self.words(command))
        {
            options.push(words);
        }
        let windows = self.windows.iter().zip(&self.plan.windows).enumerate();
        let layouts = windows.filter_map(|(place, (id, plan))| {
            Some(MainLayout {
                window: *id,
                layout: plan.main_layout.clone()?,
                size: *self.sizes.get(&place)?,
            })
        });
        OnAttach {
            session: self.session,
            options,
            layouts: layouts.collect(),
        }
    }
}

/// Ids and numbers, and a path that tmux makes: none holds a TAB.
fn pane_fields() -> Fields {
    Fields::new(Version::OLDEST).plain([
        "window_id",
        "pane_id",
        "pane_pid",
        "pane_tty",
        "window_width",
        "window_height",
    ])
}
