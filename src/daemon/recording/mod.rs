//! One recording: the task that owns its streams, its recorder and its file.
//!
//! What is captured is decided in [`super::capture`]; the task feeds that
//! machine with what happens and does what it says. It has one event loop:
//! nothing that is waited for (tmux, an old pipe, the disk) keeps it from
//! reading, or from answering a client.
//!
//! Invariant: draining waits neither for the disk nor for tmux.

mod actions;
mod alarm;
mod file;
mod finish;
mod flag;
mod flashback;
mod follow_up;
mod lookout;
mod pause;
mod process;
mod rotate;
mod status;
mod task;
mod waiting;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use self::task::Task;
use super::Result;
use super::capture::Shown;
use super::events::Events;
use super::flashback::Saved;
use super::journal::JournalFile;
use super::pipes::Pipes;
use super::spec::RecordingSpec;
use super::watcher::Watcher;
use crate::cast::{Micros, late_label};
use crate::config::Config;
use crate::record::{DiskFile, Disks, Intervals, Lines, ReadBuffer, Recorder, Stream};
use crate::tmux::snapshot::Unrevealed;
use crate::tmux::{Server, Snapshot, Version};

pub(super) use self::alarm::Alarm;
pub(super) use self::file::REMOVED;
pub(super) use self::finish::{close_part, settle_cast};
pub(super) use self::follow_up::{Updates, follow_up};
pub use self::lookout::{Lookout, is_withholding, withheld};
pub(super) use self::status::{About, Condition, Report};
pub(super) use self::waiting::time_until;

/// What the daemon lends to its recordings.
#[derive(Clone)]
pub(super) struct Context {
    /// The settings as they change.
    pub(super) settings: watch::Receiver<Arc<Config>>,
    /// The settings that are in force here: [`Context::renew`] takes over what
    /// has changed.
    pub(super) config: Arc<Config>,
    pub(super) pipes: Arc<Pipes>,
    /// The folder in which the state of recordings outlives the daemon.
    pub(super) kept: Option<Arc<Path>>,
    pub(super) disks: Arc<Disks>,
    pub(super) events: Arc<Events>,
    pub(super) updates: Arc<Updates>,
}

impl Context {
    /// What a snapshot puts into a cast, by the settings.
    pub(super) fn paint(&self, snapshot: Snapshot) -> Vec<u8> {
        self.paint_with(snapshot, Unrevealed::default())
    }

    /// The same with what tmux does not tell.
    fn paint_with(&self, mut snapshot: Snapshot, mut unrevealed: Unrevealed) -> Vec<u8> {
        if !self.config.annotations.include_cursor_state {
            snapshot = snapshot.with_plain_cursor();
            unrevealed.cursor_style = 0;
        }
        let mut painted = Vec::new();
        snapshot.paint_with(&unrevealed, &mut painted);
        painted
    }

    /// Takes over settings that have changed since; `false` where none have.
    /// Cheap: called for each event of a busy pane.
    pub(super) fn renew(&mut self) -> bool {
        let has_changed = self.settings.has_changed().unwrap_or(false);
        if has_changed {
            self.config = Arc::clone(&self.settings.borrow_and_update());
        }
        has_changed
    }

    /// How long output may be at risk.
    pub(super) fn intervals(&self) -> Intervals {
        Intervals {
            flush: self.config.recording.flush_interval(),
            sync: self.config.recording.sync_interval(),
            tick: self.disks.tick(),
        }
    }

    /// How the names begin of the files that a recording's state is kept in.
    pub(super) fn kept_base(&self, stem: &str) -> Option<PathBuf> {
        self.kept.as_deref().map(|folder| folder.join(stem))
    }

    /// Most bytes that a recording keeps in memory.
    pub(super) fn memory_bound(&self) -> usize {
        usize::try_from(self.config.recording.max_buffer_bytes).unwrap_or(usize::MAX)
    }
}

