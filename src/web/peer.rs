//! Whose process is at the other end of a TCP connection of this machine.

use std::fs;
use std::net::SocketAddr;

/// Whether the socket at `peer`, connected to `own`, is known to be another user's;
/// root may be anybody.
pub(super) fn is_of_another_user(peer: SocketAddr, own: SocketAddr) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let user = user_of(&table, peer, own);
    let own = nix::unistd::getuid().as_raw();
    user.is_some_and(|user| user != own && user != 0)
}

/// The user of the socket at `local` that is connected to `remote`, by the table of
/// proc(5).
fn user_of(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let wanted = (name_of(local)?, name_of(remote)?);
    table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let ends = (fields.next()?, fields.next()?);
        if ends != (&*wanted.0, &*wanted.1) {
            return None;
        }
        fields.nth(4)?.parse().ok()
    })
}

/// An address as it stands there: in the byte order of the machine.
fn name_of(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    let ip = u32::from_ne_bytes(address.ip().octets());
    Some(format!("{ip:08X}:{:04X}", address.port()))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_kernel_tells_whose_a_connection_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let client = TcpStream::connect(own).unwrap();
        let peer = client.local_addr().unwrap();
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let user = nix::unistd::getuid().as_raw();
        assert_eq!(user_of(&table, peer, own), Some(user));
        assert!(!is_of_another_user(peer, own));
        let others = table.replace(&format!(" {user} "), " 4242 ");
        assert_eq!(user_of(&others, peer, own), Some(4242));
        assert_eq!(user_of(&table, own, own), None);
    }
}
