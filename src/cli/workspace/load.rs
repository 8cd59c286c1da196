//! `tvmux load`: sessions from workspace files.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};

use super::super::signals::stop_flag;
use super::super::{Context, Failure, Outcome, candidates};
use super::ask::{can_ask, choose};
use super::progress::BarObserver;
use super::record::Recordings;
use super::target::{ServerArgs, is_surrounding, surrounding_pane};
use super::warn;
use crate::shell;
use crate::tmux::{Batch, Server, SessionId, Socket};
use crate::wording::counted;
use crate::workspace::{
    BuildOptions, Built, Error, ServerInfo, Size, Source, Variables, Workspace, WorkspaceBuilder,
    find, plan, read_file, replace_missing_folders, run_reattach_hook,
};

/// Load tmux sessions from workspace files
///
/// Each command of the file is typed into its pane once the shell there reads it,
/// with a leading blank, which keeps it out of the shell's history where that is
/// set up so (HISTCONTROL=ignorespace in bash, HIST_IGNORE_SPACE in zsh);
/// `suppress_history: false` in the file types it as it stands.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tvmux load ./project.yaml          build the session and attach to it\n  \
    tvmux load -d work mail            two of the workspace folder, left detached\n  \
    tvmux load -a -t main extra.yaml   add the windows to the session main")]
pub struct Load {
    /// Workspace files, names in the workspace folder, or folders with a .tmuxp.yaml
    #[arg(required = true, value_name = "FILE|NAME|DIR", add = ArgValueCompleter::new(candidates::workspaces))]
    files: Vec<String>,
    /// Leave the session detached, also in a terminal
    #[arg(short, conflicts_with = "yes")]
    detached: bool,
    /// Attach or switch without asking
    #[arg(short, long)]
    yes: bool,
    /// Add the windows to the current session, or to that of -t
    #[arg(short, long)]
    append: bool,
    /// The session to add the windows to
    #[arg(short, value_name = "SESSION", requires = "append", add = ArgValueCandidates::new(candidates::sessions))]
    target: Option<String>,
    /// With -a: leave out windows whose name is there already
    #[arg(long, requires = "append")]
    skip_existing: bool,
    /// Name of the session, over that of the file
    #[arg(short = 's', value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    /// Configuration file of tmux, when the server is started
    #[arg(short = 'f', value_name = "FILE", value_hint = ValueHint::FilePath)]
    tmux_config: Option<PathBuf>,
    /// Take the terminal to have 256 colours
    #[arg(short = '2')]
    colours: bool,
    /// Print the tmux commands, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Seconds to wait for the shells before commands are typed anyway
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = seconds)]
    ready_timeout: f64,
    /// Show no progress
    #[arg(long)]
    no_progress: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "a number of seconds is expected".to_owned())?;
    match (0.0..=86_400.0).contains(&seconds) {
        true => Ok(seconds),
        false => Err("from 0 to 86400 seconds".to_owned()),
    }
}

/// A file that was read and checked.
struct CheckedFile {
    workspace: Workspace,
    source: Source,
}

/// What happens once a session is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination {
    Detached,
    Attach,
    Switch,
}

