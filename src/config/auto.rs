//! `[[auto]]`: rules that say which windows are recorded without being asked for.

use std::fmt::Write as _;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use serde_json::{Map, Value as Json};
use toml::de::DeValue;

use super::table::{in_order, line_of};
use super::{expand_home, whole_path};
use crate::wording::nearest;

/// What stands in a file that has no rule.
const EXAMPLE: &str = "\
# Windows that `tvmux auto on` records without being asked for: the first rule
# that fits a window counts; none stands for no.
# [[auto]]
# session = \"work*\"
# folder = \"~/secret\"
# record = false
#
# [[auto]]
# session = \"work*\"
";

/// A pattern: `*` stands for any text, `?` for one character, `[ab]` for one of
/// these, `{a,b}` for one of these texts; upper and lower case differ.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
    is_folder: bool,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        (&self.text, self.is_folder) == (&other.text, other.is_folder)
    }
}

impl Pattern {
    fn new(text: &str, is_folder: bool) -> Result<Pattern, String> {
        if text.is_empty() {
            return Err("must not be empty".into());
        }
        let whole = match is_folder {
            true => {
                whole_path(&text.to_owned())?;
                let home = expand_home(text);
                let whole = home.to_string_lossy();
                let trimmed = whole.trim_end_matches('/');
                let is_root = trimmed.is_empty();
                if is_root { "/" } else { trimmed }.to_owned()
            }
            false => text.to_owned(),
        };
        // A name is no path: it may hold a `/`.
        let glob = GlobBuilder::new(&whole)
            .literal_separator(is_folder)
            .backslash_escape(true)
            .build()
            .map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))?;
        Ok(Pattern {
            text: text.to_owned(),
            glob: glob.compile_matcher(),
            is_folder,
        })
    }

    /// Whether a text fits; a folder does where one above it fits, too.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match self.is_folder {
            true => Path::new(text)
                .ancestors()
                .any(|path| self.glob.is_match(path)),
            false => self.glob.is_match(text),
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What becomes of a window that a rule fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoRecord {
    #[default]
    Yes,
    No,
    /// Only the last minutes are kept.
    Flashback,
}

/// One `[[auto]]` table. A pattern that is not there fits everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AutoRule {
    /// The line of the file where it begins, from 1.
    pub line: usize,
    /// Of the names of the sessions that the window is in, one.
    pub session: Option<Pattern>,
    /// The window's name.
    pub window: Option<Pattern>,
    /// The name of the active pane's foreground program, as tmux tells it.
    pub command: Option<Pattern>,
    /// The active pane's present folder, or one above it.
    pub folder: Option<Pattern>,
    /// This machine's name, whole or without its domain.
    pub host: Option<Pattern>,
    pub record: AutoRecord,
    /// The folder for the casts; that of `[output]` without.
    pub directory: Option<String>,
    /// The casts' title; the window's name without.
    pub title: Option<String>,
    /// The longest pause that a player should show, in seconds; finite.
    pub idle_time_limit: Option<f64>,
    /// Whether to follow the active pane; as `[recording]` says without.
    pub follow: Option<bool>,
}

impl Eq for AutoRule {}

impl AutoRule {
    const KEYS: [&'static str; 10] = [
        "session",
        "window",
        "command",
        "folder",
        "host",
        "record",
        "directory",
        "title",
        "idle_time_limit",
        "follow",
    ];

