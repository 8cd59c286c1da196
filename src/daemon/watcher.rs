//! Watches a tmux server: one waiting client, woken by hooks.
//!
//! The client prints the server's state and then waits for a signal that hooks
//! give; state and wait are one invocation, so nothing that happens between
//! them is missed, and a signal too many only costs a look. (Between two clients it
//! would be: tmux remembers one signal, and forgets it again with the second.) What no hook
//! announces is seen by a slow look of its own, and sooner where a recorded pane
//! prints: whoever types a command sees its letters, and most programs draw
//! themselves again when their pane has another size. There is a watcher only
//! while something on the server is recorded, a client listens to its events, or
//! rules say what is recorded there.

use std::future::pending;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::events::Events;
use crate::record;
use crate::tmux::{self, Batch, Server, ServerState, StateQuery, Version, hooks};

/// How often the server is looked at though no hook has called. A look wakes
/// this process seven times; idle recordings shall cost one wake-up a second.
const SLOW_LOOK: Duration = Duration::from_secs(10);

/// A look that output asks for comes after this time, so that what the output
/// tells of has happened …
const SETTLE: Duration = Duration::from_millis(400);
/// … and not more often than this.
const SOON: Duration = Duration::from_millis(900);

/// How long a busy server may take before it is asked in the usual way.
const PATIENCE: Duration = Duration::from_secs(1);

/// A server that did not answer is asked again after this.
const RETRY: Duration = Duration::from_millis(200);

/// What is known of a server.
#[derive(Clone, Debug)]
pub(super) enum View {
    Unknown,
    /// It was like this when it was last looked at.
    Live(Arc<ServerState>),
    Gone,
}

/// What somebody wants to know of a server beside windows that come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// Other names, at once.
    pub(super) names: bool,
    /// What no hook announces, by and by.
    pub(super) looks: bool,
}

/// A watched server. Dropping the last handle ends the watch.
#[derive(Debug)]
pub(super) struct Watcher {
    view: watch::Receiver<View>,
    look: Arc<Notify>,
    look_soon: Arc<LookSoon>,
    stop: Arc<Notify>,
    stopped: watch::Receiver<bool>,
    needs: Arc<Wanted>,
}

/// What is wanted of a watch beside windows that come and go.
#[derive(Debug)]
struct Wanted {
    /// Hooks that tell of other names.
    names: AtomicBool,
    /// Slow looks.
    looks: AtomicBool,
}

/// Asks for a look; more than once until it is made counts as once.
#[derive(Debug, Default)]
struct LookSoon {
    is_wanted: AtomicBool,
    wanted: Notify,
}

impl Watcher {
    /// Starts to watch a server; what changes there is noted in `events`.
    pub(super) fn start(server: Server, version: Version, events: Arc<Events>) -> Watcher {
        let (sender, view) = watch::channel(View::Unknown);
        let (stopped_sender, stopped) = watch::channel(false);
        let look = Arc::new(Notify::new());
        let look_soon = Arc::new(LookSoon::default());
        let stop = Arc::new(Notify::new());
        let needs = Arc::new(Wanted {
            names: AtomicBool::new(false),
            looks: AtomicBool::new(true),
        });
        let task = Task {
            query: StateQuery::new(version),
            server,
            version,
            view: sender,
            look: Arc::clone(&look),
            look_soon: Arc::clone(&look_soon),
            stop: Arc::clone(&stop),
            needs: Arc::clone(&needs),
            has_names: false,
            last_look: Instant::now(),
            soon: None,
            hidden: 0,
            woken: (Instant::now(), 0),
            events,
        };
        tokio::spawn(async move {
            task.run().await;
            stopped_sender.send_replace(true);
        });
        Watcher {
            view,
            look,
            look_soon,
            stop,
            stopped,
            needs,
        }
    }

    /// Sets what is wanted: that other names are seen at once, and that what no
    /// hook announces is seen by a slow look. Without that an idle server wakes
    /// nobody.
    pub(super) fn tell(&self, need: Need) {
        let differs = |flag: &AtomicBool, wanted| flag.swap(wanted, Ordering::Relaxed) != wanted;
        let names = differs(&self.needs.names, need.names);
        let looks = differs(&self.needs.looks, need.looks);
        if names || looks {
            self.look.notify_one();
        }
    }

    /// The server's state, as it changes.
    pub(super) fn view(&self) -> watch::Receiver<View> {
        self.view.clone()
    }

