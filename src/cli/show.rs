//! `tvmux show`: one cast in detail.

use std::io::Write as _;
use std::process::ExitCode;

use anstyle::Style;
use clap_complete::engine::ArgValueCompleter;
use serde_json::json;

use super::archive::{look, named, read_new, with_archive};
use super::progress::Progress;
use super::signals::stop_flag;
use super::table::{duration, printable, size};
use super::validate::shown;
use super::{Context, Failure, Outcome, candidates};
use crate::archive::{CommandRow, Condition, Entry, Indexed, is_pinned, time_of_day};
use crate::wording::counted;

/// Commands and markers that are shown to people at most, of each.
const MOST: usize = 20;

/// Show one cast in detail: what it is of, what was done, what is missing
///
/// CAST is a path, a file's name or the start of it, `@latest`, or `@latest:session`.
/// The casts in which its recording went on are told with it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(value_name = "CAST", add = ArgValueCompleter::new(candidates::archived))]
    cast: String,
    /// Print one JSON object, with all markers and commands
    #[arg(long)]
    json: bool,
}

type Markers = Vec<(u64, String)>;

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let stop = stop_flag()?;
    let (entry, markers, commands): (_, _, Vec<CommandRow>) = with_archive(|archive| {
        look(context, archive, false)?;
        let mut entry = named(archive, &args.cast)?;
        // While another process reads casts, what is known must do.
        if entry.is_due
            && let Some(lock) = archive.try_lock_for_update()?
        {
            let mut progress = Progress::new(Some(entry.unread()));
            let (became, _) = read_new(archive, &lock, &[&entry], &mut progress, stop)?;
            if became.contains(&Indexed::Stopped) {
                return Err(Failure::stopped("stopped"));
            }
            entry = archive.entry(&entry.path)?.unwrap_or(entry);
        }
        let chain = archive.chain(&entry)?;
        let mut markers = Vec::new();
        for part in chain.parts() {
            let start = chain.start_of(part.id);
            let all = archive.markers(part.id)?.into_iter();
            markers.extend(all.map(|(time, label)| (time + start, label)));
        }
        let commands = chain.commands().iter();
        let commands = commands.map(|command| command.row.clone()).collect();
        Ok((chain.entry(), markers, commands))
    })?;
    match args.json {
        true => print_json(&entry, &markers, &commands),
        false => print(&entry, &markers, &commands),
    }
}

fn print_json(entry: &Entry, markers: &Markers, commands: &[CommandRow]) -> Outcome {
    let mut object = serde_json::to_value(entry)?;
    let marker =
        |(time, label): &(u64, String)| json!({"time": *time as f64 / 1e6, "label": label});
    object["markers"] = markers.iter().map(marker).collect();
    object["commands"] = serde_json::to_value(commands)?;
    object["kept"] = is_pinned(&entry.path).unwrap_or(false).into();
    anstream::println!("{}", serde_json::to_string_pretty(&object)?);
    Ok(ExitCode::SUCCESS)
}

fn print(entry: &Entry, markers: &Markers, commands: &[CommandRow]) -> Outcome {
    let mut out = anstream::stdout().lock();
    let bold = Style::new().bold();
    let mut line = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(out, "{bold}{name:>9}{bold:#}  {value}"),
        None => Ok(()),
    };
    let text = |text: &Option<String>| text.as_deref().map(printable);
    let state = match (&entry.state, &entry.finding) {
        (Condition::Damaged, Some(finding)) => format!("damaged: {}", printable(finding)),
        (state, _) => state.name().to_owned(),
    };
    let format = if entry.is_compressed {
        ", compressed"
    } else {
        ""
    };
    line("Cast", Some(shown(&entry.path)))?;
    line("Parts", (entry.parts > 1).then(|| entry.parts.to_string()))?;
    line("Title", text(&entry.title))?;
    line("Program", text(&entry.program))?;
    line("Session", text(&entry.session))?;
    line("Window", text(&entry.window))?;
    line("Host", text(&entry.host))?;
    line(
        "Started",
        Some(time_of_day(entry.started, "%A %Y-%m-%d %H:%M:%S")),
    )?;
    line("Time", Some(duration(entry.duration)))?;
    line("Size", Some(format!("{}{format}", size(entry.bytes))))?;
    line("Screen", Some(format!("{}×{}", entry.columns, entry.rows)))?;
    line("Events", Some(entry.events.to_string()))?;
    line("State", Some(state))?;
    let is_kept = is_pinned(&entry.path).unwrap_or(false);
    line(
        "Kept",
        is_kept.then(|| "forever: it is write-protected".to_owned()),
    )?;
    let missing = |bytes| match bytes {
        0 => String::new(),
        bytes => format!(", {} are missing", size(bytes)),
    };
    line(
        "Lost",
        (entry.gaps > 0).then(|| {
            format!(
                "{}{}",
                counted(entry.gaps, "gap"),
                missing(entry.lost_bytes)
            )
        }),
    )?;
    line("Lines", Some(format!("{} can be searched", entry.lines)))?;
    let more = |all: usize| match all.saturating_sub(MOST) {
        0 => String::new(),
        more => format!(", and {more} before them"),
    };
    if !markers.is_empty() {
        line(
            "Markers",
            Some(format!("{}{}", markers.len(), more(markers.len()))),
        )?;
        for (time, label) in markers.iter().rev().take(MOST).rev() {
            line(
                "",
                Some(format!(
                    "{:>8}  {}",
                    duration(*time as f64 / 1e6),
                    printable(label)
                )),
            )?;
        }
    }
    if !commands.is_empty() {
        line(
            "Commands",
            Some(format!("{}{}", commands.len(), more(commands.len()))),
        )?;
        for command in commands.iter().rev().take(MOST).rev() {
            line("", Some(command_line(command)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn command_line(command: &CommandRow) -> String {
    let text = command
        .text
        .as_deref()
        .map_or_else(|| "?".to_owned(), printable);
    let took = command.duration().map(|took| format!(", {took:.1} s"));
    let failed = command.status.filter(|status| *status != 0);
    let failed = failed.map(|status| format!(", exit status {status}"));
    format!(
        "{:>8}  {text}{}{}",
        duration(command.start),
        took.unwrap_or_default(),
        failed.unwrap_or_default()
    )
}
