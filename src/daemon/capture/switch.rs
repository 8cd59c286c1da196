//! From one pane, size or process to the next.

use std::mem;
use std::time::Duration;

use super::inputs::{Action, Attached, End, Life, Pipe, Shown, Time};
use super::machine::{AGAIN, BLIND, Capture, DEAD_QUIET, HANDOVER, QUIET, REST, TRIES};
use super::states::{Continuity, Source, State, Stream, Then};

impl Capture {
    pub(super) fn on_failed(
        &mut self,
        warning: Option<String>,
        now: Time,
        actions: &mut Vec<Action>,
    ) {
        let State::Switching { source, to } = self.take_state() else {
            return;
        };
        if let Some(warning) = warning {
            self.warn(&warning);
            if !source.streams(to.pane) && self.continuity.is_complete() {
                // What the pane prints until the next try is nowhere.
                self.continuity = Continuity::Gap(warning);
            }
        }
        // The pane may be gone by now: look before trying again.
        self.captured = None;
        self.put_off(to, now + AGAIN * self.tries.clamp(1, TRIES));
        self.tries = self.tries.saturating_add(1);
        actions.push(Action::Look);
        self.capture(source, now, actions);
    }

    pub(super) fn on_attached(&mut self, attached: Attached, now: Time, actions: &mut Vec<Action>) {
        let State::Switching { source, to } = self.take_state() else {
            return;
        };
        let stream = match source {
            Source::Stream(stream) => stream,
            other => return self.settle(other, to, attached, now, actions),
        };
        let is_same = stream.pane == to.pane;
        if self.was_cut && attached.pipe != Pipe::Dead && self.continuity.is_complete() {
            // What tmux had for it went with the pipe process.
            self.continuity = Continuity::Gap("the pane's pipe was cut off".to_owned());
        }
        let lives_on = match is_same {
            true => attached.pipe != Pipe::Dead,
            false => self.streamed == Life::Living,
        };
        if !is_same && lives_on && stream.is_open {
            actions.extend([Action::ReadAll, Action::Release]);
            return self.settle(Source::Nothing, to, attached, now, actions);
        }
        if lives_on && !stream.is_open && !(is_same && attached.pipe == Pipe::Started) {
            actions.push(Action::Disown);
        }
        // The pipe is off, or about to end: everything it still delivers came
        // before the snapshot.
        let stays = match is_same {
            true => attached.pipe == Pipe::Dead,
            false => self.streamed == Life::Dead,
        };
        let is_hurried = self.end == Some(End::Asked) || self.pause.is_some();
        let quiet = match stays || is_hurried {
            true => DEAD_QUIET,
            false => REST,
        };
        let then = Then::Settle { to, attached };
        self.dry(stream, quiet, then, now, actions);
    }

    /// Waits for the end of a pipe that is off.
    pub(super) fn dry(
        &mut self,
        stream: Stream,
        quiet: Duration,
        then: Then,
        now: Time,
        actions: &mut Vec<Action>,
    ) {
        self.state = State::Drying {
            stream,
            quiet,
            until: now + quiet,
            then,
        };
        if !stream.is_open {
            self.on_dry(now, actions);
        }
    }

    pub(super) fn on_dry(&mut self, now: Time, actions: &mut Vec<Action>) {
        let State::Drying { then, .. } = self.take_state() else {
            return;
        };
        actions.push(Action::Close);
        match then {
            Then::Settle { to, attached } => {
                self.settle(Source::Nothing, to, attached, now, actions);
            }
            Then::Leave if self.end.is_some() => self.finish(actions),
            Then::Leave => self.enter_pause(now, actions),
        }
    }

