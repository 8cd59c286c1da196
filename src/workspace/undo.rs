//! Taking back what a load did before it failed.
//!
//! Holds only what this load made or changed: never a session that was there
//! before, and windows by the ids that tmux gave when it made them.

use super::error::Result;
use super::server_info::ServerInfo;
use super::spec::{Setting, Workspace};
use crate::tmux::control::kill_session;
use crate::tmux::{Batch, Separator, Server, SessionId, Version, WindowId, read_printed, settings};

/// What has to be taken back.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// The session that was made.
    pub session: Option<SessionId>,
    /// The windows that were added to a session of the user's.
    pub windows: Vec<WindowId>,
    /// Commands that restore options and variables.
    pub restore: Batch,
}

impl Undo {
    /// Notes the values that the workspace is going to change on the server
    /// and, when windows are added, in the session `target`.
    pub fn note(
        &mut self,
        server: &Server,
        workspace: &Workspace,
        info: &ServerInfo,
        target: Option<SessionId>,
    ) -> Result<()> {
        let of = ["-g".to_owned()];
        self.note_options(server, info.version, &workspace.global_options, &of)?;
        let Some(session) = target else {
            return Ok(());
        };
        let target = format!("{session}:");
        let own: Vec<Setting> = workspace
            .options
            .iter()
            .filter(|setting| !info.options.is_of_windows(&setting.name))
            .cloned()
            .collect();
        let of = ["-t".to_owned(), target.clone()];
        self.note_options(server, info.version, &own, &of)?;
        for setting in &workspace.environment {
            self.note_variable(server, info.version, &setting.name, &target);
        }
        Ok(())
    }

    fn note_options(
        &mut self,
        server: &Server,
        version: Version,
        changed: &[Setting],
        of: &[String],
    ) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let with = |command: &[&str], rest: &[&str]| -> Vec<String> {
            let words = command.iter().copied().chain(of.iter().map(String::as_str));
            words
                .chain(rest.iter().copied())
                .map(str::to_owned)
                .collect()
        };
        let separator = Separator::random();
        let mut query = Batch::new();
        for setting in changed {
            query.push(with(&["show-options", "-q"], &["--", &setting.name]));
            separator.end(&mut query);
        }
        let answer = server.run_blocking(&query)?;
        for (setting, before) in changed.iter().zip(separator.answers(&answer)) {
            self.restore
                .push(with(&["set-option", "-u"], &["--", &setting.name]));
            for (name, value) in settings(version, before) {
                self.restore
                    .push(with(&["set-option"], &["--", &name, &value]));
            }
        }
        Ok(())
    }

    fn note_variable(&mut self, server: &Server, version: Version, name: &str, target: &str) {
        let answer = server.run_blocking(&Batch::of(["show-environment", "-t", target, name]));
        let answer = read_printed(version, &answer.unwrap_or_default());
        let set = answer
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('='));
        let command = match set.and_then(|value| value.strip_suffix('\n')) {
            Some(value) => vec!["set-environment", "-t", target, name, value],
            None if answer.starts_with('-') => vec!["set-environment", "-r", "-t", target, name],
            None => vec!["set-environment", "-u", "-t", target, name],
        };
        self.restore.push(command);
    }

    /// Takes everything back, as far as tmux still answers.
    pub fn run(self, server: &Server) {
        // Each on its own: what is gone already must not keep the rest.
        for command in self.restore.commands() {
            let _ = server.run_blocking(&Batch::of(command));
        }
        for window in self.windows {
            let _ = server.run_blocking(&Batch::of(["kill-window", "-t", &window.to_string()]));
        }
        if let Some(session) = self.session {
            let version = server.version_blocking().unwrap_or(Version::OLDEST);
            let _ = server.run_blocking(&kill_session(version, session));
        }
    }
}
