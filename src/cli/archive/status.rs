//! `tvmux archive status`.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::{look, with_archive};
use crate::cli::table::size;
use crate::cli::validate::shown;
use crate::cli::{Context, Outcome};
use crate::wording::counted;

/// Show what the archive knows, and what is left to be read
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let (status, path) = with_archive(|archive| {
        look(context, archive, true)?;
        Ok((archive.status()?, archive.path().to_owned()))
    })?;
    let mut out = anstream::stdout().lock();
    if args.json {
        let object = json!({
            "database": path.to_string_lossy(), "database_bytes": status.database,
            "casts": status.casts, "bytes": status.bytes, "damaged": status.damaged,
            "due": status.due, "due_bytes": status.due_bytes,
            "lines": status.lines, "commands": status.commands,
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
