//! A workspace as it will be built: every shorthand resolved, every value of
//! its type.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{Result, Source};
use super::expand::{expand, trickle};
use super::layout::Layout;
use super::node::{Map, Mark, Node, Value};
use super::schema::{HOOKS, readiness, seconds, validate_schema};
use super::variables::Variables;

/// A session to build.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The file it comes from.
    pub path: PathBuf,
    pub name: String,
    /// Where the session starts.
    pub start_directory: Option<Folder>,
    /// What to run before anything is built: program and arguments.
    pub before_script: Option<Script>,
    /// Options of the session; options of windows among them go to each.
    pub options: Vec<Setting>,
    /// Options of the whole server.
    pub global_options: Vec<Setting>,
    /// Variables of the session.
    pub environment: Vec<Setting>,
    /// Commands to run at points of the load: the hook's name and its command.
    pub hooks: Vec<(&'static str, String)>,
    /// Whether panes are waited for at all.
    pub waits: bool,
    /// The windows, at least one.
    pub windows: Vec<Window>,
}

/// A window to build.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its name; tmux finds one when there is none.
    pub name: Option<String>,
    /// The index it must have.
    pub index: Option<u32>,
    /// Where it is in the file.
    pub mark: Mark,
    /// How its panes are laid out.
    pub layout: Option<Layout>,
    /// Whether it is the current window.
    pub focus: bool,
    /// Options set before its panes are made.
    pub options: Vec<Setting>,
    /// Options set after its commands are typed.
    pub options_after: Vec<Setting>,
    /// Whether and when its panes are synchronized.
    pub synchronize: Synchronize,
    /// Whether its active pane fills it.
    pub zoom: bool,
    /// Whether and how it is recorded.
    pub record: Option<Record>,
    /// Its panes, at least one.
    pub panes: Vec<Pane>,
}

/// A pane to build.
#[derive(Clone, Debug)]
pub struct Pane {
    pub start_directory: Option<Folder>,
    /// Its variables, over the session's.
    pub environment: Vec<Setting>,
    /// What it runs instead of a shell.
    pub shell: Option<String>,
    pub title: Option<String>,
    /// Whether it is the active one.
    pub focus: bool,
    /// Whether it fills its window.
    pub zoom: bool,
    /// The pause before its first command.
    pub sleep_before: Duration,
    /// The pause after its last command.
    pub sleep_after: Duration,
    /// What is typed into it.
    pub commands: Vec<Typed>,
}

/// A text to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    pub text: String,
    pub enter: bool,
    /// The pause before it.
    pub sleep_before: Duration,
    /// The pause after it.
    pub sleep_after: Duration,
}

/// A name with its value: an option or a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub value: String,
    /// Where it is in the file.
    pub mark: Mark,
}

/// A folder and where it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub path: PathBuf,
    /// Where it is named.
    pub mark: Mark,
}

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// As written, for messages.
    pub command: String,
    /// The program and its arguments; at least one.
    pub words: Vec<String>,
}

/// When the panes of a window are synchronized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronize {
    #[default]
    No,
    /// Before the commands are typed: each reaches every pane.
    Before,
    /// After the commands are typed.
    After,
}

/// How a window is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub title: Option<String>,
    /// The folder it goes to.
    pub directory: Option<PathBuf>,
}

impl Workspace {
    /// Reads a workspace from its tree. `folder` is the file's; `name`, if
    /// given, goes over the file's own. What is odd goes to `source`.
    ///
    /// # Errors
    /// As [`validate_schema`], and when a name cannot be one of tmux.
    pub fn read(
        tree: &Node,
        folder: &Path,
        variables: &Variables,
        name: Option<&str>,
        source: &mut Source,
    ) -> Result<Workspace> {
        validate_schema(tree, name.is_some(), source)?;
        let tree = trickle(&expand(tree, folder, variables));
        if folder.to_str().is_none() {
            refuse_lossy(&tree, &folder.to_string_lossy(), source)?;
        }
        let reader = Reader { source };
        reader.session(&tree, name)
    }
}

impl Workspace {
    /// Every option that the file sets, anywhere.
    #[must_use]
    pub fn settings(&self) -> Vec<&Setting> {
        let windows = self
            .windows
            .iter()
            .flat_map(|window| window.options.iter().chain(&window.options_after));
        self.options
            .iter()
            .chain(&self.global_options)
            .chain(windows)
            .collect()
    }
}

