//! From a byte that a pane prints to the row that is painted in the browser.

use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::corpus::Numbers;
use super::report::Table;
use super::server::Web;
use super::support::playback::open_raw;
use super::support::tvmux::Tvmux;
use super::support::{TestTmux, wait_until};
use super::{COLUMNS, PAINTED, browser, figures};

/// How often something is printed.
const TIMES: usize = 150;

/// The numbers that were painted, and when: milliseconds since 1970.
const MEASURE: &str = r"
    window.seen = [];
    const look = () => {
      const found = document.querySelector('.screen').textContent.match(/tick \d+\./g)?.at(-1);
      const number = found ? Number(found.match(/\d+/)) : -1;
      if (number <= (window.last ?? -1)) return;
      window.last = number;
      whenPainted((time) => { seen[number] = performance.timeOrigin + time; });
    };
    new MutationObserver(look).observe(document.querySelector('.screen'), { childList: true, subtree: true, characterData: true });";

/// A table of waits, in milliseconds.
pub fn run() -> Table {
    let tmux = TestTmux::sized("exec cat >/dev/null", 100, 30);
    let mut user = Tvmux::new().with("TVMUX_LOGGING_LEVEL", "INFO");
    user.start_server();
    let recording = user.record(&tmux, &[]);
    let web = Web::start(&user, &[]);
    let id = web.enter().id(&user.cast(&recording));
    let browser = browser(&user);
    browser.run(&format!("location.hash = '#/cast/{id}?live'"));
    browser.wait("return document.querySelector('.player')?.dataset.state === 'live'");
    browser.wait("return document.querySelectorAll('.row').length === 30");
    browser.run(&format!("{PAINTED}{MEASURE}"));
    eprintln!("live: what is printed");
    let mut tty = open_raw(&tmux.ask("main:", "#{pane_tty}"));
    let mut numbers = Numbers::new(5);
    let mut printed = Vec::new();
    for number in 0..TIMES {
        // Not in step with anything.
        std::thread::sleep(Duration::from_millis(150 + numbers.below(200) as u64));
        printed.push(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        write!(tty, "tick {number}.\r\n").unwrap();
    }
    let is_last = format!("return window.last === {}", TIMES - 1);
    browser.wait(&is_last);
    wait_until("the last one is painted", || {
        browser.run("return seen.length") == TIMES
    });
    let seen = browser.run("return seen");
    let waits: Vec<f64> = printed
        .iter()
        .zip(seen.as_array().unwrap())
        .filter_map(|(printed, seen)| Some(seen.as_f64()? - 1e3 * printed.as_secs_f64()))
        .collect();
    user.ok(["rec", "stop", "-q"]);
    let mut table = Table::new(
        "What a pane prints, as it is recorded: milliseconds",
        &COLUMNS,
    );
    table.row(figures("printed to painted", &waits, "median: 300"));
    table
}
