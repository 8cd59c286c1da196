//! `tvmux rec stop`.

use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap_complete::engine::ArgValueCandidates;

use crate::api::Recording;
use crate::cli::background::hint_start;
use crate::cli::candidates;
use crate::cli::table::{duration, printable, size};
use crate::cli::{Outcome, background};
use crate::client;
use crate::wording::counted;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which: the id that `rec ls` shows, a window id (`@3`) or a tmux target.
    #[arg(value_name = "ID", add = ArgValueCandidates::new(candidates::recordings))]
    ids: Vec<String>,

    /// Only the ids of those that ended, one a line.
    #[arg(short, long)]
    quiet: bool,

    /// The recordings as they ended, as a JSON array.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

pub(super) async fn run(args: &Args) -> Outcome {
    let asked = async { background::client().await?.recordings().await };
    let running = match asked.await {
        Ok(running) => running,
        Err(client::Error::NotRunning { .. }) if args.ids.is_empty() => {
            match (args.json, args.quiet) {
                (true, _) => anstream::println!("[]"),
                (false, true) => {}
                (false, false) => anstream::println!("Nothing is recorded."),
            }
            let was_cut_off = background::warn_of_interrupted();
            return Ok(ExitCode::from(u8::from(was_cut_off)));
        }
        Err(error) => return Err(hint_start(error)),
    };
    let ids = if args.ids.is_empty() {
        running.into_iter().map(|recording| recording.id).collect()
    } else {
        args.ids.clone()
    };
    if ids.is_empty() && !args.json && !args.quiet {
        anstream::println!("Nothing is recorded.");
    }
    let mut stopped: Vec<Recording> = Vec::new();
    let mut is_well = true;
    for id in ids {
        // Each on a connection of its own: a server that ends with its last
        // recording may close the one before.
        let result = match background::client().await {
            Ok(mut client) => client.stop_recording(&id).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(reply) => {
                match (args.json, args.quiet) {
                    (true, _) => {}
                    (false, true) => anstream::println!("{}", reply.recording.id),
                    (false, false) => report(&reply.recording)?,
                }
                is_well &= is_complete(&reply.recording);
                stopped.push(reply.recording);
            }
            // Named twice, the second time perhaps by its window.
            Err(client::Error::Refused { body, .. })
                if body.code == "no_recording" && stopped.iter().any(|old| is_named(old, &id)) => {}
            Err(client::Error::NotRunning { .. })
                if stopped.iter().any(|old| is_named(old, &id)) => {}
            Err(error) => {
                is_well = false;
                let _ = hint_start(error).report();
            }
        }
    }
    if args.json {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{}", serde_json::to_string_pretty(&stopped)?)?;
    }
    Ok(ExitCode::from(u8::from(!is_well)))
}

/// Whether a word names this recording.
fn is_named(recording: &Recording, word: &str) -> bool {
    recording.id == word || recording.window_id == word
}

/// Whether nothing is known to be missing.
pub(super) fn is_complete(recording: &Recording) -> bool {
    recording.gaps == 0 && recording.lost_bytes == 0
}

/// Says how a recording ended; what is missing goes to standard error.
pub(super) fn report(recording: &Recording) -> std::io::Result<()> {
    report_end(&mut anstream::stdout(), recording)?;
    report_missing(recording)
}

/// Says how a recording ended.
pub(super) fn report_end(out: &mut impl Write, recording: &Recording) -> std::io::Result<()> {
    let id = printable(&recording.id);
    writeln!(
        out,
        "Stopped {id}: {} ({}, the last event at {}, {} in {})",
        printable(&recording.cast_path.to_string_lossy()),
        duration(super::ls::length(recording)),
        duration(recording.duration),
        size(recording.bytes),
        counted(recording.events, "event"),
    )
}

/// Says on standard error what a recording lacks.
pub(super) fn report_missing(recording: &Recording) -> std::io::Result<()> {
    if is_complete(recording) {
        return Ok(());
    }
    let id = printable(&recording.id);
    let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    let gaps = counted(recording.gaps, "gap");
    let why = match &recording.reason {
        Some(reason) => format!(" ({})", printable(reason)),
        None => String::new(),
    };
    writeln!(
        anstream::stderr(),
        "{yellow}warning:{yellow:#} {id} is not complete: {gaps}, {} bytes of output are known to \
         be missing{why}; markers in the cast show where",
        recording.lost_bytes
    )
}
