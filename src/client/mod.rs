//! A typed client of the daemon's API, over its Unix socket or TCP.
//!
//! Requests and replies are the server's own types: what does not fit does not
//! compile.

mod answer;
mod calls;
mod connection;
mod events;
mod remote;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{ErrorBody, SocketQuery, path};

use answer::{Address, Link, PATIENCE};

pub use connection::{Connection, ConnectionError, READY};
pub use events::{CastReader, EventFeed, SearchReader};
pub use remote::{Model, Remote, Transaction};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no tvmux server is running (nothing listens on {})", .socket.display())]
    NotRunning {
        /// Where it was looked for.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon does not answer, not even when it is asked for its version.
    #[error(
        "the tvmux server{} does not answer: it is stopped or hangs{}",
        .pid.map_or(String::new(), |pid| format!(" (pid {pid})")),
        .pid.map_or(String::new(), |pid| format!(
            "; `kill -CONT {pid}` lets it go on, `kill -KILL {pid}` ends it"
        ))
    )]
    NoAnswer {
        /// The process id of the daemon, where it is known.
        pid: Option<i32>,
    },
    /// A daemon runs, and nothing is where it said that it listens.
    #[error(
        "a tvmux server (pid {pid}) runs and cannot be reached: nothing listens on {} any more; \
         `kill {pid}` ends it and what it records, whole",
        .socket.display()
    )]
    Unreachable {
        /// The process id of the daemon, as its lock tells.
        pid: i32,
        /// Where it was looked for.
        socket: PathBuf,
    },
    /// A daemon holds the lock that no process seen from here is.
    #[error(
        "a tvmux server (pid {pid}) of another container or machine holds {}; end it there, or set \
         XDG_STATE_HOME to a folder that is only used here",
        .lock.display()
    )]
    Elsewhere {
        /// The process id of the daemon, where it runs.
        pid: i32,
        lock: PathBuf,
    },
    #[error("the connection to the tvmux server broke")]
    Broken(#[source] hyper::Error),
    /// The daemon refused, and says why.
    #[error("{}", .body.message)]
    Refused {
        /// The HTTP status of the reply, 400 or more.
        status: u16,
        /// The code for programs and the message for people.
        body: ErrorBody,
    },
    /// The reply is not what this client knows.
    #[error("a reply of the tvmux server cannot be read (is it another version?)")]
    Reply(#[source] serde_json::Error),
}

impl Error {
    /// Whether it says no more than that the daemon has just ended, is about to,
    /// or has just started.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Error::NotRunning { .. } | Error::Broken(_) | Error::Refused { status: 503, .. }
        )
    }
}

/// What a call gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A client of the daemon. Its connection is made again when the daemon has
/// closed it, as it does after ten seconds without a request.
pub struct Client {
    address: Address,
    link: Link,
    token: Option<String>,
    tmux: SocketQuery,
}

pub(super) const NONE: Option<&()> = None;

impl Client {
    /// Connects to the daemon that listens at `socket`.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when none does.
    pub async fn connect(socket: &Path) -> Result<Client> {
        Client::at(Address::Unix(socket.to_owned()), None).await
    }

    /// Connects to the daemon that listens on TCP, and shows it the token.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when none does.
    pub async fn connect_tcp(address: SocketAddr, token: Option<String>) -> Result<Client> {
        Client::at(Address::Tcp(address), token).await
    }

    async fn at(address: Address, token: Option<String>) -> Result<Client> {
        Ok(Client {
            link: address.connect().await?,
            address,
            token,
            tmux: SocketQuery::default(),
        })
    }

    /// The same client, for the tmux server at `socket`.
    #[must_use]
    pub fn for_tmux(mut self, socket: impl Into<PathBuf>) -> Client {
        self.speak_of(socket);
        self
    }

    /// From here on the tmux server at `socket` is meant.
    pub fn speak_of(&mut self, socket: impl Into<PathBuf>) {
        self.tmux.socket = Some(socket.into());
    }

    /// The process at the other end, as the kernel knows it.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.link.pid
    }

    /// A call whose reply is JSON. A tmux server that was named goes along.
    async fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        query: Option<&impl Serialize>,
        body: Option<&impl Serialize>,
    ) -> Result<(StatusCode, T)> {
        let mut target = path.to_owned();
        let own = query.and_then(|query| serde_urlencoded::to_string(query).ok());
        let tmux = serde_urlencoded::to_string(&self.tmux).ok();
        let parts = [own, tmux].into_iter().flatten();
        for (i, part) in parts.filter(|part| !part.is_empty()).enumerate() {
            target.push(if i == 0 { '?' } else { '&' });
            target.push_str(&part);
        }
        let body = match body {
            Some(body) => Some(serde_json::to_vec(body).map_err(Error::Reply)?),
            None => None,
        };
        let reply = self.send(method, &target, body, &[]).await?;
        let status = reply.status();
        let bytes = self.whole(reply).await?;
        let value = serde_json::from_slice(&bytes).map_err(Error::Reply)?;
        Ok((status, value))
    }

    /// Sends a request as it is: `target` is path and query, percent-encoded,
    /// `body` JSON.
    ///
    /// # Errors
    /// [`Error::Refused`] when the status of the reply is 400 or more,
    /// [`Error::NoAnswer`] when the daemon is stopped or hangs.
    pub async fn send(
        &mut self,
        method: Method,
        target: &str,
        body: Option<Vec<u8>>,
        headers: &[(&'static str, String)],
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", self.address.host());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).map_err(|error| Error::Refused {
            status: 400,
            body: ErrorBody::new("request", error.to_string()),
        })?;
        let reply = self.exchange(request).await?;
        let status = reply.status();
        if status.is_success() {
            return Ok(reply);
        }
        let body = self.whole(reply).await?;
        let body = serde_json::from_slice(&body)
            .unwrap_or_else(|_| ErrorBody::new("http", String::from_utf8_lossy(&body)));
        Err(Error::Refused {
            status: status.as_u16(),
            body,
        })
    }

    /// Sends a request, over another connection when the daemon has closed this
    /// one before it could be sent. One that was sent is never sent twice.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        let mut unsent = request;
        if !self.link.sender.is_closed() {
            let again = unsent.clone();
            let (pid, answer) = (self.link.pid, self.link.sender.try_send_request(unsent));
            match self.address.wait(PATIENCE, pid, answer).await? {
                Ok(reply) => return Ok(reply),
                Err(mut error) => match error.take_message() {
                    Some(request) => unsent = request,
                    None if self.address.has_not_read(error.error()) => unsent = again,
                    None => return Err(Error::Broken(error.into_error())),
                },
            }
        }
        self.link = self.address.connect().await?;
        let (pid, answer) = (self.link.pid, self.link.sender.send_request(unsent));
        self.address
            .wait(PATIENCE, pid, answer)
            .await?
            .map_err(Error::Broken)
    }

    /// A reply's whole body.
    async fn whole(&self, reply: Response<Incoming>) -> Result<Bytes> {
        let body = reply.into_body().collect();
        let body = self.address.wait(PATIENCE, self.link.pid, body).await?;
        Ok(body.map_err(Error::Broken)?.to_bytes())
    }
}

/// A path's segment that names something. What is empty names nothing: the
/// server would take the path for that of the whole list.
fn segment(id: &str) -> Result<String> {
    if id.is_empty() {
        return Err(Error::Refused {
            status: StatusCode::NOT_FOUND.as_u16(),
            body: ErrorBody::new("no_id", "what is empty names nothing"),
        });
    }
    Ok(path::encode(id))
}
