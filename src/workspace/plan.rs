//! From a workspace to the tmux commands that build it. Pure: what must be
//! known of the server and the terminal comes in as [`PlanContext`].
//!
//! A new session starts with a window that stands in until the real ones are
//! there, so that the first of them too inherits the session's options and
//! variables and gets the index it asks for. Windows are made without
//! becoming current; inside a window the newest pane is the active one, so
//! `session:index` names it until ids are known.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::error::{Result, Source};

use super::command::{Command, Word, command};
use super::context::{PlanContext, Size};
use super::spec::{Folder, Pane, Setting, Synchronize, Window, Workspace};
use super::splits::splits;
use crate::tmux::{escape_format, needs_renaming};

/// The commands that build a workspace, by phase.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The session's name.
    pub name: String,
    /// Makes the session; `None` when windows are added to one.
    pub new_session: Option<Command>,
    /// Sets the session up, before any window.
    pub prepare: Vec<Command>,
    /// The windows, in the order of the file.
    pub windows: Vec<WindowPlan>,
    /// Chooses the current window and removes the stand-in.
    pub finish: Vec<Command>,
}

/// The commands that build a window, by phase.
#[derive(Clone, Debug)]
pub struct WindowPlan {
    /// Which window of the workspace it is.
    pub number: usize,
    /// The index it gets.
    pub index: u32,
    /// Makes it, with its first pane and its options.
    pub create: Vec<Command>,
    /// Makes the other panes and lays them out.
    pub panes: Vec<Command>,
    /// What is typed into each pane.
    pub keys: Vec<Vec<Action>>,
    /// Whether its panes are synchronized while commands are typed, so that
    /// all must be ready before any gets one.
    pub synchronized: bool,
    /// Done when everything is typed.
    pub finish: Vec<Command>,
}

/// A step of typing into one pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Waits.
    Pause(Duration),
    /// Types a text as it is, then Enter if that is set.
    Type { text: String, enter: bool },
}

