//! `tvmux rec save`.

use std::io::Write;
use std::process::ExitCode;

use clap_complete::engine::ArgValueCandidates;

use super::which::this_one;
use crate::api::{Recording, RecordingSave};
use crate::cli::background::{self, hint_start};
use crate::cli::candidates;
use crate::cli::table::{printable, size};
use crate::cli::{Context, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which recording; that of the current window without, or the only one of which the
    /// last minutes are kept.
    #[arg(value_name = "ID", add = ArgValueCandidates::new(candidates::recordings))]
    id: Option<String>,

    /// From here on keep all, behind what is saved.
    #[arg(long = "continue")]
    goes_on: bool,

    /// Print only the path of the first cast.
    #[arg(short, long)]
    quiet: bool,

    /// Print what was saved as JSON.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> Outcome {
    let mut client = background::client().await.map_err(hint_start)?;
    let id = match &args.id {
        Some(id) => id.clone(),
        None => {
            let none = || {
                Failure::new("of no recording only the last minutes are kept")
                    .hint("`tvmux rec --flashback 15m` begins one")
            };
            let fits = |recording: &Recording| recording.flashback.is_some();
            this_one(context, &mut client, fits, none, "rec save ID").await?
        }
    };
    let request = RecordingSave {
        goes_on: args.goes_on,
    };
    let saved = client.save_recording(&id, &request).await?;
    let mut out = anstream::stdout().lock();
    let id = printable(&saved.recording.id);
    let path = printable(&saved.cast_path.to_string_lossy());
    match (args.json, args.quiet) {
        (true, _) => writeln!(out, "{}", serde_json::to_string(&saved)?)?,
        (false, true) => writeln!(out, "{path}")?,
        (false, false) => writeln!(out, "Saved {id}, {}, to {path}", size(saved.bytes))?,
    }
    Ok(ExitCode::SUCCESS)
}
