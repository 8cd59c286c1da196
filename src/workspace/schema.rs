//! Which keys a workspace file has, and what each of them takes.
//!
//! The check looks at the file as it was written, so that it can name the
//! line; whatever passes it can be expanded and read.

use super::error::{Result, Source};
use super::layout::Layout;
use super::node::{Map, Mark, Node, Value};
use crate::wording::{closeness, nearest};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    /// A text; a number or a switch is taken as the text that was written.
    Text,
    Switch,
    /// A whole number from 0.
    Number,
    /// Seconds from 0, with a fraction.
    Seconds,
    /// Texts and switches by name.
    Options,
    Environment,
    /// A command, or a list of commands and `{cmd: …}`.
    Commands,
    Layout,
    Hooks,
    Record,
    Synchronize,
    Windows,
    Panes,
    /// Python only: named in a warning and passed over.
    Python,
    BuilderOptions,
}

type Keys = &'static [(&'static str, ValueKind)];

const SESSION: Keys = &[
    ("session_name", ValueKind::Text),
    ("windows", ValueKind::Windows),
    ("start_directory", ValueKind::Text),
    ("before_script", ValueKind::Text),
    ("environment", ValueKind::Environment),
    ("options", ValueKind::Options),
    ("global_options", ValueKind::Options),
    ("shell_command_before", ValueKind::Commands),
    ("suppress_history", ValueKind::Switch),
    ("hooks", ValueKind::Hooks),
    ("record", ValueKind::Record),
    ("plugins", ValueKind::Python),
    ("workspace_builder", ValueKind::Python),
    ("workspace_builder_paths", ValueKind::Python),
    ("workspace_builder_options", ValueKind::BuilderOptions),
];

const WINDOW: Keys = &[
    ("window_name", ValueKind::Text),
    ("window_index", ValueKind::Number),
    ("window_shell", ValueKind::Text),
    ("panes", ValueKind::Panes),
    ("layout", ValueKind::Layout),
    ("focus", ValueKind::Switch),
    ("start_directory", ValueKind::Text),
    ("environment", ValueKind::Environment),
    ("options", ValueKind::Options),
    ("options_after", ValueKind::Options),
    ("shell_command_before", ValueKind::Commands),
    ("shell_command_after", ValueKind::Commands),
    ("suppress_history", ValueKind::Switch),
    ("synchronize", ValueKind::Synchronize),
    ("zoom", ValueKind::Switch),
    ("clear", ValueKind::Switch),
    ("record", ValueKind::Record),
];

const PANE: Keys = &[
    ("shell_command", ValueKind::Commands),
    ("shell_command_before", ValueKind::Commands),
    ("shell", ValueKind::Text),
    ("start_directory", ValueKind::Text),
    ("environment", ValueKind::Environment),
    ("focus", ValueKind::Switch),
    ("suppress_history", ValueKind::Switch),
    ("enter", ValueKind::Switch),
    ("sleep_before", ValueKind::Seconds),
    ("sleep_after", ValueKind::Seconds),
    ("title", ValueKind::Text),
    ("zoom", ValueKind::Switch),
    ("clear", ValueKind::Switch),
];

const COMMAND: Keys = &[
    ("cmd", ValueKind::Text),
    ("enter", ValueKind::Switch),
    ("sleep_before", ValueKind::Seconds),
    ("sleep_after", ValueKind::Seconds),
];

const RECORD: Keys = &[("title", ValueKind::Text), ("directory", ValueKind::Text)];

const BUILDER_OPTIONS: Keys = &[("pane_readiness", ValueKind::Text)];

/// The names of the lifecycle hooks.
pub const HOOKS: [&str; 5] = [
    "before_workspace_builder",
    "on_window_create",
    "after_window_finished",
    "before_script",
    "reattach",
];

/// The longest pause that a file may ask for, in seconds: a day.
const LONGEST_PAUSE: f64 = 86_400.0;

