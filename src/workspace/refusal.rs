//! What tmux refuses of a build, told as a fault of the file where it is one.

use super::error::{Error, Location};
use super::spec::{Setting, Window};
use super::steps::BuildSteps;
use crate::tmux;

impl BuildSteps<'_> {
    /// The window or pane that tmux says is not there.
    pub(super) fn gone(error: &tmux::Error) -> Option<&str> {
        match error {
            tmux::Error::Refused { message } => {
                says_gone(message).filter(|target| target.starts_with(['@', '%']))
            }
            _ => None,
        }
    }

    /// What it means that a command failed that was not for a window or pane.
    pub(super) fn failed(&self, error: tmux::Error) -> Error {
        let session = self.session.to_string();
        let is_gone = match &error {
            tmux::Error::Refused { message } => {
                let message = message.trim_end_matches(':');
                message.ends_with(&session) && says_gone(message).is_some()
            }
            tmux::Error::NoServer { .. } => true,
            _ => false,
        };
        if !is_gone {
            return self.explain(error);
        }
        Error::Step {
            what: format!("every window of `{}` closed by itself", self.plan.name),
            source: error,
        }
    }

    /// Finds what in the file tmux refused: it ends its messages about options
    /// and names with the name or the value.
    pub(super) fn explain(&self, error: tmux::Error) -> Error {
        if let tmux::Error::Refused { message } = &error {
            let at = |mark, message| Error::ConfigError {
                place: Location {
                    path: self.workspace.path.clone(),
                    mark,
                },
                message,
            };
            if let Some(setting) = self.refused_setting(message) {
                let Setting { name, value, mark } = setting;
                return at(
                    *mark,
                    format!("tmux takes no `{value}` for option `{name}` ({message})"),
                );
            }
            if let Some(window) = self.refused_window(message) {
                let name = window.name.as_deref().unwrap_or_default();
                return at(
                    window.mark,
                    format!("tmux takes no window of the name `{name}` ({message})"),
                );
            }
        }
        if error.is_invalid_name()
            && let Some(window) = self.plan.windows.get(self.windows.len())
        {
            let window = &self.workspace.windows[window.number];
            return Error::ConfigError {
                place: Location {
                    path: self.workspace.path.clone(),
                    mark: window.mark,
                },
                message: format!(
                    "this tmux takes no window named {:?}",
                    window.name.as_deref().unwrap_or_default()
                ),
            };
        }
        Error::Step {
            what: self.whereabouts(),
            source: error,
        }
    }

    fn refused_setting(&self, message: &str) -> Option<&Setting> {
        let settings = self.workspace.settings();
        let about = |setting: &&&Setting| {
            [&setting.value, &setting.name].iter().any(|text| {
                let end = message.strip_suffix(text.as_str());
                !text.is_empty() && end.is_some_and(|start| start.ends_with(": "))
            })
        };
        let numeric = message.starts_with("value is");
        let about_number =
            |setting: &&&Setting| numeric && message.contains(&format!(": {}", setting.value));
        let found = settings.iter().find(about);
        found
            .or_else(|| settings.iter().find(about_number))
            .copied()
    }

    /// The window whose name tmux does not take: since 3.7 there are some.
    fn refused_window(&self, message: &str) -> Option<&Window> {
        if !message.contains("invalid window name") {
            return None;
        }
        let planned = self.plan.windows.iter();
        let mut windows = planned.map(|window| &self.workspace.windows[window.number]);
        let next = windows.clone().nth(self.windows.len());
        let named = |window: &&Window| {
            let name = window.name.as_deref().unwrap_or_default();
            !name.is_empty() && message.ends_with(name)
        };
        windows.find(named).or(next)
    }

    /// What was being made when tmux refused.
    fn whereabouts(&self) -> String {
        let made = self.windows.len();
        match made.checked_sub(1) {
            Some(last) => format!(
                "building window `{}` (or the one after it)",
                self.window_name(last)
            ),
            None => format!("setting up the session `{}`", self.plan.name),
        }
    }
}

/// The target of a message that says that it is not there.
fn says_gone(message: &str) -> Option<&str> {
    let (start, target) = message.rsplit_once(": ")?;
    let says = ["can't find ", "no such "]
        .iter()
        .any(|says| start.contains(says));
    says.then_some(target)
}
