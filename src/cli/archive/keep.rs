//! `tvmux archive keep`.

use std::process::ExitCode;

use clap_complete::engine::ArgValueCompleter;

use super::{look, named, with_archive};
use crate::archive::pin;
use crate::cli::validate::shown;
use crate::cli::{Context, Failure, Outcome, candidates};

/// Keep casts forever, whatever the settings of [archive] say
///
/// Their files are write-protected (chmod a-w), and stay so when they are moved or
/// compressed: `tvmux archive prune` leaves every cast that is. The settings
/// archive.keep_sessions and archive.keep_titles keep whatever fits a pattern.
///
/// CAST is a path, a file's name or the start of it, `@latest`, or `@latest:session`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(required = true, value_name = "CAST", add = ArgValueCompleter::new(candidates::archived))]
    casts: Vec<String>,
    /// Keep them no longer
    #[arg(long)]
    not: bool,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let casts = with_archive(|archive| {
        look(context, archive, false)?;
        let mut casts = Vec::new();
        for name in &args.casts {
            casts.extend(archive.parts(&named(archive, name)?)?);
        }
        Ok(casts)
    })?;
    for cast in &casts {
        let name = shown(&cast.path);
        let changed = pin(&cast.path, !args.not)
            .map_err(|error| Failure::new(format!("cannot change {name}: {error}")))?;
        if args.quiet {
            continue;
        }
        let again = if changed { "" } else { " already" };
        match args.not {
            false => anstream::println!("{name} is kept forever{again}"),
            true => anstream::println!("{name} goes when the settings say so{again}"),
        }
    }
    Ok(ExitCode::SUCCESS)
}
