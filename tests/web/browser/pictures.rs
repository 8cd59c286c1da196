//! A picture of every view, with recordings as people have them. README shows two.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::visit::Visit;
use crate::support::TestTmux;
use crate::support::tvmux::Tvmux;

const WORK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/web/work.cast");

/// Title, session, window, hours ago, and how much longer everything takes.
const CASTS: [(&str, &str, &str, u64, f64); 6] = [
    ("orbit: editor", "orbit", "@1", 2, 30.0),
    ("review of the wire format", "orbit", "@4", 6, 12.0),
    ("tail -f access.log", "infra", "@2", 27, 150.0),
    ("release night", "orbit", "@4", 30, 60.0),
    ("db migration", "infra", "@3", 52, 40.0),
    ("pairing on the ledger", "ledger", "@7", 54, 80.0),
];

fn write_casts(folder: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let work = fs::read_to_string(WORK).unwrap();
    for (title, session, window, hours, slower) in CASTS {
        let mut lines = work.lines();
        let mut header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        header["timestamp"] = (now.as_secs() - hours * 3600).into();
        header["title"] = title.into();
        let mut text = format!("{header}\n");
        for line in lines {
            let mut event: Value = serde_json::from_str(line).unwrap();
            event[0] = (event[0].as_f64().unwrap() * slower).into();
            text += &format!("{event}\n");
        }
        let day = jiff::Zoned::now() - jiff::Span::new().hours(hours as i64);
        let name = format!(
            "{}_forge_{session}_{window}_{}.cast",
            day.strftime("%Y-%m-%d_%H%M"),
            title.split(' ').next().unwrap()
        );
        fs::write(folder.join("casts").join(name), text).unwrap();
    }
}

/// Records a window in which somebody has worked.
fn record_work(tmux: &TestTmux, tvmux: &mut Tvmux) {
    let text = tvmux.ok(["screenshot", WORK, "--at", "20", "--format", "ansi"]);
    fs::write(tmux.folder().join("screen"), text.trim_end()).unwrap();
    tvmux.start_server();
    tvmux.record(tmux, &["--title", "orbit: tests"]);
    let show = "clear; cat screen; PS1='dev@forge:~/src/orbit$ '";
    tmux.tmux(&["send-keys", "-t", "main:", show, "Enter"]);
}

#[test]
fn every_view_has_its_picture() {
    let tmux = TestTmux::sized("exec env PS1= sh", 100, 30);
    let visit = Visit::start("pictures", |tvmux| {
        write_casts(tvmux.folder());
        record_work(&tmux, tvmux);
        tvmux.ok(["archive", "update"]);
    });
    let Some(visit) = visit else { return };
    let Visit { browser, .. } = &visit;
    browser.wait("return document.querySelector('.thumb img')?.naturalWidth > 0");
    browser.wait("return document.querySelectorAll('.rows a').length === 6");
    browser.picture("view-now");
    visit.open("#/days");
    browser.wait("return document.querySelectorAll('.bar[data-drawn]').length === 7");
    browser.picture("view-days");
    visit.open("#/search?q=order");
    browser.wait("return document.querySelectorAll('.group').length >= 6");
    browser.picture("view-search");

    let id = visit.id_of("orbit: editor");
    visit.open(&format!("#/cast/{id}?t=600"));
    visit.shows("FAILED", "");
    browser.wait("return document.querySelectorAll('.moments li').length === 6");
    browser.picture("view-player");
    browser.prefer("light");
    browser.picture("view-player-light");
    browser.resize(390, 844);
    browser.picture("view-player-phone");
    browser.prefer("dark");
    browser.resize(1280, 800);

    let id = visit.id_of("orbit: tests");
    visit.open(&format!("#/cast/{id}?live"));
    visit.is("live");
    visit.shows("FAILED", "");
    browser.picture("view-live");
    visit.end();
}
