//! From what is written to what is meant, and back: variables, shorthands,
//! folders, and what windows and panes inherit.
//!
//! Pure: variables and the file's folder are arguments. The trees that come
//! in have passed [`validate_schema`](super::validate_schema).

use std::path::{Component, Path, PathBuf};

use super::node::{Map, Mark, Node, Value};
use super::variables::Variables;
use crate::shell;

/// Resolves variables, shorthands and folders of a workspace.
///
/// `folder` is the file's own: what `./` of the session means. In windows and
/// panes `./` is the folder of what they are in.
#[must_use]
pub fn expand(workspace: &Node, folder: &Path, variables: &Variables) -> Node {
    let mut session = workspace.clone();
    let Value::Map(map) = &mut session.value else {
        return session;
    };
    let own = level(map, folder, folder, variables);
    if let Some(script) = map.get_mut("before_script") {
        rewrite(script, |text| script_path(&variables.expand(text), folder));
    }
    let base = own.unwrap_or_else(|| folder.to_owned());
    each(map, "windows", |window| {
        let Value::Map(map) = &mut window.value else {
            return;
        };
        let own = level(map, folder, &base, variables);
        if let Some(after) = map.get_mut("shell_command_after") {
            *after = command_list(after, variables);
        }
        let base = own.unwrap_or_else(|| base.clone());
        if let Some(panes) = map.get_mut("panes")
            && panes.is_null()
        {
            panes.value = Value::List(Vec::new());
        }
        each(map, "panes", |pane| {
            *pane = full_pane(pane, variables);
            if let Value::Map(map) = &mut pane.value {
                level(map, folder, &base, variables);
            }
        });
    });
    session
}

fn each(map: &mut Map, key: &str, mut change: impl FnMut(&mut Node)) {
    if let Some(Node {
        value: Value::List(items),
        ..
    }) = map.get_mut(key)
    {
        items.iter_mut().for_each(&mut change);
    }
}

fn rewrite(node: &mut Node, change: impl FnOnce(&str) -> String) {
    if let Value::Scalar { text, .. } = &mut node.value {
        let new = change(text);
        if new != *text {
            *node = Node::text_at(new, node.mark);
        }
    }
}

/// What sessions, windows and panes have alike. Gives the start folder if one
/// is set.
fn level(map: &mut Map, folder: &Path, base: &Path, variables: &Variables) -> Option<PathBuf> {
    for key in ["session_name", "window_name", "title"] {
        if let Some(node) = map.get_mut(key) {
            rewrite(node, |text| variables.expand(text));
        }
    }
    // Values stay as written but for variables: no path is made of `.py`.
    if let Some(Node {
        value: Value::Map(environment),
        ..
    }) = map.get_mut("environment")
    {
        for entry in environment.iter_mut() {
            rewrite(&mut entry.value, |text| variables.expand(text));
        }
    }
    for key in ["options", "global_options", "options_after"] {
        if let Some(Node {
            value: Value::Map(options),
            ..
        }) = map.get_mut(key)
        {
            for entry in options.iter_mut() {
                rewrite(&mut entry.value, |text| {
                    let text = variables.expand(text);
                    match text.starts_with("./") || text.starts_with("../") {
                        true => join(folder, &text).to_string_lossy().into_owned(),
                        false => text,
                    }
                });
            }
        }
    }
    if let Some(before) = map.get_mut("shell_command_before") {
        *before = command_list(before, variables);
    }
    if let Some(Node {
        value: Value::Map(record),
        ..
    }) = map.get_mut("record")
    {
        if let Some(title) = record.get_mut("title") {
            rewrite(title, |text| variables.expand(text));
        }
        if let Some(directory) = record.get_mut("directory") {
            rewrite(directory, |text| {
                join(folder, &variables.expand(text))
                    .to_string_lossy()
                    .into_owned()
            });
        }
    }
    let start = map.get_mut("start_directory")?;
    rewrite(start, |text| {
        let text = variables.expand(text);
        match text.starts_with('.') {
            true => join(base, &text).to_string_lossy().into_owned(),
            false => text,
        }
    });
    start
        .as_text()
        .filter(|text| !text.is_empty())
        .map(PathBuf::from)
}

