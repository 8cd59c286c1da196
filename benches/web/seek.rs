//! Any moment of a long cast: what the server takes, and from the key to the rows that
//! are painted.

use std::fs::File;
use std::time::Instant;

use serde_json::{Value, json};

use super::corpus::{Kind, Numbers, write_cast};
use super::report::Table;
use super::server::Web;
use super::support::tvmux::Tvmux;
use super::support::wait_for;
use super::{COLUMNS, PAINTED, browser, figures};

/// Events of this length, in bytes, make 1 GB in 8 hours.
const EVENT: usize = 350;

/// Moments that are asked for.
const MOMENTS: usize = 200;

/// Each key, and when the rows that it brings are painted: milliseconds.
const MEASURE: &str = "
    performance.setResourceTimingBufferSize(10000);
    performance.clearResourceTimings();
    window.paints = [];
    let pressed = 0;
    addEventListener('keydown', (event) => { pressed = event.timeStamp; }, true);
    const started = () => {
      if (!pressed) return;
      const from = pressed;
      pressed = 0;
      whenPainted((time) => paints.push(time - from));
    };
    new MutationObserver(started).observe(document.querySelector('.screen'), { childList: true, subtree: true, characterData: true });";

/// A table of waits, in milliseconds.
pub fn run() -> Table {
    let megabytes = std::env::var("WEB_BENCH_MB").ok();
    let megabytes: u64 = megabytes.and_then(|mb| mb.parse().ok()).unwrap_or(1000);
    let user = Tvmux::new();
    let cast = user.folder().join("casts/day.cast");
    let file = File::create(&cast).unwrap();
    write_cast(file, &Kind::OF_PROGRAMS, EVENT, megabytes * 1_000_000).unwrap();
    let web = Web::start(&user, &[]);
    let visitor = web.enter();
    let id = visitor.id(&cast);
    eprintln!("seek: a cast of {megabytes} MB is gone through");
    let start = Instant::now();
    let details = loop {
        let details = visitor.ok(&format!("api/casts/{id}")).json();
        if details["covered"] == true {
            break details;
        }
    };
    let covered = start.elapsed().as_secs_f64();
    let duration = details["duration"].as_f64().unwrap();

    eprintln!("seek: the server's screens");
    let mut numbers = Numbers::new(3);
    let mut served = Vec::new();
    for _ in 0..MOMENTS {
        let time = duration * numbers.below(1_000_000) as f64 / 1e6;
        let start = Instant::now();
        visitor.ok(&format!("api/casts/{id}/at?t={time:.3}"));
        served.push(1e3 * start.elapsed().as_secs_f64());
    }

    eprintln!("seek: keys in the browser");
    let browser = browser(&user);
    browser.run(&format!("location.hash = '#/cast/{id}?t=1'"));
    browser.wait("return document.querySelectorAll('.row').length > 0");
    browser.run(&format!("{PAINTED}{MEASURE}"));
    for number in 1..=MOMENTS {
        // Tenths, and minutes on from there.
        let key = match numbers.below(3) {
            0 => char::from(b'0' + numbers.below(10) as u8).to_string(),
            _ => "\u{e008}\u{e014}".to_owned(),
        };
        let before = painted(&browser.run("return paints"));
        wait_for("the rows are painted", || {
            // A key at the end of the cast changes nothing.
            browser.keys(&key);
            let count = || painted(&browser.run("return paints")).len();
            let end = Instant::now() + std::time::Duration::from_secs(1);
            while count() == before.len() && Instant::now() < end {}
            (count() > before.len()).then_some(number)
        });
    }
    let paints = painted(&browser.run("return paints"));
    let fetched = painted(&browser.run(
        "return performance.getEntriesByType('resource').filter(({ name }) => name.includes('/at?')).map(({ duration }) => duration)",
    ));
    assert_eq!(browser.complaints(), [""; 0]);
    let hours = duration / 3600.0;
    let title = format!(
        "A moment of a cast of {megabytes} MB, {hours:.1} hours, gone through in {covered:.1} s: milliseconds"
    );
    let mut table = Table::new(title, &COLUMNS);
    table.row(figures("the server's reply", &served, "95 %: 50"));
    table.row(figures("the page's request", &fetched, ""));
    table.row(figures("key to painted rows", &paints, "95 %: 120"));
    table
}

fn painted(times: &Value) -> Vec<f64> {
    let times = times.as_array().cloned().unwrap_or(vec![json!(0)]);
    times.iter().filter_map(Value::as_f64).collect()
}
