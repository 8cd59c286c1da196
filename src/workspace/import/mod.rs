//! Translating the files of other session managers.
//!
//! What comes out loads. Each key that cannot be carried over is named in a
//! warning with its line.

mod teamocil;
mod tmuxinator;

use super::error::{Result, Source};
use super::node::{Map, Mark, Node, Value};
use super::process::quote_all;

pub use teamocil::import_teamocil;
pub use tmuxinator::import_tmuxinator;

/// Refuses templates, which only Ruby can fill in.
///
/// # Errors
/// At the first `<%`.
pub fn refuse_templates(text: &str, source: &Source) -> Result<()> {
    let Some(at) = text.find("<%") else {
        return Ok(());
    };
    let before = &text[..at];
    let mark = Mark {
        line: before.matches('\n').count() + 1,
        column: before.rsplit('\n').next().unwrap_or("").chars().count() + 1,
    };
    Err(source.error(
        mark,
        "this file is an ERB template, which only Ruby can fill in; \
         import its result instead (`tmuxinator debug` shows what it does)",
    ))
}

/// The mapping that a foreign file, or a part of it, must be.
fn mapping<'a>(node: &'a Node, what: &str, source: &Source) -> Result<&'a Map> {
    node.as_map().ok_or_else(|| {
        source.error(
            node.mark,
            format!("{what} is a mapping, not {}", node.kind()),
        )
    })
}

/// The list that a part of a foreign file must be; nothing is an empty one.
fn list<'a>(node: Option<&'a Node>, what: &str, source: &Source) -> Result<&'a [Node]> {
    match node {
        None => Ok(&[]),
        Some(node) if node.is_null() => Ok(&[]),
        Some(node) => node.as_list().ok_or_else(|| {
            source.error(node.mark, format!("{what} is a list, not {}", node.kind()))
        }),
    }
}

/// A session's name that tmux takes, from the file's or from its path.
fn session_name(name: Option<&Node>, source: &mut Source) -> Node {
    let given = name.and_then(|node| Some((node.as_text()?.trim().to_owned(), node.mark)));
    let (name, mark) = given
        .filter(|(name, _)| !name.is_empty())
        .unwrap_or_else(|| {
            let stem = source
                .path()
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned());
            (
                stem.unwrap_or_default().trim_start_matches('.').to_owned(),
                Mark::default(),
            )
        });
    let fits: String = name
        .chars()
        .map(|c| {
            if matches!(c, '.' | ':') || c.is_control() {
                '-'
            } else {
                c
            }
        })
        .collect();
    let fits = if fits.trim().is_empty() {
        "imported".to_owned()
    } else {
        fits
    };
    if fits != name {
        source.warn(
            mark,
            format!("tmux takes no session name `{name}`; it becomes `{fits}`"),
        );
    }
    Node::text_at(fits, mark)
}

/// Commands as a list of texts; `None` when there is none.
fn commands(node: &Node, source: &mut Source) -> Option<Node> {
    let items = match &node.value {
        Value::Scalar { .. } => vec![node.clone()],
        Value::List(items) => {
            let mut texts = Vec::new();
            for item in items {
                match &item.value {
                    Value::Scalar { .. } => texts.push(item.clone()),
                    Value::Null => {}
                    _ => source.warn(
                        item.mark,
                        format!("{} is no command; it is left out", item.kind()),
                    ),
                }
            }
            texts
        }
        Value::Null => Vec::new(),
        Value::Map(_) => {
            source.warn(node.mark, "a mapping is no command; it is left out");
            Vec::new()
        }
    };
    // A command of this text would stand for none.
    let literal = |item: Node| match item.as_text() {
        Some("pane" | "blank") => Node::from([("cmd", item.clone())]),
        _ => item,
    };
    let items: Vec<Node> = items.into_iter().map(literal).collect();
    (!items.is_empty()).then_some(Node {
        value: Value::List(items),
        mark: node.mark,
    })
}

/// Commands that run once, as a `before_script`: through a shell, as they
/// were.
fn script(commands: &Node) -> Option<Node> {
    let texts: Vec<&str> = commands
        .as_list()?
        .iter()
        .filter_map(|item| item.as_text().or_else(|| item.get("cmd")?.as_text()))
        .collect();
    let words = ["sh".to_owned(), "-c".to_owned(), texts.join("\n")];
    Some(Node::text_at(quote_all(&words), commands.mark))
}

/// Adds commands to those that a key has already.
fn append(map: &mut Map, key: &str, commands: &Node) {
    let mut all = map
        .get(key)
        .and_then(Node::as_list)
        .unwrap_or_default()
        .to_vec();
    all.extend(commands.as_list().unwrap_or_default().to_vec());
    map.set(key, all);
}

/// A layout if tmux knows it, or a warning.
fn set_layout(map: &mut Map, layout: &Node, panes: usize, source: &mut Source) {
    let Some(text) = layout.as_text() else {
        return;
    };
    match super::Layout::parse(text) {
        Ok(super::Layout::Custom(custom)) if custom.cells() < panes => {
            source.warn(
                layout.mark,
                format!("the layout has no room for {panes} panes; they are tiled"),
            );
            map.set("layout", "tiled");
        }
        Ok(_) => _ = map.set("layout", layout.clone()),
        Err(error) => {
            source.warn(layout.mark, format!("{error}; the panes are tiled"));
            map.set("layout", "tiled");
        }
    }
}

/// Options with texts as values; others are left out with a warning.
fn set_options(map: &mut Map, options: &Node, source: &mut Source) {
    let mut out = Map::default();
    for entry in options.as_map().into_iter().flat_map(Map::iter) {
        match entry.value.as_text() {
            Some(_) => _ = out.set(entry.key.clone(), entry.value.clone()),
            None => source.warn(
                entry.mark,
                format!("option `{}` has no value; it is left out", entry.key),
            ),
        }
    }
    if !out.is_empty() {
        map.set("options", out);
    }
}

impl<const N: usize> From<[(&str, Node); N]> for Node {
    fn from(entries: [(&str, Node); N]) -> Node {
        let mut map = Map::default();
        for (key, value) in entries {
            map.set(key, value);
        }
        Node::from(map)
    }
}