/// What a client asks of a running recording.
pub(super) enum Command {
    /// Of a moment that many microseconds ago. Answered by whether there was room for it.
    Mark(String, Micros, oneshot::Sender<bool>),
    SetTitle(String, oneshot::Sender<()>),
    /// Save what is kept; whether it is to go on behind that, which waits for
    /// [`Command::Saved`] then.
    Save(bool, oneshot::Sender<Result<Saved>>),
    /// Go on behind this cast, to which the present one was saved.
    Saved(Option<PathBuf>),
    /// Record nothing from now on, until that time (seconds since the Unix epoch)
    /// where one is given. Answered once not a byte is taken any more: by whether
    /// that can be.
    Pause(Option<u64>, oneshot::Sender<bool>),
    /// Answered once all is recorded again.
    Resume(oneshot::Sender<bool>),
    Stop,
    /// Stop reading; another daemon goes on.
    HandOver,
}

/// The label of a marker that names a moment `ago` microseconds before, at this `time` of a cast
/// with `earlier` ones.
pub(super) fn marker_label(
    label: &str,
    ago: Micros,
    earlier: &super::earlier::Earlier,
    time: Micros,
) -> String {
    match ago.min(earlier.duration + time) {
        0 => label.to_owned(),
        before => late_label(label, before),
    }
}

/// A running recording, from outside.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) report: Arc<Report>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) ended: watch::Receiver<bool>,
}

/// A cast that is open for writing.
pub(super) struct OpenCast {
    pub(super) recorder: Recorder,
    pub(super) file: DiskFile,
    /// Bytes of whole lines in the file.
    pub(super) length: u64,
    /// The time of the cast at this moment.
    pub(super) now: Micros,
    /// Where its state is kept: the buffer that the recorder's next lines go to,
    /// and the one that streams are read into.
    pub(super) kept: Option<(Lines, ReadBuffer)>,
}

/// How a recording begins.
pub(super) enum Opening {
    /// Its first snapshot is in the cast.
    Started {
        shown: Shown,
        is_alternate: bool,
        /// None of a pane whose process has ended.
        stream: Option<Stream>,
    },
    /// It goes on with the stream of a daemon before: nothing is missing.
    Carried {
        shown: Shown,
        is_alternate: bool,
        stream: Stream,
        /// The end of what it has printed so far.
        recent: Vec<u8>,
    },
    /// It goes on after a gap, and why there is one.
    AfterGap(String),
    /// It is paused still.
    Paused,
}

/// Everything that a recording starts with.
pub(super) struct SpawnArgs {
    pub(super) context: Context,
    pub(super) server: Server,
    pub(super) version: Version,
    pub(super) watcher: Arc<Watcher>,
    pub(super) spec: RecordingSpec,
    pub(super) journal: JournalFile,
    pub(super) cast: OpenCast,
    pub(super) opening: Opening,
    /// How often another daemon has gone on with it.
    pub(super) carried: u64,
}

/// The most bytes that the event loop of a recording may keep while it waits, beside
/// its task. What is seldom awaited is boxed.
const LARGEST_FUTURE: usize = 2048;

impl Handle {
    /// Starts a recording's task: `run` gets what clients ask of it, and returns
    /// when the recording has ended.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        report: Arc<Report>,
        run: impl FnOnce(mpsc::Receiver<Command>) -> F + Send + 'static,
    ) -> Handle {
        const { assert!(size_of::<F>() <= LARGEST_FUTURE) };
        let (commands, inbox) = mpsc::channel(8);
        let (ended_sender, ended) = watch::channel(false);
        tokio::spawn(async move {
            // Made here: a future that is handed over would be held twice.
            run(inbox).await;
            ended_sender.send_replace(true);
        });
        Handle {
            report,
            commands,
            ended,
        }
    }
}

/// Starts the task of a recording.
pub(super) fn spawn(args: SpawnArgs) -> Handle {
    let task = Box::new(Task::new(args));
    Handle::spawn(Arc::clone(task.report()), move |inbox| task.run(inbox))
}
