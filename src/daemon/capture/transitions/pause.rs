//! Into a pause and out of it.

use super::*;

const RECORDED: Input = Input::Pause(UnreadOutput::Record);

/// A recording that is paused.
fn paused() -> Capture {
    let mut capture = streaming();
    capture.on(seen(pane(0)), LATER);
    assert_eq!(capture.on(RECORDED, LATER), [Action::TurnOff]);
    capture.on(Input::TurnedOff { is_dead: false }, LATER + ms(3));
    let actions = capture.on(closed(), LATER + ms(4));
    assert_eq!(actions, [Action::Close, Action::MarkPaused]);
    assert!(capture.is_paused());
    capture
}

#[test]
fn a_pause_takes_what_was_printed_before_it() {
    let mut capture = streaming();
    capture.on(output(10), LATER);
    assert_eq!(capture.on(RECORDED, LATER + ms(1)), []);
    assert!(!capture.is_paused());
    assert_eq!(capture.on(Input::Tick, LATER + ms(5)), [Action::TurnOff]);
    capture.on(Input::TurnedOff { is_dead: false }, LATER + ms(6));
    assert_eq!(capture.on(output(10), LATER + ms(7)), []);
    let actions = capture.on(closed(), LATER + ms(8));
    assert_eq!(actions, [Action::Close, Action::MarkPaused]);
}

#[test]
fn a_pause_at_a_secret_reads_nothing_more() {
    let mut capture = streaming();
    capture.on(output(10), LATER);
    let actions = capture.on(Input::Pause(UnreadOutput::Drop), LATER);
    assert_eq!(actions, [Action::CutOff, Action::MarkPaused]);
    assert!(capture.is_paused());
}

#[test]
fn nothing_that_is_seen_while_it_is_paused_calls_for_anything() {
    let mut capture = paused();
    let other = Input::Seen {
        wanted: Shown {
            size: (100, 30),
            ..pane(1)
        },
        streamed: Life::Gone,
    };
    assert_eq!(capture.on(other, LATER + ms(10)), []);
    assert_eq!(capture.on(RECORDED, LATER + ms(11)), []);
    assert_eq!(capture.due(), None);
    assert!(capture.is_settled(), "another daemon can take it over");
    // What was printed before it could not be written.
    let missing = capture.on(Input::Missing("disk full".to_owned()), LATER + ms(20));
    assert_eq!(missing, [Action::MarkGap("disk full".to_owned())]);
}

#[test]
fn a_recording_goes_on_from_a_pause_with_the_pane_that_is_active_then() {
    let mut capture = paused();
    capture.on(seen(pane(1)), LATER + ms(10));
    assert_eq!(
        capture.on(Input::Resume, LATER + ms(20)),
        [Action::Look, Action::Attach(PaneId(1))]
    );
    assert_eq!(
        capture.on(Input::Attached(attached(Pipe::Started)), LATER + ms(23)),
        [
            Action::MarkResumed,
            snapshot(),
            Action::Watch(101),
            ADOPT,
            Action::Look
        ]
    );
}

#[test]
fn a_pause_is_over_also_where_only_snapshots_can_be_had() {
    let mut capture = paused();
    capture.on(Input::Resume, LATER + ms(20));
    let foreign = || Input::Attached(attached(Pipe::Busy { is_ours: false }));
    capture.on(foreign(), LATER + ms(21));
    let due = capture.due().unwrap();
    capture.on(Input::Tick, due);
    let actions = capture.on(foreign(), due);
    assert_eq!(actions[..2], [Action::MarkResumed, snapshot()]);
    assert_eq!(capture.blind(), Some(PaneId(0)));
    // And again, which is at once.
    let actions = capture.on(RECORDED, due + ms(1));
    assert_eq!(actions, [Action::MarkPaused]);
    assert_eq!((capture.blind(), capture.due()), (None, None));
}

#[test]
fn a_pause_that_is_over_before_it_has_begun_is_marked_all_the_same() {
    let mut capture = streaming();
    capture.on(seen(pane(0)), LATER);
    capture.on(RECORDED, LATER);
    assert_eq!(capture.on(Input::Resume, LATER + ms(1)), []);
    capture.on(Input::TurnedOff { is_dead: false }, LATER + ms(3));
    let actions = capture.on(closed(), LATER + ms(4));
    assert_eq!(
        actions,
        [
            Action::Close,
            Action::MarkPaused,
            Action::Look,
            Action::Attach(PaneId(0))
        ]
    );
}

#[test]
fn a_switch_is_over_before_a_pause_begins() {
    let mut capture = switching(pane(1));
    assert_eq!(capture.on(RECORDED, LATER), []);
    let actions = capture.on(Input::Attached(attached(Pipe::Started)), LATER + ms(3));
    assert_eq!(actions.last(), Some(&Action::TurnOff));
    // One that tmux does not answer is given up.
    let mut capture = switching(pane(1));
    capture.on(RECORDED, LATER);
    let actions = capture.on(Input::Tick, LATER + ms(5000));
    assert_eq!(actions, [Action::AbandonAttach, Action::TurnOff]);
}

#[test]
fn a_cast_may_be_left_while_it_is_paused_and_not_on_the_way_there_or_back() {
    let mut capture = streaming();
    capture.on(seen(pane(0)), LATER);
    assert!(capture.is_settled());
    capture.on(RECORDED, LATER);
    assert!(!capture.is_settled(), "the pipe is being turned off");
    capture.on(Input::TurnedOff { is_dead: false }, LATER + ms(3));
    assert!(!capture.is_settled(), "what it had comes still");
    capture.on(closed(), LATER + ms(4));
    assert!(capture.is_paused() && capture.is_settled());
    capture.on(Input::Resume, LATER + ms(10));
    assert!(!capture.is_settled(), "its next screen is not there");
    capture.on(Input::Attached(attached(Pipe::Started)), LATER + ms(11));
    assert!(capture.is_settled());
    // At a secret all is over at once.
    capture.on(Input::Pause(UnreadOutput::Drop), LATER + ms(12));
    assert!(capture.is_paused() && capture.is_settled());
}

#[test]
fn a_recording_ends_while_it_is_paused() {
    for input in [Input::Stop, Input::Gone("the window is closed")] {
        let mut capture = paused();
        assert_eq!(capture.on(input, LATER + ms(10)), [Action::Finish]);
    }
    // And on the way there.
    let mut capture = streaming();
    capture.on(RECORDED, LATER);
    assert_eq!(capture.on(Input::Stop, LATER + ms(1)), []);
    capture.on(Input::TurnedOff { is_dead: false }, LATER + ms(3));
    let actions = capture.on(closed(), LATER + ms(4));
    assert_eq!(actions, [Action::Close, Action::Finish]);
}

#[test]
fn a_pause_that_another_daemon_takes_over_goes_on() {
    let mut capture = Capture::paused();
    assert_eq!(capture.on(seen(pane(0)), ms(1)), []);
    assert!(capture.is_paused());
    assert_eq!(
        capture.on(Input::Resume, ms(2)),
        [Action::Look, Action::Attach(PaneId(0))]
    );
    let actions = capture.on(Input::Attached(attached(Pipe::Started)), ms(3));
    assert_eq!(actions[..2], [Action::MarkResumed, snapshot()]);
}
