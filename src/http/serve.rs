//! Connections: how many, how long, how much.
//!
//! Invariant: whatever comes in, memory stays bounded: so many connections on
//! each listener, so many bytes of a head and a body, and each wait for a
//! client has an end. None of this needs a timer while nobody is connected.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Request, Response, Uri};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::ServiceExt;

use super::gate::{Gate, Way};
use super::unix::SameUser;
use crate::daemon::Daemon;

/// So many connections may be open on each listener.
const MOST_CONNECTIONS: usize = 1024;

/// A request's head is to be there within this time, also the first.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// A connection without a request is closed after this.
const IDLE_TIME: Duration = Duration::from_secs(60);

/// A client that takes nothing of its reply is given up after this.
const STALL_TIME: Duration = Duration::from_secs(60);

/// A request's head is no larger, in bytes.
const MOST_HEAD: usize = 16 * 1024;

/// After a failed accept (no descriptors left), wait this long.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// When the daemon ends, replies under way have this long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where clients come in.
#[derive(Debug)]
pub struct Listeners {
    /// For processes of this user.
    pub unix: UnixListener,
    /// On the loopback interface, if its port was free.
    pub tcp: Option<TcpListener>,
}

/// Serves the API until `shutdown` is done.
pub async fn serve(
    daemon: Daemon,
    gate: Gate,
    listeners: Listeners,
    shutdown: impl Future<Output = ()>,
) {
    let gate = Arc::new(gate);
    let (closing, is_closing) = watch::channel(false);
    let door = Door {
        router: super::router(daemon, Arc::clone(&gate)),
        gate,
        is_closing,
    };
    let unix = tokio::spawn(accept_unix(door.clone(), SameUser(listeners.unix)));
    let tcp = listeners
        .tcp
        .map(|listener| tokio::spawn(accept_tcp(door.clone(), listener)));
    drop(door);
    shutdown.await;
    if let Some(tcp) = tcp {
        tcp.abort();
    }
    closing.send_replace(true);
    // Each connection holds a receiver until its last reply is out, and so does
    // the task that takes them in.
    let _ = tokio::time::timeout(LAST_WORDS, closing.closed()).await;
    unix.abort();
}

/// What all connections share.
#[derive(Clone)]
struct Door {
    router: Router,
    gate: Arc<Gate>,
    is_closing: watch::Receiver<bool>,
}

/// Takes in clients until the end, and then those who came before it: they
/// would see their connection break, and not know why.
async fn accept_unix(door: Door, mut listener: SameUser) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut is_closing = door.is_closing.clone();
    loop {
        let stream = tokio::select! {
            biased;
            stream = listener.accept() => stream,
            _ = is_closing.wait_for(|closing| *closing) => return,
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            let _ = stream.try_write(full().as_bytes());
            continue;
        };
        let door = door.clone();
        tokio::spawn(async move {
            door.attend(Way::Unix, stream).await;
            drop(place);
        });
    }
}

async fn accept_tcp(door: Door, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            let _ = stream.try_write(full().as_bytes());
            continue;
        };
        // Replies are written whole.
        let _ = stream.set_nodelay(true);
        let door = door.clone();
        tokio::spawn(async move {
            door.attend(Way::Tcp, stream).await;
            drop(place);
        });
    }
}

