//! What people do with the page beside looking: recordings are started, marked,
//! paused and stopped, and taken away. What is on the disk then is what counts.

use std::path::Path;

use serde_json::{Value, json};

use super::key;
use super::visit::{Visit, write_cast, write_seconds};
use crate::support::tvmux::{Tvmux, markers_of, output_of, read_cast, recorded};
use crate::support::{TestTmux, wait_until};

#[test]
fn buttons_start_mark_pause_and_stop_a_recording() {
    let tmux = TestTmux::sized("exec env PS1='$ ' sh", 80, 24);
    let surrounding = format!("{},{},0", tmux.socket().display(), tmux.pid());
    let user = Tvmux::new().with("TMUX", surrounding);
    let visit = Visit::of(user, "control", &["--control"], |tvmux| {
        tvmux.start_server();
    });
    let Some(visit) = visit else { return };
    let Visit { browser, tvmux, .. } = &visit;
    let asked = "return document.querySelector('dialog[open] input') === document.activeElement";
    browser.click(".heading .primary");
    browser.wait(asked);
    // The windows that there are can be chosen.
    browser.wait("return [...document.querySelectorAll('datalist option')].map(({ value }) => value).join() === '@0'");
    browser.keys(&format!("main:first{}", key::ENTER));
    browser.wait("return document.querySelectorAll('.card[data-state=recording]').length === 1");
    let recording = tvmux.wait_recording("it is recorded", |recording| {
        recording["state"] == "recording"
    });
    let cast = tvmux.cast(&recording);
    tmux.tmux(&["send-keys", "-t", "main:", "echo be''fore", "Enter"]);
    wait_until("it is in the cast", || recorded(&cast).contains("before"));
    browser.picture("control");

    let label = "a <b>mark</b> of ‘mine’";
    browser.click(".card .controls button:first-child");
    browser.wait(asked);
    browser.keys(&format!("{label}{}", key::ENTER));
    wait_until("the mark is in the cast", || {
        recorded(&cast).contains(label)
    });
    // None is set where the question is closed.
    browser.click(".card .controls button:first-child");
    browser.wait(asked);
    browser.keys(&format!("none{}", key::ESCAPE));
    browser.wait("return document.querySelector('dialog') === null");

    // From the player too, wherever it stands.
    browser.click(".card h3 a");
    visit.is("live");
    browser.keys("m");
    browser.wait(asked);
    browser.keys(&format!("from the player{}", key::ENTER));
    wait_until("the mark is in the cast", || {
        recorded(&cast).contains("from the player")
    });
    visit.open("#/");
    browser.wait("return document.querySelectorAll('.card[data-state=recording]').length === 1");
    browser.click(".card .controls button:nth-child(2)");
    browser.wait("return document.querySelector('.card[data-state=paused] .controls button:nth-child(2)')?.textContent === 'Resume'");
    assert_eq!(tvmux.recordings()[0]["state"], "paused");
    browser.click(".card .controls button:nth-child(2)");
    browser.wait("return document.querySelector('.card[data-state=recording] .controls button:nth-child(2)')?.textContent === 'Pause'");
    assert_eq!(tvmux.recordings()[0]["state"], "recording");
    browser.click(".card .controls button:last-child");
    browser.wait("return document.querySelectorAll('.card').length === 0");
    browser.wait("return document.querySelectorAll('.rows a').length === 1");
    assert_eq!(tvmux.recordings(), [] as [Value; 0]);
    let (_, events) = read_cast(&cast);
    assert_eq!(
        markers_of(&events),
        [label, "from the player", "tvmux: paused", "tvmux: resumed"]
    );
    assert!(output_of(&events).contains("before"));
    tvmux.ok(["validate", cast.to_str().unwrap()]);

    // What cannot be recorded is told, in the daemon's words.
    browser.click(".heading .primary");
    browser.wait(asked);
    browser.keys(&format!("nowhere:{}", key::ENTER));
    let told = browser.wait("return !document.getElementById('notice').hidden && document.getElementById('notice').textContent");
    assert!(told.as_str().unwrap().contains("nowhere"), "{told}");
    let complaints = browser.complaints();
    assert!(
        complaints
            .iter()
            .all(|one| one.contains("api/recordings") && one.contains("404")),
        "{complaints:?}"
    );
}

#[test]
fn a_page_that_only_looks_has_no_buttons() {
    let tmux = TestTmux::sized("exec env PS1='$ ' sh", 80, 24);
    let visit = Visit::start("read-only", |tvmux| {
        tvmux.start_server();
        tvmux.record(&tmux, &[]);
    });
    let Some(visit) = visit else { return };
    visit
        .browser
        .wait("return document.querySelectorAll('.card').length === 1");
    let buttons = visit
        .browser
        .run("return document.querySelectorAll('main button').length");
    assert_eq!(buttons, 0);
    visit.browser.click(".card h3 a");
    visit.is("live");
    visit.browser.keys("m");
    let offered = "return document.querySelector('dialog') !== null
        || [...document.querySelectorAll('button')].some((button) => button.checkVisibility() && button.textContent === 'Mark…')";
    assert_eq!(visit.browser.run(offered), false);
    visit.end();
}

#[test]
fn downloads_are_the_cast_and_what_it_shows() {
    let visit = Visit::start("downloads", |tvmux| {
        write_seconds(tvmux.folder());
        let text = "\x1b[1;31mred\x1b[0m 漢字 <&>\r\n";
        write_cast(
            tvmux.folder(),
            "packed.cast",
            "packed",
            &[(0.5, "o", text), (2.0, "o", "end")],
        );
        let packed = tvmux.folder().join("casts/packed.cast");
        std::fs::copy(&packed, tvmux.folder().join("plain")).unwrap();
        tvmux.ok(["archive", "compress", packed.to_str().unwrap()]);
    });
    let Some(visit) = visit else { return };
    let Visit { browser, tvmux, .. } = &visit;
    let folder = tvmux.folder().join("downloads");
    std::fs::create_dir(&folder).unwrap();
    browser.tools(
        "Browser.setDownloadBehavior",
        json!({"behavior": "allow", "downloadPath": folder}),
    );
    // The name is there before the content.
    let arrives = |number: usize, name: &str, content: &[u8]| {
        browser.click(".menu summary");
        browser.click(&format!(".menu .choices a:nth-child({number})"));
        wait_until(name, || {
            std::fs::read(folder.join(name)).is_ok_and(|bytes| bytes == content)
        });
    };
    let shown = |cast: &Path, format: &str| {
        let cast = cast.to_str().unwrap();
        tvmux.ok(["screenshot", cast, "--at", "7.2", "--format", format])
    };
    let cast = tvmux.folder().join("casts/seconds.cast");
    visit.open(&format!("#/cast/{}?t=7.2", visit.id_of("the seconds")));
    visit.shows("second 7.", "second 8.");
    arrives(1, "seconds.cast", &std::fs::read(&cast).unwrap());
    arrives(2, "seconds.txt", shown(&cast, "text").as_bytes());
    arrives(3, "seconds.svg", shown(&cast, "svg").as_bytes());

    visit.open(&format!("#/cast/{}?t=1", visit.id_of("packed")));
    visit.shows("漢字", "");
    let plain = std::fs::read(tvmux.folder().join("plain")).unwrap();
    arrives(1, "packed.cast", &plain);
    visit.end();
}
