//! tmuxinator's projects, with the old names of their keys too.

use super::super::error::{Result, Source};
use super::super::node::{Map, Node, Value};
use super::{append, commands, list, mapping, script, session_name, set_layout};

/// Translates a tmuxinator project. What cannot be carried over goes to
/// `source` as warnings.
///
/// # Errors
/// When the file is no project: no mapping, or windows of a wrong shape.
pub fn import_tmuxinator(project: &Node, source: &mut Source) -> Result<Node> {
    let project = mapping(project, "a tmuxinator project", source)?;
    let mut import = Import {
        session: Map::default(),
        once: Node::from(Vec::new()),
        source,
    };
    import.project(project)?;
    Ok(import.session.into())
}

/// What a window can have beside its name.
const WINDOW_KEYS: [&str; 6] = ["layout", "panes", "root", "pre", "synchronize", "focus"];

struct Import<'a> {
    session: Map,
    /// Commands that run once, before the windows.
    once: Node,
    source: &'a mut Source,
}

impl Import<'_> {
    fn project(&mut self, project: &Map) -> Result<()> {
        let name = project.get("name").or_else(|| project.get("project_name"));
        let name = session_name(name, self.source);
        self.session.set("session_name", name);
        for entry in project.iter() {
            self.key(&entry.key, &entry.value);
        }
        if let Some(script) = script(&self.once).filter(|_| self.once.as_list() != Some(&[])) {
            self.session.set("before_script", script);
        }
        let windows = project.get("windows").or_else(|| project.get("tabs"));
        let mut out = Vec::new();
        for item in list(windows, "`windows`", self.source)? {
            match &item.value {
                Value::Map(map) => out.extend(self.window_item(map)?),
                Value::Scalar { text, .. } => out.push(self.window(text, &Node::new(Value::Null))?),
                Value::Null => {}
                Value::List(_) => {
                    return Err(self
                        .source
                        .error(item.mark, "a window is {name: …}, not a list"));
                }
            }
        }
        if out.is_empty() {
            self.source.warn(
                project
                    .iter()
                    .next()
                    .map_or_else(Default::default, |entry| entry.mark),
                "the project has no windows; one blank window is made",
            );
            out.push(Map::default());
        }
        self.startup(project, &mut out);
        let windows: Vec<Node> = out.into_iter().map(Node::from).collect();
        self.session.set("windows", windows);
        Ok(())
    }

    /// A key of the project.
    fn key(&mut self, key: &str, value: &Node) {
        let text = value.as_text().unwrap_or_default().to_owned();
        let mut warn = |message: String| {
            self.source.warn(
                value.mark,
                format!("`{key}` is not carried over: {message}"),
            )
        };
        match key {
            // Elsewhere.
            "name"
            | "project_name"
            | "windows"
            | "tabs"
            | "startup_window"
            | "startup_pane"
            | "pane_title_position"
            | "pane_title_format" => {}
            "root" | "project_root" => {
                if !text.is_empty() {
                    self.session.set("start_directory", value.clone());
                }
            }
            "pre" | "on_project_start" | "on_project_first_start" => {
                if key == "on_project_start" {
                    warn("it would run at each attach; here it runs once, before the windows are made".into());
                }
                if let Some(commands) = commands(value, self.source) {
                    let Value::List(once) = &mut self.once.value else {
                        return;
                    };
                    once.extend(commands.as_list().unwrap_or_default().to_vec());
                }
            }
            "pre_window" | "pre_tab" => {
                if let Some(commands) = commands(value, self.source) {
                    append(&mut self.session, "shell_command_before", &commands);
                }
            }
            "rbenv" if !text.is_empty() => self.typed_first(format!("rbenv shell {text}")),
            "rvm" if !text.is_empty() => self.typed_first(format!("rvm use {text}")),
            "enable_pane_titles" => {
                if value.as_switch() == Some(true) {
                    self.option("pane-border-status", "top");
                }
            }
            "tmux_options" | "cli_args" => {
                warn(format!("give `{text}` to `tvmux load` (-f, -2, -L, -S)"))
            }
            "socket_name" => warn(format!("load with `-L {text}`")),
            "socket_path" => warn(format!("load with `-S {text}`")),
            "tmux_command" => warn("set `command` in [tmux] of the configuration".into()),
            "attach" => {
                if value.as_switch() == Some(false) {
                    warn("load with `-d`".into());
                }
            }
            "on_project_restart" | "on_project_stop" | "on_project_exit" | "post" => {
                warn("nothing runs at that time; see `hooks` for what there is".into());
            }
            "append" | "no_pre_window" => warn("`tvmux load -a` adds to a session".into()),
            _ => warn("it is not known".into()),
        }
    }

    fn typed_first(&mut self, command: String) {
        let old = self.session.remove("shell_command_before");
        self.session
            .set("shell_command_before", vec![Node::from(command)]);
        if let Some(old) = old {
            append(&mut self.session, "shell_command_before", &old);
        }
    }

    fn option(&mut self, name: &str, value: impl Into<Node>) {
        let mut options = self
            .session
            .remove("options")
            .and_then(|node| node.as_map().cloned())
            .unwrap_or_default();
        options.set(name, value);
        self.session.set("options", options);
    }

    /// A window as an item of the list: its name with what is in it. Keys of a
    /// window beside the name, a slip of indentation, are taken as its own.
    fn window_item(&mut self, item: &Map) -> Result<Option<Map>> {
        let mut entries = item.iter();
        let Some(first) = entries.next() else {
            return Ok(None);
        };
        let mut own = match &first.value.value {
            Value::Map(map) => map.clone(),
            _ => Map::default(),
        };
        let takes_keys = first.value.is_null() || first.value.as_map().is_some();
        for entry in entries {
            if !takes_keys || !WINDOW_KEYS.contains(&entry.key.as_str()) {
                let message = format!(
                    "an item of `windows` has one name, which is `{}`; `{}` is a second one: \
                     start it with `- `",
                    first.key, entry.key
                );
                return Err(self.source.error(entry.mark, message));
            }
            own.set(entry.key.clone(), entry.value.clone());
        }
        let value = match item.len() {
            1 => first.value.clone(),
            _ => own.into(),
        };
        self.window(&first.key, &value).map(Some)
    }

    fn window(&mut self, name: &str, value: &Node) -> Result<Map> {
        let mut window = Map::default();
        window.set("window_name", name);
        let Value::Map(map) = &value.value else {
            // A list here is one pane with many commands.
            if let Some(commands) = commands(value, self.source) {
                window.set("panes", vec![Node::from([("shell_command", commands)])]);
            }
            return Ok(window);
        };
        let panes = match map.get("panes") {
            Some(panes) if panes.as_list().is_none() && !panes.is_null() => vec![self.pane(panes)],
            panes => list(panes, "`panes`", self.source)?
                .iter()
                .map(|pane| self.pane(pane))
                .collect(),
        };
        for entry in map.iter() {
            let value = &entry.value;
            match entry.key.as_str() {
                "panes" => {}
                "layout" => set_layout(&mut window, value, panes.len(), self.source),
                "root" if value.as_text().is_some() => {
                    _ = window.set("start_directory", value.clone())
                }
                "pre" => {
                    if let Some(commands) = commands(value, self.source) {
                        window.set("shell_command_before", commands);
                    }
                }
                "synchronize" => match (value.as_text(), value.as_switch()) {
                    (Some("before" | "after"), _) | (_, Some(_)) => {
                        _ = window.set("synchronize", value.clone())
                    }
                    _ if value.is_null() => {}
                    _ => self
                        .source
                        .warn(value.mark, "`synchronize` takes before, after or true"),
                },
                "focus" if value.as_switch().is_some() => _ = window.set("focus", value.clone()),
                key => self.source.warn(
                    entry.mark,
                    format!("`{key}` of a window is not carried over"),
                ),
            }
        }
        if !panes.is_empty() {
            window.set("panes", panes);
        }
        Ok(window)
    }

    /// A pane: commands, or its name with commands.
    fn pane(&mut self, pane: &Node) -> Node {
        let (title, value) = match &pane.value {
            Value::Map(map) if map.len() == 1 => {
                let entry = map.iter().next();
                (
                    entry.map(|entry| entry.key.clone()),
                    entry.map_or(pane, |entry| &entry.value),
                )
            }
            _ => (None, pane),
        };
        let mut out = Map::default();
        if let Some(commands) = commands(value, self.source) {
            out.set("shell_command", commands);
        }
        if let Some(title) = title {
            out.set("title", title);
        }
        match out.is_empty() {
            true => Node::new(Value::Null),
            false => out.into(),
        }
    }

    /// Which window and pane are the current ones, and how titles look.
    fn startup(&mut self, project: &Map, windows: &mut [Map]) {
        for (key, option) in [
            ("pane_title_position", "pane-border-status"),
            ("pane_title_format", "pane-border-format"),
        ] {
            if let Some(value) = project.get(key).filter(|value| value.as_text().is_some()) {
                self.option(option, value.clone());
            }
        }
        let mut first = 0;
        if let Some(wanted) = project.get("startup_window")
            && let Some(text) = wanted.as_text()
        {
            let named = windows
                .iter()
                .position(|window| window.get("window_name").and_then(Node::as_text) == Some(text));
            match named.or_else(|| text.parse().ok().filter(|at: &usize| *at < windows.len())) {
                Some(at) => {
                    first = at;
                    windows[at].set("focus", true);
                }
                None => self.source.warn(
                    wanted.mark,
                    format!("`startup_window`: there is no window `{text}`"),
                ),
            }
        }
        let Some(wanted) = project.get("startup_pane") else {
            return;
        };
        let at = wanted.as_text().and_then(|text| text.parse::<usize>().ok());
        let panes = windows[first].get_mut("panes").map(|node| &mut node.value);
        let pane = match (at, panes) {
            (Some(at), Some(Value::List(panes))) => panes.get_mut(at),
            _ => None,
        };
        let Some(pane) = pane else {
            self.source
                .warn(wanted.mark, "`startup_pane`: there is no such pane");
            return;
        };
        let mut map = pane.as_map().cloned().unwrap_or_default();
        map.set("focus", true);
        *pane = map.into();
    }
}
