//! `tvmux web` as its users meet it, in a real Chromium.
//!
//! ```text
//! cargo bench --bench web                  # seek, live and viewers, each in a table
//! cargo bench --bench web -- seek --json
//! ```
//!
//! `WEB_BENCH_MB` sets the size of the cast that is sought in (1000, which is 8 hours).
//! Nothing here passes or fails by a figure; what was recorded is checked.
#![allow(clippy::unwrap_used)]

#[path = "../corpus/mod.rs"]
mod corpus;
#[path = "../../tests/web/browser/driver.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod driver;
mod live;
#[path = "../end_to_end/process.rs"]
#[allow(dead_code, reason = "the recorder's bench uses more of it")]
mod process;
#[path = "../end_to_end/report.rs"]
#[allow(dead_code, reason = "the recorder's bench uses more of it")]
mod report;
mod seek;
#[path = "../../tests/web/server.rs"]
mod server;
#[path = "../../tests/support/mod.rs"]
mod support;
mod viewers;

use report::Table;
use serde_json::json;

/// What can be measured, by name.
type Part = (&'static str, fn() -> Table);

const PARTS: [Part; 3] = [
    ("seek", seek::run),
    ("live", live::run),
    ("viewers", viewers::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test --benches` only wants to know that it starts.
    if has("--test") {
        return;
    }
    let is_all = !PARTS.iter().any(|(name, _)| has(name));
    let wanted = PARTS.iter().filter(|(name, _)| is_all || has(name));
    let tables: Vec<Table> = wanted
        .map(|(_, measure)| {
            let table = measure();
            if !has("--json") {
                table.print();
            }
            table
        })
        .collect();
    if has("--json") {
        let tables: Vec<_> = tables.iter().map(Table::json).collect();
        println!("{}", json!({ "tables": tables }));
    }
}

/// A script that calls `done(time)` when what has just changed is painted; `time` is
/// as `performance.now()` tells it.
const PAINTED: &str = "
    window.whenPainted = (done) => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => done(performance.now());
      port2.postMessage(0);
    });";

/// A browser that was let in, of a usual size.
fn browser(user: &support::tvmux::Tvmux) -> driver::Browser {
    let browser = driver::Browser::start("bench", (1280, 800));
    let browser = browser.expect("chromium and chromedriver: .ci/deps installs them");
    browser.resize(1280, 800);
    // The one that serves gives another ticket.
    let address = user.ok(["web", "--no-open"]);
    browser.go(address.trim());
    browser.wait("return document.querySelector('main h1') !== null");
    browser
}

/// A sample's rows for a table: median, 95 % and largest.
fn figures(name: &str, sample: &[f64], bound: &str) -> [serde_json::Value; 6] {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |part: usize| {
        let place = (sorted.len() * part).div_ceil(100).clamp(1, sorted.len());
        report::number(sorted[place - 1], 1)
    };
    [
        json!(name),
        at(50),
        at(95),
        at(100),
        json!(sorted.len()),
        json!(bound),
    ]
}

/// The columns of [`figures`].
const COLUMNS: [&str; 6] = ["of", "median", "95 %", "largest", "times", "bound"];
