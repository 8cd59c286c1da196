//! The daemon: who records what, from the first start to the last stop.
//!
//! It owns the recordings and one watcher for each tmux server on which
//! something is recorded. It knows no HTTP and no process signals: a caller
//! starts it, asks it, and shuts it down; so tests run it in their own process.
//!
//! Invariant: a window has one recording at most, and what the daemon has put
//! into a tmux server (hooks, pipes, options) is gone when nothing there is
//! recorded any more.

mod auto;
mod capture;
mod carried;
mod casts;
mod command;
mod create;
mod destination;
mod earlier;
mod ended;
mod error;
mod events;
mod flashback;
mod helper;
mod interrupted;
mod journal;
mod list;
mod names;
mod needs;
mod pipes;
mod recording;
mod recovery;
mod registry;
mod returns;
mod rotation;
mod servers;
mod settings;
mod spec;
mod watcher;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::api;
use crate::cast::Micros;
use crate::clock::unix_seconds;
use crate::config::Config;
use crate::folders::Folders;
use crate::record::{Disks, RelayProgram};
use crate::tmux::{Server, Socket};
use crate::wording::chain;

pub use auto::auto_verdict;
pub use casts::{CastBytes, CastFile};
pub use create::Created;
pub use ended::recently_ended;
pub use error::{Error, Result};
pub use events::Feed;
pub use interrupted::interrupted;
pub use names::safe_filename;
pub use recording::{Lookout, is_withholding, withheld};
pub use rotation::SCREEN_VERB;

use auto::Auto;
use events::Events;
use pipes::Pipes;
use recording::{Command, Context, Handle, Updates};
use registry::{Counts, Registry};
use settings::Settings;

/// How long the first snapshot after a pause is waited for.
const RESUMED: Duration = Duration::from_secs(5);

/// The daemon. Clones are handles to the same one.
#[derive(Clone)]
pub struct Daemon {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    pipes: Arc<Pipes>,
    /// The folder in which the state of recordings outlives the daemon.
    kept: Option<Arc<Path>>,
    disks: Arc<Disks>,
    events: Arc<Events>,
    updates: Arc<Updates>,
    auto: Auto,
    folders: Folders,
    /// The tmux server that is meant where none is named.
    home: Socket,
    known: servers::Known,
    registry: Mutex<Registry>,
    /// Held while a recording is being created: two for one window must not be.
    creating: tokio::sync::Mutex<()>,
    /// Seconds since the Unix epoch.
    started: u64,
    /// How many recordings run, and how many have been asked for.
    counts: watch::Sender<Counts>,
}

impl Daemon {
    /// A daemon that records nothing yet. The folders must be prepared.
    #[must_use]
    pub fn new(config: Config, folders: Folders) -> Daemon {
        Daemon::serving((config, None), folders, Socket::default_server(), None)
    }

    /// The same, for this tmux server where a client names none. `relay` is the
    /// path of this program, which serves as the process between a pane and its
    /// FIFO too ([`crate::record::relay`]); without it `cat` does. The settings
    /// come with the file that they are read from again, the usual one without.
    #[must_use]
    pub fn serving(
        (config, file): (Config, Option<PathBuf>),
        folders: Folders,
        home: Socket,
        relay: Option<PathBuf>,
    ) -> Daemon {
        let relay = relay.map(|program| RelayProgram {
            program: Arc::from(program),
            bound: config.recording.max_held_bytes,
        });
        let kept = folders.prepare_kept().unwrap_or_else(|error| {
            tracing::warn!(
                error = chain(&error),
                "a kill would lose what waits to be written"
            );
            None
        });
        Daemon {
            shared: Arc::new(Shared {
                settings: Settings::new(config, file),
                pipes: Arc::new(Pipes::new(folders.clone(), relay)),
                kept: kept.map(Arc::from),
                disks: Arc::default(),
                events: Arc::new(Events::new()),
                updates: Arc::default(),
                auto: Auto::new(folders.state()),
                folders,
                home,
                known: servers::Known::default(),
                registry: Mutex::default(),
                creating: tokio::sync::Mutex::default(),
                started: unix_seconds(),
                counts: watch::Sender::new(Counts::default()),
            }),
        }
    }

