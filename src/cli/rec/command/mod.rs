//! `tvmux rec -- COMMAND`: the command runs on a pseudo terminal of its own, in
//! the user's terminal, and is recorded from its first byte to its last.
//!
//! ```text
//!   user's terminal <-> copy <-> pty <-> command (a monitor leads its session)
//!                        |
//!                        `-> link -> FIFO -> daemon: recorder, sink, cast
//! ```
//!
//! The command never waits for the recording: if the daemon dies it goes on,
//! and another daemon goes on with the cast.

mod copy;
mod link;
mod monitor;
mod terminal;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use self::copy::Copy;
use self::link::Link;
use self::terminal::{Pty, UserTerminal};
use super::{start, stop};
use crate::api::{CommandRecording, CommandStarted, Recording};
use crate::cli::background;
use crate::cli::signals::take_signals;
use crate::cli::table::printable;
use crate::cli::{Context, Failure, Outcome, runtime};
use crate::client;
use crate::shell;

pub(in crate::cli) use self::monitor::{is_monitor, run as run_monitor};

/// Daemons that are asked to go on, one after the other, when one has died.
const TRIES: u32 = 5;

/// What can be said of a recorded command.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "With -- COMMAND")]
pub(super) struct CommandArgs {
    /// The size of the command's terminal, as 80x24; this terminal's without.
    #[arg(long, value_name = "COLSxROWS", value_parser = size, requires = "command")]
    size: Option<(u16, u16)>,

    /// Use no terminal: show nothing, read nothing.
    #[arg(long, requires = "command")]
    headless: bool,

    /// Go on in this cast, behind a marker.
    #[arg(
        long,
        value_name = "FILE",
        requires = "command",
        conflicts_with = "output"
    )]
    append: Option<PathBuf>,

    /// Record keys too, as `i` events; not the lines that the terminal does not
    /// echo, so passwords stay out. A program that takes key by key and shows
    /// nothing of it (pinentry, sudo with pwfeedback) cannot be told from a
    /// shell's own line: what is typed to it is recorded.
    #[arg(long, requires = "command")]
    input: bool,

    /// Variables of the environment that the cast's header names.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "SHELL,TERM,TERM_PROGRAM,TERM_PROGRAM_VERSION",
        requires = "command"
    )]
    env: Vec<String>,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parse = |part: &str| part.parse::<u16>().ok().filter(|size| *size > 0);
    text.split_once('x')
        .and_then(|(columns, rows)| Some((parse(columns)?, parse(rows)?)))
        .ok_or_else(|| "columns and rows are wanted, as 80x24".to_owned())
}

pub(super) fn run(
    context: &Context,
    start: &start::StartArgs,
    args: &CommandArgs,
    command: &[OsString],
) -> Outcome {
    if start.names_window() {
        return Err(Failure::usage(
            "`-t` and `-S` name a window that is there; COMMAND gets a terminal of its own",
        ));
    }
    let size = terminal::size(args.size, args.headless);
    let request = request(start, args, command, size)?;
    let runtime = runtime()?;
    let started = runtime.block_on(background::record_command(
        context,
        &request,
        start::explain,
    ))?;
    let link = Link::open(&started)?;
    let recording = &started.recording;
    if !start.is_quiet() {
        let path = printable(&recording.cast_path.to_string_lossy());
        anstream::eprintln!("Recording {} to {path}", printable(&recording.id));
    }

    let signals = take_signals(&copy::SIGNALS)?;
    let (pty, slave) = Pty::open(size)?;
    let monitor = spawn(command, args.headless, slave)?;
    let began = Instant::now();
    let (status, link) = std::thread::scope(|scope| {
        let mut reconnect = || {
            let (sender, answer) = mpsc::channel();
            let seconds = recording.duration + began.elapsed().as_secs_f64();
            let again = CommandRecording {
                resume_at: Some(seconds),
                append: Some(recording.cast_path.clone()),
                directory: None,
                file: None,
                gap: Some("the recorder was interrupted".to_owned()),
                ..request.clone()
            };
            scope.spawn(move || {
                let _ = sender.send(go_on(context, &again));
            });
            answer
        };
        let copy = Copy {
            signals,
            terminal: UserTerminal::new(args.headless),
            pty,
            monitor,
            link,
            is_shown: !args.headless,
            follows_size: args.size.is_none() && !args.headless,
            records_keys: args.input,
            settings: Arc::new(context.config.clone()),
            reconnect: &mut reconnect,
        };
        copy.run()
    })?;

    let is_whole = link.is_whole();
    let stopped = runtime.block_on(finish(recording))?;
    drop(link);
    let mut is_complete = is_whole;
    match &stopped {
        Some(stopped) => {
            is_complete &= stop::is_complete(stopped);
            if !start.is_quiet() {
                stop::report_end(&mut anstream::stderr(), stopped)?;
            }
            stop::report_missing(stopped)?;
        }
        None if !is_whole => anstream::eprintln!(
            "warning: the recording ended before the command, since the tvmux server did"
        ),
        None => {}
    }
    if status == 0 && !is_complete {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::from(status))
}