/// Checks that a workspace has the right shape; unknown keys are noted as
/// warnings. `named` tells that the session gets its name elsewhere.
///
/// # Errors
/// At the first place that is wrong: file, line, column and what was
/// expected there.
pub fn validate_schema(workspace: &Node, named: bool, source: &mut Source) -> Result<()> {
    no_nul(workspace, source)?;
    let Value::Map(session) = &workspace.value else {
        let message = format!(
            "a workspace is a mapping with `session_name` and `windows`; this is {}",
            workspace.kind()
        );
        return Err(source.error(workspace.mark, message));
    };
    keys(session, SESSION, "a session", source)?;
    match session.get("session_name") {
        None if named => {}
        None => return Err(missing(session, workspace.mark, "session_name", source)),
        Some(name) => {
            if name.as_text().is_none_or(|text| text.trim().is_empty()) && !named {
                return Err(source.error(name.mark, "`session_name` is empty"));
            }
        }
    }
    if session.get("windows").is_none() {
        return Err(missing(session, workspace.mark, "windows", source));
    }
    Ok(())
}

fn missing(map: &Map, at: Mark, key: &str, source: &Source) -> super::Error {
    let known = |name: &str| SESSION.iter().any(|(known, _)| *known == name);
    let typo = map
        .iter()
        .find(|entry| !known(&entry.key) && closeness(&entry.key, key) > 0.8);
    match typo {
        Some(entry) => source.error(
            entry.mark,
            format!("`{key}` is missing; is `{}` meant to be it?", entry.key),
        ),
        None if key == "session_name" => source.error(
            at,
            "`session_name` is missing; write it in the file or give one with `-s NAME`",
        ),
        None => source.error(at, format!("`{key}` is missing: a list of windows")),
    }
}

/// tmux's arguments end at a NUL, and so would the text.
fn no_nul(node: &Node, source: &Source) -> Result<()> {
    let refuse = |mark, text: &str| match text.contains('\0') {
        true => Err(source.error(mark, "a NUL character cannot be passed to tmux")),
        false => Ok(()),
    };
    match &node.value {
        Value::Null => Ok(()),
        Value::Scalar { text, .. } => refuse(node.mark, text),
        Value::List(items) => items.iter().try_for_each(|item| no_nul(item, source)),
        Value::Map(map) => map.iter().try_for_each(|entry| {
            refuse(entry.mark, &entry.key)?;
            no_nul(&entry.value, source)
        }),
    }
}

/// Checks each key of a mapping; warns of those that mean nothing.
fn keys(map: &Map, known: Keys, whose: &str, source: &mut Source) -> Result<()> {
    for entry in map.iter() {
        match known.iter().find(|(name, _)| *name == entry.key) {
            Some((name, kind)) => value(name, *kind, &entry.value, source)?,
            None if entry.key.starts_with("x-") => {}
            None => {
                let names = known.iter().map(|(name, _)| *name);
                let mut message = format!("unknown key `{}` in {whose} is ignored", entry.key);
                if let Some(near) = nearest(&entry.key, names) {
                    message.push_str(&format!("; did you mean `{near}`?"));
                }
                source.warn(entry.mark, message);
            }
        }
    }
    Ok(())
}

