//! Each way from one state to the next.

mod pause;

use std::time::Duration;

use super::inputs::Time;
use super::*;
use crate::tmux::PaneId;

const fn ms(milliseconds: u64) -> Time {
    Duration::from_millis(milliseconds)
}

/// A long time after the start, so that nothing has just been printed.
const LATER: Time = Duration::from_secs(100);

fn pane(number: u32) -> Shown {
    Shown {
        pane: PaneId(number),
        pid: 100 + number,
        size: (80, 24),
        is_dead: false,
        has_status: false,
    }
}

fn dead(number: u32) -> Shown {
    Shown {
        is_dead: true,
        ..pane(number)
    }
}

fn seen(wanted: Shown) -> Input {
    Input::Seen {
        wanted,
        streamed: Life::Living,
    }
}

fn attached(pipe: Pipe) -> Attached {
    Attached {
        pipe,
        size: (80, 24),
        is_alternate: false,
        is_torn: false,
        painted: b"screen".to_vec(),
    }
}

fn output(bytes: usize) -> Input {
    Input::Drained(Drained {
        bytes,
        ..Drained::default()
    })
}

fn closed() -> Input {
    Input::Drained(Drained {
        is_closed: true,
        ..Drained::default()
    })
}

fn snapshot() -> Action {
    Action::Snapshot {
        size: (80, 24),
        painted: b"screen".to_vec(),
        follows: false,
    }
}

const ADOPT: Action = Action::Adopt {
    is_alternate: false,
};

fn streaming() -> Capture {
    Capture::started(pane(0), true)
}

/// A recording that is on its way from pane 0 to `to`.
fn switching(to: Shown) -> Capture {
    let mut capture = streaming();
    assert!(
        capture
            .on(seen(to), LATER)
            .contains(&Action::Attach(to.pane))
    );
    capture
}

/// A recording that waits for the end of its old pipe: the pane has another
/// process now.
fn drying() -> Capture {
    let to = Shown { pid: 7, ..pane(0) };
    let mut capture = switching(to);
    assert_eq!(
        capture.on(Input::Attached(attached(Pipe::Started)), LATER),
        []
    );
    capture
}

#[test]
fn what_is_captured_already_calls_for_nothing() {
    let mut capture = streaming();
    assert_eq!(capture.on(seen(pane(0)), LATER), [Action::Resize(80, 24)]);
    assert_eq!(capture.on(output(10), LATER), []);
    assert_eq!(capture.due(), None);
    assert_eq!(capture.pane(), Some(PaneId(0)));
}

#[test]
fn another_pane_is_switched_to_while_the_old_one_goes_on() {
    let mut capture = switching(pane(1));
    assert_eq!(capture.on(output(10), LATER), []);
    assert_eq!(
        capture.on(Input::Attached(attached(Pipe::Started)), LATER),
        [
            Action::ReadAll,
            Action::Release,
            snapshot(),
            Action::Watch(101),
            ADOPT,
            Action::Look
        ]
    );
    assert_eq!(capture.pane(), Some(PaneId(1)));
}

#[test]
fn only_one_switch_is_under_way() {
    let mut capture = switching(pane(1));
    assert_eq!(capture.on(seen(pane(2)), LATER), []);
    capture.on(Input::Attached(attached(Pipe::Started)), LATER);
    // What has changed meanwhile is compared again.
    let due = capture.due().unwrap();
    assert_eq!(capture.on(Input::Tick, due), [Action::Attach(PaneId(2))]);
}

#[test]
fn a_new_size_is_recorded_at_once_and_then_a_snapshot() {
    let mut capture = streaming();
    let large = Shown {
        size: (100, 30),
        ..pane(0)
    };
    assert_eq!(
        capture.on(seen(large), LATER),
        [Action::Resize(100, 30), Action::Attach(PaneId(0))]
    );
}

#[test]
fn a_snapshot_after_a_resize_follows_what_was_recorded() {
    let large = Shown {
        size: (100, 30),
        ..pane(0)
    };
    let mut capture = switching(large);
    let resized = Attached {
        size: (100, 30),
        ..attached(Pipe::Started)
    };
    assert_eq!(capture.on(Input::Attached(resized), LATER), []);
    let actions = capture.on(closed(), LATER + ms(1));
    assert!(
        matches!(actions[1], Action::Snapshot { follows: true, .. }),
        "{actions:?}"
    );
}