/// What the daemon is asked for.
fn request(
    start: &start::StartArgs,
    args: &CommandArgs,
    command: &[OsString],
    (columns, rows): (u16, u16),
) -> Result<CommandRecording, Failure> {
    let shown = shown(command);
    let name = command.first().map(PathBuf::from).unwrap_or_default();
    let (directory, file) = start.output()?;
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    let variables = args.env.iter().filter(|name| !name.is_empty());
    Ok(CommandRecording {
        name: name.into_owned(),
        pid: std::process::id(),
        columns,
        rows,
        directory,
        file,
        append: args.append.as_ref().map(std::path::absolute).transpose()?,
        gap: None,
        resume_at: None,
        title: start.title().or_else(|| Some(shown.clone())),
        command: Some(shown),
        idle_time_limit: start.idle_time_limit(),
        env: variables
            .filter_map(|name| {
                let value = std::env::var_os(name)?;
                Some((name.clone(), value.to_string_lossy().into_owned()))
            })
            .collect::<BTreeMap<_, _>>(),
    })
}

/// Starts the process that runs the command on its terminal.
fn spawn(command: &[OsString], is_headless: bool, slave: OwnedFd) -> io::Result<Pid> {
    let slave = File::from(slave);
    let has_keys = UserTerminal::new(is_headless).has_keys();
    let stdin = if has_keys {
        Stdio::from(slave.try_clone()?)
    } else if is_headless {
        Stdio::null()
    } else {
        // A pipe or a file: the command reads it, to its end.
        Stdio::inherit()
    };
    // Also when the program's file was replaced meanwhile.
    let child = std::process::Command::new("/proc/self/exe")
        .arg(monitor::VERB)
        .args(command)
        .stdin(stdin)
        .stdout(slave.try_clone()?)
        .stderr(slave)
        .spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok(Pid::from_raw(pid))
}

/// Asks another daemon to go on with the cast; starts one where none runs, and
/// nobody else does.
fn go_on(context: &Context, request: &CommandRecording) -> Option<CommandStarted> {
    let runtime = runtime().ok()?;
    let _calls = background::hold_calls();
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(Duration::from_millis(200));
        }
        let started = background::record_command(context, request, Failure::new);
        if let Ok(started) = runtime.block_on(started) {
            return Some(started);
        }
    }
    None
}

/// Ends the recording; `None` when it has ended before.
async fn finish(recording: &Recording) -> Result<Option<Recording>, Failure> {
    let mut client = match background::client().await {
        Ok(client) => client,
        Err(client::Error::NotRunning { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match client.stop_recording(&recording.id).await {
        Ok(stopped) => Ok(Some(stopped.recording)),
        Err(client::Error::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The command as a person would type it.
fn shown(command: &[OsString]) -> String {
    shell::join(command.iter().map(|word| word.to_string_lossy()))
}
