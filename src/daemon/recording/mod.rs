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

mod alternate;
mod process;
mod sink;
mod stream;

use std::cell::RefCell;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use self::alternate::Leaving;
use self::process::Process;
use self::sink::{Intervals, News, Sink, Trouble};
use self::stream::Stream;
use super::events::Events;
use super::journal::{Journal, JournalFile};
use super::pipes::Pipes;
use super::watcher::{View, Watcher};
use crate::api;
use crate::cast::{Header, Micros};
use crate::config::Config;
use crate::mend::{Change, MendOptions, Mended, mend};
use crate::record::Recorder;
use crate::tmux::pipe::{self, Piped};
use crate::tmux::{PaneId, Server, ServerIdentity, Snapshot, Version, WindowId};

pub(super) use self::stream::{Arrival, Error as ArrivalError, arrive};

/// A read that gave so many bytes is a flood: the pipe is left alone for a
/// moment, so that the next read takes more at once.
const FLOOD_BYTES: usize = 16 * 1024;
const FLOOD_PAUSE: Duration = Duration::from_millis(8);

/// What a flood was given is taken back when it is so long ago.
const CALM: Duration = Duration::from_secs(4);

/// Most bytes of one stream before others have their turn.
const TURN_BYTES: usize = 512 * 1024;

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

/// A switch that failed is tried again after this.
const AGAIN: Duration = Duration::from_millis(20);

/// So often a pane that another recording of ours is about to release is
/// tried, and a snapshot that was torn is taken anew.
const TRIES: u32 = 50;

thread_local! {
    /// What FIFOs are read into; shared, since draining never waits.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
}

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
    pub(super) file: std::fs::File,
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

type Switch = Pin<Box<dyn Future<Output = Result<Arrival, ArrivalError>> + Send>>;

struct Task {
    context: Context,
    subject: Subject,
    watcher: Arc<Watcher>,
    view: watch::Receiver<View>,
    info: Arc<Mutex<api::Recording>>,
    journal: (Journal, JournalFile),
    recorder: Recorder,
    sink: Sink,
    start: Instant,
    base: Micros,
    stream: Option<Stream>,
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
    /// Why there is no stream, where somebody else has the pane's pipe.
    blind: Option<String>,
    /// What the last snapshot of a blind recording showed.
    last_painted: Vec<u8>,
    last_output: Instant,
    /// Set while the stream began on the alternate screen and is there still.
    leaving: Option<Leaving>,
    paused_until: Option<Instant>,
    /// When the last flood was, until what it was given is taken back.
    flooded: Option<Instant>,
    warning: Option<String>,
}

