//! `tvmux archive`: what is seldom done with the catalogue of casts.

mod catalogue;
mod compress;
mod export;
mod filter;
mod keep;
mod prune;
mod records;
mod status;
mod update;
mod verify;

use clap::Subcommand;

use catalogue::look_and_sweep;
pub(super) use catalogue::{
    READ_FIRST, chains_with_commands, chosen_and_read, look, look_and_list, named, open, read_new,
    with_archive,
};
pub(super) use filter::{CommandFilterArgs, FilterArgs};

use super::{Context, Failure, Outcome};
use crate::archive::{ArchiveError, Form};

/// Look after the catalogue of casts, and what is read out of them
///
/// Casts below output.directory and archive.directories are known by themselves:
/// when a recording ends, and at the latest when something asks. The catalogue is in
/// $XDG_DATA_HOME/tvmux/archive.db; it may be deleted, and is made again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Status(status::Args),
    Update(update::Args),
    /// Forget all that was read, and read all casts again
    Rebuild(update::Args),
    Verify(verify::Args),
    Export(Box<export::Args>),
    Prune(prune::Args),
    Keep(keep::Args),
    Compress(compress::Args),
    /// Make compressed casts plain again
    Decompress(compress::Args),
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    match &args.verb {
        Verb::Status(args) => status::run(context, args),
        Verb::Update(args) => update::run(context, args, false),
        Verb::Rebuild(args) => update::run(context, args, true),
        Verb::Verify(args) => verify::run(context, args),
        Verb::Export(args) => export::run(context, args),
        Verb::Prune(args) => prune::run(context, args),
        Verb::Keep(args) => keep::run(context, args),
        Verb::Compress(args) => compress::run(context, args, Form::Packed),
        Verb::Decompress(args) => compress::run(context, args, Form::Plain),
    }
}

/// Ctrl-C while another process is waited for.
fn stopped(error: ArchiveError) -> Failure {
    match error {
        error @ ArchiveError::Stopped => Failure::stopped(error),
        error => error.into(),
    }
}
