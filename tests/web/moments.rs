//! What a recording shows, at any moment and in parts.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tvmux::cast::Code;
use tvmux::screen::{Rules, Screen, Which};

use super::casts::mixed;
use super::support::tvmux::Tvmux;
use super::{Visitor, Web, made, write};

#[test]
fn casts_are_listed_as_ls_lists_them() {
    let user = Tvmux::new();
    write(
        &user,
        "2026-11-01_1000_box_work_@3_vim.cast",
        &made(&[(2.5, "hello\r\n")]),
    );
    let other = write(&user, "other.cast", &made(&[(1.0, "x")]));
    // A recording that went on in another cast is one.
    let part = json!({"version": 2, "width": 80, "height": 24,
        "tvmux": {"part": 2, "previous": "other.cast", "screen": 0}});
    let part = format!("{part}\n[0.5, \"o\", \"y\"]\n");
    std::fs::write(other.with_file_name("other.part002.cast"), part).unwrap();
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let mut listed = browser.casts();
    assert_eq!(listed.len(), 2);
    for cast in &mut listed {
        let cast = cast.as_object_mut().unwrap();
        assert_eq!(cast.remove("id").unwrap().as_str().unwrap().len(), 16);
        assert_eq!(cast.remove("recording"), Some(Value::Null));
    }
    let ls: Vec<Value> = serde_json::from_str(&user.ok(["ls", "--json"])).unwrap();
    assert_eq!(listed, ls);
    let found = browser.ok("api/casts?session=work&limit=1").json();
    assert_eq!(found["casts"].as_array().unwrap().len(), 1);
    assert_eq!(found["casts"][0]["window"], "@3");
    let old = browser.ok("api/casts?until=2020-01-01").json();
    assert_eq!(old["casts"], json!([]));
    for wrong in ["api/casts?since=soon", "api/casts?limit=x"] {
        assert_eq!(browser.get(wrong).status, 422, "{wrong}");
    }
}

#[test]
fn screens_are_those_of_screenshot() {
    let user = Tvmux::new();
    let cast = mixed(3, 200_000);
    let path = write(&user, "mixed.cast", &cast);
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    let end = cast.end() as f64 / 1e6;
    for part in [0.0, 0.1, 0.33, 0.5, 0.77, 0.9, 1.0] {
        let time = (end * part * 1000.0).round() / 1000.0;
        let time = time.min(end);
        let at = browser.ok(&format!("api/casts/{id}/at?t={time}")).json();
        let name = path.to_str().unwrap();
        let wanted = user.ok([
            "screenshot",
            "--format",
            "json",
            "--at",
            &time.to_string(),
            name,
        ]);
        let wanted: Value = serde_json::from_str(&wanted).unwrap();
        assert_eq!(at["lines"], wanted["lines"], "{time}");
        assert_eq!(at["cursor"], wanted["cursor"], "{time}");
        assert_eq!(at["columns"], wanted["columns"], "{time}");
    }
    let picture = browser.ok(&format!("api/casts/{id}/thumb"));
    assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
    assert!(picture.text().starts_with("<svg "));
    let tag = format!("If-None-Match: {}", picture.header("etag").unwrap());
    let again = browser.get_with(&format!("api/casts/{id}/thumb"), &[&tag]);
    assert_eq!(again.status, 304);
    let whole = browser.ok(&format!("api/casts/{id}/download?format=cast"));
    assert_eq!(whole.body, cast.bytes());
    let disposition = whole.header("content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"mixed.cast\""));
    for wrong in ["at?t=-1", "at?t=x", "frames?rate=x", "download?format=exe"] {
        let reply = browser.get(&format!("api/casts/{id}/{wrong}"));
        assert_eq!(reply.status, 422, "{wrong}");
        assert_eq!(reply.json()["code"], "invalid");
    }
}

/// What a page that draws frames shows: the rows and the size.
#[derive(Default)]
struct Page {
    size: (u64, u64),
    rows: BTreeMap<usize, Value>,
}

impl Page {
    fn take(&mut self, line: &Value) {
        if let Some(screen) = line.get("screen") {
            let number = |name: &str| screen[name].as_u64().unwrap();
            self.size = (number("columns"), number("rows"));
            let lines = screen["lines"].as_array().unwrap().iter().cloned();
            self.rows = lines.enumerate().collect();
        }
        for (row, text) in line["rows"].as_object().into_iter().flatten() {
            self.rows.insert(row.parse().unwrap(), text.clone());
        }
    }

    fn assert_is(&self, screen: &Value) {
        let lines: Vec<&Value> = self.rows.values().collect();
        let wanted: Vec<&Value> = screen["lines"].as_array().unwrap().iter().collect();
        assert_eq!(lines, wanted, "at {}", screen["time"]);
    }
}

