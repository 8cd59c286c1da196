//! A snapshot painted on another terminal gives the same screen.
#![allow(clippy::unwrap_used)]

#[path = "snapshot/output.rs"]
mod output;
mod support;

use std::cell::RefCell;

use output::Output;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use support::TestTmux;
use support::playback::{Player, Screen};
use tvmux::tmux::{Batch, Snapshot, Version, snapshot};

const MARKER: &str = "fR83kQz0LmV5xTnB";

fn version(tmux: &TestTmux) -> Version {
    tmux.server().version_blocking().unwrap()
}

fn take(tmux: &TestTmux, pane: &str) -> Snapshot {
    take_with(tmux, pane, Batch::new())
}

/// Takes a snapshot together with more commands that print nothing.
fn take_with(tmux: &TestTmux, pane: &str, more: Batch) -> Snapshot {
    let version = version(tmux);
    let mut batch = snapshot::query(version, pane.parse().unwrap(), MARKER);
    batch.append(more).push(["display-message", "-p", "rest"]);
    let answer = tmux.server().run_blocking(&batch).unwrap();
    let (snapshot, rest) = Snapshot::parse(version, MARKER, &answer).unwrap();
    assert_eq!(rest, b"rest\n");
    assert!(!snapshot.is_torn(), "{}", String::from_utf8_lossy(&answer));
    snapshot
}

fn paint(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    snapshot.paint(&mut out);
    out
}

#[test]
fn colours_are_painted() {
    let tmux = TestTmux::start("");
    let mut one = Player::start(&tmux, 40, 10);
    let mut two = Player::start(&tmux, 40, 10);
    one.feed(b"hello \x1b[1;31mred\x1b[0m\r\n\x1b[44mblue\x1b[K\x1b[m\r\n\x1b[4:3;58;5;9mcurl\x1b[m\x1b[53mover\x1b[m");
    two.feed(&paint(&take(&tmux, &one.pane)));
    one.screen().assert_same(&two.screen(), "colours");
}

fn check<S: Strategy>(strategy: S, cases: u32, test: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn any_screen_is_painted() {
    const SIZE: (u16, u16) = (20, 6);
    let tmux = TestTmux::start("");
    let one = RefCell::new(Player::start(&tmux, SIZE.0, SIZE.1));
    let two = RefCell::new(Player::start(&tmux, SIZE.0, SIZE.1));
    check(output::of_any_kind(SIZE), 150, |Output(bytes)| {
        let (mut one, mut two) = (one.borrow_mut(), two.borrow_mut());
        one.feed(output::RESET);
        one.feed(&bytes);
        let painted = paint(&take(&tmux, &one.pane));
        if has_tabs(&painted) {
            return;
        }
        two.feed(&painted);
        let what = format!("{:?} painted as {:?}", Output(bytes), Output(painted));
        let (mut one, mut two) = (one.screen(), two.screen());
        if one.overfull {
            return;
        }
        if is_beyond(&one) {
            (one, two) = (one.without(&["cursor_x"]), two.without(&["cursor_x"]));
        }
        one.assert_same(&two, &what);
    });
}

/// Whether there are tabs that newer tmux keeps as such. It does not tell
/// their width, which is another than the stops give once they were moved.
fn has_tabs(painted: &[u8]) -> bool {
    painted.contains(&b'\t')
}

/// Whether the cursor is where no output brings it: waiting to wrap, outside
/// a region it cannot leave.
fn is_beyond(screen: &Screen) -> bool {
    let number = |name| screen.value(name).parse::<u32>().unwrap();
    let region = number("scroll_region_upper")..=number("scroll_region_lower");
    screen.value("origin_flag") == "1"
        && number("cursor_x") == number("pane_width")
        && !region.contains(&number("cursor_y"))
}

#[test]
fn output_goes_on_behind_a_snapshot() {
    const SIZE: (u16, u16) = (20, 6);
    let tmux = TestTmux::start("");
    let one = RefCell::new(Player::start(&tmux, SIZE.0, SIZE.1));
    let two = RefCell::new(Player::start(&tmux, SIZE.0, SIZE.1));
    let cut = (output::readable(SIZE), output::readable(SIZE), any::<u16>());
    check(cut, 150, |(first, second, at)| {
        let (mut one, mut two) = (one.borrow_mut(), two.borrow_mut());
        let all = [first.0, second.0].concat();
        let mut at = usize::from(at) % (all.len() + 1);
        // The first bytes of a character that is cut cannot be read from tmux.
        while all.get(at).is_some_and(|b| b & 0xc0 == 0x80) {
            at -= 1;
        }
        let (before, after) = all.split_at(at);
        one.feed(output::RESET);
        one.feed(before);
        let painted = paint(&take(&tmux, &one.pane));
        if has_tabs(&painted) {
            return;
        }
        one.feed(after);
        two.feed(&painted);
        two.feed(after);
        let what = format!("{:?}", [Output(before.to_vec()), Output(after.to_vec())]);
        // A row that was erased may still count as wrapped; that shows when
        // it is filled again, and is not to be read before.
        let (one, two) = (one.screen(), two.screen());
        one.without_wraps().assert_same(&two.without_wraps(), &what);
    });
}
