//! The commands that build one window of a workspace.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::command::{Command, Word, command};
use super::context::{PlanContext, Size};
use super::error::{Result, Source};
use super::layout::Layout;
use super::spec::{Folder, Pane, Setting, Synchronize, Window, Workspace};
use super::splits::splits;
use crate::tmux::{escape_format, escape_path, needs_renaming};

/// The commands that build a window, by phase.
#[derive(Clone, Debug)]
pub struct WindowPlan {
    /// Which window of the workspace it is.
    pub number: usize,
    /// The index it gets.
    pub index: u32,
    /// Makes it, with its first pane; prints its id.
    pub create: Command,
    /// Sets its options, before the other panes are made.
    pub options: Vec<Command>,
    /// Makes the other panes and lays them out.
    pub panes: Vec<Command>,
    /// What is typed into each pane.
    pub keys: Vec<Vec<Action>>,
    /// Whether its panes are synchronized while commands are typed, so that
    /// all must be ready before any gets one.
    pub synchronized: bool,
    /// Run when everything is typed.
    pub finish: Vec<Command>,
    /// The layout by name if it has a main pane, which keeps its size when the
    /// window is resized: it must be laid again when a client shows the window.
    pub main_layout: Option<String>,
}

/// A step of typing into one pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Pause(Duration),
    /// Types a text as it is, then Enter if that is set. At most one line: no
    /// newline stands before the end.
    Type {
        text: String,
        enter: bool,
    },
}

impl Action {
    /// Whether it types something.
    #[must_use]
    pub fn types(&self) -> bool {
        matches!(self, Action::Type { .. })
    }

    /// Whether a program that reads lines gets one by this.
    #[must_use]
    pub fn ends_line(&self) -> bool {
        matches!(self, Action::Type { text, enter } if *enter || text.ends_with(['\n', '\r']))
    }
}

/// Plans windows of one workspace.
pub(super) struct WindowPlanner<'a> {
    pub workspace: &'a Workspace,
    pub context: &'a PlanContext,
    pub source: &'a Source,
    /// The size of the windows.
    pub size: Size,
}

