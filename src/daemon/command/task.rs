//! The event loop of a command's recording.

use std::fs;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::cast::header;
use super::journal::{CommandJournal, Left};
use super::pause::Pause;
use crate::api;
use crate::cast::{Micros, title_label};
use crate::clock::{monotonic_micros, unix_seconds};
use crate::daemon::Error;
use crate::daemon::flashback::Limits;
use crate::daemon::recording::{
    Alarm, Command, Condition, Context, Handle, OpenCast, REMOVED, Report, close_part, follow_up,
    marker_label, settle_cast,
};
use crate::daemon::rotation::{Made, Next, Progress, Rotation, Writing, make_part};
use crate::record::{
    Control, DiskSink, Fifo, FileEvent, Intake, LineReader, PipeEnd, Read, Recorder, Trouble,
};

/// Everything that a command's recording starts with.
pub(super) struct SpawnArgs {
    pub(super) context: Context,
    pub(super) report: Report,
    pub(super) journal: CommandJournal,
    pub(super) request: api::CommandRecording,
    pub(super) cast: OpenCast,
    pub(super) output: PipeEnd,
    pub(super) control: Fifo,
    /// As a daemon before has left it.
    pub(super) pause: Pause,
}

pub(super) struct Task {
    context: Context,
    request: api::CommandRecording,
    report: Arc<Report>,
    journal: CommandJournal,
    pub(super) pause: Pause,
    pub(super) intake: Intake<Box<PipeEnd>>,
    control: Fifo,
    /// Whether anybody writes to it still.
    is_controlled: bool,
    messages: LineReader<Control>,
    pub(super) recorder: Recorder,
    sink: DiskSink,
    alarm: Alarm,
    /// When the cast has the time [`Self::cast_base`].
    cast_start: Instant,
    cast_base: Micros,
    /// Bytes known to be missing, as the markers have them.
    marked_lost: u64,
    /// What it is called since it started, for the header at the end.
    new_title: Option<String>,
    warning: Option<Arc<str>>,
    rotation: Rotation,
    /// Closes the cast that was left last.
    closing_part: Option<JoinHandle<()>>,
}

/// Starts the task of a command's recording.
pub(super) fn spawn(args: SpawnArgs) -> Handle {
    let task = Box::new(Task::new(args));
    Handle::spawn(Arc::clone(&task.report), move |inbox| task.run(inbox))
}

impl Task {
    fn new(args: SpawnArgs) -> Task {
        let SpawnArgs {
            context,
            report,
            journal,
            request,
            cast,
            output,
            control,
            pause,
        } = args;
        let intervals = context.intervals();
        let mut intake = Intake::default();
        intake.attach(Some(Box::new(output)), false);
        let mut sink = DiskSink::new(
            Arc::clone(&context.disks),
            cast.file,
            cast.length,
            intervals,
        );
        if let Some((spare, read)) = cast.kept {
            sink.set_spare(spare);
            intake.keep(read);
        }
        let stats = cast.recorder.stats();
        Task {
            report: Arc::new(report),
            journal,
            sink,
            context,
            request,
            intake,
            control,
            is_controlled: true,
            messages: LineReader::default(),
            pause,
            marked_lost: stats.lost_bytes,
            recorder: cast.recorder,
            alarm: Alarm::default(),
            cast_start: Instant::now(),
            cast_base: cast.now,
            new_title: None,
            warning: None,
            rotation: Rotation::default(),
            closing_part: None,
        }
    }