/// The name of the window that stands in until the first real one is there.
const STAND_IN: &str = "tvmux-loading";

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
        let windows = chosen
            .iter()
            .zip(&indices)
            .enumerate()
            .map(|(place, (number, index))| self.window(place, *number, *index))
            .collect::<Result<Vec<_>>>()?;
        let focus = windows
            .iter()
            .rev()
            .find(|plan| self.workspace.windows[plan.number].focus)
            .or(windows.first().filter(|_| self.context.append_to.is_none()));
        let mut finish = Vec::new();
        if let Some(focus) = focus {
            finish.push(command!["select-window", "-t", Word::Window(focus.index)]);
        }
        let mut prepare = Vec::new();
        if self.context.append_to.is_none() {
            let stand_in = self.stand_in(&indices);
            if stand_in != self.context.base_index {
                prepare.push(command![
                    "move-window",
                    "-d",
                    "-s",
                    Word::Window(self.context.base_index),
                    "-t",
                    Word::Window(stand_in)
                ]);
            }
            // kill-window would renumber the others where that is on.
            finish.push(command![
                "unlink-window",
                "-k",
                "-t",
                Word::Window(stand_in)
            ]);
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
            new_session: self.context.append_to.is_none().then(|| {
                new_session(
                    self.workspace,
                    self.context.size,
                    &self.context.current_directory,
                )
            }),
            prepare,
            windows,
            finish,
        })
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

    /// SearchFolder the stand-in waits: where it is made, if that is free.
    fn stand_in(&self, indices: &[u32]) -> u32 {
        let free = std::iter::once(self.context.base_index).chain(0..);
        free.into_iter()
            .find(|index| !indices.contains(index))
            .unwrap_or(u32::MAX)
    }

    fn folder(&self, path: &Path) -> String {
        folder(&self.context.current_directory, path)
    }

    fn settings(&self) -> Vec<Command> {
        let session = self
            .workspace
            .options
            .iter()
            .filter(|setting| !self.context.options.is_of_windows(&setting.name));
        let options = session.map(|setting| {
            command![
                "set-option",
                "-t",
                Word::Session,
                "--",
                setting.name.as_str(),
                setting.value.as_str()
            ]
        });
        let globals = self
            .workspace
            .global_options
            .iter()
            .filter(|setting| !is_synchronize(setting));
        let globals = globals.map(global_option);
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
        options.chain(globals).chain(variables).collect()
    }

    fn window(&self, place: usize, number: usize, index: u32) -> Result<WindowPlan> {
        let window = &self.workspace.windows[number];
        let target = Word::Window(index);
        let mut create = vec![self.new_window(window, index)];
        if let Some(name) = window.name.as_deref().filter(|name| needs_renaming(name)) {
            let name = escape_format(name);
            create.push(command!["rename-window", "-t", target.clone(), "--", name]);
        }
        let of_session = self.workspace.options.iter();
        let inherited =
            of_session.filter(|setting| self.context.options.is_of_windows(&setting.name));
        let mut deferred = None;
        for setting in inherited.chain(&window.options) {
            if is_synchronize(setting) {
                deferred = Some(setting.value.as_str());
            } else {
                create.push(window_option(&target, setting));
            }
        }
        match window.synchronize {
            Synchronize::Before => create.push(command![
                "set-option",
                "-w",
                "-t",
                target.clone(),
                "synchronize-panes",
                "on"
            ]),
            // Typed commands would reach every pane.
            _ if self.context.synchronized => create.push(command![
                "set-option",
                "-w",
                "-t",
                target.clone(),
                "synchronize-panes",
                "off"
            ]),
            _ => {}
        }
        let panes = self.panes(window, index)?;
        let keys = window.panes.iter().map(keys_of).collect();
        Ok(WindowPlan {
            number,
            index,
            create,
            panes,
            keys,
            synchronized: window.synchronize == Synchronize::Before,
            finish: self.finish_window(window, place, &target, deferred),
        })
    }

    fn new_window(&self, window: &Window, index: u32) -> Command {
        let mut command = command![
            "new-window",
            "-d",
            "-P",
            "-F",
            "#{window_id}",
            "-t",
            Word::Window(index)
        ];
        if let Some(name) = &window.name {
            command.extend(command!["-n", escape_format(name)]);
        }
        command.extend(self.spawn(&window.panes[0]));
        command
    }

    /// What every new pane is told: folder, variables, program.
    fn spawn(&self, pane: &Pane) -> Command {
        let mut command = Command::new();
        if let Some(Folder { path, .. }) = &pane.start_directory {
            command.extend(command!["-c", self.folder(path)]);
        }
        for Setting { name, value, .. } in &pane.environment {
            command.extend(command!["-e", format!("{name}={value}")]);
        }
        if let Some(shell) = &pane.shell {
            command.extend(command!["--", shell.as_str()]);
        }
        command
    }

    fn panes(&self, window: &Window, index: u32) -> Result<Vec<Command>> {
        let target = Word::Window(index);
        let Size { columns, rows } = self.context.size;
        let borders = self.context.borders || self.sets_borders(window);
        let Some(splits) = splits(window.panes.len(), columns, rows, borders) else {
            let message = format!(
                "{} panes do not fit into a window of {columns} × {rows}",
                window.panes.len()
            );
            return Err(self.source.error(window.mark, message));
        };
        let titled = |pane: &Pane| {
            let title = pane.title.as_ref()?;
            Some(command![
                "select-pane",
                "-t",
                target.clone(),
                "-T",
                escape_format(title)
            ])
        };
        let mut commands: Vec<Command> = titled(&window.panes[0]).into_iter().collect();
        let mut tiled = false;
        for (pane, split) in window.panes[1..].iter().zip(splits) {
            if split.tile_first {
                tiled = true;
                commands.push(command!["select-layout", "-t", target.clone(), "tiled"]);
            }
            let mut command = command!["split-window"];
            if split.beside {
                command.push("-h".into());
            }
            command.extend(command!["-t", target.clone()]);
            command.extend(self.spawn(pane));
            commands.push(command);
            commands.extend(titled(pane));
        }
        if let Some(layout) = &window.layout {
            commands.push(command!["select-layout", "-t", target, layout.to_string()]);
        } else if tiled {
            commands.push(command!["select-layout", "-t", target, "tiled"]);
        }
        Ok(commands)
    }

    fn sets_borders(&self, window: &Window) -> bool {
        let all = window
            .options
            .iter()
            .chain(&self.workspace.options)
            .chain(&self.workspace.global_options);
        all.into_iter()
            .any(|setting| setting.name == "pane-border-status" && setting.value != "off")
    }

    fn finish_window(
        &self,
        window: &Window,
        place: usize,
        target: &Word,
        deferred: Option<&str>,
    ) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let synchronize = match (window.synchronize, deferred) {
            (Synchronize::Before, _) => None,
            (Synchronize::After, _) => Some("on"),
            (Synchronize::No, deferred) => deferred,
        };
        match synchronize {
            Some(value) => commands.push(command![
                "set-option",
                "-w",
                "-t",
                target.clone(),
                "synchronize-panes",
                value
            ]),
            None if self.context.synchronized && window.synchronize == Synchronize::No => commands
                .push(command![
                    "set-option",
                    "-w",
                    "-u",
                    "-t",
                    target.clone(),
                    "synchronize-panes"
                ]),
            None => {}
        }
        commands.extend(
            window
                .options_after
                .iter()
                .map(|setting| window_option(target, setting)),
        );
        let last = window.panes.len() - 1;
        let focus = window.panes.iter().rposition(|pane| pane.focus);
        if let Some(focus) = focus.filter(|focus| *focus != last) {
            commands.push(command!["select-pane", "-t", Word::Pane(place, focus)]);
        }
        let zoomed = window.panes.iter().rposition(|pane| pane.zoom);
        let zoomed = zoomed.or(window.zoom.then_some(focus.unwrap_or(last)));
        if let Some(zoomed) = zoomed {
            commands.push(command![
                "resize-pane",
                "-Z",
                "-t",
                Word::Pane(place, zoomed)
            ]);
        }
        commands
    }
}

