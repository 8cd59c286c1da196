//! Words as shells read them back.
//!
//! [`quote`] and [`join`] are for lines that people see or copy: every shell
//! takes them, as long as no word holds a control character. [`Shell::quote`] is
//! for lines that are typed at a prompt, where a TAB completes, a Ctrl-C
//! interrupts and a `!` may stand for an old command: what it gives holds no
//! control character but a newline.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

/// A shell, by how it reads quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// `sh` and `dash`: what POSIX says and no more.
    Posix,
    /// `bash`, `zsh`, `ksh` and `mksh`: POSIX, and `$'…'` with escapes.
    Ansi,
    /// `fish`: `\` escapes inside single quotes too, `\x03` stands outside.
    Fish,
    /// Any other: words that need no quotes, or single ones, are the same in
    /// all.
    Other,
}

/// A word that cannot be typed into the shell that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no quotes of this shell hold the word")]
pub struct Unquotable;

impl Shell {
    /// The shell of a program's name or path; a login shell's name starts with
    /// `-`. `None` when the program is no shell that is known here.
    #[must_use]
    pub fn of_program(program: &str) -> Option<Shell> {
        let name = Path::new(program).file_name()?.to_str()?;
        Some(match name.strip_prefix('-').unwrap_or(name) {
            "sh" | "dash" | "ash" => Shell::Posix,
            "bash" | "rbash" | "zsh" | "ksh" | "ksh93" | "mksh" => Shell::Ansi,
            "fish" => Shell::Fish,
            "csh" | "tcsh" | "nu" | "elvish" | "xonsh" | "pwsh" => Shell::Other,
            _ => return None,
        })
    }

    /// A word as it is typed at this shell's prompt. It need not be UTF-8; what
    /// is typed is.
    ///
    /// # Errors
    /// [`Unquotable`] for a word that a shell of [`Shell::Other`] may read as
    /// something else.
    pub fn quote(self, word: &[u8]) -> Result<String, Unquotable> {
        if is_plain(word) {
            return Ok(String::from_utf8_lossy(word).into_owned());
        }
        if word.is_empty() {
            return Ok("''".to_owned());
        }
        let mut out = String::new();
        for chunk in word.utf8_chunks() {
            let text = chunk.valid();
            let is_special = |c: char| c.is_control() && (c != '\n' || self != Shell::Posix);
            let mut rest = text;
            while let Some(first) = rest.chars().next() {
                let special = is_special(first);
                let end = rest.find(|c| is_special(c) != special);
                let (run, tail) = rest.split_at(end.unwrap_or(rest.len()));
                match special {
                    true => out.push_str(&self.escape(run.as_bytes())?),
                    false => out.push_str(&self.single(run)?),
                }
                rest = tail;
            }
            if !chunk.invalid().is_empty() {
                out.push_str(&self.escape(chunk.invalid())?);
            }
        }
        Ok(out)
    }

    /// Words as they are typed at this shell's prompt.
    ///
    /// # Errors
    /// As [`Shell::quote`].
    pub fn join<W: AsRef<[u8]>>(self, words: &[W]) -> Result<String, Unquotable> {
        let mut line = String::new();
        for (i, word) in words.iter().enumerate() {
            let word = word.as_ref();
            if i > 0 {
                line.push(' ');
            }
            // A first word with `=` in it would set a variable.
            match i == 0 && word.contains(&b'=') && is_plain(word) {
                true => line.push_str(&self.single(&String::from_utf8_lossy(word))?),
                false => line.push_str(&self.quote(word)?),
            }
        }
        Ok(line)
    }

    /// Text without control characters in single quotes.
    fn single(self, text: &str) -> Result<String, Unquotable> {
        let inside = match self {
            Shell::Posix | Shell::Ansi => text.replace('\'', r"'\''"),
            Shell::Fish => text.replace('\\', r"\\").replace('\'', r"\'"),
            Shell::Other if text.contains(['\'', '\\', '!', '\n']) => return Err(Unquotable),
            Shell::Other => text.to_owned(),
        };
        Ok(format!("'{inside}'"))
    }

    /// Bytes by their numbers.
    fn escape(self, bytes: &[u8]) -> Result<String, Unquotable> {
        let each = |start: &str, write: fn(u8) -> String, end: &str| {
            let numbers: String = bytes.iter().map(|byte| write(*byte)).collect();
            Ok(format!("{start}{numbers}{end}"))
        };
        match self {
            Shell::Posix => each("\"$(printf '", |byte| format!("\\{byte:03o}"), "')\""),
            Shell::Ansi => each("$'", |byte| format!("\\{byte:03o}"), "'"),
            Shell::Fish => each("", |byte| format!("\\X{byte:02x}"), ""),
            Shell::Other => Err(Unquotable),
        }
    }
}

/// A word as any shell of today takes it, in a line for people.
#[must_use]
pub fn quote(word: &str) -> String {
    if is_plain(word.as_bytes()) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Words as any shell of today takes them, in a line for people.
pub fn join<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| quote(word.as_ref())).collect();
    words.join(" ")
}