    async fn run(mut self: Box<Self>, mut inbox: mpsc::Receiver<Command>) {
        if self.pause.is_paused() {
            self.order_pause();
        }
        loop {
            if self.context.renew() {
                self.sink.set_intervals(self.context.intervals());
                self.recorder.set_bound(self.context.memory_bound());
            }
            self.turn_rotation();
            while let Some(event) = self.sink.tick(&mut self.recorder) {
                self.on_file_event(event);
            }
            self.publish();
            let is_sealed = self.rotation.is_sealed();
            let paused_until = self.intake.paused_until().filter(|_| !is_sealed);
            let due = [
                paused_until,
                self.sink.due(),
                self.rotation.due(),
                self.pause.due(),
            ];
            let due = due.into_iter().flatten().min();
            tokio::select! {
                // A size stands before the output that was made for it.
                biased;
                command = inbox.recv() => match command {
                    Some(Command::Mark(label, ago, reply)) => {
                        let is_marked = self.recorder.has_room();
                        if is_marked {
                            let time = self.cast_time();
                            let label = marker_label(&label, ago, &self.report.earlier(), time);
                            self.recorder.marker(time, &label);
                        }
                        let _ = reply.send(is_marked);
                    }
                    Some(Command::SetTitle(title, reply)) => {
                        self.report.set_title(&title);
                        if self.recorder.has_room() {
                            let time = self.cast_time();
                            self.recorder.marker(time, &title_label(&title));
                        }
                        self.new_title = Some(title);
                        let _ = reply.send(());
                    }
                    Some(Command::Save(_, reply)) => {
                        let id = self.report.about().id.clone();
                        let _ = reply.send(Err(Error::NoFlashback { id }));
                    }
                    Some(Command::Saved(_)) => {}
                    Some(Command::Pause(until, reply)) => self.pause(until, reply),
                    Some(Command::Resume(reply)) => self.resume(reply),
                    Some(Command::HandOver) => return Box::pin(self.hand_over()).await,
                    Some(Command::Stop) | None => break,
                },
                _ = self.control.readable(), if self.is_controlled && !is_sealed => {
                    self.read_control();
                }
                ready = self.intake.readable(), if !is_sealed && self.is_read() => {
                    self.on_readable(ready);
                }
                progress = self.rotation.next() => self.on_rotation(progress),
                completion = self.sink.next_completion() => {
                    if let Some(event) = self.sink.complete(completion, &mut self.recorder) {
                        self.on_file_event(event);
                    }
                    self.context.on_written();
                }
                () = self.alarm.at(due) => {
                    let now = Instant::now();
                    self.tick_pause();
                    if paused_until.is_some_and(|until| until <= now) && self.is_read() {
                        self.on_readable(Ok(()));
                    }
                }
            }
            if self.intake.release_flood_buffers(Instant::now()) {
                self.recorder.shrink();
                self.sink.shrink();
            }
            self.end_overload();
            if self.intake.stream().is_none_or(|stream| stream.is_closed) {
                // The client is gone, and has handed over everything.
                break;
            }
        }
        drop(inbox);
        Box::pin(self.finish()).await;
    }

    /// Whether what comes is read. While it is paused only the end is waited for,
    /// once nobody is there any more who could write.
    fn is_read(&self) -> bool {
        !self.pause.is_paused() || !self.is_controlled
    }

    pub(super) fn id(&self) -> &str {
        &self.report.about().id
    }

    pub(super) fn read_all(&mut self) {
        let time = self.cast_time();
        self.intake.read_all(time, &mut self.recorder);
    }

    pub(super) fn cast_time(&self) -> Micros {
        let elapsed = self.cast_start.elapsed().as_micros();
        self.cast_base + Micros::try_from(elapsed).unwrap_or(Micros::MAX / 2)
    }

    fn on_readable(&mut self, ready: std::io::Result<()>) {
        let time = self.cast_time();
        self.intake
            .turn(ready, Instant::now(), time, &mut self.recorder);
    }

    fn read_control(&mut self) {
        let time = self.cast_time();
        let mut buffer = [0; 4096];
        loop {
            match self.control.read(&mut buffer) {
                Ok(Read::Bytes(count)) => {
                    let mut messages = Vec::new();
                    self.messages
                        .feed(&buffer[..count], |message| messages.push(message));
                    for message in messages {
                        self.on_message(message, time);
                    }
                }
                Ok(Read::Empty) => return,
                Ok(Read::Closed) | Err(_) => {
                    self.is_controlled = false;
                    return;
                }
            }
        }
    }

    fn on_message(&mut self, message: Control, time: Micros) {
        match message {
            Control::Resize(columns, rows) => self.recorder.resize(time, columns, rows),
            Control::Input(text) => self.recorder.input(time, &text),
            Control::Lost(bytes) => {
                self.recorder.count_lost(bytes);
                self.mark_gap("the recorder could not keep up");
            }
            Control::Paused(number) => self.on_paused(number),
            Control::Resumed => self.on_resumed(),
            Control::Withheld(why) => self.on_withheld(why),
        }
    }

