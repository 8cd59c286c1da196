//! Settings come from defaults, then the file, then the environment.
//!
//! The file is TOML: the one named by `--config-file` or `TVMUX_CONFIG_FILE`,
//! else `$XDG_CONFIG_HOME/tvmux/config.toml`, else `~/.tvmux.conf`. A key
//! `field` of `[section]` is also set by `TVMUX_SECTION_FIELD`. An unknown key
//! or a value that does not fit is an error that names the file, the line and
//! the key.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::schema::{Given, Value};
use super::table::{in_order, line_of};
use super::{Config, OBSOLETE, auto, expand_home, variable_name};
use crate::wording::{closeness, nearest};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The file is no TOML, has an unknown key or a value that does not fit.
    /// Lines count from 1; the key is `section.field`, as far as it is known.
    #[error("{}:{line}: {key}{message}", .path.display(), key = prefix(.key))]
    BadFile {
        path: PathBuf,
        line: usize,
        key: String,
        message: String,
    },
    /// An environment variable does not fit.
    #[error("environment variable {variable}: {message}")]
    BadVariable { variable: String, message: String },
}

fn prefix(key: &str) -> String {
    match key {
        "" => String::new(),
        key => format!("{key}: "),
    }
}

/// Where a setting's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file, at this line (from 1).
    File(usize),
    /// The environment variable of the setting.
    Variable,
}

/// The settings of this process.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub config: Config,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// What is worth telling: keys without effect, variables that look
    /// mistyped.
    pub warnings: Vec<String>,
    /// By section and key; defaults have none.
    origins: BTreeMap<(&'static str, &'static str), Origin>,
}

