//! What runs in a pane, as a command line that would start it again.
//!
//! tmux knows only the program's name; the arguments come from
//! `/proc/PID/cmdline` of the foreground processes.

use std::fs;
use std::path::Path;

use super::proc_stat::ProcStat;
use super::variables::has_variable;
use crate::shell;

/// Shells that a pane starts with anyway: not worth a command when they have
/// no arguments.
const SHELLS: [&str; 9] = [
    "sh", "bash", "zsh", "fish", "dash", "ksh", "mksh", "tcsh", "csh",
];

/// The command line that runs in front of a pane's own process, as it would
/// be typed. `None` when the pane's process itself is in front, or a shell.
#[must_use]
pub fn foreground_command(pane_pid: u32) -> Option<String> {
    let own = ProcStat::of(pane_pid)?;
    if own.foreground <= 0 || own.foreground == own.group {
        return None;
    }
    let mut members: Vec<(u32, ProcStat)> = processes()
        .filter_map(|pid| Some((pid, ProcStat::of(pid)?)))
        .filter(|(_, process)| process.group == own.foreground)
        .collect();
    members.sort_by_key(|(pid, _)| *pid);
    // The parts of a pipeline have the shell as their parent; what they start
    // themselves has not.
    let started = |process: &ProcStat| !members.iter().any(|(pid, _)| *pid == process.parent);
    let parts: Vec<String> = members
        .iter()
        .filter(|(_, process)| started(process))
        .filter_map(|(pid, _)| command_line(*pid))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" | "))
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// A process's arguments as they would be typed; `None` for a plain shell.
fn command_line(pid: u32) -> Option<String> {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let raw = raw.strip_suffix(b"\0").unwrap_or(&raw);
    if raw.is_empty() {
        return None;
    }
    let words: Vec<String> = raw
        .split(|b| *b == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    if words.len() == 1 && is_shell(&words[0]) {
        return None;
    }
    Some(quote_all(&words))
}

fn is_shell(program: &str) -> bool {
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    let name = name.unwrap_or(program);
    SHELLS.contains(&name.strip_prefix('-').unwrap_or(name))
}

/// Words as a shell reads them back, and as a load leaves them: a `$` that
/// would be taken for a variable is parted from its name by empty quotes.
#[must_use]
pub fn quote_all(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let quoted = shell::quote(word);
        if has_variable(&quoted) {
            quoted.replace('$', "$''")
        } else {
            quoted
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
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
        ];
        let words: Vec<String> = words.map(str::to_owned).to_vec();
        let typed = quote_all(&words);
        let variables = Variables::of([("HOME", "/home/ada")]);
        assert_eq!(variables.expand(&typed), typed);
        assert_eq!(shell_words::split(&typed).unwrap(), words);
    }

    #[test]
    fn shells_are_known() {
        for shell in ["bash", "-zsh", "/bin/sh", "/usr/bin/fish"] {
            assert!(is_shell(shell), "{shell}");
        }
        assert!(!is_shell("/usr/bin/vim"));
    }
}
