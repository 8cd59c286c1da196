//! What a recording shows as it is made: events for pages, ALiS for asciinema.

use std::io::{Read, Write};
use std::time::Instant;

use serde_json::Value;
use tvmux::screen::{Rules, Screen, Which};

use super::support::TestTmux;
use super::support::tvmux::{Tvmux, output_of, read_cast};
use super::{Visitor, Web, made, write};

/// A tmux, a user who records it, and its browser's server.
fn recorded() -> (TestTmux, Tvmux, Web) {
    let tmux = TestTmux::start("");
    let surrounding = format!("{},{},0", tmux.socket().display(), tmux.pid());
    let mut user = Tvmux::new().with("TMUX", surrounding);
    user.start_server();
    user.record(&tmux, &[]);
    let web = Web::start(&user, &["--control"]);
    (tmux, user, web)
}

fn running(browser: &Visitor<'_>) -> (String, String) {
    let list = browser.ok("api/casts?running=true").json();
    let cast = &list["casts"][0];
    let text = |value: &Value| {
        value
            .as_str()
            .unwrap_or_else(|| panic!("{list}"))
            .to_owned()
    };
    (text(&cast["id"]), text(&cast["recording"]["id"]))
}

fn rows_of(screen: &Value) -> Vec<Value> {
    screen["lines"].as_array().unwrap().clone()
}

#[test]
fn what_is_printed_appears_and_the_end_is_told() {
    let (tmux, user, web) = recorded();
    let browser = web.enter();
    let (id, recording) = running(&browser);
    let mut live = browser.events(&format!("api/casts/{id}/live?rate=30"));
    let (kind, _, state) = live.next().unwrap();
    assert_eq!((&*kind, &state["state"]), ("state", &"recording".into()));
    let (kind, time, screen) = live.next().unwrap();
    assert_eq!(kind, "screen");
    let mut rows = rows_of(&screen);
    tmux.tmux(&["send-keys", "-t", "main:", "echo so''mething new", "Enter"]);
    let mut has_text = false;
    while !has_text {
        let (kind, _, data) = live.next().expect("the stream goes on");
        assert_eq!(kind, "rows", "{data}");
        for (row, line) in data["rows"].as_object().unwrap() {
            rows[row.parse::<usize>().unwrap()] = line.clone();
        }
        has_text = rows.iter().any(|line| line["text"] == "something new");
    }
    tmux.resize("main:", 70, 20);
    let resized = live.find(|(kind, _, data)| kind == "screen" && data["columns"] == 70);
    assert_eq!(resized.unwrap().2["rows"], 20);
    let segment = recording.replace('@', "%40").replace(':', "%3A");
    browser.post(
        &format!("api/recordings/{segment}/mark"),
        r#"{"label":"here"}"#,
    );
    let marker = live.find(|(kind, ..)| kind == "marker").unwrap().2;
    assert_eq!(marker["label"], "here");
    // Somebody whose connection broke goes on.
    let again = format!(
        "api/casts/{id}/live?rate=30&from={}",
        time.parse::<f64>().unwrap() / 1e6
    );
    let mut again = browser.events(&again);
    let screen = again.find(|(kind, ..)| kind == "screen").unwrap().2;
    assert!(
        rows_of(&screen)
            .iter()
            .any(|line| line["text"] == "something new")
    );
    let missed = again.find(|(kind, ..)| kind == "marker").unwrap().2;
    assert_eq!(missed["label"], "here");
    user.ok(["rec", "stop"]);
    assert!(live.any(|(kind, ..)| kind == "end"));
    assert!(again.any(|(kind, ..)| kind == "end"));
}

/// The binary messages of a WebSocket, without their frames.
struct Messages(std::net::TcpStream);

impl Messages {
    fn open(browser: &Visitor<'_>, path: &str) -> Messages {
        let line = format!("GET {}{path}", browser.base);
        let headers = [
            &*browser.cookie,
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol: v1.alis",
        ];
        let mut stream = browser.web.send(&line, &headers, "");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        assert!(head.contains("sec-websocket-protocol: v1.alis"), "{head}");
        Messages(stream)
    }

    /// The next message; `None` at the end.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).ok()?;
            assert_eq!(head[1] & 0x80, 0, "servers do not mask");
            let length = match head[1] {
                126 => {
                    let mut length = [0; 2];
                    self.0.read_exact(&mut length).unwrap();
                    u64::from(u16::from_be_bytes(length))
                }
                127 => {
                    let mut length = [0; 8];
                    self.0.read_exact(&mut length).unwrap();
                    u64::from_be_bytes(length)
                }
                short => u64::from(short),
            };
            let mut message = vec![0; length as usize];
            self.0.read_exact(&mut message).unwrap();
            match head[0] & 0xf {
                2 => return Some(message),
                8 => return None,
                _ => {}
            }
        }
    }
}