/// What a client is told for whom there is no room. It need not have asked.
fn full() -> String {
    let body = r#"{"code":"too_many_connections","message":"too many connections","detail":"too many connections"}"#;
    let length = body.len();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

impl Door {
    /// Serves one connection to its end.
    async fn attend<S>(self, way: Way, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let watch = Arc::new(Watch::new());
        let stream = Watched {
            stream,
            watch: Arc::clone(&watch),
        };
        let mut is_closing = self.is_closing.clone();
        let service = hyper::service::service_fn({
            let (door, watch) = (self, Arc::clone(&watch));
            move |request| {
                let (door, watch) = (door.clone(), Arc::clone(&watch));
                watch.set(Phase::Busy);
                async move {
                    let reply = door.answer(way, request).await;
                    Ok::<_, Infallible>(reply.map(|body| Reply { body, watch }))
                }
            }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .max_buf_size(MOST_HEAD)
                .serve_connection(TokioIo::new(stream), service)
        );
        let mut timer = Box::pin(sleep_until(Instant::now() + HEAD_TIME));
        let mut closing = pin!(is_closing.wait_for(|closing| *closing));
        let mut is_ending = false;
        poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // Who has just come is answered once.
            if !is_ending && watch.has_asked() && closing.as_mut().poll(cx).is_ready() {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
                if connection.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
            }
            watch.poll_expired(timer.as_mut(), cx)
        })
        .await;
    }

    async fn answer(self, way: Way, mut request: Request<Incoming>) -> Response<Body> {
        let mut reply = match self.gate.admit(way, &request) {
            Ok(()) => {
                trim_slash(request.uri_mut());
                let reply = self.router.oneshot(request.map(Body::new)).await;
                reply.unwrap_or_else(|never| match never {})
            }
            Err(refusal) => *refusal,
        };
        let headers = reply.headers_mut();
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        );
        reply
    }
}

/// `/sessions/` is `/sessions`.
fn trim_slash(uri: &mut Uri) {
    let path = uri.path();
    let Some(trimmed) = path.strip_suffix('/').filter(|path| !path.is_empty()) else {
        return;
    };
    let target = match uri.query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    if let Ok(target) = target.parse() {
        *uri = target;
    }
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The rest of a request's head.
    Head,
    /// A request.
    Idle,
    /// Us.
    Busy,
}

/// Watches that a client does not take for ever.
struct Watch(Mutex<Watching>);

struct Watching {
    phase: Phase,
    since: Instant,
    /// Whether there has been a request.
    has_asked: bool,
    /// Since when the client has taken nothing of what there is for it.
    stalled: Option<Instant>,
}

impl Watch {
    fn new() -> Watch {
        Watch(Mutex::new(Watching {
            phase: Phase::Head,
            since: Instant::now(),
            has_asked: false,
            stalled: None,
        }))
    }

    fn get(&self) -> MutexGuard<'_, Watching> {
        self.0.lock().unwrap_or_else(|error| error.into_inner())
    }

    fn set(&self, phase: Phase) {
        let mut watching = self.get();
        watching.phase = phase;
        watching.since = Instant::now();
        watching.has_asked |= phase == Phase::Busy;
    }

    fn has_asked(&self) -> bool {
        self.get().has_asked
    }

    fn has_read(&self) {
        if self.get().phase == Phase::Idle {
            self.set(Phase::Head);
        }
    }

    fn has_written(&self, is_stalled: bool) {
        let mut watching = self.get();
        watching.stalled = match (is_stalled, watching.stalled) {
            (false, _) => None,
            (true, Some(since)) => Some(since),
            (true, None) => Some(Instant::now()),
        };
    }

    /// When the client's time is over, as things are.
    fn deadline(&self) -> Option<Instant> {
        let watching = self.get();
        let stalled = watching.stalled.map(|since| since + STALL_TIME);
        let own = match watching.phase {
            Phase::Head => Some(watching.since + HEAD_TIME),
            Phase::Idle => Some(watching.since + IDLE_TIME),
            Phase::Busy => None,
        };
        match (stalled, own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn poll_expired(&self, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline() else {
            return Poll::Pending;
        };
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.poll(cx)
    }
}

/// A stream that tells its watch what the client does.
struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.watch.has_read();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch.has_written(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch.has_written(polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A reply's body; when it is over the connection is idle.
struct Reply {
    body: Body,
    watch: Arc<Watch>,
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.watch.set(Phase::Idle);
    }
}

impl HttpBody for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}
