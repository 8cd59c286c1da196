//! Connections: how many, how long, how much.
//!
//! Invariant: whatever comes in, memory stays bounded: at most 1024 connections
//! per listener, 16 KiB of a head and 1 MiB of a body, and each wait for a
//! client ends. No timer runs while nobody is connected.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::serve::Listener;
use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutWriter;
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_http::set_header::SetResponseHeaderLayer;

use super::gate::Refusal;

/// Most connections per listener.
const MAX_CONNECTIONS: usize = 1024;

/// Time allowed for a request's head, from the end of the reply before it.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// A client that takes nothing of its reply for this long is given up.
const STALL_TIME: Duration = Duration::from_secs(60);

/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Time allowed for replies under way when the server ends.
const LAST_REPLIES: Duration = Duration::from_secs(2);

/// The connections that are open.
pub(crate) struct Connections(watch::Sender<bool>);

/// Tells a connection that the server ends.
pub(crate) type Ending = watch::Receiver<bool>;

impl Connections {
    pub(crate) fn new() -> Connections {
        Connections(watch::Sender::new(false))
    }

    /// For one more.
    pub(crate) fn ending(&self) -> Ending {
        self.0.subscribe()
    }

    /// Ends them all, after the replies that are under way.
    pub(crate) async fn end(self) {
        self.0.send_replace(true);
        let _ = tokio::time::timeout(LAST_REPLIES, self.0.closed()).await;
    }
}

/// The next client over TCP, and its address; waits forever without a listener.
pub(crate) async fn accept_tcp(listener: &mut Option<TcpListener>) -> (TcpStream, SocketAddr) {
    let Some(listener) = listener else {
        return pending().await;
    };
    let (stream, peer) = Listener::accept(listener).await;
    // Replies are written whole.
    let _ = stream.set_nodelay(true);
    (stream, peer)
}

/// Serves the connections of one listener, as many as there is room for.
pub(crate) struct Acceptor {
    service: Router,
    room: Arc<Semaphore>,
}

impl Acceptor {
    pub(crate) fn new(service: Router) -> Acceptor {
        Acceptor {
            service,
            room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        }
    }

    /// Serves a connection in a task of its own. Its requests carry `extension`.
    pub(crate) fn accept<S, E>(&self, mut stream: S, ending: Ending, extension: E)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        E: Clone + Send + Sync + 'static,
    {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            let _ = stream.write(no_room().as_bytes()).now_or_never();
            return;
        };
        let service = self.service.clone().map_request(move |request| {
            let mut request: hyper::Request<hyper::body::Incoming> = request;
            request.extensions_mut().insert(extension.clone());
            request
        });
        tokio::spawn(async move {
            serve_connection(service, stream, ending).await;
            drop(place);
        });
    }
}

/// The reply to a client for which there is no room. It need not have asked.
fn no_room() -> String {
    let body = r#"{"code":"too_many_connections","message":"too many connections","detail":"too many connections"}"#;
    let length = body.len();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Serves one connection to its end.
async fn serve_connection<S, H>(service: H, stream: S, mut ending: Ending)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Service<hyper::Request<hyper::body::Incoming>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + 'static,
    H::Future: Send,
{
    // A connection on which nothing has come yet would be closed at the end
    // of the server: it is one, to hyper, when its first byte is there.
    let mut stream = BufReader::with_capacity(1, stream);
    let first = tokio::time::timeout(HEAD_TIME, stream.fill_buf());
    if !matches!(first.await, Ok(Ok([_]))) {
        return;
    }
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(STALL_TIME));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(service),
        )
        .with_upgrades();
    // The request that came with the first byte is read before the end of the
    // server is looked at.
    if (&mut connection).now_or_never().is_none() {
        // An error is the client's: it has gone, or was too slow.
        tokio::select! {
            _ = &mut connection => return,
            _ = ending.wait_for(|is_ending| *is_ending) => {}
        }
        Pin::new(&mut connection).graceful_shutdown();
        let _ = connection.await;
    }
}

/// A request for the log, where that takes each.
struct Logged(Option<(String, Instant)>);

impl Logged {
    fn new(request: &Request) -> Logged {
        let is_wanted = tracing::enabled!(tracing::Level::DEBUG);
        let line = || format!("{} {}", request.method(), request.uri().path());
        Logged(is_wanted.then(|| (line(), Instant::now())))
    }

    fn answered(self, status: StatusCode) {
        if let Some((line, since)) = self.0 {
            tracing::debug!(status = status.as_u16(), took = ?since.elapsed(), "{line}");
        }
    }
}

/// The routes, behind what looks at each request and each reply: `admit` lets a
/// request in, or says why not.
pub(crate) fn behind<A>(routes: Router, admit: A) -> Router
where
    A: Fn(&Request) -> Result<(), Refusal> + Clone + Send + Sync + 'static,
{
    let value = HeaderValue::from_static;
    let layers = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            value("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            X_FRAME_OPTIONS,
            value("DENY"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("cross-origin-resource-policy"),
            value("same-origin"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            value("no-store"),
        ))
        .layer(from_fn(move |request: Request, next: Next| {
            let admitted = admit(&request);
            async move {
                let log = Logged::new(&request);
                let response = match admitted {
                    Ok(()) => next.run(request).await,
                    Err(refusal) => *refusal,
                };
                log.answered(response.status());
                response
            }
        }));
    routes.layer(layers)
}
