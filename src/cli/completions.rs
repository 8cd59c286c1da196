//! `tvmux completions`: the few lines by which a shell asks this program what
//! fits, each time TAB is pressed.

use std::io::Write;
use std::process::ExitCode;

use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

use super::{Failure, Outcome};

/// Set by a shell that asks.
const VARIABLE: &str = "TVMUX_COMPLETE";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell that reads the script.
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Outcome {
    let name = args.shell.to_string();
    let shells = Shells::builtins();
    let shell = shells
        .completer(&name)
        .ok_or_else(|| Failure::usage(format!("no completions for {name}")))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "tvmux", "tvmux", "tvmux", &mut script)?;
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Answers a shell that asks, and ends; returns when none does.
pub(super) fn answer() {
    CompleteEnv::with_factory(super::command)
        .var(VARIABLE)
        .complete();
}
