//! `tvmux rec -- COMMAND`: a tmux server of its own, with one window that runs
//! the command and is recorded from its first byte to its last.
//!
//! The server is private: its socket lies in a folder of this process's, it
//! reads no configuration and shows no status line. The pane waits for a
//! signal before it runs the command, so that nothing is printed before the
//! recording runs; and it stays when the command has ended, so that its status
//! can be read.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use terminal_size::{Height, Width, terminal_size};
use tokio::process::Child;

use super::{start, stop};
use crate::cli::background;
use crate::cli::signals::EndSignals;
use crate::cli::{Context, Failure, Outcome};
use crate::client::Client;
use crate::shell;
use crate::tmux::{Batch, Server, Socket, escape_path};

/// Signalled when the recording runs.
const GO: &str = "tvmux-go";
/// Signalled when the command has ended.
const DONE: &str = "tvmux-done";

/// What the pane runs: its arguments are tmux, the socket and the command.
/// Inside there is nothing to be seen of the tmux around it.
const SCRIPT: &str =
    r#"t=$1 s=$2; shift 2; "$t" -S "$s" wait-for tvmux-go; unset TMUX TMUX_PANE t s; exec "$@""#;

/// The size where there is no terminal: columns, rows.
const HEADLESS: (u16, u16) = (80, 24);

pub(super) async fn run(
    context: &Context,
    args: &start::StartArgs,
    command: &[OsString],
) -> Outcome {
    if args.names_window() {
        return Err(Failure::usage(
            "`-t` and `-S` name a window that is there; COMMAND gets one of its own",
        ));
    }
    let folder = tempfile::Builder::new().prefix("tvmux-rec-").tempdir()?;
    let server = Server::new(
        context.config.tmux.command.as_str(),
        Socket::at(folder.path().join("tmux")),
    )
    .with_config("/dev/null");
    // Listens before there is anything that must be cleaned up.
    let mut signals = EndSignals::new()?;
    let result = record(context, args, command, &server, &mut signals).await;
    // Fails when it is gone already.
    let _ = server.run(&Batch::of(["kill-server"])).await;
    result
}

async fn record(
    context: &Context,
    args: &start::StartArgs,
    command: &[OsString],
    server: &Server,
    signals: &mut EndSignals,
) -> Outcome {
    let has_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let pane = open(context, server, command, has_terminal).await?;
    let mut request = args.request(pane.clone(), server.socket().path().to_owned())?;
    request.command = Some(shown(command));
    request.title = request.title.or_else(|| request.command.clone());
    let (_, recording) = background::record(context, &request, start::explain).await?;

    let mut terminal = has_terminal.then(|| attach(server)).transpose()?;
    let mut wait = Batch::of(["wait-for", "-S", GO]);
    wait.push(["wait-for", DONE]);
    let status = tokio::select! {
        _ = server.run(&wait) => status_of(server, &pane).await,
        // Hung up or detached: the command goes with its terminal.
        _ = left(&mut terminal) => None,
        signal = signals.next() => Some(128 + signal as u8),
    };

    let mut client = Client::connect(&context.folders.socket()).await?;
    let stopped = client.stop_recording(&recording.id).await?.recording;
    // Fails when it is gone already.
    let _ = server.run(&Batch::of(["kill-server"])).await;
    if let Some(terminal) = &mut terminal {
        // It puts the terminal back as it was.
        terminal.wait().await?;
    }
    stop::report(&stopped)?;
    match status {
        Some(0) if !stop::is_complete(&stopped) => Ok(ExitCode::FAILURE),
        Some(status) => Ok(ExitCode::from(status)),
        None => Err(Failure::new(
            "the terminal was left before the command ended",
        )),
    }
}

/// Starts the server with one window, in which the command waits. Gives the
/// pane.
async fn open(
    context: &Context,
    server: &Server,
    command: &[OsString],
    has_terminal: bool,
) -> Result<String, Failure> {
    let (columns, rows) = terminal_size()
        .filter(|_| has_terminal)
        .map_or(HEADLESS, |(Width(columns), Height(rows))| (columns, rows));
    let (columns, rows) = (columns.to_string(), rows.to_string());
    let folder = std::env::current_dir()?;
    let new = ["new-session", "-d", "-P", "-F", "#{pane_id}", "-s", "rec"];
    let size = ["-x", &columns, "-y", &rows];
    let mut words: Vec<&OsStr> = new.iter().chain(&size).map(OsStr::new).collect();
    let folder = escape_path(&folder);
    words.extend([OsStr::new("-c"), &folder]);
    let name = command.first().and_then(|word| Path::new(word).file_name());
    let name = name.map(|name| escape_path(Path::new(name)));
    if let Some(name) = &name {
        words.extend([OsStr::new("-n"), name]);
    }
    words.extend(["--", "/bin/sh", "-c", SCRIPT, "sh"].map(OsStr::new));
    words.push(OsStr::new(&context.config.tmux.command));
    words.push(server.socket().path().as_os_str());
    words.extend(command.iter().map(OsString::as_os_str));
    let mut batch = Batch::of(words);
    for (option, value) in [
        ("status", "off"),
        ("prefix", "None"),
        ("prefix2", "None"),
        ("remain-on-exit", "on"),
        ("remain-on-exit-format", ""),
        ("escape-time", "0"),
        ("default-shell", "/bin/sh"),
    ] {
        // `-q`: versions before 3.3 do not know them all.
        batch.push(["set-option", "-gq", option, value]);
    }
    batch.push([
        "set-hook",
        "-g",
        "pane-died",
        &format!("wait-for -S {DONE}"),
    ]);
    let answer = server.run(&batch).await?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// Shows the window in this terminal.
fn attach(server: &Server) -> io::Result<Child> {
    let mut client = server.command(&Batch::of(["attach-session", "-t", "rec"]));
    client.stdin(Stdio::inherit());
    tokio::process::Command::from(client)
        .kill_on_drop(true)
        .spawn()
}

async fn left(terminal: &mut Option<Child>) {
    match terminal {
        Some(client) => {
            let _ = client.wait().await;
        }
        None => std::future::pending().await,
    }
}

/// The command's status; 128 + N when signal N ended it.
async fn status_of(server: &Server, pane: &str) -> Option<u8> {
    let format = "#{pane_dead} #{pane_dead_status} #{pane_dead_signal}";
    let ask = Batch::of(["display-message", "-p", "-t", pane, format]);
    let answer = server.run(&ask).await.ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let mut parts = answer.trim_end_matches('\n').split(' ');
    let is_dead = parts.next() == Some("1");
    let status = parts.next().and_then(|status| status.parse().ok());
    let signal: Option<u8> = parts.next().and_then(|signal| signal.parse().ok());
    match signal {
        _ if !is_dead => None,
        Some(signal) => Some(128 + signal),
        // Before 3.3 nothing tells which signal it was.
        None => Some(status.unwrap_or(128)),
    }
}

/// The command as a person would type it.
fn shown(command: &[OsString]) -> String {
    shell::join(command.iter().map(|word| word.to_string_lossy()))
}
