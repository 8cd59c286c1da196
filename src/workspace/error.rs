//! What can be wrong with a workspace, and how it is told.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::node::Mark;
use crate::tmux;

/// What reading, loading and freezing workspaces gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in a workspace file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Line and column; line 0 when the file as a whole is meant.
    pub mark: Mark,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.mark.line > 0 {
            write!(f, ":{}:{}", self.mark.line, self.mark.column)?;
        }
        Ok(())
    }
}

/// Something that is not as it should be but does not stop a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub place: Location,
    /// What, and what is done about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// A workspace cannot be read, loaded or frozen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing in the file.
    #[error("{}: the file is empty: a workspace has at least `session_name` and `windows`", .path.display())]
    EmptyConfig { path: PathBuf },
    /// The file says something that cannot be meant.
    #[error("{place}: {message}")]
    ConfigError {
        place: Location,
        /// What is wrong and what was expected.
        message: String,
    },
    /// No workspace goes by this name.
    #[error("{message}")]
    NotFound {
        /// What was looked for, and where.
        message: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {what}", .path.display())]
    File {
        path: PathBuf,
        what: &'static str,
        source: io::Error,
    },
    /// The file is there already.
    #[error("{} exists already; nothing was written", .path.display())]
    Exists { path: PathBuf },
    /// A session of that name runs already.
    #[error("a session named `{name}` is running already")]
    SessionExists { name: String },
    /// There is no such session or window.
    #[error("{message}")]
    NoSuchTarget {
        /// What was looked for.
        message: String,
    },
    /// `before_script` ended with an error.
    #[error("before_script `{command}` ended with {}{}", status(*.code), tail(.output))]
    BeforeLoadScriptError {
        command: String,
        /// Its exit code; `None` when a signal ended it.
        code: Option<i32>,
        /// What it printed, both streams as they came.
        output: String,
    },
    /// `before_script` names a program that is not there.
    #[error("before_script `{command}` cannot be run")]
    BeforeLoadScriptNotExists { command: String, source: io::Error },
    /// A lifecycle hook ended with an error.
    #[error("hook {hook} (`{command}`) ended with {}{}", status(*.code), tail(.output))]
    Hook {
        hook: &'static str,
        command: String,
        /// Its exit code; `None` when it could not start or a signal ended it.
        code: Option<i32>,
        /// What it printed, both streams as they came.
        output: String,
    },
    /// tmux could not do a step of the load; what had been done is undone.
    #[error("{what}")]
    Step {
        /// What was being done.
        what: String,
        source: tmux::Error,
    },
    /// A recording that the file asks for could not be started.
    #[error("recording window `{window}` could not be started")]
    Record {
        window: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing can be left detached on a server that ends without a client.
    #[error(
        "`{name}` cannot be left detached: the option exit-unattached is on, and the server would end \
         with it at once"
    )]
    EndsUnattached { name: String },
    /// The user broke it off; what had been done is undone.
    #[error("interrupted: what had been built is removed again")]
    Interrupted,
    /// tmux could not be asked.
    #[error(transparent)]
    Tmux(#[from] tmux::Error),
}

fn status(code: Option<i32>) -> String {
    match code {
        Some(code) => format!("exit code {code}"),
        None => "a signal".to_owned(),
    }
}

/// The last lines of what a program printed, for a message.
fn tail(output: &str) -> String {
    let lines: Vec<&str> = output
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(":\n{}", lines[lines.len().saturating_sub(10)..].join("\n"))
}

/// The file that is being read, and what is odd about it so far.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    warnings: Vec<Warning>,
}

impl Source {
    /// A file, named as the user would.
    pub fn new(path: impl Into<PathBuf>) -> Source {
        Source {
            path: path.into(),
            warnings: Vec::new(),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A place in it.
    #[must_use]
    pub fn place(&self, mark: Mark) -> Location {
        Location {
            path: self.path.clone(),
            mark,
        }
    }

    /// An error at a place in it.
    pub fn error(&self, mark: Mark, message: impl Into<String>) -> Error {
        Error::ConfigError {
            place: self.place(mark),
            message: message.into(),
        }
    }

    /// Notes something odd at a place in it.
    pub fn warn(&mut self, mark: Mark, message: impl Into<String>) {
        let warning = Warning {
            place: self.place(mark),
            message: message.into(),
        };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// What was odd so far.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What was odd so far; none is left.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }
}
