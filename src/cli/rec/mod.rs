//! `tvmux rec`.

mod command;
mod ls;
mod mark;
mod save;
mod start;
mod stop;

use std::ffi::OsString;

use clap::Subcommand;

use super::{Context, Failure, Outcome, runtime};

pub(super) use self::command::{is_monitor, run_monitor};

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "`rec -- COMMAND` exits with the command's status; 128 + N when signal N ended it, 127 \
                  when there is no such command, 126 when it cannot be run."
)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    start: start::StartArgs,

    #[command(flatten)]
    terminal: command::CommandArgs,

    /// Run this command in this terminal and record it.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Record a window (the default).
    Start(start::StartArgs),
    /// List what is recorded.
    Ls(ls::Args),
    /// End recordings; all without an ID. Exits with 1 when output is missing.
    Stop(stop::Args),
    /// Put a marker into the recording of this window.
    Mark(mark::Args),
    /// Save the last minutes of a recording that keeps no more.
    Save(save::Args),
}

impl Args {
    /// Whether a server that runs is all that it needs.
    pub(super) fn only_asks_the_server(&self) -> bool {
        matches!(
            self.verb,
            Some(Verb::Ls(_) | Verb::Stop(_) | Verb::Mark(_) | Verb::Save(_))
        )
    }
}

pub(super) fn run(context: &Context, args: Args) -> Outcome {
    if args.verb.is_none() && !args.command.is_empty() {
        if args.start.keeps_a_flashback() {
            return Err(Failure::usage(
                "a command is recorded as a whole: --flashback is for windows",
            ));
        }
        return command::run(context, &args.start, &args.terminal, &args.command);
    }
    let runtime = runtime()?;
    runtime.block_on(async {
        match args.verb {
            None => start::run(context, &args.start).await,
            Some(Verb::Start(args)) => start::run(context, &args).await,
            Some(Verb::Ls(args)) => ls::run(&args).await,
            Some(Verb::Stop(args)) => stop::run(&args).await,
            Some(Verb::Mark(args)) => mark::run(context, &args).await,
            Some(Verb::Save(args)) => save::run(context, &args).await,
        }
    })
}
