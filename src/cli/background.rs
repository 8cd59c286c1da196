//! Starts and ends the daemon from outside: [`Connection`], with the way out
//! of what went wrong.

use super::{Context, Failure};
use crate::api::{CommandRecording, CommandStarted, Recording, RecordingCreate};
use crate::client::{self, Client, Connection, ConnectionError};

pub(super) use crate::client::READY;

/// Servers that are found ending, one after the other, before it is an error.
const TRIES: usize = 5;

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

/// A client of the daemon; starts the daemon when none runs.
async fn connect_or_start(context: &Context) -> Result<Client, Failure> {
    match Client::connect(&context.folders.socket()).await {
        Err(client::Error::NotRunning { .. }) if context.config.server.auto_start => {
            start(context, true)?;
            Ok(Client::connect(&context.folders.socket()).await?)
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
            Failure::new("nothing is recorded: no tvmux server is running")
                .hint("`tvmux rec` starts a recording, and the server with it")
        }
        other => Failure::new(other),
    }
}

/// Starts the daemon and returns when it listens. One that is `on_demand` ends
/// with its last recording, if the settings say so.
pub(super) fn start(context: &Context, on_demand: bool) -> Result<(), Failure> {
    connection(context)?.start(on_demand).map_err(explain)
}

/// Asks the daemon to end and waits until it has. `false` when none runs.
pub(super) async fn stop(context: &Context) -> Result<bool, Failure> {
    connection(context)?.stop().await.map_err(explain)
}

fn connection(context: &Context) -> Result<Connection, Failure> {
    let connection = Connection::new(context.folders.clone(), std::env::current_exe()?);
    Ok(connection.with_config_file(context.config_file.clone()))
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
