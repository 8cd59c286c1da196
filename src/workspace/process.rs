//! What runs in a pane, as a command line that would start it again.
//!
//! tmux knows only the program's name; the arguments come from
//! `/proc/PID/cmdline` of the foreground processes. A program may write
//! something else there (`postgres: writer`), which would start nothing: so the
//! first word must name a program.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::variables::break_variables;
use crate::processes::ProcStat;
use crate::shell::{self, Shell};

/// What is in front in a pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Foreground {
    /// The pane's own process.
    Own,
    /// A command, as it would be typed.
    Command(String),
    /// Something that cannot be started again by typing: what, and why not.
    Lost(String),
}

/// Looks at what runs in front of a pane's own process.
#[must_use]
pub(super) fn foreground(pane_pid: u32) -> Foreground {
    let Some(own) = ProcStat::of(pane_pid) else {
        return Foreground::Own;
    };
    if own.foreground <= 0 || own.foreground == own.group {
        return Foreground::Own;
    }
    let mut members: Vec<(u32, ProcStat)> = processes()
        .filter_map(|pid| Some((pid, ProcStat::of(pid)?)))
        .filter(|(_, process)| process.group == own.foreground)
        .collect();
    members.sort_by_key(|(pid, _)| *pid);
    let is_member = |pid: u32| members.iter().any(|(member, _)| *member == pid);
    // What asks is typed by nobody who loads the file.
    if is_member(std::process::id()) {
        return Foreground::Own;
    }
    let shell = shell_of(pane_pid);
    // The parts of a pipeline have the shell as their parent; what they start
    // themselves has not.
    let parts = members
        .iter()
        .filter(|(_, process)| !is_member(process.parent));
    let mut line = String::new();
    for (pid, process) in parts {
        let part = match command_line(*pid, shell) {
            Ok(part) => part,
            Err(Unusable::Gone) => continue,
            Err(Unusable::Shell(name)) => return Foreground::Lost(inner_shell(&name, process)),
            Err(Unusable::Title(title)) => {
                return Foreground::Lost(format!(
                    "a program that calls itself `{title}`, whose command line is not known"
                ));
            }
            Err(Unusable::Words(words)) => {
                return Foreground::Lost(format!("`{words}`, which its shell cannot be told"));
            }
        };
        if !line.is_empty() {
            line.push_str(" | ");
        }
        line.push_str(&part);
    }
    match line.is_empty() {
        true => Foreground::Own,
        false => Foreground::Command(line),
    }
}

/// Why a process gives no command line.
enum Unusable {
    Gone,
    /// A shell without arguments.
    Shell(String),
    /// What stands there is no command line.
    Title(String),
    /// No quotes of the shell hold the words.
    Words(String),
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn words_of(pid: u32) -> Option<Vec<Vec<u8>>> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let raw = raw.strip_suffix(b"\0").unwrap_or(&raw);
    let words = raw.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    (!raw.is_empty()).then(|| words.collect())
}

/// A process's arguments as they would be typed into `shell`.
fn command_line(pid: u32, shell: Shell) -> Result<String, Unusable> {
    let words = words_of(pid).ok_or(Unusable::Gone)?;
    let program = String::from_utf8_lossy(&words[0]).into_owned();
    if words.len() == 1 && Shell::of_program(&program).is_some() {
        return Err(Unusable::Shell(program));
    }
    if !is_program(pid, &words[0]) {
        let title: Vec<_> = words
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        return Err(Unusable::Title(title.join(" ").trim_end().to_owned()));
    }
    match shell.join(&words) {
        Ok(line) => Ok(break_variables(&line)),
        Err(_) => {
            let words = words.iter().map(|word| String::from_utf8_lossy(word));
            Err(Unusable::Words(shell::join(words)))
        }
    }
}

/// Whether the first word of a process's command line names a program: its own,
/// or one that is found where it was started.
fn is_program(pid: u32, word: &[u8]) -> bool {
    let word = Path::new(OsStr::from_bytes(word));
    let file = fs::read_link(format!("/proc/{pid}/exe")).ok();
    if file.is_some_and(|file| file.file_name().is_some() && file.file_name() == word.file_name()) {
        return true;
    }
    if word.components().count() > 1 || word.is_absolute() {
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        return folder.join(word).is_file();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path);
    !word.as_os_str().is_empty() && folders.any(|folder: PathBuf| folder.join(word).is_file())
}

/// The shell that a pane's own process is.
fn shell_of(pane_pid: u32) -> Shell {
    let words = words_of(pane_pid).unwrap_or_default();
    let program = words
        .first()
        .map(|word| String::from_utf8_lossy(word).into_owned());
    program
        .as_deref()
        .and_then(Shell::of_program)
        .unwrap_or(Shell::Posix)
}

/// A shell in the pane's shell: how it was started, as far as that shows.
fn inner_shell(name: &str, process: &ProcStat) -> String {
    let parent = words_of(process.parent).unwrap_or_default();
    let parent: Vec<_> = parent
        .iter()
        .map(|word| String::from_utf8_lossy(word))
        .collect();
    match parent
        .first()
        .map(|word| Path::new(word.as_ref()).file_name())
    {
        Some(Some(starter)) if starter == "su" || starter == "sudo" => {
            format!("the shell of `{}`", shell::join(&parent))
        }
        _ => format!("the shell `{name}` in its shell"),
    }
}

/// Words as a shell reads them back, and as a load leaves them.
#[must_use]
pub fn quote_all(words: &[String]) -> String {
    break_variables(&shell::join(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Variables;

    #[test]
    fn what_is_quoted_survives_a_load_and_a_shell() {
        let words = [
            "sh",
            "-c",
            "echo $HOME ${HOME} '$HOME' \"x\"",
            "~",
            "a b",
            "",
            "$",
            "#",
            "$HOME",
        ];
        let words: Vec<String> = words.map(str::to_owned).to_vec();
        let variables = Variables::of([("HOME", "/home/ada")]);
        let typed = break_variables(&Shell::Ansi.join(&words).unwrap());
        for typed in [quote_all(&words), typed] {
            assert_eq!(variables.expand(&typed), typed);
            assert_eq!(shell_words::split(&typed).unwrap(), words);
        }
        let fish = break_variables(&Shell::Fish.join(&words).unwrap());
        assert_eq!(variables.expand(&fish), fish);
        // An escape of the shell's own is none of a load's variables.
        let typed = break_variables(&Shell::Ansi.quote(b"\x03HOME").unwrap());
        assert_eq!(typed, "$'\\003''HOME'");
    }

    #[test]
    fn a_title_is_no_command_line() {
        let own = std::process::id();
        let words = words_of(own).unwrap();
        assert!(is_program(own, &words[0]));
        assert!(is_program(own, b"sh"));
        for title in [
            &b"npm run dev"[..],
            b"postgres: writer process",
            b"",
            b"./nothing",
        ] {
            assert!(!is_program(own, title));
        }
    }
}
