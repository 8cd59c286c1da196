//! `tvmux archive update` and `tvmux archive rebuild`.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::prune::{self, Told};
use super::{look_and_sweep, read_new, stopped, with_archive};
use crate::archive::{Archive, Entry, Indexed, Rules, UpdateLock};
use crate::cli::keyframes::yield_to_others;
use crate::cli::progress::Progress;
use crate::cli::signals::stop_flag;
use crate::cli::table::size;
use crate::cli::{Context, Failure, Outcome};
use crate::wording::counted;

/// Read what is new in the casts, so that it can be searched
///
/// Goes on where an earlier one was stopped. The server starts one by itself, at low
/// priority, when a recording ends. Then it does what `tvmux archive prune` does, where
/// limits are set.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Let every other process go first, to the processor and to the disk
    #[arg(long)]
    low_priority: bool,
    /// Print one JSON object that says what was read
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

#[derive(Default)]
struct Done {
    casts: u64,
    bytes: u64,
    unreadable: u64,
}

pub(super) fn run(context: &Context, args: &Args, from_the_start: bool) -> Outcome {
    if args.low_priority {
        yield_to_others();
    }
    let stop = stop_flag()?;
    let mut from_the_start = from_the_start;
    let done = with_archive(|archive| {
        let lock = archive.lock_for_update().map_err(stopped)?;
        if std::mem::take(&mut from_the_start) {
            archive.forget_all()?;
        }
        look_and_sweep(context, archive, &lock, stop)?;
        archive.tidy(&lock)?;
        let due = archive.due()?;
        let done = read_all(archive, &lock, &due, stop)?;
        let told = match args.json || args.quiet {
            true => Told::Nothing,
            false => Told::Text,
        };
        prune::apply(
            archive,
            &lock,
            &Rules::of(&context.config.archive),
            told,
            stop,
        )?;
        Ok(done)
    })?;
    let mut out = anstream::stdout().lock();
    if args.json {
        let object = json!({
            "casts": done.casts, "bytes": done.bytes, "unreadable": done.unreadable,
        });
        writeln!(out, "{object}")?;
    } else if !args.quiet {
        match done.casts {
            0 => writeln!(out, "All is up to date.")?,
            casts => writeln!(
                out,
                "{}, {} were read.",
                counted(casts, "cast"),
                size(done.bytes)
            )?,
        }
        if done.unreadable > 0 {
            let casts = counted(done.unreadable, "cast");
            writeln!(out, "{casts} cannot be read: `tvmux ls` says which.")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_all(
    archive: &mut Archive,
    lock: &UpdateLock,
    due: &[Entry],
    stop: &'static AtomicBool,
) -> Result<Done, Failure> {
    let mut progress = Progress::new(Some(due.iter().map(Entry::unread).sum()));
    let due: Vec<&Entry> = due.iter().collect();
    let (became, bytes) = read_new(archive, lock, &due, &mut progress, stop)?;
    if became.contains(&Indexed::Stopped) {
        let hint = "what was read is kept; the next update goes on there";
        return Err(Failure::stopped("stopped").hint(hint));
    }
    let is_unreadable = |became: &&Indexed| **became == Indexed::Unreadable;
    Ok(Done {
        casts: became.len() as u64,
        unreadable: became.iter().filter(is_unreadable).count() as u64,
        bytes,
    })
}
