//! What happens to a recording, and what its task has to do about it.

use std::path::Path;
use std::time::Duration;

use crate::record::StreamRecord;
use crate::tmux::PaneId;

/// Time since the recording's task has started.
pub(in crate::daemon) type Time = Duration;

/// What a pane shows: where one of these differs from what is captured, a new
/// snapshot is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Shown {
    pub(in crate::daemon) pane: PaneId,
    /// The process that tmux started in it.
    pub(in crate::daemon) pid: u32,
    /// Columns and rows.
    pub(in crate::daemon) size: (u16, u16),
    pub(in crate::daemon) is_dead: bool,
    /// Whether tmux has drawn on it how its process has ended.
    pub(in crate::daemon) has_status: bool,
}

impl Shown {
    /// What a later daemon needs to go on with the stream into `fifo` that began
    /// with this.
    pub(in crate::daemon) fn record(&self, fifo: &Path) -> StreamRecord {
        StreamRecord {
            fifo: fifo.to_owned(),
            pane: self.pane.0,
            pid: self.pid,
            size: self.size,
            control: None,
        }
    }

    /// What the stream began with that a daemon before has recorded.
    pub(in crate::daemon) fn of_record(record: &StreamRecord) -> Shown {
        Shown {
            pane: PaneId(record.pane),
            pid: record.pid,
            size: record.size,
            is_dead: false,
            has_status: false,
        }
    }
}

/// A snapshot that was taken, and what became of the pane's pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Attached {
    pub(in crate::daemon) pipe: Pipe,
    pub(in crate::daemon) size: (u16, u16),
    pub(in crate::daemon) is_alternate: bool,
    /// Whether the pane was in the middle of an escape sequence that the
    /// snapshot cannot hold.
    pub(in crate::daemon) is_torn: bool,
    /// The bytes that paint it.
    pub(in crate::daemon) painted: Vec<u8>,
}

/// What became of a pane's pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum Pipe {
    /// It runs, and its stream waits for [`Action::Adopt`].
    Started,
    /// Another pipe is on the pane; maybe that of another recording of ours.
    Busy { is_ours: bool },
    /// The pane's process has ended; there is nothing to pipe.
    Dead,
}

/// What has become of a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum Life {
    Living,
    /// Its process has ended, and it is still there (`remain-on-exit`).
    Dead,
    Gone,
}

/// What becomes of the output before a pause that is not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum UnreadOutput {
    /// It is recorded: the pipe is turned off, and runs dry.
    Record,
    /// It may be what must not be recorded: nobody reads it.
    Drop,
}

/// What reading the stream gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::daemon) struct Drained {
    pub(in crate::daemon) bytes: usize,
    /// Nothing more will come.
    pub(in crate::daemon) is_closed: bool,
    /// The program has left the alternate screen on which the stream began.
    pub(in crate::daemon) has_left_alternate: bool,
    /// It began within a character, whose start the snapshot does not hold.
    pub(in crate::daemon) is_cut: bool,
    /// The recorder had no room for all of it.
    pub(in crate::daemon) is_dropped: bool,
}

/// What happens to a recording.
#[derive(Clone, Debug)]
pub(in crate::daemon) enum Input {
    /// The window, or the one pane that is recorded, looks like this.
    Seen {
        wanted: Shown,
        /// What has become of the pane that is streamed.
        streamed: Life,
    },
    /// There is nothing more to record, and why.
    Gone(&'static str),
    /// The stream was read.
    Drained(Drained),
    Attached(Attached),
    /// [`Action::Attach`] has failed; with what people should know.
    AttachFailed {
        warning: Option<String>,
    },
    TurnedOff {
        /// Whether the pipe stays, since the pane's process has ended.
        is_dead: bool,
    },
    /// Something is missing up to now, and why.
    Missing(String),
    /// Record nothing from now on …
    Pause(UnreadOutput),
    /// … until this.
    Resume,
    /// Somebody wants the recording to end.
    Stop,
    /// It is [`super::Capture::due`].
    Tick,
}

/// What the recording's task has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum Action {
    /// Ask for the server's state.
    Look,
    /// Take a snapshot of the pane and start its pipe, in place of our own pipe
    /// where the stream is of that pane.
    Attach(PaneId),
    /// Wait for [`Action::Attach`] no longer; the pipe is turned off when it
    /// has been started after all.
    AbandonAttach,
    /// Record that the terminal has this size.
    Resize(u16, u16),
    /// Record a marker: something is missing, and why.
    MarkGap(String),
    Snapshot {
        size: (u16, u16),
        painted: Vec<u8>,
        /// Whether it comes right behind the recorded output of the same pane.
        follows: bool,
    },
    /// Record a marker: from here on only snapshots are seen of this pane.
    MarkBlind(PaneId),
    /// Record a marker: from here on nothing is recorded.
    MarkPaused,
    /// Record a marker: it is recorded again, from the snapshot that follows on.
    MarkResumed,
    /// Watch for the end of this process.
    Watch(u32),
    /// Record the stream that [`Action::Attach`] has started.
    Adopt {
        is_alternate: bool,
    },
    /// Read all that the stream holds.
    ReadAll,
    /// The stream's pane is left while it lives: turn its pipe off; what still
    /// comes is of no interest, but must not stall the pipe process.
    Release,
    /// The stream's pipe is off: let it go.
    Close,
    /// Let the stream go though its pipe is on: nothing of it is read any more.
    CutOff,
    /// Ask tmux to turn the stream's pipe off.
    TurnOff,
    /// Let tmux forget that the stream's pane was piped by us; answered as
    /// [`Action::TurnOff`] is.
    Disown,
    Finish,
}

/// Why a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum End {
    /// Somebody has stopped it.
    Asked,
    /// There is nothing more to record, and why.
    Gone(&'static str),
}
