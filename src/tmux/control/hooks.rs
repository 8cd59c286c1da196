//! Hooks: which there are, and commands of the user's on them.
//!
//! A command of ours stands in the hook's array at a place of its own, beside
//! whatever the user's configuration has put there.

use super::Control;
use crate::tmux::{Batch, Error, ObjectKind, Result};

/// The place in each hook's array that commands are installed at.
pub const HOOK_INDEX: u32 = 9138;

/// A hook, and the commands on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookEntry {
    pub name: String,
    /// The commands, by their place in the hook's array, as tmux writes them.
    pub commands: Vec<(u32, String)>,
}

impl HookEntry {
    /// The command at [`HOOK_INDEX`].
    #[must_use]
    pub fn installed(&self) -> Option<&str> {
        let found = self.commands.iter().find(|(index, _)| *index == HOOK_INDEX);
        found.map(|(_, command)| command.as_str())
    }
}

impl Control {
    /// All hooks that this server has, by name.
    ///
    /// # Errors
    /// As [`Server::run`](crate::tmux::Server::run).
    pub async fn hooks(&self) -> Result<Vec<HookEntry>> {
        let mut batch = Batch::of(["show-hooks", "-g"]);
        if self.version.has_window_hooks() {
            batch.push(["show-hooks", "-gw"]);
        }
        let answer = self.ask(&batch).await?;
        let mut hooks = parse(&String::from_utf8_lossy(&answer));
        hooks.sort_by(|a, b| a.name.cmp(&b.name));
        hooks.dedup_by(|a, b| a.name == b.name);
        Ok(hooks)
    }

    /// One hook.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none of
    /// this name.
    pub async fn hook(&self, name: &str) -> Result<HookEntry> {
        let hooks = self.hooks().await?;
        let found = hooks.into_iter().find(|hook| hook.name == name);
        found.ok_or_else(|| Error::missing(ObjectKind::Hook, name))
    }

    /// Installs a tmux command on a hook, in place of the one that
    /// [`HOOK_INDEX`] has. The hook must be one that there is.
    ///
    /// # Errors
    /// [`Error::Refused`] when tmux cannot read
    /// the command.
    pub async fn install_hook(&self, hook: &HookEntry, command: &str) -> Result<()> {
        let place = format!("{}[{HOOK_INDEX}]", hook.name);
        let command = Batch::of(["set-hook", "-g", "--", &place, command]);
        self.run(&command).await.map(drop)
    }

    /// Removes what [`Control::install_hook`] has installed.
    ///
    /// # Errors
    /// As [`Server::run`](crate::tmux::Server::run).
    pub async fn remove_hook(&self, hook: &HookEntry) -> Result<()> {
        let place = format!("{}[{HOOK_INDEX}]", hook.name);
        let command = Batch::of(["set-hook", "-gu", &place]);
        self.run(&command).await.map(drop)
    }
}

/// Reads `show-hooks`: `name` alone, or `name[index] command`, whose command
/// may go on over further lines.
fn parse(answer: &str) -> Vec<HookEntry> {
    let mut hooks: Vec<HookEntry> = Vec::new();
    for line in answer.lines() {
        let Some((name, command)) = parse_line(line) else {
            if let Some((_, command)) = hooks.last_mut().and_then(|hook| hook.commands.last_mut()) {
                command.push('\n');
                command.push_str(line);
            }
            continue;
        };
        if hooks.last().is_none_or(|hook| hook.name != name) {
            let name = name.to_owned();
            let commands = Vec::new();
            hooks.push(HookEntry { name, commands });
        }
        if let (Some(hook), Some((index, text))) = (hooks.last_mut(), command) {
            hook.commands.push((index, text.to_owned()));
        }
    }
    hooks
}

type HookLine<'a> = (&'a str, Option<(u32, &'a str)>);

fn parse_line(line: &str) -> Option<HookLine<'_>> {
    let end = line
        .find(|c: char| !c.is_ascii_lowercase() && c != '-')
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if !name.contains('-') {
        return None;
    }
    if rest.is_empty() {
        return Some((name, None));
    }
    let (index, command) = rest.strip_prefix('[')?.split_once(']')?;
    let command = command.strip_prefix(' ').unwrap_or(command);
    Some((name, Some((index.parse().ok()?, command))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_hooks_is_read() {
        let hooks = parse(
            "after-bind-key\nafter-new-window[0] display-message a\n\
             after-new-window[9138] run-shell \"a\n  b\"\nwindow-linked[2] \n",
        );
        let names: Vec<_> = hooks.iter().map(|hook| hook.name.as_str()).collect();
        assert_eq!(
            names,
            ["after-bind-key", "after-new-window", "window-linked"]
        );
        assert_eq!(hooks[1].installed(), Some("run-shell \"a\n  b\""));
        assert_eq!(hooks[1].commands[0], (0, "display-message a".to_owned()));
        assert_eq!(hooks[2].commands, [(2, String::new())]);
    }
}