/// Takes a message apart.
struct Parts<'m>(&'m [u8]);

impl Parts<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap();
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..).step_by(7) {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn text(&mut self) -> String {
        let length = self.number() as usize;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8(text.to_vec()).unwrap()
    }
}

#[test]
fn alis_shows_what_is_printed() {
    let (tmux, user, web) = recorded();
    let browser = web.enter();
    let (id, _) = running(&browser);
    let mut messages = Messages::open(&browser, &format!("api/casts/{id}/live.alis"));
    assert_eq!(messages.next().unwrap(), b"ALiS\x01");
    let reset = messages.next().unwrap();
    let mut parts = Parts(&reset);
    assert_eq!(parts.byte(), 1);
    let (last, _time) = (parts.number(), parts.number());
    let size = (parts.number() as u16, parts.number() as u16);
    assert_eq!(size, (80, 24));
    assert_eq!(parts.byte(), 16);
    for _ in 0..18 * 3 {
        parts.byte();
    }
    let mut screen = Screen::new(size.0, size.1, Rules::TMUX_3_3);
    screen.feed(parts.text().as_bytes());
    assert!(parts.0.is_empty());
    tmux.tmux(&["send-keys", "-t", "main:", "echo so''mething new", "Enter"]);
    let shows = |screen: &Screen| {
        let mut rows = 0..usize::from(screen.size().1);
        rows.any(|row| screen.text(Which::Shown, row) == "something new")
    };
    let mut number = last;
    while !shows(&screen) {
        let message = messages.next().expect("the stream goes on");
        let mut parts = Parts(&message);
        let kind = parts.byte();
        number += 1;
        assert_eq!(parts.number(), number, "numbers follow each other");
        assert!(
            parts.number() < 60_000_000,
            "times are those since the last"
        );
        if kind == b'o' {
            screen.feed(parts.text().as_bytes());
        }
    }
    user.ok(["rec", "stop"]);
    let mut kinds = std::iter::from_fn(|| messages.next()).map(|message| message[0]);
    assert!(kinds.any(|kind| kind == 4), "the end is told");
    assert!(kinds.next().is_none());
}

#[test]
fn what_is_no_websocket_is_told_so() {
    let user = Tvmux::new();
    let path = write(&user, "one.cast", &made(&[(1.0, "x")]));
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    let reply = browser.get(&format!("api/casts/{id}/live.alis"));
    assert_eq!(
        (reply.status, &reply.json()["code"]),
        (426, &"no_websocket".into())
    );
    // What a client sends is not looked at, but for its size.
    let mut messages = Messages::open(&browser, &format!("api/casts/{id}/live.alis"));
    let _ = messages
        .0
        .write_all(&[0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]);
    while messages.next().is_some() {}
    browser.ok("api/info");
}

#[test]
fn ten_who_watch_a_flood_take_nothing_from_the_recording() {
    const LINES: usize = 100_000;
    let (tmux, user, web) = recorded();
    let browser = web.enter();
    let (id, _) = running(&browser);
    let start = Instant::now();
    let viewers: Vec<_> = (0..10)
        .map(|_| {
            let events = browser.events(&format!("api/casts/{id}/live?rate=30"));
            std::thread::spawn(move || {
                let frames = events.filter(|(kind, ..)| kind == "screen" || kind == "rows");
                let is_over = |(_, _, data): &(String, String, Value)| {
                    data.to_string().contains("\"flood over\"")
                };
                let count = frames.take_while(|frame| !is_over(frame)).count();
                (count, Instant::now())
            })
        })
        .collect();
    let flood = format!("seq -f 'line %.0f' {LINES}; echo flood' 'over");
    tmux.tmux(&["send-keys", "-t", "main:", &flood, "Enter"]);
    for viewer in viewers {
        let (frames, end) = viewer.join().unwrap();
        let most = 30.0 * (end - start).as_secs_f64() + 1.0;
        assert!(frames > 0 && frames as f64 <= most, "{frames} of {most}");
    }
    let recording = user.wait_recording("it is recorded", |_| true);
    let stopped: Value = serde_json::from_str(&user.ok(["rec", "stop", "--json"])).unwrap();
    let lost = |value: &Value| value.to_string().contains("\"lost_bytes\":0");
    assert!(lost(&recording) && lost(&stopped), "{stopped}");
    let (_, events) = read_cast(&user.cast(&recording));
    let output = output_of(&events);
    let lines = output.lines().filter_map(|line| line.strip_prefix("line "));
    let numbers = lines.filter_map(|line| line.parse::<usize>().ok());
    assert!(numbers.eq(1..=LINES), "a line is missing");
}