#[test]
fn a_stream_that_begins_within_a_character_is_started_again_but_not_endlessly() {
    let mut capture = switching(pane(1));
    capture.on(Input::Attached(attached(Pipe::Started)), LATER);
    let mut now = LATER;
    let mut tries = 0;
    loop {
        let cut = Input::Drained(Drained {
            bytes: 10,
            is_cut: true,
            ..Drained::default()
        });
        assert_eq!(capture.on(cut, now), []);
        if capture.due().is_none() {
            break;
        }
        // Not while the pane prints, however long that is.
        for _ in 0..100 {
            now = capture.due().unwrap();
            capture.on(output(10), now);
            assert_eq!(capture.on(Input::Tick, now), [Action::Resize(80, 24)]);
        }
        now = capture.due().unwrap();
        capture.on(seen(pane(1)), now);
        capture.on(Input::Attached(attached(Pipe::Started)), now);
        let actions = capture.on(closed(), now);
        assert!(matches!(actions[1], Action::Snapshot { follows: true, .. }));
        tries += 1;
    }
    assert_eq!(tries, 3);
}

#[test]
fn a_pipe_is_replaced_in_a_lull_and_at_the_latest_after_a_while() {
    let mut capture = streaming();
    let large = Shown {
        size: (100, 30),
        ..pane(0)
    };
    capture.on(output(10), LATER);
    assert_eq!(capture.on(seen(large), LATER), [Action::Resize(100, 30)]);
    let attached_at = loop {
        let now = capture.due().unwrap();
        capture.on(output(1), now);
        if capture
            .on(Input::Tick, now)
            .contains(&Action::Attach(PaneId(0)))
        {
            break now;
        }
    };
    assert_eq!(attached_at, LATER + ms(60));
}

#[test]
fn the_end_of_an_old_pipe_comes_before_the_snapshot() {
    let mut capture = drying();
    assert_eq!(capture.on(output(10), LATER + ms(1)), []);
    assert_eq!(
        capture.on(closed(), LATER + ms(2)),
        [
            Action::Close,
            snapshot(),
            Action::Watch(7),
            ADOPT,
            Action::Look
        ]
    );
}

#[test]
fn an_old_pipe_that_does_not_end_is_left() {
    let mut capture = drying();
    assert_eq!(capture.due(), Some(LATER + ms(5000)));
    capture.on(output(10), LATER + ms(4000));
    assert_eq!(capture.on(Input::Tick, LATER + ms(5000)), []);
    assert_eq!(capture.due(), Some(LATER + ms(9000)));
    let actions = capture.on(Input::Tick, LATER + ms(9000));
    assert_eq!(actions[..2], [Action::Close, snapshot()]);
}

#[test]
fn a_stop_does_not_wait_for_an_old_pipe() {
    let mut capture = drying();
    assert_eq!(capture.on(Input::Stop, LATER + ms(10)), []);
    // What the pipe process delivers within a moment is taken.
    assert_eq!(capture.due(), Some(LATER + ms(60)));
    assert_eq!(
        capture.on(Input::Tick, LATER + ms(60)),
        [
            Action::Close,
            snapshot(),
            Action::Watch(7),
            ADOPT,
            Action::Look,
            Action::TurnOff
        ]
    );
}

#[test]
fn the_last_output_of_a_pane_that_is_gone_is_waited_for() {
    let mut capture = streaming();
    let elsewhere = Input::Seen {
        wanted: pane(1),
        streamed: Life::Gone,
    };
    capture.on(elsewhere, LATER);
    assert_eq!(
        capture.on(Input::Attached(attached(Pipe::Started)), LATER),
        []
    );
    assert_eq!(capture.due(), Some(LATER + ms(5000)));
    let actions = capture.on(closed(), LATER + ms(3));
    assert_eq!(actions[..2], [Action::Close, snapshot()]);
}

