//! `tvmux freeze`: a workspace file from a running session.

use std::process::ExitCode;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::super::{Context, Failure, Outcome, candidates};
use super::output::OutputArgs;
use super::target::{ServerArgs, is_surrounding, surrounding_pane};
use crate::tmux::Server;
use crate::workspace::{Error, ServerInfo, freeze};

/// Write a workspace file from a running session
#[derive(Debug, Args)]
pub struct Freeze {
    /// The session; the current one, or the only one, otherwise
    #[arg(add = ArgValueCandidates::new(candidates::sessions))]
    session: Option<String>,
    /// Only this window of it: its index, name or id
    #[arg(short, value_name = "WINDOW")]
    window: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Freeze {
    pub fn run(self, context: &Context) -> Outcome {
        let server = self.server.server(context)?;
        let name = match &self.session {
            Some(name) => name.clone(),
            None => current(&server)?,
        };
        let frozen = freeze(&server, &name, self.window.as_deref()).map_err(|error| {
            let unknown = matches!(error, Error::NoSuchTarget { .. });
            let failure = Failure::new(error);
            if unknown {
                failure.hint("`tmux ls` and `tmux list-windows` list them")
            } else {
                failure
            }
        })?;
        for warning in &frozen.warnings {
            eprintln!("warning: {warning}");
        }
        self.output.write(&frozen.workspace)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The session around this process, or the only one there is.
fn current(server: &Server) -> Result<String, Failure> {
    if let Some(pane) = surrounding_pane().filter(|_| is_surrounding(server)) {
        return Ok(pane);
    }
    let sessions = ServerInfo::ask(server)?
        .map(|info| info.sessions)
        .unwrap_or_default();
    match sessions.as_slice() {
        [(id, _)] => Ok(id.to_string()),
        [] => Err(Failure::new("no session is running")),
        many => {
            let names: Vec<&str> = many.iter().map(|(_, name)| name.as_str()).collect();
            Err(Failure::usage("which session? there are several").hint(names.join(", ")))
        }
    }
}
