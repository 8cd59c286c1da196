//! A recording's event loop.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::capture::{Attached, Capture, Drained, Input, Life, Pipe, Shown};
use super::super::flashback::Saving;
use super::super::journal::{Journal, JournalFile};
use super::super::rotation::Rotation;
use super::super::spec::RecordingSpec;
use super::super::watcher::{View, Watcher};
use super::alarm::Alarm;
use super::flag::Flag;
use super::lookout::{Lookout, is_withholding};
use super::process::ProcessExit;
use super::status::{Condition, Report};
use super::waiting::Waiting;
use super::{Command, Context, Opening, SpawnArgs, marker_label};
use crate::api;
use crate::cast::{InvalidBytes, Micros, title_label};
use crate::clock::monotonic_micros;
use crate::record::{self, AttachError, DiskSink, Intake, Recorder, Stream, Taken};
use crate::tmux::pipe::Piped;
use crate::tmux::{PaneId, Server, ServerState, Snapshot, Version};
use crate::wording::chain;

/// How long a change that is under way may take before another daemon takes
/// over in the middle of it, with a gap.
const SETTLE: Duration = Duration::from_secs(2);

/// Why a pipe process has dropped output.
pub(super) const NOBODY_READ: &str = "nobody read the pane's output for too long";

/// Something that tmux is asked for, beside the event loop.
pub(super) type Asked<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A switch to a pane that is under way.
pub(super) struct Attaching {
    pub(super) pane: PaneId,
    pub(super) answer: Asked<Result<record::Attached, AttachError>>,
}

pub(super) struct Task {
    pub(super) context: Context,
    pub(super) server: Server,
    pub(super) version: Version,
    pub(super) spec: Arc<RecordingSpec>,
    pub(super) journal: JournalFile,
    pub(super) report: Arc<Report>,
    pub(super) watcher: Arc<Watcher>,
    /// `None` once the watcher is gone.
    view: Option<watch::Receiver<View>>,

    pub(super) capture: Capture,
    /// The zero of the machine's time.
    start: Instant,
    alarm: Alarm,
    /// The captured pane's process.
    pub(super) process: Option<ProcessExit>,
    pub(super) attaching: Option<Attaching>,
    /// A stream that has started, and its snapshot, that are not recorded yet.
    pub(super) attached: Option<Stream>,
    pub(super) snapshot: Option<Snapshot>,
    /// Gives whether the pipe stays, since the pane's process has ended.
    pub(super) turning_off: Option<Asked<bool>>,
    /// Ends the process of a pipe that was let go.
    pub(super) closing: Option<JoinHandle<()>>,
    pub(super) waiting: Waiting,
    pub(super) flag: Flag,
    pub(super) lookout: Lookout,
    pub(super) rotation: Rotation,
    /// Closes the cast that was left last.
    pub(super) closing_part: Option<JoinHandle<()>>,
    /// A save of what is kept that waits for the disk.
    pub(super) saving: Option<Saving>,
    /// Whether the present cast is not to be left just now.
    pub(super) is_held: bool,
    /// Whether the present cast alone is more than may be kept, and was removed.
    pub(super) is_overgrown: bool,
    /// How many times the size of a part the present cast has had when what is before
    /// it was pruned.
    pub(super) grown: u64,
    pub(super) is_finished: bool,
    /// Until when a change that is under way is waited for, where another daemon
    /// is to go on.
    hand_over_by: Option<Instant>,
    /// Whether it is known that the stream's pipe process has dropped output.
    pub(super) is_broken_told: bool,
    /// How often another daemon has gone on with it.
    pub(super) carried: u64,

    pub(super) intake: Intake,
    pub(super) recorder: Recorder,
    pub(super) sink: DiskSink,
    /// When the cast has the time [`Self::cast_base`].
    pub(super) cast_start: Instant,
    pub(super) cast_base: Micros,
    /// Gaps, and bytes known to be missing, as the journal and the markers have
    /// them.
    pub(super) noted_gaps: u64,
    pub(super) marked_lost: u64,
}

