//! `tvmux archive status`.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::{look, prune, with_archive};
use crate::archive::Rules;
use crate::cli::table::size;
use crate::cli::validate::shown;
use crate::cli::{Context, Outcome};
use crate::wording::counted;

/// Show what the archive knows, what is left to be read, and what each limit would free
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let rules = Rules::of(&context.config.archive);
    let (status, path, limits) = with_archive(|archive| {
        look(context, archive, true)?;
        let limits = prune::each_alone(archive, &rules)?;
        Ok((archive.status()?, archive.path().to_owned(), limits))
    })?;
    let mut out = anstream::stdout().lock();
    if args.json {
        let object = json!({
            "database": path.to_string_lossy(), "database_bytes": status.database,
            "casts": status.casts, "bytes": status.bytes, "damaged": status.damaged,
            "due": status.due, "due_bytes": status.due_bytes,
            "lines": status.lines, "commands": status.commands, "limits": limits,
        });
        writeln!(out, "{object}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "{}, {}",
        counted(status.casts, "cast"),
        size(status.bytes)
    )?;
    for folder in context.config.cast_folders() {
        writeln!(out, "  below {}", shown(&folder))?;
    }
    writeln!(
        out,
        "{} and {} can be searched, in {} ({:.1} % of the casts): {}",
        counted(status.lines, "line"),
        counted(status.commands, "command"),
        size(status.database),
        100.0 * status.database as f64 / status.bytes.max(1) as f64,
        shown(&path)
    )?;
    if status.damaged > 0 {
        writeln!(
            out,
            "{} damaged: see `tvmux ls`",
            counted(status.damaged, "cast")
        )?;
    }
    for limit in &limits {
        let number = |key: &str| limit[key].as_u64().unwrap_or_default();
        let key = limit["setting"].as_str().unwrap_or_default();
        let what = match key {
            "compress_after" => "to be compressed",
            _ => "to be removed",
        };
        writeln!(
            out,
            "archive.{key}: {}, {} {what}",
            counted(number("casts"), "cast"),
            size(number("bytes"))
        )?;
    }
    match status.due {
        0 => writeln!(out, "All is up to date.")?,
        due => writeln!(
            out,
            "To be read: {}, {}; `tvmux archive update` does it.",
            counted(due, "cast"),
            size(status.due_bytes)
        )?,
    }
    Ok(ExitCode::SUCCESS)
}
