//! Several tmux commands as one invocation.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Most arguments in one message, the `;` between commands included.
const MOST_ARGUMENTS: usize = 1000;

/// Most bytes of arguments in one message, each with the NUL that ends it.
const MOST_BYTES: usize = 16_000;

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

    /// Whether it fits into one message of a client to its server, and so on a
    /// command line: tmux takes 16 KiB (`MAX_IMSGSIZE`), headers included, and
    /// since 3.7 no more than 1,000 arguments (`cmd_unpack_argv`).
    #[must_use]
    pub fn fits_command_line(&self) -> bool {
        let commands = self.commands.iter();
        commands
            .fold(Size::default(), |size, command| size.and(command))
            .fits()
    }

    /// The same commands in as few batches as fit, each into one message. One
    /// that is too long for any stands alone.
    pub fn into_messages(self) -> impl Iterator<Item = Batch> {
        let mut commands = self.commands.into_iter().peekable();
        std::iter::from_fn(move || {
            let first = commands.next()?;
            let mut size = Size::default().and(&first);
            let mut message = Batch {
                commands: vec![first],
            };
            while let Some(next) = commands.next_if(|next| {
                size = size.and(next);
                size.fits()
            }) {
                message.commands.push(next);
            }
            Some(message)
        })
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

    /// A temporary file that holds the batch, for `source-file`.
    pub(crate) fn to_file(&self) -> io::Result<tempfile::NamedTempFile> {
        // The path is a pattern to tmux, so there must be none in it.
        let mut file = tempfile::Builder::new()
            .prefix("tvmux-")
            .suffix(".conf")
            .tempfile()?;
        file.write_all(self.to_command_string().as_bytes())?;
        file.write_all(b"\n")?;
        file.flush()?;
        Ok(file)
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

/// How much of a message commands take up.
#[derive(Clone, Copy, Default)]
struct Size {
    arguments: usize,
    bytes: usize,
}

impl Size {
    /// With one more command, and the `;` before it.
    fn and(self, command: &[OsString]) -> Size {
        let separator = usize::from(self.arguments > 0);
        let bytes = command.iter().map(|argument| escape(argument).len() + 1);
        Size {
            arguments: self.arguments + separator + command.len(),
            bytes: self.bytes + 2 * separator + bytes.sum::<usize>(),
        }
    }

    fn fits(self) -> bool {
        self.arguments <= MOST_ARGUMENTS && self.bytes <= MOST_BYTES
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

/// Quotes `arg` for tmux's command parser. Single quotes keep everything but
/// the quote itself; a newline would part the commands before it from those
/// after, so it is written as an escape, which only double quotes know.
fn quote(arg: &[u8], out: &mut Vec<u8>) {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_./:@+,=".contains(b);
    if !arg.is_empty() && arg.iter().all(plain) {
        out.extend_from_slice(arg);
        return;
    }
    if arg.contains(&b'\n') {
        out.push(b'"');
        for &byte in arg {
            match byte {
                b'\n' => out.extend_from_slice(b"\\n"),
                b'"' | b'\\' | b'$' => out.extend_from_slice(&[b'\\', byte]),
                byte => out.push(byte),
            }
        }
        out.push(b'"');
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
    fn what_one_message_takes_is_bounded() {
        let of = |count, argument: &str| Batch::of(vec![argument.to_owned(); count]);
        assert!(of(1000, "41").fits_command_line());
        assert!(!of(1001, "41").fits_command_line());
        assert!(of(1, &"x".repeat(15_999)).fits_command_line());
        assert!(!of(1, &"x".repeat(16_000)).fits_command_line());
        // Two commands have one between them.
        let mut two = of(500, "41");
        two.append(of(500, "41"));
        assert!(!two.fits_command_line());
    }

    #[test]
    fn strings_are_quoted() {
        let mut batch = Batch::of(["display-message", "-p", "it's $HOME #{x} \\ ~"]);
        batch.push(["a", ""]);
        assert_eq!(
            batch.to_string(),
            r"display-message -p 'it'\''s $HOME #{x} \ ~' ; a ''"
        );
        let lines = Batch::of(["send-keys", "a\n\"$b\\"]);
        assert_eq!(lines.to_string(), r#"send-keys "a\n\"\$b\\""#);
    }
}
