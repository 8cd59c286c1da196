//! `tvmux config`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value as Json};

use super::{Context, Outcome};
use crate::config::{Config, Value};

#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the settings in force: defaults, file and environment together.
    Show(Shape),
    /// Print the built-in settings, a good start for a file of one's own.
    Defaults(Shape),
}

#[derive(Debug, clap::Args)]
struct Shape {
    /// As a configuration file, or as environment variables.
    #[arg(long, value_enum, default_value_t = Format::Toml)]
    format: Format,

    /// As a JSON object of sections.
    #[arg(long, conflicts_with_all = ["format", "quiet"])]
    json: bool,

    /// Only the keys, one a line.
    #[arg(short, long, conflicts_with = "format")]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Toml,
    Env,
}

impl Args {
    /// Whether no file is asked.
    pub(super) fn shows_defaults(&self) -> bool {
        matches!(self.verb, Verb::Defaults(_))
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let defaults = Config::default();
    let (config, shape) = match &args.verb {
        Verb::Show(shape) => (&context.config, shape),
        Verb::Defaults(shape) => (&defaults, shape),
    };
    let text = match shape.format {
        _ if shape.json => serde_json::to_string_pretty(&json(config))? + "\n",
        _ if shape.quiet => keys(config),
        Format::Toml => config.to_toml(),
        Format::Env => config.to_env(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn json(config: &Config) -> Json {
    let mut sections = Map::new();
    for entry in config.entries() {
        let value = match entry.value {
            Value::Text(text) => Json::from(text),
            Value::Flag(flag) => Json::from(flag),
            Value::Number(number) => Json::from(number),
        };
        let section = sections
            .entry(entry.section)
            .or_insert_with(|| Map::new().into());
        section[entry.key] = value;
    }
    sections.into()
}

fn keys(config: &Config) -> String {
    let entries = config.entries();
    let names = entries
        .iter()
        .map(|entry| format!("{}.{}\n", entry.section, entry.key));
    names.collect()
}
