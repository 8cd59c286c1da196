//! `tvmux init`: the lines that make a shell tell of its commands.

use std::process::ExitCode;

use clap::ValueEnum;

use super::Outcome;

/// Print the lines that make a shell tell of its commands
///
/// With them casts have what was typed, where, how long it took and how it ended:
/// `tvmux commands` lists it, `tvmux search --command` and `--failed` use it. They do
/// nothing where the shell tells of its commands already (VS Code, fish 4), and leave
/// prompts, hooks and history as they are.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// 4.4 or later
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(args: &Args) -> Outcome {
    let text = match args.shell {
        Shell::Bash => include_str!("bash.sh"),
        Shell::Zsh => include_str!("zsh.sh"),
        Shell::Fish => include_str!("fish.fish"),
    };
    anstream::print!("{text}");
    Ok(ExitCode::SUCCESS)
}
