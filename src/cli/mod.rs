//! The command line: arguments in, output and an exit code out.
//!
//! One file a verb. Output for people goes to standard output, errors and
//! warnings to standard error. A broken pipe on standard output ends the
//! program quietly.
//!
//! Exit codes: 0 done; 1 it could not be done, or what was asked about is not
//! so; 2 wrong usage, or something could not be read. `rec -- COMMAND` exits
//! with the command's status.

mod answer;
mod api;
mod archive;
mod auto;
mod background;
mod candidates;
mod cast_argument;
mod cast_input;
mod cat;
mod commands;
mod completions;
mod config;
mod convert;
mod failure;
mod help;
mod init;
mod keyframes;
mod ls;
mod output_file;
mod part_screen;
mod pick;
mod pictures;
mod play;
mod progress;
mod rec;
mod repair;
mod rm;
mod screenshot;
mod search;
mod server;
mod show;
mod signals;
mod slips;
mod stage;
mod supervise;
mod table;
mod terminal;
mod tmux_key;
mod validate;
mod web;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};

use crate::config::{Config, Loaded};
use crate::record::relay;
use crate::wording::chain;
use crate::{client, tmux};

pub use failure::Failure;

/// What a verb gives: its exit code, or why it failed.
type Outcome = Result<ExitCode, Failure>;

/// A flight recorder for tmux.
///
/// Records tmux windows as asciicast v2 files, following the active pane.
/// Inside tmux, `tvmux rec` records the current window and `tvmux rec stop`
/// ends it.
#[derive(Debug, Parser)]
#[command(
    name = "tvmux",
    disable_version_flag = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 done; 1 not done, or output is missing; 2 wrong usage."
)]
struct Cli {
    /// Read settings from this file, not the usual ones.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config_file: Option<PathBuf>,

    /// Print the versions of this program and of the running server.
    #[arg(short = 'V', long, action = ArgAction::SetTrue)]
    version: bool,

    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Record tmux windows, or one command.
    Rec(Box<rec::Args>),
    Auto(auto::Args),
    Play(Box<play::Args>),
    Validate(validate::Args),
    Repair(repair::Args),
    Screenshot(screenshot::Args),
    #[command(hide = true)]
    Keyframes(keyframes::Args),
    #[command(hide = true)]
    Answer(answer::Args),
    Convert(Box<convert::Args>),
    Cat(cat::Args),
    Ls(Box<ls::Args>),
    Show(show::Args),
    Search(Box<search::Args>),
    Pick(pick::Args),
    Commands(Box<commands::Args>),
    Rm(rm::Args),
    Archive(archive::Args),
    Web(web::Args),
    /// Start, stop and look at the server that records.
    Server(server::Args),
    /// Ask the server over its HTTP API.
    Api(api::Args),
    Load(Box<workspace::Load>),
    Freeze(workspace::Freeze),
    Workspace(Box<workspace::Workspaces>),
    /// Show the settings that are in force, or the defaults.
    Config(config::Args),
    Init(init::Args),
    #[command(hide = true)]
    TmuxKey(tmux_key::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// What every verb may need.
#[derive(Clone)]
struct Context {
    config: Config,
    config_file: Option<PathBuf>,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything that costs: one runs for each recorded pane.
    if relay::is_relay(std::env::args_os().nth(1).as_deref()) {
        return relay::run();
    }
    if rec::is_monitor(std::env::args_os().nth(1).as_deref()) {
        return rec::run_monitor();
    }
    if part_screen::is_part_screen(std::env::args_os().nth(1).as_deref()) {
        return part_screen::run();
    }
    completions::answer();
    let command = help::decorate(Cli::command());
    let parsed = command.clone().try_get_matches();
    match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => run(cli).unwrap_or_else(|failure| failure.report()),
        Err(error) => usage(&command, &error),
    }
}

/// Says what is wrong with the arguments, or prints the help that was asked
/// for.
fn usage(command: &clap::Command, error: &clap::Error) -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let is_slip = matches!(
        error.kind(),
        ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument
    );
    match slips::explain(command, &words).filter(|_| is_slip) {
        Some(failure) => failure.report(),
        None => error.exit(),
    }
}

