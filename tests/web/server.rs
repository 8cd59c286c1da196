//! `tvmux web` of a test's own, and what it answers.
#![allow(dead_code, reason = "benches use a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::tvmux::Tvmux;
use crate::support::{DEADLINE, wait_for, wait_until};

/// `tvmux web` of a user, which ends with the test.
pub struct Web {
    pub child: Child,
    /// What it prints as an error.
    errors: PathBuf,
    /// The address that lets somebody in.
    pub ticket: String,
    pub address: SocketAddr,
}

/// A reply.
pub struct Reply {
    pub status: u16,
    /// With small letters.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A JSON object a line.
    pub fn lines(&self) -> Vec<Value> {
        let text = self.text();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&start))
    }
}

impl Web {
    pub fn start(user: &Tvmux, args: &[&str]) -> Web {
        let errors = user.folder().join(format!("web-{}", fastrand::u32(..)));
        let port: &[&str] = match args.contains(&"--port") {
            true => &[],
            false => &["--port", "0"],
        };
        let mut child = user
            .command(["web", "--no-open"].iter().chain(port).chain(args))
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let mut ticket = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut ticket).unwrap();
        let told = std::fs::read_to_string(&errors).unwrap();
        let address = ticket.trim().strip_prefix("http://");
        let address = address.unwrap_or_else(|| panic!("{ticket:?}: {told}"));
        Web {
            child,
            errors,
            address: address.split('/').next().unwrap().parse().unwrap(),
            ticket: ticket.trim().to_owned(),
        }
    }

    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap()
    }

    /// Sends a request as it is; gives the connection.
    pub fn send(&self, line: &str, headers: &[&str], body: &str) -> TcpStream {
        let mut request = format!("{line} HTTP/1.1\r\n");
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            request += &format!("Host: {}\r\n", self.address);
        }
        for header in headers {
            request += &format!("{header}\r\n");
        }
        if !body.is_empty() {
            let length = body.len();
            request += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        }
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
            .write_all((request + "\r\n" + body).as_bytes())
            .unwrap();
        stream
    }

    /// A request, and the reply to its end.
    pub fn ask(&self, line: &str, headers: &[&str], body: &str) -> Reply {
        let headers: Vec<&str> = headers
            .iter()
            .copied()
            .chain(["Connection: close"])
            .collect();
        let mut stream = self.send(line, &headers, body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        reply(&bytes)
    }

    /// Goes in with a ticket.
    pub fn enter(&self) -> Visitor<'_> {
        self.enter_with(&self.ticket)
    }

    pub fn enter_with(&self, ticket: &str) -> Visitor<'_> {
        let path = ticket.strip_prefix(&format!("http://{}", self.address));
        let reply = self.ask(&format!("GET {}", path.unwrap()), &[], "");
        assert_eq!(reply.status, 303, "{}", reply.head);
        let cookie = reply.header("set-cookie").unwrap();
        Visitor {
            web: self,
            cookie: format!("Cookie: {}", cookie.split(';').next().unwrap()),
            base: reply.header("location").unwrap().to_owned(),
        }
    }

    /// Ends it as Ctrl-C does.
    pub fn end(mut self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT).unwrap();
        wait_until("it has ended", || self.child.try_wait().unwrap().is_some());
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn reply(bytes: &[u8]) -> Reply {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n").expect("a reply");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    let lower = rest.lines().map(|line| match line.split_once(':') {
        Some((name, value)) => format!("{}:{value}\n", name.to_lowercase()),
        None => line.to_owned(),
    });
    let head = format!("{first}\n{}", lower.collect::<String>());
    let body = &bytes[end + 4..];
    let is_chunked = head.contains("transfer-encoding: chunked");
    Reply {
        status,
        body: if is_chunked {
            unchunked(body)
        } else {
            body.to_vec()
        },
        head,
    }
}

/// The body of a reply in chunks, as far as they are whole.
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = memchr::memmem::find(bytes, b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let Some(chunk) = bytes.get(end + 2..end + 2 + size).filter(|_| size > 0) else {
            break;
        };
        body.extend_from_slice(chunk);
        bytes = &bytes[(end + size + 4).min(bytes.len())..];
    }
    body
}

/// Somebody who was let in.
pub struct Visitor<'w> {
    pub web: &'w Web,
    pub cookie: String,
    /// The path of the page.
    pub base: String,
}

impl Visitor<'_> {
    pub fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[&str]) -> Reply {
        let line = format!("GET {}{path}", self.base);
        let own = [self.cookie.as_str()];
        let headers: Vec<&str> = headers.iter().copied().chain(own).collect();
        self.web.ask(&line, &headers, "")
    }

    pub fn ok(&self, path: &str) -> Reply {
        let reply = self.get(path);
        let (head, text) = (&reply.head, String::from_utf8_lossy(&reply.body));
        assert_eq!(reply.status, 200, "{path}: {head}{text}");
        reply
    }

    pub fn post(&self, path: &str, body: &str) -> Reply {
        let line = format!("POST {}{path}", self.base);
        self.web.ask(&line, &[&self.cookie], body)
    }

    /// A reply that goes on, line by line, without its head.
    pub fn follow(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        let line = format!("GET {}{path}", self.base);
        let stream = self.web.send(&line, &[&self.cookie], "");
        let lines = BufReader::new(stream).lines();
        lines.map(|line| line.unwrap())
    }

    /// The events of a stream: kind, id and data.
    pub fn events(&self, path: &str) -> impl Iterator<Item = (String, String, Value)> + use<> {
        let mut lines = self.follow(path);
        let mut field = (String::new(), String::new());
        std::iter::from_fn(move || {
            loop {
                let line = lines.next()?;
                if let Some(kind) = line.strip_prefix("event: ") {
                    field.0 = kind.to_owned();
                } else if let Some(id) = line.strip_prefix("id: ") {
                    field.1 = id.to_owned();
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let (kind, id) = std::mem::take(&mut field);
                    return Some((kind, id, serde_json::from_str(data).unwrap()));
                }
            }
        })
    }

    pub fn casts(&self) -> Vec<Value> {
        let list = self.ok("api/casts").json();
        list["casts"].as_array().unwrap().clone()
    }

    /// The id of the cast at a path, once it is listed: a list may be a second old.
    pub fn id(&self, path: &Path) -> String {
        let is_it = |cast: &Value| cast["cast"].as_str() == path.to_str();
        let listed = || self.casts().into_iter().find(is_it);
        let cast = wait_for(&format!("{} is listed", path.display()), listed);
        cast["id"].as_str().unwrap().to_owned()
    }
}