impl Task {
    pub(super) fn new(args: SpawnArgs) -> Task {
        let SpawnArgs {
            context,
            server,
            version,
            watcher,
            spec,
            journal,
            cast,
            opening,
            carried,
        } = args;
        let intervals = context.intervals();
        let disks = Arc::clone(&context.disks);
        let mut intake = Intake::default();
        let is_carried = matches!(opening, Opening::Carried { .. });
        let capture = match opening {
            Opening::Started {
                shown,
                is_alternate,
                stream,
            } => {
                let capture = Capture::started(shown, stream.is_some());
                intake.recent.restart(shown.size, &[]);
                intake.attach(stream, is_alternate);
                capture
            }
            Opening::Carried {
                shown,
                is_alternate,
                stream,
                recent,
            } => {
                intake.recent.resume(shown.size, &recent);
                intake.attach(Some(stream), is_alternate);
                Capture::started(shown, true)
            }
            Opening::AfterGap(why) => Capture::after_gap(why),
            Opening::Paused => Capture::paused(),
        };
        let mut sink = DiskSink::new(disks, cast.file, cast.length, intervals);
        if let Some((spare, read)) = cast.kept {
            sink.set_spare(spare);
            intake.keep(read);
        }
        let now = Instant::now();
        let stats = cast.recorder.stats();
        let recorder = match is_carried {
            // As the one before.
            true => cast.recorder,
            false => cast.recorder.with_invalid_bytes(InvalidBytes::Tmux {
                shown: version.shows_invalid_bytes(),
            }),
        };
        let spec = Arc::new(spec);
        Task {
            report: Arc::new(Report::new(&spec, capture.pane(), stats, carried)),
            view: Some(watcher.view()),
            process: capture.process().map(ProcessExit::watch),
            sink,
            recorder,
            cast_start: now,
            cast_base: cast.now,
            noted_gaps: stats.gaps,
            marked_lost: stats.lost_bytes,
            start: now,
            alarm: Alarm::default(),
            attaching: None,
            attached: None,
            snapshot: None,
            turning_off: None,
            closing: None,
            waiting: Waiting::default(),
            flag: Flag::default(),
            lookout: Lookout::default(),
            rotation: Rotation::default(),
            closing_part: None,
            saving: None,
            is_held: false,
            is_overgrown: false,
            grown: 0,
            is_finished: false,
            hand_over_by: None,
            is_broken_told: false,
            carried,
            context,
            server,
            version,
            spec,
            journal,
            watcher,
            capture,
            intake,
        }
    }

    pub(super) fn report(&self) -> &Arc<Report> {
        &self.report
    }

    pub(super) async fn run(mut self: Box<Self>, mut inbox: mpsc::Receiver<Command>) {
        let mut is_abandoned = false;
        if self.recorder.has_overflowed() {
            // The daemon before was about to make up for it.
            self.feed(Input::Missing("output was dropped".to_owned()));
        }
        while !self.is_finished {
            if self.is_to_hand_over() {
                drop(inbox);
                return Box::pin(self.hand_over()).await;
            }
            if self.context.renew() {
                self.sink.set_intervals(self.context.intervals());
                self.recorder.set_bound(self.context.memory_bound());
            }
            self.turn_rotation();
            self.tick_file();
            self.publish();
            self.answer_waiting();
            let due = self.due();
            tokio::select! {
                ready = self.intake.readable(), if !self.rotation.is_sealed() => {
                    self.on_readable(ready);
                }
                progress = self.rotation.next() => self.on_rotation(progress),
                () = self.alarm.at(due) => self.on_time(),
                completion = self.sink.next_completion() => {
                    if let Some(event) = self.sink.complete(completion, &mut self.recorder) {
                        self.on_file_event(event);
                    }
                    self.context.on_written();
                }
                answer = attached(&mut self.attaching) => self.on_attached(answer),
                is_dead = answer(&mut self.turning_off) => {
                    self.turning_off = None;
                    self.feed(Input::TurnedOff { is_dead });
                }
                () = self.flag.told() => {}
                is_there = changed(&mut self.view) => {
                    if !is_there {
                        self.view = None;
                    }
                    self.on_view();
                }
                () = ended(&mut self.process) => self.watcher.look(),
                command = inbox.recv(), if !is_abandoned => {
                    is_abandoned = command.is_none();
                    self.on_command(command.unwrap_or(Command::Stop));
                }
            }
            self.look_for_room();
        }
        // From here on clients are told at once that there is no recording.
        drop(inbox);
        Box::pin(self.finish()).await;
    }

