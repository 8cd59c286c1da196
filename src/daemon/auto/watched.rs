//! The tmux servers on which rules are followed: one task each.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::folder::SocketFolder;
use super::rules::{self, WindowFacts};
use crate::config::{AutoRecord, AutoRule, Config};
use crate::daemon::watcher::{Need, View};
use crate::daemon::{Daemon, Error};
use crate::tmux::{self, Batch, Control, Fields, Server, ServerState, Socket, Version, WindowId};
use crate::wording::chain;

/// A socket appears before its server answers: how long it is waited for between
/// tries, in milliseconds.
const TRIES: [u64; 6] = [0, 10, 30, 100, 300, 1000];

/// A window that is new is looked at again after this where a rule looks at
/// programs: its shell has been started, or its command, and no hook tells so.
const SETTLE: Duration = Duration::from_millis(400);

/// Has a task for each server that the rules are followed on, and no other.
pub(super) async fn supervise(daemon: Daemon) {
    let mut changed = daemon.shared.auto.changed.subscribe();
    let mut settings = daemon.watch_settings();
    // A task ends when its sender is gone.
    let mut tasks: BTreeMap<Socket, watch::Sender<()>> = BTreeMap::new();
    while !daemon.registry().is_closing {
        changed.mark_unchanged();
        settings.mark_unchanged();
        let wanted = daemon.auto_sockets();
        tasks.retain(|socket, stop| wanted.contains(socket) && !stop.is_closed());
        for socket in wanted {
            tasks.entry(socket).or_insert_with_key(|socket| {
                let (sender, stop) = watch::channel(());
                tokio::spawn(watch_socket(daemon.clone(), socket.clone(), stop));
                sender
            });
        }
        tokio::select! {
            told = changed.changed() => if told.is_err() { return },
            told = settings.changed() => if told.is_err() { return },
        }
    }
}

/// Watches a socket, and forgets what is known of it in the end.
async fn watch_socket(daemon: Daemon, socket: Socket, stop: watch::Receiver<()>) {
    follow_servers(&daemon, &socket, stop).await;
    daemon.shared.auto.live.send_modify(|live| {
        live.remove(&socket);
    });
}

/// Follows rules on whatever server is at a socket; ends with it where nobody has asked
/// for the next one.
async fn follow_servers(daemon: &Daemon, socket: &Socket, mut stop: watch::Receiver<()>) {
    let live = &daemon.shared.auto.live;
    let set_live = |is_live| {
        live.send_if_modified(|live| live.insert(socket.clone(), is_live) != Some(is_live));
    };
    let mut folder = SocketFolder::watch(socket)
        .inspect_err(|error| {
            let socket = socket.path().display();
            tracing::info!(%socket, %error, "the next tmux server here will not be noticed");
        })
        .ok();
    loop {
        let reached = tokio::select! {
            reached = reach(daemon, socket) => reached,
            _ = stop.changed() => return,
        };
        let mut followed = None;
        if let Some(tmux) = reached {
            // Once its windows were looked at, it is known which are recorded.
            followed = Some(follow(daemon, &tmux, &mut stop, &|| set_live(true)).await);
        }
        set_live(false);
        match followed {
            Some(Followed::ServerGone) if !daemon.is_auto_asked(socket) => return,
            Some(Followed::Stopped) => return,
            Some(Followed::ServerGone) | None => {}
        }
        tokio::select! {
            appeared = appeared(&mut folder) => if let Err(error) = appeared {
                tracing::warn!(%error, "a tmux server may come unnoticed");
                folder = None;
            },
            _ = stop.changed() => return,
        }
    }
}

async fn appeared(folder: &mut Option<SocketFolder>) -> std::io::Result<()> {
    match folder {
        Some(folder) => folder.appeared().await,
        None => pending().await,
    }
}

