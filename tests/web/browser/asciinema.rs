//! The real asciinema-player in a page of somebody's own: it plays `segments` and
//! `live.alis`, as `.ci/deps` got it from its registry.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tvmux::cast::Code;

use super::driver::Browser;
use crate::casts::{Made, made};
use crate::server::{Visitor, Web};
use crate::support::tvmux::Tvmux;
use crate::support::{DEADLINE, TestTmux, wait_until};
use crate::write;

const PAGE: &str = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,>\
    <link rel=stylesheet href=player.css><div id=player></div><script src=player.js></script>";

/// A web server that has the page and the player, and passes all other requests on to
/// what `tvmux web` has of one recording, as one that lets others look does.
struct OwnPage {
    address: SocketAddr,
}

struct Upstream {
    address: SocketAddr,
    cookie: String,
    /// The path of the recording.
    base: String,
    player: PathBuf,
}

impl OwnPage {
    fn start(visitor: &Visitor<'_>, id: &str) -> OwnPage {
        let upstream = Arc::new(Upstream {
            address: visitor.web.address,
            cookie: visitor.cookie.clone(),
            base: format!("{}api/casts/{id}/", visitor.base),
            player: player(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let upstream = Arc::clone(&upstream);
                // A client that goes away is no matter.
                std::thread::spawn(move || upstream.serve(client).ok());
            }
        });
        OwnPage { address }
    }

    fn address(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Upstream {
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(client.try_clone()?).lines();
        let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
        let mut head = Vec::new();
        for line in lines {
            match line? {
                line if line.is_empty() => break,
                line => head.push(line),
            }
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        let own = |name: &str| std::fs::read(self.player.join(name));
        let (kind, body) = match path {
            "/" => ("text/html", PAGE.into()),
            "/player.js" => ("text/javascript", own("asciinema-player.min.js")?),
            "/player.css" => ("text/css", own("asciinema-player.css")?),
            _ => return self.pass_on(&path[1..], &head, client),
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        client.write_all(head.as_bytes())?;
        client.write_all(&body)
    }

    /// The request as the one who was let in asks it.
    fn pass_on(&self, path: &str, head: &[String], mut client: TcpStream) -> std::io::Result<()> {
        let Upstream {
            address,
            cookie,
            base,
            ..
        } = self;
        let mut request = format!("GET {base}{path} HTTP/1.1\r\nHost: {address}\r\n{cookie}\r\n");
        let is_socket = head
            .iter()
            .any(|line| line.eq_ignore_ascii_case("upgrade: websocket"));
        if !is_socket {
            request += "Connection: close\r\n";
        }
        for line in head {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            let is_of_sockets =
                name.starts_with("sec-websocket") || name == "upgrade" || name == "connection";
            if is_socket && is_of_sockets {
                request += &format!("{line}\r\n");
            }
        }
        let mut server = TcpStream::connect(address)?;
        server.write_all((request + "\r\n").as_bytes())?;
        let (mut to_server, mut from_client) = (server.try_clone()?, client.try_clone()?);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Both);
        });
        std::io::copy(&mut server, &mut client)?;
        client.shutdown(Shutdown::Both)
    }
}

/// The player's files. Without them the test fails: it is what the test is about.
fn player() -> PathBuf {
    let peers = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers");
    let player = peers.join("asciinema-player-3.18.0/dist/bundle");
    let is_there = player.join("asciinema-player.min.js").is_file();
    assert!(is_there, "no {}: .ci/deps gets it", player.display());
    player
}

impl Browser {
    /// Puts a player of `source` into the page.
    fn create(&self, page: &OwnPage, source: Value) {
        self.go(&page.address());
        self.run(&format!(
            "window.player = AsciinemaPlayer.create({source}, document.getElementById('player'), {{preload: true}})"
        ));
        self.wait("return document.querySelector('.ap-term-text') !== null");
    }

    /// Waits until the player shows these rows.
    fn player_shows(&self, rows: &[String], what: &str) {
        let script = "return [...document.querySelectorAll('.ap-term-text .ap-line')].map((row) => row.textContent.trimEnd())";
        let (mut shown, end) = (Value::Null, Instant::now() + DEADLINE);
        while shown != json!(rows) && Instant::now() < end {
            shown = self.run(script);
        }
        assert_eq!(shown, json!(rows), "{what}");
    }
}

/// Half an hour with pauses, sizes, marks, colours and wide characters.
fn long_cast() -> Made {
    let mut cast = made(&[]);
    for line in 0..12_000u64 {
        let time = line * 10_000 + line / 3000 * 400_000_000;
        let text = format!(
            "\x1b[3{}mline {line}\x1b[0m 漢字 é {}\r\n",
            line % 8,
            "─".repeat(line as usize % 50)
        );
        cast.events.push((time, Code::Output, text));
        if line % 4000 == 100 {
            cast.events
                .push((time, Code::Marker, format!("mark {line}")));
        }
        if line % 5000 == 700 {
            let (columns, rows) = (80 + line / 500, 24 + line / 5000);
            cast.events
                .push((time, Code::Resize, format!("{columns}x{rows}")));
        }
    }
    cast
}

