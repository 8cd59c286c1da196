//! Many connections at once: bounded, and recordings go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Api;
use super::support::tvmux::{output_of, read_cast, recorded};
use super::support::{wait_for, wait_until};

/// Resident memory of a process, in kilobytes.
fn memory(pid: u64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_idle_connections_are_bounded_and_recordings_go_on() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let wanted = 10_000.min(hard.saturating_sub(500));
    let api = Api::start();
    let address = api.address();
    let pid = api.status()["pid"].as_u64().unwrap();
    let recording = api.tvmux.record(&api.tmux, &[]);
    let before = memory(pid);
    let mut idle = Vec::new();
    for _ in 0..wanted {
        idle.push(TcpStream::connect(address).unwrap());
    }
    // Those beyond the bound found no room, and were told. Not the last one of
    // all, perhaps: on a slow machine the first are given up before it comes.
    let told = wait_for("one was told that there is no room", || {
        idle.iter_mut().find_map(|stream| {
            stream.set_nonblocking(true).unwrap();
            let mut told = Vec::new();
            let _ = stream.read_to_end(&mut told);
            let told = String::from_utf8(told).unwrap();
            told.starts_with("HTTP/1.1 503").then_some(told)
        })
    });
    let (_, body) = told.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["code"], "too_many_connections");
    let during = memory(pid);
    assert!(during < before + 32 * 1024, "{before} kB, then {during} kB");

    // Those who come by the Unix socket are served, and the recording goes on.
    api.tmux
        .tmux(&["send-keys", "-t", "main:", "echo go''ing on", "Enter"]);
    let cast = api.tvmux.cast(&recording);
    wait_until("the recording goes on", || {
        recorded(&cast).contains("going on")
    });
    api.tvmux.ok(["rec", "stop"]);
    let (_, events) = read_cast(&cast);
    assert!(output_of(&events).contains("going on"));
    // Who said nothing is given up, and then there is room again.
    let token = api.token();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    wait_until("there is room again", || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut reply = String::new();
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_string(&mut reply);
        reply.starts_with("HTTP/1.1 200")
    });
}

#[test]
fn listeners_are_bounded() {
    let api = Api::with(&[("TVMUX_SERVER_AUTH", "false")]);
    let address = api.address();
    let ask = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream
            .write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (stream, String::from_utf8_lossy(&status).into_owned())
    };
    let mut streams = Vec::new();
    for _ in 0..64 {
        let (stream, status) = ask();
        assert_eq!(status, "HTTP/1.1 200");
        streams.push(stream);
    }
    assert_eq!(ask().1, "HTTP/1.1 503");
    drop(streams);
    wait_until("there is room again", || ask().1 == "HTTP/1.1 200");
}
