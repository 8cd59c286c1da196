//! Asks a tmux server over its own socket, without a client process.
//!
//! A client process costs several milliseconds before its first byte: the
//! program is loaded, and its whole environment sent. What only reads needs
//! none of that. Beside a daemon that asks through clients this one answers 2.1
//! times as many `GET /windows` a second, 1.8 times as many `GET /sessions`, 1.3
//! times as many `GET /panes` of 200 panes (medians of ten turns each on the
//! same tmux 3.3a, two busy cores); `cargo bench --bench http` prints the ratios.
//!
//! The messages are those of `tmux-protocol.h`, protocol 8, the same in the
//! releases from 3.2 to 3.7 ([`Version::has_known_messages`](super::Version)); a
//! server that speaks another says so and is then asked through a process. So
//! are all others, and all where the setting `tmux.direct_queries` is off.
//!
//! Invariant: nothing is sent that a server has not seen from its own clients,
//! in form and order. A server ends itself over a message of the wrong length,
//! with all its sessions: `.ci/tmux-versions` tests this on each version.

use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Batch;

/// `PROTOCOL_VERSION`, in each message.
const PROTOCOL: u32 = 8;

/// Bytes of a message's head: type, length and flags, protocol, process id.
const HEAD: usize = 16;

/// `MAX_IMSGSIZE`: no message is longer, its head included.
const LONGEST: usize = 16_384;

/// `CLIENT_UTF8`, what the `-u` of a client process sets.
const UTF8: u64 = 0x10000;

mod kind {
    pub(super) const VERSION: u32 = 12;
    pub(super) const IDENTIFY_FLAGS: u32 = 100;
    pub(super) const IDENTIFY_TERM: u32 = 101;
    pub(super) const IDENTIFY_TTY: u32 = 102;
    pub(super) const IDENTIFY_DONE: u32 = 106;
    pub(super) const IDENTIFY_PID: u32 = 107;
    pub(super) const IDENTIFY_FOLDER: u32 = 108;
    pub(super) const IDENTIFY_LONG_FLAGS: u32 = 111;
    pub(super) const COMMAND: u32 = 200;
    pub(super) const EXIT: u32 = 203;
    pub(super) const SHUTDOWN: u32 = 210;
    pub(super) const WRITE_OPEN: u32 = 303;
    pub(super) const WRITE: u32 = 304;
    pub(super) const WRITE_READY: u32 = 305;
}

/// What a client process would have printed, and its exit code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) output: Vec<u8>,
    pub(super) errors: Vec<u8>,
    pub(super) status: i32,
}

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody listens there, or the server has gone away meanwhile.
    NoServer,
    /// It cannot be asked like this; a client process may do better.
    Other(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        use io::ErrorKind::{
            BrokenPipe, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof,
        };
        match error.kind() {
            NotFound | ConnectionRefused | ConnectionReset | BrokenPipe | UnexpectedEof => {
                Fault::NoServer
            }
            _ => Fault::Other(error),
        }
    }
}

fn other(what: &str) -> Fault {
    Fault::Other(io::Error::other(what.to_owned()))
}

/// Has the server at `socket` run `batch`, which must only read: it runs
/// without an environment, in `/`, and without standard input.
pub(super) async fn ask(socket: &Path, batch: &Batch) -> Result<Reply, Fault> {
    let question = question(batch).ok_or_else(|| other("it is too long for one message"))?;
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(&question).await?;
    let mut reply = Reply::default();
    // Streams that the server waits for. It sends what it has anyway when more
    // than one line is printed: then it need not be bothered with a word.
    let mut opened = Vec::new();
    let mut read = Vec::with_capacity(LONGEST);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(Fault::NoServer);
        }
        let mut used = 0;
        while let Some((kind, data)) = message(&read[used..])? {
            used += HEAD + data.len();
            match kind {
                kind::WRITE_OPEN => opened.push(first(data)?),
                kind::WRITE => {
                    let number = first(data)?;
                    let to = match number {
                        1 => &mut reply.output,
                        _ => &mut reply.errors,
                    };
                    to.extend_from_slice(&data[4..]);
                    opened.retain(|open| *open != number);
                }
                kind::EXIT => {
                    if !data.is_empty() {
                        reply.status = first(data)?;
                    }
                    return Ok(reply);
                }
                kind::SHUTDOWN => return Err(Fault::NoServer),
                kind::VERSION => return Err(other("it speaks another protocol")),
                // As a client does.
                _ => {}
            }
        }
        read.drain(..used);
        let mut ready = Vec::new();
        for number in opened.drain(..) {
            let mut data = number.to_ne_bytes().to_vec();
            data.extend(0_i32.to_ne_bytes());
            push(&mut ready, kind::WRITE_READY, &data);
        }
        stream.write_all(&ready).await?;
    }
}

