//! From one state of a recording to the next.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::inputs::{Action, Drained, End, Input, Life, Shown, Time, UnreadOutput};
use super::states::{Continuity, Source, State, Stream};
use crate::tmux::PaneId;

/// A pipe is replaced or turned off when its pane has printed nothing for this
/// long, since tmux drops what it has not delivered …
pub(super) const QUIET: Duration = Duration::from_millis(5);
/// … and at the latest after this.
pub(super) const PATIENCE: Duration = Duration::from_millis(60);

/// How long the end of a pipe that is off is waited for, from its last output.
pub(super) const REST: Duration = Duration::from_secs(5);

/// The pipe of a pane whose program has ended stays open, and tmux refuses to
/// turn it off. tmux itself has delivered all by then; the pipe process has
/// when nothing has come for this long. Nor does a stop wait longer for the
/// pipe before the present one.
pub(super) const DEAD_QUIET: Duration = Duration::from_millis(50);

/// A switch that failed is tried again after this, later after this times the
/// number of tries.
pub(super) const AGAIN: Duration = Duration::from_millis(20);

/// How long a pane that another recording of ours is about to release is waited
/// for. That takes milliseconds, but for a machine that is very busy.
pub(super) const HANDOVER: Duration = Duration::from_secs(5);

/// How often a pane that another program has piped is looked at.
pub(super) const BLIND: Duration = Duration::from_secs(1);

/// At most this many snapshots are taken again because they were torn.
pub(super) const TRIES: u32 = 50;

/// How long a pane has printed nothing when another snapshot makes up for a cut
/// character: in the midst of output it would cut the next one.
const CUT_QUIET: Duration = Duration::from_millis(200);

/// At most this many snapshots of a pane are taken again because the stream began
/// within a character.
const CUTS: u32 = 3;

/// What a recording captures, and what it is about to.
#[derive(Debug)]
pub(in crate::daemon) struct Capture {
    pub(super) state: State,
    pub(super) continuity: Continuity,
    /// What the last snapshot showed.
    pub(super) captured: Option<Shown>,
    /// What should be captured, as it was last seen.
    pub(super) wanted: Option<Shown>,
    pub(super) streamed: Life,
    /// When the next comparison is due though nothing has been seen.
    pub(super) try_at: Option<Time>,
    /// What is not tried again before [`Self::try_at`].
    pub(super) left_alone: Option<Shown>,
    /// Since when a switch has been wanted.
    pub(super) wanted_since: Option<Time>,
    /// Attempts without a whole snapshot.
    pub(super) tries: u32,
    /// Snapshots of this pane that were taken again for a cut character.
    pub(super) cuts: u32,
    /// Whether the pane's pipe was somebody else's at the last try.
    pub(super) was_foreign: bool,
    /// Whether the pane's pipe had ended, and not by us, before the switch that
    /// is under way.
    pub(super) was_cut: bool,
    pub(super) last_output: Time,
    pub(super) warning: Option<Arc<str>>,
    pub(super) end: Option<End>,
    /// When a switch is no longer waited for, once the recording is to end or to
    /// pause.
    pub(super) give_up_at: Option<Time>,
    /// Whether the recording pauses.
    pub(super) pause: Option<UnreadOutput>,
    /// Whether the marker of a pause has no counterpart yet.
    pub(super) marks_resume: bool,
}

impl Capture {
    /// A recording whose first snapshot is recorded, and whose stream runs,
    /// unless the pane's process has ended.
    pub(in crate::daemon) fn started(shown: Shown, has_stream: bool) -> Capture {
        let source = match has_stream {
            true => Source::Stream(Stream::of(shown.pane)),
            false => Source::Dead,
        };
        let shown = Shown {
            is_dead: !has_stream,
            ..shown
        };
        Capture {
            captured: Some(shown),
            ..Capture::with(source, Continuity::Whole)
        }
    }

    /// A recording that goes on after a gap.
    pub(in crate::daemon) fn after_gap(why: String) -> Capture {
        Capture::with(Source::Nothing, Continuity::Gap(why))
    }

    /// A recording that a daemon before has left paused.
    pub(in crate::daemon) fn paused() -> Capture {
        Capture {
            pause: Some(UnreadOutput::Record),
            marks_resume: true,
            ..Capture::with(Source::Paused, Continuity::Whole)
        }
    }

    pub(super) fn with(source: Source, continuity: Continuity) -> Capture {
        Capture {
            state: State::Capturing(source),
            continuity,
            captured: None,
            wanted: None,
            streamed: Life::Living,
            try_at: None,
            left_alone: None,
            wanted_since: None,
            tries: 0,
            cuts: 0,
            was_foreign: false,
            was_cut: false,
            last_output: Time::ZERO,
            warning: None,
            end: None,
            give_up_at: None,
            pause: None,
            marks_resume: false,
        }
    }