/// Joins, and takes `.` and `..` out.
fn join(base: &Path, path: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// `./` of a script is the file's folder, whatever is in the folder's name.
fn script_path(command: &str, folder: &Path) -> String {
    if !command.starts_with('.') {
        return command.to_owned();
    }
    let end = command.find(char::is_whitespace).unwrap_or(command.len());
    let program = join(folder, &command[..end]);
    format!(
        "{}{}",
        shell::quote(&program.to_string_lossy()),
        &command[end..]
    )
}

/// A pane in full: a mapping with a list of commands.
fn full_pane(pane: &Node, variables: &Variables) -> Node {
    let mut map = match &pane.value {
        Value::Map(map) => map.clone(),
        _ => {
            let mut map = Map::default();
            map.set("shell_command", pane.clone());
            map
        }
    };
    let commands = match map.get("shell_command") {
        Some(commands) => command_list(commands, variables),
        None => Node {
            value: Value::List(Vec::new()),
            mark: pane.mark,
        },
    };
    map.set("shell_command", commands);
    Node {
        value: Value::Map(map),
        mark: pane.mark,
    }
}

/// Commands in full: a list of `{cmd: …}`. Nothing, `pane` and `blank` stand
/// for no command.
fn command_list(node: &Node, variables: &Variables) -> Node {
    let node = match node.as_map().and_then(|map| map.get("shell_command")) {
        Some(inner) => inner,
        None => node,
    };
    let blank = |item: &Node| item.is_null() || matches!(item.as_text(), Some("pane" | "blank"));
    let items: &[Node] = match &node.value {
        Value::List(items) if items.len() == 1 && blank(&items[0]) => &[],
        Value::List(items) => items,
        _ if blank(node) => &[],
        _ => std::slice::from_ref(node),
    };
    let full = items.iter().filter(|item| !item.is_null()).map(|item| {
        let mut map = item.as_map().cloned().unwrap_or_default();
        if item.as_map().is_none() {
            map.set("cmd", item.clone());
        }
        if let Some(cmd) = map.get_mut("cmd") {
            rewrite(cmd, |text| variables.expand(text));
        }
        Node {
            value: Value::Map(map),
            mark: item.mark,
        }
    });
    Node {
        value: Value::List(full.collect()),
        mark: node.mark,
    }
}

/// Hands down what windows and panes inherit: start folder, history, the
/// commands before and after their own. Takes an expanded workspace.
#[must_use]
pub fn trickle(expanded: &Node) -> Node {
    let mut session = expanded.clone();
    let Value::Map(map) = &mut session.value else {
        return session;
    };
    let inherited = map.clone();
    each(map, "windows", |window| {
        let Value::Map(map) = &mut window.value else {
            return;
        };
        inherit_folder(map, &inherited);
        inherit(map, &inherited, "suppress_history");
        let no_panes = map
            .get("panes")
            .and_then(Node::as_list)
            .is_none_or(<[Node]>::is_empty);
        if no_panes {
            let blank = full_pane(&Node::new(Value::Null), &Variables::of([]));
            map.set("panes", vec![blank]);
        }
        let own = map.clone();
        each(map, "panes", |pane| {
            let Value::Map(map) = &mut pane.value else {
                return;
            };
            inherit_folder(map, &own);
            inherit(map, &own, "suppress_history");
            let mut commands = Vec::new();
            for (from, key) in [
                (&inherited, "shell_command_before"),
                (&own, "shell_command_before"),
                (&*map, "shell_command_before"),
                (&*map, "shell_command"),
                (&own, "shell_command_after"),
            ] {
                commands.extend(
                    from.get(key)
                        .and_then(Node::as_list)
                        .unwrap_or_default()
                        .to_vec(),
                );
            }
            map.remove("shell_command_before");
            let mark = map
                .get("shell_command")
                .map_or(Mark::default(), |node| node.mark);
            map.set(
                "shell_command",
                Node {
                    value: Value::List(commands),
                    mark,
                },
            );
        });
    });
    session
}

fn inherit(map: &mut Map, from: &Map, key: &str) {
    if map.get(key).is_none_or(Node::is_null)
        && let Some(value) = from.get(key)
    {
        map.set(key, value.clone());
    }
}

/// A relative folder is below the one it is in.
fn inherit_folder(map: &mut Map, from: &Map) {
    let key = "start_directory";
    let outer = from
        .get(key)
        .and_then(Node::as_text)
        .filter(|text| !text.is_empty());
    let Some(outer) = outer else {
        return;
    };
    match map.get_mut(key) {
        Some(own) if own.as_text().is_some_and(|text| !text.is_empty()) => rewrite(own, |text| {
            join(Path::new(outer), text).to_string_lossy().into_owned()
        }),
        _ => inherit(map, from, key),
    }
}

/// Writes the switches among options as `true` and `false`, which JSON knows
/// too: it has no `yes` that is not a text.
#[must_use]
pub fn plain_switches(workspace: &Node) -> Node {
    let mut session = workspace.clone();
    if let Value::Map(map) = &mut session.value {
        option_switches(map);
        each(map, "windows", |window| {
            if let Value::Map(map) = &mut window.value {
                option_switches(map);
            }
        });
    }
    session
}

fn option_switches(map: &mut Map) {
    for key in ["options", "global_options", "options_after"] {
        if let Some(Node {
            value: Value::Map(options),
            ..
        }) = map.get_mut(key)
        {
            for entry in options.iter_mut() {
                if let Some(on) = entry.value.as_plain_switch() {
                    entry.value = Node::from(on);
                }
            }
        }
    }
}

/// Writes shorthands where they say the same: the opposite of [`expand`].
#[must_use]
pub fn inline(workspace: &Node) -> Node {
    let mut session = workspace.clone();
    if let Value::Map(map) = &mut session.value {
        inline_commands(map);
        each(map, "windows", |window| {
            if let Value::Map(map) = &mut window.value {
                inline_commands(map);
                each(map, "panes", inline_pane);
            }
        });
    }
    session
}

fn inline_commands(map: &mut Map) {
    for key in [
        "shell_command",
        "shell_command_before",
        "shell_command_after",
    ] {
        let Some(node) = map.get_mut(key) else {
            continue;
        };
        if let Value::List(items) = &mut node.value {
            for item in items.iter_mut() {
                let cmd = item
                    .as_map()
                    .filter(|map| map.len() == 1)
                    .and_then(|map| map.get("cmd"));
                if let Some(cmd) = cmd {
                    *item = cmd.clone();
                }
            }
            // A lone `pane` or `blank` would stand for no command.
            if let [only] = items.as_slice()
                && only
                    .as_text()
                    .is_some_and(|text| !matches!(text, "pane" | "blank"))
            {
                *node = only.clone();
            }
        }
    }
}

fn inline_pane(pane: &mut Node) {
    let Value::Map(map) = &mut pane.value else {
        return;
    };
    inline_commands(map);
    if map
        .get("shell_command")
        .and_then(Node::as_list)
        .is_some_and(<[Node]>::is_empty)
    {
        map.remove("shell_command");
    }
    if map.is_empty() {
        pane.value = Value::Null;
    } else if map.len() == 1
        && let Some(commands) = map.get("shell_command")
    {
        *pane = commands.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Source, yaml};

    fn variables() -> Variables {
        Variables::of([("HOME", "/home/ada"), ("USER", "ada"), ("EMPTY", "")])
    }

    fn read(text: &str) -> Node {
        let folder = Path::new("/projects/site");
        let node = yaml::parse(text, &mut Source::new("test.yaml"))
            .unwrap()
            .unwrap();
        trickle(&expand(&node, folder, &variables()))
    }

    fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
        let found = path
            .iter()
            .try_fold(node, |node, key| match key.parse::<usize>() {
                Ok(index) => node.as_list()?.get(index),
                Err(_) => node.get(key),
            });
        found?.as_text()
    }

    #[test]
    fn folders_follow_what_they_are_in() {
        let tree = read(
            "session_name: s\nstart_directory: ./src\nwindows:\n\
             - start_directory: ./a\n  panes: [{start_directory: ./b}, {start_directory: c}, x]\n\
             - start_directory: lib\n- start_directory: ~/x\n- start_directory: /abs\n- {}\n",
        );
        let at = |path: &[&str]| text(&tree, path).map(str::to_owned);
        let window = |n: &str| at(&["windows", n, "start_directory"]);
        assert_eq!(
            at(&["start_directory"]).as_deref(),
            Some("/projects/site/src")
        );
        assert_eq!(window("0").as_deref(), Some("/projects/site/src/a"));
        let pane = |n: &str| at(&["windows", "0", "panes", n, "start_directory"]);
        assert_eq!(pane("0").as_deref(), Some("/projects/site/src/a/b"));
        assert_eq!(pane("1").as_deref(), Some("/projects/site/src/a/c"));
        assert_eq!(pane("2").as_deref(), Some("/projects/site/src/a"));
        assert_eq!(window("1").as_deref(), Some("/projects/site/src/lib"));
        assert_eq!(window("2").as_deref(), Some("/home/ada/x"));
        assert_eq!(window("3").as_deref(), Some("/abs"));
        assert_eq!(window("4").as_deref(), Some("/projects/site/src"));
    }

    #[test]
    fn commands_come_in_order() {
        let tree = read(
            "session_name: s\nshell_command_before: one\nwindows:\n\
             - shell_command_before: [two]\n  shell_command_after: six\n  panes:\n\
             \x20 - {shell_command_before: three, shell_command: [four, {cmd: $USER, enter: false}]}\n\
             \x20 - blank\n  - [null]\n  - ''\n",
        );
        let commands = |pane: &str| {
            let panes = tree.get("windows").unwrap().as_list().unwrap()[0]
                .get("panes")
                .unwrap();
            let pane = &panes.as_list().unwrap()[pane.parse::<usize>().unwrap()];
            let list = pane.get("shell_command").unwrap().as_list().unwrap();
            let texts = list
                .iter()
                .map(|c| c.get("cmd").unwrap().as_text().unwrap().to_owned());
            texts.collect::<Vec<_>>().join(",")
        };
        assert_eq!(commands("0"), "one,two,three,four,ada,six");
        assert_eq!(commands("1"), "one,two,six");
        assert_eq!(commands("2"), "one,two,six");
        assert_eq!(commands("3"), "one,two,,six");
    }

    #[test]
    fn inline_undoes_expand() {
        let text = "session_name: s\nshell_command_before: a\nwindows:\n- window_name: w\n  \
                    panes:\n  - null\n  - vim\n  - [a, b]\n  - {shell_command: x, focus: true}\n";
        let node = yaml::parse(text, &mut Source::new("t.yaml"))
            .unwrap()
            .unwrap();
        let full = expand(&node, Path::new("/"), &variables());
        assert_ne!(full, node);
        assert_eq!(expand(&inline(&full), Path::new("/"), &variables()), full);
        let panes = |node: &Node| {
            node.get("windows").unwrap().as_list().unwrap()[0]
                .get("panes")
                .cloned()
        };
        assert_eq!(panes(&inline(&full)), panes(&node));
    }
}
