//! `tvmux commands`: what was run, where, for how long and how it ended.

use std::collections::HashSet;
use std::io::Write as _;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Subcommand;
use jiff::Zoned;
use serde_json::json;

use super::archive::{
    CommandFilterArgs, FilterArgs, READ_FIRST, chains_with_commands, chosen_and_read, look, named,
    with_archive,
};
use super::signals::stop_flag;
use super::table::{self, Cells, printable};
use super::{Context, Failure, Outcome};
use crate::archive::{CommandRow, Entry, Filter, long_ago};

/// List the commands that shells told of, the newest first
///
/// Each FILTER must stand in the command, in either case. Shells tell of their
/// commands by OSC 133 or OSC 633: fish 4 and VS Code's terminal by themselves, bash
/// and zsh with `tvmux init`. Nothing is guessed where they do not.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    commands: CommandFilterArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// At most N
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// One JSON object a line for each command
    #[arg(long)]
    json: bool,
}

/// Print what one command printed
#[derive(Debug, clap::Args)]
struct Show {
    /// A cast, and the number of the command in its recording
    #[arg(value_name = "CAST:N")]
    command: String,
    /// One JSON object, with the lines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    match &args.verb {
        Some(Verb::Show(show)) => print_output(context, show),
        None => list(context, &args.list),
    }
}

fn list(context: &Context, args: &List) -> Outcome {
    let limit = args.limit.unwrap_or(usize::MAX);
    let wanted = args.commands.filter();
    let stop = stop_flag()?;
    let listed = with_archive(|archive| {
        look(context, archive, false)?;
        let filter = args.filter.filter();
        let casts = chosen_and_read(archive, &filter, &[], READ_FIRST, stop)?;
        let mut listed = Vec::new();
        let meant: HashSet<i64> = casts.iter().map(|cast| cast.id).collect();
        for chain in chains_with_commands(archive, &casts)? {
            let entry = chain.entry();
            let fitting = chain.commands().iter().filter(|command| {
                wanted.lets_through(&command.row)
                    && command.ran_in(&chain, |part| meant.contains(&part.id))
            });
            listed.extend(fitting.map(|command| (entry.clone(), command.row.clone())));
        }
        Ok(listed)
    });
    let mut listed = listed?;
    let started = |(entry, command): &(Entry, CommandRow)| entry.started + command.start;
    listed.sort_by(|a, b| started(b).total_cmp(&started(a)));
    listed.truncate(limit);
    if args.json {
        let mut out = std::io::BufWriter::new(anstream::stdout().lock());
        for (entry, command) in &listed {
            writeln!(out, "{}", object(entry, command))?;
        }
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    if listed.is_empty() {
        anstream::eprintln!("No commands: `tvmux commands --help` says which are known.");
        return Ok(ExitCode::SUCCESS);
    }
    let now = Zoned::now();
    let mut rows = Cells::default();
    for (entry, command) in &listed {
        rows.add(row(entry, command, &now));
    }
    table::print(
        &["STARTED", "TIME", "STATUS", "COMMAND", "FOLDER", "CAST:N"],
        &rows,
        &["COMMAND", "FOLDER"],
        &["FOLDER", "CAST:N"],
    )?;
    Ok(ExitCode::SUCCESS)
}

fn object(entry: &Entry, command: &CommandRow) -> serde_json::Value {
    json!({
        "cast": entry.path.to_string_lossy(),
        "number": command.number,
        "command": command.text,
        "folder": command.folder,
        "status": command.status,
        "time": command.start,
        "until": command.end,
        "duration": command.duration(),
        "host": entry.host,
        "session": entry.session,
        "window": entry.window,
        "started": entry.started + command.start,
    })
}

fn row(entry: &Entry, command: &CommandRow, now: &Zoned) -> [String; 6] {
    let text = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
    let name = entry.name();
    let name = name.split(".cast").next().unwrap_or_default();
    [
        long_ago(entry.started + command.start, now),
        command.duration().map_or_else(
            || "-".to_owned(),
            |took| match took {
                ..60.0 => format!("{took:.1} s"),
                _ => table::duration(took),
            },
        ),
        command
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string()),
        text(command.text.as_deref().and_then(|text| text.lines().next())),
        text(command.folder.as_deref()),
        printable(&format!("{name}:{}", command.number)),
    ]
}

fn print_output(context: &Context, args: &Show) -> Outcome {
    let wanted = args
        .command
        .rsplit_once(':')
        .and_then(|(cast, number)| Some((cast, number.parse::<u64>().ok()?)));
    let Some((cast, number)) = wanted else {
        let error = format!("{} is no command", printable(&args.command));
        return Err(Failure::usage(error).hint("CAST:N is wanted, as `tvmux commands` shows it"));
    };
    let stop = stop_flag()?;
    let mut lines: Vec<String> = Vec::new();
    let (entry, command) = with_archive(|archive| {
        look(context, archive, false)?;
        let names = [cast.to_owned()];
        chosen_and_read(archive, &Filter::default(), &names, READ_FIRST, stop)?;
        let chain = Rc::new(archive.chain(&named(archive, cast)?)?);
        let all = chain.commands();
        let Some(command) = all.iter().find(|command| command.row.number == number) else {
            let name = chain.entry().name();
            let error = format!("{} has {} commands", printable(&name), all.len());
            return Err(Failure::usage(error));
        };
        lines.clear();
        let mut is_open = false;
        let mut printed = archive.printed_by(Rc::clone(&chain));
        printed.of_command(command, &mut |line| {
            let text = String::from_utf8_lossy(line.text);
            match lines.last_mut().filter(|_| is_open) {
                Some(last) => last.push_str(&text),
                None => lines.push(text.into_owned()),
            }
            is_open = line.continues;
            true
        })?;
        printed.finish()?;
        Ok((chain.entry(), command.row.clone()))
    })?;
    let mut out = std::io::BufWriter::new(anstream::stdout().lock());
    if args.json {
        let mut object = object(&entry, &command);
        object["lines"] = json!(lines);
        writeln!(out, "{object}")?;
    } else {
        for line in &lines {
            writeln!(out, "{}", printable(line))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
