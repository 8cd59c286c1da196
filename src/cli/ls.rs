//! `tvmux ls`: the casts that there are.

use std::borrow::Cow;
use std::io::Write as _;
use std::process::ExitCode;

use jiff::Zoned;

use super::archive::{FilterArgs, look_and_list, with_archive};
use super::table::{self, Cells, printable, shown};
use super::{Context, Outcome};
use crate::archive::{Condition, Entry, Listed, join_parts, long_ago};
use crate::threads::beside;
use crate::wording::counted;
use crate::workspace::abbreviate_home;

/// From this many casts on their rows are made in two halves at once.
const MANY: usize = 1000;

/// List the casts that there are, the newest first
///
/// Each FILTER must stand in a cast's file name, title, session, recorded program or
/// last commands, in either case. DONE is what was done last, where the shell tells
/// of its commands (see `tvmux init`). A recording that went on in further casts
/// stands here once, by its first.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(value_name = "FILTER")]
    words: Vec<String>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Casts that are being recorded
    #[arg(long)]
    running: bool,
    /// At most N
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Only the paths, one a line
    #[arg(short, long)]
    quiet: bool,
    /// As a JSON array
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let mut filter = args.filter.filter();
    filter.words.clone_from(&args.words);
    filter.only_running = args.running;
    let mut entries = with_archive(|archive| {
        let all = look_and_list(context, archive)?;
        Ok(join_parts(all))
    })?;
    entries.retain(|entry| filter.lets_through(entry));
    entries.truncate(args.limit.unwrap_or(usize::MAX));
    let mut out = std::io::BufWriter::new(anstream::stdout().lock());
    if args.json {
        let folder = context.config.output.directory();
        let folder = folder.canonicalize().unwrap_or(folder);
        let listed = entries.iter().map(|entry| Listed::new(entry, &folder));
        let listed: Vec<Listed<'_>> = listed.collect();
        serde_json::to_writer_pretty(&mut out, &listed)?;
        writeln!(out)?;
    } else if args.quiet {
        for entry in &entries {
            writeln!(out, "{}", super::validate::shown(&entry.path))?;
        }
    } else if entries.is_empty() {
        drop(out);
        anstream::eprintln!(
            "No casts{}.",
            match filter == Default::default() {
                true => " so far: `tvmux rec` records this window",
                false => " fit",
            }
        );
        return Ok(ExitCode::SUCCESS);
    } else {
        drop(out);
        print_table(&entries)?;
        // The program ends: to give each of their texts back takes as long as to print.
        std::mem::forget(entries);
        return Ok(ExitCode::SUCCESS);
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn print_table(entries: &[Entry]) -> std::io::Result<()> {
    let now = Zoned::now();
    let cells = |entries: &[Entry]| {
        let mut cells = Cells::default();
        for entry in entries {
            cells.add(row(entry, &now));
        }
        cells
    };
    let (first, rest) = entries.split_at(match entries.len() {
        ..MANY => entries.len(),
        many => many / 2,
    });
    let (rest, mut rows) = beside(|| cells(rest), || cells(first));
    rows.append(&rest);
    table::print(
        &[
            "STARTED", "TIME", "SIZE", "SESSION", "TITLE", "STATE", "LOST", "DONE", "CAST",
        ],
        &rows,
        &["TITLE", "DONE"],
        &["LOST", "SIZE", "SESSION", "TITLE", "DONE", "STATE"],
    )
}

fn row<'a>(entry: &'a Entry, now: &Zoned) -> [Cow<'a, str>; 9] {
    let text = |text: Option<&'a str>| match text {
        Some(text) if !text.is_empty() => shown(text),
        _ => "-".into(),
    };
    let state = match entry.state {
        Condition::Finished => "-",
        Condition::Running => "recording",
        Condition::Damaged => "DAMAGED",
    };
    let lost = match (entry.gaps, entry.lost_bytes) {
        (0, 0) => "-".into(),
        (gaps, 0) => counted(gaps, "gap").into(),
        (_, bytes) => table::size(bytes).into(),
    };
    let done = match &entry.last_commands[..] {
        [] => text(entry.program.as_deref()),
        commands => printable(&commands.join(" · ")).into(),
    };
    let session = match (&entry.session, &entry.window) {
        (Some(session), Some(window)) => printable(&format!("{session}:{window}")).into(),
        (session, _) => text(session.as_deref()),
    };
    let size = table::size(entry.bytes);
    [
        long_ago(entry.started, now).into(),
        table::duration(entry.duration).into(),
        match entry.parts {
            ..=1 => size.into(),
            parts => format!("{size} in {parts}").into(),
        },
        session,
        text(entry.title.as_deref()),
        state.into(),
        lost,
        done,
        printable(&abbreviate_home(&entry.path)).into(),
    ]
}
