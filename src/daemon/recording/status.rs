//! How a recording is, and what clients are told of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::earlier::Earlier;
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
    /// Nothing is taken, since that was asked for or, where it says why, since the
    /// settings want it so; until then at most (seconds since the Unix epoch).
    Paused {
        why: Option<Arc<str>>,
        until: Option<u64>,
    },
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
    cast_path: PathBuf,
    /// What the figures do not count: those are of the present cast.
    earlier: Earlier,
    condition: Condition,
    /// How many seconds are kept, where that is not all.
    flashback: Option<u64>,
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
        let cast = (spec.cast_path.clone(), spec.earlier);
        let report = Report::starting(about, cast, pane, stats);
        report.lock().flashback = spec.flashback_seconds();
        report
    }

    /// The report of a recording without tmux.
    pub(in crate::daemon) fn about_command(
        about: About,
        cast: (PathBuf, Earlier),
        stats: Stats,
    ) -> Report {
        Report::starting(about, cast, None, stats)
    }

    fn starting(
        about: About,
        (cast_path, earlier): (PathBuf, Earlier),
        pane: Option<PaneId>,
        stats: Stats,
    ) -> Report {
        Report {
            status: Mutex::new(Status {
                cast_path,
                earlier,
                condition: Condition::Recording { warning: None },
                flashback: None,
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

    /// The cast that is being written.
    pub(in crate::daemon) fn cast_path(&self) -> PathBuf {
        self.lock().cast_path.clone()
    }

    /// The casts before it, and what they hold.
    pub(in crate::daemon) fn earlier(&self) -> Earlier {
        self.lock().earlier
    }

    /// The recording goes on in another cast, which has got `stats` so far and keeps
    /// the last `flashback` seconds, or all.
    pub(in crate::daemon) fn go_on_in(
        &self,
        cast: &Path,
        (earlier, stats): (Earlier, Stats),
        flashback: Option<u64>,
    ) {
        let mut status = self.lock();
        status.cast_path = cast.to_owned();
        status.earlier = earlier;
        status.stats = stats;
        status.flashback = flashback;
    }

    /// Gives it another title.
    pub(in crate::daemon) fn set_title(&self, title: &str) {
        self.lock().title = Some(title.to_owned());
    }

    /// The recording as it is told to clients.
    pub(in crate::daemon) fn to_api(&self) -> api::Recording {
        let about = &self.about;
        let Status {
            cast_path,
            earlier,
            condition,
            flashback,
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
            part: earlier.part(),
            active_pane: pane.map(|pane| pane.to_string()),
            state: condition.state(),
            reason: condition.reason(&cast_path),
            cast_path,
            title,
            socket: about.socket.clone(),
            started: about.started,
            ended,
            duration: (earlier.duration + stats.duration) as f64 / 1e6,
            bytes: earlier.bytes + stats.bytes,
            events: earlier.events + stats.events,
            gaps: stats.gaps,
            lost_bytes: stats.lost_bytes,
            carried: about.carried,
            flashback,
            paused_until: condition.paused_until(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status
            .lock()
            .unwrap_or_else(|error| error.into_inner())
    }
}

impl Condition {
    pub(super) fn state(&self) -> api::State {
        match self {
            Condition::Recording { .. } => api::State::Recording,
            Condition::Blind(_) => api::State::Blind,
            Condition::Paused { .. } => api::State::Paused,
            Condition::Refused(_) | Condition::Removed | Condition::Overloaded => {
                api::State::Suspended
            }
            Condition::Finished { .. } => api::State::Finished,
        }
    }

    fn paused_until(&self) -> Option<u64> {
        match self {
            Condition::Paused { until, .. } => *until,
            _ => None,
        }
    }

    /// Why it is not as it should be, for people.
    fn reason(&self, cast: &Path) -> Option<String> {
        match self {
            Condition::Recording { warning: text } | Condition::Finished { reason: text } => {
                text.as_deref().map(str::to_owned)
            }
            Condition::Blind(pane) => Some(blind_reason(*pane)),
            Condition::Paused { why, .. } => why.as_deref().map(str::to_owned),
            Condition::Refused(why) => Some(why.to_string()),
            Condition::Removed => Some(format!(
                "the cast {} was removed, or its folder",
                cast.display()
            )),
            Condition::Overloaded => Some("output comes faster than it can be written".to_owned()),
        }
    }
}

/// Why only snapshots of a pane are recorded.
pub(super) fn blind_reason(pane: PaneId) -> String {
    format!("pane {pane} is piped by another program")
}
