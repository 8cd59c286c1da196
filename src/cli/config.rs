//! `tvmux config`.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::{Context, Outcome, background};
use crate::config::{Config, Entry};

/// How long a server that runs may take to say what it works with.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the settings in force: defaults, file and environment together; and
    /// where the running server works with others.
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
    let running = match &args.verb {
        Verb::Show(_) => differing(config),
        Verb::Defaults(_) => BTreeMap::new(),
    };
    let note = |entry: &Entry| {
        let there = running.get(&entry.name())?;
        Some(format!("(the running server works with {there})"))
    };
    let text = match shape.format {
        _ if shape.json => serde_json::to_string_pretty(&config.to_json())? + "\n",
        _ if shape.quiet => keys(config),
        Format::Toml => config.to_toml_with(note),
        Format::Env => config.to_env(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    for (key, value) in &running {
        super::warn(&format!("the running server works with {key} = {value}"));
    }
    if !running.is_empty() {
        anstream::eprintln!("`tvmux server reload` lets it read its settings again");
    }
    Ok(ExitCode::SUCCESS)
}

/// Settings of the daemon that runs, where they differ from these: the key and
/// the value there, as TOML has it.
fn differing(config: &Config) -> BTreeMap<String, String> {
    let asked = super::runtime().ok().and_then(|runtime| {
        runtime.block_on(async {
            let ask = async { background::client().await?.settings().await };
            tokio::time::timeout(PATIENCE, ask).await.ok()?.ok()
        })
    });
    let Some(running) = asked else {
        return BTreeMap::new();
    };
    let there = |entry: &Entry| Some(running.settings.get(entry.section)?.get(entry.key)?.clone());
    config
        .entries()
        .iter()
        .filter_map(|entry| {
            let there = there(entry).filter(|there| *there != entry.value.to_json())?;
            // Numbers, flags and strings are written alike.
            Some((entry.name(), there.to_string()))
        })
        .collect()
}

fn keys(config: &Config) -> String {
    let entries = config.entries();
    let names = entries
        .iter()
        .map(|entry| format!("{}.{}\n", entry.section, entry.key));
    names.collect()
}