impl WindowPlanner<'_> {
    /// Plans the window `number` of the workspace, which is at `place` in the
    /// plan and gets the index `index`.
    pub fn plan(&self, place: usize, number: usize, index: u32) -> Result<WindowPlan> {
        let window = &self.workspace.windows[number];
        let target = Word::Window(place);
        let (options, deferred) = self.options(window, &target);
        let main_layout = window.layout.as_ref().filter(|layout| layout.has_main());
        Ok(WindowPlan {
            number,
            index,
            create: self.create(window, index),
            options,
            panes: self.panes(window, &target)?,
            keys: window.panes.iter().map(keys_of).collect(),
            synchronized: window.synchronize == Synchronize::Before,
            finish: self.finish(window, place, &target, deferred),
            main_layout: main_layout.map(Layout::to_string),
        })
    }

    fn create(&self, window: &Window, index: u32) -> Command {
        let mut command = command!["new-window", "-d", "-P", "-F", "#{window_id}"];
        command.extend(command!["-t", Word::Index(index)]);
        if let Some(name) = &window.name {
            command.extend(command!["-n", escape_format(name)]);
        }
        command.extend(self.spawn(&window.panes[0]));
        command
    }

    /// The options to set at once, and the value of `synchronize-panes` to set
    /// when everything is typed.
    fn options<'a>(&'a self, window: &'a Window, target: &Word) -> (Vec<Command>, Option<&'a str>) {
        let mut commands: Vec<Command> = Vec::new();
        if let Some(name) = window.name.as_ref().filter(|name| needs_renaming(name)) {
            let command = command!["rename-window", "-t", target.clone(), "--"];
            commands.push([command, command![escape_format(name)]].concat());
        }
        let of_session = self.workspace.options.iter();
        let inherited =
            of_session.filter(|setting| self.context.options.is_of_windows(&setting.name));
        let mut deferred = None;
        for setting in inherited.chain(&window.options) {
            if is_synchronize(setting) {
                deferred = Some(setting.value.as_str());
            } else {
                commands.push(window_option(target, setting));
            }
        }
        match window.synchronize {
            Synchronize::Before => commands.push(synchronize(target, "on")),
            // Typed commands would reach every pane.
            _ if self.context.synchronized => commands.push(synchronize(target, "off")),
            _ => {}
        }
        (commands, deferred)
    }

    /// What every new pane is told: folder, variables, program.
    fn spawn(&self, pane: &Pane) -> Command {
        let mut command = Command::new();
        if let Some(Folder { path, .. }) = &pane.start_directory {
            command.extend(command![
                "-c",
                folder(&self.context.current_directory, path)
            ]);
        }
        for Setting { name, value, .. } in &pane.environment {
            command.extend(command!["-e", format!("{name}={value}")]);
        }
        if let Some(shell) = &pane.shell {
            command.extend(command!["--", shell.as_str()]);
        }
        command
    }

    /// The other panes: in the window itself the newest is the active one, which
    /// is the one that a split or a title is for.
    fn panes(&self, window: &Window, target: &Word) -> Result<Vec<Command>> {
        let Size { columns, rows } = self.size;
        let borders = self.context.borders || self.sets_borders(window);
        let Some(splits) = splits(window.panes.len(), columns, rows, borders) else {
            let message = format!(
                "{} panes do not fit into a window of {columns} × {rows}",
                window.panes.len()
            );
            return Err(self.source.error(window.mark, message));
        };
        let titled = |pane: &Pane| {
            let title = escape_format(pane.title.as_ref()?);
            Some(command!["select-pane", "-t", target.clone(), "-T", title])
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
        let layout = window.layout.as_ref().map(Layout::to_string);
        let layout = layout.or(tiled.then(|| "tiled".to_owned()));
        if let Some(layout) = layout {
            commands.push(command!["select-layout", "-t", target.clone(), layout]);
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

    fn finish(
        &self,
        window: &Window,
        place: usize,
        target: &Word,
        deferred: Option<&str>,
    ) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let value = match (window.synchronize, deferred) {
            (Synchronize::Before, _) => None,
            (Synchronize::After, _) => Some("on"),
            (Synchronize::No, deferred) => deferred,
        };
        match value {
            Some(value) => commands.push(synchronize(target, value)),
            None if self.context.synchronized && window.synchronize == Synchronize::No => {
                let unset = command!["set-option", "-w", "-u", "-t", target.clone()];
                commands.push([unset, command!["synchronize-panes"]].concat());
            }
            None => {}
        }
        let after = window.options_after.iter();
        commands.extend(after.map(|setting| window_option(target, setting)));
        let last = window.panes.len() - 1;
        let focus = window.panes.iter().rposition(|pane| pane.focus);
        if let Some(focus) = focus.filter(|focus| *focus != last) {
            commands.push(command!["select-pane", "-t", Word::Pane(place, focus)]);
        }
        let zoomed = window.panes.iter().rposition(|pane| pane.zoom);
        let zoomed = zoomed.or(window.zoom.then_some(focus.unwrap_or(last)));
        if let Some(zoomed) = zoomed {
            let pane = Word::Pane(place, zoomed);
            commands.push(command!["resize-pane", "-Z", "-t", pane]);
        }
        commands
    }
}

/// A folder as tmux takes it, a relative one below the current folder.
pub(super) fn folder(current: &Path, path: &Path) -> OsString {
    escape_path(&current.join(path))
}

/// The option that is never set before the commands are typed: each would
/// reach every pane.
pub(super) fn is_synchronize(setting: &Setting) -> bool {
    setting.name == "synchronize-panes"
}

fn synchronize(target: &Word, value: &str) -> Command {
    let command = command!["set-option", "-w", "-t", target.clone()];
    [command, command!["synchronize-panes", value]].concat()
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
        let mut lines = typed.text.split_inclusive(['\n', '\r']).peekable();
        while let Some(line) = lines.next() {
            let is_last = lines.peek().is_none();
            actions.push(Action::Type {
                text: line.to_owned(),
                enter: typed.enter && is_last,
            });
        }
        if typed.text.is_empty() && typed.enter {
            actions.push(Action::Type {
                text: String::new(),
                enter: true,
            });
        }
        pause(&mut actions, typed.sleep_after);
    }
    pause(&mut actions, pane.sleep_after);
    actions
}
