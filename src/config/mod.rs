//! Settings: defaults < file < environment < command line.
//!
//! The file is TOML: `~/.config/tvmux/config.toml` (`$XDG_CONFIG_HOME`), else
//! `~/.tvmux.conf`, or the one named by `--config-file` or
//! `TVMUX_CONFIG_FILE`. Each field can be set by an environment variable
//! `TVMUX_SECTION_FIELD`. An unknown key or a value that does not fit is an
//! error that names the file, the line and the key.

use std::env;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where casts go.
    pub output: Output,
    /// The daemon.
    pub server: Server,
    /// How it records.
    pub recording: Recording,
    /// What is noted beside the output.
    pub annotations: Annotations,
    /// What is logged.
    pub logging: Logging,
    /// How tmux is run.
    pub tmux: Tmux,
}

/// `[output]`: where casts go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The folder of all recordings; `~` is the home folder.
    pub directory: String,
    /// The subfolder of a recording, as strftime has it; may be empty.
    pub date_format: String,
}

/// `[server]`: the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// TCP port of the HTTP API on the loopback interface.
    pub port: u16,
    /// Whether `rec` starts the daemon when none runs.
    pub auto_start: bool,
    /// Whether the daemon that `rec` started ends after the last recording.
    pub auto_shutdown: bool,
    /// Whether TCP clients must show the token.
    pub auth: bool,
}

/// `[recording]`: how it records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Whether a cast is checked, and repaired if it has to be, when its recording ends.
    pub repair_on_stop: bool,
    /// Whether a recording goes along when another pane becomes active.
    pub follow_active_pane: bool,
    /// Longest time that captured output stays in memory, in milliseconds.
    pub flush_interval_ms: u64,
    /// Longest time that written output stays unsynced, in milliseconds.
    pub sync_interval_ms: u64,
    /// Memory bound of one recording for output that the disk does not take,
    /// in bytes.
    pub max_buffer_bytes: u64,
}

/// `[annotations]`: what is noted beside the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Annotations {
    /// Whether snapshots restore if the cursor is shown, and its look; its
    /// place always.
    pub include_cursor_state: bool,
}

/// `[logging]`: what is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// `ERROR`, `WARNING`, `INFO` or `DEBUG`.
    pub level: Level,
    /// Of the Python program; has no effect.
    #[serde(skip_serializing)]
    include_access_logs: Option<bool>,
    /// Of the Python program; has no effect.
    #[serde(skip_serializing)]
    client_log_file: Option<String>,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Only what went wrong.
    Error,
    /// Also what may have.
    Warning,
    /// Also what happened.
    #[default]
    Info,
    /// Everything.
    Debug,
}

/// `[tmux]`: how tmux is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tmux {
    /// The program: a name looked up in `$PATH`, or a path.
    pub command: String,
}

impl Default for Output {
    fn default() -> Output {
        Output {
            directory: "~/Videos/tmux".into(),
            date_format: "%Y-%m".into(),
        }
    }
}

impl Default for Server {
    fn default() -> Server {
        Server {
            port: 21590,
            auto_start: true,
            auto_shutdown: true,
            auth: true,
        }
    }
}

impl Default for Recording {
    fn default() -> Recording {
        Recording {
            repair_on_stop: true,
            follow_active_pane: true,
            flush_interval_ms: 100,
            sync_interval_ms: 1000,
            max_buffer_bytes: 16 * 1024 * 1024,
        }
    }
}

impl Default for Annotations {
    fn default() -> Annotations {
        Annotations {
            include_cursor_state: true,
        }
    }
}

impl Default for Logging {
    fn default() -> Logging {
        Logging {
            level: Level::Info,
            include_access_logs: None,
            client_log_file: None,
        }
    }
}

impl Default for Tmux {
    fn default() -> Tmux {
        Tmux {
            command: "tmux".into(),
        }
    }
}

impl Recording {
    /// [`Recording::flush_interval_ms`] as a duration.
    #[must_use]
    pub fn flush_interval(&self) -> Duration {
        Duration::from_millis(self.flush_interval_ms)
    }

    /// [`Recording::sync_interval_ms`] as a duration.
    #[must_use]
    pub fn sync_interval(&self) -> Duration {
        Duration::from_millis(self.sync_interval_ms)
    }
}

