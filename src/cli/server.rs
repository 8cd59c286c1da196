//! `tvmux server`.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use tokio::net::{TcpListener, UnixListener};
use tracing_subscriber::filter::LevelFilter;

use super::background::{self, READY};
use super::signals::EndSignals;
use super::{Context, Failure, Outcome};
use crate::client::{self, Client};
use crate::config::Level;
use crate::daemon::Daemon;
use crate::http::{self, Access, Listeners};
use crate::wording::counted;

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
    /// Say whether the server runs; exits with 1 when it does not.
    Status {
        /// Print the state as a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Run the server in the foreground, until SIGTERM, SIGINT or SIGHUP.
    Run {
        /// Detach, and report on standard output when it listens.
        #[arg(long, hide = true)]
        background: bool,
        /// End with the last recording, if `server.auto_shutdown` is set.
        #[arg(long, hide = true)]
        on_demand: bool,
    },
}

impl Args {
    /// Whether a server that runs is all that it needs.
    pub(super) fn only_asks_the_server(&self) -> bool {
        matches!(self.verb, Verb::Stop | Verb::Status { .. })
    }
}

pub(super) fn run(context: &Context, args: Args) -> Outcome {
    let runtime = super::runtime()?;
    match args.verb {
        Verb::Start => runtime.block_on(start(context)),
        Verb::Stop => runtime.block_on(stop(context)),
        Verb::Status { json } => runtime.block_on(status(context, json)),
        Verb::Run {
            background,
            on_demand,
        } => run_daemon(context, runtime, background, on_demand),
    }
}

async fn start(context: &Context) -> Outcome {
    if let Ok(mut client) = Client::connect(&context.folders.socket()).await {
        let info = client.info().await?;
        anstream::println!("The server runs already (pid {}).", info.pid);
        return Ok(ExitCode::SUCCESS);
    }
    background::start(context, false)?;
    let info = Client::connect(&context.folders.socket())
        .await?
        .info()
        .await?;
    anstream::println!("The server runs (pid {}).", info.pid);
    Ok(ExitCode::SUCCESS)
}

async fn stop(context: &Context) -> Outcome {
    let was_running = background::stop(context).await?;
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

async fn status(context: &Context, json: bool) -> Outcome {
    let info = match Client::connect(&context.folders.socket()).await {
        Ok(mut client) => Some(client.info().await?),
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
            match (&info.address, &info.address_error) {
                (Some(address), _) if info.auth => writeln!(out, "http://{address} (with token)")?,
                (Some(address), _) => writeln!(out, "http://{address} (open to every local user)")?,
                (None, Some(why)) => writeln!(out, "not listening on TCP: {why}")?,
                (None, None) => {}
            }
        }
        (None, false) => writeln!(out, "not running")?,
    }
    Ok(ExitCode::from(u8::from(info.is_none())))
}

/// Runs the daemon; in the background the outcome of the start is told in one
/// line on standard output.
fn run_daemon(
    context: &Context,
    runtime: tokio::runtime::Runtime,
    background: bool,
    on_demand: bool,
) -> Outcome {
    let outcome = runtime.block_on(serve(context, background, on_demand));
    if let (true, Err(failure)) = (background, &outcome) {
        let _ = writeln!(io::stdout(), "{failure}");
    }
    // A call that the system does not answer must not keep the process.
    runtime.shutdown_background();
    outcome
}

