//! `tvmux archive prune`, and what `tvmux archive update` does by the same settings.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{compress, look, look_and_sweep, stopped, with_archive};
use crate::archive::{Archive, Candidate, Form, Plan, Reason, Removed, Rules, UpdateLock};
use crate::cli::keyframes::yield_to_others;
use crate::cli::progress::Progress;
use crate::cli::signals::stop_flag;
use crate::cli::table::size;
use crate::cli::validate::shown;
use crate::cli::{Context, Failure, Outcome};
use crate::clock::unix_seconds;
use crate::folders;
use crate::wording::counted;

/// Bytes of the log beyond which a new one begins; the former one stays as `.1`.
const LARGEST_LOG: u64 = 1 << 20;

/// Compress old casts and remove the oldest, by the settings of [archive]
///
/// compress_after, keep, max_size and min_free are off unless they are set. The oldest
/// go first, and no more than must; never one that is being recorded, was written in
/// the last 15 minutes, or is kept: see `tvmux archive keep`. Each that goes is noted
/// in archive.log beside archive.db.
///
/// `tvmux archive update`, which the server starts when a recording ends, does the
/// same by itself.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Change nothing, only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Let every other process go first, to the processor and to the disk
    #[arg(long)]
    low_priority: bool,
    /// Print one JSON object for each cast, on a line of its own
    #[arg(long)]
    json: bool,
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

/// What is told of what is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    Text,
    Json,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    if args.low_priority {
        yield_to_others();
    }
    let stop = stop_flag()?;
    let told = match (args.quiet, args.json) {
        (true, _) => Told::Nothing,
        (_, true) => Told::Json,
        _ => Told::Text,
    };
    let rules = Rules::of(&context.config.archive);
    if rules.are_off() {
        if told == Told::Text {
            anstream::println!(
                "No limit is set: archive.compress_after, keep, max_size or min_free."
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    let done = with_archive(|archive| {
        if args.dry_run {
            look(context, archive, true)?;
            return would_be_done(&archive.plan(&rules)?, told);
        }
        let lock = archive.lock_for_update().map_err(stopped)?;
        look_and_sweep(context, archive, &lock, stop)?;
        apply(archive, &lock, &rules, told, stop)
    })?;
    if told == Told::Text && done == 0 {
        anstream::println!("There is nothing to do.");
    }
    Ok(ExitCode::SUCCESS)
}

fn would_be_done(plan: &Plan, told: Told) -> Result<usize, Failure> {
    for cast in &plan.compress {
        tell(
            told,
            ("compress", "would be compressed"),
            cast,
            "compress_after",
        )?;
    }
    for (cast, reason) in &plan.remove {
        tell(told, ("remove", "would be removed"), cast, reason.key())?;
    }
    if told == Told::Text {
        total(plan, "would go")?;
    }
    Ok(plan.compress.len() + plan.remove.len())
}

/// Does what the settings want; gives to how many casts.
pub(super) fn apply(
    archive: &mut Archive,
    lock: &UpdateLock,
    rules: &Rules,
    told: Told,
    stop: &'static AtomicBool,
) -> Result<usize, Failure> {
    if rules.are_off() {
        return Ok(0);
    }
    let mut done = 0;
    // What is compressed takes less room, so that fewer casts need to go.
    let to_compress = archive.plan(rules)?.compress;
    let bytes = to_compress.iter().map(|cast| 2 * cast.bytes).sum();
    let progress = Mutex::new(Progress::new(Some(bytes)));
    for cast in &to_compress {
        match compress::compress_known(archive, lock, &cast.entry, Form::Packed, &progress, stop) {
            Ok(_) => {
                tell(told, ("compress", "compressed"), cast, "compress_after")?;
                done += 1;
            }
            Err(failure) if stop.load(Ordering::Relaxed) => return Err(failure),
            // The others are compressed all the same.
            Err(failure) => _ = failure.report(),
        }
    }
    drop(progress);
    let plan = archive.plan(rules)?;
    for (cast, reason) in &plan.remove {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::stopped("stopped").hint("what is left goes the next time"));
        }
        match archive.remove(lock, cast) {
            Ok(Removed::Spared) => {}
            Ok(Removed::Yes) => {
                note(archive.path(), cast, *reason)?;
                tell(told, ("remove", "removed"), cast, reason.key())?;
                done += 1;
            }
            Err(error) => _ = Failure::from(error).report(),
        }
    }
    if told == Told::Text && done > 0 {
        total(&plan, "are gone")?;
    }
    Ok(done)
}

fn total(plan: &Plan, what: &str) -> Result<(), Failure> {
    if !plan.remove.is_empty() {
        let bytes = plan.remove.iter().map(|(cast, _)| cast.bytes).sum();
        let casts = counted(plan.remove.len() as u64, "cast");
        writeln!(anstream::stdout(), "{casts}, {} {what}.", size(bytes))?;
    }
    Ok(())
}

/// Says in the log which cast has gone, and why.
fn note(database: &Path, cast: &Candidate, reason: Reason) -> Result<(), Failure> {
    let path = database.with_extension("log");
    if path.metadata().is_ok_and(|found| found.len() > LARGEST_LOG) {
        let _ = std::fs::rename(&path, database.with_extension("log.1"));
    }
    let time = jiff::Timestamp::from_second(unix_seconds() as i64).unwrap_or_default();
    let line = format!(
        "{time} removed {} ({} bytes): archive.{}\n",
        shown(&cast.entry.path),
        cast.bytes,
        reason.key()
    );
    let mut log: File = folders::open_to_append(&path)?;
    log.write_all(line.as_bytes())?;
    Ok(())
}

fn tell(
    told: Told,
    (action, done): (&str, &str),
    cast: &Candidate,
    key: &str,
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    match told {
        Told::Nothing => {}
        Told::Json => {
            let object = json!({
                "action": action, "cast": cast.entry.path.to_string_lossy(),
                "bytes": cast.bytes, "setting": format!("archive.{key}"),
            });
            writeln!(out, "{object}")?;
        }
        Told::Text => writeln!(
            out,
            "{}: {done} ({}, archive.{key})",
            shown(&cast.entry.path),
            size(cast.bytes)
        )?,
    }
    Ok(())
}

/// What each setting would free by itself: its key, its value, casts and bytes.
pub(super) fn each_alone(archive: &Archive, rules: &Rules) -> Result<Vec<Value>, Failure> {
    let alone = |rules: Rules| archive.plan(&rules);
    let mut all = Vec::new();
    let mut add = |key: &str, casts: Vec<&Candidate>| {
        let bytes: u64 = casts.iter().map(|cast| cast.bytes).sum();
        all.push(json!({"setting": key, "casts": casts.len(), "bytes": bytes}));
    };
    if rules.compress_after.is_some() {
        let plan = alone(rules.only(None))?;
        add("compress_after", plan.compress.iter().collect());
    }
    for reason in [Reason::Age, Reason::Size, Reason::Room] {
        let only = rules.only(Some(reason));
        if !only.are_off() {
            let plan = alone(only)?;
            add(
                reason.key(),
                plan.remove.iter().map(|(cast, _)| cast).collect(),
            );
        }
    }
    Ok(all)
}