/// The server at a socket; none where none answers.
async fn reach(daemon: &Daemon, socket: &Socket) -> Option<Control> {
    for wait in TRIES {
        sleep(Duration::from_millis(wait)).await;
        match daemon.control(Some(socket.clone())).await {
            Ok(tmux) => return Some(tmux),
            Err(Error::NoSocket { .. }) => return None,
            Err(Error::Tmux(tmux::Error::NoServer { .. })) if !socket.path().exists() => {
                return None;
            }
            Err(Error::Tmux(tmux::Error::NoServer { .. })) => {}
            Err(error) => {
                let socket = socket.path().display();
                tracing::warn!(%socket, error = chain(&error), "no rules are followed here");
                return None;
            }
        }
    }
    None
}

enum Followed {
    ServerGone,
    Stopped,
}

/// Records what the rules want of a server, until it is gone; tells `has_looked` when
/// that has begun.
async fn follow(
    daemon: &Daemon,
    tmux: &Control,
    stop: &mut watch::Receiver<()>,
    has_looked: &(dyn Fn() + Sync),
) -> Followed {
    let mut settings = daemon.watch_settings();
    loop {
        let config = Arc::clone(&settings.borrow_and_update());
        let need = Need {
            names: rules::look_at_names(&config.auto),
            looks: false,
        };
        let Ok((watcher, _listener)) = daemon.join_watch(tmux, need).await else {
            return Followed::Stopped;
        };
        let mut view = watcher.view();
        let mut windows = Windows::new(daemon, tmux, config);
        let mut again = None;
        // Until the rules change.
        loop {
            let state = match &*view.borrow_and_update() {
                View::Live(state) => Some(Arc::clone(state)),
                View::Gone => return Followed::ServerGone,
                View::Unknown => None,
            };
            if let Some(state) = state {
                let has_new = windows.look(&state).await;
                has_looked();
                if has_new {
                    again = Some(Instant::now() + SETTLE);
                }
            }
            tokio::select! {
                told = view.changed() => if told.is_err() {
                    return Followed::ServerGone;
                },
                () = at(again) => again = None,
                _ = settings.changed() => break,
                _ = stop.changed() => return Followed::Stopped,
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// A window that is not recorded, as it was when the rules were asked.
struct Asked {
    facts: WindowFacts,
    /// Another program's pipe keeps it from being recorded.
    is_piped: bool,
    /// When it was seen first, if no look has seen it before.
    new_since: Option<Instant>,
}

/// The windows of a server, as the rules see them.
struct Windows<'a> {
    daemon: &'a Daemon,
    tmux: &'a Control,
    config: Arc<Config>,
    looks_at_panes: bool,
    /// Those that are not recorded.
    asked: HashMap<WindowId, Asked>,
}

impl<'a> Windows<'a> {
    fn new(daemon: &'a Daemon, tmux: &'a Control, config: Arc<Config>) -> Windows<'a> {
        Windows {
            daemon,
            tmux,
            looks_at_panes: rules::look_at_panes(&config.auto),
            config,
            asked: HashMap::new(),
        }
    }

    /// Begins to record what the rules say; gives whether to look again
    /// in a moment.
    async fn look(&mut self, state: &ServerState) -> bool {
        let socket = self.tmux.server().socket();
        let auto = &self.daemon.shared.auto;
        let (first_new, stopped) = auto.change(|kept| {
            // A daemon that no longer follows rules notes nothing.
            let first_new = match kept.on {
                true => kept.see(socket, state),
                false => u32::MAX,
            };
            (first_new, kept.stopped(socket))
        });
        let recorded = self.daemon.registry().windows_on(socket);
        let mut facts = facts_in(state);
        self.asked.retain(|window, _| facts.contains_key(window));
        facts.retain(|window, _| !recorded.contains(window) && !stopped.contains(window));
        if facts.is_empty() {
            return false;
        }
        if self.looks_at_panes {
            let (server, version) = (self.tmux.server(), self.tmux.version());
            match panes(server, version).await {
                Ok(panes) => add_panes(&mut facts, panes),
                Err(error) => tracing::info!(%error, "tmux does not tell what runs"),
            }
        }
        let mut has_new = false;
        for (window, (facts, is_piped)) in facts {
            let before = self.asked.get(&window);
            let is_same = |before: &&Asked| before.facts == facts && before.is_piped == is_piped;
            if before.filter(is_same).is_some() {
                continue;
            }
            let new_since = match before {
                Some(before) => before
                    .new_since
                    .filter(|since| since.elapsed() < 2 * SETTLE),
                None => (window.0 >= first_new).then(Instant::now),
            };
            has_new |= before.is_none() && new_since.is_some();
            let rule = rules::first(&self.config.auto, &facts);
            let is_begun = match rule.filter(|rule| rule.record != AutoRecord::No) {
                Some(rule) => self.begin(window, rule, new_since.is_some()).await,
                None => false,
            };
            match is_begun {
                true => self.asked.remove(&window),
                false => self.asked.insert(
                    window,
                    Asked {
                        facts,
                        is_piped,
                        new_since,
                    },
                ),
            };
        }
        has_new && self.looks_at_panes
    }

    /// Begins to record a window; gives whether it is recorded.
    async fn begin(&self, window: WindowId, rule: &AutoRule, is_new: bool) -> bool {
        let begin = || self.daemon.create_by_rule(self.tmux, window, rule, is_new);
        let begun = match begin().await {
            // Moved to another session while it was looked for.
            Err(Error::NoWindow { .. }) => begin().await,
            begun => begun,
        };
        match begun {
            Ok(()) => true,
            Err(error) => {
                let error = chain(&error);
                tracing::info!(%window, error, line = rule.line, "a rule records nothing");
                false
            }
        }
    }
}

type FactsByWindow = BTreeMap<WindowId, (WindowFacts, bool)>;

/// What a state tells of its windows.
fn facts_in(state: &ServerState) -> FactsByWindow {
    let mut all = FactsByWindow::new();
    for pane in &state.panes {
        let (facts, is_piped) = all.entry(pane.window).or_default();
        if !facts.sessions.contains(&pane.session_name) {
            facts.sessions.push(pane.session_name.clone());
        }
        facts.window.clone_from(&pane.window_name);
        *is_piped |= pane.is_active && pane.is_piped;
    }
    all
}

/// What runs in the active panes of all windows, and where.
async fn panes(server: &Server, version: Version) -> tmux::Result<Vec<(WindowId, String, String)>> {
    let fields = Fields::new(version)
        .plain(["window_id", "pane_active"])
        .text(["pane_current_command", "pane_current_path"]);
    let ask = Batch::of(["list-panes", "-a", "-F", fields.format()]);
    let answer = server.ask(version, &ask).await?;
    let mut all = Vec::new();
    for mut row in fields.parse(&answer)? {
        let (window, is_active) = (row.get()?, row.flag());
        if is_active {
            all.push((window, row.text(), row.text()));
        }
    }
    Ok(all)
}

fn add_panes(all: &mut FactsByWindow, panes: Vec<(WindowId, String, String)>) {
    for (window, command, folder) in panes {
        if let Some((facts, _)) = all.get_mut(&window) {
            (facts.command, facts.folder) = (command, folder);
        }
    }
}

/// What the rules would look at in one window.
pub(super) async fn facts_of(
    server: &Server,
    version: Version,
    window: WindowId,
) -> tmux::Result<WindowFacts> {
    let query = tmux::StateQuery::new(version);
    let answer = server.ask(version, &query.batch()).await?;
    let state = query.parse(&answer)?;
    let mut all = state.as_ref().map(facts_in).unwrap_or_default();
    all.retain(|found, _| *found == window);
    add_panes(&mut all, panes(server, version).await?);
    let missing = || tmux::Error::Missing {
        kind: tmux::ObjectKind::Window,
        target: window.to_string(),
    };
    let (_, (facts, _)) = all.pop_first().ok_or_else(missing)?;
    Ok(facts)
}
