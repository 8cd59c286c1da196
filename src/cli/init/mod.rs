//! `tvmux init`: the lines that make a shell tell of its commands, and that give tmux
//! keys.

mod tmux;

use std::process::ExitCode;

use clap::Subcommand;

use super::{Context, Outcome};

/// Print the lines that make a shell tell of its commands, or give tmux keys
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    of: Program,
}

#[derive(Debug, Subcommand)]
enum Program {
    /// Print the lines for ~/.bashrc; bash 4.4 or later
    ///
    /// With them casts have what was typed, where, how long it took and how it ended:
    /// `tvmux commands` lists it, `tvmux search --command` and `--failed` use it. They do
    /// nothing where the shell tells of its commands already (VS Code), and leave
    /// prompts, hooks and history as they are.
    Bash,
    /// Print the lines for ~/.zshrc
    ///
    /// As those for bash.
    Zsh,
    /// Print the lines for config.fish; fish 4 tells of its commands by itself
    ///
    /// As those for bash.
    Fish,
    Tmux(tmux::Args),
}

impl Args {
    /// Whether the settings say nothing about it.
    pub(super) fn is_for_a_shell(&self) -> bool {
        !matches!(self.of, Program::Tmux(_))
    }
}

/// Prints the lines for a shell; nothing for tmux.
pub(super) fn run_for_shell(args: &Args) -> Outcome {
    anstream::print!(
        "{}",
        match args.of {
            Program::Bash => include_str!("bash.sh"),
            Program::Zsh => include_str!("zsh.sh"),
            Program::Fish => include_str!("fish.fish"),
            Program::Tmux(_) => "",
        }
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    match &args.of {
        Program::Tmux(args) => tmux::run(context, args),
        Program::Bash | Program::Zsh | Program::Fish => run_for_shell(args),
    }
}
