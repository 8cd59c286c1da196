//! `tvmux completions`.

use std::process::ExitCode;

use clap_complete::Shell;

use super::Outcome;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell that reads the script.
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "tvmux", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(ExitCode::SUCCESS)
}