/// All that a client sends: who it is, and its command. Nothing when the
/// command does not fit into one message.
fn question(batch: &Batch) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    let mut command = Vec::new();
    let mut count = 0_i32;
    command.extend(count.to_ne_bytes());
    for argument in batch.argv() {
        // It would end there.
        if argument.as_bytes().contains(&0) {
            return None;
        }
        command.extend(argument.as_bytes());
        command.push(0);
        count += 1;
    }
    command[..4].copy_from_slice(&count.to_ne_bytes());
    if HEAD + command.len() > LONGEST {
        return None;
    }
    let mut all = Vec::with_capacity(7 * HEAD + 64 + command.len());
    let process = std::process::id();
    push(&mut all, kind::IDENTIFY_FLAGS, &0_i32.to_ne_bytes());
    push(&mut all, kind::IDENTIFY_LONG_FLAGS, &UTF8.to_ne_bytes());
    push(&mut all, kind::IDENTIFY_TERM, b"\0");
    push(&mut all, kind::IDENTIFY_TTY, b"\0");
    push(&mut all, kind::IDENTIFY_FOLDER, b"/\0");
    push(&mut all, kind::IDENTIFY_PID, &process.to_ne_bytes());
    push(&mut all, kind::IDENTIFY_DONE, b"");
    push(&mut all, kind::COMMAND, &command);
    Some(all)
}

/// Adds a message. (Since 3.6 its length has 32 bits and no flags follow it,
/// which is the same where the low byte comes first.)
fn push(all: &mut Vec<u8>, kind: u32, data: &[u8]) {
    let length = u32::try_from(HEAD + data.len()).unwrap_or(u32::MAX);
    for word in [kind, length, PROTOCOL, std::process::id()] {
        all.extend(word.to_ne_bytes());
    }
    all.extend_from_slice(data);
}

/// The first message of what was read: its type and data. Nothing while it is
/// not all there.
fn message(read: &[u8]) -> Result<Option<(u32, &[u8])>, Fault> {
    let Some((head, rest)) = read.split_first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let word = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    // The upper bits are flags.
    let length = (word(4) & 0xffff) as usize;
    if !(HEAD..=LONGEST).contains(&length) {
        return Err(other("a message has no right length"));
    }
    Ok(rest.get(..length - HEAD).map(|data| (word(0), data)))
}

/// The number that a message's data begins with.
fn first(data: &[u8]) -> Result<i32, Fault> {
    match data.first_chunk() {
        Some(bytes) => Ok(i32::from_ne_bytes(*bytes)),
        None => Err(other("a message is too short")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_read() {
        let mut all = Vec::new();
        push(&mut all, kind::WRITE, b"\x01\0\0\0text");
        push(&mut all, kind::EXIT, b"");
        let (kind, data) = message(&all).unwrap().unwrap();
        assert_eq!((kind, first(data).unwrap()), (kind::WRITE, 1));
        let used = HEAD + data.len();
        for cut in 0..used {
            assert!(message(&all[..cut]).unwrap().is_none(), "{cut}");
        }
        let rest = message(&all[used..]).unwrap();
        assert_eq!(rest, Some((kind::EXIT, &[][..])));
        assert!(first(b"abc").is_err());
        assert!(message(&[0; HEAD]).is_err());
    }

    #[test]
    fn what_does_not_fit_is_not_asked() {
        assert!(question(&Batch::of(["a".repeat(LONGEST)])).is_none());
        assert!(question(&Batch::of(["a\0b"])).is_none());
        assert!(question(&Batch::of(["list-panes"])).is_some());
    }
}