#[test]
fn a_dead_panes_pipe_stays_and_is_not_waited_for_long() {
    let mut capture = switching(dead(0));
    assert_eq!(capture.on(Input::Attached(attached(Pipe::Dead)), LATER), []);
    assert_eq!(capture.due(), Some(LATER + ms(50)));
    assert_eq!(
        capture.on(Input::Tick, LATER + ms(50)),
        [Action::Close, snapshot(), Action::Watch(100), Action::Look]
    );
    assert_eq!(capture.on(seen(dead(0)), LATER), [Action::Resize(80, 24)]);
    // tmux draws how it ended a moment later.
    let with_status = Shown {
        has_status: true,
        ..dead(0)
    };
    assert!(
        capture
            .on(seen(with_status), LATER)
            .contains(&Action::Attach(PaneId(0)))
    );
}

#[test]
fn a_pipe_that_ends_is_looked_into() {
    let mut capture = streaming();
    assert_eq!(capture.on(closed(), LATER), [Action::Look]);
    assert_eq!(
        capture.on(seen(pane(0)), LATER),
        [Action::Resize(80, 24), Action::Attach(PaneId(0))]
    );
}

#[test]
fn a_pane_that_somebody_else_pipes_is_seen_by_snapshots() {
    let foreign = Pipe::Busy { is_ours: false };
    let mut capture = switching(pane(1));
    // It may have been ours at that moment: asked twice.
    let actions = capture.on(Input::Attached(attached(foreign)), LATER);
    assert_eq!(actions, [Action::ReadAll, Action::Release, Action::Look]);
    assert_eq!(capture.on(seen(pane(1)), LATER + ms(1)), []);
    let due = capture.due().unwrap();
    assert_eq!(capture.on(Input::Tick, due), [Action::Attach(PaneId(1))]);
    assert_eq!(
        capture.on(Input::Attached(attached(foreign)), due),
        [
            snapshot(),
            Action::Watch(101),
            Action::MarkBlind(PaneId(1)),
            Action::Look
        ]
    );
    assert_eq!(capture.blind(), Some(PaneId(1)));
    // Looked at once a second, and recorded when it has changed.
    assert_eq!(
        capture.on(seen(pane(1)), due + ms(10)),
        [Action::Resize(80, 24)]
    );
    let next = capture.due().unwrap();
    assert_eq!(next, due + ms(1000));
    capture.on(Input::Tick, next);
    assert_eq!(
        capture.blind(),
        Some(PaneId(1)),
        "also while it is looked at"
    );
    assert_eq!(
        capture.on(Input::Attached(attached(foreign)), next),
        [Action::Watch(101), Action::Look]
    );
    capture.on(Input::Tick, next + ms(1000));
    let changed = Attached {
        painted: b"other".to_vec(),
        ..attached(foreign)
    };
    let actions = capture.on(Input::Attached(changed), next + ms(1000));
    assert!(matches!(&actions[0], Action::Snapshot { painted, .. } if painted == b"other"));
    // The other pipe has ended.
    capture.on(Input::Tick, next + ms(2000));
    let actions = capture.on(Input::Attached(attached(Pipe::Started)), next + ms(2000));
    assert_eq!(actions[0], snapshot());
    assert_eq!(capture.blind(), None);
}

#[test]
fn a_pane_of_another_recording_is_waited_for() {
    let ours = Pipe::Busy { is_ours: true };
    let mut capture = switching(pane(1));
    let mut now = LATER;
    capture.on(Input::Attached(attached(ours)), now);
    while now < LATER + ms(4900) {
        now = capture.due().unwrap();
        assert_eq!(capture.on(Input::Tick, now), [Action::Attach(PaneId(1))]);
        assert_eq!(
            capture.on(Input::Attached(attached(ours)), now),
            [Action::Look]
        );
    }
    now = LATER + ms(5000);
    capture.on(Input::Tick, now);
    capture.on(Input::Attached(attached(ours)), now);
    assert_eq!(capture.blind(), Some(PaneId(1)));
}

