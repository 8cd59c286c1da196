//! An error on its way to a person.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use crate::wording::chain;

/// Why a verb failed: the error with its causes, the way out, the exit code.
#[derive(Debug)]
pub struct Failure {
    error: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure {
            error: error.into(),
            hint: None,
            code: 1,
        }
    }

    /// Wrong usage or unreadable input: exit code 2.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure {
            code: 2,
            ..Failure::new(error)
        }
    }

    /// The user wanted it to stop: the shell's own code for a program that
    /// SIGINT ended.
    pub fn stopped(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure {
            code: 130,
            ..Failure::new(error)
        }
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The error without its hint and exit code.
    pub fn into_error(self) -> Box<dyn Error + Send + Sync> {
        self.error
    }

    /// The error, if it is of that type.
    pub(super) fn error<E: Error + 'static>(&self) -> Option<&E> {
        self.error.downcast_ref()
    }

    /// Prints it on standard error and gives the exit code.
    #[must_use]
    pub fn report(self) -> ExitCode {
        // `tvmux … | head` closing its end is no failure of ours.
        let broken_pipe = self
            .error::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        if broken_pipe {
            return ExitCode::SUCCESS;
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let bold = Style::new().bold();
        anstream::eprintln!("{red}error:{red:#} {self}");
        if let Some(hint) = self.hint {
            anstream::eprintln!("{bold}hint:{bold:#} {hint}");
        }
        ExitCode::from(self.code)
    }
}

/// The error and its causes, in one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self.error.as_ref()))
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::new(error)
    }
}
