//! The process between a pane and its FIFO hands on all, holds up nobody, and
//! ends when either side has gone.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;

use nix::sys::stat::Mode;
use tvmux::record::relay::VERB;

use crate::support::{DEADLINE, wait_for, wait_until};

struct Relay {
    input: UnixStream,
    output: File,
    process: Child,
    _folder: tempfile::TempDir,
}

fn open(path: &Path) -> File {
    let no_wait = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let mut options = File::options();
    options.read(true).custom_flags(no_wait).open(path).unwrap()
}

impl Relay {
    fn start() -> Relay {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let output = open(&path);
        let (input, theirs) = UnixStream::pair().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_tvmux"))
            .arg(VERB)
            .stdin(OwnedFd::from(theirs))
            .stdout(File::options().write(true).open(&path).unwrap())
            .spawn()
            .unwrap();
        Relay {
            input,
            output,
            process,
            _folder: folder,
        }
    }

    /// Reads until `size` bytes are there.
    fn read(&mut self, size: usize) -> Vec<u8> {
        let mut all = vec![0; size];
        let mut done = 0;
        wait_until("all is handed on", || {
            match self.output.read(&mut all[done..]) {
                Ok(count) => done += count,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            done == size
        });
        all
    }

    fn end(&mut self) -> ExitStatus {
        wait_for("the relay ends", || self.process.try_wait().unwrap())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn everything_is_handed_on_in_order() {
    let mut relay = Relay::start();
    let sent: Vec<u8> = (0..5_000_000u32).flat_map(u32::to_le_bytes).collect();
    let mut input = relay.input.try_clone().unwrap();
    let copy = sent.clone();
    let writer = thread::spawn(move || {
        for piece in copy.chunks(4000) {
            input.write_all(piece).unwrap();
        }
        input.shutdown(std::net::Shutdown::Both).unwrap();
    });
    assert!(relay.read(sent.len()) == sent, "what comes out went in");
    writer.join().unwrap();
    assert!(relay.end().success());
}

#[test]
fn a_relay_that_waits_holds_up_no_reader() {
    let mut relay = Relay::start();
    relay.input.write_all(b"first").unwrap();
    assert_eq!(relay.read(5), b"first");
    // The relay waits for more now, or is about to.
    let mut output = relay.output.try_clone().unwrap();
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..1000 {
            let read = output.read(&mut [0; 8]);
            let _ = sender.send(read.map_err(|error| error.kind()));
            thread::yield_now();
        }
    });
    for _ in 0..1000 {
        let read = answer
            .recv_timeout(DEADLINE)
            .expect("a read returns at once");
        assert_eq!(read, Err(ErrorKind::WouldBlock));
    }
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let mut relay = Relay::start();
    relay.input.write_all(b"first").unwrap();
    assert_eq!(relay.read(5), b"first");
    relay.output = tempfile::tempfile().unwrap();
    relay.input.write_all(b"second").unwrap();
    assert!(!relay.end().success());
}
