//! `/hooks` and `/hook`: tmux's hooks, and commands on them.
//!
//! What is installed is read from tmux each time; noted here is only what tmux
//! does not keep: a command as it was written, one that is switched off, and
//! what it is for. An installed command stays in tmux until it is removed,
//! also when the daemon ends: it is the user's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::extract::{Body, PathId, Tmux};
use crate::api::{
    CallbackEvent, DeletedStatus, HookCommand, HookConfig, HookCreate, HookDeleted, HookReceived,
    HookUpdate,
};
use crate::daemon::Daemon;
use crate::http::error::{Failure, Result};
use crate::tmux::control::HookEntry;
use crate::tmux::{self, Control, Socket, hooks};

/// List tmux's hooks, and what is installed on them.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/hooks",
    params(Tmux),
    responses((status = 200, body = Vec<HookConfig>))
))]
pub(super) async fn list(
    State(notes): State<Arc<Notes>>,
    Tmux(tmux): Tmux,
) -> Result<Json<Vec<HookConfig>>> {
    let hooks = tmux.hooks().await?.into_iter();
    Ok(Json(hooks.map(|hook| notes.reply(&tmux, hook)).collect()))
}

/// Install a tmux command on a hook, beside those that are there.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/hooks",
    params(Tmux),
    request_body = HookCreate,
    responses((status = 201, body = HookConfig))
))]
pub(super) async fn create(
    State(notes): State<Arc<Notes>>,
    Tmux(tmux): Tmux,
    Body(new): Body<HookCreate>,
) -> Result<(StatusCode, Json<HookConfig>)> {
    let hook = tmux.hook(&new.name).await?;
    if hook.installed().is_some() {
        let message = format!(
            "a command is installed on hook {} already; change or remove it",
            new.name
        );
        return Err(Failure::new(StatusCode::CONFLICT, "hook_taken", message));
    }
    let note = Note {
        command: new.command,
        description: new.description,
        installed: None,
    };
    let hook = set(&tmux, &notes, hook, note, new.enabled).await?;
    Ok((StatusCode::CREATED, hook))
}

/// Show a hook.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/hooks/{hook_name}",
    params(Tmux),
    responses((status = 200, body = HookConfig))
))]
pub(super) async fn get(
    State(notes): State<Arc<Notes>>,
    Tmux(tmux): Tmux,
    PathId(name): PathId,
) -> Result<Json<HookConfig>> {
    let hook = tmux.hook(&name).await?;
    Ok(Json(notes.reply(&tmux, hook)))
}

/// Change what is installed on a hook.
#[cfg_attr(test, utoipa::path(
    put,
    path = "/hooks/{hook_name}",
    params(Tmux),
    request_body = HookUpdate,
    responses((status = 200, body = HookConfig))
))]
pub(super) async fn replace(
    notes: State<Arc<Notes>>,
    tmux: Tmux,
    name: PathId,
    change: Body<HookUpdate>,
) -> Result<Json<HookConfig>> {
    update(notes, tmux, name, change).await
}

/// Change what is installed on a hook.
#[cfg_attr(test, utoipa::path(
    patch,
    path = "/hooks/{hook_name}",
    params(Tmux),
    request_body = HookUpdate,
    responses((status = 200, body = HookConfig))
))]
pub(super) async fn update(
    State(notes): State<Arc<Notes>>,
    Tmux(tmux): Tmux,
    PathId(name): PathId,
    Body(change): Body<HookUpdate>,
) -> Result<Json<HookConfig>> {
    let hook = tmux.hook(&name).await?;
    let mut note = notes.of(&tmux, &hook);
    note.command = change.command.or(note.command);
    note.description = change.description.or(note.description);
    let is_enabled = change.enabled.unwrap_or(hook.installed().is_some());
    set(&tmux, &notes, hook, note, is_enabled).await
}

