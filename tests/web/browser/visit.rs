//! A browser that visits the page of a user, and what it sees.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::driver::Browser;
use crate::server::Web;
use crate::support::tvmux::Tvmux;

/// A user with casts, the page that shows them, and a browser in it.
pub struct Visit {
    pub browser: Browser,
    _web: Web,
    pub tvmux: Tvmux,
}

impl Visit {
    /// Opens the page; `None` where there is no browser. `prepare` writes casts and
    /// starts recordings.
    pub fn start(name: &'static str, prepare: impl FnOnce(&mut Tvmux)) -> Option<Visit> {
        Visit::of(Tvmux::new(), name, &[], prepare)
    }

    /// The same with a user of the test's own, and arguments of `tvmux web`.
    pub fn of(
        mut tvmux: Tvmux,
        name: &'static str,
        args: &[&str],
        prepare: impl FnOnce(&mut Tvmux),
    ) -> Option<Visit> {
        let browser = Browser::start(name, (1280, 800))?;
        prepare(&mut tvmux);
        let web = Web::start(&tvmux, args);
        browser.resize(1280, 800);
        browser.prefer("dark");
        browser.go(&web.ticket);
        browser.wait("return document.querySelector('main h1') !== null");
        Some(Visit {
            browser,
            _web: web,
            tvmux,
        })
    }

    /// Goes to a place of the page: what stands behind `#`.
    pub fn open(&self, place: &str) {
        let script = format!("location.hash = {}", json!(place));
        self.browser.run(&script);
        let view = place.trim_start_matches("#/").split('?').next();
        self.browser.wait(&format!(
            "return document.querySelector('main').dataset.view === {}",
            json!(view)
        ));
    }

    /// The page's name of the cast whose title or path has this in it.
    pub fn id_of(&self, name: &str) -> String {
        let casts = self
            .browser
            .promised("fetch('api/casts').then((answer) => answer.json())");
        let casts = casts["casts"].as_array().unwrap().clone();
        let has = |text: &serde_json::Value| text.as_str().is_some_and(|text| text.contains(name));
        let cast = casts
            .iter()
            .find(|cast| has(&cast["title"]) || has(&cast["path"]));
        cast.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The rows of the screen that is shown, without blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        let rows = self.browser.run(
            "return [...document.querySelectorAll('.row')].map((row) => row.textContent.trimEnd())",
        );
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row.as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the screen has `text`, and none of `without`.
    pub fn shows(&self, text: &str, without: &str) {
        self.browser.wait(&format!(
            "const shown = [...document.querySelectorAll('.row')].map((row) => row.textContent).join('\\n');
             return shown.includes({}) && !({} && shown.includes({}))",
            json!(text),
            json!(without),
            json!(without),
        ));
    }

    /// Seconds from the start, as the player tells them.
    pub fn time(&self) -> f64 {
        let time = self
            .browser
            .run("return document.querySelector('.time b').textContent");
        let parts = time.as_str().unwrap().split(':');
        parts.fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
    }

    /// Waits until the player is `playing`, `paused` or `live`.
    pub fn is(&self, state: &str) {
        self.browser.wait(&format!(
            "return document.querySelector('.player')?.dataset.state === {}",
            json!(state)
        ));
    }

    /// The browser has had nothing to complain of.
    pub fn end(self) {
        assert_eq!(self.browser.complaints(), [""; 0]);
    }
}

/// Writes a cast of 80 × 24 with these events: time, code, data.
pub fn write_cast(folder: &Path, name: &str, title: &str, events: &[(f64, &str, &str)]) {
    let header = json!({"version": 2, "width": 80, "height": 24, "timestamp": 1_795_000_000, "title": title});
    let mut text = format!("{header}\n");
    for event in events {
        let _ = writeln!(text, "{}", json!([event.0, event.1, event.2]));
    }
    fs::write(folder.join("casts").join(name), text).unwrap();
}

/// A cast of 20 seconds: a line each second, two commands of which one fails, and
/// a marker.
pub fn write_seconds(folder: &Path) {
    let mut events = Vec::new();
    for second in 0..=20 {
        let line = match second {
            4 => "\x1b]133;A\x07$ \x1b]133;B\x07make all\r\n\x1b]133;C\x07".to_owned(),
            6 => "\x1b]133;D;0\x07".to_owned(),
            12 => "\x1b]133;A\x07$ \x1b]133;B\x07make test\r\n\x1b]133;C\x07".to_owned(),
            14 => "\x1b]133;D;2\x07".to_owned(),
            _ => String::new(),
        };
        events.push((
            f64::from(second),
            "o",
            format!("{line}second {second}.\r\n"),
        ));
        if second == 9 {
            events.push((9.5, "m", "the middle".to_owned()));
        }
    }
    let events: Vec<(f64, &str, &str)> = events
        .iter()
        .map(|(time, code, data)| (*time, *code, data.as_str()))
        .collect();
    write_cast(folder, "seconds.cast", "the seconds", &events);
}
