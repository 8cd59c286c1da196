//! What is recorded without being asked for: the rules of `[[auto]]`.
//!
//! 1. `tvmux auto on` is kept in the state folder; so the next daemon follows the
//!    rules too, and a daemon that was started on demand stays.
//! 2. Watched are the default tmux server, those for which `auto on` was said, and
//!    those on which something is recorded: one task each ([`watched`]), and only
//!    while a rule records anything.
//! 3. A server that is not there is waited for by a watch of its socket's folder
//!    ([`folder`]); one that is, by the waiting client and the hooks that recordings
//!    have anyway, without its slow looks. Nothing is polled.
//! 4. When its state has changed, windows that are not recorded are looked at: the
//!    rules ([`rules`]) are asked again only where what they look at has changed.
//! 5. Programs and folders are asked for only where a rule looks at them.
//! 6. A window that no look has seen before is new: its recording begins with what
//!    tmux has in its history, so with all that it has printed.
//! 7. A recording goes on until its window ends, whatever the rules come to say.
//! 8. A recording that was stopped by hand is not begun again ([`kept`]).
//! 9. A start that fails is tried again when something about the window changes.
//! 10. What a rule has begun is a recording like any other: recovery, rotation and
//!     the rest know nothing of rules.

mod folder;
mod kept;
mod rules;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::{Daemon, Result, create};
use crate::api;
use crate::config::AutoRule;
use crate::tmux::{self, Server, Socket, WindowId};
use kept::Kept;

/// How long `auto on` waits at most until all servers are looked for: one whose socket
/// is there and that does not answer is tried for a second and a half.
const LOOKED_FOR: Duration = Duration::from_secs(5);

/// The rules of a daemon, as far as they are followed.
pub(super) struct Auto {
    state: Arc<Path>,
    kept: Mutex<Kept>,
    /// Whether a server is there, for each socket at which one was looked for.
    live: watch::Sender<BTreeMap<Socket, bool>>,
    /// Which servers are watched may have changed.
    changed: watch::Sender<()>,
}

impl Auto {
    /// The rules as a daemon before has left them.
    pub(super) fn new(state: &Path) -> Auto {
        Auto {
            state: Arc::from(state),
            kept: Mutex::new(Kept::read(state)),
            live: watch::Sender::default(),
            changed: watch::Sender::default(),
        }
    }

    /// Something is recorded on another server, or no more.
    pub(super) fn look_at_servers(&self) {
        self.changed.send_replace(());
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|error| error.into_inner())
    }

    /// Changes what is kept; gives what the change gives. Written where it differs.
    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.kept();
        let before = kept.clone();
        let given = change(&mut kept);
        if *kept != before {
            // A small file that is not synced; in the order of the changes.
            kept.write(&self.state);
        }
        given
    }

    /// Somebody has stopped a recording, or has started one, by hand.
    pub(super) fn set_stopped(&self, socket: &Socket, window: WindowId, is_stopped: bool) {
        self.change(|kept| kept.set_stopped(socket, window, is_stopped));
    }
}

impl Daemon {
    /// Follows the rules if the daemon before did. To be called once, after
    /// [`Daemon::recover`].
    pub fn resume_auto(&self) {
        let daemon = self.clone();
        self.count_auto();
        tokio::spawn(async move { watched::supervise(daemon).await });
    }

    /// Follows the rules from now on, on this tmux server too; or no more. Returns once
    /// it is known which servers are there and what is recorded on them, after five
    /// seconds at most.
    pub async fn set_auto(&self, on: bool, socket: Option<Socket>) -> api::Auto {
        self.shared.auto.change(|kept| {
            if on {
                kept.on = true;
                let default = Socket::default_server();
                let named = socket.filter(|socket| *socket != default);
                kept.sockets
                    .extend(named.map(|socket| socket.path().to_owned()));
            } else {
                kept.turn_off();
            }
        });
        self.count_auto();
        // One that was started for this ends when nothing keeps it.
        drop(create::Asked(self));
        self.shared.auto.look_at_servers();
        let wanted = self.auto_sockets();
        let mut live = self.shared.auto.live.subscribe();
        let is_known = live.wait_for(|live| wanted.iter().all(|it| live.contains_key(it)));
        // Who never answers is waited for.
        let _ = timeout(LOOKED_FOR, is_known).await;
        self.auto()
    }

    /// Whether the rules are followed, and where.
    #[must_use]
    pub fn auto(&self) -> api::Auto {
        let auto = &self.shared.auto;
        let sockets = self.auto_sockets();
        let kept = auto.kept();
        let live = auto.live.borrow();
        let server = |socket: Socket| api::AutoServer {
            live: live.get(&socket).copied().unwrap_or_default(),
            recorded: self.registry().windows_on(&socket).len(),
            stopped: kept
                .stopped(&socket)
                .iter()
                .map(ToString::to_string)
                .collect(),
            socket: socket.path().to_owned(),
        };
        api::Auto {
            on: kept.on,
            rules: self.config().auto.len(),
            servers: sockets.into_iter().map(server).collect(),
        }
    }

    /// What the rules say of a window, and why.
    ///
    /// # Errors
    /// When there is no such window or tmux server.
    pub async fn auto_verdict(
        &self,
        socket: Option<Socket>,
        window: WindowId,
    ) -> Result<api::AutoVerdict> {
        let tmux = self.control(socket).await?;
        Ok(auto_verdict(&self.config().auto, tmux.server(), &window.to_string()).await?)
    }

    /// The sockets of the servers on which the rules are followed now.
    fn auto_sockets(&self) -> BTreeSet<Socket> {
        let mut sockets = BTreeSet::new();
        let kept = self.shared.auto.kept();
        if kept.on && rules::record_anything(&self.config().auto) {
            sockets.insert(Socket::default_server());
            sockets.extend(kept.sockets.iter().map(Socket::at));
            sockets.extend(self.registry().sockets());
        }
        sockets
    }

    /// Whether windows of this server are recorded by rules also once another
    /// server process has taken its place.
    fn is_auto_asked(&self, socket: &Socket) -> bool {
        let is_named = |path: &PathBuf| path == socket.path();
        *socket == Socket::default_server() || self.shared.auto.kept().sockets.iter().any(is_named)
    }

    /// A daemon that follows rules does not end with its last recording.
    fn count_auto(&self) {
        let is_auto = self.shared.auto.kept().on;
        let counts = &self.shared.counts;
        counts
            .send_if_modified(|counts| std::mem::replace(&mut counts.is_auto, is_auto) != is_auto);
    }
}

/// What these rules say of the window that `target` names, and why.
///
/// # Errors
/// When there is none.
pub async fn auto_verdict(
    rules: &[AutoRule],
    server: &Server,
    target: &str,
) -> tmux::Result<api::AutoVerdict> {
    let window = tmux::resolve(server, target).await?.window;
    let version = server.version().await?;
    let facts = watched::facts_of(server, version, window).await?;
    Ok(rules::verdict(rules, window, facts))
}
