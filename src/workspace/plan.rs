//! From a workspace to the tmux commands that build it. Pure: what must be
//! known of the server and the terminal comes in as [`PlanContext`].
//!
//! A new session starts with a window that stands in until the real ones are
//! there, so that the first of them too inherits the session's options and
//! variables and gets the index it asks for. Windows are made without
//! becoming current, and addressed by their ids from then on. Before anything is
//! typed the current window is chosen and the stand-in is gone: a `tmux` that is
//! typed without a target means the current window of its session.

use std::collections::BTreeSet;
use std::path::Path;

use super::command::{Command, Word, command};
use super::context::{PlanContext, Size};
use super::error::{Result, Source};
use super::spec::{Folder, Setting, Window, Workspace};
use super::window_plan::{Action, WindowPlan, WindowPlanner, folder, is_synchronize};
use crate::tmux::escape_format;
use crate::tmux::unattached::{DESTROY_UNATTACHED, EXIT_UNATTACHED, ends_unattached};

/// The commands that build a workspace, by phase.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    /// Makes the session; `None` when windows are added to one.
    pub new_session: Option<Command>,
    /// Sets the session up, before any window.
    pub prepare: Vec<Command>,
    /// The windows, in the order of the file.
    pub windows: Vec<WindowPlan>,
    /// Chooses the window that is current while keys are typed, and removes the
    /// stand-in.
    pub start: Vec<Command>,
    /// Chooses the current window, once everything is typed.
    pub finish: Vec<Command>,
    /// Run once a client shows the session: options that would end it before.
    pub on_attach: Vec<Command>,
}

/// The name of the window that stands in until the first real one is there.
pub(super) const STAND_IN: &str = "tvmux-loading";

/// Plans how a workspace is built.
///
/// # Errors
/// When an option does not exist, a layout is not known to this tmux, or
/// panes cannot fit.
pub fn plan(workspace: &Workspace, context: &PlanContext, source: &Source) -> Result<Plan> {
    let planner = Planner {
        workspace,
        context,
        source,
    };
    planner.check()?;
    planner.plan()
}

struct Planner<'a> {
    workspace: &'a Workspace,
    context: &'a PlanContext,
    source: &'a Source,
}

