//! `tvmux rm`: removes casts.

use std::fs;
use std::io::ErrorKind;
use std::process::ExitCode;

use clap_complete::engine::ArgValueCompleter;

use super::archive::{look, named, with_archive};
use super::table::{duration, size};
use super::validate::shown;
use super::workspace::ask;
use super::{Context, Failure, Outcome, candidates};
use crate::archive::{Archive, Condition, Entry};
use crate::wording::counted;

/// Remove casts: their files, and what the archive knows of them
///
/// CAST is a path, a file's name or the start of it, `@latest`, or `@latest:session`.
/// What is being recorded is never removed. Of a recording that went on in further
/// casts, those that follow CAST go too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(required = true, value_name = "CAST", add = ArgValueCompleter::new(candidates::archived))]
    casts: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let entries = with_archive(|archive| {
        look(context, archive, false)?;
        find(archive, &args.casts)
    })?;
    if !args.yes && !is_sure(&entries)? {
        anstream::eprintln!("Nothing was removed.");
        return Ok(ExitCode::from(1));
    }
    for entry in &entries {
        with_archive(|archive| remove(archive, entry))?;
        if !args.quiet {
            anstream::println!("Removed {}", shown(&entry.path));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes a cast. The file goes first: a row without a file is taken out by the next
/// look.
pub(super) fn remove(archive: &mut Archive, entry: &Entry) -> Result<(), Failure> {
    match fs::remove_file(&entry.path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let error = format!("cannot remove {}: {error}", shown(&entry.path));
            Err(Failure::new(error))
        }
        _ => Ok(archive.forget(entry.id)?),
    }
}

/// The casts that are meant, each once; all names must fit before anything goes.
pub(super) fn find(archive: &Archive, names: &[String]) -> Result<Vec<Entry>, Failure> {
    let mut entries: Vec<Entry> = Vec::new();
    for name in names {
        for entry in archive.parts(&named(archive, name)?)? {
            if entry.state == Condition::Running {
                let error = format!("{} is being recorded", shown(&entry.path));
                return Err(Failure::new(error).hint("`tvmux rec stop` ends it first"));
            }
            if entries.iter().all(|known| known.id != entry.id) {
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

fn is_sure(entries: &[Entry]) -> Result<bool, Failure> {
    if !ask::can_ask() {
        return Err(Failure::usage("nobody can be asked whether to remove them")
            .hint("--yes removes them without a question"));
    }
    for entry in entries {
        let (time, bytes) = (duration(entry.duration), size(entry.bytes));
        anstream::eprintln!("{}  {time}, {bytes}", shown(&entry.path));
    }
    let question = format!("Remove {} forever?", counted(entries.len() as u64, "cast"));
    Ok(ask::choose(&question, &['n', 'y']) == Some('y'))
}