impl Loaded {
    /// Reads the file (`file`, else the usual places), then the environment.
    ///
    /// # Errors
    /// When a named file is not there, or anything in it or in the environment
    /// does not fit.
    pub fn read(file: Option<&Path>) -> Result<Loaded, Error> {
        // Names and values that are not UTF-8 set nothing here.
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("TVMUX_"));
        Loaded::from_sources(file, &variables.collect())
    }

    fn from_sources(
        file: Option<&Path>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Loaded, Error> {
        let named = variables.get("TVMUX_CONFIG_FILE");
        let file = file
            .map(Path::to_owned)
            .or_else(|| named.map(|path| expand_home(path)))
            .or_else(|| usual_files().into_iter().find(|path| path.exists()));
        let mut loaded = Loaded::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(&path).map_err(|source| Error::Unreadable {
                path: path.clone(),
                source,
            })?;
            let read = loaded.read_file(&text);
            read.map_err(|(line, key, message)| Error::BadFile {
                path: path.clone(),
                line,
                key,
                message,
            })?;
            loaded.file = Some(path);
        }
        loaded.read_variables(variables)?;
        Ok(loaded)
    }

    /// The origin of a setting's value; `None` for a default.
    #[must_use]
    pub fn origin(&self, section: &str, key: &str) -> Option<&Origin> {
        let is_it = |(name, _): &(&(&str, &str), &Origin)| **name == (section, key);
        self.origins.iter().find(is_it).map(|(_, origin)| origin)
    }

    /// Takes a file's settings; else the line, the key and what is wrong.
    fn read_file(&mut self, text: &str) -> Result<(), (usize, String, String)> {
        let line = |span: &Range<usize>| line_of(text, span.start);
        let document = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(1, |span| line(&span));
            (at, String::new(), error.message().to_owned())
        })?;
        // In the order of the file, so that the first mistake is named.
        for (name, fields) in in_order(document.get_ref()) {
            let section = name.get_ref().as_ref();
            if section == "auto" {
                self.config.auto = auto::read(text, line(&name.span()), fields.get_ref())?;
                continue;
            }
            let fail = |message| Err((line(&name.span()), section.to_owned(), message));
            let DeValue::Table(fields) = fields.get_ref() else {
                return fail(without_section(section));
            };
            if !is_section(section) {
                return fail(unknown_section(section));
            }
            for (key, value) in in_order(fields) {
                let at = line(&key.span());
                let key = key.get_ref().as_ref();
                if OBSOLETE.contains(&(section, key)) {
                    let warning = format!("the setting `{section}.{key}` has no effect any more");
                    self.warnings.push(warning);
                    continue;
                }
                let value = Given::File(plain(value.get_ref()));
                self.set(section, key, value, Origin::File(at))
                    .map_err(|message| (at, format!("{section}.{key}"), message))?;
            }
        }
        match self.contradiction() {
            Some((section, key, message)) => {
                let line = match self.origin(section, key) {
                    Some(Origin::File(line)) => *line,
                    _ => 1,
                };
                Err((line, format!("{section}.{key}"), message))
            }
            None => Ok(()),
        }
    }

    fn read_variables(&mut self, variables: &BTreeMap<String, String>) -> Result<(), Error> {
        let entries = self.config.entries();
        let known: BTreeMap<String, (&str, &str)> = entries
            .iter()
            .map(|entry| {
                (
                    variable_name(entry.section, entry.key),
                    (entry.section, entry.key),
                )
            })
            .collect();
        for (name, text) in variables {
            let Some((section, key)) = known.get(name) else {
                self.warnings.extend(mistyped(name, &known));
                continue;
            };
            let value = Given::Variable(text.clone());
            self.set(section, key, value, Origin::Variable)
                .map_err(|message| Error::BadVariable {
                    variable: name.clone(),
                    message: format!("`{text}`: {message}"),
                })?;
        }
        match self.contradiction() {
            Some((section, key, message)) => Err(Error::BadVariable {
                variable: variable_name(section, key),
                message,
            }),
            None => Ok(()),
        }
    }

    fn set(
        &mut self,
        section: &str,
        key: &str,
        given: Given,
        origin: Origin,
    ) -> Result<(), String> {
        let entries = self.config.entries();
        let is_it = |entry: &&super::Entry| entry.section == section && entry.key == key;
        let Some(entry) = entries.iter().find(is_it) else {
            return Err(unknown(section, key));
        };
        self.config.set(section, key, given)?;
        self.origins.insert((entry.section, entry.key), origin);
        Ok(())
    }

    /// The contradiction between settings that is to blame on one from the
    /// source read last.
    fn contradiction(&self) -> Option<(&'static str, &'static str, String)> {
        let by_variable = self.origins.values().any(|from| *from == Origin::Variable);
        self.config.contradiction(|section, key| {
            let origin = self.origin(section, key);
            match by_variable {
                true => origin == Some(&Origin::Variable),
                false => origin.is_some(),
            }
        })
    }
}

/// The places where a configuration file is looked for, best first.
#[must_use]
pub(super) fn usual_files() -> Vec<PathBuf> {
    let base = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| expand_home("~/.config"));
    vec![base.join("tvmux/config.toml"), expand_home("~/.tvmux.conf")]
}

/// The value, if it is of a kind that settings have.
fn plain(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Value::Number),
        DeValue::Array(texts) => {
            let text = |value: &DeValue<'_>| match value {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            };
            let texts = texts.iter().map(|value| text(value.get_ref()));
            texts.collect::<Option<_>>().map(Value::List)
        }
        _ => None,
    }
}

fn is_section(name: &str) -> bool {
    Config::SECTIONS.iter().any(|(known, _)| *known == name)
}

/// What is wrong with a value that stands before the first section.
fn without_section(key: &str) -> String {
    if is_section(key) {
        return format!("`{key}` is a section: write `[{key}]` and its keys below");
    }
    let entries = Config::default().entries();
    match entries.iter().find(|entry| entry.key == key) {
        Some(entry) => format!("belongs below `[{}]`", entry.section),
        None => unknown_section(key),
    }
}