fn run(cli: Cli) -> Outcome {
    if cli.version {
        return version();
    }
    let Some(mut verb) = cli.verb else {
        help::decorate(Cli::command()).print_help()?;
        return Ok(ExitCode::from(2));
    };
    for path in verb.casts() {
        cast_argument::resolve(path, || settings(cli.config_file.clone(), true))?;
    }
    // These need no settings, so bad ones do not stop them.
    match &verb {
        Verb::Completions(args) => return completions::run(args),
        Verb::Init(args) if args.is_for_a_shell() => return init::run_for_shell(args),
        Verb::Validate(args) => return validate::run(args),
        Verb::Repair(args) => return repair::run(args),
        Verb::Convert(args) => return convert::run(args),
        Verb::Cat(args) => return cat::run(args),
        Verb::Keyframes(args) => return keyframes::run(args),
        _ => {}
    }
    // A recording is looked at and ended also when the file has a mistake.
    let context = settings(cli.config_file, verb.only_asks_the_server())?;
    match verb {
        Verb::Rec(args) => rec::run(&context, *args),
        Verb::Auto(args) => auto::run(&context, &args),
        Verb::Play(args) => play::run(&context, &args),
        Verb::Ls(args) => ls::run(&context, &args),
        Verb::Answer(_) => answer::run(&context),
        Verb::Show(args) => show::run(&context, &args),
        Verb::Search(args) => search::run(&context, &args),
        Verb::Pick(args) => pick::run(&context, &args),
        Verb::Commands(args) => commands::run(&context, &args),
        Verb::Init(args) => init::run(&context, &args),
        Verb::TmuxKey(args) => tmux_key::run(&context, &args),
        Verb::Rm(args) => rm::run(&context, &args),
        Verb::Archive(args) => archive::run(&context, &args),
        Verb::Web(args) => web::run(&context, &args),
        Verb::Server(args) => server::run(&context, args),
        Verb::Api(args) => api::run(args),
        Verb::Load(load) => load.run(&context),
        Verb::Freeze(freeze) => freeze.run(&context),
        Verb::Workspace(workspaces) => workspaces.run(&context),
        Verb::Config(args) => config::run(&context, &args),
        Verb::Screenshot(args) => screenshot::run(&context, &args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Validate(args) => validate::run(&args),
        Verb::Repair(args) => repair::run(&args),
        Verb::Convert(args) => convert::run(&args),
        Verb::Cat(args) => cat::run(&args),
        Verb::Keyframes(args) => keyframes::run(&args),
    }
}

/// Reads the settings; a mistake in them is no error where they are hardly needed.
fn settings(config_file: Option<PathBuf>, are_hardly_needed: bool) -> Result<Context, Failure> {
    let loaded = match Loaded::read(config_file.as_deref()) {
        Err(error) if are_hardly_needed => {
            warn(&format!("{}; going on without", chain(&error)));
            Loaded::default()
        }
        loaded => loaded.map_err(Failure::usage)?,
    };
    for warning in &loaded.warnings {
        warn(warning);
    }
    Ok(Context {
        config: loaded.config,
        config_file,
    })
}

fn version() -> Outcome {
    anstream::println!("tvmux {}", env!("CARGO_PKG_VERSION"));
    let info = runtime()?.block_on(async { background::client().await?.info().await });
    match info {
        Ok(info) => anstream::println!("server {} (pid {})", info.version, info.pid),
        Err(client::Error::NotRunning { .. }) => anstream::println!("server not running"),
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Says on standard error what need not stop anybody.
fn warn(warning: &str) {
    let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    anstream::eprintln!("{yellow}warning:{yellow:#} {warning}");
}

/// The whole command line, with the verbs that are known only when it runs.
fn command() -> clap::Command {
    help::decorate(Cli::command().mut_subcommand("api", |_| api::command()))
}

/// The event loop of everything that waits.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

impl Verb {
    /// The casts that are named where only a path will do.
    fn casts(&mut self) -> &mut [PathBuf] {
        match self {
            Verb::Validate(args) => &mut args.files,
            Verb::Repair(args) => &mut args.files,
            Verb::Cat(args) => &mut args.files,
            Verb::Convert(args) => std::slice::from_mut(&mut args.input),
            _ => &mut [],
        }
    }

    /// Whether all that it needs is a running server, which has settings of its
    /// own.
    fn only_asks_the_server(&self) -> bool {
        match self {
            Verb::Api(_) | Verb::Play(_) | Verb::Screenshot(_) => true,
            Verb::Rec(args) => args.only_asks_the_server(),
            Verb::Auto(args) => args.only_asks_the_server(),
            Verb::Server(args) => args.only_asks_the_server(),
            Verb::Config(args) => args.shows_defaults(),
            _ => false,
        }
    }
}

impl Context {
    /// The tmux server that is meant: the one around this process, else the
    /// default one.
    fn tmux_socket(&self) -> tmux::Socket {
        tmux::Socket::surrounding().unwrap_or_else(tmux::Socket::default_server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        command().debug_assert();
    }
}
