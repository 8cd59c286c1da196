//! Many connections at once: bounded, and recordings go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Api;
use super::support::wait_until;

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
