//! What can be listed and searched of workspace files.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::error::{Error, Result, Source};
use super::file::read_file;
use super::node::{Map, Node};
use super::variables::Variables;

/// A workspace file with what it can be found by.
#[derive(Clone, Debug)]
pub struct ListedFile {
    pub path: PathBuf,
    /// Whether it belongs to a project, not to the user's folder.
    pub local: bool,
    /// What it holds; nothing when it cannot be read.
    pub tree: Option<Node>,
    /// The texts of each field, in the order of [`FIELDS`].
    texts: [Vec<String>; 5],
}

/// The fields that can be searched.
pub const FIELDS: [&str; 5] = ["name", "session_name", "path", "window", "pane"];

impl ListedFile {
    /// Reads a file. One that cannot be read has its name and path only.
    #[must_use]
    pub fn read(path: &Path, local: bool) -> ListedFile {
        let tree = read_file(path, &mut Source::new(path)).ok();
        let get = |map: &Node, key: &str| map.get(key).and_then(Node::as_text).map(str::to_owned);
        let mut windows = Vec::new();
        let mut panes = Vec::new();
        let all = tree
            .as_ref()
            .and_then(|tree| tree.get("windows")?.as_list())
            .unwrap_or_default();
        for window in all {
            windows.extend(get(window, "window_name"));
            for pane in window
                .get("panes")
                .and_then(Node::as_list)
                .unwrap_or_default()
            {
                panes.extend(pane_texts(pane));
            }
        }
        let session = tree.as_ref().and_then(|tree| get(tree, "session_name"));
        ListedFile {
            path: path.to_owned(),
            local,
            texts: [
                vec![name(path)],
                session.into_iter().collect(),
                vec![abbreviate_home(path)],
                windows,
                panes,
            ],
            tree,
        }
    }

    /// The texts of a field of [`FIELDS`].
    #[must_use]
    pub fn texts(&self, field: &str) -> &[String] {
        let at = FIELDS.iter().position(|known| *known == field);
        at.map_or(&[], |at| &self.texts[at])
    }

    /// The name that the file goes by.
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.path)
    }

    /// The session's name in the file.
    #[must_use]
    pub fn session_name(&self) -> Option<&str> {
        self.texts("session_name").first().map(String::as_str)
    }
}

fn name(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A path with `~` for the home folder.
#[must_use]
pub fn abbreviate_home(path: &Path) -> String {
    // Without a slash at the end: nothing, where that is the root.
    static HOME: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut home = Variables::of_process().home().into_os_string().into_vec();
        home.pop_if(|last| *last == b'/');
        home
    });
    let below = path.as_os_str().as_bytes().strip_prefix(&HOME[..]);
    match below.filter(|below| !HOME.is_empty() && matches!(below, [] | [b'/', ..])) {
        Some(below) => format!("~{}", String::from_utf8_lossy(below)),
        None => path.to_string_lossy().into_owned(),
    }
}

/// What is typed into a pane of a file.
#[must_use]
pub fn pane_texts(pane: &Node) -> Vec<String> {
    let commands = pane.get("shell_command").unwrap_or(pane);
    let text = |node: &Node| {
        node.as_text()
            .or_else(|| node.get("cmd")?.as_text())
            .map(str::to_owned)
    };
    match commands.as_list() {
        Some(items) => items.iter().filter_map(text).collect(),
        None => text(commands).into_iter().collect(),
    }
}

/// How patterns are meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchOptions {
    /// Letters match in either case.
    pub ignore_case: bool,
    /// The same, unless the pattern has a capital.
    pub smart_case: bool,
    /// Patterns are plain texts.
    pub fixed: bool,
    /// Only whole words match.
    pub word: bool,
    /// One pattern is enough; all must match otherwise.
    pub any: bool,
    /// What does not match is wanted.
    pub invert: bool,
}