    fn on_file_event(&mut self, event: FileEvent) {
        let id = &self.report.about().id;
        match event {
            FileEvent::Failed(trouble) => {
                tracing::warn!(id, ?trouble, "the cast cannot be written");
            }
            FileEvent::Recovered(why) => self.mark_gap(&why),
            FileEvent::Replaceable => {
                self.cast_start = Instant::now();
                self.cast_base = 0;
                let (columns, rows) = self.recorder.size();
                let mut header = header(&self.request, unix_seconds());
                header.part = self
                    .report
                    .earlier()
                    .header_part(&self.report.cast_path(), 0);
                (header.width, header.height) = (columns, rows);
                self.recorder.restart(&header);
                self.rotation.start_over();
                self.mark_gap(REMOVED);
                let lines = self.recorder.take_copy();
                self.sink.replace(lines);
            }
            FileEvent::Replaced => {
                tracing::warn!(id, "the cast was removed; there is a new one");
                if let Ok(file) = self.sink.file_id() {
                    let origin = monotonic_micros() as i64 - self.cast_time() as i64;
                    self.recorder.set_file(file, origin);
                }
            }
            FileEvent::SyncFailed(error) => {
                tracing::error!(id, %error, "syncing the cast failed");
                let warning = format!("syncing the cast to disk failed: {error}");
                self.warning = Some(warning.into());
            }
        }
    }

    fn turn_rotation(&mut self) {
        let is_calm = self.sink.trouble().is_none() && !self.recorder.has_overflowed();
        let writing = Writing {
            cast: self.sink.path(),
            time: self.cast_time(),
            recorder: &self.recorder,
            is_calm,
        };
        let hurry = self
            .rotation
            .turn(Limits::of(&self.context.config.recording), writing);
        self.sink.set_hurry(hurry);
    }

    fn on_rotation(&mut self, progress: Progress) {
        match self.rotation.on(progress, &self.recorder) {
            Some(Next::Make(painted)) => self.make_part(painted),
            Some(Next::GoOn(made)) => self.go_on_in(made),
            Some(Next::TakeBack(made)) => {
                let (journal, left) = (self.journal.clone(), self.left());
                tokio::task::spawn_blocking(move || {
                    journal.replace(&left);
                    let _ = fs::remove_file(made.path);
                });
            }
            None => {}
        }
    }

    /// The recording as its journal has it.
    fn left(&self) -> Left {
        Left {
            recording: self.report.to_api(),
            earlier: self.report.earlier(),
            paused: self.pause.asked,
            withheld: self.pause.withheld.as_deref().map(str::to_owned),
        }
    }

    /// Brings the journal up to date on another thread.
    pub(super) fn write_journal(&self) -> JoinHandle<()> {
        let (journal, left) = (self.journal.clone(), self.left());
        tokio::task::spawn_blocking(move || journal.replace(&left))
    }

    /// Makes the next cast, and the journal that names it.
    fn make_part(&mut self, painted: Vec<u8>) {
        let before = self.report.cast_path();
        let mut left = self.left();
        left.earlier = left.earlier.and(self.recorder.stats());
        let timestamp = left.recording.started + left.earlier.duration / 1_000_000;
        let mut header = header(&self.request, timestamp);
        (header.width, header.height) = self.recorder.size();
        header.title = left.recording.title.clone();
        let journal = self.journal.clone();
        self.rotation.make(&self.recorder, move || {
            let made = make_part(&before, left.earlier, header, &painted)?;
            left.recording.cast_path.clone_from(&made.path);
            journal.replace(&left);
            Ok(made)
        });
    }

    fn go_on_in(&mut self, made: Made) {
        let stats = self.recorder.stats();
        self.cast_base = self.cast_time().saturating_sub(stats.duration);
        self.cast_start = Instant::now();
        let intervals = self.context.intervals();
        let before = self.sink.go_on_in(made.file, made.length, intervals);
        let origin = monotonic_micros() as i64 - self.cast_time() as i64;
        self.recorder
            .go_on_in(made.id, made.length, made.events, origin);
        let (id, path) = (&self.report.about().id, made.path.display());
        tracing::info!(id, %path, "the recording goes on in another cast");
        self.report
            .go_on_in(&made.path, (made.earlier, self.recorder.stats()), None);
        let kind = api::EventKind::RecordingChanged;
        self.context.events.recording(kind, &self.report.to_api());
        let (config, title) = (Arc::clone(&self.context.config), self.new_title.clone());
        self.closing_part = Some(tokio::spawn(close_part(before, config, title, stats.bytes)));
    }