#[test]
fn a_switch_that_fails_is_tried_again_but_not_without_rest() {
    let mut capture = switching(pane(1));
    let failed = || Input::AttachFailed {
        warning: Some("no pipe".to_owned()),
    };
    let mut now = LATER;
    let mut tries = 0;
    capture.on(failed(), now);
    assert_eq!(capture.warning().as_deref(), Some("no pipe"));
    while now < LATER + ms(60_000) {
        assert_eq!(capture.on(seen(pane(1)), now), [], "not at each look");
        now = capture.due().unwrap();
        assert_eq!(capture.on(Input::Tick, now), [Action::Attach(PaneId(1))]);
        assert_eq!(capture.on(failed(), now), [Action::Look]);
        tries += 1;
    }
    assert!(
        (60..120).contains(&tries),
        "about once a second in the end: {tries}"
    );
    // Another pane is tried at once.
    assert_eq!(capture.on(seen(pane(2)), now), [Action::Attach(PaneId(2))]);
    let actions = capture.on(Input::Attached(attached(Pipe::Started)), now);
    // What the pane has printed meanwhile is missing.
    assert!(
        actions.contains(&Action::MarkGap("no pipe".to_owned())),
        "{actions:?}"
    );
    assert_eq!(capture.warning(), None);
}

#[test]
fn a_torn_snapshot_is_taken_again() {
    let mut capture = switching(pane(1));
    let mut tries = 1;
    let mut now = LATER;
    loop {
        let torn = Attached {
            is_torn: true,
            ..attached(Pipe::Started)
        };
        if capture.on(Input::Attached(torn), now).is_empty() {
            capture.on(closed(), now);
        }
        let Some(due) = capture.due() else {
            break;
        };
        now = due;
        capture.on(seen(pane(1)), now);
        tries += 1;
    }
    // Not for all time: a program may leave a sequence open.
    assert_eq!(tries, 51);
    assert!(now < LATER + ms(1000));
    assert_eq!(capture.on(seen(pane(1)), now), [Action::Resize(80, 24)]);
}

#[test]
fn the_end_of_the_alternate_screen_calls_for_a_snapshot() {
    let mut capture = streaming();
    capture.on(seen(pane(0)), LATER);
    let left = Input::Drained(Drained {
        bytes: 10,
        has_left_alternate: true,
        ..Drained::default()
    });
    assert_eq!(capture.on(left, LATER), []);
    let due = capture.due().unwrap();
    let actions = capture.on(Input::Tick, due);
    assert_eq!(actions, [Action::Resize(80, 24), Action::Attach(PaneId(0))]);
}

#[test]
fn dropped_output_is_marked_before_the_snapshot_that_ends_it() {
    let mut capture = streaming();
    capture.on(seen(pane(0)), LATER);
    let dropped = Input::Drained(Drained {
        bytes: 10,
        is_dropped: true,
        ..Drained::default()
    });
    capture.on(dropped, LATER);
    assert!(capture.is_dropping());
    // Not while there is no room.
    assert_eq!(capture.due(), None);
    capture.on(Input::Missing("too fast".to_owned()), LATER + ms(500));
    assert!(!capture.is_dropping());
    let now = capture.due().unwrap();
    capture.on(Input::Tick, now);
    capture.on(Input::Attached(attached(Pipe::Started)), now);
    let actions = capture.on(closed(), now + ms(1));
    let marker = Action::MarkGap("too fast".to_owned());
    assert_eq!(actions[..3], [Action::Close, marker, snapshot()]);
}

#[test]
fn a_recording_that_goes_on_marks_what_is_missing() {
    let mut capture = Capture::after_gap("interrupted".to_owned());
    assert_eq!(
        capture.on(seen(pane(0)), ms(1)),
        [Action::Attach(PaneId(0))]
    );
    let actions = capture.on(Input::Attached(attached(Pipe::Started)), ms(2));
    assert_eq!(
        actions[..2],
        [Action::MarkGap("interrupted".to_owned()), snapshot()]
    );
}

#[test]
fn a_gap_that_no_snapshot_ends_is_marked_at_the_end() {
    let mut capture = Capture::after_gap("interrupted".to_owned());
    assert_eq!(
        capture.on(Input::Gone("closed"), ms(1)),
        [Action::MarkGap("interrupted".to_owned()), Action::Finish]
    );
    assert_eq!(capture.end(), Some(End::Gone("closed")));
}

