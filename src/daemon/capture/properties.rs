//! What holds in any order of views, answers, closings, times and failures.

use std::time::Duration;

use proptest::prelude::*;

use super::inputs::Time;
use super::*;
use crate::tmux::PaneId;

/// What happens next, as far as it can happen then.
#[derive(Clone, Debug)]
enum Step {
    See {
        shown: Shown,
        streamed: Life,
    },
    Gone,
    Output {
        bytes: usize,
        is_dropped: bool,
    },
    ClosePipe,
    LeaveAlternate,
    AnswerAttach(Answer),
    AnswerTurnOff {
        is_dead: bool,
    },
    Room,
    Missing,
    Pause(UnreadOutput),
    Resume,
    Stop,
    /// Time passes, and what becomes due meanwhile is done.
    Wait(Duration),
}

#[derive(Clone, Debug)]
enum Answer {
    Failed {
        warning: bool,
    },
    Given {
        pipe: Pipe,
        size: u16,
        is_torn: bool,
        picture: u8,
    },
}

/// What is written to the cast, as far as the order matters.
#[derive(Clone, Debug, PartialEq)]
enum Line {
    Output,
    Resize,
    Gap,
    Blind,
    Snapshot,
    Paused,
    Resumed,
}

/// The recording's task, with tmux, pipes and files that do as the steps say.
struct World {
    capture: Capture,
    now: Time,
    cast: Vec<Line>,
    /// The stream that is recorded, and whether more may come.
    stream: Option<bool>,
    /// A stream that has started and is not recorded yet.
    attached: bool,
    attaching: bool,
    turning_off: bool,
    /// Whether bytes are missing that no marker tells of yet.
    is_gap_unmarked: bool,
    is_paused: bool,
    is_finished: bool,
}

impl World {
    fn new(capture: Capture, has_stream: bool) -> World {
        World {
            capture,
            now: Duration::ZERO,
            cast: Vec::new(),
            stream: has_stream.then_some(true),
            attached: false,
            attaching: false,
            turning_off: false,
            is_gap_unmarked: false,
            is_paused: false,
            is_finished: false,
        }
    }