    /// The pane that the cast shows.
    pub(in crate::daemon) fn pane(&self) -> Option<PaneId> {
        self.captured.map(|shown| shown.pane)
    }

    /// What the last snapshot showed.
    pub(in crate::daemon) fn shown(&self) -> Option<Shown> {
        self.captured
    }

    /// Whether nothing is under way: another daemon could go on from here.
    pub(in crate::daemon) fn is_settled(&self) -> bool {
        matches!(self.state, State::Capturing(_)) && self.continuity.is_whole()
    }

    /// The process that the cast shows.
    pub(in crate::daemon) fn process(&self) -> Option<u32> {
        self.captured.map(|shown| shown.pid)
    }

    /// The process that tmux has started in the pane that is captured, or is next.
    pub(in crate::daemon) fn wanted_process(&self) -> Option<u32> {
        self.wanted.or(self.captured).map(|shown| shown.pid)
    }

    /// The pane of which only snapshots are seen, since another program has its
    /// pipe.
    pub(in crate::daemon) fn blind(&self) -> Option<PaneId> {
        match &self.state {
            State::Capturing(Source::Blind { pane, .. })
            | State::Switching {
                source: Source::Blind { pane, .. },
                ..
            } => Some(*pane),
            _ => None,
        }
    }

    /// Whether output is being dropped: [`Input::Missing`] is expected when
    /// there is room again.
    pub(in crate::daemon) fn is_dropping(&self) -> bool {
        self.continuity == Continuity::Dropping
    }

    /// What people should know though the recording goes on.
    pub(in crate::daemon) fn warning(&self) -> Option<Arc<str>> {
        self.warning.clone()
    }

    /// Tells people something, until the next snapshot.
    pub(in crate::daemon) fn warn(&mut self, what: &str) {
        self.warning = Some(what.into());
    }

    /// Why the recording ends or has ended.
    pub(in crate::daemon) fn end(&self) -> Option<End> {
        self.end
    }

    /// When [`Input::Tick`] is due.
    pub(in crate::daemon) fn due(&self) -> Option<Time> {
        match &self.state {
            State::Capturing(_) => self.try_at,
            State::Switching { .. } => self.give_up_at,
            State::Drying { until, .. } | State::TurningOff { until, .. } => Some(*until),
            State::Lull { until, .. } => Some((self.last_output + QUIET).min(*until)),
            State::Finished => None,
        }
    }

    /// Takes in what has happened; says what to do. Most output calls
    /// for nothing, and costs no allocation.
    pub(in crate::daemon) fn on(&mut self, input: Input, now: Time) -> Vec<Action> {
        let mut actions = Vec::new();
        if matches!(self.state, State::Finished) {
            return actions;
        }
        match input {
            Input::Seen { wanted, streamed } => {
                self.wanted = Some(wanted);
                self.streamed = streamed;
                self.compare(now, &mut actions);
            }
            Input::Gone(why) => self.on_end(End::Gone(why), now, &mut actions),
            Input::Stop => self.on_end(End::Asked, now, &mut actions),
            Input::Drained(drained) => self.on_drained(drained, now, &mut actions),
            Input::Attached(attached) => self.on_attached(attached, now, &mut actions),
            Input::AttachFailed { warning } => self.on_failed(warning, now, &mut actions),
            Input::TurnedOff { is_dead } => {
                let quiet = if is_dead { DEAD_QUIET } else { REST };
                self.on_turned_off(quiet, now, &mut actions);
            }
            Input::Pause(rest) => self.on_pause(rest, now, &mut actions),
            Input::Resume => self.on_resume(now, &mut actions),
            // It was from before the pause, and nothing comes behind it.
            Input::Missing(why) if self.is_paused() => actions.push(Action::MarkGap(why)),
            Input::Missing(why) => {
                self.continuity = Continuity::Gap(why);
                self.compare_at(now);
            }
            Input::Tick => self.on_tick(now, &mut actions),
        }
        actions
    }

    pub(super) fn stream_mut(&mut self) -> Option<&mut Stream> {
        match &mut self.state {
            State::Capturing(Source::Stream(stream))
            | State::Switching {
                source: Source::Stream(stream),
                ..
            }
            | State::Drying { stream, .. }
            | State::Lull { stream, .. }
            | State::TurningOff { stream, .. } => Some(stream),
            _ => None,
        }
    }

    pub(super) fn compare_at(&mut self, at: Time) {
        self.try_at = Some(at);
        self.left_alone = None;
    }