/// What is looked for in workspace files, each pattern compiled once.
#[derive(Debug)]
pub struct Search {
    patterns: Vec<(Vec<&'static str>, Regex)>,
    options: SearchOptions,
}

impl Search {
    /// Compiles patterns: regular expressions, each for all `fields` unless it
    /// starts with `name:`, `session:`, `path:`, `window:` or `pane:`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a field or a pattern that means nothing.
    pub fn new(patterns: &[String], fields: &[String], options: SearchOptions) -> Result<Search> {
        let default = match fields {
            [] => FIELDS.to_vec(),
            fields => fields
                .iter()
                .map(|name| known_field(name))
                .collect::<Result<Vec<_>>>()?,
        };
        let compile = |given: &String| {
            let prefixed = given
                .split_once(':')
                .and_then(|(name, rest)| Some((field(name)?, rest)));
            let (fields, pattern) = match prefixed {
                Some((field, rest)) => (vec![field], rest),
                None => (default.clone(), given.as_str()),
            };
            let text = if options.fixed {
                regex::escape(pattern)
            } else {
                pattern.to_owned()
            };
            let text = if options.word {
                format!(r"\b(?:{text})\b")
            } else {
                text
            };
            let capital = pattern.chars().any(char::is_uppercase);
            let regex = RegexBuilder::new(&text)
                .case_insensitive(options.ignore_case || options.smart_case && !capital)
                .build()
                .map_err(|error| Error::NotFound {
                    message: format!("`{pattern}` is no pattern: {error}"),
                })?;
            Ok((!pattern.is_empty()).then_some((fields, regex)))
        };
        let patterns = patterns.iter().map(compile).collect::<Result<Vec<_>>>()?;
        Ok(Search {
            patterns: patterns.into_iter().flatten().collect(),
            options,
        })
    }

    /// What of a file matches, by field; `None` when the file is not wanted.
    #[must_use]
    pub fn matches(&self, file: &ListedFile) -> Option<Vec<(&'static str, Vec<String>)>> {
        let mut found: Vec<(&'static str, Vec<String>)> = Vec::new();
        let mut matched = Vec::new();
        for (fields, regex) in &self.patterns {
            let mut hit = false;
            for field in fields {
                let texts = file.texts(field).iter().filter_map(|text| regex.find(text));
                let texts: Vec<String> = texts.map(|found| found.as_str().to_owned()).collect();
                hit |= !texts.is_empty();
                match found.iter_mut().find(|(known, _)| known == field) {
                    Some((_, known)) => known.extend(texts),
                    None if texts.is_empty() => {}
                    None => found.push((field, texts)),
                }
            }
            matched.push(hit);
        }
        let wanted = match self.options.any {
            true => matched.contains(&true),
            false => !matched.is_empty() && !matched.contains(&false),
        };
        match (wanted, self.options.invert) {
            (true, false) => Some(found),
            (false, true) => Some(Vec::new()),
            _ => None,
        }
    }
}

fn field(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "name" | "n" => "name",
        "session" | "session_name" | "s" => "session_name",
        "path" | "p" => "path",
        "window" | "w" => "window",
        "pane" => "pane",
        _ => return None,
    })
}

fn known_field(name: &str) -> Result<&'static str> {
    field(name).ok_or_else(|| Error::NotFound {
        message: format!(
            "there is no field `{name}`; there are name, session, path, window and pane"
        ),
    })
}

/// A tree's session and windows with their panes, as lines to print.
#[must_use]
pub fn outline(tree: &Node) -> Vec<(String, Vec<String>)> {
    let windows = tree
        .get("windows")
        .and_then(Node::as_list)
        .unwrap_or_default();
    let named = windows.iter().enumerate().map(|(i, window)| {
        let name = window
            .get("window_name")
            .and_then(Node::as_text)
            .map_or_else(|| format!("window {i}"), str::to_owned);
        let panes = window
            .get("panes")
            .and_then(Node::as_list)
            .unwrap_or_default();
        let panes = panes
            .iter()
            .enumerate()
            .map(|(i, pane)| match pane_texts(pane).join("; ") {
                text if text.is_empty() => format!("pane {i}"),
                text => format!("pane {i}: {text}"),
            });
        (name, panes.collect())
    });
    named.collect()
}

/// Entries of a JSON object for a file that is listed.
#[must_use]
pub fn describe(file: &ListedFile) -> Map {
    let mut map = Map::default();
    map.set("name", file.name());
    map.set("path", abbreviate_home(&file.path));
    let format = super::Format::of(&file.path).unwrap_or_default();
    map.set("format", format.extension());
    match file.session_name() {
        Some(name) => map.set("session_name", name),
        None => map.set("session_name", Node::new(super::node::Value::Null)),
    };
    map.set("source", if file.local { "local" } else { "global" });
    map
}