impl Output {
    /// The folder with `~` expanded.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        expand_home(&self.directory)
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no TOML, has an unknown key or a value that does not fit.
    #[error("{}:{line}: {key}: {message}", .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// `section.field`, as far as it is known.
        key: String,
        /// What is wrong with it.
        message: String,
    },
    /// An environment variable does not fit.
    #[error("environment variable {variable}: {message}")]
    BadVariable {
        /// Its name.
        variable: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Config {
    /// The settings of this process: the file (`file`, else the usual places),
    /// then the environment.
    ///
    /// # Errors
    /// When the named file is not there, or anything in it or in the
    /// environment does not fit.
    pub fn load(file: Option<&Path>) -> Result<Config, Error> {
        Config::from_sources(file, |name| env::var(name).ok())
    }

    fn from_sources(
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Config, Error> {
        let named = file
            .map(Path::to_owned)
            .or_else(|| variable("TVMUX_CONFIG_FILE").map(|path| expand_home(&path)));
        let config = match named {
            Some(path) => Config::from_file(&path)?,
            None => match Config::usual_files().into_iter().find(|path| path.exists()) {
                Some(path) => Config::from_file(&path)?,
                None => Config::default(),
            },
        };
        config.with_variables(variable)
    }

    /// The places where a configuration file is looked for, best first.
    #[must_use]
    pub fn usual_files() -> Vec<PathBuf> {
        let base = env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| expand_home("~/.config"));
        vec![base.join("tvmux/config.toml"), expand_home("~/.tvmux.conf")]
    }

    fn from_file(path: &Path) -> Result<Config, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let bad = |line, key, message| Error::BadFile {
            path: path.to_owned(),
            line,
            key,
            message,
        };
        let config: Config = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let (line, key) = locate(&text, at);
            bad(line, key, error.message().to_owned())
        })?;
        config.check().map_err(|(section, field, message)| {
            let line = text
                .lines()
                .position(|line| line.trim_start().starts_with(field));
            bad(
                line.map_or(1, |line| line + 1),
                format!("{section}.{field}"),
                message,
            )
        })?;
        Ok(config)
    }

    /// Bounds that the types alone do not hold.
    fn check(&self) -> Result<(), (&'static str, &'static str, String)> {
        if self.recording.flush_interval_ms == 0 {
            return Err((
                "recording",
                "flush_interval_ms",
                "must be at least 1".into(),
            ));
        }
        if self.recording.sync_interval_ms < self.recording.flush_interval_ms {
            let message = "must not be shorter than flush_interval_ms".into();
            return Err(("recording", "sync_interval_ms", message));
        }
        if self.recording.max_buffer_bytes < 1024 * 1024 {
            return Err((
                "recording",
                "max_buffer_bytes",
                "must be at least 1048576 (1 MiB)".into(),
            ));
        }
        let now = jiff::Zoned::now();
        if jiff::fmt::strtime::format(&self.output.date_format, &now).is_err() {
            let message = format!("`{}` is no strftime format", self.output.date_format);
            return Err(("output", "date_format", message));
        }
        if self.output.directory.is_empty() {
            return Err(("output", "directory", "must not be empty".into()));
        }
        if self.tmux.command.is_empty() {
            return Err(("tmux", "command", "must not be empty".into()));
        }
        Ok(())
    }

    fn with_variables(self, variable: impl Fn(&str) -> Option<String>) -> Result<Config, Error> {
        let mut table = self.to_table();
        for (section, fields) in &mut table {
            let Some(fields) = fields.as_table_mut() else {
                continue;
            };
            for (field, value) in fields {
                let name = variable_name(section, field);
                let Some(text) = variable(&name) else {
                    continue;
                };
                let bad = |message: &str| Error::BadVariable {
                    variable: name.clone(),
                    message: format!("`{text}`: {message}"),
                };
                *value = match value {
                    toml::Value::Boolean(_) => match text.to_lowercase().as_str() {
                        "true" | "1" | "yes" | "on" => true.into(),
                        "false" | "0" | "no" | "off" => false.into(),
                        _ => return Err(bad("expected true or false")),
                    },
                    toml::Value::Integer(_) => text
                        .parse::<i64>()
                        .map_err(|_| bad("expected a whole number"))?
                        .into(),
                    _ => text.clone().into(),
                };
                // Each alone, so that the error names the right variable.
                let alone = toml::Table::from_iter([(
                    section.clone(),
                    toml::Table::from_iter([(field.clone(), value.clone())]).into(),
                )]);
                alone
                    .try_into::<Config>()
                    .map_err(|error| bad(error.message()))?;
            }
        }
        let mut config: Config =
            table
                .try_into()
                .map_err(|error: toml::de::Error| Error::BadVariable {
                    variable: "TVMUX_*".into(),
                    message: error.message().to_owned(),
                })?;
        // The table left them out.
        config.logging.include_access_logs = self.logging.include_access_logs;
        config.logging.client_log_file = self.logging.client_log_file;
        config
            .check()
            .map_err(|(section, field, message)| Error::BadVariable {
                variable: variable_name(section, field),
                message,
            })?;
        Ok(config)
    }

    fn to_table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("settings are tables of plain values")
    }

    /// The settings as a configuration file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are tables of plain values")
    }

    /// The settings as environment variables, one `NAME='value'` a line, for a
    /// shell.
    #[must_use]
    pub fn to_env(&self) -> String {
        let mut lines = String::new();
        for (section, fields) in self.to_table() {
            let toml::Value::Table(fields) = fields else {
                continue;
            };
            for (field, value) in fields {
                let name = variable_name(&section, &field);
                let value = match value {
                    toml::Value::String(text) => format!("'{}'", text.replace('\'', r"'\''")),
                    other => other.to_string(),
                };
                let _ = writeln!(lines, "{name}={value}");
            }
        }
        lines
    }

    /// Keys that were taken from the Python program and have no effect.
    #[must_use]
    pub fn obsolete(&self) -> Vec<&'static str> {
        let logging = &self.logging;
        let mut keys = Vec::new();
        if logging.include_access_logs.is_some() {
            keys.push("logging.include_access_logs");
        }
        if logging.client_log_file.is_some() {
            keys.push("logging.client_log_file");
        }
        keys
    }
}