/// Whether no shell sees anything but itself in a word.
fn is_plain(word: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:@+,=".contains(byte);
    // `=ls` is the path of `ls` to zsh.
    !word.is_empty() && word[0] != b'=' && word.iter().all(is_plain)
}

/// Whether the system could not run `program` because there is none: no such
/// file, or of that name in no folder of `$PATH`. (Where one of those folders
/// may not be searched, the system speaks of permission; shells do not.)
#[must_use]
pub fn is_missing(program: &OsStr, error: &io::Error) -> bool {
    is_missing_in(&env::var_os("PATH").unwrap_or_default(), program, error)
}

fn is_missing_in(path: &OsStr, program: &OsStr, error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::NotFound => true,
        io::ErrorKind::PermissionDenied if !program.as_encoded_bytes().contains(&b'/') => {
            !env::split_paths(path).any(|folder| folder.join(program).exists())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Every byte but NUL, which no argument holds, and what means something to
    /// some shell.
    fn words() -> Vec<Vec<u8>> {
        let texts = [
            "",
            "a",
            "!x",
            "!!",
            "{a,b}",
            "~",
            "^a^b",
            "=ls",
            "a=b",
            "$HOME",
            "`id`",
            "$(id)",
            "a b",
            "it's",
            "'",
            "''",
            "\\",
            "a\\\\b",
            "\\'",
            "a\\",
            "#",
            "*",
            "?[x]",
            "%1",
            "a\tb",
            "a\nb",
            "\n",
            "\u{3}  touch pwned\r",
            "\u{1b}[A",
            "é漢字",
            "\u{85}",
            "-n",
            "&&",
            ";",
            "|",
            "<>",
        ];
        let mut words: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).to_vec();
        words.push((1..=255).collect());
        words.push(b"\xffa\xe9".to_vec());
        words
    }

    /// What a shell makes of a line that prints its words, each with a NUL.
    fn read_by(shell: &[&str], line: &str) -> Option<Vec<Vec<u8>>> {
        let (program, flags) = shell.split_first()?;
        let output = Command::new(program).args(flags).arg(line).output().ok()?;
        let printed = output.stdout.strip_suffix(b"\0")?;
        Some(
            printed
                .split(|byte| *byte == 0)
                .map(<[u8]>::to_vec)
                .collect(),
        )
    }

    #[test]
    fn shells_read_words_back() {
        let words = words();
        for shell in [
            &["sh", "-c"][..],
            &["dash", "-c"],
            &["bash", "--norc", "-O", "extglob", "-c"],
            &["zsh", "-f", "-c"],
            &["fish", "--no-config", "-c"],
        ] {
            if Command::new(shell[0])
                .arg("-c")
                .arg("true")
                .output()
                .is_err()
            {
                println!("skipped: there is no {}", shell[0]);
                continue;
            }
            let kind = Shell::of_program(shell[0]).unwrap();
            let print: [&[u8]; 2] = [b"printf", b"%s\\0"];
            let all = print.iter().copied().chain(words.iter().map(Vec::as_slice));
            let line = kind.join(&all.collect::<Vec<_>>()).unwrap();
            assert!(
                !line.contains(|c: char| c.is_control() && c != '\n'),
                "{line}"
            );
            assert_eq!(
                read_by(shell, &line).as_ref(),
                Some(&words),
                "{shell:?}: {line}"
            );
        }
    }

    #[test]
    fn words_for_people_are_short() {
        assert_eq!(
            join(["make", "-j4", "CC=gcc", "a b"]),
            "make -j4 CC=gcc 'a b'"
        );
        assert_eq!(quote("$0"), "'$0'");
        assert_eq!(quote("!x"), "'!x'");
        assert_eq!(quote("/a b/it's"), r"'/a b/it'\''s'");
    }

    #[test]
    fn a_shell_that_is_not_known_gets_only_what_all_read_alike() {
        assert_eq!(Shell::Other.quote(b"a b"), Ok("'a b'".to_owned()));
        for bad in [&b"it's"[..], b"!x", b"a\\b", b"\t", b"\xff"] {
            assert_eq!(Shell::Other.quote(bad), Err(Unquotable));
        }
        assert_eq!(Shell::of_program("-zsh"), Some(Shell::Ansi));
        assert_eq!(Shell::of_program("/usr/bin/fish"), Some(Shell::Fish));
        assert_eq!(Shell::of_program("vim"), None);
    }

    #[test]
    fn a_program_that_is_in_no_folder_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("text"), "").unwrap();
        let path = env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        let missing = |program: &str, kind: io::ErrorKind| {
            is_missing_in(&path, program.as_ref(), &io::Error::from(kind))
        };
        assert!(missing("other", io::ErrorKind::NotFound));
        assert!(missing("other", io::ErrorKind::PermissionDenied));
        assert!(!missing("text", io::ErrorKind::PermissionDenied));
        assert!(!missing("./other", io::ErrorKind::PermissionDenied));
        assert!(!missing("other", io::ErrorKind::OutOfMemory));
    }
}
