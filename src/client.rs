//! A typed client of the daemon's API, over its Unix socket.
//!
//! Requests and replies are the server's own types: what does not fit does not
//! compile.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::api::{
    ErrorBody, MarkerCreate, Recording, RecordingCreate, RecordingStopped, ServerInfo,
};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No daemon listens.
    #[error("no tvmux server is running (nothing listens on {})", .socket.display())]
    NotRunning {
        /// Where it was looked for.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to the tvmux server broke")]
    Broken(#[source] hyper::Error),
    /// The daemon refused, and says why.
    #[error("{}", .body.message)]
    Refused {
        /// The reply's status.
        status: u16,
        /// Code and message.
        body: ErrorBody,
    },
    /// The reply is not what this client knows.
    #[error("a reply of the tvmux server cannot be read (is it another version?)")]
    Reply(#[source] serde_json::Error),
}

/// What a call gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A connection to the daemon.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    server_pid: Option<i32>,
}

impl Client {
    /// Connects to the daemon that listens at `socket`.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when none does.
    pub async fn connect(socket: &Path) -> Result<Client> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|source| Error::NotRunning {
                socket: socket.to_owned(),
                source,
            })?;
        let server_pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(Error::Broken)?;
        tokio::spawn(connection);
        Ok(Client { sender, server_pid })
    }

    /// The process at the other end, as the kernel knows it.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.server_pid
    }

    /// `GET /`
    ///
    /// # Errors
    /// As every call.
    pub async fn info(&mut self) -> Result<ServerInfo> {
        self.call(Method::GET, "/", None::<&()>).await.map(second)
    }

    /// `GET /recordings`
    ///
    /// # Errors
    /// As every call.
    pub async fn recordings(&mut self) -> Result<Vec<Recording>> {
        self.call(Method::GET, "/recordings", None::<&()>)
            .await
            .map(second)
    }

    /// `POST /recordings`; says whether the recording is new.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_recording(&mut self, new: &RecordingCreate) -> Result<(bool, Recording)> {
        let (status, recording) = self.call(Method::POST, "/recordings", Some(new)).await?;
        Ok((status == StatusCode::CREATED, recording))
    }

    /// `GET /recordings/{id}`
    ///
    /// # Errors
    /// As every call.
    pub async fn recording(&mut self, id: &str) -> Result<Recording> {
        let path = format!("/recordings/{}", encode(id));
        self.call(Method::GET, &path, None::<&()>).await.map(second)
    }

    /// `DELETE /recordings/{id}`
    ///
    /// # Errors
    /// As every call.
    pub async fn stop_recording(&mut self, id: &str) -> Result<RecordingStopped> {
        let path = format!("/recordings/{}", encode(id));
        self.call(Method::DELETE, &path, None::<&()>)
            .await
            .map(second)
    }

    /// `POST /recordings/{id}/markers`
    ///
    /// # Errors
    /// As every call.
    pub async fn mark(&mut self, id: &str, marker: &MarkerCreate) -> Result<Recording> {
        let path = format!("/recordings/{}/markers", encode(id));
        self.call(Method::POST, &path, Some(marker))
            .await
            .map(second)
    }

    async fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<(StatusCode, T)> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(serde_json::to_vec(body).map_err(Error::Reply)?)
            }
            None => Bytes::new(),
        };
        let request = request
            .body(Full::new(body))
            .expect("method, path and headers are well-formed");
        let broken = Error::Broken;
        self.sender.ready().await.map_err(broken)?;
        let reply = self.sender.send_request(request).await.map_err(broken)?;
        let status = reply.status();
        let body = reply
            .into_body()
            .collect()
            .await
            .map_err(broken)?
            .to_bytes();
        if status.is_success() {
            let value = serde_json::from_slice(&body).map_err(Error::Reply)?;
            return Ok((status, value));
        }
        let body = serde_json::from_slice(&body)
            .unwrap_or_else(|_| ErrorBody::new("http", String::from_utf8_lossy(&body)));
        Err(Error::Refused {
            status: status.as_u16(),
            body,
        })
    }
}

fn second<A, B>((_, second): (A, B)) -> B {
    second
}

/// Percent-encodes a path segment (RFC 3986: all but unreserved characters).
fn encode(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