#[test]
fn frames_lead_from_screen_to_screen() {
    let user = Tvmux::new();
    let cast = mixed(11, 60_000);
    let path = write(&user, "mixed.cast", &cast);
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    let end = cast.end() as f64 / 1e6;
    let at = |time: &Value| browser.ok(&format!("api/casts/{id}/at?t={time}")).json();
    let check = |query: &str, least: usize| {
        let lines = browser
            .ok(&format!("api/casts/{id}/frames?{query}"))
            .lines();
        let mut page = Page::default();
        let (last, frames) = lines.split_last().unwrap();
        assert_eq!(last["end"], true, "{last}");
        assert!(frames.len() > least, "{query}: {}", frames.len());
        let each = (frames.len() / 12).max(1);
        for (number, line) in frames.iter().enumerate() {
            page.take(line);
            let time = line.get("time").unwrap_or(&line["screen"]["time"]);
            if number % each == 0 {
                page.assert_is(&at(time));
            }
        }
    };
    check("rate=60", 20);
    check("rate=5", 10);
    let third = |n: usize| cast.events[cast.events.len() * n / 3].0 as f64 / 1e6;
    check(&format!("from={}&until={}", third(1), third(2)), 3);
    check(&format!("from={end}&back=1&rate=60"), 20);
    let folded = browser.ok(&format!("api/casts/{id}/frames?idle=1")).lines();
    let times = folded.iter().filter_map(|line| line["at"].as_f64());
    let times: Vec<f64> = times.collect();
    assert!(times.is_sorted());
    let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(pauses.fold(0.0, f64::max) < 1.1, "no pause is longer");
}