    /// When something is due though nothing happens.
    fn due(&self) -> Option<Instant> {
        let capture = self.capture.due().map(|due| self.start + due);
        [
            self.paused_until(),
            capture,
            self.rotation.due(),
            self.sink.due(),
            self.hand_over_by,
            self.resume_at(),
            self.lookout.due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When a stream that is left alone is read again.
    fn paused_until(&self) -> Option<Instant> {
        let paused = self.intake.paused_until();
        paused.filter(|_| !self.rotation.is_sealed())
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        self.end_pause();
        if self.lookout.due().is_some_and(|due| due <= now) {
            self.look_out(self.capture.wanted_process());
        }
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.paused_until()) {
            self.on_readable(Ok(()));
        }
        if is_due(self.capture.due().map(|due| self.start + due)) {
            self.read_turn();
            self.feed(Input::Tick);
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Mark(label, ago, reply) => {
                let is_marked = self.recorder.has_room();
                if is_marked {
                    let time = self.cast_time();
                    let label = marker_label(&label, ago, &self.spec.earlier, time);
                    self.recorder.marker(time, &label);
                }
                let _ = reply.send(is_marked);
            }
            Command::SetTitle(title, reply) => {
                self.set_title(title);
                let _ = reply.send(());
            }
            Command::Save(goes_on, reply) => self.on_save(goes_on, reply),
            Command::Saved(saved) => self.on_saved(saved),
            Command::Pause(until, reply) => self.pause(until, reply),
            Command::Resume(reply) => self.resume(Some(reply)),
            Command::Stop => {
                self.read_turn();
                self.feed(Input::Stop);
            }
            Command::HandOver => {
                self.hand_over_by = Some(Instant::now() + SETTLE);
            }
        }
    }

    /// The journal and a marker have it at once, the header at the end.
    fn set_title(&mut self, title: String) {
        self.report.set_title(&title);
        if self.recorder.has_room() {
            let time = self.cast_time();
            self.recorder.marker(time, &title_label(&title));
        }
        Arc::make_mut(&mut self.spec).title = Some(title);
        self.note();
        let events = &self.context.events;
        events.recording(api::EventKind::RecordingChanged, &self.report.to_api());
    }

    /// Brings the journal up to date; a rotation that is writing it does so in the
    /// end.
    pub(super) fn note(&self) {
        if self.rotation.is_making() {
            return;
        }
        self.journal.write_later(self.to_journal());
    }

    pub(super) fn to_journal(&self) -> Journal {
        let stats = self.recorder.stats();
        let spec = self.spec.as_ref().clone();
        Journal::new(spec, stats.gaps, stats.lost_bytes, self.carried)
    }

    pub(super) fn is_being_handed_over(&self) -> bool {
        self.hand_over_by.is_some()
    }

    fn is_to_hand_over(&self) -> bool {
        self.hand_over_by
            .is_some_and(|by| self.capture.is_settled() || Instant::now() >= by)
    }

    /// Gives the machine what has happened, and does what it says.
    pub(super) fn feed(&mut self, input: Input) {
        for action in self.capture.on(input, self.start.elapsed()) {
            self.perform(action);
        }
    }

    fn on_readable(&mut self, ready: std::io::Result<()>) {
        if !self.may_read() {
            return;
        }
        let (now, time) = (Instant::now(), self.cast_time());
        let taken = self.intake.turn(ready, now, time, &mut self.recorder);
        self.on_taken(taken);
    }

    /// Reads what is there, so that what is decided next knows of it.
    pub(super) fn read_turn(&mut self) {
        if self.intake.stream().is_some() && !self.rotation.is_sealed() {
            let time = self.cast_time();
            let taken = self.intake.read_turn(time, &mut self.recorder);
            self.on_taken(taken);
        }
    }

    fn on_taken(&mut self, taken: Taken) {
        if taken.bytes > 0 {
            self.watcher.look_soon();
            if is_withholding(&self.context.config.recording) {
                self.lookout.on_output(Instant::now());
            }
        }
        // First, or it would be told of the stream that begins with the end of
        // this one.
        if taken.is_broken && !self.is_broken_told {
            self.is_broken_told = true;
            self.feed(Input::Missing(NOBODY_READ.to_owned()));
        }
        self.feed(Input::Drained(Drained {
            bytes: taken.bytes,
            is_closed: taken.is_closed,
            has_left_alternate: taken.has_left,
            is_cut: taken.is_cut,
            is_dropped: self.recorder.has_overflowed(),
        }));
    }

    /// Output that was dropped is made up for once half the memory is free.
    fn look_for_room(&mut self) {
        if self.capture.is_dropping()
            && self.sink.trouble().is_none()
            && self.recorder.in_memory() * 2 < self.context.memory_bound()
        {
            let why = "output came faster than it could be written";
            self.feed(Input::Missing(why.to_owned()));
        }
    }

    fn on_view(&mut self) {
        self.release_flood_buffers();
        if let Some(stream) = self.intake.stream() {
            stream.wake_relay();
        }
        let input = match &mut self.view {
            None => Input::Gone("the tmux server is gone"),
            Some(view) => match &*view.borrow_and_update() {
                View::Unknown => return,
                View::Gone => Input::Gone("the tmux server is gone"),
                View::Live(state) => seen(&self.spec, state, self.intake.stream()),
            },
        };
        // Of the pane that is captured next, before it is.
        let process = match &input {
            Input::Seen { wanted, .. } => Some(wanted.pid),
            _ => None,
        };
        if self.capture.is_paused() {
            self.feed(input);
            self.look_out(process);
        } else {
            self.look_out(process);
            self.feed(input);
        }
    }

    /// Gives back the memory that a flood has taken.
    fn release_flood_buffers(&mut self) {
        if self.intake.release_flood_buffers(Instant::now()) {
            self.recorder.shrink();
            self.sink.shrink();
        }
    }

    fn on_attached(&mut self, answer: Result<record::Attached, AttachError>) {
        let Some(Attaching { pane, .. }) = self.attaching.take() else {
            return;
        };
        // The pane before may be gone by now: that makes a difference.
        let has_changed = |view: &watch::Receiver<View>| view.has_changed().unwrap_or(true);
        if self.view.as_ref().is_some_and(has_changed) {
            self.on_view();
        }
        let record::Attached {
            snapshot, stream, ..
        } = match answer {
            Ok(attached) => attached,
            Err(error) => {
                tracing::debug!(id = self.spec.id, error = chain(&error), "no snapshot");
                // tmux's own errors pass: the pane is just closing, or the like.
                let is_ours = !matches!(error, AttachError::Tmux(_));
                let warning = is_ours.then(|| chain(&error));
                return self.feed(Input::AttachFailed { warning });
            }
        };
        let pipe = match stream {
            Ok(stream) => {
                self.attached = Some(stream);
                Pipe::Started
            }
            Err(Piped::Busy) => Pipe::Busy {
                is_ours: self.is_piped_by_another_of_ours(pane),
            },
            Err(Piped::Dead | Piped::Yes) => Pipe::Dead,
        };
        let attached = Attached {
            pipe,
            size: (snapshot.columns(), snapshot.rows()),
            is_alternate: snapshot.is_alternate(),
            is_torn: snapshot.is_torn(),
            painted: self.context.paint(snapshot.clone()),
        };
        self.snapshot = Some(snapshot);
        self.feed(Input::Attached(attached));
    }

    /// The monotonic clock's microseconds at time 0 of the cast.
    pub(super) fn origin(&self) -> i64 {
        monotonic_micros() as i64 - self.cast_time() as i64
    }

    /// The cast's time at this moment.
    pub(super) fn cast_time(&self) -> Micros {
        let elapsed = self.cast_start.elapsed().as_micros();
        self.cast_base + Micros::try_from(elapsed).unwrap_or(Micros::MAX / 2)
    }

    pub(super) fn is_server_gone(&self) -> bool {
        match &self.view {
            Some(view) => matches!(&*view.borrow(), View::Gone),
            None => true,
        }
    }

    /// Tells others how the recording is.
    fn publish(&mut self) {
        let stats = self.recorder.stats();
        if stats.gaps != self.noted_gaps {
            self.noted_gaps = stats.gaps;
            self.note();
        }
        let (condition, pane) = (self.condition(), self.capture.pane());
        self.flag.tell(&condition, &self.server, self.spec.window);
        if self.report.update(condition, pane, stats) {
            let events = &self.context.events;
            events.recording(api::EventKind::RecordingChanged, &self.report.to_api());
        }
    }

    fn condition(&self) -> Condition {
        if let Some(paused) = self.paused_condition() {
            return paused;
        }
        if let Some(condition) = self.file_condition() {
            return condition;
        }
        if self.capture.is_dropping() {
            return Condition::Overloaded;
        }
        match self.capture.blind() {
            Some(pane) => Condition::Blind(pane),
            None => Condition::Recording {
                warning: self.capture.warning(),
            },
        }
    }
}

/// What a server's state says of a recording that has `stream`.
fn seen(spec: &RecordingSpec, state: &ServerState, stream: Option<&Stream>) -> Input {
    if state.identity != spec.server {
        return Input::Gone("the tmux server is another one");
    }
    let found = match spec.pane {
        Some(pane) => state.pane(pane).ok_or("the pane is closed"),
        None => state.active_pane(spec.window).ok_or("the window is closed"),
    };
    let found = match found {
        Ok(found) => found,
        Err(why) => return Input::Gone(why),
    };
    let streamed = match stream.and_then(|stream| state.pane(stream.pane)) {
        Some(pane) if pane.is_dead => Life::Dead,
        Some(_) => Life::Living,
        None => Life::Gone,
    };
    Input::Seen {
        wanted: Shown {
            pane: found.pane,
            pid: found.pid,
            size: found.size,
            is_dead: found.is_dead,
            has_status: found.has_status,
        },
        streamed,
    }
}

async fn attached(attaching: &mut Option<Attaching>) -> Result<record::Attached, AttachError> {
    match attaching {
        Some(attaching) => attaching.answer.as_mut().await,
        None => pending().await,
    }
}

async fn answer<T>(asked: &mut Option<Asked<T>>) -> T {
    match asked {
        Some(asked) => asked.await,
        None => pending().await,
    }
}

/// Waits for another view; gives whether there is still somebody who has one.
async fn changed(view: &mut Option<watch::Receiver<View>>) -> bool {
    match view {
        Some(view) => view.changed().await.is_ok(),
        None => pending().await,
    }
}

async fn ended(process: &mut Option<ProcessExit>) {
    match process {
        Some(process) => process.ended().await,
        None => pending().await,
    }
}
