//! `tvmux rec pause` and `tvmux rec resume`.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;

use crate::api::{LONGEST_PAUSE, Recording, RecordingPause};
use crate::cli::background::{self, hint_start};
use crate::cli::candidates;
use crate::cli::table::{clock_time, printable};
use crate::cli::{Context, Failure, Outcome};
use crate::client::{self, Client};
use crate::config::Period;

/// From the moment it returns not a byte is taken: the pane's pipe is off. What is
/// still on the screen when it goes on is recorded then.
#[derive(Debug, clap::Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    which: Which,

    /// Go on by itself after this time, such as `5m` or `1h30m`.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    length: Option<u64>,
}

/// A snapshot of the screen as it then is comes first.
#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Which: the id that `rec ls` shows, a window id (`@3`) or a tmux target.
    #[arg(value_name = "ID", add = ArgValueCandidates::new(candidates::recordings))]
    ids: Vec<String>,

    /// Only the ids, one a line.
    #[arg(short, long)]
    quiet: bool,

    /// The recordings as they are then, as a JSON array.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

/// Seconds.
fn length(text: &str) -> Result<u64, String> {
    let Period(length) = text.parse()?;
    let seconds = length.as_ref().map(Duration::as_secs);
    seconds
        .filter(|seconds| *seconds <= LONGEST_PAUSE)
        .ok_or_else(|| "a pause lasts a year at most".to_owned())
}

pub(super) async fn pause(context: &Context, args: &PauseArgs) -> Outcome {
    let pause = RecordingPause {
        seconds: args.length,
    };
    let ask = async |client: &mut Client, id: &str| client.pause(id, &pause).await;
    each(context, &args.which, ask, |recording| {
        let until = recording.paused_until.map(clock_time);
        let until = until.map_or(String::new(), |time| format!(" until {time}"));
        format!("Paused {}{until}", printable(&recording.id))
    })
    .await
}

pub(super) async fn resume(context: &Context, args: &ResumeArgs) -> Outcome {
    let ask = async |client: &mut Client, id: &str| client.resume(id).await;
    each(context, &args.which, ask, |recording| {
        format!("Resumed {}", printable(&recording.id))
    })
    .await
}

/// Asks for each recording, and says what has come of it.
async fn each(
    context: &Context,
    which: &Which,
    ask: impl AsyncFn(&mut Client, &str) -> client::Result<Recording>,
    said: impl Fn(&Recording) -> String,
) -> Outcome {
    let mut client = connect(context).await?;
    let ids = match which.ids.as_slice() {
        [] => {
            let running = client.recordings().await?;
            running.into_iter().map(|recording| recording.id).collect()
        }
        ids => ids.to_vec(),
    };
    if ids.is_empty() {
        return Err(Failure::new("nothing is recorded").hint("start with `tvmux rec`"));
    }
    let mut done = Vec::new();
    let mut is_well = true;
    let mut out = anstream::stdout().lock();
    for id in ids {
        match ask(&mut client, &id).await {
            Ok(recording) => {
                match (which.json, which.quiet) {
                    (true, _) => {}
                    (false, true) => writeln!(out, "{}", recording.id)?,
                    (false, false) => writeln!(out, "{}", said(&recording))?,
                }
                done.push(recording);
            }
            Err(error) => {
                is_well = false;
                let _ = Failure::new(error).report();
            }
        }
    }
    if which.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&done)?)?;
    }
    Ok(ExitCode::from(u8::from(!is_well)))
}

/// A client of the daemon. Nobody calls one back that died while all was paused: it
/// is started again where it has left something.
async fn connect(context: &Context) -> Result<Client, Failure> {
    match background::client().await {
        Err(client::Error::NotRunning { .. }) if !background::cut_off().is_empty() => {
            background::start(context, true)?;
            Ok(background::client().await?)
        }
        other => other.map_err(hint_start),
    }
}
