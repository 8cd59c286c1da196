//! `tvmux answer`: what the server starts for a client that looks at the archive. Its
//! arguments come from standard input, as a JSON array.

use std::io::{self, Read};
use std::process::ExitCode;

use clap::Parser;

use super::{Cli, Context, Failure, Outcome, Verb, cat, ls, search};

/// Most that the arguments take, in bytes.
const LONGEST: u64 = 1 << 20;

/// Answer with `ls`, `search`, or one cast of several
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(context: &Context) -> Outcome {
    let mut input = Vec::new();
    io::stdin().lock().take(LONGEST).read_to_end(&mut input)?;
    let words: Vec<String> = serde_json::from_slice(&input).map_err(Failure::usage)?;
    let words = std::iter::once("tvmux".to_owned()).chain(words);
    let parsed = Cli::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        let why = text.lines().next().unwrap_or_default();
        Failure::usage(why.strip_prefix("error: ").unwrap_or(why).to_owned())
    })?;
    match parsed.verb {
        Some(Verb::Ls(args)) => ls::run(context, &args),
        // Nothing found is an answer.
        Some(Verb::Search(args)) => search::run(context, &args).map(|_| ExitCode::SUCCESS),
        Some(Verb::Cat(args)) if args.is_to_standard_output() => cat::run(&args),
        _ => Err(Failure::usage("`ls`, `search` or `cat -o -` is wanted")),
    }
}
