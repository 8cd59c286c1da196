//! The HTTP API's speed: rates beside those of another implementation on the
//! same tmux in the same run, and latency while ten panes flood ten recordings.
//!
//! `TVMUX_PEER_PYTHON` names a Python interpreter that has the Python tvmux;
//! without it only this program is measured. Figures are ratios: one run's
//! rates mean nothing on another machine.
#![allow(clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::tvmux::{Tvmux, output_of, read_cast};
use support::{TestTmux, wait_for};

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(3);

/// Windows, and panes in each: 200 in all.
const WINDOWS: usize = 20;
const PANES: usize = 10;

/// Turns of each server within that time.
const TURNS: u32 = 10;

/// Clients at once, beside one alone.
const CLIENTS: usize = 32;

/// Floods, and lines of each.
const FLOODS: usize = 10;
const LINES: usize = 400_000;

/// A connection that is kept, as a client of either server has it.
struct Peer {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    token: Option<String>,
}

impl Peer {
    fn connect(address: SocketAddr, token: Option<String>) -> Peer {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer {
            stream: BufReader::new(stream),
            address,
            token,
        }
    }

    /// Asks once; gives the body.
    fn get(&mut self, target: &str) -> Vec<u8> {
        self.send(target);
        self.receive()
    }

    fn send(&mut self, target: &str) {
        let mut request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(token) = &self.token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        request.push_str("\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut length = 0;
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let header = line.trim_end().to_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        body
    }
}

/// Where a server listens, and the token that it wants.
type Endpoint = (SocketAddr, Option<String>);

/// Requests a second of each server while `clients` have one request each under
/// way. They take turns: what else the machine does meets all alike.
fn rates_of(endpoints: &[Endpoint], clients: usize, target: &str) -> Vec<f64> {
    let mut sums = vec![(0.0, Duration::ZERO); endpoints.len()];
    for _ in 0..TURNS {
        for ((address, token), sum) in endpoints.iter().zip(&mut sums) {
            let connect = || Peer::connect(*address, token.clone());
            let mut peers: Vec<_> = (0..clients).map(|_| connect()).collect();
            ask_for(&mut peers, target, TIME / TURNS / 10);
            let (count, time) = ask_for(&mut peers, target, TIME / TURNS);
            *sum = (sum.0 + count, sum.1 + time);
        }
    }
    let rate = |(count, time): &(f64, Duration)| count / time.as_secs_f64();
    sums.iter().map(rate).collect()
}

/// Asks for `time`; gives how often, and how long it took.
fn ask_for(peers: &mut [Peer], target: &str, time: Duration) -> (f64, Duration) {
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        peers.iter_mut().for_each(|peer| peer.send(target));
        for peer in peers.iter_mut() {
            peer.receive();
            count += 1;
        }
    }
    (f64::from(count), start.elapsed())
}

/// The Python program's server, ended with the bench.
struct Python {
    child: Child,
    address: SocketAddr,
    _home: tempfile::TempDir,
}

