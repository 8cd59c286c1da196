//! The process: its listeners, the second `tvmux web` that finds the first, its end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http_body::Body as _;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tower_http::set_header::SetResponseHeaderLayer;

use super::app::App;
use super::doors::{Doors, Rights};
use super::routes;
use super::settings::Settings;
use crate::atomic_file::{self, Durability};
use crate::folders::Folders;
use crate::serving::{Acceptor, Connections, SameUser, Secret, accept_tcp, behind};

/// What pages of this server may load: its own files, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'none'";

/// Time allowed for another `tvmux web` to ask and to be answered.
const ASK_TIME: Duration = Duration::from_secs(5);

/// Most that one says to the other, in bytes.
const LONGEST: u64 = 4096;

/// Where clients come in.
#[derive(Debug)]
pub struct Listeners {
    /// On the loopback interface.
    pub tcp: TcpListener,
    /// For another `tvmux web` of this user.
    pub unix: UnixListener,
}

/// What another `tvmux web` asks for.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    control: bool,
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Known {
    /// An address that lets somebody in once.
    pub address: String,
    /// The process that serves it.
    pub pid: u32,
    pub version: String,
}

/// The name below which everything is served: nobody can guess it, and it stays the
/// same for this user, so that links to recordings do.
///
/// # Errors
/// When it can neither be read nor written.
pub fn base_name(folders: &Folders) -> io::Result<String> {
    let path = folders.state().join("web-base");
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let known = known.trim();
    let is_sound = |name: &str| {
        (16..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if is_sound(known) {
        return Ok(known.to_owned());
    }
    let name = Secret::random()?.tell()[..24].to_owned();
    atomic_file::replace(&path, 0o600, name.as_bytes(), Durability::Kill)?;
    Ok(name)
}

/// Asks the `tvmux web` that listens at `socket` for an address that lets somebody
/// in.
///
/// # Errors
/// When none listens, or it does not answer.
pub async fn ask_for_ticket(socket: &Path, control: bool) -> io::Result<Known> {
    let ask = async {
        let mut stream = UnixStream::connect(socket).await?;
        let question = serde_json::to_string(&Question { control })? + "\n";
        stream.write_all(question.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer).await?;
        Ok(serde_json::from_slice(&answer)?)
    };
    match tokio::time::timeout(ASK_TIME, ask).await {
        Ok(known) => known,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Serves until `shutdown` is done, or until nobody has looked for long. `announce`
/// gets addresses that let somebody in once, one for a browser and one to be told.
///
/// # Errors
/// When the system has no random bytes, or the listener no address.
pub async fn serve(
    listeners: Listeners,
    settings: Settings,
    base: String,
    control: bool,
    announce: impl FnOnce([String; 2]),
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let doors = Doors::new(listeners.tcp.local_addr()?, base)?;
    let connections = Connections::new();
    let idle_end = settings.idle_end;
    let app = App::new(doors, settings, connections.ending());
    let rights = rights(control);
    announce([app.doors.ticket(rights)?, app.doors.ticket(rights)?]);
    let first = app.clone();
    // New casts are read before somebody waits for the list.
    tokio::spawn(async move { first.catalogue.casts().await });
    let acceptor = Acceptor::new(service(&app));
    let (mut tcp, mut unix) = (Some(listeners.tcp), SameUser(listeners.unix));
    let viewers = app.viewers.clone();
    let idle = async {
        match idle_end {
            Some(time) => viewers.gone_for(time).await,
            None => std::future::pending().await,
        }
    };
    let (mut shutdown, mut idle) = (pin!(shutdown), pin!(idle));
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = &mut idle => break,
            (stream, peer) = accept_tcp(&mut tcp) => {
                acceptor.accept(stream, connections.ending(), peer);
            }
            stream = unix.accept() => {
                let app = app.clone();
                tokio::spawn(tokio::time::timeout(ASK_TIME, answer(app, stream)));
            }
        }
    }
    connections.end().await;
    Ok(())
}

fn rights(control: bool) -> Rights {
    match control {
        true => Rights::Control,
        false => Rights::Read,
    }
}

/// Gives another `tvmux web` of this user an address.
async fn answer(app: App, mut stream: UnixStream) -> io::Result<()> {
    let mut question = String::new();
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read.take(LONGEST));
    read.read_line(&mut question).await?;
    let question: Question = serde_json::from_str(&question)?;
    let known = Known {
        address: app.doors.ticket(rights(question.control))?,
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    // Whoever follows the address in a while still finds the server.
    drop(app.viewers.enter());
    write.write_all(&serde_json::to_vec(&known)?).await
}

/// The routes, behind what looks at each request and each reply.
fn service(app: &App) -> Router {
    let routes = routes::all(app.clone()).layer(from_fn_with_state(app.clone(), count));
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let doors = app.clone();
    behind(routes, move |request| doors.doors.admit(request))
        .layer(header(CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(REFERRER_POLICY, "no-referrer"))
        .layer(header(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ))
}

/// Counts those who look, as long as their replies go on.
async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let viewer = app.viewers.enter();
    let response = next.run(request).await;
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let viewer = Arc::new(viewer);
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &viewer;
            frame
        }))
    })
}

/// The peer's address, which the connection's requests carry.
pub(super) type Peer = SocketAddr;
