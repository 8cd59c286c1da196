//! teamocil's layouts, of 0.x (`session`, `splits`) and of 1.x (`panes`).

use super::super::error::{Result, Source};
use super::super::node::{Map, Node, Value};
use super::{commands, list, mapping, session_name, set_layout, set_options};

/// Translates a teamocil layout. What cannot be carried over goes to `source`
/// as warnings.
///
/// # Errors
/// When the file is no layout: no mapping, or windows of a wrong shape.
pub fn import_teamocil(layout: &Node, source: &mut Source) -> Result<Node> {
    let top = mapping(layout, "a teamocil layout", source)?;
    let session = match top.get("session") {
        Some(session) => mapping(session, "`session`", source)?,
        None => top,
    };
    let mut out = Map::default();
    let name = session_name(session.get("name"), source);
    out.set("session_name", name);
    for entry in session.iter() {
        match entry.key.as_str() {
            "name" | "windows" => {}
            "root" if entry.value.as_text().is_some() => {
                _ = out.set("start_directory", entry.value.clone())
            }
            key => source.warn(
                entry.mark,
                format!("`{key}` is not carried over: it is not known"),
            ),
        }
    }
    let mut windows = Vec::new();
    for item in list(session.get("windows"), "`windows`", source)? {
        let map = mapping(item, "a window", source)?;
        windows.push(Node::from(window(map, source)?));
    }
    if windows.is_empty() {
        source.warn(
            layout.mark,
            "the layout has no windows; one blank window is made",
        );
        windows.push(Map::default().into());
    }
    out.set("windows", windows);
    Ok(out.into())
}

fn window(map: &Map, source: &mut Source) -> Result<Map> {
    let mut window = Map::default();
    let splits = map.get("splits").or_else(|| map.get("panes"));
    let splits = list(splits, "`panes`", source)?;
    for entry in map.iter() {
        let value = &entry.value;
        match entry.key.as_str() {
            "splits" | "panes" | "cmd_separator" => {}
            "name" if value.as_text().is_some() => _ = window.set("window_name", value.clone()),
            "root" if value.as_text().is_some() => _ = window.set("start_directory", value.clone()),
            "layout" => set_layout(&mut window, value, splits.len(), source),
            "options" => set_options(&mut window, value, source),
            "clear" | "focus" if value.as_switch().is_some() => {
                _ = window.set(entry.key.clone(), value.clone())
            }
            "with_env_var" => {
                if value.as_switch() == Some(true) {
                    window.set("environment", Node::from([("TEAMOCIL", Node::from("1"))]));
                }
            }
            "filters" => {
                for filter in value.as_map().into_iter().flat_map(Map::iter) {
                    let key = match filter.key.as_str() {
                        "before" => "shell_command_before",
                        "after" => "shell_command_after",
                        other => {
                            source.warn(
                                filter.mark,
                                format!("the filter `{other}` is not carried over"),
                            );
                            continue;
                        }
                    };
                    if let Some(commands) = commands(&filter.value, source) {
                        window.set(key, commands);
                    }
                }
            }
            key => source.warn(
                entry.mark,
                format!("`{key}` of a window is not carried over"),
            ),
        }
    }
    let mut sizes = Vec::new();
    let panes: Vec<Node> = splits
        .iter()
        .map(|split| pane(split, &mut sizes, source))
        .collect();
    if !sizes.is_empty() && window.get("layout").is_none() {
        let all = |size: &str| sizes.iter().all(|known| *known == size);
        let layout = if all("width") {
            "even-horizontal"
        } else if all("height") {
            "even-vertical"
        } else {
            "tiled"
        };
        window.set("layout", layout);
    }
    if !panes.is_empty() {
        window.set("panes", panes);
    }
    Ok(window)
}

/// A pane; where it wanted to be goes to `sizes`.
fn pane(split: &Node, sizes: &mut Vec<&'static str>, source: &mut Source) -> Node {
    let Value::Map(map) = &split.value else {
        return match commands(split, source) {
            Some(commands) => Node::from([("shell_command", commands)]),
            None => Node::new(Value::Null),
        };
    };
    let mut pane = Map::default();
    for entry in map.iter() {
        let value = &entry.value;
        match entry.key.as_str() {
            "cmd" | "commands" => {
                if let Some(commands) = commands(value, source) {
                    pane.set("shell_command", commands);
                }
            }
            "focus" if value.as_switch().is_some() => _ = pane.set("focus", value.clone()),
            "root" if value.as_text().is_some() => _ = pane.set("start_directory", value.clone()),
            "name" | "title" if value.as_text().is_some() => _ = pane.set("title", value.clone()),
            key @ ("width" | "height" | "target") => {
                sizes.push(if key == "width" {
                    "width"
                } else if key == "height" {
                    "height"
                } else {
                    "target"
                });
                source.warn(
                    entry.mark,
                    format!("`{key}` is not carried over as it is: the window gets a layout of even panes"),
                );
            }
            key => source.warn(entry.mark, format!("`{key}` of a pane is not carried over")),
        }
    }
    match pane.is_empty() {
        true => Node::new(Value::Null),
        false => pane.into(),
    }
}