    /// Whether the server is gone, so that the watch has ended.
    pub(super) fn is_over(&self) -> bool {
        *self.stopped.borrow() || matches!(&*self.view.borrow(), View::Gone)
    }

    /// Asks for a look at the server now.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    /// Asks for a look within a second. Cheap enough for each piece of output.
    pub(super) fn look_soon(&self) {
        if !self.look_soon.is_wanted.swap(true, Ordering::Relaxed) {
            self.look_soon.wanted.notify_one();
        }
    }

    /// Ends the watch and removes the hooks.
    pub(super) async fn stop(&self) {
        self.stop.notify_one();
        let mut stopped = self.stopped.clone();
        // An error means that the task is gone: just as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

struct Task {
    server: Server,
    version: Version,
    query: StateQuery,
    view: watch::Sender<View>,
    look: Arc<Notify>,
    look_soon: Arc<LookSoon>,
    stop: Arc<Notify>,
    needs: Arc<Wanted>,
    /// Whether hooks for names are there.
    has_names: bool,
    last_look: Instant,
    /// When output wants a look.
    soon: Option<Instant>,
    /// How many hooks seem to be missing though they are installed: others of a
    /// session or window hide them.
    hidden: usize,
    /// When stopped pipe processes were last looked for, and from which one on
    /// they are the next time.
    woken: (Instant, usize),
    events: Arc<Events>,
}

/// Why a waiting client is no longer waited for.
enum Woken {
    Signal,
    Stop,
    Failed,
}

impl Task {
    async fn run(mut self) {
        let mut first = true;
        loop {
            // Sooner than through the client that waits, which is only started
            // then.
            let is_fresh = !first && self.read(true).await;
            match self.wait_once(first, !is_fresh).await {
                Woken::Signal => first = false,
                Woken::Stop => break,
                Woken::Failed => {
                    // Is the server gone, or was only the client killed?
                    let install = self.install();
                    if let Err(error) = self.ask(install).await {
                        let socket = self.server.socket().path().display();
                        tracing::info!(%socket, %error, "the tmux server is gone");
                        self.events.gone(self.server.socket().path());
                        self.view.send_replace(View::Gone);
                        return;
                    }
                    let stop = self.stop.notified();
                    if tokio::time::timeout(RETRY, stop).await.is_ok() {
                        break;
                    }
                }
            }
        }
        // Fails when the server is gone, and the hooks with it.
        let _ = self.server.run(&hooks::remove(self.version)).await;
    }

    /// Asks for the state without a process, where that can be. Returns
    /// whether it is known now.
    async fn read(&mut self, always: bool) -> bool {
        if !self.server.answers_directly(self.version) {
            return false;
        }
        let query = self.query.batch();
        let answer = self.server.ask(self.version, &query);
        // One that hangs must not hold up a stop.
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => self.publish(&answer, always),
            _ => false,
        }
    }

    /// Lets a client print the state, handed on if not `always` only where it has
    /// changed, and wait for a signal.
    async fn wait_once(&mut self, with_hooks: bool, always: bool) -> Woken {
        let mut batch = if with_hooks {
            self.install()
        } else {
            Batch::new()
        };
        batch.append(self.query.batch());
        batch.append(hooks::wait());
        let mut command = self.server.command(&batch);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        // SAFETY: prctl is async-signal-safe and touches no memory.
        unsafe {
            command.pre_exec(|| {
                // A daemon that is killed must not leave its client behind.
                nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
                Ok(())
            });
        }
        let Ok(mut client) = command.spawn() else {
            return Woken::Failed;
        };
        let Some(output) = client.stdout.take() else {
            return Woken::Failed;
        };
        let woken = self.follow(&mut client, output, always).await;
        if !matches!(woken, Woken::Signal) {
            // The client is let go by a signal, not killed: tmux keeps a
            // waiting client that was killed until the next signal.
            let _ = self.server.run(&hooks::wake()).await;
            if tokio::time::timeout(RETRY, client.wait()).await.is_err() {
                let _ = client.kill().await;
            }
        }
        woken
    }

    async fn follow(&mut self, client: &mut Child, mut output: ChildStdout, always: bool) -> Woken {
        let mut answer = Vec::with_capacity(4096);
        let mut is_read = false;
        loop {
            if self.missing_hooks() != self.hidden && self.bring_hooks_back().await.is_err() {
                return Woken::Failed;
            }
            tokio::select! {
                count = output.read_buf(&mut answer), if !is_read => {
                    is_read = matches!(count, Ok(0) | Err(_));
                    if self.publish(&answer, always) {
                        is_read = true;
                        answer = Vec::new();
                    }
                }
                status = client.wait() => {
                    return match status {
                        Ok(status) if status.success() => Woken::Signal,
                        _ => Woken::Failed,
                    };
                }
                () = self.stop.notified() => return Woken::Stop,
                () = self.look.notified() => {
                    let names = self.settle_names();
                    if self.ask(names).await.is_err() {
                        return Woken::Failed;
                    }
                }
                () = self.look_soon.wanted.notified() => {
                    self.soon = Some((Instant::now() + SETTLE).max(self.last_look + SOON));
                }
                () = at(self.next_look()) => {
                    if self.soon.take().is_some() {
                        self.look_soon.is_wanted.store(false, Ordering::Relaxed);
                    }
                    self.wake_relays().await;
                    if !self.read(false).await && self.ask(Batch::new()).await.is_err() {
                        return Woken::Failed;
                    }
                }
            }
        }
    }

    /// When the server is looked at though no hook calls.
    fn next_look(&self) -> Option<Instant> {
        let wants_slow = self.needs.looks.load(Ordering::Relaxed);
        let slow = wants_slow.then(|| self.last_look + SLOW_LOOK);
        self.soon.into_iter().chain(slow).min()
    }

    /// Pipe processes that are stopped deliver nothing, and nobody else would
    /// notice.
    async fn wake_relays(&mut self) {
        let (last, from) = self.woken;
        let server = match &*self.view.borrow() {
            View::Live(state) if last.elapsed() >= SLOW_LOOK => state.identity.pid,
            View::Live(_) | View::Unknown | View::Gone => return,
        };
        let wake = tokio::task::spawn_blocking(move || record::wake_relays(server, from));
        self.woken = (Instant::now(), wake.await.unwrap_or(0));
    }

    /// How many hooks are missing, as far as is known.
    fn missing_hooks(&self) -> usize {
        match &*self.view.borrow() {
            View::Live(state) => state.missing_hooks,
            View::Unknown | View::Gone => self.hidden,
        }
    }

    /// Installs hooks that something has wiped.
    async fn bring_hooks_back(&mut self) -> tmux::Result<()> {
        let install = self.install();
        self.ask(install).await?;
        self.hidden = self.missing_hooks();
        Ok(())
    }

    /// All hooks that are wanted.
    fn install(&mut self) -> Batch {
        let names = self.settle_names();
        let mut batch = Batch::new();
        if self.has_names {
            batch.append(hooks::install_names());
        } else {
            batch.append(names);
        }
        batch.append(hooks::install(self.version));
        batch
    }

    /// What brings the hooks for names about, or away.
    fn settle_names(&mut self) -> Batch {
        let wanted = self.needs.names.load(Ordering::Relaxed);
        match (std::mem::replace(&mut self.has_names, wanted), wanted) {
            (false, true) => hooks::install_names(),
            (true, false) => hooks::remove_names(),
            _ => Batch::new(),
        }
    }

    /// Runs `batch` and asks for the state once, beside the waiting client.
    async fn ask(&mut self, mut batch: Batch) -> tmux::Result<()> {
        batch.append(self.query.batch());
        let answer = self.server.run(&batch).await?;
        if self.publish(&answer, true) {
            return Ok(());
        }
        Err(tmux::Error::Unexpected {
            what: "a state without an end".into(),
        })
    }

    /// Hands on a state that is there as a whole, and if not `always`, only where
    /// it has changed; `false` before it is there.
    fn publish(&mut self, answer: &[u8], always: bool) -> bool {
        let Some(state) = self.query.parse(answer).transpose() else {
            return false;
        };
        self.last_look = Instant::now();
        let state = match state {
            Ok(state) => state,
            Err(error) => {
                tracing::warn!(%error, "a state that cannot be read");
                return true;
            }
        };
        let has_changed = match &*self.view.borrow() {
            View::Live(before) => {
                let socket = self.server.socket().path();
                self.events.compare(socket, before, &state);
                **before != state
            }
            View::Unknown | View::Gone => true,
        };
        if always || has_changed {
            self.view.send_replace(View::Live(Arc::new(state)));
        }
        true
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
