//! The Unix socket: the kernel says who is at the other end.

use axum::serve::Listener;
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};

/// A listener that takes only processes of this user, and of root.
pub(crate) struct SameUser(pub(crate) UnixListener);

impl SameUser {
    /// The next client that may come in.
    pub(crate) async fn accept(&mut self) -> UnixStream {
        loop {
            let (stream, _) = Listener::accept(&mut self.0).await;
            match stream.peer_cred() {
                Ok(peer) if is_welcome(&peer) => return stream,
                Ok(peer) => {
                    tracing::warn!(uid = peer.uid(), pid = peer.pid(), "turned away");
                }
                Err(error) => tracing::warn!(%error, "turned away: the user is unknown"),
            }
        }
    }
}

fn is_welcome(peer: &UCred) -> bool {
    let own = nix::unistd::getuid().as_raw();
    peer.uid() == own || peer.uid() == 0
}