    fn give(&mut self, input: Input) {
        let actions = self.capture.on(input, self.now);
        assert!(
            !self.is_finished || actions.is_empty(),
            "after the end: {actions:?}"
        );
        for action in actions {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        assert!(!self.is_finished, "{action:?} after the end");
        match action {
            Action::Look | Action::Watch(_) => {}
            Action::Attach(_) => {
                assert!(!self.attaching && !self.attached, "one switch at a time");
                self.attaching = true;
            }
            Action::AbandonAttach => assert!(std::mem::take(&mut self.attaching)),
            Action::Resize(..) => self.cast.push(Line::Resize),
            Action::MarkGap(_) => {
                self.is_gap_unmarked = false;
                self.cast.push(Line::Gap);
            }
            Action::MarkBlind(_) => self.cast.push(Line::Blind),
            Action::MarkPaused => {
                assert_eq!(self.stream, None, "a stream goes on");
                assert!(!self.attaching && !self.attached, "a switch goes on");
                self.is_paused = true;
                self.cast.push(Line::Paused);
            }
            Action::MarkResumed => {
                self.is_paused = false;
                self.cast.push(Line::Resumed);
            }
            Action::CutOff => {
                assert!(self.stream.take().is_some(), "{action:?} of no stream");
            }
            Action::Snapshot { .. } => {
                assert!(!self.is_paused, "a snapshot while it is paused");
                assert!(!self.is_gap_unmarked, "a gap ends without a marker");
                self.cast.push(Line::Snapshot);
            }
            Action::Adopt { .. } => {
                assert_eq!(self.stream, None, "a second stream");
                assert!(std::mem::take(&mut self.attached), "a stream from nowhere");
                assert_eq!(
                    self.cast.last(),
                    Some(&Line::Snapshot),
                    "a stream without its start"
                );
                self.stream = Some(true);
            }
            Action::ReadAll => assert!(self.stream.is_some()),
            Action::Release | Action::Close => {
                assert!(self.stream.take().is_some(), "{action:?} of no stream");
            }
            Action::TurnOff => {
                assert_eq!(
                    self.stream,
                    Some(true),
                    "a pipe that is not ours is turned off"
                );
                self.turning_off = true;
            }
            Action::Disown => {
                assert_eq!(self.stream, Some(false));
                self.turning_off = true;
            }
            Action::Finish => {
                assert_eq!(self.stream, None, "a stream is left behind");
                assert!(!self.attaching && !self.attached, "a switch is left behind");
                assert!(
                    !self.is_gap_unmarked,
                    "the cast ends in a gap without a marker"
                );
                self.is_finished = true;
            }
        }
    }

    fn drain(&mut self, drained: Drained) {
        let Some(is_open) = &mut self.stream else {
            return;
        };
        if !*is_open {
            return;
        }
        *is_open = !drained.is_closed;
        if drained.bytes > 0 && !drained.is_dropped {
            assert!(
                self.is_gap_unmarked || self.cast.contains(&Line::Snapshot),
                "output without a start"
            );
            self.cast.push(Line::Output);
        }
        self.is_gap_unmarked |= drained.is_dropped;
        self.give(Input::Drained(drained));
    }

    fn answer(&mut self, answer: &Answer) {
        if !std::mem::take(&mut self.attaching) {
            return;
        }
        match answer {
            Answer::Failed { warning } => {
                let warning = warning.then(|| "no room".to_owned());
                self.give(Input::AttachFailed { warning });
            }
            Answer::Given {
                pipe,
                size,
                is_torn,
                picture,
            } => {
                self.attached = *pipe == Pipe::Started;
                self.give(Input::Attached(Attached {
                    pipe: *pipe,
                    size: (*size, 24),
                    is_alternate: false,
                    is_torn: *is_torn,
                    painted: vec![*picture],
                }));
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.capture.due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.give(Input::Tick);
            let next = self.capture.due();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a tick that does not help: {next:?}"
            );
        }
        self.now = end;
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::See { shown, streamed } => self.give(Input::Seen {
                wanted: *shown,
                streamed: *streamed,
            }),
            Step::Gone => self.give(Input::Gone("gone")),
            Step::Output { bytes, is_dropped } => self.drain(Drained {
                bytes: *bytes,
                is_dropped: *is_dropped || self.capture.is_dropping(),
                ..Drained::default()
            }),
            Step::ClosePipe => self.drain(Drained {
                is_closed: true,
                ..Drained::default()
            }),
            Step::LeaveAlternate => self.drain(Drained {
                bytes: 8,
                is_dropped: self.capture.is_dropping(),
                has_left_alternate: true,
                ..Drained::default()
            }),
            Step::AnswerAttach(answer) => self.answer(answer),
            Step::AnswerTurnOff { is_dead } => {
                if std::mem::take(&mut self.turning_off) {
                    self.give(Input::TurnedOff { is_dead: *is_dead });
                }
            }
            Step::Room => {
                if self.capture.is_dropping() {
                    self.give(Input::Missing("too fast".to_owned()));
                }
            }
            Step::Missing => {
                if !self.is_finished {
                    self.is_gap_unmarked = true;
                }
                self.give(Input::Missing("disk full".to_owned()));
            }
            Step::Pause(rest) => self.give(Input::Pause(*rest)),
            Step::Resume => self.give(Input::Resume),
            Step::Stop => self.give(Input::Stop),
            Step::Wait(time) => self.wait(*time),
        }
    }
}

fn shown() -> impl Strategy<Value = Shown> {
    (0..3_u32, 0..2_u32, 80..82_u16, any::<bool>()).prop_map(|(pane, pid, columns, is_dead)| {
        Shown {
            pane: PaneId(pane),
            pid,
            size: (columns, 24),
            is_dead,
            has_status: is_dead,
        }
    })
}

fn life() -> impl Strategy<Value = Life> {
    prop::sample::select(vec![Life::Living, Life::Dead, Life::Gone])
}

fn pipe() -> impl Strategy<Value = Pipe> {
    prop_oneof![
        3 => Just(Pipe::Started),
        1 => any::<bool>().prop_map(|is_ours| Pipe::Busy { is_ours }),
        1 => Just(Pipe::Dead),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        1 => any::<bool>().prop_map(|warning| Answer::Failed { warning }),
        3 => (pipe(), 80..82_u16, prop::bool::weighted(0.2), 0..2_u8).prop_map(
            |(pipe, size, is_torn, picture)| Answer::Given { pipe, size, is_torn, picture }
        ),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (shown(), life()).prop_map(|(shown, streamed)| Step::See { shown, streamed }),
        8 => answer().prop_map(Step::AnswerAttach),
        8 => (1..9_usize, prop::bool::weighted(0.1))
            .prop_map(|(bytes, is_dropped)| Step::Output { bytes, is_dropped }),
        8 => prop_oneof![1..70_u64, 70..7000_u64].prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        2 => Just(Step::ClosePipe),
        2 => any::<bool>().prop_map(|is_dead| Step::AnswerTurnOff { is_dead }),
        1 => Just(Step::LeaveAlternate),
        1 => Just(Step::Room),
        1 => Just(Step::Missing),
        1 => prop::sample::select(vec![UnreadOutput::Record, UnreadOutput::Drop]).prop_map(Step::Pause),
        1 => Just(Step::Resume),
        1 => Just(Step::Stop),
        1 => Just(Step::Gone),
    ]
}

