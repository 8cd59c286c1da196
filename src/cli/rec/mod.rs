//! `tvmux rec`.

mod command;
mod ls;
mod mark;
mod start;
mod stop;

use std::ffi::OsString;

use clap::Subcommand;

use super::{Context, Outcome, runtime};

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "`rec -- COMMAND` exits with the command's status; 128 + N when signal N ended it."
)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    start: start::StartArgs,

    /// Run this command in a tmux session of its own and record it.
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
}

pub(super) fn run(context: &Context, args: Args) -> Outcome {
    let runtime = runtime()?;
    runtime.block_on(async {
        match args.verb {
            None if !args.command.is_empty() => {
                command::run(context, &args.start, &args.command).await
            }
            None => start::run(context, &args.start).await,
            Some(Verb::Start(args)) => start::run(context, &args).await,
            Some(Verb::Ls(args)) => ls::run(context, &args).await,
            Some(Verb::Stop(args)) => stop::run(context, &args).await,
            Some(Verb::Mark(args)) => mark::run(context, &args).await,
        }
    })
}
