//! The recording that a verb is about.

use std::env;

use clap_complete::engine::ArgValueCandidates;

use crate::api::Recording;
use crate::cli::candidates;
use crate::cli::{Context, Failure};
use crate::client::Client;
use crate::tmux::{Server, Socket, resolve};

#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// Which recording; that of the current window without, or the only one.
    #[arg(short, long, value_name = "ID", add = ArgValueCandidates::new(candidates::recordings))]
    target: Option<String>,
}

impl Target {
    pub(super) async fn id(
        &self,
        context: &Context,
        client: &mut Client,
    ) -> Result<String, Failure> {
        match &self.target {
            Some(id) => Ok(id.clone()),
            None => {
                let none = || Failure::new("nothing is recorded").hint("start with `tvmux rec`");
                this_one(context, client, |_| true, none, "-t ID").await
            }
        }
    }
}

/// The recording of the current window, or the only one that fits; `none` says that
/// there is none, and `argument` how one is named.
pub(super) async fn this_one(
    context: &Context,
    client: &mut Client,
    fits: impl Fn(&Recording) -> bool,
    none: impl Fn() -> Failure,
    argument: &str,
) -> Result<String, Failure> {
    let recordings = client.recordings().await?;
    if let (Some(socket), Ok(pane)) = (Socket::surrounding(), env::var("TMUX_PANE")) {
        let server = Server::new(context.config.tmux.command.as_str(), socket);
        let window = resolve(&server, &pane).await?.window.to_string();
        let here = recordings.iter().find(|recording| {
            recording.window_id == window && recording.socket == server.socket().path()
        });
        if let Some(recording) = here {
            return Ok(recording.id.clone());
        }
    }
    let fitting: Vec<&Recording> = recordings.iter().filter(|each| fits(each)).collect();
    match fitting.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(none()),
        _ => Err(
            Failure::usage("this window is not recorded, and several others are").hint(format!(
                "name one with `{argument}`; `tvmux rec ls` lists them"
            )),
        ),
    }
}
