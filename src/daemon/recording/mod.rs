//! One recording: the task that owns its streams, its recorder and its file.
//!
//! ```text
//!              another pane, size or process          answer
//!  [streaming] ------------------------------> [switching] ----> [streaming]
//!     |  ^                                      old stream goes on     |
//!     |  `--- the other's pipe ends, space is back: a new snapshot ----|
//!     |                                                                |
//!     `-- window, pane or server gone; stop -----> [finished] <--------'
//! ```
//!
//! What should be captured is never deduced from events: each time the
//! server's state arrives, it is compared with what is being captured, and the
//! difference is acted on.
//!
//! Invariants: draining waits neither for the disk nor for tmux; a snapshot
//! stands wherever a stream begins; a gap has a marker before the snapshot
//! that ends it.

mod alarm;
mod finish;
mod follow;
mod input;
mod process;
mod report;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use self::alarm::Alarm;
use self::process::Process;
use super::events::Events;
use super::journal::{Journal, JournalFile};
use super::pipes::Pipes;
use super::watcher::{View, Watcher};
use crate::api;
use crate::cast::{Header, Micros};
use crate::clock::unix_seconds;
use crate::config::Config;
use crate::record::{
    AttachError, Attached, DiskFile, DiskSink, Disks, Intake, Intervals, Recorder, Stream,
};
use crate::tmux::{PaneId, Server, ServerIdentity, Snapshot, Version, WindowId};

/// A pipe is replaced when its pane has printed nothing for so long, since
/// tmux drops what it has not delivered …
const QUIET: Duration = Duration::from_millis(5);
/// … and at the latest after this.
const PATIENCE: Duration = Duration::from_millis(60);

/// How long the end of a pipe that is off is waited for.
const REST: Duration = Duration::from_secs(5);

/// The pipe of a pane whose program has ended stays open, and tmux refuses to
/// turn it off. tmux itself has delivered all by then; the pipe process has
/// when nothing has come for so long.
const DEAD_QUIET: Duration = Duration::from_millis(50);

/// What a recording is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) server: Server,
    pub(super) version: Version,
    pub(super) identity: ServerIdentity,
    pub(super) window: WindowId,
    /// The one pane, where the active one is not followed.
    pub(super) pane: Option<PaneId>,
    /// The cast's header but for size and time.
    pub(super) header: Header,
}

/// What the daemon lends to its recordings.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) pipes: Arc<Pipes>,
    pub(super) disks: Arc<Disks>,
    pub(super) events: Arc<Events>,
}

impl Context {
    /// What a snapshot puts into a cast, by the settings.
    pub(super) fn paint(&self, snapshot: Snapshot) -> Vec<u8> {
        let mut painted = Vec::new();
        if self.config.annotations.include_cursor_state {
            snapshot.paint(&mut painted);
        } else {
            snapshot.with_plain_cursor().paint(&mut painted);
        }
        painted
    }
}

/// What a client asks of a running recording.
pub(super) enum Command {
    Mark(String, oneshot::Sender<()>),
    Stop,
}

/// A running recording, from outside.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) info: Arc<Mutex<api::Recording>>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) ended: watch::Receiver<bool>,
}

/// Everything that a recording starts with.
pub(super) struct Start {
    pub(super) context: Context,
    pub(super) subject: Subject,
    pub(super) watcher: Arc<Watcher>,
    pub(super) info: api::Recording,
    pub(super) journal: (Journal, JournalFile),
    pub(super) recorder: Recorder,
    pub(super) file: DiskFile,
    pub(super) length: u64,
    /// The time of the cast at this moment.
    pub(super) now: Micros,
    /// The stream that runs already.
    pub(super) stream: Option<Stream>,
    /// What it is of.
    pub(super) target: Option<Target>,
    /// Whether it began on the alternate screen.
    pub(super) is_alternate: bool,
    /// What is missing before the stream begins.
    pub(super) gap: Option<String>,
}

/// What is captured: another one of these calls for a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) pane: PaneId,
    pub(super) pid: u32,
    pub(super) size: (u16, u16),
    pub(super) is_dead: bool,
    pub(super) has_status: bool,
}

type Switch = Pin<Box<dyn Future<Output = Result<Attached, AttachError>> + Send>>;

struct Task {
    context: Context,
    subject: Subject,
    watcher: Arc<Watcher>,
    view: watch::Receiver<View>,
    info: Arc<Mutex<api::Recording>>,
    journal: (Journal, JournalFile),
    recorder: Recorder,
    sink: DiskSink,
    start: Instant,
    base: Micros,
    intake: Intake,
    target: Option<Target>,
    /// The target's process.
    process: Option<Process>,
    switching: Option<(Target, Switch)>,
    /// When the next try at a switch is due.
    switch_at: Option<Instant>,
    /// Since when a switch has been wanted.
    wanted_since: Option<Instant>,
    tries: u32,
    /// Whether a snapshot is wanted though the target is the same.
    stale: bool,
    /// What is missing, to be marked before the next snapshot.
    gap: Option<String>,
    /// Whether the pane's pipe was somebody else's at the last try.
    is_foreign: bool,
    /// Why there is no stream, where somebody else has the pane's pipe.
    blind: Option<String>,
    /// What the last snapshot of a blind recording showed.
    last_painted: Vec<u8>,
    last_output: Instant,
    warning: Option<String>,
    alarm: Alarm,
}

