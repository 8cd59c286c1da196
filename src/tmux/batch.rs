//! Several tmux commands as one invocation.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// tmux commands that are sent together, joined by `;`.
///
/// One client runs them with no pane output parsed between them (tmux works
/// through a client's command queue before it returns to its event loop), and
/// the first that fails ends the rest.
///
/// Arguments are passed as they are: no shell sees them, and an argument that
/// ends in `;`, which tmux would take for a separator, is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    commands: Vec<Vec<OsString>>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// A batch of one command.
    pub fn of<A: AsRef<OsStr>>(command: impl IntoIterator<Item = A>) -> Batch {
        let mut batch = Batch::new();
        batch.push(command);
        batch
    }

    /// Adds a command: its name and its arguments.
    pub fn push<A: AsRef<OsStr>>(&mut self, command: impl IntoIterator<Item = A>) -> &mut Batch {
        self.commands.push(
            command
                .into_iter()
                .map(|arg| arg.as_ref().to_owned())
                .collect(),
        );
        self
    }

    /// Adds all commands of `other`.
    pub fn append(&mut self, other: Batch) -> &mut Batch {
        self.commands.extend(other.commands);
        self
    }

    /// Whether there is no command in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// How many commands there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// The commands, each with its arguments as they were given.
    #[must_use]
    pub fn commands(&self) -> &[Vec<OsString>] {
        &self.commands
    }

    /// The arguments that tmux gets on its command line.
    pub fn argv(&self) -> impl Iterator<Item = OsString> + '_ {
        self.commands.iter().enumerate().flat_map(|(i, command)| {
            let separator = (i > 0).then(|| OsString::from(";"));
            separator
                .into_iter()
                .chain(command.iter().map(|arg| escape(arg)))
        })
    }

    /// The batch as one tmux command string, for where tmux parses a string
    /// itself (`if-shell`, hooks, `source-file`).
    #[must_use]
    pub fn to_command_string(&self) -> OsString {
        let mut text = Vec::new();
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                text.extend_from_slice(b" ; ");
            }
            for (j, arg) in command.iter().enumerate() {
                if j > 0 {
                    text.push(b' ');
                }
                quote(arg.as_bytes(), &mut text);
            }
        }
        OsString::from_vec(text)
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_command_string().to_string_lossy())
    }
}

/// tmux strips one trailing `;` of an argument and takes it for a separator,
/// unless a backslash stands before it (`cmd_parse_from_arguments`).
fn escape(arg: &OsStr) -> OsString {
    match arg.as_bytes().strip_suffix(b";") {
        Some(start) => {
            let mut escaped = start.to_vec();
            escaped.extend_from_slice(b"\\;");
            OsString::from_vec(escaped)
        }
        None => arg.to_owned(),
    }
}

/// Quotes `arg` for tmux's command parser: single quotes keep everything
/// but a newline's line count and the quote itself.
fn quote(arg: &[u8], out: &mut Vec<u8>) {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_./:@+,=".contains(b);
    if !arg.is_empty() && arg.iter().all(plain) {
        out.extend_from_slice(arg);
        return;
    }
    out.push(b'\'');
    for &byte in arg {
        if byte == b'\'' {
            out.extend_from_slice(b"'\\''");
        } else {
            out.push(byte);
        }
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_semicolon_is_no_separator() {
        let mut batch = Batch::of(["send-keys", "-l", "ls;"]);
        batch.push(["send-keys", "-l", "a\\;"]).push(["kill-pane"]);
        let argv: Vec<_> = batch.argv().collect();
        assert_eq!(
            argv,
            [
                "send-keys",
                "-l",
                "ls\\;",
                ";",
                "send-keys",
                "-l",
                "a\\\\;",
                ";",
                "kill-pane"
            ]
        );
    }

    #[test]
    fn strings_are_quoted() {
        let mut batch = Batch::of(["display-message", "-p", "it's $HOME #{x} \\ ~"]);
        batch.push(["a", ""]);
        assert_eq!(
            batch.to_string(),
            r"display-message -p 'it'\''s $HOME #{x} \ ~' ; a ''"
        );
    }
}