impl Planner<'_> {
    fn check(&self) -> Result<()> {
        for setting in self.workspace.settings() {
            if !self.context.options.knows(&setting.name) {
                let mut message = format!("tmux has no option `{}`", setting.name);
                if let Some(near) =
                    crate::wording::nearest(&setting.name, self.context.options.all())
                {
                    message.push_str(&format!("; did you mean `{near}`?"));
                }
                return Err(self.source.error(setting.mark, message));
            }
        }
        for window in &self.workspace.windows {
            let newer = window.layout.as_ref().filter(|layout| layout.is_mirrored());
            if let Some(layout) = newer
                && !self.context.version.has_mirrored_layouts()
            {
                let message = format!(
                    "`layout`: {layout} needs tmux 3.5, this is {}",
                    self.context.version
                );
                return Err(self.source.error(window.mark, message));
            }
        }
        Ok(())
    }

    fn plan(&self) -> Result<Plan> {
        let chosen = self.chosen_windows();
        let indices = self.indices(&chosen);
        let planner = WindowPlanner {
            workspace: self.workspace,
            context: self.context,
            source: self.source,
            size: self.size(),
        };
        let windows = chosen
            .iter()
            .zip(&indices)
            .enumerate()
            .map(|(place, (number, index))| planner.plan(place, *number, *index))
            .collect::<Result<Vec<_>>>()?;
        let is_new = self.context.append_to.is_none();
        let focused = |plan: &WindowPlan| self.workspace.windows[plan.number].focus;
        let focus = windows.iter().rposition(focused);
        let focus = focus.or((is_new && !windows.is_empty()).then_some(0));
        let mut prepare = Vec::new();
        let mut start: Vec<Command> = focus.map(select).into_iter().collect();
        let mut finish = start.clone();
        if is_new {
            let place = self.stand_in(&indices);
            if place != self.context.base_index {
                let command = command!["move-window", "-d", "-s", Word::StandIn];
                prepare.push([command, command!["-t", Word::Index(place)]].concat());
            }
            // kill-window would renumber the others where that is on.
            start.push(command!["unlink-window", "-k", "-t", Word::StandIn]);
        } else if focus.is_none() && !windows.is_empty() && types_tmux(&windows) {
            // The first of them that is still there.
            start.extend((0..windows.len()).rev().map(select));
            finish.push(command!["select-window", "-t", Word::Previous]);
        }
        prepare.extend(self.settings());
        let globals = self.workspace.global_options.iter();
        finish.extend(
            globals
                .filter(|setting| is_synchronize(setting))
                .map(global_option),
        );
        Ok(Plan {
            name: self.workspace.name.clone(),
            new_session: is_new.then(|| {
                let current = &self.context.current_directory;
                new_session(self.workspace, self.context.size, current)
            }),
            prepare,
            windows,
            start,
            finish,
            on_attach: self.on_attach(),
        })
    }

    /// The size of the windows: as it is given, else as tmux chooses it.
    fn size(&self) -> Size {
        let own = self
            .workspace
            .options
            .iter()
            .rfind(|setting| setting.name == "default-size")
            .and_then(|setting| Size::parse(&setting.value));
        self.context
            .size
            .or(own)
            .unwrap_or(self.context.default_size)
    }

    /// The windows to build: all, but for those that may be skipped.
    fn chosen_windows(&self) -> Vec<usize> {
        let there = |window: &Window| match (&self.context.append_to, &window.name) {
            (Some(session), Some(name)) => session.skip_existing && session.names.contains(name),
            _ => false,
        };
        let windows = self.workspace.windows.iter().enumerate();
        windows
            .filter(|(_, window)| !there(window))
            .map(|(number, _)| number)
            .collect()
    }

    /// The base index once the workspace's own options are set.
    fn base_index(&self) -> u32 {
        let set = |settings: &[Setting]| {
            let last = settings
                .iter()
                .rev()
                .find(|setting| setting.name == "base-index")?;
            last.value.parse().ok()
        };
        set(&self.workspace.options)
            .or_else(|| set(&self.workspace.global_options))
            .unwrap_or(self.context.base_index)
    }

    /// The index of each window: its own, else the lowest that is free.
    fn indices(&self, chosen: &[usize]) -> Vec<u32> {
        let windows = || chosen.iter().map(|number| &self.workspace.windows[*number]);
        let mut taken: BTreeSet<u32> = windows().filter_map(|window| window.index).collect();
        if let Some(session) = &self.context.append_to {
            taken.extend(&session.taken);
        }
        let mut next = self.base_index();
        windows()
            .map(|window| {
                window.index.unwrap_or_else(|| {
                    while !taken.insert(next) {
                        next += 1;
                    }
                    next
                })
            })
            .collect()
    }

    /// Where the stand-in waits: where it is made, if that is free.
    fn stand_in(&self, indices: &[u32]) -> u32 {
        let free = std::iter::once(self.context.base_index).chain(0..);
        free.into_iter()
            .find(|index| !indices.contains(index))
            .unwrap_or(u32::MAX)
    }

    fn settings(&self) -> Vec<Command> {
        let options = self.session_options().filter(|s| !self.waits(s));
        let globals = self.workspace.global_options.iter();
        let globals = globals.filter(|s| !is_synchronize(s) && !self.waits(s));
        let variables = self.workspace.environment.iter().map(|setting| {
            command![
                "set-environment",
                "-t",
                Word::Session,
                "--",
                setting.name.as_str(),
                setting.value.as_str()
            ]
        });
        options
            .map(session_option)
            .chain(globals.map(global_option))
            .chain(variables)
            .collect()
    }

    fn session_options(&self) -> impl Iterator<Item = &Setting> {
        let all = self.workspace.options.iter();
        all.filter(|setting| !self.context.options.is_of_windows(&setting.name))
    }

    /// Whether an option would end a new session that no client shows.
    fn waits(&self, setting: &Setting) -> bool {
        self.context.append_to.is_none() && ends_unattached(&setting.name, &setting.value)
    }

    fn on_attach(&self) -> Vec<Command> {
        if self.context.append_to.is_some() {
            return Vec::new();
        }
        let options = self.session_options().filter(|s| self.waits(s));
        let mut commands: Vec<Command> = options.map(session_option).collect();
        let own = self
            .session_options()
            .any(|setting| setting.name == DESTROY_UNATTACHED);
        let global = self.context.options.value(DESTROY_UNATTACHED);
        if !own && global.is_some_and(|value| value != "off") {
            let command = command!["set-option", "-u", "-t", Word::Session];
            commands.push([command, command![DESTROY_UNATTACHED]].concat());
        }
        let globals = self.workspace.global_options.iter();
        commands.extend(globals.filter(|s| self.waits(s)).map(global_option));
        if self.context.options.value(EXIT_UNATTACHED) == Some("on") {
            commands.push(command!["set-option", "-s", EXIT_UNATTACHED, "on"]);
        }
        commands
    }
}

fn select(place: usize) -> Command {
    command!["select-window", "-t", Word::WindowHere(place)]
}

/// Whether something that is typed may run tmux.
fn types_tmux(windows: &[WindowPlan]) -> bool {
    let actions = windows
        .iter()
        .flat_map(|window| window.keys.iter().flatten());
    actions
        .into_iter()
        .any(|action| matches!(action, Action::Type { text, .. } if text.contains("tmux")))
}

/// Makes the session with the window that stands in.
pub(super) fn new_session(workspace: &Workspace, size: Option<Size>, current: &Path) -> Command {
    let mut command = command!["new-session", "-d", "-s", escape_format(&workspace.name)];
    command.extend(command!["-n", STAND_IN]);
    if let Some(Size { columns, rows }) = size {
        command.extend(command!["-x", columns.to_string(), "-y", rows.to_string()]);
    }
    if let Some(Folder { path, .. }) = &workspace.start_directory {
        command.extend(command!["-c", folder(current, path)]);
    }
    // Two words and more are run without a shell.
    command.extend(command!["--", "sleep", "2147483647"]);
    command
}

fn session_option(setting: &Setting) -> Command {
    let command = command!["set-option", "-t", Word::Session, "--"];
    let value = command![setting.name.as_str(), setting.value.as_str()];
    [command, value].concat()
}

fn global_option(setting: &Setting) -> Command {
    command![
        "set-option",
        "-g",
        "--",
        setting.name.as_str(),
        setting.value.as_str()
    ]
}