/// Why a recording ends.
enum End {
    Asked,
    Gone(&'static str),
}

/// Starts the task of a recording.
pub(super) fn spawn(start: Start) -> Handle {
    let (commands, inbox) = mpsc::channel(8);
    let (ended_sender, ended) = watch::channel(false);
    let info = Arc::new(Mutex::new(start.info));
    let recording = &start.context.config.recording;
    let intervals = Intervals {
        flush: recording.flush_interval(),
        sync: recording.sync_interval(),
        tick: start.context.disks.tick(),
    };
    let disks = Arc::clone(&start.context.disks);
    let mut intake = Intake::default();
    intake.attach(start.stream, start.is_alternate);
    let now = Instant::now();
    let task = Task {
        view: start.watcher.view(),
        watcher: start.watcher,
        info: Arc::clone(&info),
        journal: start.journal,
        recorder: start.recorder,
        sink: DiskSink::new(disks, start.file, start.length, intervals),
        start: now,
        base: start.now,
        intake,
        process: start.target.map(|target| Process::watch(target.pid)),
        target: start.target,
        switching: None,
        switch_at: None,
        wanted_since: None,
        tries: 0,
        stale: false,
        gap: start.gap,
        is_foreign: false,
        blind: None,
        last_painted: Vec::new(),
        last_output: now,
        warning: None,
        alarm: Alarm::default(),
        context: start.context,
        subject: start.subject,
    };
    tokio::spawn(async move {
        task.run(inbox).await;
        ended_sender.send_replace(true);
    });
    Handle {
        info,
        commands,
        ended,
    }
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let end = loop {
            self.tick_file();
            self.publish();
            let due = self.due();
            tokio::select! {
                ready = self.intake.readable() => {
                    self.drain(ready);
                }
                () = self.alarm.at(due) => {
                    if let Err(end) = self.on_time() {
                        break end;
                    }
                }
                completion = self.sink.next_completion() => {
                    if let Some(event) = self.sink.complete(completion, &mut self.recorder) {
                        self.on_file_event(event);
                    }
                }
                answer = answer(&mut self.switching) => self.on_attached(answer).await,
                changed = self.view.changed() => {
                    if changed.is_err() {
                        break End::Gone("the tmux server is gone");
                    }
                    if let Err(end) = self.reconcile() {
                        break end;
                    }
                }
                () = ended(&mut self.process) => self.watcher.look(),
                command = inbox.recv() => match command {
                    Some(Command::Mark(label, reply)) => {
                        self.recorder.marker(self.now(), &label);
                        let _ = reply.send(());
                    }
                    Some(Command::Stop) | None => break End::Asked,
                },
            }
            if self.recorder.has_overflowed()
                && self.sink.trouble().is_none()
                && self.recorder.in_memory() * 2 < self.bound()
                && !self.stale
            {
                self.want_snapshot("output came faster than it could be written");
            }
        };
        self.finish(end).await;
    }

    /// When something is to be done though nothing happens.
    fn due(&self) -> Option<Instant> {
        let switch = self.switch_at.filter(|_| self.switching.is_none());
        [self.intake.paused_until(), switch, self.sink.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does what is due.
    fn on_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.intake.paused_until()) {
            self.drain(Ok(()));
        }
        if is_due(self.switch_at) && self.switching.is_none() {
            self.switch_at = None;
            return self.reconcile();
        }
        Ok(())
    }

    fn now(&self) -> Micros {
        let elapsed = self.start.elapsed().as_micros();
        self.base + Micros::try_from(elapsed).unwrap_or(Micros::MAX / 2)
    }

    fn bound(&self) -> usize {
        usize::try_from(self.context.config.recording.max_buffer_bytes).unwrap_or(usize::MAX)
    }

    fn header(&self) -> Header {
        let (width, height) = self.recorder.size();
        Header {
            width,
            height,
            timestamp: Some(unix_seconds()),
            ..self.subject.header.clone()
        }
    }
}

async fn ended(process: &mut Option<Process>) {
    match process {
        Some(process) => process.ended().await,
        None => std::future::pending().await,
    }
}

async fn answer(switching: &mut Option<(Target, Switch)>) -> Result<Attached, AttachError> {
    match switching {
        Some((_, switch)) => switch.await,
        None => std::future::pending().await,
    }
}