/// Makes the session with the window that stands in.
pub(super) fn new_session(workspace: &Workspace, size: Size, current: &Path) -> Command {
    let mut command = command![
        "new-session",
        "-d",
        "-s",
        escape_format(&workspace.name),
        "-n",
        STAND_IN,
        "-x",
        size.columns.to_string(),
        "-y",
        size.rows.to_string(),
    ];
    if let Some(Folder { path, .. }) = &workspace.start_directory {
        command.extend(command!["-c", folder(current, path)]);
    }
    // Two words and more are run without a shell.
    command.extend(command!["--", "sleep", "2147483647"]);
    command
}

fn folder(current: &Path, path: &Path) -> String {
    escape_format(&current.join(path).to_string_lossy())
}

/// The option that is never set before the commands are typed: each would
/// reach every pane.
fn is_synchronize(setting: &Setting) -> bool {
    setting.name == "synchronize-panes"
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

fn window_option(target: &Word, setting: &Setting) -> Command {
    command![
        "set-option",
        "-w",
        "-t",
        target.clone(),
        "--",
        setting.name.as_str(),
        setting.value.as_str()
    ]
}

/// What is typed into a pane, with its pauses.
fn keys_of(pane: &Pane) -> Vec<Action> {
    let mut actions = Vec::new();
    let pause = |actions: &mut Vec<Action>, pause: Duration| {
        if !pause.is_zero() {
            actions.push(Action::Pause(pause));
        }
    };
    if pane.commands.is_empty() {
        return actions;
    }
    pause(&mut actions, pane.sleep_before);
    for typed in &pane.commands {
        pause(&mut actions, typed.sleep_before);
        if !typed.text.is_empty() || typed.enter {
            actions.push(Action::Type {
                text: typed.text.clone(),
                enter: typed.enter,
            });
        }
        pause(&mut actions, typed.sleep_after);
    }
    pause(&mut actions, pane.sleep_after);
    actions
}
