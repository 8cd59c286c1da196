//! Starts and ends the daemon from outside: [`Connection`], with the way out
//! of what went wrong.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::table::printable;
use super::{Context, Failure};
use crate::api::{Auto, AutoSwitch, CommandRecording, CommandStarted, Recording, RecordingCreate};
use crate::client::{self, Client, Connection, ConnectionError};
use crate::daemon::interrupted;
use crate::folders::{Folders, LockState};
use crate::record::RecallPlan;

pub(super) use crate::client::READY;

/// Servers that are found ending, one after the other, before it is an error.
const TRIES: usize = 5;

/// How long somebody else may take to start the daemon again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a recording, and the daemon where none runs; `true` when it is new.
/// `explain` adds the way out to what the daemon refuses.
pub(super) async fn record(
    context: &Context,
    request: &RecordingCreate,
    explain: impl Fn(client::Error) -> Failure,
) -> Result<(bool, Recording), Failure> {
    ask(context, explain, async |client| {
        client.create_recording(request).await
    })
    .await
}

/// Starts to record a command, and the daemon where none runs.
pub(super) async fn record_command(
    context: &Context,
    request: &CommandRecording,
    explain: impl Fn(client::Error) -> Failure,
) -> Result<CommandStarted, Failure> {
    ask(context, explain, async |client| {
        client.record_command(request).await
    })
    .await
}

/// Follows rules, on this tmux server too; starts the daemon where none runs.
pub(super) async fn set_auto(
    context: &Context,
    update: &AutoSwitch,
    socket: PathBuf,
) -> Result<Auto, Failure> {
    ask(context, Failure::new, async |client| {
        client.speak_of(&socket);
        client.set_auto(update).await
    })
    .await
}

/// Asks the daemon, which is started where none runs: the next one where this
/// one is ending.
async fn ask<T>(
    context: &Context,
    explain: impl Fn(client::Error) -> Failure,
    request: impl AsyncFn(&mut Client) -> client::Result<T>,
) -> Result<T, Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut client = connect_or_start(context).await?;
        match request(&mut client).await {
            Err(error) if is_ending(&error) && tries < TRIES => {}
            answer => return answer.map_err(explain),
        }
    }
}

/// Whether the daemon's last recording has just ended, and it with it: the next
/// one to be asked is a new one. It says so, or it has gone without reading the
/// request.
fn is_ending(error: &client::Error) -> bool {
    match error {
        client::Error::Refused { body, .. } => body.code == "shutting_down",
        client::Error::NotRunning { .. } => true,
        _ => false,
    }
}

/// A client of the daemon that runs, wherever it listens.
pub(super) async fn client() -> client::Result<Client> {
    connection().client().await
}

/// A client of the daemon; starts the daemon when none runs.
async fn connect_or_start(context: &Context) -> Result<Client, Failure> {
    match client().await {
        Err(client::Error::NotRunning { .. }) if context.config.server.auto_start => {
            start(context, true)?;
            Ok(client().await?)
        }
        Err(error @ client::Error::NotRunning { .. }) => {
            Err(Failure::new(error).hint("start it with `tvmux server start`"))
        }
        other => Ok(other?),
    }
}

/// "Not running" as somebody who asks for a recording understands it, with the
/// way out.
pub(super) fn hint_start(error: client::Error) -> Failure {
    match error {
        client::Error::NotRunning { .. } => {
            warn_of_interrupted();
            Failure::new("nothing is recorded: no tvmux server is running")
                .hint("`tvmux rec` starts a recording, and the server with it")
        }
        other => Failure::new(other),
    }
}

/// What a daemon that died was recording; nothing while one runs, also one that
/// is starting or ending.
pub(super) fn cut_off() -> Vec<Recording> {
    let folders = Folders::of_user();
    match folders.lock_state() {
        LockState::Free => interrupted(folders.state()),
        LockState::Held(_) => Vec::new(),
    }
}

/// Says on standard error what a daemon that died was recording, if one did:
/// nobody records it now. Returns whether there is anything.
pub(super) fn warn_of_interrupted() -> bool {
    let all = cut_off();
    if all.is_empty() {
        return false;
    }
    for recording in &all {
        super::warn(&format!(
            "{} was being recorded to {} when the tvmux server died; nobody records it now",
            printable(&recording.id),
            printable(&recording.cast_path.to_string_lossy()),
        ));
    }
    anstream::eprintln!(
        "`tvmux server start` makes these casts whole, and goes on where the window is still there"
    );
    true
}

/// Starts the daemon and returns when it listens. One that is `on_demand` ends
/// with its last recording, if the settings say so.
pub(super) fn start(context: &Context, on_demand: bool) -> Result<(), Failure> {
    let connection = connection().with_config_file(context.config_file.clone());
    connection.start(on_demand).map_err(explain)
}

/// Asks the daemon to end and waits until it has. `false` when none runs.
pub(super) async fn stop() -> Result<bool, Failure> {
    connection().stop().await.map_err(explain)
}

/// Has the daemon leave its recordings to another one, which is started. `false`
/// when none ran.
pub(super) async fn restart(context: &Context) -> Result<bool, Failure> {
    let connection = connection().with_config_file(context.config_file.clone());
    connection.restart().await.map_err(explain)
}

/// Waits until nobody starts the daemon again, and has nobody else do so as long
/// as what is given lives.
pub(super) fn hold_calls() -> Option<impl Drop> {
    let plan = RecallPlan::read(Folders::of_user().runtime())?;
    let end = Instant::now() + PATIENCE;
    loop {
        match plan.hold_calls() {
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            calls => return calls,
        }
    }
}

/// The way to the daemon. Looked for each time: where it listens changes
/// from one daemon to the next.
fn connection() -> Connection {
    let program = std::env::current_exe().unwrap_or_else(|_| "tvmux".into());
    Connection::new(Folders::of_user(), program)
}

fn explain(error: ConnectionError) -> Failure {
    let log = match &error {
        ConnectionError::NotStarted { why, log } if why.is_empty() => Some(log.clone()),
        ConnectionError::NotEnded { log, .. } => Some(log.clone()),
        _ => None,
    };
    let failure = Failure::new(error);
    match log {
        Some(log) => failure.hint(format!("its log is {}", log.display())),
        None => failure,
    }
}
