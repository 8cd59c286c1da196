//! The Unix socket: who is on the other end is known from the kernel.

use std::time::Duration;

use axum::serve::Listener;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};

/// After a failed accept (no descriptors left), wait this long.
const PAUSE: Duration = Duration::from_millis(100);

/// A listener that takes only processes of this user, and of root.
pub(super) struct SameUser(pub(super) UnixListener);

impl Listener for SameUser {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        let own = nix::unistd::getuid().as_raw();
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => match stream.peer_cred() {
                    Ok(peer) if peer.uid() == own || peer.uid() == 0 => return (stream, address),
                    Ok(peer) => {
                        tracing::warn!(uid = peer.uid(), pid = peer.pid(), "turned away");
                    }
                    Err(error) => tracing::warn!(%error, "a client that cannot be told"),
                },
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
