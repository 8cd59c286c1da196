//! `tvmux auto`.

use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use clap::{Subcommand, ValueHint};
use clap_complete::engine::ArgValueCandidates;

use super::table::printable;
use super::{Context, Failure, Outcome, background, candidates, runtime};
use crate::api::{Auto, AutoRecording, AutoRuleVerdict, AutoSwitch, AutoVerdict};
use crate::client;
use crate::daemon::auto_verdict;
use crate::tmux::{Server, Socket};
use crate::wording::counted;

/// Record windows by the rules of the configuration, without being asked.
///
/// The `[[auto]]` tables of the configuration file say which: the first one that
/// fits a window counts.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Record by the rules from now on, on this tmux server and the default one.
    On(On),
    /// Follow the rules no more; what is recorded goes on.
    Off(Shape),
    /// Say whether the rules are followed, and where. Exits with 1 when not.
    Status(Shape),
    /// Say which rule a window fits, and why not the others. Exits with 1 when it
    /// would not be recorded.
    Test(Test),
}

#[derive(Debug, clap::Args)]
struct On {
    /// The tmux server's socket; that around this shell without.
    #[arg(short = 'S', long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    socket: Option<PathBuf>,

    #[command(flatten)]
    shape: Shape,
}

#[derive(Debug, clap::Args)]
struct Shape {
    /// Print nothing.
    #[arg(short, long)]
    quiet: bool,

    /// As JSON.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Test {
    /// The window: an id (`@3`) or any tmux target; the current one without.
    #[arg(value_parser = NonEmptyStringValueParser::new(), add = ArgValueCandidates::new(candidates::windows))]
    window: Option<String>,

    /// The tmux server's socket; that around this shell without.
    #[arg(short = 'S', long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    socket: Option<PathBuf>,

    #[command(flatten)]
    shape: Shape,
}

impl Args {
    /// Whether a server that runs is all that it needs.
    pub(super) fn only_asks_the_server(&self) -> bool {
        matches!(self.verb, Verb::Off(_) | Verb::Status(_))
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    runtime()?.block_on(async {
        match &args.verb {
            Verb::On(args) => on(context, args).await,
            Verb::Off(shape) => off(shape).await,
            Verb::Status(shape) => status(shape).await,
            Verb::Test(args) => test(context, args).await,
        }
    })
}

async fn on(context: &Context, args: &On) -> Outcome {
    let socket = match &args.socket {
        Some(path) => Socket::at(std::path::absolute(path)?),
        None => context.tmux_socket(),
    };
    let update = AutoSwitch { on: true };
    let auto = background::set_auto(context, &update, socket.path().to_owned()).await?;
    told(&auto, &args.shape)?;
    if auto.rules == 0 && !args.shape.quiet {
        super::warn("no rule says what to record: nothing is recorded");
        anstream::eprintln!(
            "`[[auto]]` tables in the configuration file are the rules, `tvmux server reload` \
             reads them; an empty one records every window"
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn off(shape: &Shape) -> Outcome {
    let off = async {
        let mut client = background::client().await?;
        client.set_auto(&AutoSwitch { on: false }).await
    };
    told(&off.await.map_err(no_server)?, shape)?;
    Ok(ExitCode::SUCCESS)
}

async fn status(shape: &Shape) -> Outcome {
    let asked = async { background::client().await?.auto().await };
    let auto = asked.await.map_err(no_server)?;
    told(&auto, shape)?;
    Ok(ExitCode::from(u8::from(!auto.on)))
}

fn no_server(error: client::Error) -> Failure {
    match error {
        client::Error::NotRunning { .. } => {
            Failure::new("no tvmux server is running, so no rules are followed")
                .hint("`tvmux auto on` starts one; it goes on where the rules were left on")
        }
        other => Failure::new(other),
    }
}

fn told(auto: &Auto, shape: &Shape) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    if shape.json {
        return writeln!(out, "{}", serde_json::to_string(auto)?);
    }
    if shape.quiet {
        return Ok(());
    }
    let rules = counted(auto.rules as u64, "rule");
    match auto.on {
        true => writeln!(out, "on, {rules}")?,
        false => writeln!(out, "off")?,
    }
    for server in &auto.servers {
        let socket = server.socket.to_string_lossy();
        let socket = printable(&socket);
        let recorded = counted(server.recorded as u64, "window");
        match server.live {
            true => write!(out, "{socket}: {recorded} recorded")?,
            false => write!(out, "{socket}: waited for")?,
        }
        match server.stopped.as_slice() {
            [] => writeln!(out)?,
            stopped => writeln!(out, "; stopped by hand: {}", stopped.join(" "))?,
        }
    }
    Ok(())
}

/// With the settings of this process: a rule can be tried before the server reads
/// it.
async fn test(context: &Context, args: &Test) -> Outcome {
    let socket = match &args.socket {
        Some(path) => Socket::at(std::path::absolute(path)?),
        None => context.tmux_socket(),
    };
    let is_inside = args.socket.is_none() && Socket::surrounding().is_some();
    let pane = env::var("TMUX_PANE").ok().filter(|_| is_inside);
    let target = args.window.clone().or(pane).ok_or_else(|| {
        Failure::usage("not inside tmux, so there is no current window")
            .hint("name one, such as `tvmux auto test main:editor`")
    })?;
    let server = Server::new(context.config.tmux.command.as_str(), socket);
    let verdict = auto_verdict(&context.config.auto, &server, &target).await?;
    if args.shape.json {
        anstream::println!("{}", serde_json::to_string(&verdict)?);
    } else if !args.shape.quiet {
        explain(&verdict)?;
    }
    let is_recorded = verdict.record != AutoRecording::No;
    Ok(ExitCode::from(u8::from(!is_recorded)))
}

fn explain(verdict: &AutoVerdict) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    let window = &verdict.window_id;
    let does = does(verdict.record);
    match verdict.rule {
        Some(rule) => writeln!(out, "{window} fits rule {rule}, which {does} it")?,
        None => writeln!(out, "{window} fits no rule: it is not recorded")?,
    }
    let all = [
        ("session", verdict.sessions.join(", ")),
        ("window", verdict.window.clone()),
        ("command", verdict.command.clone()),
        ("folder", verdict.folder.clone()),
        ("host", verdict.hosts.join(", ")),
    ];
    for (key, value) in &all {
        writeln!(out, "  {key:8} {}", printable(value))?;
    }
    for rule in &verdict.rules {
        let AutoRuleVerdict {
            rule: number, line, ..
        } = rule;
        let does = self::does(rule.record);
        let how = match &rule.mismatch {
            None if Some(*number) == verdict.rule => "fits".to_owned(),
            None => "fits too, and comes too late".to_owned(),
            Some(mismatch) => {
                let pattern = printable(&mismatch.pattern);
                format!("does not fit: {} is not `{pattern}`", mismatch.key)
            }
        };
        writeln!(out, "rule {number} (line {line}, {does}): {how}")?;
    }
    Ok(())
}

/// What a rule does with a window.
fn does(record: AutoRecording) -> &'static str {
    match record {
        AutoRecording::Yes => "records",
        AutoRecording::No => "does not record",
        AutoRecording::Flashback => "keeps the last minutes of",
    }
}
