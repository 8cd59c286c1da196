//! `tvmux config`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

use super::{Context, Outcome};
use crate::config::Config;

#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The settings in force: defaults, file and environment together.
    Show(Shown),
    /// The built-in settings, a good start for a file of one's own.
    Defaults(Shown),
}

#[derive(Debug, clap::Args)]
struct Shown {
    /// As a configuration file, or as environment variables.
    #[arg(long, value_enum, default_value_t = Format::Toml)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Toml,
    Env,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let defaults = Config::default();
    let (config, shown) = match &args.verb {
        Verb::Show(shown) => (&context.config, shown),
        Verb::Defaults(shown) => (&defaults, shown),
    };
    let text = match shown.format {
        Format::Toml => config.to_toml(),
        Format::Env => config.to_env(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