fn value(name: &str, kind: ValueKind, node: &Node, source: &mut Source) -> Result<()> {
    let wrong = |what: &str, source: &Source| {
        let message = format!("`{name}` takes {what}, not {}", shown(node));
        Err(source.error(node.mark, message))
    };
    match kind {
        ValueKind::Text => match node.value {
            Value::Scalar { .. } | Value::Null => Ok(()),
            _ => wrong("a text", source),
        },
        ValueKind::Switch => match node.as_switch() {
            Some(_) => Ok(()),
            None if node.is_null() => Ok(()),
            None => wrong("true or false", source),
        },
        ValueKind::Number => match node.as_text().map(str::parse::<u32>) {
            Some(Ok(number)) if number <= i32::MAX as u32 => Ok(()),
            _ => wrong("a whole number from 0", source),
        },
        ValueKind::Seconds => match seconds(node) {
            Some(_) => Ok(()),
            None if node.is_null() => Ok(()),
            None => wrong("a number of seconds from 0 to 86400", source),
        },
        ValueKind::Options | ValueKind::Environment => settings(name, kind, node, source),
        ValueKind::Commands => commands(name, node, source),
        ValueKind::Layout => match node.as_text() {
            Some(text) => match Layout::parse(text) {
                Ok(_) => Ok(()),
                Err(error) => Err(source.error(node.mark, format!("`layout`: {error}"))),
            },
            None if node.is_null() => Ok(()),
            None => wrong("the name of a layout or a layout string", source),
        },
        ValueKind::Hooks => hooks(node, source),
        ValueKind::Record => match &node.value {
            Value::Map(map) => keys(map, RECORD, "`record`", source),
            _ if node.as_switch().is_some() || node.is_null() => Ok(()),
            _ => wrong("true, false or {title: …, directory: …}", source),
        },
        ValueKind::Synchronize => match node.as_text() {
            Some("before" | "after") => Ok(()),
            _ if node.as_switch().is_some() || node.is_null() => Ok(()),
            _ => wrong("`before`, `after`, true or false", source),
        },
        ValueKind::Windows => windows(node, source),
        ValueKind::Panes => panes(node, source),
        ValueKind::Python => {
            let what = match node.as_list() {
                Some(items) => items
                    .iter()
                    .filter_map(Node::as_text)
                    .collect::<Vec<_>>()
                    .join(", "),
                None => node.as_text().unwrap_or_default().to_owned(),
            };
            source.warn(
                node.mark,
                format!("`{name}` ({what}) are Python, which is not run here; see `hooks`"),
            );
            Ok(())
        }
        ValueKind::BuilderOptions => match &node.value {
            Value::Map(map) => {
                keys(map, BUILDER_OPTIONS, "`workspace_builder_options`", source)?;
                match map.get("pane_readiness") {
                    Some(policy) if readiness(policy).is_none() => Err(source.error(
                        policy.mark,
                        format!(
                            "`pane_readiness` takes auto, always or never, not {}",
                            shown(policy)
                        ),
                    )),
                    _ => Ok(()),
                }
            }
            Value::Null => Ok(()),
            _ => wrong("a mapping", source),
        },
    }
}

/// Whether panes are waited for; `None` when the value means nothing.
pub(super) fn readiness(node: &Node) -> Option<bool> {
    match node.as_text()?.to_ascii_lowercase().as_str() {
        "auto" | "always" => Some(true),
        "never" => Some(false),
        _ => node.as_switch(),
    }
}

/// A value for a message: what was written, if it is short.
fn shown(node: &Node) -> String {
    match node.as_text() {
        Some(text) if text.chars().count() <= 40 => format!("`{text}`"),
        Some(text) => format!("`{}…`", text.chars().take(40).collect::<String>()),
        None => node.kind().to_owned(),
    }
}

pub(super) fn seconds(node: &Node) -> Option<f64> {
    let seconds: f64 = node.as_text()?.parse().ok()?;
    (0.0..=LONGEST_PAUSE).contains(&seconds).then_some(seconds)
}

fn settings(name: &str, kind: ValueKind, node: &Node, source: &mut Source) -> Result<()> {
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Null => return Ok(()),
        _ => {
            let message = format!(
                "`{name}` takes a mapping of names to values, not {}",
                shown(node)
            );
            return Err(source.error(node.mark, message));
        }
    };
    for entry in map.iter() {
        let fine = match entry.value.value {
            Value::Scalar { .. } => true,
            Value::Null => kind == ValueKind::Environment,
            _ => false,
        };
        if !fine {
            let message = format!(
                "`{}` in `{name}` takes a text, not {}",
                entry.key,
                shown(&entry.value)
            );
            return Err(source.error(entry.value.mark, message));
        }
        if entry.key.is_empty() || entry.key.starts_with('-') {
            let message = format!("`{}` is no name that `{name}` can set", entry.key);
            return Err(source.error(entry.mark, message));
        }
        if kind == ValueKind::Environment && entry.key.contains('=') {
            let message = format!("the name of a variable cannot hold `=`: `{}`", entry.key);
            return Err(source.error(entry.mark, message));
        }
    }
    Ok(())
}

/// Tells of a `-` that makes no item, where a text starts with one.
fn dash_hint(node: &Node) -> &'static str {
    match node.as_text() {
        Some(text) if text.starts_with('-') => "; an item of a list has a blank after `-`",
        _ => "",
    }
}

