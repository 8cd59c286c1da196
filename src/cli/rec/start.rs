//! `tvmux rec start`.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;
use clap_complete::engine::ArgValueCandidates;

use crate::api::{Recording, RecordingCreate};
use crate::cli::table::printable;
use crate::cli::{Context, Failure, Outcome};
use crate::cli::{background, candidates};
use crate::client;
use crate::config::Period;
use crate::tmux::Socket;

#[derive(Debug, Default, clap::Args)]
pub(super) struct StartArgs {
    /// The window: an id (`@3`) or any tmux target; the current one without.
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new(), add = ArgValueCandidates::new(candidates::windows))]
    target: Option<String>,

    /// The folder for the cast, or its file: a name that ends in .cast is that of
    /// a file, which must not be there yet.
    #[arg(short, long, value_name = "DIR|FILE", value_hint = ValueHint::AnyPath)]
    output: Option<PathBuf>,

    /// The cast's title; the window's name without.
    #[arg(long)]
    title: Option<String>,

    /// The longest pause that players should show, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = parse_limit)]
    idle_time_limit: Option<f64>,

    /// Stay on the pane that is active now.
    #[arg(long)]
    no_follow: bool,

    /// Keep only the last minutes or hours, such as `15m`, until `tvmux rec save`.
    #[arg(long, value_name = "TIME", value_parser = parse_flashback)]
    flashback: Option<u64>,

    /// The tmux server's socket; that around this shell without.
    #[arg(short = 'S', long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    socket: Option<PathBuf>,

    /// Print only the recording's id; of a COMMAND, only what goes wrong.
    #[arg(short, long)]
    quiet: bool,

    /// Print the recording as JSON.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

impl StartArgs {
    /// What to ask of the daemon, for a window that is named elsewhere.
    pub(super) fn request(
        &self,
        target: String,
        socket: PathBuf,
    ) -> Result<RecordingCreate, Failure> {
        let (directory, file) = self.output()?;
        Ok(RecordingCreate {
            window_id: target.clone(),
            pane_id: self.no_follow.then_some(target),
            socket: Some(socket),
            directory,
            file,
            title: self.title.clone(),
            idle_time_limit: self.idle_time_limit,
            follow_active_pane: self.no_follow.then_some(false),
            flashback: self.flashback,
            ..RecordingCreate::default()
        })
    }

    /// The folder or the file that was asked for.
    pub(super) fn output(&self) -> Result<(Option<PathBuf>, Option<PathBuf>), Failure> {
        let Some(output) = &self.output else {
            return Ok((None, None));
        };
        let path = std::path::absolute(output)?;
        if path.to_str().is_none() {
            return Err(Failure::usage(format!(
                "the name of the folder {} is not UTF-8, and the HTTP API takes no other",
                path.display()
            ))
            .hint("name another one with `-o`, or a link to it"));
        }
        Ok(match names_file(output) {
            true => (None, Some(path)),
            false => (Some(path), None),
        })
    }

    /// The title that was asked for.
    pub(super) fn title(&self) -> Option<String> {
        self.title.clone()
    }

    /// Seconds.
    pub(super) fn idle_time_limit(&self) -> Option<f64> {
        self.idle_time_limit
    }

    /// The options that only a new recording takes, and that ask for something
    /// else than what `recording` has.
    fn of_a_new_one(&self, recording: &Recording) -> Vec<&'static str> {
        let cast = recording.cast_path.as_path();
        let is_elsewhere = |output: &PathBuf| {
            let there = match names_file(output) {
                true => Some(cast),
                false => cast.parent(),
            };
            std::path::absolute(output).ok().as_deref() != there
        };
        let all = [
            ("--output", self.output.as_ref().is_some_and(is_elsewhere)),
            ("--idle-time-limit", self.idle_time_limit.is_some()),
            ("--no-follow", self.no_follow),
            (
                "--flashback",
                self.flashback.is_some() && self.flashback != recording.flashback,
            ),
        ];
        let asked = all.into_iter().filter(|(_, is_asked)| *is_asked);
        asked.map(|(option, _)| option).collect()
    }

    /// Whether nothing is told that can be left out.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether only the last minutes are kept.
    pub(super) fn keeps_a_flashback(&self) -> bool {
        self.flashback.is_some()
    }

    /// Whether a window was named.
    pub(super) fn names_window(&self) -> bool {
        self.target.is_some() || self.socket.is_some()
    }
}