/// Refuses what lies below the file's folder where the name of that, here as it
/// can be written, is no UTF-8: a text cannot hold it.
fn refuse_lossy(tree: &Node, folder: &str, source: &Source) -> Result<()> {
    match &tree.value {
        Value::Scalar { text, .. } if text.contains(folder) => Err(source.error(
            tree.mark,
            format!("{folder} is no UTF-8, so nothing below it can be named: give a path from `/`"),
        )),
        Value::Null | Value::Scalar { .. } => Ok(()),
        Value::List(items) => items
            .iter()
            .try_for_each(|item| refuse_lossy(item, folder, source)),
        Value::Map(map) => map
            .iter()
            .try_for_each(|entry| refuse_lossy(&entry.value, folder, source)),
    }
}

struct Reader<'a> {
    source: &'a mut Source,
}

/// A key's text, unless there is none.
fn text(map: &Map, key: &str) -> Option<String> {
    map.get(key).and_then(Node::as_text).map(str::to_owned)
}

fn switch(map: &Map, key: &str) -> Option<bool> {
    map.get(key).and_then(Node::as_switch)
}

fn pause(map: &Map, key: &str) -> Duration {
    let seconds = map.get(key).and_then(seconds);
    seconds.map_or(Duration::ZERO, Duration::from_secs_f64)
}

fn folder(map: &Map) -> Option<Folder> {
    let node = map.get("start_directory")?;
    let path = node.as_text().filter(|text| !text.is_empty())?;
    Some(Folder {
        path: PathBuf::from(path),
        mark: node.mark,
    })
}

/// An empty mapping, for what is no mapping.
fn map_of(node: &Node) -> Map {
    node.as_map().cloned().unwrap_or_default()
}

