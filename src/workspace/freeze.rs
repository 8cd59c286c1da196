//! From a running session to a workspace file that builds it again.
//!
//! What is written is meant to come out the same when it is frozen again
//! after a load: ids are left out of layouts, and what tmux or the shell sets
//! by itself is not written.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{Error, Result};
use super::layout::Custom;
use super::node::{Map, Node, Value};
use super::process::{Foreground, foreground, quote_all};
use super::server_info::ServerInfo;
use super::variables::has_variable;
use crate::tmux::pipe::RECORDING;
use crate::tmux::{
    self, Batch, Fields, PaneId, Resolved, Row, Separator, Server, SessionId, Version, WindowId,
    arguments, read_printed, settings,
};

/// A session as a workspace, and what is lost in it.
#[derive(Clone, Debug)]
pub struct Frozen {
    pub workspace: Node,
    /// What of the session the file cannot say.
    pub warnings: Vec<String>,
}

struct Window {
    id: WindowId,
    index: u32,
    active: bool,
    zoomed: bool,
    automatic: bool,
    name: String,
    layout: String,
    panes: Vec<Pane>,
    options: BTreeMap<String, String>,
}

struct Pane {
    pid: u32,
    active: bool,
    dead: bool,
    path: String,
    title: String,
    start_command: String,
}

/// Options of a session that its size and not its user set.
const NOT_THE_USERS: [&str; 1] = ["default-size"];

/// Freezes a session, or one window of it.
///
/// `session` and `window` are named as for tmux; the window is one of the
/// session.
///
/// # Errors
/// [`Error::NoSuchTarget`], or when the server cannot be asked.
pub fn freeze(server: &Server, session: &str, window: Option<&str>) -> Result<Frozen> {
    let Some(info) = ServerInfo::ask(server)? else {
        return Err(Error::Tmux(tmux::Error::NoServer {
            socket: server.socket().path().to_owned(),
        }));
    };
    let session = match info.session(session) {
        Some(id) => id,
        None => resolve_session(server, session)?,
    };
    let only = window
        .map(|window| resolve_window(server, session, window))
        .transpose()?;
    Freezer {
        server,
        info: &info,
        session,
        warnings: Vec::new(),
    }
    .freeze(only)
}

fn resolve_session(server: &Server, wanted: &str) -> Result<SessionId> {
    let by_id = wanted.starts_with(['$', '@', '%']);
    let target = if by_id {
        wanted.to_owned()
    } else {
        format!("={wanted}:")
    };
    let found = resolve(server, &target, format!("there is no session `{wanted}`"))?;
    Ok(found.session)
}

fn resolve_window(server: &Server, session: SessionId, wanted: &str) -> Result<WindowId> {
    let message = format!("the session has no window `{wanted}`");
    if wanted.starts_with('@') {
        return wanted.parse().map_err(|_| Error::NoSuchTarget { message });
    }
    Ok(resolve(server, &format!("{session}:{wanted}"), message)?.window)
}

fn resolve(server: &Server, target: &str, message: String) -> Result<Resolved> {
    match tmux::resolve_blocking(server, target) {
        Err(tmux::Error::Missing { .. }) => Err(Error::NoSuchTarget { message }),
        found => Ok(found?),
    }
}

struct Freezer<'a> {
    server: &'a Server,
    info: &'a ServerInfo,
    session: SessionId,
    warnings: Vec<String>,
}

