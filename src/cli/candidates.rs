//! What a shell offers when TAB is pressed: recordings, windows, sessions,
//! casts and workspaces, asked for at that moment.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};

use super::{background, runtime};
use crate::config::Loaded;
use crate::tmux::{Batch, Server, Socket};
use crate::workspace::{global_folder, in_dir};

/// A shell that waits longer is worse than one that offers nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// The ids of what is recorded, with their titles.
pub(super) fn recordings() -> Vec<CompletionCandidate> {
    let ask = async {
        let mut client = background::client().await.ok()?;
        client.recordings().await.ok()
    };
    let asked = runtime().ok().and_then(|runtime| {
        runtime.block_on(async { tokio::time::timeout(PATIENCE, ask).await.ok().flatten() })
    });
    let candidate = |recording: crate::api::Recording| {
        CompletionCandidate::new(recording.id).help(recording.title.map(Into::into))
    };
    asked.into_iter().flatten().map(candidate).collect()
}

/// The windows of the tmux server that is meant, as `session:window`.
pub(super) fn windows() -> Vec<CompletionCandidate> {
    let format = "#{session_name}:#{window_name}";
    tmux_lines(&["list-windows", "-a", "-F", format])
}

/// The names of its sessions.
pub(super) fn sessions() -> Vec<CompletionCandidate> {
    tmux_lines(&["list-sessions", "-F", "#{session_name}"])
}

fn tmux_lines(command: &[&str]) -> Vec<CompletionCandidate> {
    // A file that is wrong is not told about in the middle of a line.
    let config = Loaded::read(None).unwrap_or_default().config;
    let socket = Socket::surrounding().unwrap_or_else(Socket::default_server);
    let server = Server::new(config.tmux.command, socket);
    let answer = server.run_blocking(&Batch::of(command)).unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().map(CompletionCandidate::new).collect()
}

/// Casts, and folders on the way to them.
pub(super) fn casts() -> PathCompleter {
    PathCompleter::any().stdio().filter(|path| {
        let is_cast = |extension: &OsStr| extension == "cast" || extension == "json";
        let plain = crate::packed::plain_path(path);
        let plain = plain.as_deref().unwrap_or(path);
        path.is_dir() || plain.extension().is_some_and(is_cast)
    })
}

/// Casts, and the ids of what is recorded.
pub(super) fn casts_and_recordings(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = casts().complete(current);
    let start = current.to_string_lossy();
    let is_fitting =
        |one: &CompletionCandidate| one.get_value().to_string_lossy().starts_with(&*start);
    all.extend(recordings().into_iter().filter(is_fitting));
    all
}

/// Casts by path, and those that the archive knows by their names.
pub(super) fn archived(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = casts().complete(current);
    let start = current.to_string_lossy();
    let entries = super::archive::open()
        .ok()
        .and_then(|archive| archive.entries(&Default::default()).ok());
    let names = entries.into_iter().flatten().map(|entry| entry.name());
    let fitting = names
        .chain(["@latest".to_owned()])
        .filter(|name| name.starts_with(&*start));
    all.extend(fitting.map(CompletionCandidate::new));
    all
}

/// Names of workspaces, and workspace files.
pub(super) fn workspaces(current: &OsStr) -> Vec<CompletionCandidate> {
    let is_file = |path: &Path| {
        let extension = path.extension().and_then(OsStr::to_str);
        path.is_dir() || matches!(extension, Some("yaml" | "yml" | "json"))
    };
    let mut all = PathCompleter::any().filter(is_file).complete(current);
    let files = in_dir(&global_folder()).unwrap_or_default();
    let names = files.iter().filter_map(|path| path.file_stem()?.to_str());
    let start = current.to_string_lossy();
    let fitting = names.filter(|name| name.starts_with(&*start));
    all.extend(fitting.map(CompletionCandidate::new));
    all
}