impl Reader<'_> {
    fn session(self, tree: &Node, name: Option<&str>) -> Result<Workspace> {
        let map = map_of(tree);
        let at = map.get("session_name").map_or(tree.mark, |node| node.mark);
        let name = match name {
            Some(name) => name.to_owned(),
            None => text(&map, "session_name").unwrap_or_default(),
        };
        self.check_session_name(&name, at)?;
        let record = self.record(map.get("record"));
        let windows = map
            .get("windows")
            .and_then(Node::as_list)
            .unwrap_or_default();
        let windows = windows
            .iter()
            .map(|window| self.window(window, record.as_ref()))
            .collect::<Result<Vec<_>>>()?;
        self.check_indices(&windows)?;
        let hooks = map_of(map.get("hooks").unwrap_or(&Node::new(Value::Null)));
        Ok(Workspace {
            path: self.source.path().to_owned(),
            name,
            start_directory: folder(&map),
            before_script: self.script(map.get("before_script"))?,
            options: self.settings(map.get("options"), true),
            global_options: self.settings(map.get("global_options"), true),
            environment: self.settings(map.get("environment"), false),
            hooks: HOOKS
                .iter()
                .filter_map(|hook| Some((*hook, text(&hooks, hook)?)))
                .collect(),
            waits: tree
                .get("workspace_builder_options")
                .and_then(|options| options.get("pane_readiness"))
                .and_then(readiness)
                .unwrap_or(true),
            windows,
        })
    }

    fn check_session_name(&self, name: &str, at: Mark) -> Result<()> {
        let refuse = |why: String| Err(self.source.error(at, why));
        if name.trim().is_empty() {
            return refuse("`session_name` is empty".to_owned());
        }
        if let Some(bad) = name.chars().find(|c| matches!(c, '.' | ':')) {
            let better = name.replace(['.', ':'], "-");
            return refuse(format!(
                "a session cannot be named `{name}`: tmux parts its targets at `{bad}`; try `{better}`"
            ));
        }
        if name.chars().any(char::is_control) {
            return refuse("a session's name cannot hold control characters".to_owned());
        }
        Ok(())
    }

    fn check_indices(&self, windows: &[Window]) -> Result<()> {
        for (i, window) in windows.iter().enumerate() {
            let Some(index) = window.index else { continue };
            if windows[..i].iter().any(|other| other.index == Some(index)) {
                let message = format!("two windows have the `window_index` {index}");
                return Err(self.source.error(window.mark, message));
            }
        }
        Ok(())
    }

    fn script(&self, node: Option<&Node>) -> Result<Option<Script>> {
        let Some((node, command)) = node.and_then(|node| Some((node, node.as_text()?))) else {
            return Ok(None);
        };
        let words = shell_words::split(command).map_err(|error| {
            self.source
                .error(node.mark, format!("`before_script`: {error}"))
        })?;
        if words.is_empty() {
            return Err(self.source.error(node.mark, "`before_script` is empty"));
        }
        Ok(Some(Script {
            command: command.to_owned(),
            words,
        }))
    }

    /// Options know switches; variables stay as written.
    fn settings(&self, node: Option<&Node>, switches: bool) -> Vec<Setting> {
        let Some(map) = node.and_then(Node::as_map) else {
            return Vec::new();
        };
        let settings = map.iter().map(|entry| Setting {
            name: entry.key.clone(),
            value: match entry.value.as_plain_switch() {
                Some(true) if switches => "on".to_owned(),
                Some(false) if switches => "off".to_owned(),
                _ => entry.value.as_text().unwrap_or_default().to_owned(),
            },
            mark: entry.mark,
        });
        settings.collect()
    }

    fn record(&self, node: Option<&Node>) -> Option<Record> {
        let node = node?;
        match &node.value {
            Value::Map(map) => Some(Record {
                title: text(map, "title"),
                directory: text(map, "directory").map(PathBuf::from),
            }),
            _ => node.as_switch()?.then(Record::default),
        }
    }

    fn window(&self, node: &Node, session_record: Option<&Record>) -> Result<Window> {
        let map = map_of(node);
        let shell = text(&map, "window_shell").filter(|shell| !shell.is_empty());
        let environment = map.get("environment");
        let clear = switch(&map, "clear").unwrap_or(false);
        let panes = map.get("panes").and_then(Node::as_list).unwrap_or_default();
        let panes = panes.iter().map(|pane| {
            let own = map_of(pane);
            let environment = own.get("environment").or(environment);
            Pane {
                start_directory: folder(&own),
                environment: self.settings(environment, false),
                shell: text(&own, "shell")
                    .filter(|shell| !shell.is_empty())
                    .or(shell.clone()),
                title: text(&own, "title"),
                focus: switch(&own, "focus").unwrap_or(false),
                zoom: switch(&own, "zoom").unwrap_or(false),
                sleep_before: pause(&own, "sleep_before"),
                sleep_after: pause(&own, "sleep_after"),
                commands: self.commands(&own, clear),
            }
        });
        let layout = match map
            .get("layout")
            .and_then(|node| Some((node, node.as_text()?)))
        {
            Some((node, text)) => Some(
                Layout::parse(text)
                    .map_err(|error| self.source.error(node.mark, format!("`layout`: {error}")))?,
            ),
            None => None,
        };
        Ok(Window {
            name: text(&map, "window_name"),
            index: map
                .get("window_index")
                .and_then(Node::as_text)
                .and_then(|text| text.parse().ok()),
            mark: node.mark,
            layout,
            focus: switch(&map, "focus").unwrap_or(false),
            options: self.settings(map.get("options"), true),
            options_after: self.settings(map.get("options_after"), true),
            synchronize: match map.get("synchronize") {
                Some(node) if node.as_text() == Some("after") => Synchronize::After,
                Some(node) if node.as_text() == Some("before") => Synchronize::Before,
                Some(node) if node.as_switch() == Some(true) => Synchronize::Before,
                _ => Synchronize::No,
            },
            zoom: switch(&map, "zoom").unwrap_or(false),
            record: match map.get("record") {
                Some(node) => self.record(Some(node)),
                None => session_record.cloned(),
            },
            panes: panes.collect(),
        })
    }

    fn commands(&self, pane: &Map, clear: bool) -> Vec<Typed> {
        let suppress = switch(pane, "suppress_history").unwrap_or(true);
        let enter = switch(pane, "enter").unwrap_or(true);
        // A leading space keeps a command out of the shell's history.
        let hidden = |text: &str| match suppress {
            true => format!(" {text}"),
            false => text.to_owned(),
        };
        let list = pane
            .get("shell_command")
            .and_then(Node::as_list)
            .unwrap_or_default();
        let mut commands: Vec<Typed> = list
            .iter()
            .map(map_of)
            .map(|command| Typed {
                text: hidden(&text(&command, "cmd").unwrap_or_default()),
                enter: switch(&command, "enter").unwrap_or(enter),
                sleep_before: pause(&command, "sleep_before"),
                sleep_after: pause(&command, "sleep_after"),
            })
            .collect();
        if switch(pane, "clear").unwrap_or(clear) {
            commands.push(Typed {
                text: hidden("clear"),
                enter: true,
                sleep_before: Duration::ZERO,
                sleep_after: Duration::ZERO,
            });
        }
        commands
    }
}
