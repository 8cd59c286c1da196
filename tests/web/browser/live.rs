//! What is being recorded, while it is.

use serde_json::Value;

use super::key;
use super::visit::Visit;
use crate::support::TestTmux;

#[test]
fn live_text_appears_and_the_past_is_a_key_away() {
    let tmux = TestTmux::sized("exec env PS1='$ ' sh", 80, 24);
    let mut recording = Value::Null;
    let visit = Visit::start("live", |tvmux| {
        tvmux.start_server();
        recording = tvmux.record(&tmux, &[]);
    });
    let Some(visit) = visit else { return };
    let Visit { browser, tvmux, .. } = &visit;
    let print = |text: &str| {
        tmux.tmux(&["send-keys", "-t", "main:", &format!("echo {text}"), "Enter"]);
    };
    browser.wait("return document.querySelectorAll('.card').length === 1");
    browser.wait("return document.querySelector('.thumb img').naturalWidth > 0");
    print("on''thecard");
    browser.picture("now");
    browser.click(".card h3 a");
    visit.is("live");
    visit.shows("onthecard", "");
    print("fir''st");
    visit.shows("first", "");
    browser.picture("live");

    // Back to the start: what comes now is not shown there.
    browser.keys(" ");
    visit.is("paused");
    browser.keys(key::HOME);
    visit.shows("", "first");
    print("sec''ond");
    tmux_shows(&tmux, "second");
    assert!(!visit.rows().join("\n").contains("second"));
    browser.click(".live-edge");
    visit.is("live");
    visit.shows("second", "");

    // Another size, and another pane of the window.
    tmux.resize("main:", 100, 30);
    browser.wait("return document.querySelectorAll('.row').length === 30");
    print("thi''rd");
    visit.shows("third", "");
    tmux.tmux(&["split-window", "-t", "main:", "exec env PS1='% ' sh"]);
    browser.wait("return document.querySelectorAll('.row').length < 30");
    print("an''other");
    visit.shows("another", "");

    // Played on from the past, it reaches what is now.
    browser.keys(key::LEFT);
    visit.is("playing");
    browser.keys("+++++");
    visit.is("live");

    tvmux.ok(["rec", "stop", "-q"]);
    visit.is("paused");
    browser.wait("return !document.querySelector('.live-edge').checkVisibility()");
    visit.end();
}

fn tmux_shows(tmux: &TestTmux, text: &str) {
    crate::support::wait_until("tmux shows it", || {
        tmux.tmux(&["capture-pane", "-p", "-t", "main:"])
            .contains(text)
    });
}
