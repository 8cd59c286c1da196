//! Pauses of a command's recording: the process that runs the command is told to hand
//! over nothing, and says when that is so.
//!
//! ```text
//!              pause                 all before it is handed over, or
//!   recording ───────> pausing ────> time is up: the FIFO is left alone
//!       ^                 │              │
//!       └───── resume ────┴── paused <───┘
//! ```
//!
//! Before each of its reads that process looks for an order: what the command prints
//! after the order is there is never handed over, also where the answer is late.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::daemon::recording::{Condition, time_until};
use crate::daemon::spec::Paused;

/// How long the process that runs the command may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(2);

/// How a recording stands with its pauses.
#[derive(Default)]
pub(super) struct Pause {
    /// The pause that somebody has asked for.
    pub(super) asked: Option<Paused>,
    /// Why the process that runs the command hands over nothing though nobody has
    /// asked.
    pub(super) withheld: Option<Arc<str>>,
    pub(super) state: State,
    /// Who waits for it to begin, and for it to be over.
    pub(super) waiting: Vec<oneshot::Sender<bool>>,
    pub(super) for_end: Vec<oneshot::Sender<bool>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Recording,
    /// The order of that number is given.
    Pausing {
        number: u64,
        by: Instant,
    },
    Paused,
}

impl Pause {
    /// As a daemon before has left it.
    pub(super) fn left(asked: Option<Paused>, withheld: Option<String>) -> Pause {
        Pause {
            asked,
            withheld: withheld.map(Arc::from),
            state: match asked {
                Some(_) => State::Paused,
                None => State::Recording,
            },
            ..Pause::default()
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.state == State::Paused
    }

    /// What the marker of the present pause says.
    pub(super) fn label(&self) -> Option<String> {
        match &self.withheld {
            _ if self.is_paused() => Some("tvmux: paused".to_owned()),
            Some(why) => Some(format!("tvmux: paused: {why}")),
            None => None,
        }
    }

    pub(super) fn condition(&self) -> Option<Condition> {
        let is_paused = self.is_paused() || self.withheld.is_some();
        is_paused.then(|| Condition::Paused {
            why: self.withheld.clone(),
            until: self.asked.and_then(|asked| asked.until),
        })
    }

    /// When something is due though nothing happens.
    pub(super) fn due(&self) -> Option<Instant> {
        let by = match self.state {
            State::Pausing { by, .. } => Some(by),
            State::Recording | State::Paused => None,
        };
        let until = self.asked.and_then(|asked| asked.until);
        let until = until.map(|until| Instant::now() + time_until(until));
        by.into_iter().chain(until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_lasts_while_there_is_a_reason_for_it() {
        let asked = Some(Paused { until: Some(9) });
        let mut pause = Pause::left(asked, Some("it runs".to_owned()));
        assert_eq!(pause.label().as_deref(), Some("tvmux: paused"));
        pause.state = State::Recording;
        assert_eq!(pause.label().as_deref(), Some("tvmux: paused: it runs"));
        assert!(pause.condition().is_some());
        pause.withheld = None;
        assert_eq!(pause.label(), None);
        assert!(pause.condition().is_none());
        let left = Pause::left(None, Some("it runs".to_owned()));
        assert!(!left.is_paused() && left.condition().is_some());
    }
}