    /// The settings it works with at present.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.shared.settings.now()
    }

    /// What a new recording is lent.
    fn context(&self) -> Context {
        Context {
            settings: self.shared.settings.watch(),
            config: self.config(),
            pipes: Arc::clone(&self.shared.pipes),
            kept: self.shared.kept.clone(),
            disks: Arc::clone(&self.shared.disks),
            events: Arc::clone(&self.shared.events),
            updates: Arc::clone(&self.shared.updates),
        }
    }

    /// The folders it works with.
    #[must_use]
    pub fn folders(&self) -> &Folders {
        &self.shared.folders
    }

    /// The tmux server at `socket`, or that which the daemon serves.
    #[must_use]
    pub fn tmux(&self, socket: Option<Socket>) -> Server {
        let socket = socket.unwrap_or_else(|| self.shared.home.clone());
        let config = self.config();
        let tmux = &config.tmux;
        Server::new(tmux.command.as_str(), socket).with_direct_queries(tmux.direct_queries)
    }

    /// What it says of itself.
    #[must_use]
    pub fn info(&self) -> api::ServerInfo {
        api::ServerInfo {
            status: api::ServerStatus::Running,
            pid: std::process::id(),
            recorders: self.registry().recordings.len(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: None,
            address_error: None,
            auth: self.config().server.auth,
            started: self.shared.started,
            returns_today: returns::today(self.shared.folders.state()),
        }
    }

    /// All recordings that run, by id.
    #[must_use]
    pub fn recordings(&self) -> Vec<api::Recording> {
        let mut all: Vec<api::Recording> = self
            .registry()
            .recordings
            .values()
            .map(|handle| handle.report.to_api())
            .collect();
        all.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        all
    }

    /// One recording: by its id, a window id that only one has (`@3`), or a
    /// tmux target.
    ///
    /// # Errors
    /// When none or several fit.
    pub async fn recording(&self, id: &str) -> Result<api::Recording> {
        Ok(self.find(id).await?.1.report.to_api())
    }

    /// Puts a marker into a recording, for the moment `ago` microseconds before now.
    ///
    /// # Errors
    /// When there is no such recording, or no room for a marker.
    pub async fn mark(&self, id: &str, label: &str, ago: Micros) -> Result<api::Recording> {
        let (recording, is_marked) = self
            .ask(id, |reply| Command::Mark(label.to_owned(), ago, reply))
            .await?;
        match is_marked {
            true => Ok(recording),
            false => Err(Error::NoRoom {
                id: recording.id,
                reason: recording.reason,
            }),
        }
    }

    /// Gives a recording another title. The cast's header gets it at the end:
    /// until then nothing before its last line changes.
    ///
    /// # Errors
    /// When there is no such recording.
    pub async fn set_title(&self, id: &str, title: &str) -> Result<api::Recording> {
        let (recording, _) = self
            .ask(id, |reply| Command::SetTitle(title.to_owned(), reply))
            .await?;
        Ok(recording)
    }

    /// Pauses a recording, for some seconds or until it is resumed. From the moment it
    /// returns not a byte is taken.
    ///
    /// # Errors
    /// When there is no such recording, or its command's process cannot be told.
    pub async fn pause(&self, id: &str, seconds: Option<u64>) -> Result<api::Recording> {
        let until = seconds.map(|seconds| unix_seconds() + seconds);
        let (recording, is_paused) = self.ask(id, |reply| Command::Pause(until, reply)).await?;
        match is_paused {
            true => Ok(recording),
            false => Err(Error::Invalid {
                message: format!(
                    "the process that runs {id} is of an older tvmux and cannot be paused"
                ),
            }),
        }
    }

    /// Goes on with a recording that is paused. Returns once all is recorded again,
    /// or when that takes long.
    ///
    /// # Errors
    /// When there is no such recording.
    pub async fn resume(&self, id: &str) -> Result<api::Recording> {
        let asked = self.ask(id, Command::Resume);
        match tokio::time::timeout(RESUMED, asked).await {
            Ok(answer) => Ok(answer?.0),
            // It goes on once it can.
            Err(_) => self.recording(id).await,
        }
    }

    /// Asks a recording for something; gives it as it is then, and the answer.
    async fn ask<T>(
        &self,
        id: &str,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<(api::Recording, T)> {
        let (_, handle) = self.find(id).await?;
        let (reply, answer) = oneshot::channel();
        let gone = || Error::NoRecording { id: id.to_owned() };
        let sent = handle.commands.send(command(reply));
        sent.await.map_err(|_| gone())?;
        let answer = answer.await.map_err(|_| gone())?;
        Ok((handle.report.to_api(), answer))
    }

    /// Saves what is kept of a recording of which only the last minutes are; all is
    /// kept from there on where it `goes_on`.
    ///
    /// # Errors
    /// When there is no such recording, all of it is kept, or nothing can be saved.
    pub async fn save(&self, id: &str, goes_on: bool) -> Result<api::RecordingSaved> {
        let (daemon, id) = (self.clone(), id.to_owned());
        // To its end, though whoever has asked goes away.
        let saved = tokio::spawn(async move { daemon.save_to_the_end(&id, goes_on).await });
        saved.await.expect("a save does not panic")
    }

    async fn save_to_the_end(&self, id: &str, goes_on: bool) -> Result<api::RecordingSaved> {
        let (_, handle) = self.find(id).await?;
        let id = handle.report.about().id.clone();
        let (_, saved) = self.ask(&id, |reply| Command::Save(goes_on, reply)).await?;
        let saved = saved.inspect_err(|error| {
            tracing::warn!(id, error = chain(error), "not saved");
        });
        if goes_on {
            let last = saved.as_ref().ok().and_then(|saved| saved.casts.last());
            let _ = handle.commands.send(Command::Saved(last.cloned())).await;
        }
        let saved = saved?;
        Ok(api::RecordingSaved {
            cast_path: saved.casts[0].clone(),
            parts: saved.casts.len(),
            bytes: saved.bytes,
            recording: handle.report.to_api(),
        })
    }

    /// Ends a recording. Returns when its cast is whole and on the disk.
    ///
    /// # Errors
    /// When there is no such recording.
    pub async fn stop(&self, id: &str) -> Result<api::Recording> {
        let (key, handle) = self.find(id).await?;
        if let Some((socket, window)) = key.window() {
            self.shared.auto.set_stopped(socket, window, true);
        }
        Ok(stop(handle).await)
    }

    /// Ends all recordings, and leaves every tmux server as it was.
    pub async fn shut_down(&self) {
        self.registry().is_closing = true;
        self.shared.auto.look_at_servers();
        self.events().close();
        // One that is being created is waited for, so that it is ended too.
        drop(self.shared.creating.lock().await);
        let handles: Vec<_> = self.registry().recordings.values().cloned().collect();
        let stops: Vec<_> = handles
            .into_iter()
            .map(|handle| tokio::spawn(stop(handle)))
            .collect();
        for stopped in stops {
            let _ = stopped.await;
        }
        let mut counts = self.shared.counts.subscribe();
        let _ = counts.wait_for(|counts| counts.running == 0).await;
        // Watchers go with their last recording, in a task of its own.
        loop {
            let watcher = self.registry().watchers.drain().next();
            let Some((_, watcher)) = watcher else { break };
            watcher.stop().await;
        }
    }

    /// Returns once something is recorded.
    pub async fn is_recording(&self) {
        let mut counts = self.shared.counts.subscribe();
        let _ = counts.wait_for(|counts| counts.running > 0).await;
    }

    /// Ends like [`Daemon::shut_down`], but leaves all recordings to another
    /// daemon: their pipes go on, and their casts are written up to here.
    pub async fn hand_over(&self) {
        self.registry().is_closing = true;
        self.shared.auto.look_at_servers();
        self.events().close();
        drop(self.shared.creating.lock().await);
        let handles: Vec<_> = self.registry().recordings.values().cloned().collect();
        for handle in &handles {
            let _ = handle.commands.send(Command::HandOver).await;
        }
        for handle in handles {
            let mut ended = handle.ended;
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    /// Nobody is about to ask for a recording: once none runs, [`Daemon::done`]
    /// returns.
    pub fn expect_nothing(&self) {
        drop(create::Asked(self));
    }

    /// Returns when a recording has been asked for and none runs: it has ended,
    /// or was refused; and no rules are followed. From then on nothing new is recorded: who asks for it is
    /// refused.
    pub async fn done(&self) {
        let is_done = |counts: &Counts| counts.asked > 0 && counts.running == 0 && !counts.is_auto;
        let mut counts = self.shared.counts.subscribe();
        loop {
            let _ = counts.wait_for(is_done).await;
            // One that is being created is not given up.
            let _creating = self.shared.creating.lock().await;
            if is_done(&counts.borrow()) {
                self.registry().is_closing = true;
                return;
            }
        }
    }
}

async fn stop(handle: Handle) -> api::Recording {
    // An error means that it is about to end by itself.
    let _ = handle.commands.send(Command::Stop).await;
    let mut ended = handle.ended.clone();
    let _ = ended.wait_for(|ended| *ended).await;
    handle.report.to_api()
}