fn variable_name(section: &str, field: &str) -> String {
    format!("TVMUX_{section}_{field}").to_uppercase()
}

/// The line (from 1) of a byte offset, and the key that stands there.
fn locate(text: &str, at: usize) -> (usize, String) {
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[..line_start].matches('\n').count() + 1;
    let section = text[..line_start].lines().rev().find_map(|line| {
        line.trim()
            .strip_prefix('[')?
            .split(']')
            .next()
            .map(str::trim)
    });
    let own = text[line_start..].lines().next().unwrap_or_default();
    let key = own
        .split('=')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches(['[', ']']);
    let key = match section {
        Some(section) if !own.trim_start().starts_with('[') => format!("{section}.{key}"),
        _ => key.to_owned(),
    };
    (line, key)
}

/// `path` with a leading `~` replaced by the home folder.
#[must_use]
pub fn expand_home(path: &str) -> PathBuf {
    let Some(rest) = path.strip_prefix('~') else {
        return PathBuf::from(path);
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return PathBuf::from(path);
    }
    match env::home_dir() {
        Some(home) => home.join(rest.trim_start_matches('/')),
        None => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_text(text: &str) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        Config::from_sources(Some(&path), |_| None)
    }

    fn message(text: &str) -> String {
        let message = from_text(text).unwrap_err().to_string();
        message[message.find("c.toml").unwrap()..].to_owned()
    }

    #[test]
    fn defaults_read_back() {
        let text = Config::default().to_toml();
        assert_eq!(from_text(&text).unwrap(), Config::default());
    }

    #[test]
    fn errors_name_line_and_key() {
        insta::assert_snapshot!(message("[server]\nport = 1\nprt = 2\n"), @"c.toml:3: server.prt: unknown field `prt`, expected one of `port`, `auto_start`, `auto_shutdown`, `auth`");
        insta::assert_snapshot!(message("[server]\n\nport = 'x'"), @r#"c.toml:3: server.port: invalid type: string "x", expected u16"#);
        insta::assert_snapshot!(message("[servr]\nport = 2\n"), @"c.toml:1: servr: unknown field `servr`, expected one of `output`, `server`, `recording`, `annotations`, `logging`, `tmux`");
        insta::assert_snapshot!(message("[recording]\nflush_interval_ms = 0\n"), @"c.toml:2: recording.flush_interval_ms: must be at least 1");
        insta::assert_snapshot!(message("[logging]\nlevel = 'LOUD'\n"), @"c.toml:2: logging.level: unknown variant `LOUD`, expected one of `ERROR`, `WARNING`, `INFO`, `DEBUG`");
        insta::assert_snapshot!(message("[output]\ndate_format = '%'\n"), @"c.toml:2: output.date_format: `%` is no strftime format");
    }

    #[test]
    fn the_environment_wins() {
        let variables = |name: &str| match name {
            "TVMUX_SERVER_PORT" => Some("1234".to_owned()),
            "TVMUX_RECORDING_FOLLOW_ACTIVE_PANE" => Some("off".to_owned()),
            "TVMUX_OUTPUT_DIRECTORY" => Some("/casts".to_owned()),
            _ => None,
        };
        let config = Config::default().with_variables(variables).unwrap();
        assert_eq!(config.server.port, 1234);
        assert!(!config.recording.follow_active_pane);
        assert_eq!(config.output.directory(), Path::new("/casts"));
        for (name, value) in [
            ("TVMUX_SERVER_PORT", "70000"),
            ("TVMUX_SERVER_PORT", "x"),
            ("TVMUX_SERVER_AUTH", "maybe"),
            ("TVMUX_RECORDING_FLUSH_INTERVAL_MS", "0"),
        ] {
            let error = Config::default()
                .with_variables(|asked| (asked == name).then(|| value.to_owned()))
                .unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_named_file_must_be_there() {
        let error = Config::from_sources(Some(Path::new("/nowhere/c.toml")), |_| None).unwrap_err();
        assert!(matches!(error, Error::Unreadable { .. }));
    }

    #[test]
    fn the_python_programs_keys_are_taken() {
        let config = from_text("[logging]\ninclude_access_logs = true\n").unwrap();
        assert_eq!(config.obsolete(), ["logging.include_access_logs"]);
    }
}