fn unknown_section(section: &str) -> String {
    let known = || Config::SECTIONS.iter().map(|(name, _)| *name);
    match nearest(section, known()) {
        Some(near) => format!("there is no section `{section}`; did you mean `{near}`?"),
        None => {
            let names: Vec<&str> = known().collect();
            format!(
                "there is no section `{section}`; there are {}",
                names.join(", ")
            )
        }
    }
}

fn unknown(section: &str, key: &str) -> String {
    let entries = Config::default().entries();
    let keys = || {
        let own = entries.iter().filter(|entry| entry.section == section);
        own.map(|entry| entry.key)
    };
    match nearest(key, keys()) {
        Some(near) => format!("there is no key `{key}`; did you mean `{near}`?"),
        None => {
            let names: Vec<&str> = keys().collect();
            format!("there is no key `{key}`; there are {}", names.join(", "))
        }
    }
}

/// A warning about a variable that sets nothing but looks as if it should.
/// Others begin with `TVMUX_` too: hooks get `TVMUX_SESSION`, for instance.
fn mistyped(name: &str, known: &BTreeMap<String, (&str, &str)>) -> Option<String> {
    let own = |name: &str| name.trim_start_matches("TVMUX_").to_lowercase();
    let section = own(name).split('_').next().is_some_and(is_section);
    let likeness = |known: &&String| closeness(&own(known), &own(name));
    let near = known
        .keys()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    if !section && likeness(&near) < 0.8 {
        return None;
    }
    Some(format!(
        "the environment variable {name} sets nothing; did you mean {near}?"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Loaded::from_sources(Some(&path), &variables.iter().map(owned).collect())
    }

    fn message(text: &str) -> String {
        let message = load(text, &[]).unwrap_err().to_string();
        message[message.find("c.toml").unwrap()..].to_owned()
    }

    #[test]
    fn errors_name_line_and_key() {
        insta::assert_snapshot!(message("[server]\nport = 1\nprt = 2\n"), @"c.toml:3: server.prt: there is no key `prt`; did you mean `port`?");
        insta::assert_snapshot!(message("[server]\n\nport = 'x'"), @"c.toml:3: server.port: expected a whole number from 0 to 65535");
        insta::assert_snapshot!(message("[servr]\nport = 2\n"), @"c.toml:1: servr: there is no section `servr`; did you mean `server`?");
        insta::assert_snapshot!(message("[zzz]\n"), @"c.toml:1: zzz: there is no section `zzz`; there are output, server, recording, annotations, logging, tmux, keys, archive");
        insta::assert_snapshot!(message("server = 1\n"), @"c.toml:1: server: `server` is a section: write `[server]` and its keys below");
        insta::assert_snapshot!(message("port = 1\n"), @"c.toml:1: port: belongs below `[server]`");
        insta::assert_snapshot!(message("[server\n"), @"c.toml:1: unclosed table, expected `]`");
        insta::assert_snapshot!(message("[recording]\nflush_interval_ms = 0\n"), @"c.toml:2: recording.flush_interval_ms: must be 1 to 60000, not 0");
        insta::assert_snapshot!(message("[recording]\nmax_buffer_bytes = 1.5\n"), @"c.toml:2: recording.max_buffer_bytes: expected a whole number");
        insta::assert_snapshot!(message("[logging]\nlevel = 'LOUD'\n"), @"c.toml:2: logging.level: expected ERROR, WARNING, INFO or DEBUG");
        insta::assert_snapshot!(message("[output]\ndate_format = '%'\n"), @"c.toml:2: output.date_format: `%` is no strftime format");
    }

    #[test]
    fn of_two_keys_that_contradict_the_one_that_was_set_is_named() {
        insta::assert_snapshot!(message("[recording]\nflush_interval_ms = 5000\n"), @"c.toml:2: recording.flush_interval_ms: must not be above sync_interval_ms (1000), but is 5000");
        insta::assert_snapshot!(message("[recording]\nsync_interval_ms = 10\n"), @"c.toml:2: recording.sync_interval_ms: must not be below flush_interval_ms (100), but is 10");
        insta::assert_snapshot!(message("[recording]\nflush_interval_ms = 5000\nsync_interval_ms = 4000\n"), @"c.toml:3: recording.sync_interval_ms: must not be below flush_interval_ms (5000), but is 4000");
        let variable = [("TVMUX_RECORDING_FLUSH_INTERVAL_MS", "5000")];
        let error = load("[recording]\nsync_interval_ms = 2000\n", &variable).unwrap_err();
        insta::assert_snapshot!(error, @"environment variable TVMUX_RECORDING_FLUSH_INTERVAL_MS: must not be above sync_interval_ms (2000), but is 5000");
    }

    #[test]
    fn the_folder_of_recordings_is_not_left() {
        for format in ["../%Y", "%Y/../../x", "/etc/%Y"] {
            let text = format!("[output]\ndate_format = '{format}'\n");
            assert!(message(&text).contains("leaves the folder"), "{format}");
        }
        for format in ["", "%Y/%m", "./%Y", "..%Y", "%Y.."] {
            load(&format!("[output]\ndate_format = '{format}'\n"), &[]).unwrap();
        }
    }

    #[test]
    fn the_environment_wins() {
        let loaded = load(
            "[server]\nport = 1\nauth = false\n",
            &[
                ("TVMUX_SERVER_PORT", "1234"),
                ("TVMUX_RECORDING_FOLLOW_ACTIVE_PANE", "off"),
                ("TVMUX_OUTPUT_DIRECTORY", "/casts"),
                ("TVMUX_LOGGING_LEVEL", "debug"),
            ],
        )
        .unwrap();
        let config = &loaded.config;
        assert_eq!(config.server.port, 1234);
        assert!(!config.server.auth);
        assert!(!config.recording.follow_active_pane);
        assert_eq!(config.output.directory(), Path::new("/casts"));
        assert_eq!(config.logging.level, super::super::Level::Debug);
        assert_eq!(loaded.origin("server", "port"), Some(&Origin::Variable));
        assert_eq!(loaded.origin("server", "auth"), Some(&Origin::File(3)));
        assert_eq!(loaded.origin("tmux", "command"), None);
        for (name, value) in [
            ("TVMUX_SERVER_PORT", "70000"),
            ("TVMUX_SERVER_PORT", "x"),
            ("TVMUX_SERVER_AUTH", "maybe"),
            ("TVMUX_RECORDING_FLUSH_INTERVAL_MS", "0"),
        ] {
            let error = load("", &[(name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn mistyped_variables_are_named() {
        let names = ["TVMUX_SERVER_PRT", "TVMUX_SERVR_PORT", "TVMUX_OUTPUT_DIR"];
        for name in names {
            let loaded = load("", &[(name, "1")]).unwrap();
            assert_eq!(loaded.warnings.len(), 1, "{name}");
            assert!(loaded.warnings[0].contains(name), "{:?}", loaded.warnings);
        }
        for name in [
            "SESSION",
            "WINDOW",
            "WORKSPACE",
            "TEST_TMUX",
            "TEST_KILLS",
            "CONFIG_FILE",
        ] {
            let (name, value) = (&format!("TVMUX_{name}"), "/dev/null");
            assert_eq!(
                load("", &[(name, value)]).unwrap().warnings,
                [""; 0],
                "{name}"
            );
        }
    }

    #[test]
    fn a_named_file_must_be_there() {
        let missing = Path::new("/nowhere/c.toml");
        let error = Loaded::from_sources(Some(missing), &BTreeMap::new()).unwrap_err();
        assert!(matches!(error, Error::Unreadable { .. }));
    }

    #[test]
    fn the_python_programs_keys_are_taken() {
        let loaded = load("[logging]\ninclude_access_logs = true\n", &[]).unwrap();
        let expected = "the setting `logging.include_access_logs` has no effect any more";
        assert_eq!(loaded.warnings, [expected]);
    }
}