#[test]
fn a_stop_turns_the_pipe_off_in_a_lull_and_takes_what_it_delivers() {
    let mut capture = streaming();
    capture.on(output(10), LATER);
    assert_eq!(capture.on(Input::Stop, LATER), []);
    capture.on(output(10), LATER + ms(4));
    assert_eq!(capture.on(Input::Tick, LATER + ms(5)), []);
    assert_eq!(capture.on(Input::Tick, LATER + ms(9)), [Action::TurnOff]);
    assert_eq!(
        capture.on(Input::TurnedOff { is_dead: false }, LATER + ms(12)),
        []
    );
    assert_eq!(capture.on(output(10), LATER + ms(13)), []);
    assert_eq!(
        capture.on(closed(), LATER + ms(14)),
        [Action::Close, Action::Finish]
    );
    assert_eq!(capture.end(), Some(End::Asked));
    assert_eq!(capture.due(), None);
    assert_eq!(capture.on(seen(pane(1)), LATER + ms(15)), []);
}

#[test]
fn a_stop_in_a_flood_does_not_wait_for_a_lull_for_long() {
    let mut capture = streaming();
    capture.on(output(10), LATER);
    capture.on(Input::Stop, LATER);
    let mut now = LATER;
    while capture.on(output(10), now).is_empty() {
        now += ms(1);
    }
    assert_eq!(now, LATER + ms(60));
}

#[test]
fn a_stop_of_a_dead_panes_recording_waits_a_moment_only() {
    let mut capture = streaming();
    assert_eq!(capture.on(Input::Stop, LATER), [Action::TurnOff]);
    capture.on(Input::TurnedOff { is_dead: true }, LATER);
    assert_eq!(
        capture.on(Input::Tick, LATER + ms(50)),
        [Action::Close, Action::Finish]
    );
}

#[test]
fn a_tmux_that_does_not_answer_does_not_hold_up_a_stop() {
    let mut capture = streaming();
    assert_eq!(capture.on(Input::Stop, LATER), [Action::TurnOff]);
    assert_eq!(capture.on(Input::Tick, LATER + ms(5000)), []);
    assert_eq!(
        capture.on(Input::Tick, LATER + ms(5050)),
        [Action::Close, Action::Finish]
    );
    let mut capture = switching(pane(1));
    assert_eq!(capture.on(Input::Stop, LATER), []);
    assert_eq!(
        capture.on(Input::Tick, LATER + ms(5000)),
        [Action::AbandonAttach, Action::TurnOff]
    );
}

#[test]
fn a_stop_during_a_switch_leaves_no_pipe_behind() {
    let mut capture = switching(pane(1));
    assert_eq!(capture.on(Input::Stop, LATER), []);
    let actions = capture.on(Input::Attached(attached(Pipe::Started)), LATER + ms(3));
    assert_eq!(actions.last(), Some(&Action::TurnOff));
    let mut capture = switching(pane(1));
    capture.on(Input::Stop, LATER);
    let actions = capture.on(Input::AttachFailed { warning: None }, LATER);
    assert_eq!(actions, [Action::Look, Action::TurnOff]);
}

#[test]
fn a_pipe_that_is_not_ours_any_more_is_not_turned_off() {
    let mut capture = streaming();
    capture.on(closed(), LATER);
    assert_eq!(capture.on(Input::Stop, LATER), [Action::Disown]);
    let actions = capture.on(Input::TurnedOff { is_dead: false }, LATER);
    assert_eq!(actions, [Action::Close, Action::Finish]);
}

#[test]
fn the_last_words_of_a_window_that_is_gone_are_recorded() {
    let mut capture = streaming();
    assert_eq!(capture.on(Input::Gone("the window is closed"), LATER), []);
    assert_eq!(capture.on(output(10), LATER + ms(1)), []);
    assert_eq!(
        capture.on(closed(), LATER + ms(2)),
        [Action::Close, Action::Finish]
    );
    // Its frozen pipe process does not hold up who wants it ended.
    let mut capture = streaming();
    capture.on(Input::Gone("the window is closed"), LATER);
    assert_eq!(capture.due(), Some(LATER + ms(5000)));
    capture.on(Input::Stop, LATER);
    assert_eq!(capture.due(), Some(LATER + ms(50)));
    assert_eq!(capture.end(), Some(End::Gone("the window is closed")));
}