impl Freezer<'_> {
    fn freeze(mut self, only: Option<WindowId>) -> Result<Frozen> {
        let target = format!("{}:", self.session);
        let version = self.info.version;
        let head = Fields::new(version).text(["session_name", "session_path", "host"]);
        let panes = pane_fields(version);
        let separator = Separator::random();
        let mut batch = Batch::new();
        for command in [
            vec!["list-panes", "-s", "-t", &target, "-F", panes.format()],
            vec!["display-message", "-p", "-t", &target, head.format()],
            vec!["show-options", "-t", &target],
            vec!["show-environment", "-t", &target],
            vec!["show-hooks", "-t", &target],
        ] {
            batch.push(command);
            separator.end(&mut batch);
        }
        let answer = self.server.run_blocking(&batch)?;
        let mut answers = separator.answers(&answer);
        let mut next = || answers.next().unwrap_or_default();
        let (panes_found, head_found) = (next(), next());
        let options = settings(version, next());
        let environment = read_printed(version, next());
        self.lose_hooks("the session", next());
        let rows = head.parse(head_found)?;
        let mut row = rows.into_iter().next().ok_or_else(|| Error::NoSuchTarget {
            message: "the session is gone".into(),
        })?;
        let (name, path, host) = (row.text(), row.text(), row.text());
        let mut windows = windows(panes.parse(panes_found)?)?;
        windows.retain(|window| only.is_none_or(|only| window.id == only));
        self.window_options(&mut windows)?;
        self.leave_out_unknown_folders(&mut windows);

        let mut map = Map::default();
        map.set("session_name", self.text("the session's name", name));
        if Path::new(&path).is_dir() {
            map.set(
                "start_directory",
                self.text("the session's folder", path.clone()),
            );
        }
        let kept = options
            .into_iter()
            .filter(|(name, _)| !NOT_THE_USERS.contains(&name.as_str()));
        self.set_options(&mut map, "options", kept);
        let environment = self.environment(&environment);
        if !environment.is_empty() {
            map.set("environment", environment);
        }
        let windows = windows
            .iter()
            .map(|window| self.window(window, &path, &host).into());
        let windows: Vec<Node> = windows.collect();
        map.set("windows", windows);
        Ok(Frozen {
            workspace: super::inline(&map.into()),
            warnings: self.warnings,
        })
    }

    /// A file holds text alone: a folder whose name is none is left out.
    fn leave_out_unknown_folders(&mut self, windows: &mut [Window]) {
        for window in windows {
            for pane in &mut window.panes {
                if pane.path.contains(char::REPLACEMENT_CHARACTER) {
                    self.warnings.push(format!(
                        "the folder {:?} of a pane in window {:?} is left out: its name is not UTF-8",
                        pane.path, window.name
                    ));
                    pane.path.clear();
                }
            }
        }
    }

    /// Asks for the options that each window sets itself, and for its hooks.
    fn window_options(&mut self, windows: &mut [Window]) -> Result<()> {
        let separator = Separator::random();
        let has_hooks = self.info.version.has_window_hooks();
        let mut batch = Batch::new();
        for window in windows.iter() {
            let id = window.id.to_string();
            batch.push(["show-options", "-w", "-t", &id]);
            separator.end(&mut batch);
            if has_hooks {
                batch.push(["show-hooks", "-w", "-t", &id]);
                separator.end(&mut batch);
            }
        }
        let (answer, outcome) = self.server.run_whole_blocking(&batch);
        outcome?;
        let mut answers = separator.answers(&answer);
        for window in windows.iter_mut() {
            window.options = settings(self.info.version, answers.next().unwrap_or_default());
            if has_hooks {
                let whose = format!("window `{}`", window.name);
                self.lose_hooks(&whose, answers.next().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Says what the file cannot hold.
    fn lose(&mut self, whose: &str, what: &str) {
        self.warnings.push(format!("{whose}: {what}, is left out"));
    }

    /// Names hooks by what `show-hooks` printed.
    fn lose_hooks(&mut self, whose: &str, answer: &[u8]) {
        let answer = String::from_utf8_lossy(answer);
        let names = answer.lines().filter_map(|line| line.split_once(' '));
        let names: Vec<&str> = names.map(|(name, _)| name).collect();
        if !names.is_empty() {
            let (noun, names) = (
                if names.len() == 1 { "hook" } else { "hooks" },
                names.join(", "),
            );
            self.warnings.push(format!(
                "{whose}: {noun} {names}: a workspace has no tmux hooks"
            ));
        }
    }

    /// A folder that is there, or a warning. The system marks one that was
    /// removed.
    fn folder(&mut self, what: &str, path: &str) -> Option<Node> {
        let removed = path
            .strip_suffix(" (deleted)")
            .filter(|_| !Path::new(path).is_dir());
        match removed {
            None => Some(self.text(what, path.to_owned())),
            Some(path) if Path::new(path).is_dir() => Some(self.text(what, path.to_owned())),
            Some(path) => {
                self.warnings
                    .push(format!("{what}, {path}, was removed; it is left out"));
                None
            }
        }
    }

    /// A text as it will be loaded again, or a warning.
    fn text(&mut self, what: &str, text: String) -> Node {
        let changes = has_variable(&text) || text.starts_with('~');
        if changes {
            self.warnings.push(format!(
                "{what}, {text:?}, may change when it is loaded: `$NAME` and `~` are expanded there"
            ));
        }
        Node::from(text)
    }

    fn set_options(
        &mut self,
        map: &mut Map,
        key: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) {
        let mut out = Map::default();
        for (name, value) in options {
            let value = match value.as_str() {
                // Without quotes, as people write them.
                "on" => Node::from(true),
                "off" => Node::from(false),
                number if number.parse::<u32>().is_ok_and(|n| n.to_string() == number) => {
                    Node::new(Value::Scalar {
                        text: value,
                        plain: true,
                    })
                }
                _ => self.text(&format!("option {name}"), value),
            };
            out.set(name, value);
        }
        if !out.is_empty() {
            map.set(key, out);
        }
    }

    /// The session's own variables, but for those that tmux takes over from
    /// each client.
    fn environment(&mut self, answer: &str) -> Map {
        let info = self.info;
        let copied: Vec<&str> = info.options.values("update-environment").collect();
        let mut map = Map::default();
        let mut last: Option<(String, String)> = None;
        let mut all = Vec::new();
        for line in answer.lines() {
            let variable = line.split_once('=').filter(|(name, _)| is_variable(name));
            match (
                variable,
                line.strip_prefix('-').filter(|name| is_variable(name)),
                &mut last,
            ) {
                (Some((name, value)), ..) => {
                    all.extend(last.replace((name.to_owned(), value.to_owned())))
                }
                (None, Some(_), _) => all.extend(last.take()),
                // The value of the one before goes on.
                (None, None, Some((_, value))) => {
                    value.push('\n');
                    value.push_str(line);
                }
                (None, None, None) => {}
            }
        }
        all.extend(last);
        for (name, value) in all {
            if !copied.contains(&name.as_str()) {
                let value = self.text(&format!("variable {name}"), value);
                map.set(name, value);
            }
        }
        map
    }

    fn window(&mut self, window: &Window, session_path: &str, host: &str) -> Map {
        let mut map = Map::default();
        map.set(
            "window_name",
            self.text("a window's name", window.name.clone()),
        );
        map.set("window_index", window.index);
        match Custom::parse(&window.layout) {
            Ok(layout) => _ = map.set("layout", layout.to_string()),
            // As with floating panes, since 3.7.
            Err(_) => {
                let what = "its layout, which no other window can be given; the panes are tiled";
                self.warnings
                    .push(format!("window `{}`: {what}", window.name));
                map.set("layout", "tiled");
            }
        }
        if window.active {
            map.set("focus", true);
        }
        // A window that has a name does not rename itself, unless told to.
        let mut options = window.options.clone();
        options.remove("automatic-rename");
        if window.automatic {
            options.insert("automatic-rename".into(), "on".into());
        }
        // It says that the window is recorded now; a load starts a recording.
        if options.remove(RECORDING).is_some() {
            map.set("record", true);
        }
        let synchronize = options.remove_entry("synchronize-panes");
        self.set_options(&mut map, "options", options);
        self.set_options(&mut map, "options_after", synchronize);
        let same = window
            .panes
            .iter()
            .all(|pane| pane.path == window.panes[0].path);
        let folder = window
            .panes
            .first()
            .map(|pane| pane.path.as_str())
            .filter(|path| same && !path.is_empty());
        if let Some(folder) = folder.filter(|folder| *folder != session_path)
            && let Some(folder) = self.folder("a window's folder", folder)
        {
            map.set("start_directory", folder);
        }
        if window.zoomed {
            map.set("zoom", true);
        }
        let many = window.panes.len() > 1;
        let panes = window.panes.iter().enumerate().map(|(i, pane)| {
            let whose = format!("pane {} of window `{}`", i + 1, window.name);
            self.pane(pane, &whose, same, many, host).into()
        });
        let panes: Vec<Node> = panes.collect();
        map.set("panes", panes);
        map
    }

    fn pane(&mut self, pane: &Pane, whose: &str, same_folder: bool, many: bool, host: &str) -> Map {
        let mut map = Map::default();
        match foreground(pane.pid) {
            _ if pane.dead => self.lose(whose, "its program, which has ended"),
            Foreground::Own => {}
            Foreground::Command(line) => {
                // Alone it would stand for no command.
                let command = match line.as_str() {
                    "pane" | "blank" => Node::from([("cmd", Node::from(line))]),
                    _ => Node::from(line),
                };
                map.set("shell_command", vec![command]);
            }
            Foreground::Lost(what) => self.lose(whose, &what),
        }
        let started = arguments(&pane.start_command);
        match started.as_slice() {
            [] => {}
            // One argument is a command of the shell, more are run as they are.
            [line] => _ = map.set("shell", line.clone()),
            words => _ = map.set("shell", quote_all(words)),
        }
        if !same_folder
            && !pane.path.is_empty()
            && let Some(folder) = self.folder("a pane's folder", &pane.path)
        {
            map.set("start_directory", folder);
        }
        if !pane.title.is_empty() && pane.title != host {
            map.set("title", self.text("a pane's title", pane.title.clone()));
        }
        if many && pane.active {
            map.set("focus", true);
        }
        map
    }
}

fn pane_fields(version: Version) -> Fields {
    Fields::new(version)
        .plain([
            "window_id",
            "window_index",
            "window_active",
            "window_zoomed_flag",
            "automatic-rename",
            "window_layout",
            "pane_id",
            "pane_pid",
            "pane_active",
            "pane_dead",
        ])
        .text([
            "window_name",
            "pane_current_path",
            "pane_title",
            "pane_start_command",
        ])
}

fn windows(rows: Vec<Row>) -> Result<Vec<Window>> {
    let mut windows: Vec<Window> = Vec::new();
    for mut row in rows {
        let id: WindowId = row.get()?;
        let index = row.get()?;
        let (active, zoomed, automatic) = (row.flag(), row.flag(), row.flag());
        let layout = row.text();
        let _: PaneId = row.get()?;
        let (pid, pane_active, dead) = (row.get()?, row.flag(), row.flag());
        let name = row.text();
        let pane = Pane {
            pid,
            active: pane_active,
            dead,
            path: row.text(),
            title: row.text(),
            start_command: row.text(),
        };
        // A window may be linked into the session twice.
        match windows
            .iter_mut()
            .find(|window| window.id == id && window.index == index)
        {
            Some(window) => window.panes.push(pane),
            None => windows.push(Window {
                id,
                index,
                active,
                zoomed,
                automatic,
                name,
                layout,
                panes: vec![pane],
                options: BTreeMap::new(),
            }),
        }
    }
    Ok(windows)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
