//! The Unix socket: who is on the other end is known from the kernel.

use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};

use super::serve::PAUSE;

/// A listener that takes only processes of this user, and of root.
pub(super) struct SameUser(pub(super) UnixListener);

impl SameUser {
    /// The next client that may come in.
    pub(super) async fn accept(&mut self) -> UnixStream {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => match stream.peer_cred() {
                    Ok(peer) if is_welcome(&peer) => return stream,
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
}

fn is_welcome(peer: &UCred) -> bool {
    let own = nix::unistd::getuid().as_raw();
    peer.uid() == own || peer.uid() == 0
}
