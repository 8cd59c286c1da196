//! `tvmux web`: recordings in a browser.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use tokio::net::{TcpListener, UnixListener};

use super::signals::DaemonSignals;
use super::{Context, Failure, Outcome, background, warn};
use crate::folders::{Folders, open_lock};
use crate::web::{self, Known, Listeners, Settings};

/// Ports that are tried, from the one that is asked for on.
const TRIES: u16 = 10;

/// Threads that read casts at once.
const THREADS: usize = 8;

/// Watch, rewind and find recordings in a browser
///
/// Serves this machine alone, and prints an address that lets one browser in, once.
/// A second `tvmux web` prints another address of the first. Nothing is loaded from a
/// network; the server that records is not touched by who looks.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The port; one of the next where it is taken, 0 for any
    #[arg(long, value_name = "PORT", default_value_t = 21591)]
    port: u16,
    /// Open the page in a browser, also without a terminal or a display
    #[arg(long, overrides_with = "no_open")]
    open: bool,
    /// Print the address alone
    #[arg(long, overrides_with = "open")]
    no_open: bool,
    /// Let the page start, mark and stop recordings
    #[arg(long, overrides_with = "read_only")]
    control: bool,
    /// Let the page look alone; so it is without --control
    #[arg(long, overrides_with = "control")]
    read_only: bool,
    /// End when nobody has looked for that time; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    idle_end: u64,
}

pub(super) fn run(context: &Context, args: &Args) -> Outcome {
    let folders = Folders::of_user();
    folders.prepare()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(THREADS)
        .build()?;
    let served = runtime.block_on(serve(context, args, &folders));
    // Whatever still reads a cast is not waited for.
    runtime.shutdown_background();
    served
}

async fn serve(context: &Context, args: &Args, folders: &Folders) -> Outcome {
    let mut signals = DaemonSignals::new()?;
    // Two that start at once: one serves, the other finds it.
    let lock = lock(&folders.runtime().join("web.lock"))?;
    let socket = folders.runtime().join("web.sock");
    if let Ok(known) = web::ask_for_ticket(&socket, args.control).await {
        drop(lock);
        return found(args, &known);
    }
    let tcp = listen(args.port).await?;
    let listeners = Listeners {
        unix: listen_for_others(&socket)?,
        tcp,
    };
    drop(lock);
    let settings = Settings {
        config: context.config.clone(),
        config_file: context.config_file.clone(),
        tmux_socket: context.tmux_socket().path().to_owned(),
        interrupted: background::cut_off,
        idle_end: (args.idle_end > 0).then(|| Duration::from_secs(args.idle_end)),
    };
    let base = web::base_name(folders).map_err(|error| {
        let folder = folders.state().display();
        Failure::new(format!("cannot write to {folder}: {error}"))
    })?;
    let announce = |[for_browser, to_tell]: [String; 2]| {
        let opened = wants_browser(args) && open(&for_browser);
        tell(args, &to_tell, opened);
        anstream::eprintln!("Ctrl-C ends it.");
    };
    let end = async {
        signals.next_end().await;
    };
    let served = web::serve(listeners, settings, base, args.control, announce, end).await;
    let _ = std::fs::remove_file(&socket);
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Another one serves: its address is told.
fn found(args: &Args, known: &Known) -> Outcome {
    if known.version != env!("CARGO_PKG_VERSION") {
        warn(&format!(
            "`tvmux web` (pid {}) runs with version {}; end it and start it again for this one",
            known.pid, known.version
        ));
    }
    let opened = wants_browser(args) && open(&known.address);
    if opened {
        anstream::eprintln!("`tvmux web` runs already (pid {}).", known.pid);
        return Ok(ExitCode::SUCCESS);
    }
    tell(args, &known.address, false);
    anstream::eprintln!("`tvmux web` runs already (pid {}).", known.pid);
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &Args, address: &str, opened: bool) {
    let rights = if args.control { ", with control" } else { "" };
    match opened {
        true => {
            anstream::eprintln!("The page is open in a browser. For another one, once{rights}:")
        }
        false => anstream::eprintln!("Open this address, once{rights}:"),
    }
    anstream::println!("{address}");
    // Whoever reads a pipe waits for it.
    let _ = io::stdout().flush();
}

fn wants_browser(args: &Args) -> bool {
    let has_display = || {
        let names = ["DISPLAY", "WAYLAND_DISPLAY"];
        names.iter().any(|name| std::env::var_os(name).is_some())
    };
    args.open || !args.no_open && io::stdout().is_terminal() && has_display()
}

/// Opens an address in the user's browser.
fn open(address: &str) -> bool {
    let started = Command::new("xdg-open")
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(_) => true,
        Err(error) => {
            warn(&format!("no browser can be opened: xdg-open: {error}"));
            false
        }
    }
}

/// Listens on the loopback interface: on that port, or the next that is free.
async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let last = port.saturating_add(TRIES - 1);
    let ports = (port..=last).take_while(|next| port > 0 || *next == 0);
    let mut why = None;
    for next in ports.chain([0]) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, next)).await {
            Ok(listener) => {
                if next != port {
                    let got = listener.local_addr()?.port();
                    warn(&format!("port {port} is taken; it is {got} now"));
                }
                return Ok(listener);
            }
            Err(error) => why = Some(error),
        }
    }
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    Err(Failure::new(format!("cannot listen on 127.0.0.1{why}")))
}

/// Listens for another `tvmux web` of this user.
fn listen_for_others(socket: &Path) -> Result<UnixListener, Failure> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", socket.display()));
    // One that ended, however it did, has left its file.
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(socket).map_err(failed)?;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(socket, private).map_err(failed)?;
    Ok(listener)
}

fn lock(path: &Path) -> Result<Flock<File>, Failure> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", path.display()));
    let file = open_lock(path).map_err(failed)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| failed(error.into()))
}