fn commands(name: &str, node: &Node, source: &mut Source) -> Result<()> {
    if let Value::Scalar { text, plain: true } = &node.value
        && text.starts_with('-')
    {
        let message = format!("{} is typed as it is{}", shown(node), dash_hint(node));
        source.warn(node.mark, message);
    }
    match &node.value {
        Value::Null | Value::Scalar { .. } => Ok(()),
        Value::List(items) => items.iter().try_for_each(|item| match &item.value {
            Value::Null | Value::Scalar { .. } => Ok(()),
            Value::Map(map) => command(map, item.mark, source),
            Value::List(_) => Err(source.error(
                item.mark,
                format!("an item of `{name}` takes a command or {{cmd: …}}, not a list"),
            )),
        }),
        Value::Map(map) if map.get("shell_command").is_some() => {
            let known: Keys = &[("shell_command", ValueKind::Commands)];
            keys(map, known, &format!("`{name}`"), source)
        }
        Value::Map(map) => command(map, node.mark, source),
    }
}

fn command(map: &Map, at: Mark, source: &mut Source) -> Result<()> {
    keys(map, COMMAND, "a command", source)?;
    match map.get("cmd") {
        Some(cmd) if cmd.as_text().is_some() => Ok(()),
        Some(cmd) => Err(source.error(cmd.mark, "`cmd` takes the text to type, not nothing")),
        None => Err(source.error(at, "a command without `cmd`: the text to type")),
    }
}

fn hooks(node: &Node, source: &mut Source) -> Result<()> {
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Null => return Ok(()),
        _ => return Err(source.error(node.mark, "`hooks` takes a mapping of hooks to commands")),
    };
    for entry in map.iter() {
        if !HOOKS.contains(&entry.key.as_str()) {
            let mut message = format!(
                "unknown hook `{}`; there are {}",
                entry.key,
                HOOKS.join(", ")
            );
            if let Some(near) = nearest(&entry.key, HOOKS) {
                message = format!("unknown hook `{}`; did you mean `{near}`?", entry.key);
            }
            return Err(source.error(entry.mark, message));
        }
        if entry
            .value
            .as_text()
            .is_none_or(|text| text.trim().is_empty())
        {
            let message = format!("the hook `{}` takes a shell command", entry.key);
            return Err(source.error(entry.value.mark, message));
        }
    }
    Ok(())
}

fn windows(node: &Node, source: &mut Source) -> Result<()> {
    let Value::List(items) = &node.value else {
        let message = format!(
            "`windows` takes a list of windows, not {}{}",
            shown(node),
            dash_hint(node)
        );
        return Err(source.error(node.mark, message));
    };
    if items.is_empty() {
        return Err(source.error(node.mark, "`windows` is empty; a session has at least one"));
    }
    for item in items {
        let Value::Map(window) = &item.value else {
            let message = format!(
                "a window is a mapping such as {{window_name: …, panes: […]}}, not {}",
                shown(item)
            );
            return Err(source.error(item.mark, message));
        };
        keys(window, WINDOW, "a window", source)?;
        let panes = window
            .get("panes")
            .and_then(Node::as_list)
            .map_or(1, |panes| panes.len().max(1));
        if let Some(layout) = window.get("layout")
            && let Some(text) = layout.as_text()
            && let Ok(Layout::Custom(custom)) = Layout::parse(text)
            && custom.cells() < panes
        {
            let message = format!(
                "the layout has room for {} panes, but the window has {panes}",
                custom.cells()
            );
            return Err(source.error(layout.mark, message));
        }
    }
    Ok(())
}

fn panes(node: &Node, source: &mut Source) -> Result<()> {
    let items = match &node.value {
        Value::List(items) => items,
        Value::Null => return Ok(()),
        _ => {
            let message = format!(
                "`panes` takes a list of panes, not {}{}",
                shown(node),
                dash_hint(node)
            );
            return Err(source.error(node.mark, message));
        }
    };
    items.iter().try_for_each(|item| match &item.value {
        Value::Null | Value::Scalar { .. } => Ok(()),
        Value::List(_) => commands("panes", item, source),
        Value::Map(pane) => keys(pane, PANE, "a pane", source),
    })
}
