//! `tvmux rec mark`.

use std::env;
use std::process::ExitCode;

use clap_complete::engine::ArgValueCandidates;

use crate::api::{MarkerCreate, State};
use crate::cli::background::{self, hint_start};
use crate::cli::candidates;
use crate::cli::table::{duration, printable};
use crate::cli::{Context, Failure, Outcome};
use crate::client::Client;
use crate::tmux::Socket;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What the marker is called.
    #[arg(default_value = "")]
    label: String,

    /// Which recording; that of the current window without, or the only one.
    #[arg(short, long, value_name = "ID", add = ArgValueCandidates::new(candidates::recordings))]
    target: Option<String>,

    /// Only the recording's id.
    #[arg(short, long)]
    quiet: bool,

    /// The marked recording as JSON.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> Outcome {
    let mut client = background::client().await.map_err(hint_start)?;
    let id = match &args.target {
        Some(id) => id.clone(),
        None => this_one(context, &mut client).await?,
    };
    let marker = MarkerCreate {
        label: args.label.clone(),
    };
    let recording = client.mark(&id, &marker).await?;
    if recording.state == State::Suspended {
        let reason = recording.reason.as_deref().unwrap_or("it is suspended");
        crate::cli::warn(&format!(
            "the cast takes nothing at present ({}): the marker is written once it does",
            printable(reason)
        ));
    }
    let id = printable(&recording.id);
    match (args.json, args.quiet) {
        (true, _) => anstream::println!("{}", serde_json::to_string(&recording)?),
        (false, true) => anstream::println!("{id}"),
        (false, false) => anstream::println!("Marked {id} at {}", duration(recording.duration)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The recording of the current window, or the only one there is.
pub(super) async fn this_one(context: &Context, client: &mut Client) -> Result<String, Failure> {
    let recordings = client.recordings().await?;
    if let (Some(socket), Ok(pane)) = (Socket::surrounding(), env::var("TMUX_PANE")) {
        let server = crate::tmux::Server::new(context.config.tmux.command.as_str(), socket);
        let window = crate::tmux::resolve(&server, &pane)
            .await?
            .window
            .to_string();
        let here = recordings.iter().find(|recording| {
            recording.window_id == window && recording.socket == server.socket().path()
        });
        if let Some(recording) = here {
            return Ok(recording.id.clone());
        }
    }
    match recordings.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(Failure::new("nothing is recorded").hint("start with `tvmux rec`")),
        _ => Err(
            Failure::usage("this window is not recorded, and several others are")
                .hint("name one with `-t ID`; `tvmux rec ls` lists them"),
        ),
    }
}
