//! `tvmux rec ls`.

use std::io::Write;
use std::process::ExitCode;

use crate::api::{Recording, State};
use crate::cli::table::{self, printable};
use crate::cli::{Context, Outcome};
use crate::client::{self, Client};
use crate::clock::unix_seconds;
use crate::wording::counted;
use crate::workspace::abbreviate_home;

/// NAME is the cast's title; TIME since the recording started; LAST the time of
/// the last event; LOST what is missing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the ids, one a line.
    #[arg(short, long)]
    quiet: bool,

    /// As a JSON array.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> Outcome {
    let recordings = match Client::connect(&context.folders.socket()).await {
        Ok(mut client) => client.recordings().await?,
        // Nobody records, then.
        Err(client::Error::NotRunning { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&recordings)?)?;
    } else if args.quiet {
        for recording in &recordings {
            writeln!(out, "{}", recording.id)?;
        }
    } else if recordings.is_empty() {
        writeln!(out, "Nothing is recorded.")?;
    } else {
        drop(out);
        let rows: Vec<_> = recordings.iter().map(row).collect();
        table::print(
            &[
                "ID", "NAME", "STATE", "TIME", "LAST", "SIZE", "LOST", "CAST",
            ],
            &rows,
            &["NAME", "LAST", "CAST", "LOST", "SIZE"],
        )?;
        let mut out = anstream::stdout().lock();
        for recording in recordings {
            if let Some(reason) = recording.reason {
                writeln!(out, "{}: {}", printable(&recording.id), printable(&reason))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(recording: &Recording) -> Vec<String> {
    let state = match recording.state {
        State::Recording => "recording".to_owned(),
        other => other.name().to_uppercase(),
    };
    let lost = match (recording.gaps, recording.lost_bytes) {
        (0, 0) => "-".to_owned(),
        (gaps, 0) => counted(gaps, "gap"),
        (_, bytes) => table::size(bytes),
    };
    vec![
        printable(&recording.id),
        printable(recording.title.as_deref().unwrap_or("-")),
        state,
        table::duration(running(recording)),
        table::duration(recording.duration),
        table::size(recording.bytes),
        lost,
        printable(&abbreviate_home(&recording.cast_path)),
    ]
}

/// Seconds since the recording started.
pub(super) fn running(recording: &Recording) -> f64 {
    unix_seconds().saturating_sub(recording.started) as f64
}
