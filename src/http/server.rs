//! The listeners of the API, and who comes in where.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use futures_util::FutureExt;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tower::Layer;
use tower_http::normalize_path::NormalizePathLayer;

use super::access::{Access, Transport};
use super::routes::{self, App};
use crate::daemon::Daemon;
use crate::serving::{Acceptor, Connections, SameUser, accept_tcp, behind, no_method, no_route};

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
    let acceptor = |transport| Acceptor::new(service(app.clone(), Arc::clone(&access), transport));
    let (over_unix, over_tcp) = (acceptor(Transport::Unix), acceptor(Transport::Tcp));
    let (mut unix, mut tcp) = (SameUser(listeners.unix), listeners.tcp);
    let mut renewed = listeners.renewed;
    let connections = Connections::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(listener) = renewed.recv() => unix = SameUser(listener),
            stream = unix.accept() => over_unix.accept(stream, connections.ending(), ()),
            (stream, _) = accept_tcp(&mut tcp) => {
                over_tcp.accept(stream, connections.ending(), ());
            }
        }
    }
    // Those who came before the end would see their connection break, and not
    // know why.
    while let Some(stream) = unix.accept().now_or_never() {
        over_unix.accept(stream, connections.ending(), ());
    }
    connections.end().await;
}

fn service(app: App, access: Arc<Access>, transport: Transport) -> Router {
    let routes = routes::table()
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(app);
    // `/sessions/` is `/sessions`.
    let routes = NormalizePathLayer::trim_trailing_slash().layer(routes);
    let routes = Router::new().fallback_service(routes);
    behind(routes, move |request| access.admit(transport, request))
}