impl Load {
    /// Loads the files, the last of them in front.
    pub fn run(self, context: &Context) -> Outcome {
        let server = self.server(context)?;
        // All files are checked before the first is loaded.
        let mut ready = Vec::new();
        for file in &self.files {
            ready.push(self.read(file)?);
        }
        if self.dry_run {
            for file in ready {
                self.print_plan(&server, file)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        server.socket().prepare_folder()?;
        let interrupted = stop_flag()?;
        crate::tmux::stop_on(interrupted);
        let last = ready.len() - 1;
        for (i, file) in ready.into_iter().enumerate() {
            self.load(context, &server, file, i == last, interrupted)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn server(&self, context: &Context) -> Result<Server, Failure> {
        let mut server = self.server.server(context)?;
        if let Some(config) = &self.tmux_config {
            server = server.with_config(config);
        }
        if self.colours {
            server = server.with_flags(["-2"]);
        }
        Ok(server)
    }

    fn read(&self, wanted: &str) -> Result<CheckedFile, Failure> {
        let found = find(wanted)?;
        let mut source = Source::new(&found.path);
        let mut read = || {
            let tree = read_file(&found.path, &mut source)?;
            let absolute = std::path::absolute(&found.path).unwrap_or(found.path.clone());
            let folder = absolute.parent().unwrap_or(Path::new("/"));
            let name = self.name.as_deref();
            Workspace::read(&tree, folder, &Variables::of_process(), name, &mut source)
        };
        let read = read();
        warn(source.take_warnings());
        for other in &found.others {
            eprintln!(
                "warning: {} is left out: {} comes first",
                other.display(),
                found.path.display()
            );
        }
        Ok(CheckedFile {
            workspace: read?,
            source,
        })
    }

    fn print_plan(&self, server: &Server, mut file: CheckedFile) -> Result<(), Failure> {
        replace_missing_folders(&mut file.workspace, &mut file.source);
        let info = match ServerInfo::ask(server)? {
            Some(info) => info,
            None => ServerInfo::of_fresh_server(server)?,
        };
        let context = match self.append_to(server)? {
            Some(session) => info.plan_context_in(server, session, self.skip_existing)?,
            None => info.plan_context(size()),
        };
        let plan = plan(&file.workspace, &context, &file.source);
        warn(file.source.take_warnings());
        print!("{}", plan?.script(&context));
        Ok(())
    }

    /// The session that windows are added to, if any.
    fn append_to(&self, server: &Server) -> Result<Option<SessionId>, Failure> {
        if !self.append {
            return Ok(None);
        }
        let target = match (&self.target, surrounding_pane()) {
            (Some(target), _) => target.clone(),
            (None, Some(pane)) if is_surrounding(server) => pane,
            _ => {
                return Err(Failure::usage(
                    "-a adds to the current session, but this is none of that server's",
                )
                .hint("name the session: -a -t SESSION"));
            }
        };
        session_id(server, &target).map(Some)
    }

    fn load(
        &self,
        context: &Context,
        server: &Server,
        mut file: CheckedFile,
        last: bool,
        interrupted: &'static AtomicBool,
    ) -> Result<(), Failure> {
        let name = file.workspace.name.clone();
        let mut append_to = self.append_to(server)?;
        let mut destination = if last {
            self.destination(server)
        } else {
            Destination::Detached
        };
        if append_to.is_none() && destination == Destination::Switch && !self.yes {
            if ServerInfo::ask(server)?.is_some_and(|info| info.session(&name).is_some()) {
                return self.reattach(server, &file.workspace, destination);
            }
            let question = format!(
                "Inside tmux: switch to `{name}`, (a)ppend its windows here, or (n)either?"
            );
            match can_ask()
                .then(|| choose(&question, &['y', 'n', 'a']))
                .flatten()
            {
                Some('y') => {}
                Some('a') => {
                    append_to = surrounding_pane()
                        .map(|pane| session_id(server, &pane))
                        .transpose()?
                }
                _ => destination = Destination::Detached,
            }
        }
        let workspace = file.workspace.clone();
        let options = BuildOptions {
            size: size(),
            attaches: destination != Destination::Detached,
            ready_timeout: Duration::from_secs_f64(self.ready_timeout),
            append_to,
            skip_existing: self.skip_existing,
        };
        let mut shown = BarObserver::new(&name, self.no_progress, interrupted);
        let mut recordings = Recordings::new(context, interrupted);
        let builder = WorkspaceBuilder::new(
            server,
            file.workspace,
            options,
            &mut file.source,
            &mut shown,
            &mut recordings,
        );
        let built = builder.build();
        shown.finish();
        warn(file.source.take_warnings());
        for id in recordings.started() {
            eprintln!("recording {id}");
        }
        let Built {
            session,
            windows,
            panes,
            on_attach,
        } = match built {
            Ok(built) => built,
            Err(Error::SessionExists { .. }) => {
                return self.reattach(server, &workspace, destination);
            }
            Err(error @ Error::EndsUnattached { .. }) => {
                return Err(Failure::new(error)
                    .hint("load it in a terminal without -d, or set exit-unattached off"));
            }
            Err(error) => return Err(error.into()),
        };
        if append_to.is_some() {
            eprintln!("{} added", built_parts(windows, panes));
            return Ok(());
        }
        if destination == Destination::Detached {
            eprintln!(
                "session `{name}` is loaded: {}",
                built_parts(windows, panes)
            );
            server.run_whole_blocking(&on_attach.hooks()).1?;
            if !on_attach.options().is_empty() {
                eprintln!(
                    "it is kept until a client shows it; destroy-unattached holds from then on"
                );
            }
            eprintln!("attach to it with: {}", attach_line(server, session));
            return Ok(());
        }
        go_to(server, session, destination, on_attach.options()).inspect_err(|_| {
            // Once somebody does get there.
            let _ = server.run_whole_blocking(&on_attach.hooks());
        })
    }

    /// What happens once the session is there.
    fn destination(&self, server: &Server) -> Destination {
        if self.detached {
            Destination::Detached
        } else if is_surrounding(server) {
            Destination::Switch
        } else if Socket::surrounding().is_some()
            || !io::stdin().is_terminal()
            || !io::stdout().is_terminal()
        {
            // Nothing to attach, or a tmux inside another.
            Destination::Detached
        } else {
            Destination::Attach
        }
    }

    /// The session runs already: go there, if that is wanted.
    fn reattach(
        &self,
        server: &Server,
        workspace: &Workspace,
        destination: Destination,
    ) -> Result<(), Failure> {
        let name = &workspace.name;
        let question = format!("{name} is already running. Attach?");
        let wanted = match destination {
            Destination::Detached => false,
            _ if self.yes => true,
            _ => can_ask() && choose(&question, &['y', 'n']) == Some('y'),
        };
        let info = ServerInfo::ask(server)?;
        let session = info
            .as_ref()
            .and_then(|info| Some((info.pid, info.session(name)?)));
        let (Some((pid, session)), true) = (session, wanted) else {
            eprintln!("session `{name}` is running already");
            return Ok(());
        };
        run_reattach_hook(server, workspace, session, pid, &mut |line| {
            eprintln!("{line}")
        })?;
        go_to(server, session, destination, &Batch::new())
    }
}

/// The session that a target names.
fn session_id(server: &Server, target: &str) -> Result<SessionId, Failure> {
    let exact = match target.starts_with(['%', '$', '@', '=']) || target.contains(':') {
        true => target.to_owned(),
        false => format!("={target}:"),
    };
    match crate::tmux::resolve_blocking(server, &exact) {
        Ok(found) => Ok(found.session),
        Err(crate::tmux::Error::Missing { .. }) => {
            let failure = Failure::new(format!("there is no session `{target}`"));
            Err(failure.hint("`tmux ls` lists the sessions"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts the terminal into the session: this one, or the tmux client around.
/// Then runs `after`.
fn go_to(
    server: &Server,
    session: SessionId,
    destination: Destination,
    after: &Batch,
) -> Result<(), Failure> {
    let target = session.to_string();
    let mut batch = match destination {
        Destination::Detached => return Ok(()),
        Destination::Switch => Batch::of(["switch-client", "-t", &target]),
        Destination::Attach => Batch::of(["attach-session", "-t", &target]),
    };
    batch.append(after.clone());
    let mut command: Command = server.command(&batch);
    if destination == Destination::Switch {
        // tmux finds the client to switch by the pane around.
        for name in ["TMUX", "TMUX_PANE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let output = command.output()?;
        return match output.status.success() {
            true => Ok(()),
            false => Err(Failure::new(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            )),
        };
    }
    let status = command.stdin(std::process::Stdio::inherit()).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::new("tmux could not attach; the session is there")
            .hint(attach_line(server, session))),
    }
}

/// The command line that attaches to a session of this server.
fn attach_line(server: &Server, session: SessionId) -> String {
    let path = server.socket().path().to_string_lossy();
    let session = session.to_string();
    let mut words = vec!["tmux"];
    if *server.socket() != Socket::default_server() {
        words.extend(["-S", &path]);
    }
    words.extend(["attach", "-t", &session]);
    shell::join(words)
}

/// The size of the terminal: what `COLUMNS` and `LINES` say, else the terminal
/// itself. `None` where neither is there.
fn size() -> Option<Size> {
    let set = |name| {
        let value = std::env::var(name).ok()?.parse::<u32>().ok()?;
        (1..=10_000).contains(&value).then_some(value)
    };
    let (columns, rows) = (set("COLUMNS"), set("LINES"));
    let terminal = terminal_size::terminal_size();
    if terminal.is_none() && columns.is_none() && rows.is_none() {
        return None;
    }
    let (width, height) = terminal.map_or((80, 24), |(columns, rows)| {
        (u32::from(columns.0.max(1)), u32::from(rows.0.max(1)))
    });
    Some(Size {
        columns: columns.unwrap_or(width),
        rows: rows.unwrap_or(height),
    })
}

fn built_parts(windows: usize, panes: usize) -> String {
    format!(
        "{}, {}",
        counted(windows as u64, "window"),
        counted(panes as u64, "pane")
    )
}