    /// Ends a rotation that is under way.
    async fn abandon_rotation(&mut self) {
        if let Some(made) = self.rotation.abandon().await {
            let (journal, left) = (self.journal.clone(), self.left());
            let undone = tokio::task::spawn_blocking(move || {
                journal.replace(&left);
                fs::remove_file(made.path)
            });
            let _ = undone.await;
        }
        if let Some(closing) = self.closing_part.take() {
            let _ = closing.await;
        }
    }

    /// Output is taken again when half of what waited is written.
    fn end_overload(&mut self) {
        if self.recorder.has_overflowed()
            && self.sink.trouble().is_none()
            && self.recorder.in_memory() * 2 < self.context.memory_bound()
        {
            self.mark_gap("output came faster than it could be written");
        }
    }

    fn mark_gap(&mut self, why: &str) {
        let all = self.recorder.stats().lost_bytes;
        let lost = all.saturating_sub(self.marked_lost);
        self.marked_lost = all;
        let label = match lost {
            0 => format!("tvmux: gap: {why}"),
            _ => format!("tvmux: gap: {why}; {lost} bytes are missing"),
        };
        self.recorder.gap(self.cast_time(), &label);
        tracing::warn!(id = self.report.about().id, lost, why, "a gap");
    }

    pub(super) fn publish(&self) {
        let condition = self.pause.condition();
        let condition = condition.unwrap_or_else(|| match self.sink.trouble() {
            Some(Trouble::Refused(why)) => Condition::Refused(why.as_str().into()),
            Some(Trouble::Removed) => Condition::Removed,
            None if self.recorder.has_overflowed() => Condition::Overloaded,
            None => Condition::Recording {
                warning: self.warning.clone(),
            },
        });
        if self.report.update(condition, None, self.recorder.stats()) {
            let kind = api::EventKind::RecordingChanged;
            self.context.events.recording(kind, &self.report.to_api());
        }
    }

    /// Leaves the recording to another daemon: its pipes go on, and all that was
    /// read is in the cast.
    async fn hand_over(mut self: Box<Self>) {
        self.abandon_rotation().await;
        self.read_control();
        self.sink.close(&mut self.recorder).await;
        if let Some(stream) = self.intake.stream_mut() {
            stream.leave();
        }
        self.control.leave();
        tracing::info!(id = self.report.about().id, "left to another server");
    }

    async fn finish(mut self: Box<Self>) {
        self.abandon_rotation().await;
        self.read_control();
        let time = self.cast_time();
        if self.is_read() {
            self.intake.read_all(time, &mut self.recorder);
        }
        let _ = fs::remove_file(self.orders());
        // Whoever still writes is told now that nobody reads.
        drop(self.intake.detach());
        drop(self.control);
        if self.recorder.has_overflowed() {
            let lost = self.recorder.stats().lost_bytes - self.marked_lost;
            self.recorder
                .gap(time, &format!("tvmux: gap: {lost} bytes are missing"));
        }
        self.recorder.finish();
        let missing = self.sink.close(&mut self.recorder).await;
        self.recorder.count_unwritten(missing);
        let path = self.report.cast_path();
        settle_cast(&self.context.config, &path, self.new_title.take()).await;
        let reason = match self.sink.trouble() {
            Some(Trouble::Refused(why)) if missing > 0 => Some(why.as_str().into()),
            Some(Trouble::Removed) => Some(REMOVED.into()),
            Some(Trouble::Refused(_)) | None => None,
        };
        self.recorder.forget_kept();
        let journal = self.journal;
        let _ = tokio::task::spawn_blocking(move || journal.remove()).await;
        let stats = self.recorder.stats();
        let about = self.report.about();
        tracing::info!(id = about.id, bytes = stats.bytes, "finished");
        self.report
            .update(Condition::Finished { reason }, None, stats);
        follow_up(&self.context.config, &path, stats.bytes);
    }
}
