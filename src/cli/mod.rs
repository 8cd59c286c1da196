//! The command line: arguments in, output and an exit code out.
//!
//! One file a verb. Output for people goes to standard output, errors and
//! warnings to standard error. A broken pipe on standard output ends the
//! program quietly.
//!
//! Exit codes: 0 done; 1 it could not be done, or what was asked about is not
//! so; 2 wrong usage, or something could not be read.

mod failure;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

/// What a verb gives: its exit code, or why it failed.
type Outcome = Result<ExitCode, Failure>;

/// A flight recorder for tmux.
#[derive(Debug, Parser)]
#[command(
    name = "tvmux",
    version,
    about,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome: Outcome = match cli.verb {};
    outcome.unwrap_or_else(|failure| failure.report())
}