/// Remove what was installed on a hook, and only that.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/hooks/{hook_name}",
    params(Tmux),
    responses((status = 200, body = HookDeleted))
))]
pub(super) async fn delete(
    State(notes): State<Arc<Notes>>,
    Tmux(tmux): Tmux,
    PathId(name): PathId,
) -> Result<Json<HookDeleted>> {
    let hook = tmux.hook(&name).await?;
    let was_noted = notes.remove(&tmux, &hook);
    if hook.installed().is_some() {
        tmux.remove_hook(&hook).await?;
    } else if !was_noted {
        let message = format!("no command is installed on hook {}", hook.name);
        return Err(Failure::new(StatusCode::NOT_FOUND, "no_hook", message));
    }
    Ok(Json(HookDeleted {
        status: DeletedStatus::Deleted,
        hook: hook.name,
    }))
}

/// Report that something has happened: the server looks at tmux again, where
/// anybody needs to know.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/hook",
    request_body = CallbackEvent,
    responses((status = 200, body = HookReceived))
))]
pub(super) async fn receive(
    State(daemon): State<Daemon>,
    Body(event): Body<CallbackEvent>,
) -> Json<HookReceived> {
    tracing::debug!(name = event.hook_name, "a hook calls");
    Json(daemon.receive_hook())
}

async fn set(
    tmux: &Control,
    notes: &Notes,
    hook: HookEntry,
    mut note: Note,
    is_enabled: bool,
) -> Result<Json<HookConfig>> {
    if is_enabled {
        let look = format!("wait-for -S {}", hooks::CHANNEL);
        let command = note.command.as_ref().unwrap_or(&look);
        tmux.install_hook(&hook, command)
            .await
            .map_err(|error| match error {
                // Which commands there are is the server's to say.
                tmux::Error::Refused { message } => {
                    let message = format!("tmux: {message}");
                    Failure::new(StatusCode::CONFLICT, "hook_refused", message)
                }
                other => other.into(),
            })?;
    } else if hook.installed().is_some() {
        tmux.remove_hook(&hook).await?;
    }
    let hook = tmux.hook(&hook.name).await?;
    note.installed = hook.installed().map(str::to_owned);
    notes.insert(tmux, &hook, note);
    Ok(Json(notes.reply(tmux, hook)))
}

/// What is noted of the hooks of each tmux server.
#[derive(Default)]
pub(super) struct Notes(Mutex<HashMap<(Socket, String), Note>>);

#[derive(Clone, Default)]
struct Note {
    command: Option<String>,
    description: Option<String>,
    /// How tmux writes the command; another one there is not ours.
    installed: Option<String>,
}

impl Notes {
    fn insert(&self, tmux: &Control, hook: &HookEntry, note: Note) {
        self.lock().insert(key(tmux, hook), note);
    }

    /// Whether there was a note.
    fn remove(&self, tmux: &Control, hook: &HookEntry) -> bool {
        self.lock().remove(&key(tmux, hook)).is_some()
    }

    /// What is known of a hook; what tmux says wins.
    fn of(&self, tmux: &Control, hook: &HookEntry) -> Note {
        let note = self.lock().get(&key(tmux, hook)).cloned();
        let note = note.unwrap_or_default();
        match hook.installed() {
            Some(command) if note.installed.as_deref() != Some(command) => Note {
                command: Some(command.to_owned()),
                description: None,
                installed: Some(command.to_owned()),
            },
            _ => note,
        }
    }

    /// A hook, as it goes out.
    fn reply(&self, tmux: &Control, hook: HookEntry) -> HookConfig {
        let note = self.of(tmux, &hook);
        let purpose = || purpose(&hook.name).map(str::to_owned);
        HookConfig {
            enabled: hook.installed().is_some(),
            command: note.command,
            description: note.description.or_else(purpose),
            commands: hook
                .commands
                .into_iter()
                .map(|(index, command)| HookCommand { index, command })
                .collect(),
            name: hook.name,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Socket, String), Note>> {
        self.0.lock().unwrap_or_else(|error| error.into_inner())
    }
}

fn key(tmux: &Control, hook: &HookEntry) -> (Socket, String) {
    (tmux.server().socket().clone(), hook.name.clone())
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
        "window-layout-changed" => "A window has another layout",
        "window-linked" => "A window is in a session",
        "window-pane-changed" => "A window has another active pane",
        "window-renamed" => "A window has another name",
        "window-resized" => "A window has another size",
        "window-unlinked" => "A window is no longer in a session",
        _ => return None,
    })
}