#[test]
fn what_was_recorded_is_data() {
    let user = Tvmux::new();
    let hostile = "<script>alert(1)</script>\u{202e}\x1b]2;<img src=x onerror=alert(1)>\x1b\\\r\n\
                   \x1b]8;;javascript:alert(1)\x1b\\bad\x1b]8;;\x1b\\ \
                   \x1b]8;;https://example.org/\x1b\\good\x1b]8;;\x1b\\";
    let mut cast = made(&[(1.0, hostile)]);
    cast.header.title = Some("</title><script>".repeat(100));
    let path = write(&user, "<b>'\"&.cast", &cast);
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    let screen = browser.ok(&format!("api/casts/{id}/at"));
    assert_eq!(screen.header("content-type"), Some("application/json"));
    let screen = screen.json();
    assert!(
        screen["lines"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("<script>")
    );
    let runs = screen["lines"][1]["runs"].as_array().unwrap();
    let links: Vec<&Value> = runs.iter().filter_map(|run| run.get("link")).collect();
    assert_eq!(links, ["https://example.org/"]);
    let picture = browser.ok(&format!("api/casts/{id}/thumb")).text();
    assert!(!picture.contains("<script") && !picture.contains("javascript:"));
    let text = browser.ok(&format!("api/casts/{id}/download?format=text"));
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let disposition = text.header("content-disposition").unwrap();
    assert_eq!(disposition, "attachment; filename=\"_b____.txt\"");
}

#[test]
fn a_cast_that_is_compressed_stays_and_one_that_is_removed_goes() {
    let user = Tvmux::new();
    let path = write(&user, "one.cast", &made(&[(1.0, "hello"), (2.0, " there")]));
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    let at = format!("api/casts/{id}/at?t=1");
    let before = browser.ok(&at).json();
    user.ok(["archive", "compress", path.to_str().unwrap()]);
    assert!(!path.exists());
    assert_eq!(browser.ok(&at).json(), before);
    std::fs::remove_file(path.with_extension("cast.zst")).unwrap();
    let gone = browser.get(&at);
    assert_eq!(
        (gone.status, &gone.json()["code"]),
        (404, &json!("no_cast"))
    );
}

#[test]
fn searches_lead_to_casts() {
    let user = Tvmux::new();
    let mut refused = made(&[(1.5, "connection refused\r\n"), (3.0, "x")]);
    refused.header.title = Some("refusals".to_owned());
    let path = write(&user, "one.cast", &refused);
    write(
        &user,
        "two.cast",
        &made(&[(1.0, "connection accepted\r\n")]),
    );
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let hits = browser.ok("api/search?q=connection").lines();
    assert_eq!(hits.len(), 2, "{hits:?}");
    let id = browser.id(&path);
    let hits = browser.ok("api/search?q=refused").lines();
    assert_eq!(hits.len(), 1);
    assert_eq!(
        (&hits[0]["id"], &hits[0]["time"]),
        (&json!(id), &json!(1.5))
    );
    assert_eq!(hits[0]["title"], "refusals");
    let own = browser
        .ok(&format!("api/search?q=connection&cast={id}"))
        .lines();
    assert_eq!(own.len(), 1);
    assert_eq!(browser.ok("api/search?q=nothing+of+it").lines().len(), 0);
    assert_eq!(browser.get("api/search?q=%5B&regex=true").status, 422);
    assert_eq!(browser.get("api/search").status, 422);
}

/// Holds an index and its parts to what asciinema-player 3.17 asks for; gives what the
/// last moment shows.
fn play_segments(browser: &Visitor<'_>, id: &str, query: &str) -> (Value, Vec<String>) {
    let index = browser
        .ok(&format!("api/casts/{id}/segments/index.json{query}"))
        .json();
    assert_eq!(index["version"], 1);
    let duration = index["duration"].as_f64().unwrap();
    let segments = index["segments"].as_array().unwrap();
    let starts: Vec<f64> = segments
        .iter()
        .map(|one| one["start"].as_f64().unwrap())
        .collect();
    assert_eq!(starts[0], 0.0);
    assert!(
        starts.windows(2).all(|pair| pair[0] < pair[1]),
        "{starts:?}"
    );
    assert!(starts.iter().all(|start| *start < duration));
    let mut markers = index["markers"].as_array().unwrap().iter();
    let mut shown = Vec::new();
    for (at, segment) in segments.iter().enumerate() {
        let url = segment["url"].as_str().unwrap();
        let part = browser.ok(&format!("api/casts/{id}/segments/{url}")).json();
        let events = part["events"].as_array().unwrap();
        let time = |event: &Value| event[0].as_f64().unwrap();
        assert_eq!(time(&events[0]), starts[at]);
        assert!(events.is_sorted_by(|a, b| time(a) <= time(b)));
        let last = time(events.last().unwrap());
        match starts.get(at + 1) {
            Some(next) => assert!(last < *next, "{last} < {next}"),
            None => assert_eq!(last, duration),
        }
        let size = |name: &str| part["snapshot"][name].as_u64().unwrap() as u16;
        let mut screen = Screen::new(size("cols"), size("rows"), Rules::TMUX_3_3);
        screen.feed(part["snapshot"]["init"].as_str().unwrap().as_bytes());
        for event in events {
            let data = event[2].as_str().unwrap();
            match event[1].as_str().unwrap() {
                "o" => screen.feed(data.as_bytes()),
                "r" => {
                    let (columns, rows) = data.split_once('x').unwrap();
                    screen.resize(columns.parse().unwrap(), rows.parse().unwrap());
                }
                "m" => assert_eq!(markers.next().unwrap(), &json!([event[0], data])),
                other => panic!("{other}"),
            }
        }
        let rows = 0..usize::from(screen.size().1);
        shown = rows.map(|row| screen.text(Which::Shown, row)).collect();
    }
    assert_eq!(markers.next(), None, "all markers come");
    (index, shown)
}

#[test]
fn segments_are_what_the_player_asks_for() {
    let user = Tvmux::new();
    let mut cast = made(&[]);
    for line in 0..30_000u64 {
        let time = line * 10_000 + line / 10_000 * 60_000_000;
        let text = format!("line {line} of what is printed at {time}\r\n");
        cast.events.push((time, Code::Output, text));
        if line % 5000 == 0 {
            cast.events
                .push((time, Code::Marker, format!("mark {line}")));
        }
    }
    let path = write(&user, "long.cast", &cast);
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    let screen = browser.ok(&format!("api/casts/{id}/at")).json();
    let wanted: Vec<&Value> = screen["lines"].as_array().unwrap().iter().collect();
    let wanted: Vec<&str> = wanted
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    let (index, shown) = play_segments(&browser, &id, "");
    assert!(index["segments"].as_array().unwrap().len() > 2, "{index}");
    assert_eq!(shown, wanted);
    let (folded, shown) = play_segments(&browser, &id, "?idle=2");
    assert_eq!(shown, wanted);
    let saved = index["duration"].as_f64().unwrap() - folded["duration"].as_f64().unwrap();
    assert!((115.9..116.1).contains(&saved), "{saved} seconds less");
    for none in ["segments/0.json", "segments/5-1.json", "segments/..%2f"] {
        assert_eq!(
            browser.get(&format!("api/casts/{id}/{none}")).status,
            404,
            "{none}"
        );
    }
}

#[test]
fn what_is_served_is_what_the_document_says() {
    let user = Tvmux::new();
    let path = write(&user, "one.cast", &made(&[(1.0, "x")]));
    let web = Web::start(&user, &["--control"]);
    let browser = web.enter();
    let id = browser.id(&path);
    let document = browser.ok("api/openapi.json").json();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(get) = item.get("get") else {
            continue;
        };
        let path = path.trim_start_matches('/').replace("{id}", &id);
        let path = path.replace("{part}", "index.json");
        let path = match path.rsplit('/').next().unwrap() {
            // These go on, or need a tmux server.
            "live" | "live.alis" | "windows" => continue,
            "search" => path + "?q=x",
            "download" => path + "?format=cast",
            _ => path,
        };
        let reply = browser.ok(&path);
        let kind = reply
            .header("content-type")
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        let told = &get["responses"]["200"]["content"];
        assert!(told.get(kind).is_some(), "{path}: {kind} of {told}");
        asked += 1;
    }
    assert!(asked > 8, "{asked}");
}
