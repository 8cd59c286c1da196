//! `tvmux rec`.

mod command;
mod ls;
mod mark;
mod pause;
mod save;
mod start;
mod stop;
mod which;

use std::ffi::OsString;

use clap::Subcommand;

use super::{Context, Failure, Outcome, runtime};

pub(super) use self::command::{is_monitor, run_monitor};
pub(super) use self::start::explain;

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
    Mark(mark::MarkArgs),
    /// Note something in the recording of this window.
    Note(mark::NoteArgs),
    /// Give the recording of this window another title.
    Title(mark::TitleArgs),
    /// Record nothing for some time; all recordings without an ID.
    Pause(pause::PauseArgs),
    /// Go on with what is paused; all recordings without an ID.
    Resume(pause::ResumeArgs),
    /// Save the last minutes of a recording that keeps no more.
    Save(save::Args),
}

impl Args {
    /// Whether a server that runs is all that it needs.
    pub(super) fn only_asks_the_server(&self) -> bool {
        !matches!(self.verb, None | Some(Verb::Start(_)))
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
            Some(Verb::Mark(args)) => mark::mark(context, &args).await,
            Some(Verb::Note(args)) => mark::note(context, &args).await,
            Some(Verb::Title(args)) => mark::title(context, &args).await,
            Some(Verb::Pause(args)) => pause::pause(context, &args).await,
            Some(Verb::Resume(args)) => pause::resume(context, &args).await,
            Some(Verb::Save(args)) => save::run(context, &args).await,
        }
    })
}