impl Python {
    fn start(interpreter: &str, tmux: &TestTmux) -> Python {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let user = format!("bench{}", std::process::id());
        let child = Command::new(interpreter)
            .args(["-m", "tvmux.server.main"])
            .env(
                "TMUX",
                format!("{},{},0", tmux.socket().display(), tmux.pid()),
            )
            .env("TVMUX_SERVER_PORT", port.port().to_string())
            .env("HOME", home.path())
            .env("USER", user)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the Python server listens", || {
            TcpStream::connect(port).ok()
        });
        Python {
            child,
            address: port,
            _home: home,
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let folder = format!("/tmp/tvmux-bench{}", std::process::id());
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn endpoint(user: &Tvmux) -> Endpoint {
    let status = user.ok(["server", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let address = status["address"].as_str().unwrap().parse().unwrap();
    let token = std::fs::read_to_string(user.folder().join("run/tvmux/token")).unwrap();
    (address, Some(token))
}

fn rates() {
    let tmux = TestTmux::sized("exec sleep 10000", 200, 100);
    for window in 0..WINDOWS {
        if window > 0 {
            tmux.tmux(&["new-window", "-d", "-t", "main:", "exec sleep 10000"]);
        }
        let target = format!("main:{window}");
        for _ in 1..PANES {
            tmux.tmux(&["split-window", "-d", "-t", &target, "exec sleep 10000"]);
            tmux.tmux(&["select-layout", "-t", &target, "tiled"]);
        }
    }
    let surrounding = format!("{},{},0", tmux.socket().display(), tmux.pid());
    let mut user = Tvmux::new().with("TMUX", &surrounding);
    user.start_server();
    // The same without direct queries: what those gain is in src/tmux/wire.rs.
    let mut through_clients = Tvmux::new()
        .with("TMUX", &surrounding)
        .with("TVMUX_TMUX_DIRECT_QUERIES", "false");
    through_clients.start_server();
    let python = std::env::var("TVMUX_PEER_PYTHON").ok();
    let python = python.map(|interpreter| Python::start(&interpreter, &tmux));
    let mut endpoints = vec![endpoint(&user), endpoint(&through_clients)];
    endpoints.extend(python.as_ref().map(|python| (python.address, None)));
    for (target, aim) in [("/", 15.0), ("/recordings", 15.0), ("/panes", 3.0)] {
        if target == "/panes" {
            for (address, token) in &endpoints {
                let body = Peer::connect(*address, token.clone()).get(target);
                let panes: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
                assert_eq!(panes.len(), WINDOWS * PANES);
            }
        }
        for clients in [1, CLIENTS] {
            let rates = rates_of(&endpoints, clients, target);
            print!(
                "GET {target}, {clients} at once: {:.0} a second, {:.2} times the {:.0} through tmux clients",
                rates[0],
                rates[0] / rates[1],
                rates[1]
            );
            match rates.get(2) {
                Some(theirs) => println!(
                    ", {:.1} times the {theirs:.0} of the Python server (aim: {aim})",
                    rates[0] / theirs
                ),
                None => println!(),
            }
        }
    }
}

fn latency() {
    let tmux = TestTmux::start("exec cat");
    let surrounding = format!("{},{},0", tmux.socket().display(), tmux.pid());
    let mut user = Tvmux::new().with("TMUX", surrounding);
    user.start_server();
    let (address, token) = endpoint(&user);
    let go = tmux.folder().join("go");
    let mut casts = Vec::new();
    for flood in 0..FLOODS {
        let name = format!("flood{flood}");
        let command = format!(
            "while ! [ -e {} ]; do sleep 0.05; done; seq 1 {LINES}; echo the end; exec cat",
            go.display()
        );
        tmux.tmux(&["new-window", "-d", "-t", "main:", "-n", &name, &command]);
        let target = format!("main:{name}");
        let recording = user.ok(["rec", "start", "--json", "-t", &target]);
        let recording: serde_json::Value = serde_json::from_str(&recording).unwrap();
        casts.push(user.cast(&recording));
    }
    std::fs::write(&go, "").unwrap();
    let mut peer = Peer::connect(address, token);
    let mut times = Vec::new();
    // tmux is busy: that must not hold up the clock.
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for flood in 0..FLOODS {
                let target = format!("main:flood{flood}");
                while tmux.ask(&target, "#{pane_current_command}") != "cat" {
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            ended.store(true, Ordering::Relaxed);
        });
        while !ended.load(Ordering::Relaxed) {
            let start = Instant::now();
            let body = peer.get("/recordings");
            times.push(start.elapsed());
            let recordings: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
            assert_eq!(recordings.len(), FLOODS);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    times.sort();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    println!(
        "GET /recordings while {FLOODS} panes flood: median {:.2} ms, 99 % {:.2} ms of {} (aim: 5 ms)",
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3,
        times.len()
    );
    let stopped = user.run(["rec", "stop"]);
    assert!(stopped.status.success(), "output is missing: {stopped:?}");
    for cast in casts {
        let (_, events) = read_cast(&cast);
        let output = output_of(&events);
        let from = output.find("\n1\r\n").map_or(0, |at| at + 1);
        let mut lines = output[from..].split("\r\n");
        for number in 1..=LINES {
            let line = lines.next().unwrap_or_default();
            assert!(
                line.ends_with(&number.to_string()),
                "{number} is missing: {line:?}"
            );
        }
    }
    println!("no byte is missing in {FLOODS} recordings of {LINES} lines");
}

fn main() {
    rates();
    latency();
}
