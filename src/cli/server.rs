//! `tvmux server`.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal as unix_signal};
use tokio::sync::mpsc;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use super::background::{self, READY};
use super::signals::{Asked, DaemonSignals};
use super::{Context, Failure, Outcome, supervise, table};
use crate::client;
use crate::clock::unix_seconds;
use crate::config::Level;
use crate::daemon::Daemon;
use crate::folders::{Folders, open_lock};
use crate::http::{self, Access, Listeners};
use crate::record::RecallPlan;
use crate::wording::{chain, counted};

mod socket;

use socket::Socket;

/// How often it is looked, while something is recorded, whether the socket is
/// still there.
const LOOK: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the server in the background.
    Start,
    /// Finish all recordings and end the server.
    Stop,
    /// Restart the server, as after an upgrade; its recordings go on and
    /// nothing is missing from them.
    Restart,
    /// Say whether the server runs; exits with 1 when it does not.
    Status {
        /// Print the state as a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Read the settings again: what can change takes effect at once, for
    /// running recordings too. SIGHUP does the same.
    Reload {
        /// What has changed, as a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Run the server in the foreground, until SIGTERM or SIGINT.
    Run {
        /// Detach, and report on standard output when it listens.
        #[arg(long, hide = true)]
        background: bool,
        /// End with the last recording, if `server.auto_shutdown` is set.
        #[arg(long, hide = true)]
        on_demand: bool,
        /// A server before this one died: go on with its recordings.
        #[arg(long, hide = true)]
        again: bool,
    },
    /// Print a systemd user unit that supervises the server.
    Unit,
}

impl Args {
    /// Whether a server that runs is all that it needs.
    pub(super) fn only_asks_the_server(&self) -> bool {
        matches!(
            self.verb,
            Verb::Stop | Verb::Status { .. } | Verb::Reload { .. }
        )
    }
}

pub(super) fn run(context: &Context, args: Args) -> Outcome {
    let runtime = super::runtime()?;
    match args.verb {
        Verb::Start => runtime.block_on(start(context)),
        Verb::Stop => runtime.block_on(stop()),
        Verb::Status { json } => runtime.block_on(status(json)),
        Verb::Reload { json } => runtime.block_on(reload(json)),
        Verb::Restart => runtime.block_on(restart(context)),
        Verb::Run {
            background,
            on_demand,
            again,
        } => {
            let start = StartMode {
                background,
                on_demand,
                again,
            };
            run_daemon(context, runtime, start)
        }
        Verb::Unit => {
            anstream::print!("{}", supervise::unit(context)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn start(context: &Context) -> Outcome {
    match background::client().await {
        Ok(mut client) => {
            let info = client.info().await?;
            anstream::println!("The server runs already (pid {}).", info.pid);
            return Ok(ExitCode::SUCCESS);
        }
        Err(client::Error::NotRunning { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    background::start(context, false)?;
    let info = background::client().await?.info().await?;
    anstream::println!("The server runs (pid {}).", info.pid);
    Ok(ExitCode::SUCCESS)
}

async fn stop() -> Outcome {
    let was_running = background::stop().await?;
    if !was_running {
        background::warn_of_interrupted();
    }
    anstream::println!(
        "{}",
        if was_running {
            "The server has ended."
        } else {
            "The server does not run."
        }
    );
    Ok(ExitCode::SUCCESS)
}

async fn restart(context: &Context) -> Outcome {
    let was_running = background::restart(context).await?;
    let info = background::client().await?.info().await?;
    let recordings = counted(info.recorders as u64, "recording");
    match was_running {
        true => anstream::println!(
            "The server runs again (version {}, pid {}, {recordings}).",
            info.version,
            info.pid
        ),
        false => anstream::println!("The server did not run; it does now (pid {}).", info.pid),
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(json: bool) -> Outcome {
    let asked = async { background::client().await?.info().await };
    let info = match asked.await {
        Ok(info) => Some(info),
        Err(client::Error::NotRunning { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let mut out = anstream::stdout().lock();
    match (&info, json) {
        (Some(info), true) => writeln!(out, "{}", serde_json::to_string(info)?)?,
        (None, true) => writeln!(out, "{}", serde_json::json!({"status": "stopped"}))?,
        (Some(info), false) => {
            let recordings = counted(info.recorders as u64, "recording");
            writeln!(
                out,
                "running: version {}, pid {}, {recordings}",
                info.version, info.pid
            )?;
            let since = table::duration(unix_seconds().saturating_sub(info.started) as f64);
            match info.returns_today {
                0 => writeln!(out, "since {since}")?,
                returns => writeln!(
                    out,
                    "since {since}; came back {} today",
                    counted(returns, "time")
                )?,
            }
            match (&info.address, &info.address_error) {
                (Some(address), _) if info.auth => writeln!(out, "http://{address} (with token)")?,
                (Some(address), _) => writeln!(out, "http://{address} (open to every local user)")?,
                (None, Some(why)) => writeln!(out, "not listening on TCP: {why}")?,
                (None, None) => {}
            }
        }
        (None, false) => writeln!(out, "not running")?,
    }
    if info.is_none() {
        background::warn_of_interrupted();
    }
    Ok(ExitCode::from(u8::from(info.is_none())))
}

async fn reload(json: bool) -> Outcome {
    let mut client = background::client().await?;
    let reloaded = client.reload_settings().await?;
    if json {
        anstream::println!("{}", serde_json::to_string(&reloaded)?);
        return Ok(ExitCode::SUCCESS);
    }
    for warning in &reloaded.warnings {
        super::warn(warning);
    }
    let file = match &reloaded.file {
        Some(file) => file.display().to_string(),
        None => "no file is there; the defaults and the environment".to_owned(),
    };
    match reloaded.applied.as_slice() {
        [] => anstream::println!("Nothing has changed ({file})."),
        applied => anstream::println!("In force now ({file}): {}.", applied.join(", ")),
    }
    if !reloaded.after_restart.is_empty() {
        let later = reloaded.after_restart.join(", ");
        anstream::println!(
            "Not before the server is started again: {later}. `tvmux server stop` ends it."
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// How the daemon is started.
#[derive(Clone, Copy)]
struct StartMode {
    background: bool,
    on_demand: bool,
    again: bool,
}

/// Runs the daemon; in the background the outcome of the start is told in one
/// line on standard output.
fn run_daemon(context: &Context, runtime: tokio::runtime::Runtime, start: StartMode) -> Outcome {
    let outcome = runtime.block_on(serve(context, start));
    if let (true, Err(failure)) = (start.background, &outcome) {
        let _ = writeln!(io::stdout(), "{failure}");
    }
    // A call that the system does not answer must not keep the process.
    runtime.shutdown_background();
    outcome
}

async fn serve(context: &Context, start: StartMode) -> Outcome {
    let StartMode {
        background,
        on_demand,
        again,
    } = start;
    let folders = Folders::of_user();
    folders.prepare()?;
    if background {
        // Away from the terminal that started it, and from its folder.
        nix::unistd::setsid()?;
        std::env::set_current_dir("/")?;
    }
    let level = log_to_stderr(context.config.logging.level);
    let [_runtime, state] = match lock(&folders)? {
        Lock::Ours(locks) => locks,
        // Two clients have wanted a daemon at the same moment: both have one.
        Lock::Listening { .. } if background => {
            writeln!(io::stdout(), "{READY}")?;
            return Ok(ExitCode::SUCCESS);
        }
        Lock::Listening { holder, path } => return Err(already_runs(&holder, &path)),
    };
    raise_limits()?;

    // Before anything is recorded: a signal now must not be lost.
    let mut signals = DaemonSignals::new()?;
    let mut handing_over = unix_signal(SignalKind::user_defined1())?;
    // Before a pipe process is started, which reads it.
    let plan = supervise::leave_plan(context, &folders, on_demand);
    let plan = plan.inspect_err(|error| {
        tracing::warn!(%error, "pipe processes will not start the server again");
    });
    let daemon = Daemon::serving(
        (context.config.clone(), context.config_file.clone()),
        folders.clone(),
        context.tmux_socket(),
        std::env::current_exe().ok(),
    );
    let mut in_use = hold_folders(&folders);
    // From here on clients find it, and may send signals.
    let (mut socket, unix) = Socket::bind(&folders, state.try_clone()?)?;
    let (renewals, renewed) = mpsc::channel(1);
    let (access, tcp) = listen_on_tcp(context, &folders).await?;
    if let Err(error) = daemon.recover().await {
        tracing::error!(%error, "recovering recordings failed");
    }
    daemon.resume_auto();
    if again {
        daemon.expect_nothing();
    }
    let plan = plan.ok();
    supervise::announce(plan.as_ref());
    tracing::info!(pid = std::process::id(), socket = %folders.socket().display(), "listening");
    if background {
        writeln!(io::stdout(), "{READY}")?;
        // Whoever waits for the end of our output need not wait for ours.
        let null = File::options().write(true).open("/dev/null")?;
        nix::unistd::dup2_stdout(&null)?;
    }

    let is_left = Cell::new(false);
    let end = {
        let daemon = daemon.clone();
        let token = access.token.clone();
        let mut settings = daemon.watch_settings();
        let is_left = &is_left;
        async move {
            let leaves = loop {
                let ends_alone = on_demand && settings.borrow_and_update().server.auto_shutdown;
                tokio::select! {
                    Ok(()) = settings.changed() => {
                        level.set(settings.borrow_and_update().logging.level);
                    }
                    asked = signals.next() => match asked {
                        Asked::End(signal) => {
                            tracing::info!(signal = signal.as_str(), "ending");
                            break false;
                        }
                        Asked::Reload => if let Err(error) = daemon.reload().await {
                            tracing::error!(error = chain(&error), "reloading");
                        },
                    },
                    () = daemon.done(), if ends_alone => {
                        tracing::info!("nothing is recorded: ending");
                        break false;
                    }
                    _ = handing_over.recv() => {
                        tracing::info!("ending; another server goes on");
                        break true;
                    }
                    () = look(&daemon) => {}
                }
                if let Some(listener) = socket.renew() {
                    drop(mem::replace(&mut in_use, hold_folders(socket.folders())));
                    let _ = renewals.send(listener).await;
                }
                leave_again(socket.folders(), token.as_ref(), plan.as_ref());
            };
            supervise::say_goodbye().await;
            socket.close();
            is_left.set(leaves);
            let end = async {
                match leaves {
                    true => daemon.hand_over().await,
                    false => daemon.shut_down().await,
                }
            };
            tokio::select! {
                () = end => {}
                // Of a disk that does not answer, say.
                signal = signals.next_end() => {
                    tracing::warn!(signal = signal.as_str(), "not waiting for the end of recordings");
                }
            }
        }
    };
    let listeners = Listeners { unix, renewed, tcp };
    http::serve(daemon, access, listeners, end).await;
    let _ = std::fs::remove_file(folders.token());
    if let Some(kept) = folders.kept() {
        // Where nothing is in it.
        let _ = std::fs::remove_dir(kept);
    }
    tracing::info!("ended");
    Ok(supervise::exit_code(is_left.get()))
}

/// Locks the folders that hold what must not be swept: systemd-tmpfiles leaves
/// alone what is below one that is locked.
fn hold_folders(folders: &Folders) -> Vec<Flock<File>> {
    [Some(folders.runtime().to_owned()), folders.kept()]
        .into_iter()
        .flatten()
        .filter_map(|folder| {
            let folder = File::open(folder).ok()?;
            Flock::lock(folder, FlockArg::LockSharedNonblock).ok()
        })
        .collect()
}

/// Leaves in the runtime folder what others read there, as far as it is gone.
fn leave_again(folders: &Folders, token: Option<&http::Token>, plan: Option<&RecallPlan>) {
    let token = token.map_or(Ok(()), |token| token.leave(folders));
    let plan = plan.map_or(Ok(()), |plan| plan.leave_again(folders.runtime()));
    if let Err(error) = token.and(plan) {
        let path = folders.runtime().display();
        tracing::error!(%path, %error, "the runtime folder lacks what others need");
    }
}

/// Returns after a while in which something is recorded.
async fn look(daemon: &Daemon) {
    daemon.is_recording().await;
    tokio::time::sleep(LOOK).await;
}

/// Listens on TCP, where that can be; the Unix socket is enough to go on.
async fn listen_on_tcp(
    context: &Context,
    folders: &Folders,
) -> Result<(Access, Option<TcpListener>), Failure> {
    let _ = std::fs::remove_file(folders.token());
    let port = context.config.server.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let (address, tcp) = match listener.and_then(|tcp| Ok((tcp.local_addr()?, tcp))) {
        Ok(listening) => listening,
        Err(error) => {
            let why = format!("127.0.0.1:{port}: {error}");
            tracing::warn!(%error, port, "not listening on TCP");
            let access = Access {
                address_error: Some(why),
                ..Access::default()
            };
            return Ok((access, None));
        }
    };
    let token = match context.config.server.auth {
        true => Some(http::Token::create(folders).map_err(|error| {
            let path = folders.token();
            Failure::new(format!("cannot write {}: {error}", path.display()))
        })?),
        false => None,
    };
    tracing::info!(%address, auth = token.is_some(), "listening on TCP");
    let access = Access {
        address: Some(address),
        token,
        ..Access::default()
    };
    Ok((access, Some(tcp)))
}

/// One daemon for a user: who holds this lock is it. The kernel gives it up
/// when the process ends, however it ends.
fn lock(folders: &Folders) -> Result<Lock, Failure> {
    let (runtime, state) = (folders.pid_file(), folders.lock());
    let take = |path: &Path| -> Result<Result<Flock<File>, Lock>, Failure> {
        let mut file = open_lock(path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        // A daemon that has just said goodbye still holds it for a moment.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Ok(lock)),
                Err((back, _)) if std::time::Instant::now() < end && !listens(folders) => {
                    file = back;
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                Err(_) => {
                    let holder = std::fs::read_to_string(path).unwrap_or_default();
                    if !listens(folders) {
                        return Err(already_runs(&holder, path));
                    }
                    let path = path.to_owned();
                    return Ok(Err(Lock::Listening { holder, path }));
                }
            }
        }
    };
    let mut runtime = match take(&runtime)? {
        Ok(runtime) => runtime,
        Err(other) => return Ok(other),
    };
    let state = match take(&state)? {
        Ok(state) => state,
        Err(other) => return Ok(other),
    };
    // Until there is a socket it says nothing.
    state.set_len(0)?;
    runtime.set_len(0)?;
    writeln!(runtime, "{}", std::process::id())?;
    Ok(Lock::Ours([runtime, state]))
}

/// Who is the daemon of this user.
enum Lock {
    /// This process, as long as it holds these.
    Ours([Flock<File>; 2]),
    /// Another one, which listens where this one would.
    Listening { holder: String, path: PathBuf },
}

fn already_runs(holder: &str, path: &Path) -> Failure {
    let pid = match holder.lines().next() {
        Some(pid) => format!(" (pid {})", pid.trim()),
        None => String::new(),
    };
    Failure::new(format!(
        "another tvmux server{pid} runs for this user; it holds {}",
        path.display()
    ))
    .hint("`tvmux server stop` ends it")
}

/// Whether somebody listens on the daemon's socket: not yet while a daemon
/// starts, and no longer while it ends.
fn listens(folders: &Folders) -> bool {
    std::os::unix::net::UnixStream::connect(folders.socket()).is_ok()
}

/// Hundreds of recordings need more descriptors than the usual soft limit; a
/// file that may not grow must give an error, not a deadly signal.
fn raise_limits() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    // SAFETY: ignoring a signal installs no handler.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map(|_| ())
}

/// How much is logged, to be changed while the program runs.
struct LogLevel(reload::Handle<LevelFilter, Registry>);

impl LogLevel {
    fn set(&self, level: Level) {
        let _ = self.0.modify(|filter| *filter = filter_of(level));
    }
}

fn log_to_stderr(level: Level) -> LogLevel {
    let (filter, handle) = reload::Layer::new(filter_of(level));
    // A log that cannot be written (its terminal has closed) is no reason to
    // panic.
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    LogLevel(handle)
}

fn filter_of(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warning => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    }
}