pub(super) async fn run(context: &Context, args: &StartArgs) -> Outcome {
    let socket = match &args.socket {
        Some(path) => Socket::at(std::path::absolute(path)?),
        None => context.tmux_socket(),
    };
    let is_inside = args.socket.is_none() && Socket::surrounding().is_some();
    let pane = env::var("TMUX_PANE").ok().filter(|_| is_inside);
    let target = args.target.clone().or(pane).ok_or_else(|| {
        Failure::usage("not inside tmux, so there is no current window to record").hint(
            "run this inside tmux, name a window with `-t TARGET`, record this terminal with \
             `tvmux rec -- $SHELL`, or a command with `tvmux rec -- COMMAND`",
        )
    })?;
    let request = args.request(target, socket.path().to_owned())?;
    let (is_new, recording) = background::record(context, &request, explain).await?;
    let mut out = anstream::stdout().lock();
    let id = printable(&recording.id);
    let path = printable(&recording.cast_path.to_string_lossy());
    match (args.json, args.quiet) {
        (true, _) => writeln!(out, "{}", serde_json::to_string(&recording)?)?,
        (false, true) => writeln!(out, "{id}")?,
        (false, false) if is_new && recording.flashback.is_some() => writeln!(
            out,
            "Keeping the last minutes of {id}; `tvmux rec save` saves them"
        )?,
        (false, false) if is_new => writeln!(out, "Recording {id} to {path}")?,
        (false, false) => writeln!(out, "{id} is recorded already, to {path}")?,
    }
    // A new title is taken.
    let ignored = args.of_a_new_one(&recording);
    if is_new || ignored.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let error = format!(
        "{id} was recorded already: {} changed nothing",
        ignored.join(", ")
    );
    Err(Failure::new(error).hint(format!("`tvmux rec stop {id}` ends it; then record again")))
}

/// Whether `-o` names a file: one that is there and no folder, or a name that
/// ends in `.cast`.
fn names_file(output: &Path) -> bool {
    let is_folder = output.as_os_str().as_encoded_bytes().ends_with(b"/") || output.is_dir();
    let extension = output.extension();
    let is_cast = extension.is_some_and(|extension| extension.eq_ignore_ascii_case("cast"));
    !is_folder && (is_cast || output.exists())
}

/// Adds the way out to what the daemon refused.
pub(in crate::cli) fn explain(error: client::Error) -> Failure {
    let hint = match &error {
        client::Error::Refused { body, .. } => match body.code.as_str() {
            "no_window" => Some("`tmux list-windows -a` lists the windows there are"),
            "no_tmux_server" => Some("start tmux, or record a command with `tvmux rec -- COMMAND`"),
            "file_exists" => Some(
                "no file is ever overwritten: name another one; a command goes on in a cast with \
                 `rec --append FILE -- COMMAND`",
            ),
            "output" => {
                Some("name a folder you can write to with `-o DIR`, or set `[output] directory`")
            }
            _ => None,
        },
        _ => None,
    };
    let failure = Failure::new(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Reads a length of time, in seconds.
fn parse_flashback(text: &str) -> Result<u64, String> {
    let Period(length) = text.parse()?;
    let length = length.ok_or("a length of time is wanted, such as 15m")?;
    Ok(length.as_secs())
}

/// Reads a positive number of seconds. More than a cast can last is a mistake.
fn parse_limit(text: &str) -> Result<f64, String> {
    const LONGEST: f64 = 1e9;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= LONGEST => Ok(seconds),
        _ => Err("a number of seconds above 0 is wanted, such as 2.5".to_owned()),
    }
}
