//! Settings as text: a configuration file that explains itself, and variables
//! for a shell.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::schema::{Entry, Value, purpose};
use super::{AutoRule, Config, auto, variable_name};
use crate::shell;

impl Value {
    /// The value as TOML has it.
    #[must_use]
    pub fn to_toml(&self) -> String {
        match self {
            Value::Text(text) => toml::Value::String(text.clone()).to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::List(texts) => {
                let texts = texts.iter().cloned().map(toml::Value::String);
                toml::Value::Array(texts.collect()).to_string()
            }
        }
    }

    /// The value as an environment variable has it.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Flag(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::List(texts) => texts.join("|"),
        }
    }

    /// The value as JSON has it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Value::Text(text) => text.as_str().into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Number(number) => (*number).into(),
            Value::List(texts) => texts.as_slice().into(),
        }
    }
}

impl Config {
    /// The settings as a configuration file, with what each one is for.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.to_toml_with(|_| None)
    }

    /// The same with what `note` has to say of a setting, as a comment below it.
    #[must_use]
    pub fn to_toml_with(&self, note: impl Fn(&Entry) -> Option<String>) -> String {
        let mut text = String::new();
        for (section, about) in Config::SECTIONS {
            if !text.is_empty() {
                text.push('\n');
            }
            let _ = writeln!(text, "# {}\n[{section}]", purpose(about));
            for entry in self.entries() {
                if entry.section != *section {
                    continue;
                }
                for line in wrapped(&entry.purpose, 76) {
                    let _ = writeln!(text, "# {line}");
                }
                let _ = writeln!(text, "{} = {}", entry.key, entry.value.to_toml());
                for line in note(&entry).iter().flat_map(|note| wrapped(note, 76)) {
                    let _ = writeln!(text, "# {line}");
                }
            }
        }
        text.push('\n');
        text + &auto::to_toml(&self.auto)
    }

    /// The settings as a JSON object of sections, and the rules as an array.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Json> {
        let mut sections = Map::new();
        for entry in self.entries() {
            let section = sections
                .entry(entry.section)
                .or_insert_with(|| Map::new().into());
            section[entry.key] = entry.value.to_json();
        }
        let rules = self.auto.iter().map(AutoRule::to_json).collect();
        sections.insert("auto".to_owned(), rules);
        sections
    }

    /// The settings as environment variables, one `NAME=value` a line, quoted
    /// for a shell.
    #[must_use]
    pub fn to_env(&self) -> String {
        let mut text = String::new();
        for entry in self.entries() {
            let name = variable_name(entry.section, entry.key);
            let value = match entry.value {
                value @ (Value::Text(_) | Value::List(_)) => shell::quote(&value.to_text()),
                other => other.to_text(),
            };
            let _ = writeln!(text, "{name}={value}");
        }
        text
    }
}

/// Lines of at most `width` characters, broken at blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Loaded;

    #[test]
    fn the_file_reads_back_and_explains_itself() {
        let mut config = Config::default();
        config.output.directory = "/casts of \"today\"\\".into();
        config.server.port = 0;
        let text = config.to_toml();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Loaded::read(Some(&path)).unwrap().config, config);
        insta::assert_snapshot!(text.lines().take(12).collect::<Vec<_>>().join("\n"), @r#"
        # Where recordings go.
        [output]
        # The folder of all recordings: an absolute path, `~` is the home folder.
        directory = '/casts of "today"\'
        # The subfolder of a recording, as strftime writes it; may be empty.
        date_format = "%Y-%m"

        # The daemon and its HTTP API.
        [server]
        # TCP port of the HTTP API on the loopback interface; 0 takes any that is
        # free.
        port = 0
        "#);
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn variables_are_quoted_for_a_shell() {
        let mut config = Config::default();
        config.output.directory = "~/it's mine".into();
        let text = config.to_env();
        let line = r"TVMUX_OUTPUT_DIRECTORY='~/it'\''s mine'";
        assert!(text.lines().any(|found| found == line), "{text}");
    }

    #[test]
    fn readme_lists_every_key_with_its_default() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(readme).unwrap();
        let rows = readme
            .lines()
            .filter(|line| line.starts_with("| `") && line.contains('.'));
        let rows: Vec<Vec<&str>> = rows
            .map(|row| row.split('|').map(str::trim).skip(1).take(2).collect())
            .collect();
        for entry in Config::default().entries() {
            let key = format!("`{}.{}`", entry.section, entry.key);
            let row = rows.iter().find(|row| row[0] == key);
            let row = row.unwrap_or_else(|| panic!("README's table lacks {key}"));
            let default = row[1].trim_matches('`');
            let expected = match &entry.value {
                Value::Text(text) => text.clone(),
                other => other.to_toml(),
            };
            assert_eq!(default, expected, "{key}");
        }
    }
}
