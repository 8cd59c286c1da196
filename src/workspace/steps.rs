//! A build under way: the session is there, the rest is made, typed into and
//! finished.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::command::{Command, Word, render};
use super::error::{Error, Location, Result, Source};
use super::observer::{Observer, Progress, RecordRequest, Recorder};
use super::plan::Plan;
use super::script::{ScriptEnv, run_before_script, run_hook};
use super::spec::{Setting, Workspace};
use super::typing::{Target, Typer};
use super::undo::Undo;
use crate::tmux::{self, Batch, Fields, PaneId, Server, SessionId, Version, WindowId};

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
}

/// What programs of a workspace are told: the session by name, the file, and
/// the server, so that a plain `tmux` reaches it.
fn env(server: &Server, workspace: &Workspace, session: SessionId, pid: u32) -> ScriptEnv {
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
    let env = env(server, workspace, session, server_pid);
    run_hook(hook, line, &env, output)
}

/// A pane as tmux gives it: id, process, terminal.
pub(super) struct PaneRow {
    window: usize,
    pane: usize,
    id: PaneId,
    pid: u32,
    tty: PathBuf,
    is_zoomed: bool,
}

impl BuildSteps<'_> {
    fn words(&self, command: &Command) -> Vec<OsString> {
        render(command, &|word| self.name(word))
    }

    fn name(&self, word: &Word) -> String {
        match word {
            Word::Text(text) => text.clone(),
            Word::Session => format!("{}:", self.session),
            Word::Window(index) => format!("{}:{index}", self.session),
            Word::Pane(window, pane) => match self.panes.get(&(*window, *pane)) {
                Some(id) => id.to_string(),
                None => String::new(),
            },
        }
    }

    fn env(&self, window: Option<WindowId>) -> ScriptEnv {
        let mut env = env(self.server, self.workspace, self.session, self.pid);
        if let Some(window) = window {
            let window = ("TVMUX_WINDOW", window.to_string().into());
            env.variables.push(window);
        }
        env
    }

    /// Runs the hook of this name, if the workspace has it.
    pub fn hook(&mut self, name: &'static str, window: Option<WindowId>) -> Result<()> {
        let Some((hook, line)) = self.workspace.hooks.iter().find(|(hook, _)| *hook == name) else {
            return Ok(());
        };
        let env = self.env(window);
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
        let mut env = self.env(None);
        // It is a program of the user's own, started as from their shell.
        env.variables.clear();
        run_before_script(script, &env, &mut |line| self.observer.output(line))?;
        self.stop_if_interrupted()
    }

    /// Makes all windows and panes; gives the panes.
    pub fn make(&mut self) -> Result<Vec<PaneRow>> {
        let mut batch = Batch::new();
        for command in &self.plan.prepare {
            batch.push(self.words(command));
        }
        for (place, window) in self.plan.windows.iter().enumerate() {
            for command in &window.create {
                let words = self.words(command);
                batch.push(words);
            }
            if self.has_hook("on_window_create") {
                self.run(std::mem::take(&mut batch))?;
                let id = self.windows.get(place).copied();
                self.hook("on_window_create", id)?;
            }
            for command in &window.panes {
                batch.push(self.words(command));
            }
        }
        // Lines that are no window's id, so they can share the answer.
        batch.push(self.pane_query());
        let answer = self.run(batch)?;
        let rows = self.panes_in(&answer)?;
        for row in &rows {
            self.panes.insert((row.window, row.pane), row.id);
        }
        for (place, window) in self.plan.windows.iter().enumerate() {
            let made = rows.iter().filter(|row| row.window == place).count();
            let name = self.window_name(place);
            self.observer.progress(Progress::Window {
                name: &name,
                panes: made.min(window.keys.len()),
            });
        }
        Ok(rows)
    }

    fn window_name(&self, place: usize) -> String {
        let window = &self.plan.windows[place];
        let name = self.workspace.windows[window.number].name.clone();
        name.unwrap_or_else(|| window.index.to_string())
    }

    /// Runs commands; notes the windows they make.
    fn run(&mut self, batch: Batch) -> Result<Vec<u8>> {
        if batch.is_empty() {
            return Ok(Vec::new());
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
        self.stop_if_interrupted()?;
        Ok(answer)
    }

    /// Finds what in the file tmux refused: it ends its messages about options
    /// with the name or the value.
    fn explain(&self, error: tmux::Error) -> Error {
        if let tmux::Error::Refused { message } = &error {
            let settings = self.workspace.settings();
            let about = |setting: &&&Setting| {
                [&setting.value, &setting.name].iter().any(|text| {
                    let end = message.strip_suffix(text.as_str());
                    !text.is_empty() && end.is_some_and(|start| start.ends_with(": "))
                })
            };
            let numeric = message.starts_with("value is");
            let about_number =
                |setting: &&&Setting| numeric && message.contains(&format!(": {}", setting.value));
            if let Some(setting) = settings
                .iter()
                .find(about)
                .or_else(|| settings.iter().find(about_number))
            {
                return Error::ConfigError {
                    place: Location {
                        path: self.workspace.path.clone(),
                        mark: setting.mark,
                    },
                    message: format!(
                        "tmux takes no `{}` for option `{}` ({message})",
                        setting.value, setting.name
                    ),
                };
            }
        }
        Error::Step {
            what: self.whereabouts(),
            source: error,
        }
    }

    /// What was being made when tmux refused.
    fn whereabouts(&self) -> String {
        let made = self.windows.len();
        match made.checked_sub(1) {
            Some(last) => format!(
                "building window `{}` (or the one after it)",
                self.window_name(last)
            ),
            None => format!("setting up the session `{}`", self.plan.name),
        }
    }

    fn list_panes(&self) -> Result<Vec<PaneRow>> {
        let answer = self.server.run_blocking(&Batch::of(self.pane_query()))?;
        self.panes_in(&answer)
    }

    fn pane_query(&self) -> [String; 6] {
        let session = format!("{}:", self.session);
        let format = pane_fields().format().to_owned();
        ["list-panes", "-s", "-t", &session, "-F", &format].map(str::to_owned)
    }

    /// Reads the panes of the plan's windows from an answer that may start
    /// with the ids of new windows.
    fn panes_in(&self, answer: &[u8]) -> Result<Vec<PaneRow>> {
        let lines = answer.split_inclusive(|b| *b == b'\n');
        let answer: Vec<u8> = lines
            .filter(|line| line.contains(&b'\t'))
            .flatten()
            .copied()
            .collect();
        let mut counts = HashMap::new();
        let mut rows = Vec::new();
        for mut row in pane_fields().parse(&answer)? {
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
                is_zoomed: row.flag(),
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
            recorder.start(request).map_err(|source| Error::Record {
                window: self.window_name(place),
                source,
            })?;
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
            let mut target = Target::new(row.id, row.pid, row.tty, actions);
            target.window = row.window;
            target.synchronized = window.synchronized;
            targets.push(target);
        }
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
        if !self.has_hook("after_window_finished") {
            let windows = self.plan.windows.iter().flat_map(|window| &window.finish);
            let mut batch = Batch::new();
            for command in windows.chain(&self.plan.finish) {
                batch.push(self.words(command));
            }
            let (_, outcome) = self.server.run_whole_blocking(&batch);
            let is_gone = |error: &tmux::Error| match error {
                tmux::Error::Refused { message } => message.contains("can't find"),
                _ => false,
            };
            match outcome {
                Ok(()) => return self.stop_if_interrupted(),
                Err(error) if !is_gone(&error) => return Err(self.explain(error)),
                // Done again below, without what is gone.
                Err(_) => return self.finish_what_is_left(true, source),
            }
        }
        self.finish_what_is_left(false, source)
    }

    /// The same, after a look at what has closed by itself meanwhile. When it
    /// is done `again`, a zoomed window is finished: zooming comes last, and
    /// twice would undo it.
    fn finish_what_is_left(&mut self, again: bool, source: &mut Source) -> Result<()> {
        let alive: Vec<PaneRow> = self.list_panes()?;
        let lives = |window: usize| alive.iter().any(|row| row.window == window);
        let pane_lives = |id: Option<&PaneId>| alive.iter().any(|row| Some(&row.id) == id);
        if !self.plan.windows.is_empty() && !(0..self.plan.windows.len()).any(lives) {
            let what = format!("every window of `{}` closed by itself", self.plan.name);
            let source = tmux::Error::Refused {
                message: "no window is left".into(),
            };
            return Err(Error::Step { what, source });
        }
        let mut batch = Batch::new();
        for (place, window) in self.plan.windows.iter().enumerate() {
            if !lives(place) {
                let mark = self.workspace.windows[window.number].mark;
                source.warn(
                    mark,
                    format!("window `{}` closed by itself", self.window_name(place)),
                );
                continue;
            }
            let is_done = again && alive.iter().any(|row| row.window == place && row.is_zoomed);
            for command in window.finish.iter().filter(|_| !is_done) {
                let gone = command.iter().any(|word| match word {
                    Word::Pane(window, pane) => !pane_lives(self.panes.get(&(*window, *pane))),
                    _ => false,
                });
                if !gone {
                    batch.push(self.words(command));
                }
            }
            if self.has_hook("after_window_finished") {
                self.run(std::mem::take(&mut batch))?;
                let id = self.windows.get(place).copied();
                self.hook("after_window_finished", id)?;
            }
        }
        for command in &self.plan.finish {
            let gone = command.iter().any(|word| match word {
                Word::Window(index) => self
                    .plan
                    .windows
                    .iter()
                    .position(|window| window.index == *index)
                    .is_some_and(|place| !lives(place)),
                _ => false,
            });
            if !gone {
                batch.push(self.words(command));
            }
        }
        self.run(batch)?;
        Ok(())
    }
}

/// Ids and numbers, and a path that tmux makes: none holds a TAB.
fn pane_fields() -> Fields {
    Fields::new(Version::OLDEST).plain([
        "window_id",
        "pane_id",
        "pane_pid",
        "pane_tty",
        "window_zoomed_flag",
    ])
}