    /// Records a snapshot, and the stream that begins with it. `before` is what
    /// was seen until now; its stream has ended.
    pub(super) fn settle(
        &mut self,
        before: Source,
        to: Shown,
        attached: Attached,
        now: Time,
        actions: &mut Vec<Action>,
    ) {
        if let Pipe::Busy { is_ours } = attached.pipe
            && self.waits_for_ours(&before, is_ours, now)
        {
            self.captured = None;
            self.put_off(to, now + AGAIN);
            actions.push(Action::Look);
            return self.capture(Source::Nothing, now, actions);
        }
        let is_torn = attached.is_torn && self.tries < TRIES;
        // The pane may have died, or come back, since it was looked at.
        let shown = Shown {
            size: attached.size,
            is_dead: attached.pipe == Pipe::Dead,
            ..to
        };
        self.tries = if is_torn { self.tries + 1 } else { 0 };
        let known = |of: Shown| (of.pane, of.pid);
        let is_same = self.captured.map(known) == Some(known(to));
        if !is_same {
            self.cuts = 0;
        }
        // With nothing before it, the stream of the same pane has just run dry.
        let follows = is_same && before == Source::Nothing && attached.pipe == Pipe::Started;
        self.record_snapshot(&before, &attached, follows, actions);
        if is_torn {
            self.continuity = Continuity::Stale;
        }
        actions.push(Action::Watch(to.pid));
        let source = match attached.pipe {
            Pipe::Started => {
                let is_alternate = attached.is_alternate;
                actions.push(Action::Adopt { is_alternate });
                Source::Stream(Stream::of(to.pane))
            }
            Pipe::Busy { .. } => {
                if !matches!(&before, Source::Blind { pane, .. } if *pane == to.pane) {
                    actions.push(Action::MarkBlind(to.pane));
                }
                Source::Blind {
                    pane: to.pane,
                    painted: attached.painted,
                }
            }
            Pipe::Dead => Source::Dead,
        };
        self.captured = Some(shown);
        self.was_foreign = false;
        self.wanted_since = None;
        self.warning = None;
        self.left_alone = None;
        // It may have changed meanwhile: compare again.
        let has_changed = self.wanted.is_some_and(|wanted| wanted != shown);
        self.try_at = (has_changed || is_torn).then_some(now + QUIET);
        if matches!(source, Source::Blind { .. }) {
            self.put_off(shown, now + BLIND);
        }
        actions.push(Action::Look);
        self.capture(source, now, actions);
    }

    pub(super) fn record_snapshot(
        &mut self,
        before: &Source,
        attached: &Attached,
        follows: bool,
        actions: &mut Vec<Action>,
    ) {
        let gap = self.take_gap();
        let repeats = attached.pipe != Pipe::Started
            && matches!(before, Source::Blind { painted, .. } if *painted == attached.painted);
        if repeats && gap.is_none() {
            return;
        }
        let follows = follows && gap.is_none();
        actions.extend(gap.map(Action::MarkGap));
        if mem::take(&mut self.marks_resume) {
            actions.push(Action::MarkResumed);
        }
        actions.push(Action::Snapshot {
            size: attached.size,
            painted: attached.painted.clone(),
            follows,
        });
    }

    /// Why something is missing, if it is: to be marked now.
    pub(super) fn take_gap(&mut self) -> Option<String> {
        match mem::replace(&mut self.continuity, Continuity::Whole) {
            Continuity::Whole | Continuity::Stale | Continuity::Cut => None,
            Continuity::Dropping => Some("output was dropped".to_owned()),
            Continuity::Gap(why) => Some(why),
        }
    }

    /// Whether the pane's pipe is another recording's of ours, which is about
    /// to leave it.
    pub(super) fn waits_for_ours(&mut self, before: &Source, is_ours: bool, now: Time) -> bool {
        let since = self.wanted_since.unwrap_or(now);
        // One that went blind over it tries at each look only.
        if now >= since + HANDOVER || matches!(before, Source::Blind { .. }) {
            return false;
        }
        // It may have been ours when tmux answered, and been left since then.
        let was_foreign = mem::replace(&mut self.was_foreign, !is_ours);
        is_ours || !was_foreign
    }
}
