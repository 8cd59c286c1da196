//! Which rule fits a window: pure, and asked only when something has changed.

use crate::api::{AutoMismatch, AutoRecording, AutoRuleVerdict, AutoVerdict};
use crate::config::{AutoRecord, AutoRule};
use crate::daemon::names::host_names;
use crate::tmux::WindowId;

/// What rules look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WindowFacts {
    /// The names of the sessions that the window is in.
    pub(super) sessions: Vec<String>,
    pub(super) window: String,
    /// The foreground program of the active pane; empty where no rule asks for it.
    pub(super) command: String,
    /// The present folder of the active pane; empty where no rule asks for it.
    pub(super) folder: String,
}

impl WindowFacts {
    /// What the window has for a key of a rule.
    fn values(&self, key: &str) -> Vec<String> {
        match key {
            "session" => self.sessions.clone(),
            "window" => vec![self.window.clone()],
            "command" => vec![self.command.clone()],
            "folder" => vec![self.folder.clone()],
            _ => host_names(),
        }
    }
}

/// The first pattern of a rule that a window does not fit.
fn mismatch(rule: &AutoRule, facts: &WindowFacts) -> Option<AutoMismatch> {
    let patterns = rule.patterns();
    patterns.into_iter().find_map(|(key, pattern)| {
        let pattern = pattern?;
        let found = facts.values(key);
        let fits = found.iter().any(|value| pattern.is_match(value));
        (!fits).then(|| AutoMismatch {
            key: key.to_owned(),
            pattern: pattern.text().to_owned(),
            found,
        })
    })
}

/// The first rule that fits a window.
pub(super) fn first<'a>(rules: &'a [AutoRule], facts: &WindowFacts) -> Option<&'a AutoRule> {
    rules.iter().find(|rule| mismatch(rule, facts).is_none())
}

/// Whether any rule records anything.
pub(super) fn record_anything(rules: &[AutoRule]) -> bool {
    rules.iter().any(|rule| rule.record != AutoRecord::No)
}

/// Whether a rule looks at what may become another one while a window lives.
pub(super) fn look_at_names(rules: &[AutoRule]) -> bool {
    let changes = |rule: &AutoRule| {
        let patterns = rule.patterns();
        let mut patterns = patterns.iter();
        patterns.any(|(key, pattern)| *key != "host" && pattern.is_some())
    };
    rules.iter().any(changes)
}

/// Whether a rule looks at programs or folders, which tmux has to look for.
pub(super) fn look_at_panes(rules: &[AutoRule]) -> bool {
    let looks = |rule: &AutoRule| rule.command.is_some() || rule.folder.is_some();
    rules.iter().any(looks)
}

fn recording(rule: Option<&AutoRule>) -> AutoRecording {
    match rule.map(|rule| rule.record) {
        Some(AutoRecord::Yes) => AutoRecording::Yes,
        Some(AutoRecord::Flashback) => AutoRecording::Flashback,
        Some(AutoRecord::No) | None => AutoRecording::No,
    }
}

/// What all rules say of a window, and why.
pub(super) fn verdict(rules: &[AutoRule], window: WindowId, facts: WindowFacts) -> AutoVerdict {
    let all = rules.iter().zip(1..).map(|(rule, number)| {
        let mismatch = mismatch(rule, &facts);
        AutoRuleVerdict {
            rule: number,
            line: rule.line,
            record: recording(Some(rule)),
            fits: mismatch.is_none(),
            mismatch,
        }
    });
    let all: Vec<AutoRuleVerdict> = all.collect();
    let fitting = all.iter().find(|rule| rule.fits);
    AutoVerdict {
        window_id: window.to_string(),
        rule: fitting.map(|rule| rule.rule),
        record: recording(first(rules, &facts)),
        sessions: facts.sessions,
        window: facts.window,
        command: facts.command,
        folder: facts.folder,
        hosts: host_names(),
        rules: all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Loaded;

    fn rules(text: &str) -> Vec<AutoRule> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        Loaded::read(Some(&path)).unwrap().config.auto
    }

    fn facts(sessions: &[&str], window: &str) -> WindowFacts {
        WindowFacts {
            sessions: sessions.iter().map(|name| (*name).to_owned()).collect(),
            window: window.to_owned(),
            command: "vim".to_owned(),
            folder: "/home/me/work/src".to_owned(),
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts_and_the_others_say_why_not() {
        let rules = rules(
            "[[auto]]\nfolder = '/home/me/secret'\nrecord = false\n\
             [[auto]]\nsession = 'work'\nwindow = 'db*'\nrecord = false\n\
             [[auto]]\nsession = 'work'\nhost = '*'\n\
             [[auto]]\nsession = 'work'\nrecord = false\n",
        );
        let said = verdict(&rules, WindowId(3), facts(&["play", "work"], "editor"));
        assert_eq!((said.rule, said.record), (Some(3), AutoRecording::Yes));
        let why = |number: usize| said.rules[number - 1].mismatch.clone();
        let why_not = why(1).unwrap();
        assert_eq!(why_not.key, "folder");
        assert_eq!(why_not.found, ["/home/me/work/src"]);
        assert_eq!(why(2).unwrap().pattern, "db*");
        assert_eq!((why(3), why(4)), (None, None));
        let said = verdict(&rules, WindowId(3), facts(&["play"], "editor"));
        assert_eq!((said.rule, said.record), (None, AutoRecording::No));
        let said = verdict(&rules, WindowId(3), facts(&["work"], "db1"));
        assert_eq!((said.rule, said.record), (Some(2), AutoRecording::No));
    }

    #[test]
    fn what_is_not_looked_at_is_known() {
        let asks = |text: &str| {
            let rules = rules(text);
            [
                record_anything(&rules),
                look_at_names(&rules),
                look_at_panes(&rules),
            ]
        };
        assert_eq!(asks(""), [false, false, false]);
        assert_eq!(asks("[[auto]]\nrecord = false\n"), [false, false, false]);
        assert_eq!(asks("[[auto]]\nhost = 'x'\n"), [true, false, false]);
        assert_eq!(asks("[[auto]]\nwindow = 'x'\n"), [true, true, false]);
        assert_eq!(asks("[[auto]]\ncommand = 'x'\n"), [true, true, true]);
    }
}
