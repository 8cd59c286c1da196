//! The states of a recording.

use std::time::Duration;

use super::inputs::{Attached, Shown, Time};
use crate::tmux::PaneId;

/// A pane's output on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) pane: PaneId,
    /// Whether more may come.
    pub(super) is_open: bool,
}

/// What the recording sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Nothing: there was no snapshot yet, or the last try has failed.
    Nothing,
    /// The output of a pane.
    Stream(Stream),
    /// The last screen of a pane whose process has ended.
    Dead,
    /// Snapshots alone: another program has the pane's pipe.
    Blind { pane: PaneId, painted: Vec<u8> },
    /// Nothing, as was asked: no stream, no snapshot, no look at the pane.
    Paused,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    /// No change is under way.
    Capturing(Source),
    /// [`Action::Attach`] is not yet answered; what is captured goes on.
    Switching {
        source: Source,
        to: Shown,
    },
    /// The stream's pipe is off. What still comes is from before the snapshot,
    /// or from before the end.
    Drying {
        stream: Stream,
        quiet: Duration,
        until: Time,
        then: Then,
    },
    /// The recording ends or pauses, at a moment without output.
    Lull {
        stream: Stream,
        until: Time,
    },
    /// [`Action::TurnOff`] is not yet answered.
    TurningOff {
        stream: Stream,
        until: Time,
    },
    Finished,
}

/// What comes after an old pipe has run dry.
#[derive(Clone, Debug)]
pub(super) enum Then {
    Settle {
        to: Shown,
        attached: Attached,
    },
    /// The end, or a pause.
    Leave,
}

/// Whether the cast shows what was to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Continuity {
    Whole,
    /// Nothing is missing, but the player's screen may be wrong: a snapshot is
    /// wanted.
    Stale,
    /// Nothing is missing but a character that the start of the stream has cut: a
    /// snapshot is wanted once the pane is quiet.
    Cut,
    /// Output is being dropped.
    Dropping,
    /// Something is missing, and why; a snapshot is wanted.
    Gap(String),
}

impl Stream {
    pub(super) fn of(pane: PaneId) -> Stream {
        Stream {
            pane,
            is_open: true,
        }
    }
}

impl Source {
    /// Whether this pane's output comes.
    pub(super) fn streams(&self, wanted: PaneId) -> bool {
        matches!(self, Source::Stream(stream) if stream.pane == wanted && stream.is_open)
    }
}

impl Continuity {
    pub(super) fn is_whole(&self) -> bool {
        *self == Continuity::Whole
    }

    /// Whether nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        matches!(
            self,
            Continuity::Whole | Continuity::Stale | Continuity::Cut
        )
    }
}