async fn serve(context: &Context, background: bool, on_demand: bool) -> Outcome {
    context.folders.prepare()?;
    if background {
        // Away from the terminal that started it, and from its folder.
        nix::unistd::setsid()?;
        std::env::set_current_dir("/")?;
    }
    log_to_stderr(context.config.logging.level);
    let _lock = match lock(context)? {
        Lock::Ours(lock) => lock,
        // Two clients have wanted a daemon at the same moment: both have one.
        Lock::Listening { .. } if background => {
            writeln!(io::stdout(), "{READY}")?;
            return Ok(ExitCode::SUCCESS);
        }
        Lock::Listening { holder, path } => return Err(already_runs(&holder, &path)),
    };
    raise_limits()?;

    // Before anything is recorded: a signal now must not be lost.
    let mut signals = EndSignals::new()?;
    let daemon = Daemon::serving(
        context.config.clone(),
        context.folders.clone(),
        context.tmux_socket(),
        std::env::current_exe().ok(),
    );
    let socket = context.folders.socket();
    // We hold the lock: a socket that is there belongs to nobody.
    let _ = std::fs::remove_file(&socket);
    let unix = UnixListener::bind(&socket)?;
    std::fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
    let (access, tcp) = listen_on_tcp(context).await?;
    if let Err(error) = daemon.recover().await {
        tracing::error!(%error, "recovering recordings failed");
    }
    tracing::info!(pid = std::process::id(), socket = %socket.display(), "listening");
    if background {
        writeln!(io::stdout(), "{READY}")?;
        // Whoever waits for the end of our output need not wait for ours.
        let null = File::options().write(true).open("/dev/null")?;
        nix::unistd::dup2_stdout(&null)?;
    }

    let ends_alone = on_demand && context.config.server.auto_shutdown;
    let end = {
        let daemon = daemon.clone();
        let socket = socket.clone();
        async move {
            tokio::select! {
                signal = signals.next() => tracing::info!(signal = signal.as_str(), "ending"),
                () = daemon.done(), if ends_alone => tracing::info!("nothing is recorded: ending"),
            }
            // From here on a new client finds nobody and starts a new server.
            let _ = std::fs::remove_file(&socket);
            tokio::select! {
                () = daemon.shut_down() => {}
                // Of a disk that does not answer, say.
                signal = signals.next() => {
                    tracing::warn!(signal = signal.as_str(), "not waiting for the end of recordings");
                }
            }
        }
    };
    http::serve(daemon, access, Listeners { unix, tcp }, end).await;
    let _ = std::fs::remove_file(context.folders.token());
    tracing::info!("ended");
    Ok(ExitCode::SUCCESS)
}

/// Listens on TCP, where that can be; the Unix socket is enough to go on.
async fn listen_on_tcp(context: &Context) -> Result<(Access, Option<TcpListener>), Failure> {
    let _ = std::fs::remove_file(context.folders.token());
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
        true => Some(http::Token::create(&context.folders).map_err(|error| {
            let path = context.folders.token();
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
fn lock(context: &Context) -> Result<Lock, Failure> {
    let runtime = context.folders.pid_file();
    let state = context.folders.state().join("lock");
    let take = |path: &Path| -> Result<Result<Flock<File>, Lock>, Failure> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        // A daemon that has just said goodbye still holds it for a moment.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
        let mut file = file;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Ok(lock)),
                Err((back, _)) if std::time::Instant::now() < end && !listens(context) => {
                    file = back;
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                Err(_) => {
                    let holder = std::fs::read_to_string(path).unwrap_or_default();
                    if !listens(context) {
                        return Err(already_runs(&holder, path));
                    }
                    let path = path.to_owned();
                    return Ok(Err(Lock::Listening { holder, path }));
                }
            }
        }
    };
    let mut locks = match take(&runtime)? {
        Ok(runtime) => match take(&state)? {
            Ok(state) => [runtime, state],
            Err(other) => return Ok(other),
        },
        Err(other) => return Ok(other),
    };
    for lock in &mut locks {
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
    }
    Ok(Lock::Ours(locks))
}

/// Who is the daemon of this user.
enum Lock {
    /// This process, as long as it holds these.
    Ours([Flock<File>; 2]),
    /// Another one, which listens where this one would.
    Listening { holder: String, path: PathBuf },
}

fn already_runs(holder: &str, path: &Path) -> Failure {
    Failure::new(format!(
        "another tvmux server (pid {}) runs for this user; it holds {}",
        holder.trim(),
        path.display()
    ))
    .hint("`tvmux server stop` ends it")
}

/// Whether somebody listens on the daemon's socket: not yet while a daemon
/// starts, and no longer while it ends.
fn listens(context: &Context) -> bool {
    std::os::unix::net::UnixStream::connect(context.folders.socket()).is_ok()
}

/// Hundreds of recordings need more descriptors than the usual soft limit; a
/// file that may not grow must give an error, not a deadly signal.
fn raise_limits() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    // SAFETY: ignoring a signal installs no handler.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map(|_| ())
}

fn log_to_stderr(level: Level) {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warning => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .init();
}
