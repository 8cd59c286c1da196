//! Colours that programs change (OSC 4, 10, 11, 12) are those that the page draws with.

use serde_json::{Value, json};

use super::key;
use super::visit::{Visit, write_cast};
use crate::support::TestTmux;

/// What is drawn: the ground, plain text, a colour of the palette, another beyond its
/// first 16, and the cursor.
const DRAWN: &str = "
    const colour = (element, name) => getComputedStyle(element)[name];
    const of = (text) => [...document.querySelectorAll('.row span')].find((run) => run.textContent.trim() === text);
    const terminal = document.querySelector('.terminal');
    return of('red') && [
      colour(terminal, 'backgroundColor'), colour(terminal.querySelector('.row'), 'color'),
      colour(of('red'), 'color'), colour(of('pink'), 'color'),
      colour(document.querySelector('.caret'), 'backgroundColor'),
    ].join(' ')";

const OWN: &str =
    "rgb(20, 23, 28) rgb(213, 216, 223) rgb(217, 87, 87) rgb(255, 0, 215) rgb(213, 216, 223)";
const CHANGED: &str =
    "rgb(0, 34, 68) rgb(238, 238, 204) rgb(0, 255, 0) rgb(1, 2, 3) rgb(255, 136, 0)";

const TEXT: &str = "plain \x1b[31mred\x1b[m \x1b[38;5;200mpink\x1b[m\r\n";
const CHANGE: &str = "\x1b]4;1;#00ff00;200;rgb:01/02/03\x07\x1b]10;#eeeecc\x07\x1b]11;#002244\x07\x1b]12;#ff8800\x07";
const RESET: &str = "\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07";

impl Visit {
    fn is_drawn(&self, colours: &str) {
        let script = format!(
            "const drawn = (() => {{ {DRAWN} }})(); return drawn === {}",
            json!(colours)
        );
        self.browser.wait(&script);
    }
}

#[test]
fn colours_that_a_program_changed_are_drawn_at_any_moment() {
    let visit = Visit::start("colours", |tvmux| {
        let events = [
            (0.5, "o", TEXT),
            (2.0, "o", CHANGE),
            (4.0, "o", RESET),
            (5.0, "o", "end"),
        ];
        write_cast(tvmux.folder(), "colours.cast", "colours", &events);
    });
    let Some(visit) = visit else { return };
    let Visit { browser, .. } = &visit;
    let id = visit.id_of("colours");
    for (time, colours) in [(1.0, OWN), (3.0, CHANGED), (4.5, OWN), (2.5, CHANGED)] {
        visit.open(&format!("#/cast/{id}?t={time}"));
        visit.is_drawn(colours);
    }
    browser.picture("colours");
    // Frame by frame, there and back.
    for (key, colours) in [(".", OWN), (",", CHANGED), (",", OWN), (".", CHANGED)] {
        browser.keys(key);
        visit.is_drawn(colours);
    }
    // While it plays.
    visit.open(&format!("#/cast/{id}?t=1"));
    visit.is_drawn(OWN);
    browser.keys(" ");
    visit.is_drawn(CHANGED);
    visit.is_drawn(OWN);
    browser.keys(key::HOME);
    let picture = |time: f64| {
        let picture =
            format!("fetch('api/casts/{id}/thumb?t={time}').then((answer) => answer.text())");
        browser.promised(&picture).as_str().unwrap().to_owned()
    };
    let (own, changed) = (picture(1.0), picture(3.0));
    for colour in ["#002244", "#eeeecc", "#00ff00", "#010203", "#ff8800"] {
        assert!(
            changed.contains(colour) && !own.contains(colour),
            "{colour}"
        );
    }
    visit.end();
}

#[test]
fn colours_that_change_now_are_drawn_now() {
    let tmux = TestTmux::sized("exec env PS1='$ ' sh", 80, 24);
    let visit = Visit::start("live-colours", |tvmux| {
        for (name, text) in [("text", TEXT), ("change", CHANGE), ("reset", RESET)] {
            std::fs::write(tmux.folder().join(name), text).unwrap();
        }
        tvmux.start_server();
        let recording: Value = tvmux.record(&tmux, &["--title", "now"]);
        assert_eq!(recording["state"], "recording");
    });
    let Some(visit) = visit else { return };
    let print = |file: &str| {
        tmux.tmux(&["send-keys", "-t", "main:", &format!("cat {file}"), "Enter"]);
    };
    let id = visit.id_of("now");
    visit.open(&format!("#/cast/{id}?live"));
    visit.is("live");
    print("text");
    visit.is_drawn(OWN);
    print("change");
    visit.is_drawn(CHANGED);
    // Whoever looks from now on sees the same.
    visit.browser.run("location.reload()");
    visit.is("live");
    visit.is_drawn(CHANGED);
    print("reset");
    visit.is_drawn(OWN);
    visit.end();
}
