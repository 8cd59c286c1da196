//! `tvmux web` of a test's own.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::json;

use super::driver::Browser;
use crate::support::tvmux::Tvmux;

/// The process that serves the page; ends with the test.
pub struct Served {
    process: Child,
    /// With the ticket that lets a browser in.
    pub address: String,
}

impl Served {
    pub fn start(tvmux: &Tvmux, more: &[&str]) -> Served {
        let mut process = tvmux
            .command([&["web", "--no-open", "--port", "0"], more].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            let start = line.find("http://")?;
            line[start..].split_whitespace().next().map(str::to_owned)
        });
        let address = address.expect("the address is printed");
        std::thread::spawn(move || lines.for_each(drop));
        Served { process, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A user with casts, the page that shows them, and a browser in it.
pub struct Visit {
    pub browser: Browser,
    _served: Served,
    pub tvmux: Tvmux,
}

impl Visit {
    /// Opens the page; `None` where there is no browser. `prepare` writes casts and
    /// starts recordings.
    pub fn start(name: &'static str, prepare: impl FnOnce(&mut Tvmux)) -> Option<Visit> {
        let browser = Browser::start(name, (1280, 800))?;
        let mut tvmux = Tvmux::new();
        prepare(&mut tvmux);
        let served = Served::start(&tvmux, &[]);
        browser.resize(1280, 800);
        browser.prefer("dark");
        browser.go(&served.address);
        browser.wait("return document.querySelector('main h1') !== null");
        Some(Visit {
            browser,
            _served: served,
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
