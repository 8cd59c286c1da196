//! A snapshot painted on another terminal gives the same screen.
#![allow(clippy::unwrap_used)]

mod support;

use support::TestTmux;
use support::playback::Player;
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