/// Why a recording ends.
enum End {
    Asked,
    Gone(&'static str),
}

/// The file of a new cast, with its first lines in it.
pub(super) fn create_file(path: &Path, lines: &[u8]) -> std::io::Result<std::fs::File> {
    sink::create(path, lines)
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
    };
    let path = start.journal.0.cast_path.clone();
    let now = Instant::now();
    let task = Task {
        view: start.watcher.view(),
        watcher: start.watcher,
        info: Arc::clone(&info),
        journal: start.journal,
        recorder: start.recorder,
        sink: Sink::new(&path, start.file, start.length, intervals),
        start: now,
        base: start.now,
        stream: start.stream,
        process: start.target.map(|target| Process::watch(target.pid)),
        target: start.target,
        switching: None,
        switch_at: None,
        wanted_since: None,
        tries: 0,
        stale: false,
        gap: start.gap,
        blind: None,
        last_painted: Vec::new(),
        last_output: now,
        leaving: start.is_alternate.then(Leaving::default),
        paused_until: None,
        flooded: None,
        warning: None,
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
            self.sink.advance(&mut self.recorder);
            self.publish();
            let paused = self.paused_until;
            let switch_at = self.switch_at;
            let waits = self.recorder.waiting() > 0;
            tokio::select! {
                ready = readable(self.stream.as_ref()), if paused.is_none() => {
                    self.drain(ready);
                }
                () = at(paused) => self.paused_until = None,
                wake = self.sink.news(waits) => {
                    let news = self.sink.settle(wake, &mut self.recorder);
                    self.heed(news);
                }
                answer = answer(&mut self.switching) => self.arrived(answer).await,
                changed = self.view.changed() => {
                    if changed.is_err() {
                        break End::Gone("the tmux server is gone");
                    }
                    if let Err(end) = self.reconcile() {
                        break end;
                    }
                }
                () = ended(&mut self.process) => self.watcher.look(),
                () = at(switch_at), if self.switching.is_none() => {
                    self.switch_at = None;
                    if let Err(end) = self.reconcile() {
                        break end;
                    }
                }
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

    fn now(&self) -> Micros {
        let elapsed = self.start.elapsed().as_micros();
        self.base + Micros::try_from(elapsed).unwrap_or(Micros::MAX / 2)
    }

    fn bound(&self) -> usize {
        usize::try_from(self.context.config.recording.max_buffer_bytes).unwrap_or(usize::MAX)
    }

    /// Takes in what the pane has printed.
    fn drain(&mut self, ready: std::io::Result<()>) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        if let Err(error) = ready {
            tracing::warn!(pane = %stream.pane, %error, "waiting for a pipe failed");
            stream.is_closed = true;
        }
        let total = self.take_in(TURN_BYTES);
        if total >= FLOOD_BYTES {
            let now = Instant::now();
            self.paused_until = Some(now + FLOOD_PAUSE);
            self.flooded = Some(now);
            if let Some(stream) = &mut self.stream {
                stream.fifo.set_wide(true);
            }
        }
        if self.stream.as_ref().is_some_and(|stream| stream.is_closed) {
            // Did the pane end, or only its pipe?
            self.watcher.look();
        }
    }

    /// Reads what is in the stream's FIFO, up to about `most` bytes.
    fn take_in(&mut self, most: usize) -> usize {
        let now = self.now();
        let Some(stream) = &mut self.stream else {
            return 0;
        };
        let recorder = &mut self.recorder;
        let leaving = &mut self.leaving;
        let mut has_left = false;
        let total = BUFFER.with_borrow_mut(|buffer| {
            stream.drain(buffer, most, |bytes| {
                recorder.output(now, bytes);
                has_left |= leaving.as_mut().is_some_and(|leaving| leaving.sees(bytes));
            })
        });
        if total > 0 {
            self.last_output = Instant::now();
        }
        if has_left {
            self.leaving = None;
            self.stale = true;
            self.switch_at = Some(Instant::now() + QUIET);
        }
        total
    }

    /// Reads the stream to its end. Gives up when nothing has come for
    /// `quiet`.
    async fn take_rest(&mut self, quiet: Duration) {
        let mut end = Instant::now() + quiet;
        loop {
            if self.take_in(TURN_BYTES) > 0 {
                end = Instant::now() + quiet;
            }
            self.sink.advance(&mut self.recorder);
            let Some(stream) = &self.stream else { return };
            if stream.is_closed || Instant::now() >= end {
                return;
            }
            let waits = self.recorder.waiting() > 0;
            tokio::select! {
                _ = stream.fifo.readable() => {}
                wake = self.sink.news(waits) => {
                    let news = self.sink.settle(wake, &mut self.recorder);
                    self.heed(news);
                }
                () = sleep_until(end) => {}
            }
        }
    }

    /// Acts on what has happened to the file.
    fn heed(&mut self, news: News) {
        match news {
            News::Due => {}
            News::Failed(trouble) => {
                tracing::warn!(
                    id = self.journal.0.id,
                    ?trouble,
                    "the cast cannot be written"
                );
            }
            News::Recovered(Trouble::Refused(why)) => self.want_snapshot(&why),
            News::Recovered(Trouble::Removed) => {}
            News::Replaceable => {
                let gone = self.recorder.stats().bytes;
                self.start = Instant::now();
                self.base = 0;
                let header = self.header();
                self.recorder.restart(&header, gone);
                let why = "the cast file was removed";
                self.recorder.gap(0, &format!("tvmux: gap: {why}"));
                let lines = self.recorder.take(Vec::new());
                self.sink.replace(lines);
            }
            News::Replaced => {
                tracing::warn!(
                    id = self.journal.0.id,
                    "the cast was removed; there is a new one"
                );
                self.stale = true;
                self.switch_at = Some(Instant::now());
            }
            News::SyncFailed(error) => {
                tracing::error!(id = self.journal.0.id, %error, "syncing the cast failed");
                self.warning = Some(format!("syncing the cast to disk failed: {error}"));
            }
        }
    }

    /// Asks for a snapshot that ends a gap.
    fn want_snapshot(&mut self, why: &str) {
        self.gap = Some(why.to_owned());
        self.stale = true;
        self.switch_at = Some(Instant::now());
    }

    fn header(&self) -> Header {
        let (width, height) = self.recorder.size();
        Header {
            width,
            height,
            timestamp: Some(seconds_since_epoch()),
            ..self.subject.header.clone()
        }
    }

    /// Gives back the memory that a flood has taken.
    fn calm_down(&mut self) {
        if self.flooded.is_some_and(|last| last.elapsed() > CALM) {
            self.flooded = None;
            if let Some(stream) = &mut self.stream {
                stream.fifo.set_wide(false);
            }
            self.recorder.shrink();
            self.sink.shrink();
        }
    }

    /// Compares what there is with what is captured.
    fn reconcile(&mut self) -> Result<(), End> {
        self.calm_down();
        let state = match &*self.view.borrow_and_update() {
            View::Unknown => return Ok(()),
            View::Gone => return Err(End::Gone("the tmux server is gone")),
            View::Live(state) => Arc::clone(state),
        };
        if state.identity != self.subject.identity {
            return Err(End::Gone("the tmux server is another one"));
        }
        let found = match self.subject.pane {
            Some(pane) => state.pane(pane).ok_or(End::Gone("the pane is closed"))?,
            None => state
                .active_pane(self.subject.window)
                .ok_or(End::Gone("the window is closed"))?,
        };
        let wanted = Target {
            pane: found.pane,
            pid: found.pid,
            size: found.size,
            is_dead: found.is_dead,
            has_status: found.has_status,
        };
        if self.target.is_some_and(|target| target.pane == wanted.pane) {
            // The pane has this size by now, whenever the snapshot comes.
            self.recorder
                .resize(self.now(), wanted.size.0, wanted.size.1);
        }
        let streams = self
            .stream
            .as_ref()
            .is_some_and(|stream| stream.pane == wanted.pane && !stream.is_closed);
        if self.target == Some(wanted) && (streams || wanted.is_dead) && !self.stale {
            self.wanted_since = None;
            self.switch_at = None;
            return Ok(());
        }
        if self.switching.is_some() {
            return Ok(());
        }
        let now = Instant::now();
        let since = *self.wanted_since.get_or_insert(now);
        if streams && self.last_output.elapsed() < QUIET && since.elapsed() < PATIENCE {
            self.switch_at = Some(now + QUIET);
            return Ok(());
        }
        self.switch(wanted);
        Ok(())
    }

    fn switch(&mut self, wanted: Target) {
        let own = self
            .stream
            .as_ref()
            .filter(|stream| stream.pane == wanted.pane && !stream.is_closed)
            .map(|stream| stream.fifo.path().to_owned());
        let path = self
            .context
            .pipes
            .path(self.subject.identity.pid, wanted.pane);
        let future = arrive(
            self.subject.server.clone(),
            self.subject.version,
            wanted.pane,
            path,
            own,
            self.context.pipes.relay(),
        );
        self.switch_at = None;
        self.switching = Some((wanted, Box::pin(future)));
    }

    /// A switch is made, or failed.
    async fn arrived(&mut self, answer: Result<Arrival, ArrivalError>) {
        let Some((wanted, _)) = self.switching.take() else {
            return;
        };
        let Arrival { snapshot, stream } = match answer {
            Ok(arrival) => arrival,
            Err(error) => {
                tracing::debug!(pane = %wanted.pane, %error, "no snapshot");
                if !matches!(error, ArrivalError::Tmux(_)) {
                    self.warning = Some(error.to_string());
                }
                // The pane may be gone by now: look before trying again.
                self.target = None;
                self.switch_at = Some(Instant::now() + AGAIN * self.tries.clamp(1, TRIES));
                self.tries = self.tries.saturating_add(1);
                self.watcher.look();
                return;
            }
        };
        self.part(wanted.pane, matches!(stream, Err(Piped::Dead)))
            .await;
        if matches!(stream, Err(Piped::Busy)) && self.waits_for_ours(wanted.pane) {
            return;
        }
        let (columns, rows) = (snapshot.columns(), snapshot.rows());
        let is_alternate = snapshot.is_alternate();
        let is_torn = snapshot.is_torn() && self.tries < TRIES;
        let painted = self.context.paint(snapshot);
        let repeats = stream.is_err() && self.blind.is_some() && painted == self.last_painted;
        let is_gap = self.gap.is_some() || self.recorder.has_overflowed();
        if is_gap {
            let why = self.gap.take().unwrap_or_default();
            self.mark_gap(&why);
        }
        if !repeats || is_gap {
            self.recorder.snapshot(self.now(), columns, rows, &painted);
        }
        self.target = Some(Target {
            size: (columns, rows),
            ..wanted
        });
        if self.process.as_ref().map(|process| process.pid) != Some(wanted.pid) {
            self.process = Some(Process::watch(wanted.pid));
        }
        self.stale = is_torn;
        self.leaving = is_alternate.then(Leaving::default);
        self.wanted_since = None;
        self.warning = None;
        self.last_painted.clear();
        match stream {
            Ok(stream) => {
                self.context
                    .pipes
                    .took(&self.subject.server, stream.pane, stream.fifo.path());
                self.stream = Some(stream);
                self.blind = None;
            }
            Err(Piped::Busy) => {
                if self.blind.is_none() {
                    let pane = wanted.pane;
                    let what = format!("pane {pane} is piped by another program");
                    self.recorder
                        .gap(self.now(), &format!("tvmux: blind: {what}"));
                    self.blind = Some(what);
                }
                self.last_painted = painted;
            }
            Err(Piped::Dead | Piped::Yes) => self.blind = None,
        }
        self.tries = if is_torn { self.tries + 1 } else { 0 };
        if self.target != Some(wanted) || is_torn {
            // It has changed meanwhile: compare again.
            self.switch_at = Some(Instant::now() + QUIET);
        }
        self.watcher.look();
    }

    /// Whether the pane's pipe is another recording's of ours, which is about
    /// to leave it. Tries again then.
    fn waits_for_ours(&mut self, pane: PaneId) -> bool {
        if self.tries >= TRIES || !self.context.pipes.is_ours(&self.subject.server, pane) {
            return false;
        }
        self.tries += 1;
        self.target = None;
        self.switch_at = Some(Instant::now() + AGAIN);
        self.watcher.look();
        true
    }

    /// Takes leave of the stream that runs, since another begins on `next`.
    async fn part(&mut self, next: PaneId, is_dead: bool) {
        let Some(pane) = self.stream.as_ref().map(|stream| stream.pane) else {
            return;
        };
        let is_alive = match &*self.view.borrow() {
            View::Live(state) => state.pane(pane).is_some_and(|pane| !pane.is_dead),
            View::Unknown | View::Gone => false,
        };
        if pane == next && is_dead {
            self.take_rest(DEAD_QUIET).await;
        } else if pane == next || !is_alive {
            // The pipe is off: everything it still delivers came before the
            // snapshot.
            self.take_rest(REST).await;
        } else {
            self.take_in(usize::MAX);
        }
        let Some(stream) = self.stream.take() else {
            return;
        };
        let server = self.subject.server.clone();
        if pane == next {
            self.context.pipes.left(&server, pane, stream.fifo.path());
            stream.end_writers();
        } else {
            stream.release(server, Arc::clone(&self.context.pipes));
        }
    }

    fn mark_gap(&mut self, why: &str) {
        let before = self.journal.0.lost_bytes;
        let lost = self.recorder.stats().lost_bytes.saturating_sub(before);
        self.journal.0.lost_bytes += lost;
        let why = if why.is_empty() {
            "output was dropped"
        } else {
            why
        };
        let label = match lost {
            0 => format!("tvmux: gap: {why}"),
            _ => format!("tvmux: gap: {why}; {lost} bytes are missing"),
        };
        self.recorder.gap(self.now(), &label);
        tracing::warn!(id = self.journal.0.id, lost, why, "a gap");
    }

    fn publish(&mut self) {
        let stats = self.recorder.stats();
        if stats.gaps != self.journal.0.gaps {
            self.journal.0.gaps = stats.gaps;
            self.journal.0.lost_bytes = stats.lost_bytes;
            self.journal.1.write_later(&self.journal.0);
        }
        let (state, reason) = self.state();
        let mut info = self.info.lock().unwrap_or_else(|error| error.into_inner());
        let pane = self.target.map(|target| target.pane.to_string());
        let is_news = info.state != state || info.reason != reason || info.active_pane != pane;
        if is_news {
            info.state = state;
            info.reason = reason;
            info.active_pane = pane;
        }
        info.duration = stats.duration as f64 / 1e6;
        info.bytes = stats.bytes;
        info.events = stats.events;
        info.gaps = stats.gaps;
        info.lost_bytes = stats.lost_bytes;
        if is_news {
            let events = &self.context.events;
            events.recording(api::EventKind::RecordingChanged, &info);
        }
    }

    fn state(&self) -> (api::State, Option<String>) {
        match self.sink.trouble() {
            Some(Trouble::Refused(why)) => return (api::State::Suspended, Some(why.clone())),
            Some(Trouble::Removed) => {
                let path = self.sink.path().display();
                return (
                    api::State::Suspended,
                    Some(format!("the cast {path} was removed, or its folder")),
                );
            }
            None => {}
        }
        if self.recorder.has_overflowed() {
            let why = "output comes faster than it can be written";
            return (api::State::Suspended, Some(why.to_owned()));
        }
        if let Some(why) = &self.blind {
            return (api::State::Blind, Some(why.clone()));
        }
        (api::State::Recording, self.warning.clone())
    }

    async fn finish(mut self, end: End) {
        // A switch under way would leave a pipe behind.
        if let Some((_, switch)) = self.switching.take()
            && let Ok(Ok(Arrival {
                stream: Ok(stream), ..
            })) = timeout(REST, switch).await
        {
            stream.release(self.subject.server.clone(), Arc::clone(&self.context.pipes));
        }
        let server = self.subject.server.clone();
        if let Some(stream) = &self.stream {
            let (pane, path) = (stream.pane, stream.fifo.path().to_owned());
            let mut quiet = REST;
            if matches!(end, End::Asked) {
                let patience = Instant::now() + PATIENCE;
                while self.take_in(TURN_BYTES) > 0 && Instant::now() < patience {
                    tokio::time::sleep(QUIET).await;
                }
                let answer = server.run(&pipe::stop(pane, &path)).await;
                if !answer.is_ok_and(|answer| pipe::parse(&answer).is_none()) {
                    // The pane is dead, or gone.
                    quiet = DEAD_QUIET;
                }
            }
            self.take_rest(quiet).await;
            self.context.pipes.left(&server, pane, &path);
        }
        if let Some(stream) = self.stream.take() {
            stream.end_writers();
        }
        if !matches!(&*self.view.borrow(), View::Gone) {
            // Fails when the window is gone.
            let _ = server
                .run(&pipe::flag_window(self.subject.window, false))
                .await;
        }
        if self.recorder.has_overflowed() {
            self.mark_gap("");
        }
        self.recorder.finish();
        let trouble = self.sink.trouble().cloned();
        let missing = self.sink.close(&mut self.recorder).await;
        self.recorder.lose_end(missing);
        if self.context.config.recording.repair_on_stop {
            let path = self.journal.0.cast_path.clone();
            // Long for a long cast: not on the thread that drains.
            let _ = tokio::task::spawn_blocking(move || check(&path)).await;
        }
        let file = self.journal.1.clone();
        // Waits for a write that may be under way.
        let _ = tokio::task::spawn_blocking(move || file.remove()).await;
        let reason = match (end, trouble) {
            (_, Some(Trouble::Refused(why))) if missing > 0 => Some(why),
            (_, Some(Trouble::Removed)) => Some("the cast file was removed".to_owned()),
            (End::Gone(why), _) => Some(why.to_owned()),
            (End::Asked, _) => None,
        };
        let stats = self.recorder.stats();
        let mut info = self.info.lock().unwrap_or_else(|error| error.into_inner());
        info.state = api::State::Finished;
        info.active = false;
        info.reason = reason;
        info.bytes = stats.bytes;
        info.events = stats.events;
        info.gaps = stats.gaps;
        info.lost_bytes = stats.lost_bytes;
        tracing::info!(
            id = info.id,
            reason = info.reason,
            bytes = stats.bytes,
            "finished"
        );
    }
}

/// Checks a cast that has ended, and repairs it if something has happened to it.
fn check(path: &Path) {
    match mend(path, &MendOptions::default()) {
        Ok(Mended {
            change: Change::None,
            ..
        }) => {}
        Ok(mended) => {
            let backup = mended.backup.unwrap_or_default();
            let (path, backup) = (path.display(), backup.display());
            tracing::warn!(%path, %backup, "the cast was damaged, and was repaired");
        }
        // A cast that was removed needs no repair.
        Err(error) => {
            let path = path.display();
            tracing::info!(%path, error = chain(&error), "the cast was not checked");
        }
    }
}

/// Seconds since the Unix epoch, now.
pub(super) fn seconds_since_epoch() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

async fn readable(stream: Option<&Stream>) -> std::io::Result<()> {
    match stream {
        Some(stream) if !stream.is_closed => stream.fifo.readable().await,
        _ => std::future::pending().await,
    }
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}

async fn ended(process: &mut Option<Process>) {
    match process {
        Some(process) => process.ended().await,
        None => std::future::pending().await,
    }
}

async fn answer(switching: &mut Option<(Target, Switch)>) -> Result<Arrival, ArrivalError> {
    match switching {
        Some((_, switch)) => switch.await,
        None => std::future::pending().await,
    }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