    /// Leaves `shown` alone until `at`, unless the pane changes.
    pub(super) fn put_off(&mut self, shown: Shown, at: Time) {
        self.try_at = Some(at);
        self.left_alone = Some(shown);
    }

    /// Compares what there is with what is captured.
    pub(super) fn compare(&mut self, now: Time, actions: &mut Vec<Action>) {
        let Some(wanted) = self.wanted else {
            return;
        };
        if self.is_paused() {
            return;
        }
        let dries = matches!(self.state, State::Drying { .. });
        if self.pane() == Some(wanted.pane) && !dries {
            // The pane has this size by now, whenever the snapshot comes.
            let (columns, rows) = wanted.size;
            actions.push(Action::Resize(columns, rows));
        }
        let State::Capturing(source) = &self.state else {
            return;
        };
        let streams = source.streams(wanted.pane);
        let is_shown = self.captured == Some(wanted) && (streams || wanted.is_dead);
        if is_shown && self.continuity.is_whole() {
            self.wanted_since = None;
            self.try_at = None;
            return;
        }
        if self.left_alone == Some(wanted) && self.try_at.is_some_and(|at| now < at) {
            return;
        }
        let has_time = is_shown && self.continuity == Continuity::Cut;
        if has_time && now < self.last_output + CUT_QUIET {
            self.compare_at(self.last_output + CUT_QUIET);
            return;
        }
        let since = *self.wanted_since.get_or_insert(now);
        if streams && now < self.last_output + QUIET && now < since + PATIENCE {
            self.compare_at(now + QUIET);
            return;
        }
        self.try_at = None;
        self.left_alone = None;
        self.was_cut = matches!(source, Source::Stream(stream)
            if stream.pane == wanted.pane && !stream.is_open);
        self.state = State::Switching {
            source: source.clone(),
            to: wanted,
        };
        actions.push(Action::Attach(wanted.pane));
    }

    pub(super) fn on_tick(&mut self, now: Time, actions: &mut Vec<Action>) {
        match &self.state {
            State::Capturing(_) => {
                if self.try_at.is_some_and(|at| at <= now) {
                    self.try_at = None;
                    self.compare(now, actions);
                }
            }
            State::Switching { source, .. } => {
                if self.give_up_at.is_some_and(|at| at <= now) {
                    let source = source.clone();
                    actions.push(Action::AbandonAttach);
                    self.capture(source, now, actions);
                }
            }
            State::Drying { until, .. } if *until <= now => self.on_dry(now, actions),
            State::TurningOff { until, .. } if *until <= now => {
                self.on_turned_off(DEAD_QUIET, now, actions);
            }
            State::Lull { .. } => self.turn_off_in_lull(now, actions),
            State::Drying { .. } | State::TurningOff { .. } | State::Finished => {}
        }
    }

    pub(super) fn on_drained(&mut self, drained: Drained, now: Time, actions: &mut Vec<Action>) {
        if drained.bytes > 0 {
            self.last_output = now;
        }
        if drained.is_dropped && self.continuity.is_complete() {
            self.continuity = Continuity::Dropping;
        }
        let Some(stream) = self.stream_mut() else {
            return;
        };
        let has_ended = stream.is_open && drained.is_closed;
        stream.is_open &= !drained.is_closed;
        match &mut self.state {
            State::Drying {
                stream,
                quiet,
                until,
                ..
            } => {
                if drained.bytes > 0 {
                    *until = now + *quiet;
                }
                if !stream.is_open {
                    self.on_dry(now, actions);
                }
            }
            State::Lull { .. } => self.turn_off_in_lull(now, actions),
            _ => {
                let is_cut = drained.is_cut && self.cuts < CUTS;
                self.cuts += u32::from(is_cut);
                let wanted = match (drained.has_left_alternate, is_cut) {
                    (true, _) => Continuity::Stale,
                    (_, true) => Continuity::Cut,
                    _ => Continuity::Whole,
                };
                if !wanted.is_whole() && self.continuity.is_whole() {
                    self.continuity = wanted;
                    self.compare_at(now + QUIET);
                }
                if has_ended {
                    // Has the pane ended, or only its pipe?
                    actions.push(Action::Look);
                }
            }
        }
    }

    pub(super) fn take_state(&mut self) -> State {
        mem::replace(&mut self.state, State::Capturing(Source::Nothing))
    }

    /// A change is over; the recording ends or pauses where that was asked for
    /// meanwhile.
    pub(super) fn capture(&mut self, source: Source, now: Time, actions: &mut Vec<Action>) {
        self.state = State::Capturing(source);
        match (self.end, self.pause) {
            (Some(end), _) => self.stop_capturing(end, now, actions),
            (None, Some(rest)) => self.pause_capturing(rest, now, actions),
            (None, None) => {}
        }
    }
}
