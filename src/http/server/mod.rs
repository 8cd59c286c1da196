//! Connections: how many, how long, how much.
//!
//! Invariant: whatever comes in, memory stays bounded: at most 1024 connections
//! per listener, 16 KiB of a head and 1 MiB of a body, and each wait for a
//! client ends. No timer runs while nobody is connected.

mod same_user;

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::{Next, from_fn};
use axum::serve::Listener;
use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{Semaphore, mpsc};
use tokio_io_timeout::TimeoutWriter;
use tower::{Layer, ServiceBuilder};
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::access::{Access, Transport};
use super::error;
use super::routes::{self, App};
use crate::daemon::Daemon;
use same_user::SameUser;

/// Most connections per listener.
const MAX_CONNECTIONS: usize = 1024;

/// Time allowed for a request's head, from the end of the reply before it.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// A client that takes nothing of its reply for this long is given up.
const STALL_TIME: Duration = Duration::from_secs(60);

/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Time allowed for replies under way when the daemon ends.
const LAST_REPLIES: Duration = Duration::from_secs(2);

/// Where clients come in.
#[derive(Debug)]
pub struct Listeners {
    /// For processes of this user.
    pub unix: UnixListener,
    /// Listeners that take the place of `unix`, where its file was removed.
    pub renewed: mpsc::Receiver<UnixListener>,
    /// On the loopback interface, if its port was free.
    pub tcp: Option<TcpListener>,
}

/// Serves the API until `shutdown` is done.
pub async fn serve(
    daemon: Daemon,
    access: Access,
    listeners: Listeners,
    shutdown: impl Future<Output = ()>,
) {
    let access = Arc::new(access);
    let app = App::new(daemon, Arc::clone(&access));
    let acceptor = |transport| Acceptor::new(app.clone(), Arc::clone(&access), transport);
    let (over_unix, over_tcp) = (acceptor(Transport::Unix), acceptor(Transport::Tcp));
    let (mut unix, mut tcp) = (SameUser(listeners.unix), listeners.tcp);
    let mut renewed = listeners.renewed;
    let connections = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(listener) = renewed.recv() => unix = SameUser(listener),
            stream = unix.accept() => over_unix.accept(stream, connections.watcher()),
            stream = accept_tcp(&mut tcp) => over_tcp.accept(stream, connections.watcher()),
        }
    }
    // Those who came before the end would see their connection break, and not
    // know why.
    while let Some(stream) = unix.accept().now_or_never() {
        over_unix.accept(stream, connections.watcher());
    }
    let _ = tokio::time::timeout(LAST_REPLIES, connections.shutdown()).await;
}

async fn accept_tcp(listener: &mut Option<TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return pending().await;
    };
    let (stream, _) = Listener::accept(listener).await;
    // Replies are written whole.
    let _ = stream.set_nodelay(true);
    stream
}

/// Serves the connections of one listener, as many as there is room for.
struct Acceptor {
    service: Router,
    room: Arc<Semaphore>,
}

impl Acceptor {
    fn new(app: App, access: Arc<Access>, transport: Transport) -> Acceptor {
        Acceptor {
            service: service(app, access, transport),
            room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        }
    }

    /// Serves a connection in a task of its own.
    fn accept<S>(&self, mut stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            let _ = stream.write(no_room().as_bytes()).now_or_never();
            return;
        };
        let service = self.service.clone();
        tokio::spawn(async move {
            serve_connection(service, stream, watcher).await;
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
async fn serve_connection<S>(service: Router, stream: S, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // A connection on which nothing has come yet would be closed at the end
    // of the daemon: it is one, to hyper, when its first byte is there.
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
        );
    // The request that came with the first byte is read before the end of the
    // daemon is looked at.
    if (&mut connection).now_or_never().is_none() {
        // An error is the client's: it has gone, or was too slow.
        let _ = watcher.watch(connection).await;
    }
}

/// A request for the log, where that takes so much.
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

/// The routes, behind what looks at each request and each reply.
fn service(app: App, access: Arc<Access>, transport: Transport) -> Router {
    let routes = routes::table()
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .with_state(app);
    // `/sessions/` is `/sessions`.
    let routes = NormalizePathLayer::trim_trailing_slash().layer(routes);
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
            let admitted = access.admit(transport, &request);
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
    Router::new().fallback_service(routes).layer(layers)
}
