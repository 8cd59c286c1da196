//! Waiting for the daemon, for as long as it lives.
//!
//! A call may take its time: a disk is slow, a wait is long. So no call has an
//! end of its own; but when nothing has come for a while the daemon is asked
//! for its version over a connection of its own, and one that does not answer
//! that either is given up.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{Error, Result};

/// Time until the daemon is asked whether it lives, and for its answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How often nobody may listen where the daemon did while it ends.
const MAX_UNREACHABLE: u32 = 6;

/// Where the daemon listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(std::net::SocketAddr),
}

pub(super) struct Link {
    pub(super) sender: SendRequest<Full<Bytes>>,
    /// The process at the other end, as the kernel knows it.
    pub(super) pid: Option<i32>,
}

impl Address {
    /// The `Host` of a request.
    pub(super) fn host(&self) -> String {
        match self {
            Address::Unix(_) => "localhost".to_owned(),
            Address::Tcp(address) => address.to_string(),
        }
    }

    /// Connects.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when nobody listens, [`Error::NoAnswer`] when
    /// nobody takes the connection.
    pub(super) async fn connect(&self) -> Result<Link> {
        let not_running = |source| Error::NotRunning {
            socket: match self {
                Address::Unix(path) => path.clone(),
                Address::Tcp(address) => address.to_string().into(),
            },
            source,
        };
        let connect = async {
            match self {
                Address::Unix(path) => {
                    let stream = UnixStream::connect(path).await?;
                    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
                    Ok::<_, io::Error>((open(stream).await, pid))
                }
                Address::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    let _ = stream.set_nodelay(true);
                    Ok((open(stream).await, None))
                }
            }
        };
        match tokio::time::timeout(PATIENCE, connect).await {
            Ok(Ok((sender, pid))) => Ok(Link {
                sender: sender?,
                pid,
            }),
            // The queue of those who wait to be let in is full.
            Ok(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(Error::NoAnswer { pid: None })
            }
            Ok(Err(error)) => Err(not_running(error)),
            Err(_) => Err(Error::NoAnswer { pid: None }),
        }
    }

    /// Whether this error says that the daemon closed the connection before it
    /// had read the whole request, as it does with an idle one when it ends.
    /// Only a write fails with `EPIPE`; a Unix socket is reset (unix(7)) when
    /// what was sent lies there unread.
    pub(super) fn has_not_read(&self, error: &hyper::Error) -> bool {
        let mut cause = error.source();
        while let Some(error) = cause {
            match error.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(io::ErrorKind::BrokenPipe) => return true,
                Some(io::ErrorKind::ConnectionReset) => return matches!(self, Address::Unix(_)),
                _ => cause = error.source(),
            }
        }
        false
    }

    /// Waits for `answer` for as long as the daemon lives. Its life is looked
    /// at when nothing has come for `patience`.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] when it does not answer any more.
    pub(super) async fn wait<T>(
        &self,
        patience: Duration,
        pid: Option<i32>,
        answer: impl Future<Output = T>,
    ) -> Result<T> {
        let mut answer = pin!(answer);
        let mut unreachable = 0;
        loop {
            if let Ok(answer) = tokio::time::timeout(patience, &mut answer).await {
                return Ok(answer);
            }
            let lives = tokio::time::timeout(PATIENCE, self.ask_for_life());
            tokio::select! {
                biased;
                answer = &mut answer => return Ok(answer),
                lives = lives => match lives {
                    Ok(Ok(())) => unreachable = 0,
                    // It ends, and answers what came before: but not for long.
                    Ok(Err(Error::NotRunning { .. })) if unreachable < MAX_UNREACHABLE => {
                        unreachable += 1;
                    }
                    _ => return Err(Error::NoAnswer { pid }),
                },
            }
        }
    }

    /// Asks for the version, and takes any answer.
    async fn ask_for_life(&self) -> Result<()> {
        let mut link = self.connect().await?;
        let mut request = Request::new(Full::default());
        *request.uri_mut() = Uri::from_static("/version");
        let host = HeaderValue::from_str(&self.host());
        if let Ok(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
        let answer = link.sender.send_request(request).await;
        answer.map(drop).map_err(Error::Broken)
    }
}

async fn open<S>(stream: S) -> Result<SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(Error::Broken)?;
    tokio::spawn(connection);
    Ok(sender)
}