    /// The patterns with their keys, in the order in which they are looked at.
    #[must_use]
    pub fn patterns(&self) -> [(&'static str, Option<&Pattern>); 5] {
        [
            ("session", self.session.as_ref()),
            ("window", self.window.as_ref()),
            ("command", self.command.as_ref()),
            ("folder", self.folder.as_ref()),
            ("host", self.host.as_ref()),
        ]
    }

    fn set(&mut self, key: &str, value: &DeValue<'_>) -> Result<(), String> {
        let pattern = || Pattern::new(&text(value)?, key == "folder").map(Some);
        match key {
            "session" => self.session = pattern()?,
            "window" => self.window = pattern()?,
            "command" => self.command = pattern()?,
            "folder" => self.folder = pattern()?,
            "host" => self.host = pattern()?,
            "record" => {
                self.record = match value {
                    DeValue::Boolean(true) => AutoRecord::Yes,
                    DeValue::Boolean(false) => AutoRecord::No,
                    DeValue::String(text) if text == "flashback" => AutoRecord::Flashback,
                    _ => return Err("expected true, false or \"flashback\"".into()),
                }
            }
            "directory" => {
                let folder = text(value)?;
                whole_path(&folder)?;
                self.directory = Some(folder);
            }
            "title" => self.title = Some(text(value)?),
            "idle_time_limit" => {
                let seconds = match value {
                    DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
                    DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
                    _ => None,
                };
                let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
                let seconds = seconds.ok_or("expected a number of seconds above 0")?;
                self.idle_time_limit = Some(seconds);
            }
            "follow" => match value {
                DeValue::Boolean(follow) => self.follow = Some(*follow),
                _ => return Err("expected true or false".into()),
            },
            _ => {
                return Err(match nearest(key, AutoRule::KEYS) {
                    Some(near) => format!("there is no key `{key}`; did you mean `{near}`?"),
                    None => {
                        let keys = AutoRule::KEYS.join(", ");
                        format!("there is no key `{key}`; there are {keys}")
                    }
                });
            }
        }
        Ok(())
    }

    /// The keys that are set, with their values as JSON.
    fn entries(&self) -> Vec<(&'static str, Json)> {
        let patterns = self.patterns();
        let patterns = patterns.into_iter();
        let mut all: Vec<(&str, Json)> = patterns
            .filter_map(|(key, pattern)| Some((key, pattern?.text().into())))
            .collect();
        let record = match self.record {
            AutoRecord::Yes => true.into(),
            AutoRecord::No => false.into(),
            AutoRecord::Flashback => "flashback".into(),
        };
        all.push(("record", record));
        let rest = [
            ("directory", self.directory.clone().map(Json::from)),
            ("title", self.title.clone().map(Json::from)),
            ("idle_time_limit", self.idle_time_limit.map(Json::from)),
            ("follow", self.follow.map(Json::from)),
        ];
        all.extend(
            rest.into_iter()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        all
    }

    /// The rule as a JSON object of the keys that are set.
    pub(super) fn to_json(&self) -> Json {
        let entries = self.entries().into_iter();
        let map: Map<String, Json> = entries
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        map.into()
    }
}

/// The rules as a part of a configuration file; an example where there are none.
pub(super) fn to_toml(rules: &[AutoRule]) -> String {
    if rules.is_empty() {
        return EXAMPLE.to_owned();
    }
    let mut out = String::new();
    for rule in rules {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str("[[auto]]\n");
        for (key, value) in rule.entries() {
            let value = match value {
                Json::String(text) => toml::Value::String(text).to_string(),
                other => other.to_string(),
            };
            let _ = writeln!(out, "{key} = {value}");
        }
    }
    out
}

/// Reads the tables of a file; else the line, the key and what is wrong.
pub(super) fn read(
    file: &str,
    at: usize,
    value: &DeValue<'_>,
) -> Result<Vec<AutoRule>, (usize, String, String)> {
    let fail = |line| {
        let message = "expected tables: write `[[auto]]` and its keys below";
        (line, "auto".to_owned(), message.to_owned())
    };
    let DeValue::Array(tables) = value else {
        return Err(fail(at));
    };
    let mut rules = Vec::new();
    for table in tables {
        let line = line_of(file, table.span().start);
        let DeValue::Table(fields) = table.get_ref() else {
            return Err(fail(line));
        };
        let mut rule = AutoRule {
            line,
            ..AutoRule::default()
        };
        for (key, value) in in_order(fields) {
            let name = key.get_ref().as_ref();
            rule.set(name, value.get_ref()).map_err(|message| {
                let line = line_of(file, key.span().start);
                (line, format!("auto.{name}"), message)
            })?;
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("expected a text in quotes".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Loaded;

    fn load(text: &str) -> Result<Vec<AutoRule>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        let loaded = Loaded::read(Some(&path)).map_err(|error| {
            let error = error.to_string();
            error[error.find("c.toml").unwrap()..].to_owned()
        });
        Ok(loaded?.config.auto)
    }

    #[test]
    fn rules_are_read_in_their_order_and_written_as_they_were() {
        let text = "[[auto]]\nsession = \"work*\"\nfolder = \"~/a\"\nrecord = false\n\n\
                    [[auto]]\nwindow = \"{log,db}\"\nrecord = true\ndirectory = \"/casts\"\n\
                    title = \"a \\\"b\\\"\"\nidle_time_limit = 2.5\nfollow = false\n";
        let rules = load(text).unwrap();
        assert_eq!((rules.len(), rules[0].line, rules[1].line), (2, 1, 6));
        assert_eq!(rules[0].record, AutoRecord::No);
        assert_eq!(rules[1].idle_time_limit, Some(2.5));
        assert_eq!(load(&to_toml(&rules)).unwrap(), rules);
        assert_eq!(load(EXAMPLE).unwrap(), []);
    }

    #[test]
    fn mistakes_name_line_and_key() {
        let message = |text: &str| load(text).unwrap_err();
        insta::assert_snapshot!(message("[[auto]]\n\nsesion = 'x'\n"), @"c.toml:3: auto.sesion: there is no key `sesion`; did you mean `session`?");
        insta::assert_snapshot!(message("[[auto]]\nwindow = '[a'\n"), @"c.toml:2: auto.window: `[a` is no pattern: unclosed character class; missing ']'");
        insta::assert_snapshot!(message("[[auto]]\nfolder = 'src'\n"), @"c.toml:2: auto.folder: `src` must begin with `/` or `~/`");
        insta::assert_snapshot!(message("[[auto]]\nrecord = 'maybe'\n"), @r#"c.toml:2: auto.record: expected true, false or "flashback""#);
        insta::assert_snapshot!(message("[[auto]]\nidle_time_limit = -1\n"), @"c.toml:2: auto.idle_time_limit: expected a number of seconds above 0");
        insta::assert_snapshot!(message("[auto]\nsession = 'x'\n"), @"c.toml:1: auto: expected tables: write `[[auto]]` and its keys below");
        insta::assert_snapshot!(message("auto = [1]\n"), @"c.toml:1: auto: expected tables: write `[[auto]]` and its keys below");
    }

    #[test]
    fn a_name_fits_as_a_whole_and_a_folder_with_all_below_it() {
        let name = |pattern: &str, text: &str| Pattern::new(pattern, false).unwrap().is_match(text);
        assert!(name("work*", "work/a b") && name("w?rk", "work") && name("{a,b}*", "bc"));
        assert!(!name("work", "workshop") && !name("Work", "work") && !name("[ab]", "c"));
        let folder =
            |pattern: &str, text: &str| Pattern::new(pattern, true).unwrap().is_match(text);
        assert!(folder("/", "/a/b") && folder("/src", "/src") && folder("/src/", "/src/a/b"));
        assert!(folder("/src/*", "/src/a/b") && !folder("/src/*", "/src"));
        assert!(!folder("/src", "/srcs") && !folder("/s*c", "/s/c"));
        assert!(folder("/s/**/c", "/s/a/b/c/d"));
    }
}
