//! Hooks of the user's, for clients.
//!
//! What is installed is read from tmux each time; noted here is only what tmux
//! does not keep: a command as it was written, one that is switched off, and
//! what it is for. An installed command stays in tmux until it is removed,
//! also when the daemon ends: it is the user's.

use std::collections::HashMap;
use std::sync::Mutex;

use super::{Daemon, Error, Result};
use crate::api;
use crate::tmux::control::HookEntry;
use crate::tmux::{self, Control, Socket, hooks};

/// What is noted of hooks.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<HashMap<(Socket, String), Note>>);

#[derive(Clone, Debug, Default)]
struct Note {
    command: Option<String>,
    description: Option<String>,
    /// How tmux writes the command; another one there is not ours.
    installed: Option<String>,
}

impl Daemon {
    /// All hooks that a server has.
    ///
    /// # Errors
    /// When tmux cannot be asked.
    pub async fn hooks(&self, control: &Control) -> Result<Vec<api::HookConfig>> {
        let hooks = control.hooks().await?;
        Ok(hooks
            .into_iter()
            .map(|hook| self.shown_hook(control, hook))
            .collect())
    }

    /// One hook.
    ///
    /// # Errors
    /// When the server has none of this name.
    pub async fn hook(&self, control: &Control, name: &str) -> Result<api::HookConfig> {
        let hook = control.hook(name).await?;
        Ok(self.shown_hook(control, hook))
    }

    /// Installs a command on a hook.
    ///
    /// # Errors
    /// When there is one already, or tmux cannot read it.
    pub async fn create_hook(
        &self,
        control: &Control,
        new: &api::HookCreate,
    ) -> Result<api::HookConfig> {
        let hook = control.hook(&new.name).await?;
        if hook.installed().is_some() {
            return Err(Error::HookTaken {
                name: new.name.clone(),
            });
        }
        let note = Note {
            command: new.command.clone(),
            description: new.description.clone(),
            installed: None,
        };
        self.set_hook(control, hook, note, new.enabled).await
    }

    /// Changes what is on a hook.
    ///
    /// # Errors
    /// When there is no such hook, or tmux cannot read the command.
    pub async fn update_hook(
        &self,
        control: &Control,
        name: &str,
        change: &api::HookUpdate,
    ) -> Result<api::HookConfig> {
        let hook = control.hook(name).await?;
        let mut note = self.note(control, &hook);
        note.command = change.command.clone().or(note.command);
        note.description = change.description.clone().or(note.description);
        let is_enabled = change.enabled.unwrap_or(hook.installed().is_some());
        self.set_hook(control, hook, note, is_enabled).await
    }

    /// Removes what is on a hook.
    ///
    /// # Errors
    /// When nothing is.
    pub async fn delete_hook(&self, control: &Control, name: &str) -> Result<api::HookDeleted> {
        let hook = control.hook(name).await?;
        let key = (control.server().socket().clone(), hook.name.clone());
        let was_noted = self.notes().remove(&key).is_some();
        if hook.installed().is_some() {
            control.remove_hook(&hook).await?;
        } else if !was_noted {
            return Err(Error::NoHook { name: hook.name });
        }
        Ok(api::HookDeleted {
            status: api::DeletedStatus::Deleted,
            hook: hook.name,
        })
    }

    async fn set_hook(
        &self,
        control: &Control,
        hook: HookEntry,
        mut note: Note,
        is_enabled: bool,
    ) -> Result<api::HookConfig> {
        note.installed = None;
        if is_enabled {
            let look = format!("wait-for -S {}", hooks::CHANNEL);
            let command = note.command.as_ref().unwrap_or(&look);
            control
                .install_hook(&hook, command)
                .await
                .map_err(|error| match error {
                    // Which commands there are is the server's to say.
                    tmux::Error::Refused { message } => Error::HookRefused { message },
                    other => other.into(),
                })?;
        } else if hook.installed().is_some() {
            control.remove_hook(&hook).await?;
        }
        let hook = control.hook(&hook.name).await?;
        note.installed = hook.installed().map(str::to_owned);
        let key = (control.server().socket().clone(), hook.name.clone());
        self.notes().insert(key, note);
        Ok(self.shown_hook(control, hook))
    }

    /// What is known of a hook; what tmux says wins.
    fn note(&self, control: &Control, hook: &HookEntry) -> Note {
        let key = (control.server().socket().clone(), hook.name.clone());
        let note = self.notes().get(&key).cloned().unwrap_or_default();
        match hook.installed() {
            Some(command) if note.installed.as_deref() != Some(command) => Note {
                command: Some(command.to_owned()),
                description: None,
                installed: Some(command.to_owned()),
            },
            _ => note,
        }
    }

    fn shown_hook(&self, control: &Control, hook: HookEntry) -> api::HookConfig {
        let note = self.note(control, &hook);
        let purpose = || purpose(&hook.name).map(str::to_owned);
        api::HookConfig {
            enabled: hook.installed().is_some(),
            command: note.command,
            description: note.description.or_else(purpose),
            commands: hook
                .commands
                .into_iter()
                .map(|(index, command)| api::HookCommand { index, command })
                .collect(),
            name: hook.name,
        }
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, HashMap<(Socket, String), Note>> {
        let notes = &self.shared.notes.0;
        notes.lock().unwrap_or_else(|error| error.into_inner())
    }
}

/// When a hook fires, for those whose name does not say so.
fn purpose(name: &str) -> Option<&'static str> {
    Some(match name {
        "alert-activity" => "A watched window has printed something",
        "alert-bell" => "A window has rung its bell",
        "alert-silence" => "A watched window has been silent",
        "client-attached" => "A client is attached",
        "client-detached" => "A client is no longer attached",
        "client-resized" => "A client's terminal has another size",
        "client-session-changed" => "A client shows another session",
        "pane-died" => "A pane's program has ended, and the pane stays",
        "pane-exited" => "A pane's program has ended",
        "pane-mode-changed" => "A pane enters or leaves copy mode",
        "pane-title-changed" => "A pane has another title",
        "session-closed" => "A session is gone",
        "session-created" => "A session is there",
        "session-renamed" => "A session has another name",
        "session-window-changed" => "A session has another current window",
        "window-layout-changed" => "A window is laid out anew",
        "window-linked" => "A window is in a session",
        "window-pane-changed" => "A window has another active pane",
        "window-renamed" => "A window has another name",
        "window-resized" => "A window has another size",
        "window-unlinked" => "A window is no longer in a session",
        _ => return None,
    })
}