fn worlds() -> impl Strategy<Value = World> {
    prop_oneof![
        (shown(), any::<bool>()).prop_map(|(shown, has_stream)| {
            let mut world = World::new(Capture::started(shown, has_stream), has_stream);
            world.cast.push(Line::Snapshot);
            world
        }),
        Just(()).prop_map(|()| {
            let mut world = World::new(Capture::after_gap("interrupted".to_owned()), false);
            world.is_gap_unmarked = true;
            world
        }),
    ]
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.capture)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// At most one stream; a snapshot before any output; a marker before each
    /// gap's end; nothing after the end (all asserted by the world).
    #[test]
    fn the_order_of_things_is_kept(mut world in worlds(), steps in prop::collection::vec(step(), 0..80)) {
        for step in &steps {
            world.step(step);
        }
    }

    /// Whoever does not answer: a stop ends in bounded time.
    #[test]
    fn a_stop_always_ends(mut world in worlds(), steps in prop::collection::vec(step(), 0..40)) {
        for step in &steps {
            world.step(step);
        }
        world.step(&Step::Stop);
        world.wait(Duration::from_secs(20));
        prop_assert!(world.is_finished, "{world:?}");
    }

    /// Whoever does not answer: a pause begins in bounded time. Then nothing is
    /// recorded, whatever happens, and until it goes on; each pause and each end of
    /// one has its marker, in turns, the end before a snapshot.
    #[test]
    fn while_it_is_paused_nothing_is_recorded(
        mut world in worlds(),
        before in prop::collection::vec(step(), 0..40),
        rest in prop::sample::select(vec![UnreadOutput::Record, UnreadOutput::Drop]),
        meanwhile in prop::collection::vec(step(), 0..40),
        after in prop::collection::vec(step(), 0..40),
    ) {
        let ends = |step: &&Step| !matches!(step, Step::Stop | Step::Gone);
        for step in before.iter().filter(ends) {
            world.step(step);
        }
        world.step(&Step::Pause(rest));
        world.wait(Duration::from_secs(20));
        prop_assert!(world.capture.is_paused(), "{world:?}");
        prop_assert!(world.capture.is_settled(), "a cast may be left: {world:?}");
        prop_assert!(world.capture.due().is_none(), "it wakes nobody: {:?}", world);
        prop_assert_eq!(world.stream, None);
        prop_assert!(!world.attaching, "a switch goes on");
        let recorded = world.cast.len();
        for step in meanwhile.iter().filter(ends).filter(|step| !matches!(step, Step::Resume)) {
            world.step(step);
        }
        prop_assert!(world.capture.is_paused());
        let more = &world.cast[recorded..];
        prop_assert!(more.iter().all(|line| *line == Line::Gap), "{more:?}");
        world.step(&Step::Resume);
        for step in &after {
            world.step(step);
        }
        let mut is_paused = false;
        for lines in world.cast.windows(2) {
            match &lines[0] {
                Line::Paused => prop_assert!(!std::mem::replace(&mut is_paused, true)),
                Line::Resumed => {
                    prop_assert!(std::mem::replace(&mut is_paused, false));
                    prop_assert_eq!(&lines[1], &Line::Snapshot);
                }
                Line::Gap => {}
                recorded => prop_assert!(!is_paused, "{recorded:?} while it is paused"),
            }
        }
    }

    /// Once tmux answers and nothing changes any more, what is there is what is
    /// captured.
    #[test]
    fn it_comes_to_rest_where_the_window_is(
        mut world in worlds(),
        steps in prop::collection::vec(step(), 0..40),
        shown in shown(),
    ) {
        for step in steps.iter().filter(|step| !matches!(step, Step::Stop | Step::Gone)) {
            world.step(step);
        }
        let pipe = if shown.is_dead { Pipe::Dead } else { Pipe::Started };
        let answer = Answer::Given { pipe, size: shown.size.0, is_torn: false, picture: 0 };
        world.step(&Step::Resume);
        world.step(&Step::Room);
        for _ in 0..10 {
            world.step(&Step::See { shown, streamed: Life::Living });
            world.step(&Step::AnswerAttach(answer.clone()));
            world.wait(Duration::from_secs(6));
        }
        prop_assert_eq!(world.capture.pane(), Some(shown.pane));
        prop_assert_eq!(world.capture.blind(), None);
        prop_assert_eq!(world.stream.is_some(), !shown.is_dead);
        prop_assert!(world.capture.due().is_none(), "it rests: {:?}", world);
    }
}
