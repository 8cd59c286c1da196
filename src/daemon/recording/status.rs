//! How a recording is, and what clients are told of it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::spec::RecordingSpec;
use crate::api;
use crate::clock::unix_seconds;
use crate::record::Stats;
use crate::tmux::PaneId;

/// How a recording is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) enum Condition {
    /// All is well, but for what people should know.
    Recording {
        warning: Option<Arc<str>>,
    },
    /// Another program has this pane's pipe: only snapshots are recorded.
    Blind(PaneId),
    /// The file takes nothing; what the system said.
    Refused(Arc<str>),
    /// The file has been removed, or its folder.
    Removed,
    /// Output comes faster than it can be written.
    Overloaded,
    Finished {
        reason: Option<Arc<str>>,
    },
}

/// What clients are told of a recording that does not change while it runs.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct About {
    pub(in crate::daemon) id: String,
    pub(in crate::daemon) session_id: String,
    /// Empty for a command that runs on a terminal of its own.
    pub(in crate::daemon) window_id: String,
    pub(in crate::daemon) cast_path: PathBuf,
    /// At the start.
    pub(in crate::daemon) title: Option<String>,
    /// The tmux server's socket; empty where there is none.
    pub(in crate::daemon) socket: PathBuf,
    /// Seconds since the Unix epoch.
    pub(in crate::daemon) started: u64,
    /// How often another daemon has gone on with it.
    pub(in crate::daemon) carried: u64,
}

impl From<&RecordingSpec> for About {
    fn from(spec: &RecordingSpec) -> About {
        About {
            id: spec.id.clone(),
            session_id: spec.session_name.clone(),
            window_id: spec.window.to_string(),
            cast_path: spec.cast_path.clone(),
            title: spec.title.clone(),
            socket: spec.socket.clone(),
            started: spec.started(),
            carried: 0,
        }
    }
}

/// How a recording is at one moment.
#[derive(Clone, Debug)]
struct Status {
    condition: Condition,
    /// Seconds since the Unix epoch.
    ended: Option<u64>,
    title: Option<String>,
    pane: Option<PaneId>,
    stats: Stats,
}

/// A recording as others see it. The recording's task keeps it up to date.
#[derive(Debug)]
pub(in crate::daemon) struct Report {
    about: About,
    status: Mutex<Status>,
}

impl Report {
    pub(super) fn new(
        spec: &RecordingSpec,
        pane: Option<PaneId>,
        stats: Stats,
        carried: u64,
    ) -> Report {
        let about = About {
            carried,
            ..spec.into()
        };
        Report::starting(about, pane, stats)
    }

    /// The report of a recording without tmux.
    pub(in crate::daemon) fn about_command(about: About, stats: Stats) -> Report {
        Report::starting(about, None, stats)
    }

    fn starting(about: About, pane: Option<PaneId>, stats: Stats) -> Report {
        Report {
            status: Mutex::new(Status {
                condition: Condition::Recording { warning: None },
                ended: None,
                title: about.title.clone(),
                pane,
                stats,
            }),
            about,
        }
    }

    pub(in crate::daemon) fn about(&self) -> &About {
        &self.about
    }

    /// Notes how the recording is. Returns whether that is more than numbers.
    /// Called for each event of a busy pane: allocates nothing.
    pub(in crate::daemon) fn update(
        &self,
        condition: Condition,
        pane: Option<PaneId>,
        stats: Stats,
    ) -> bool {
        let mut status = self.lock();
        status.stats = stats;
        let has_changed = status.condition != condition || status.pane != pane;
        if matches!(condition, Condition::Finished { .. }) {
            status.ended.get_or_insert_with(unix_seconds);
        }
        status.condition = condition;
        status.pane = pane;
        has_changed
    }

    /// Gives it another title.
    pub(in crate::daemon) fn set_title(&self, title: &str) {
        self.lock().title = Some(title.to_owned());
    }

    /// The recording as it is told to clients.
    pub(in crate::daemon) fn to_api(&self) -> api::Recording {
        let about = &self.about;
        let Status {
            condition,
            ended,
            title,
            pane,
            stats,
        } = self.lock().clone();
        api::Recording {
            id: about.id.clone(),
            session_id: about.session_id.clone(),
            window_id: about.window_id.clone(),
            window_name: None,
            active: !matches!(condition, Condition::Finished { .. }),
            cast_path: about.cast_path.clone(),
            active_pane: pane.map(|pane| pane.to_string()),
            state: condition.state(),
            reason: condition.reason(about),
            title,
            socket: about.socket.clone(),
            started: about.started,
            ended,
            duration: stats.duration as f64 / 1e6,
            bytes: stats.bytes,
            events: stats.events,
            gaps: stats.gaps,
            lost_bytes: stats.lost_bytes,
            carried: about.carried,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status
            .lock()
            .unwrap_or_else(|error| error.into_inner())
    }
}

impl Condition {
    fn state(&self) -> api::State {
        match self {
            Condition::Recording { .. } => api::State::Recording,
            Condition::Blind(_) => api::State::Blind,
            Condition::Refused(_) | Condition::Removed | Condition::Overloaded => {
                api::State::Suspended
            }
            Condition::Finished { .. } => api::State::Finished,
        }
    }

    /// Why it is not as it should be, for people.
    fn reason(&self, about: &About) -> Option<String> {
        match self {
            Condition::Recording { warning: text } | Condition::Finished { reason: text } => {
                text.as_deref().map(str::to_owned)
            }
            Condition::Blind(pane) => Some(blind_reason(*pane)),
            Condition::Refused(why) => Some(why.to_string()),
            Condition::Removed => Some(format!(
                "the cast {} was removed, or its folder",
                about.cast_path.display()
            )),
            Condition::Overloaded => Some("output comes faster than it can be written".to_owned()),
        }
    }
}

/// Why only snapshots of a pane are recorded.
pub(super) fn blind_reason(pane: PaneId) -> String {
    format!("pane {pane} is piped by another program")
}