#[test]
fn asciinema_player_plays_the_parts_of_a_recording() {
    let Some(chromium) = Browser::start("asciinema-parts", (1280, 900)) else {
        return;
    };
    let user = Tvmux::new();
    let cast = long_cast();
    let path = write(&user, "long.cast", &cast);
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&path);
    let rows = |time: f64| -> Vec<String> {
        let screen = browser.ok(&format!("api/casts/{id}/at?t={time}")).json();
        let lines = screen["lines"].as_array().unwrap().iter();
        lines
            .map(|line| line["text"].as_str().unwrap().trim_end().to_owned())
            .collect()
    };
    // Its index is that of the whole recording once all of it was gone through.
    rows(cast.end() as f64 / 1e6);
    let index = browser
        .ok(&format!("api/casts/{id}/segments/index.json"))
        .json();
    let segments = index["segments"].as_array().unwrap();
    assert!(segments.len() > 3, "{index}");
    let page = OwnPage::start(&browser, &id);
    chromium.create(
        &page,
        json!({"driver": "recording", "format": "segmented", "url": "segments/index.json"}),
    );
    chromium.wait("return document.querySelectorAll('.ap-marker').length === 3");
    let seek = |time: f64| {
        let sought = chromium.promised(&format!("player.seek({time}).then(() => 'there')"));
        assert_eq!(sought, "there", "{time}");
    };
    // There and back, in parts and at their edges.
    let end = cast.end() as f64 / 1e6;
    let edge = segments[2]["start"].as_f64().unwrap();
    for time in [
        12.345,
        end * 0.9 + 0.003,
        edge,
        edge - 0.004,
        edge + 0.004,
        0.5,
        end,
    ] {
        seek(time);
        chromium.player_shows(&rows(time), &format!("at {time}"));
    }
    chromium.picture("asciinema-player");
    // From one part into the next one, as it plays.
    let line_at = |time: f64| {
        let before = cast.events.iter().rev();
        let mut lines =
            before.filter(|event| event.1 == Code::Output && event.0 as f64 / 1e6 <= time);
        let text = &lines.next().unwrap().2;
        let number = text
            .split("line ")
            .nth(1)
            .unwrap()
            .split('\x1b')
            .next()
            .unwrap();
        number.parse::<u32>().unwrap()
    };
    let start = |segment: &Value| segment["start"].as_f64().unwrap();
    let lively = |edge: &f64| line_at(edge + 0.3) > line_at(edge + 0.1);
    let edge = segments.iter().skip(1).map(start).find(lively).unwrap();
    seek(edge - 0.5);
    chromium.run("player.play()");
    chromium.wait(&format!(
        "const text = document.querySelector('.ap-term-text').textContent;
         return [...text.matchAll(/line (\\d+)/g)].some((found) => Number(found[1]) > {})",
        line_at(edge + 0.1)
    ));
    chromium.run("player.pause()");
    assert_eq!(chromium.complaints(), [""; 0]);

    // Pauses of 400 seconds are left out.
    chromium.create(
        &page,
        json!({"driver": "recording", "format": "segmented", "url": "segments/index.json?idle=2"}),
    );
    let duration = chromium
        .wait("return player.getDuration()")
        .as_f64()
        .unwrap();
    assert!((end - duration - 3.0 * 398.0).abs() < 1.0, "{duration}");
    seek(duration);
    chromium.player_shows(&rows(end), "the end without pauses");
    assert_eq!(chromium.complaints(), [""; 0]);
}

#[test]
fn asciinema_player_follows_a_recording_as_it_is_made() {
    let Some(chromium) = Browser::start("asciinema-live", (1280, 900)) else {
        return;
    };
    let tmux = TestTmux::sized("exec env PS1='$ ' sh", 80, 24);
    let mut user = Tvmux::new();
    user.start_server();
    let recording = user.record(&tmux, &[]);
    let web = Web::start(&user, &[]);
    let browser = web.enter();
    let id = browser.id(&user.cast(&recording));
    let print = |text: &str, shown: &str| {
        tmux.tmux(&["send-keys", "-t", "main:", &format!("echo {text}"), "Enter"]);
        wait_until("tmux shows it", || {
            tmux.tmux(&["capture-pane", "-p", "-t", "main:"])
                .contains(shown)
        });
    };
    let shows = |what: &str| {
        let text = tmux
            .try_tmux(&["capture-pane", "-p", "-t", "main:"])
            .unwrap();
        let rows: Vec<String> = text
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        chromium.player_shows(&rows, what);
    };
    print("be''fore", "before");
    let page = OwnPage::start(&browser, &id);
    let source = format!("ws://{}/live.alis", page.address);
    chromium.create(&page, json!({"driver": "websocket", "url": source}));
    chromium.run("player.play()");
    shows("what was there before");
    print(
        "\"$(printf '\\033[31mcol'oured'\\033[0m 漢字')\"",
        "coloured 漢字",
    );
    shows("what comes");
    tmux.resize("main:", 100, 30);
    print("re''sized", "resized");
    shows("another size");
    tmux.tmux(&["split-window", "-t", "main:", "exec env PS1='% ' sh"]);
    print("an''other", "another");
    shows("another pane");
    chromium.picture("asciinema-player-live");
    user.ok(["rec", "stop", "-q"]);
    chromium
        .wait("return document.querySelector('.ap-overlay-info')?.textContent.includes('ended')");
    assert_eq!(chromium.complaints(), [""; 0]);
}
