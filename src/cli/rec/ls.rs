//! `tvmux rec ls`.

use std::io::Write;
use std::process::ExitCode;

use crate::api::{Recording, State};
use crate::cli::table::{self, Cells, printable};
use crate::cli::{Outcome, background};
use crate::client;
use crate::clock::unix_seconds;
use crate::daemon::recently_ended;
use crate::folders::Folders;
use crate::wording::counted;
use crate::workspace::abbreviate_home;

/// NAME is the window's name at present; TITLE the cast's title; TIME since the
/// recording started; LAST the time of the last event; LOST what is missing.
/// What ended in the last hour stands below what is recorded.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the ids, one a line.
    #[arg(short, long)]
    quiet: bool,

    /// As a JSON array.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,

    /// With --quiet and --json too those that ended in the last hour, or were
    /// cut off.
    #[arg(short, long)]
    all: bool,
}

pub(super) async fn run(args: &Args) -> Outcome {
    let state = Folders::of_user().state().to_owned();
    let asked = async { background::client().await?.recordings().await };
    let (running, cut_off) = match asked.await {
        Ok(running) => (running, Vec::new()),
        // Nobody records, then.
        Err(client::Error::NotRunning { .. }) => (Vec::new(), background::cut_off()),
        Err(error) => return Err(error.into()),
    };
    let is_for_people = !args.json && !args.quiet;
    let mut listed = running.clone();
    if args.all || is_for_people {
        listed.extend(cut_off.iter().cloned());
        let mut ended = recently_ended(&state);
        ended.reverse();
        listed.extend(ended);
    }
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&listed)?)?;
    } else if args.quiet {
        for recording in &listed {
            writeln!(out, "{}", recording.id)?;
        }
    } else {
        if running.is_empty() {
            writeln!(out, "Nothing is recorded.")?;
        }
        drop(out);
        print_table(&listed)?;
    }
    if !cut_off.is_empty() {
        background::warn_of_interrupted();
    }
    Ok(ExitCode::from(u8::from(!cut_off.is_empty())))
}

fn print_table(recordings: &[Recording]) -> std::io::Result<()> {
    if recordings.is_empty() {
        return Ok(());
    }
    let mut rows = Cells::default();
    for recording in recordings {
        rows.add(row(recording));
    }
    table::print(
        &[
            "ID", "NAME", "TITLE", "STATE", "TIME", "LAST", "SIZE", "LOST", "CAST",
        ],
        &rows,
        &["NAME", "TITLE"],
        &["TITLE", "LAST", "CAST", "LOST", "SIZE", "TIME", "NAME"],
    )?;
    let mut out = anstream::stdout().lock();
    for recording in recordings {
        if let Some(reason) = &recording.reason {
            writeln!(out, "{}: {}", printable(&recording.id), printable(reason))?;
        }
        if let Some(until) = recording.paused_until {
            let id = printable(&recording.id);
            writeln!(
                out,
                "{id}: goes on by itself at {}",
                table::clock_time(until)
            )?;
        }
        if recording.carried > 0 {
            let times = counted(recording.carried, "time");
            let id = printable(&recording.id);
            writeln!(out, "{id}: went on {times} where a server had ended")?;
        }
    }
    Ok(())
}

fn row(recording: &Recording) -> [String; 9] {
    let mut state = match recording.state {
        State::Recording | State::Finished => recording.state.name().to_owned(),
        other => other.name().to_uppercase(),
    };
    if let Some(seconds) = recording.flashback {
        state += &format!(", last {}", table::duration(seconds as f64));
    }
    let lost = match (recording.gaps, recording.lost_bytes) {
        (0, 0) => "-".to_owned(),
        (gaps, 0) => counted(gaps, "gap"),
        (_, bytes) => table::size(bytes),
    };
    let (name, title) = (&recording.window_name, &recording.title);
    let name = name.as_ref().or(title.as_ref());
    let title = title.as_ref().filter(|title| Some(*title) != name);
    let text = |text: Option<&String>| printable(text.map_or("-", String::as_str));
    [
        printable(&recording.id),
        text(name),
        text(title),
        state,
        table::duration(length(recording)),
        table::duration(recording.duration),
        table::size(recording.bytes),
        lost,
        printable(&abbreviate_home(&recording.cast_path)),
    ]
}

/// Seconds from its start to its end, or to this moment.
pub(super) fn length(recording: &Recording) -> f64 {
    let end = recording.ended.unwrap_or_else(unix_seconds);
    end.saturating_sub(recording.started) as f64
}
